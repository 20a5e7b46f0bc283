// Losses by the interpreter against their formulas, and every gradient op against central differences: along a
// random direction v of each operand, the sum of grad * v is (f(x + h v) - f(x - h v)) / 2h, where f is written
// here in long double and weighted with dy.
#include "tests/numeric/expect.h"

enum { MOST = 700 };

// A function of up to three tensors, summed with the weights dy, and its sizes.
typedef struct Forward Forward;
typedef long double Weighted(const Forward *f, long double *const *x);
struct Forward {
    Weighted *of;
    int count;             // of tensors that are differentiated
    int64_t sizes[3];      // of each
    int64_t rows, columns; // how they are seen
    const LigTensor *dy;
    const int32_t *labels;
    int form;
};

static long double weight_of(const Forward *f, int64_t i) { return number_at(f->dy, i); }

static long double difference(const Forward *f, const OneOp *one, const int *operands,
                              long double *const *direction)
{
    static long double moved[3][MOST];
    long double *const x[] = {moved[0], moved[1], moved[2]};
    const long double h = 1e-6L;
    long double sides[2];
    for (int side = 0; side < 2; side++) {
        for (int t = 0; t < f->count; t++) {
            for (int64_t i = 0; i < f->sizes[t]; i++)
                moved[t][i] = number_at(&one->operands[operands[t]], i) + (side ? -h : h) * direction[t][i];
        }
        sides[side] = f->of(f, x);
    }
    return (sides[0] - sides[1]) / (2 * h);
}

// `operands` says which of the op's are differentiated, in the order of its results.
static void check_gradient(OneOp *one, Forward *f, const int *operands, uint64_t *seed)
{
    static long double values[3][MOST];
    long double *const direction[] = {values[0], values[1], values[2]};
    LigTensor outs[MOST_RESULTS];
    run_all(one, outs);
    for (int t = 0; t < f->count; t++) { // one operand at a time
        long double got = 0, magnitude = 0;
        f->sizes[t] = tensor_count(&one->operands[operands[t]]);
        assert_true(f->sizes[t] <= MOST && tensor_count(&outs[t]) == f->sizes[t]);
        for (int o = 0; o < f->count; o++) f->sizes[o] = tensor_count(&one->operands[operands[o]]);
        for (int o = 0; o < f->count; o++)
            for (int64_t i = 0; i < f->sizes[o]; i++)
                values[o][i] = o == t ? (long double)random_between(seed, -1, 1) : 0;
        for (int64_t i = 0; i < f->sizes[t]; i++) {
            long double term = number_at(&outs[t], i) * values[t][i];
            got += term;
            magnitude += fabsl(term);
        }
        long double want = difference(f, one, operands, direction);
        long double bound =
            magnitude * (long double)compare_eps(outs[t].shape.dtype) * 2 + 1e-8L * (1 + magnitude);
        if (fabsl(got - want) > bound)
            fail_msg("%s, %s, operand %d: %.17Lg along a direction, expected %.17Lg",
                     lig_op_info(one->code)->name, lig_dtype_name(outs[t].shape.dtype), operands[t], got, want);
    }
    finish(one, outs, MOST_RESULTS);
}

static const int64_t shapes[][2] = {{1, 1}, {3, 7}, {2, 33}};
enum { SHAPES = 3 };

// ---- elementwise ----

static long double silu(const Forward *f, long double *const *x)
{
    long double sum = 0;
    for (int64_t i = 0; i < f->sizes[0]; i++) sum += weight_of(f, i) * x[0][i] / (1 + expl(-x[0][i]));
    return sum;
}

static long double gelu(const Forward *f, long double *const *x)
{
    long double sum = 0;
    for (int64_t i = 0; i < f->sizes[0]; i++) {
        long double v = x[0][i], u = sqrtl(2 / 3.14159265358979323846264L) * (v + 0.044715L * v * v * v);
        sum += weight_of(f, i) * v / 2 * (1 + (f->form ? tanhl(u) : erfl(v / sqrtl(2))));
    }
    return sum;
}

static void relu_lets_through_what_is_positive(void **state)
{
    (void)state;
    uint64_t seed = 8;
    for (int at = 0; at < SHAPES * FLOATS; at++) {
        OneOp one = {.code = LIG_OP_RELU_GRAD, .count = 2};
        for (int i = 0; i < 2; i++)
            one.operands[i] = random_tensor(floats[at % FLOATS], 2, shapes[at / FLOATS], &seed);
        lig_shape_set(&one.operands[0].shape, one.operands[0].data, 0, 0); // no slope at 0
        LigTensor out = run(&one);
        for (int64_t i = 0; i < tensor_count(&out); i++) {
            long double dy = number_at(&one.operands[1], i);
            expect(&out, i, number_at(&one.operands[0], i) > 0 ? dy : 0, 0, "relu_grad");
        }
        finish(&one, &out, 1);
    }
}

static void activations(void **state)
{
    (void)state;
    static const int first[] = {0};
    uint64_t seed = 1;
    for (int at = 0; at < SHAPES * FLOATS; at++) {
        for (int which = 0; which < 3; which++) {
            LigAttr form = ATTR_NAME(FORM, which == 2 ? "tanh" : "erf");
            OneOp one = {.code = which ? LIG_OP_GELU_GRAD : LIG_OP_SILU_GRAD,
                         .attrs = {&form, which ? 1 : 0},
                         .count = 2};
            for (int i = 0; i < 2; i++)
                one.operands[i] = random_tensor(floats[at % FLOATS], 2, shapes[at / FLOATS], &seed);
            Forward f = {.of = which ? gelu : silu, .count = 1, .dy = &one.operands[1], .form = which == 2};
            check_gradient(&one, &f, first, &seed);
        }
    }
}

// ---- rows ----

// The op's operand is y; x is what it was computed of.
static long double softmax(const Forward *f, long double *const *x)
{
    long double sum = 0;
    for (int64_t r = 0; r < f->rows; r++) {
        long double total = 0;
        for (int64_t c = 0; c < f->columns; c++) total += expl(x[0][r * f->columns + c]);
        for (int64_t c = 0; c < f->columns; c++) {
            long double v = x[0][r * f->columns + c];
            sum += weight_of(f, r * f->columns + c) * (f->form ? v - logl(total) : expl(v) / total);
        }
    }
    return sum;
}

// These take y: computed here from x and rounded, so that f64 and f32 alone are compared tightly.
static void softmaxes(void **state)
{
    (void)state;
    uint64_t seed = 2;
    for (int at = 0; at < SHAPES * FLOATS * 2; at++) {
        int form = at % 2;
        LigDtype dtype = floats[at / 2 % FLOATS];
        const int64_t *dims = shapes[at / 2 / FLOATS];
        LigTensor x = random_tensor(LIG_F64, 2, dims, &seed);
        OneOp one = {.code = form ? LIG_OP_LOG_SOFTMAX_GRAD : LIG_OP_SOFTMAX_GRAD, .count = 2};
        one.operands[0] = new_tensor(dtype, 2, dims, (LigLayout){0});
        one.operands[1] = random_tensor(dtype, 2, dims, &seed);
        for (int64_t i = 0; i < dims[0] * dims[1]; i++) {
            long double total = 0;
            for (int64_t c = 0; c < dims[1]; c++) total += expl(number_at(&x, i / dims[1] * dims[1] + c));
            long double y = number_at(&x, i) - logl(total);
            lig_shape_set(&one.operands[0].shape, one.operands[0].data, i, (double)(form ? y : expl(y)));
        }
        LigTensor out = run(&one);
        long double want = 0, got = 0, magnitude = 0;
        static long double moved[MOST], direction[MOST];
        long double *const xs[] = {moved};
        Forward f = {.rows = dims[0], .columns = dims[1], .dy = &one.operands[1], .form = form};
        for (int64_t i = 0; i < tensor_count(&out); i++) {
            direction[i] = (long double)random_between(&seed, -1, 1);
            got += number_at(&out, i) * direction[i];
            magnitude += fabsl(number_at(&out, i) * direction[i]) + fabsl(number_at(&one.operands[1], i));
        }
        for (int side = -1; side <= 1; side += 2) {
            for (int64_t i = 0; i < tensor_count(&out); i++)
                moved[i] = number_at(&x, i) + side * 1e-6L * direction[i];
            want += side * softmax(&f, xs) / 2e-6L;
        }
        assert_true(fabsl(got - want) <= magnitude * (8 * (long double)compare_eps(dtype) + 1e-8L));
        finish(&one, &out, 1);
        free(x.data);
    }
}

static long double norm(const Forward *f, long double *const *x)
{
    long double sum = 0;
    for (int64_t r = 0; r < f->rows; r++) {
        const long double *row = x[0] + r * f->columns;
        long double mean = 0, square = 0;
        for (int64_t c = 0; f->count == 3 && c < f->columns; c++) mean += row[c] / f->columns;
        for (int64_t c = 0; c < f->columns; c++) square += (row[c] - mean) * (row[c] - mean) / f->columns;
        for (int64_t c = 0; c < f->columns; c++) {
            long double unit = (row[c] - mean) / sqrtl(square + (long double)1e-3);
            long double y = unit * (x[1][c] + f->form) + (f->count == 3 ? x[2][c] : 0);
            sum += weight_of(f, r * f->columns + c) * y;
        }
    }
    return sum;
}

static void norms(void **state)
{
    (void)state;
    static const int operands[] = {0, 1, 1}; // the bias has the weight's shape; its value is of no matter
    uint64_t seed = 3;
    for (int at = 0; at < SHAPES * FLOATS * 3; at++) {
        int which = at % 3; // rms, rms with offset, layer
        const int64_t *dims = shapes[at / 3 / FLOATS];
        LigDtype dtype = floats[at / 3 % FLOATS];
        LigAttr attrs[] = {ATTR_FLOAT(EPS, 1e-3), ATTR_FLAG(UNIT_OFFSET)};
        OneOp one = {.code = which == 2 ? LIG_OP_LAYER_NORM_GRAD : LIG_OP_RMS_NORM_GRAD,
                     .attrs = {attrs, which == 1 ? 2 : 1},
                     .count = 3};
        one.operands[0] = random_tensor(dtype, 2, dims, &seed);
        one.operands[1] = random_tensor(at / 3 / FLOATS == 1 ? LIG_F32 : dtype, 1, dims + 1, &seed);
        one.operands[2] = random_tensor(dtype, 2, dims, &seed);
        Forward f = {.of = norm,
                     .count = which == 2 ? 3 : 2,
                     .rows = dims[0],
                     .columns = dims[1],
                     .dy = &one.operands[2],
                     .form = which == 1};
        check_gradient(&one, &f, operands, &seed);
    }
}

static long double rope(const Forward *f, long double *const *x)
{
    long double sum = 0;
    for (int64_t i = 0; i < f->sizes[0];
         i++) { // [3,1,17], F = 3, positions 0, 5, 9 and frequencies 1, 0.5, 0.25
        static const int positions[] = {0, 5, 9};
        int64_t c = i % 17, pair = f->form ? c % 3 : c / 2, base = i - c;
        int64_t a = base + (f->form ? pair : 2 * pair), b = f->form ? a + 3 : a + 1;
        int64_t row = i / 17;
        long double angle = positions[row] * ldexpl(1, (int)-pair);
        long double y = c >= 6   ? x[0][i]
                        : i == a ? x[0][a] * cosl(angle) - x[0][b] * sinl(angle)
                                 : x[0][a] * sinl(angle) + x[0][b] * cosl(angle);
        sum += weight_of(f, i) * y;
    }
    return sum;
}

static void rotations(void **state)
{
    (void)state;
    static const int first[] = {0};
    uint64_t seed = 4;
    for (int at = 0; at < 2 * FLOATS; at++) {
        LigAttr pairs = ATTR_NAME(PAIRS, at % 2 ? "half" : "adjacent");
        OneOp one = {.code = LIG_OP_ROPE_GRAD, .attrs = {&pairs, 1}, .count = 3};
        one.operands[0] = RANDOM(&seed, floats[at / 2], 3, 1, 17);
        one.operands[1] = INTEGERS(0, 5, 9);
        one.operands[2] = TENSOR(LIG_F32, 3);
        for (int i = 0; i < 3; i++)
            lig_shape_set(&one.operands[2].shape, one.operands[2].data, i, ldexp(1, -i));
        // Linear in x, so that any x will do: dy's own numbers.
        Forward f = {.of = rope, .count = 1, .dy = &one.operands[0], .form = at % 2};
        check_gradient(&one, &f, first, &seed);
    }
}

// ---- attention ----

enum { BATCH = 2, HEADS = 4, KV_HEADS = 2, QUERIES = 3, KEYS = 5, WIDTH = 17, VALUE_WIDTH = 6 };

static long double attend(const Forward *f, long double *const *x, int64_t query)
{
    int64_t first = (query / QUERIES / HEADS * KV_HEADS + query / QUERIES % HEADS / (HEADS / KV_HEADS)) * KEYS;
    long double total = 0, sum = 0;
    for (int64_t j = 0; j < KEYS; j++) {
        long double score = 0, y = 0;
        if (f->form && j > query % QUERIES) continue; // the mask
        for (int64_t d = 0; d < WIDTH; d++) score += x[0][query * WIDTH + d] * x[1][(first + j) * WIDTH + d];
        long double share = expl(score / 4);
        total += share;
        for (int64_t e = 0; e < VALUE_WIDTH; e++)
            y += weight_of(f, query * VALUE_WIDTH + e) * x[2][(first + j) * VALUE_WIDTH + e];
        sum += share * y;
    }
    return sum / total;
}

static long double attention(const Forward *f, long double *const *x)
{
    long double sum = 0;
    for (int64_t query = 0; query < BATCH * HEADS * QUERIES; query++) sum += attend(f, x, query);
    return sum;
}

static void dense_attention(void **state)
{
    (void)state;
    static const int operands[] = {0, 1, 2};
    uint64_t seed = 5;
    for (int at = 0; at < 2 * FLOATS; at++) {
        LigAttr scale = ATTR_FLOAT(SCALE, 0.25);
        LigDtype dtype = floats[at / 2];
        OneOp one = {.code = LIG_OP_SDPA_GRAD, .attrs = {&scale, 1}, .count = at % 2 ? 5 : 4};
        one.operands[0] = RANDOM(&seed, dtype, BATCH, HEADS, QUERIES, WIDTH);
        one.operands[1] = RANDOM(&seed, dtype, BATCH, KV_HEADS, KEYS, WIDTH);
        one.operands[2] = RANDOM(&seed, dtype, BATCH, KV_HEADS, KEYS, VALUE_WIDTH);
        one.operands[3] = RANDOM(&seed, dtype, BATCH, HEADS, QUERIES, VALUE_WIDTH);
        if (at % 2) one.operands[4] = TENSOR(LIG_F32, QUERIES, KEYS);
        for (int64_t i = 0; at % 2 && i < QUERIES * KEYS; i++)
            lig_shape_set(&one.operands[4].shape, one.operands[4].data, i, i % KEYS > i / KEYS ? -HUGE_VAL : 0);
        Forward f = {.of = attention, .count = 3, .dy = &one.operands[3], .form = at % 2};
        check_gradient(&one, &f, operands, &seed);
    }
}

// Attention without slot: two rows of 4 and 3 tokens between tokens of no row, the second with two keys only, so
// that its last query in a window sees none.
enum { FLAT_TOKENS = 9, FLAT_ROWS = 2, FLAT_WIDTH = 17 };
static const int32_t flat_start[] = {1, 5, 8}, flat_lengths[] = {4, 2};
static const int32_t flat_positions[] = {0, 0, 1, 2, 3, 0, 1, 3, 0};

typedef struct FlatForm {
    bool causal;
    int window;          // 0: none
    long double softcap; // 0: none
} FlatForm;
static const FlatForm flat_forms[] = {
    {.causal = false}, {.causal = true}, {true, 2, 0}, {false, 3, 0}, {true, 0, 0.75L}, {true, 2, 0.75L},
};
enum { FLAT_FORMS = sizeof flat_forms / sizeof *flat_forms };

static bool flat_sees(const FlatForm *form, int32_t pos, int32_t key)
{
    if (form->causal) return key <= pos && (!form->window || key > pos - form->window);
    return !form->window || (key - pos <= form->window / 2 && pos - key <= form->window / 2);
}

// The result of one token and head, weighted with dy; 0 without keys.
static long double flat_query(const Forward *f, long double *const *x, int token, int head)
{
    const FlatForm *form = &flat_forms[f->form];
    int row = token >= flat_start[1];
    int64_t query = ((int64_t)token * HEADS + head) * FLAT_WIDTH;
    long double total = 0, sum = 0;
    for (int j = 0; j < flat_lengths[row]; j++) {
        if (!flat_sees(form, flat_positions[token], j)) continue;
        int64_t key = ((int64_t)(flat_start[row] + j) * KV_HEADS + head / (HEADS / KV_HEADS)) * FLAT_WIDTH;
        long double score = 0, y = 0;
        for (int d = 0; d < FLAT_WIDTH; d++) score += x[0][query + d] * x[1][key + d] / 4;
        for (int d = 0; d < FLAT_WIDTH; d++) y += weight_of(f, query + d) * x[2][key + d];
        long double share = expl(form->softcap > 0 ? form->softcap * tanhl(score / form->softcap) : score);
        total += share;
        sum += share * y;
    }
    return total > 0 ? sum / total : 0;
}

static long double flat(const Forward *f, long double *const *x)
{
    long double sum = 0;
    for (int token = flat_start[0]; token < flat_start[FLAT_ROWS]; token++)
        for (int head = 0; head < HEADS; head++) sum += flat_query(f, x, token, head);
    return sum;
}

static OneOp flat_op(int form, LigDtype dtype, LigAttr *attrs, uint64_t *seed)
{
    size_t count = 0;
    attrs[count++] = ATTR_FLOAT(SCALE, 0.25);
    if (flat_forms[form].causal) attrs[count++] = ATTR_FLAG(CAUSAL);
    if (flat_forms[form].window) attrs[count++] = ATTR_INT(WINDOW, flat_forms[form].window);
    if (flat_forms[form].softcap > 0) attrs[count++] = ATTR_FLOAT(SOFTCAP, 0.75);
    OneOp one = {.code = LIG_OP_ATTENTION_GRAD, .attrs = {attrs, count}, .count = 7};
    for (int i = 0; i < 4; i++)
        one.operands[i] = RANDOM(seed, dtype, FLAT_TOKENS, i < 2 ? HEADS : KV_HEADS, FLAT_WIDTH);
    one.operands[4] = integers(flat_positions, FLAT_TOKENS);
    one.operands[5] = integers(flat_start, FLAT_ROWS + 1);
    one.operands[6] = integers(flat_lengths, FLAT_ROWS);
    return one;
}

static void flat_attention(void **state)
{
    (void)state;
    static const int operands[] = {1, 2, 3};
    uint64_t seed = 9;
    for (int at = 0; at < FLAT_FORMS * FLOATS; at++) {
        LigAttr attrs[4];
        OneOp one = flat_op(at / FLOATS, floats[at % FLOATS], attrs, &seed);
        Forward f = {.of = flat, .count = 3, .dy = &one.operands[0], .form = at / FLOATS};
        check_gradient(&one, &f, operands, &seed);
    }
}

// Token 7, at place 3 of a row of two keys, sees none in a window of 2; tokens 0 and 8 are of no row.
static void queries_without_keys_have_no_gradient(void **state)
{
    (void)state;
    uint64_t seed = 10;
    LigAttr attrs[4];
    LigTensor outs[MOST_RESULTS];
    OneOp one = flat_op(2, LIG_F64, attrs, &seed);
    run_all(&one, outs);
    static const int without[] = {0, 7, 8}, unseen[] = {0, 7, 8};
    for (int i = 0; i < 3; i++) {
        for (int64_t d = 0; d < HEADS * FLAT_WIDTH; d++)
            assert_true(tensor_at(&outs[0], without[i] * HEADS * FLAT_WIDTH + d) == 0);
        for (int64_t d = 0; d < KV_HEADS * FLAT_WIDTH; d++) {
            assert_true(tensor_at(&outs[1], unseen[i] * KV_HEADS * FLAT_WIDTH + d) == 0);
            assert_true(tensor_at(&outs[2], unseen[i] * KV_HEADS * FLAT_WIDTH + d) == 0);
        }
    }
    finish(&one, outs, MOST_RESULTS);
}

// Of one key the share is 1 whatever the score: all of dy is v's.
static void one_key_takes_the_whole_gradient(void **state)
{
    (void)state;
    LigAttr scale = ATTR_FLOAT(SCALE, 0.25);
    uint64_t seed = 11;
    for (int dense = 0; dense < 2; dense++) {
        OneOp one = {.code = dense ? LIG_OP_SDPA_GRAD : LIG_OP_ATTENTION_GRAD, .attrs = {&scale, 1}};
        one.count = dense ? 4 : 7;
        for (int i = 0; i < 4; i++)
            one.operands[i] = dense ? RANDOM(&seed, LIG_F32, 1, 1, 1, 1) : RANDOM(&seed, LIG_F32, 1, 1, 1);
        if (!dense) one.operands[4] = INTEGERS(0);
        if (!dense) one.operands[5] = INTEGERS(0, 1);
        if (!dense) one.operands[6] = INTEGERS(1);
        LigTensor outs[MOST_RESULTS];
        run_all(&one, outs);
        assert_true(tensor_at(&outs[0], 0) == 0 && tensor_at(&outs[1], 0) == 0);
        assert_true(tensor_at(&outs[2], 0) == tensor_at(&one.operands[dense ? 3 : 0], 0));
        finish(&one, outs, MOST_RESULTS);
    }
}

// ---- losses ----

static const int32_t labels[] = {4, -100, 0, 3, 2};
enum { TOKENS = 5, CLASSES = 17, INNER = 3 };

static long double token_loss(const long double *logits, int32_t label)
{
    long double sum = 0;
    for (int c = 0; c < CLASSES; c++) sum += expl(logits[c]);
    return label < 0 ? 0 : logl(sum) - logits[label];
}

static long double cross_entropy(const Forward *f, long double *const *x)
{
    long double sum = 0;
    for (int64_t t = 0; t < f->rows; t++) sum += weight_of(f, t) * token_loss(x[0] + t * CLASSES, labels[t]);
    return sum;
}

static void logits_of(long double *const *x, int64_t t, long double *logits)
{
    for (int c = 0; c < CLASSES; c++) {
        logits[c] = 0;
        for (int i = 0; i < INNER; i++) logits[c] += x[0][t * INNER + i] * x[1][c * INNER + i];
    }
}

static long double linear_cross_entropy(const Forward *f, long double *const *x)
{
    long double sum = 0, logits[CLASSES];
    for (int64_t t = 0; t < f->rows; t++) {
        logits_of(x, t, logits);
        sum += weight_of(f, t) * token_loss(logits, labels[t]);
    }
    return sum;
}

static void losses_are_their_formulas(void **state)
{
    (void)state;
    uint64_t seed = 6;
    for (int at = 0; at < 2 * FLOATS; at++) {
        int d = at % FLOATS;
        int64_t tokens = at < FLOATS ? TOKENS : 1;
        OneOp plain = {.code = LIG_OP_CROSS_ENTROPY, .count = 2};
        plain.operands[0] = RANDOM(&seed, floats[d], tokens, CLASSES);
        plain.operands[1] = integers(labels, tokens);
        OneOp head = {.code = LIG_OP_LINEAR_CROSS_ENTROPY, .count = 3};
        head.operands[0] = RANDOM(&seed, floats[d], tokens, INNER);
        head.operands[1] = RANDOM(&seed, floats[d], CLASSES, INNER);
        head.operands[2] = integers(labels, tokens);
        LigTensor loss = run(&plain), head_loss = run(&head);
        assert_int_equal(loss.shape.dtype, floats[d] == LIG_F64 ? LIG_F64 : LIG_F32);
        long double x[TOKENS * INNER], weight[CLASSES * INNER], logits[CLASSES], *const xs[] = {x, weight};
        for (int i = 0; i < tokens * INNER; i++) x[i] = number_at(&head.operands[0], i);
        for (int i = 0; i < CLASSES * INNER; i++) weight[i] = number_at(&head.operands[1], i);
        for (int64_t t = 0; t < tokens; t++) {
            for (int c = 0; c < CLASSES; c++) logits[c] = number_at(&plain.operands[0], t * CLASSES + c);
            expect(&loss, t, token_loss(logits, labels[t]), 8, "cross_entropy");
            logits_of(xs, t, logits);
            expect(&head_loss, t, token_loss(logits, labels[t]), 16, "linear_cross_entropy");
        }
        finish(&plain, &loss, 1);
        finish(&head, &head_loss, 1);
    }
    OneOp wrong = {.code = LIG_OP_CROSS_ENTROPY, .operands = {TENSOR(LIG_F32, 1, 3), INTEGERS(3)}, .count = 2};
    expect_error(&wrong, LIG_ERR_INVALID, "labels[0] is 3");
}

static void losses(void **state)
{
    (void)state;
    static const int operands[] = {0, 1};
    uint64_t seed = 7;
    for (int at = 0; at < 2 * FLOATS; at++) {
        int d = at % FLOATS;
        int64_t tokens = at < FLOATS ? TOKENS : 1;
        OneOp plain = {.code = LIG_OP_CROSS_ENTROPY_GRAD, .count = 3};
        plain.operands[0] = RANDOM(&seed, floats[d], tokens, CLASSES);
        plain.operands[1] = integers(labels, tokens);
        plain.operands[2] = RANDOM(&seed, at < FLOATS ? LIG_F32 : floats[d], tokens);
        Forward f = {.of = cross_entropy, .count = 1, .rows = tokens, .dy = &plain.operands[2]};
        check_gradient(&plain, &f, operands, &seed);
        OneOp head = {.code = LIG_OP_LINEAR_CROSS_ENTROPY_GRAD, .count = 4};
        head.operands[0] = RANDOM(&seed, floats[d], tokens, INNER);
        head.operands[1] = RANDOM(&seed, floats[d], CLASSES, INNER);
        head.operands[2] = integers(labels, tokens);
        head.operands[3] = RANDOM(&seed, at < FLOATS ? LIG_F32 : floats[d], tokens);
        Forward g = {.of = linear_cross_entropy, .count = 2, .rows = tokens, .dy = &head.operands[3]};
        check_gradient(&head, &g, operands, &seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(relu_lets_through_what_is_positive),
        cmocka_unit_test(activations),
        cmocka_unit_test(softmaxes),
        cmocka_unit_test(norms),
        cmocka_unit_test(rotations),
        cmocka_unit_test(dense_attention),
        cmocka_unit_test(flat_attention),
        cmocka_unit_test(queries_without_keys_have_no_gradient),
        cmocka_unit_test(one_key_takes_the_whole_gradient),
        cmocka_unit_test(losses_are_their_formulas),
        cmocka_unit_test(losses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

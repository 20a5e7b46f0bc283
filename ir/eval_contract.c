// Contractions: linear, dot, conv1d, grouped_linear and attention. Products are summed in double and rounded
// once.
#include "ir/eval_kernel.h"

#include <math.h>
#include <string.h>

// ---- linear ----

// Of a row of this tensor.
static LigStatus new_quanta(const LigEvalArgs *args, const LigTensor *tensor, LigQuantaRow *row)
{
    int64_t columns = lig_eval_columns(tensor);
    row->quanta = LIG_NEW_ARRAY(args->scratch, int32_t, (size_t)columns);
    if (!row->quanta) return lig_no_memory(args->module->ctx);
    LIG_TRY(lig_eval_doubles(args, columns / LIG_QUANTA_RUN, &row->scales));
    return lig_eval_doubles(args, columns / LIG_QUANTA_RUN, &row->mins);
}

// Per run of columns: exact integer dot times both scales, plus the weight's minimum times the sum of the
// activations.
static double dot_quantised(const LigQuantaRow *x, const LigQuantaRow *w, int64_t columns)
{
    double total = 0.0;
    for (int64_t b = 0; b < columns / LIG_QUANTA_RUN; b++) {
        int64_t dot = 0, sum = 0;
        for (int64_t i = b * LIG_QUANTA_RUN; i < (b + 1) * LIG_QUANTA_RUN; i++) {
            dot += (int64_t)x->quanta[i] * w->quanta[i];
            sum += x->quanta[i];
        }
        total += x->scales[b] * (w->scales[b] * (double)dot + w->mins[b] * (double)sum);
    }
    return total;
}

static LigStatus linear_quantised(LigEvalArgs *args)
{
    const LigTensor *x = &args->operands[0], *weight = &args->operands[1], *z = &args->results[0];
    int64_t rows = lig_eval_rows(x), outputs = weight->shape.dims[0], columns = lig_eval_columns(x);
    LigQuantaRow w, *xs = LIG_NEW_ARRAY(args->scratch, LigQuantaRow, (size_t)rows);
    if (!xs) return lig_no_memory(args->module->ctx);
    for (int64_t r = 0; r < rows; r++) {
        LIG_TRY(new_quanta(args, x, &xs[r]));
        lig_shape_get_quanta(&x->shape, x->data, r, &xs[r]);
    }
    LIG_TRY(new_quanta(args, weight, &w));
    for (int64_t n = 0; n < outputs; n++) {
        lig_shape_get_quanta(&weight->shape, weight->data, n, &w);
        for (int64_t r = 0; r < rows; r++)
            lig_shape_set(&z->shape, z->data, r * outputs + n, dot_quantised(&xs[r], &w, columns));
    }
    return LIG_OK;
}

// x[..,K], weight[N,K] -> x times weight transposed, [..,N]; f32, or x's dtype. A quantised weight is
// dequantised; with q8a activations the dot product of the columns that share scales is exact in integers. Each row
// of the weight is read once, for all rows of x.
LigStatus lig_eval_linear(LigEvalArgs *args)
{
    const LigTensor *x = &args->operands[0], *weight = &args->operands[1], *z = &args->results[0];
    if (x->shape.dtype == LIG_Q8A && lig_dtype_has_integer_dot(weight->shape.dtype))
        return linear_quantised(args);
    int64_t columns = lig_eval_columns(x), rows = lig_eval_rows(x), outputs = weight->shape.dims[0];
    double *xs, *w;
    LIG_TRY(lig_eval_read_all(args, 0, &xs));
    LIG_TRY(lig_eval_doubles(args, columns, &w));
    for (int64_t n = 0; n < outputs; n++) {
        lig_shape_get_row(&weight->shape, weight->data, n, w);
        for (int64_t r = 0; r < rows; r++)
            lig_shape_set(&z->shape, z->data, r * outputs + n,
                          lig_eval_inner_product(xs + r * columns, w, columns));
    }
    return LIG_OK;
}

// ---- dot, conv1d, grouped_linear ----

// Which axes of an operand are summed over, and which come first in the result.
typedef struct DotSide {
    const LigTensor *tensor;
    LigAttrKey batch, contract;
    int order[LIG_MAX_RANK]; // its axes as batch, free, contracting
    int64_t batches, rows, columns;
} DotSide;

static int list_axes(const DotSide *side, LigAttrs attrs, LigAttrKey key, int *axes)
{
    const LigAttr *attr = lig_attrs_get(attrs, key);
    size_t count = attr ? attr->value.integers.count : 0;
    for (size_t i = 0; i < count; i++)
        axes[i] = lig_eval_axis(attr->value.integers.data[i], side->tensor->shape.rank);
    return (int)count;
}

static int64_t count_of_axes(const DotSide *side, int first, int end)
{
    int64_t count = 1;
    for (int i = first; i < end; i++) count *= side->tensor->shape.dims[side->order[i]];
    return count;
}

static void order_axes(LigAttrs attrs, DotSide *side)
{
    int contract[LIG_MAX_RANK], rank = side->tensor->shape.rank;
    int summed = list_axes(side, attrs, side->contract, contract);
    int count = list_axes(side, attrs, side->batch, side->order);
    uint32_t named = 0;
    for (int i = 0; i < summed; i++) named |= UINT32_C(1) << contract[i];
    for (int i = 0; i < count; i++) named |= UINT32_C(1) << side->order[i];
    side->batches = count_of_axes(side, 0, count);
    int free_axis = count;
    for (int i = 0; i < rank; i++) {
        if (!(named >> i & 1)) side->order[free_axis++] = i;
    }
    for (int i = 0; i < summed; i++) side->order[free_axis + i] = contract[i];
    side->rows = count_of_axes(side, count, free_axis);
    side->columns = count_of_axes(side, free_axis, rank);
}

// The operand as doubles [batches, rows, columns].
static LigStatus read_side(const LigEvalArgs *args, DotSide *side, double **out)
{
    order_axes(args->op->attrs, side);
    const LigShape *shape = &side->tensor->shape;
    int64_t count = lig_eval_count(side->tensor), at[LIG_MAX_RANK];
    LIG_TRY(lig_eval_doubles(args, count, out));
    for (int64_t i = 0; i < count; i++) {
        int64_t rest = i;
        for (int axis = shape->rank - 1; axis >= 0; axis--) {
            at[side->order[axis]] = rest % shape->dims[side->order[axis]];
            rest /= shape->dims[side->order[axis]];
        }
        (*out)[i] = lig_shape_get(shape, side->tensor->data, lig_eval_flat(shape, at));
    }
    return LIG_OK;
}

// Axes of x and y paired by *_batch stand first in the result, those paired by *_contract are summed over, the
// others follow, x's before y's: [batch, free of x, free of y] in x's dtype or f32.
LigStatus lig_eval_dot(LigEvalArgs *args)
{
    const LigTensor *z = &args->results[0];
    DotSide x = {.tensor = &args->operands[0], .batch = LIG_ATTR_X_BATCH, .contract = LIG_ATTR_X_CONTRACT};
    DotSide y = {.tensor = &args->operands[1], .batch = LIG_ATTR_Y_BATCH, .contract = LIG_ATTR_Y_CONTRACT};
    double *xs, *ys;
    LIG_TRY(read_side(args, &x, &xs));
    LIG_TRY(read_side(args, &y, &ys));
    for (int64_t i = 0, n = lig_eval_count(z); i < n; i++) {
        int64_t column = i % y.rows, row = i / y.rows; // row counts batches too
        int64_t y_row = row / x.rows * y.rows + column;
        double sum = lig_eval_inner_product(xs + row * x.columns, ys + y_row * y.columns, x.columns);
        lig_shape_set(&z->shape, z->data, i, sum);
    }
    return LIG_OK;
}

// x[B?,T,Cin], weight[Cout,Cin,K] -> [B?,S,Cout]: sum over c and j of x[t*stride + j - padding, c] weight[o, c,
// j], x being 0 outside 0..T-1, S = (T + 2 padding - K) / stride + 1. As torch's conv1d, channels last.
LigStatus lig_eval_conv1d(LigEvalArgs *args)
{
    const LigTensor *x = &args->operands[0], *weight = &args->operands[1], *z = &args->results[0];
    int64_t length = x->shape.dims[x->shape.rank - 2], channels = lig_eval_columns(x);
    int64_t places = z->shape.dims[z->shape.rank - 2], outputs = lig_eval_columns(z);
    int64_t width = weight->shape.dims[2], padding = lig_attrs_int(args->op->attrs, LIG_ATTR_PADDING, 0);
    int64_t stride = lig_attrs_int(args->op->attrs, LIG_ATTR_STRIDE, 1);
    for (int64_t i = 0, n = lig_eval_count(z); i < n; i++) {
        int64_t o = i % outputs, first = i / outputs % places * stride - padding, b = i / outputs / places;
        double sum = 0.0;
        for (int64_t j = 0; j < channels * width; j++) {
            int64_t c = j / width, t = first + j % width;
            if (t < 0 || t >= length) continue;
            sum += lig_shape_get(&x->shape, x->data, (b * length + t) * channels + c) *
                   lig_shape_get(&weight->shape, weight->data, (o * channels + c) * width + j % width);
        }
        lig_shape_set(&z->shape, z->data, i, sum);
    }
    return LIG_OK;
}

// x[N,K], weight[E,M,K], offsets[E+1] -> [N,M]: row n of group e, offsets[e] <= n < offsets[e+1], times
// weight[e] transposed; rows of no group give zeros. Errors: INVALID, offsets out of order or range.
LigStatus lig_eval_grouped_linear(LigEvalArgs *args)
{
    const LigTensor *x = &args->operands[0], *weight = &args->operands[1], *z = &args->results[0];
    int64_t rows = x->shape.dims[0], columns = x->shape.dims[1], outputs = weight->shape.dims[1];
    const int64_t *offsets = NULL;
    double *row, *w;
    LIG_TRY(lig_eval_edges(args, 2, rows, &offsets));
    LIG_TRY(lig_eval_doubles(args, columns, &row));
    LIG_TRY(lig_eval_doubles(args, columns, &w));
    int64_t group = 0, groups = weight->shape.dims[0];
    for (int64_t i = 0; i < rows * outputs; i++) {
        int64_t r = i / outputs;
        while (group < groups && r >= offsets[group + 1]) group++;
        bool is_member = group < groups && r >= offsets[group];
        if (i % outputs == 0) lig_shape_get_row(&x->shape, x->data, r, row);
        if (is_member) lig_shape_get_row(&weight->shape, weight->data, group * outputs + i % outputs, w);
        lig_shape_set(&z->shape, z->data, i, is_member ? lig_eval_inner_product(row, w, columns) : 0.0);
    }
    return LIG_OK;
}

// ---- attention ----

enum { Q, K, V, POS, START, KV_LEN, SLOT };

// One attention: sizes, mask, and scratch for the keys and values of one row and one of their heads.
typedef struct Attention {
    const LigEvalArgs *args;
    bool cached;
    int64_t heads, kv_heads, width;
    int64_t capacity;      // of a slot; without a cache, the tokens of the call
    double scale, softcap; // softcap 0: none
    LigEvalWindow window;
    double *keys, *values, *query, *scores, *sum;
} Attention;

static LigStatus new_attention(const LigEvalArgs *args, Attention *a)
{
    const LigShape *q = &args->operands[Q].shape, *k = &args->operands[K].shape;
    LigAttrs attrs = args->op->attrs;
    bool cached = args->op->operand_count > SLOT;
    *a = (Attention){.args = args,
                     .cached = cached,
                     .heads = q->dims[1],
                     .kv_heads = k->dims[1],
                     .width = q->dims[2],
                     .capacity = k->dims[cached ? 2 : 0],
                     .window = lig_eval_window(args),
                     .scale = lig_attrs_float(attrs, LIG_ATTR_SCALE, 1.0),
                     .softcap = lig_attrs_float(attrs, LIG_ATTR_SOFTCAP, 0.0)};
    LIG_TRY(lig_eval_doubles(args, a->capacity * a->width, &a->keys));
    LIG_TRY(lig_eval_doubles(args, a->capacity * a->width, &a->values));
    LIG_TRY(lig_eval_doubles(args, a->width, &a->query));
    LIG_TRY(lig_eval_doubles(args, a->width, &a->sum));
    return lig_eval_doubles(args, a->capacity, &a->scores);
}

static void weigh_keys(const Attention *a, int64_t first, int64_t end)
{
    double highest = -HUGE_VAL, total = 0.0;
    for (int64_t j = first; j < end; j++) {
        double score = a->scale * lig_eval_inner_product(a->query, a->keys + j * a->width, a->width);
        if (a->softcap != 0.0) score = a->softcap * tanh(score / a->softcap);
        a->scores[j] = score;
        highest = isnan(score) || score > highest ? score : highest;
    }
    for (int64_t j = first; j < end; j++) total += a->scores[j] = exp(a->scores[j] - highest);
    for (int64_t j = first; j < end; j++) a->scores[j] /= total;
}

// Result of one token and head; zeros without any key.
static void attend(const Attention *a, int64_t token, int64_t head, int64_t kv_len)
{
    const LigTensor *q = &a->args->operands[Q], *pos = &a->args->operands[POS], *z = &a->args->results[0];
    int64_t row = token * a->heads + head, first, end;
    lig_eval_visible(a->window, lig_shape_get_integer(&pos->shape, pos->data, token), kv_len, &first, &end);
    lig_shape_get_row(&q->shape, q->data, row, a->query);
    weigh_keys(a, first, end);
    memset(a->sum, 0, (size_t)a->width * sizeof *a->sum);
    for (int64_t j = first; j < end; j++) {
        for (int64_t d = 0; d < a->width; d++) a->sum[d] += a->scores[j] * a->values[j * a->width + d];
    }
    for (int64_t d = 0; d < a->width; d++) lig_shape_set(&z->shape, z->data, row * a->width + d, a->sum[d]);
}

// The number of keys of row r: of a cache as kv_len says; of the call's own tokens no more than it has.
static LigStatus read_kv_len(const Attention *a, const LigEvalRows *rows, int64_t r, int64_t *out)
{
    const LigTensor *lengths = &a->args->operands[KV_LEN];
    *out = lig_shape_get_integer(&lengths->shape, lengths->data, r);
    int64_t tokens = rows->start[r + 1] - rows->start[r];
    if (!a->cached && *out > tokens) *out = tokens;
    if (*out >= 0 && *out <= a->capacity) return LIG_OK;
    return lig_eval_fail(a->args, LIG_ERR_INVALID,
                         "kv_len[%lld] is %lld, but it must be in 0..%lld, the capacity of the cache",
                         (long long)r, (long long)*out, (long long)a->capacity);
}

static LigStatus check_positions(const LigEvalArgs *args)
{
    const LigTensor *pos = &args->operands[POS];
    for (int64_t t = 0, n = lig_eval_count(pos); t < n; t++) {
        int64_t value = lig_shape_get_integer(&pos->shape, pos->data, t);
        if (value < 0)
            return lig_eval_fail(args, LIG_ERR_INVALID, "pos[%lld] is %lld, but positions start at 0",
                                 (long long)t, (long long)value);
    }
    return LIG_OK;
}

// The vector, of k or v, that holds key j of row r and head g.
static int64_t key_vector(const Attention *a, const LigEvalRows *rows, int64_t r, int64_t g, int64_t j)
{
    if (a->cached) return (rows->slot[r] * a->kv_heads + g) * a->capacity + j;
    return (rows->start[r] + j) * a->kv_heads + g;
}

// The tokens of row r, head by head of the keys, so that these are read once.
static LigStatus attend_row(const Attention *a, const LigEvalRows *rows, int64_t r)
{
    const LigTensor *k = &a->args->operands[K], *v = &a->args->operands[V];
    int64_t kv_len, group = a->heads / a->kv_heads;
    LIG_TRY(read_kv_len(a, rows, r, &kv_len));
    for (int64_t g = 0; g < a->kv_heads; g++) {
        for (int64_t j = 0; j < kv_len; j++) {
            int64_t vector = key_vector(a, rows, r, g, j);
            lig_shape_get_row(&k->shape, k->data, vector, a->keys + j * a->width);
            lig_shape_get_row(&v->shape, v->data, vector, a->values + j * a->width);
        }
        for (int64_t t = rows->start[r]; t < rows->start[r + 1]; t++) {
            for (int64_t h = g * group; h < (g + 1) * group; h++) attend(a, t, h, kv_len);
        }
    }
    return LIG_OK;
}

// q[N,H,D], k v[S,Hkv,C,D], pos[N], start[R+1], kv_len[R], slot[R] -> [N,H,D] in q's dtype.
// Head h of a token t of row r attends to key j of slot[r], head h / (H / Hkv), iff j < kv_len[r] and pos[t]
// allows it: `causal` j <= pos[t], and with `window` j > pos[t] - window; not causal, with `window`
// |j - pos[t]| <= window / 2, rounded down. score = softcap(scale * q k). Without slot the keys are those of
// the same call, k v[N,Hkv,D]: key j of row r is token start[r] + j, as far as the row reaches. A query without
// keys, and a token of no row, give zeros. Errors: INVALID, a start, slot, position or length out of range.
LigStatus lig_eval_attention(LigEvalArgs *args)
{
    const LigTensor *z = &args->results[0];
    Attention a;
    LigEvalRows rows;
    LIG_TRY(lig_eval_rows_read(args, START, SLOT, &rows));
    LIG_TRY(check_positions(args));
    LIG_TRY(new_attention(args, &a));
    int64_t token_size = a.heads * a.width, tokens = z->shape.dims[0];
    for (int64_t i = 0; i < tokens * token_size; i++) {
        bool in_row = i / token_size >= rows.start[0] && i / token_size < rows.start[rows.count];
        if (!in_row) lig_shape_set(&z->shape, z->data, i, 0.0);
    }
    for (int64_t r = 0; r < rows.count; r++) LIG_TRY(attend_row(&a, &rows, r));
    return LIG_OK;
}

// Views and moves of every dtype by the interpreter: which piece of the operand, an element or a block, lies at which
// place of the result, byte by byte.
#include "tests/numeric/expect.h"

static const LigDtype index_dtypes[] = {LIG_I64, LIG_I32, LIG_I8, LIG_U8};
enum { INDEX_DTYPES = 4 };

static size_t piece_bytes(const LigTensor *t) { return (size_t)lig_dtype_block_bytes(t->shape.dtype); }

// Pieces of bytes that differ; of bools 0 and 1.
static LigTensor pieces(LigDtype dtype, int rank, const int64_t *dims)
{
    int64_t sizes[LIG_MAX_RANK];
    for (int i = 0; i < rank; i++) sizes[i] = dims[i] * (i == rank - 1 ? lig_dtype_block(dtype) : 1);
    LigTensor t = new_tensor(dtype, rank, sizes, (LigLayout){0});
    unsigned char *data = t.data;
    size_t count = (size_t)(tensor_count(&t) / lig_dtype_block(dtype)) * piece_bytes(&t);
    for (size_t i = 0; i < count; i++)
        data[i] = (unsigned char)(dtype == LIG_BOOL ? i % 3 == 0 : 1 + (i * 37 + i / 251) % 63);
    return t;
}
#define PIECES(dtype, ...)                                                                                     \
    pieces(dtype, (int)(sizeof(int64_t[]){__VA_ARGS__} / sizeof(int64_t)), (int64_t[]){__VA_ARGS__})

static void expect_piece(const LigTensor *out, int64_t at, const LigTensor *x, int64_t from)
{
    size_t bytes = piece_bytes(x);
    const unsigned char *got = (const unsigned char *)out->data + (size_t)at * bytes;
    if (memcmp(got, (const unsigned char *)x->data + (size_t)from * bytes, bytes) != 0)
        fail_msg("%s: piece %lld is not piece %lld of the operand", lig_dtype_name(x->shape.dtype),
                 (long long)at, (long long)from);
}

static LigShape stated_like(const LigTensor *x, int rank, const int64_t *piece_dims)
{
    LigShape shape = {.dtype = x->shape.dtype, .rank = rank};
    for (int i = 0; i < rank; i++)
        shape.dims[i] = piece_dims[i] * (i == rank - 1 ? lig_dtype_block(x->shape.dtype) : 1);
    return shape;
}

// [17,1,2] as [34,1]: the same pieces in a row.
static void check_reshape(LigDtype dtype)
{
    OneOp one = {.code = LIG_OP_RESHAPE, .operands = {PIECES(dtype, 17, 1, 2)}, .count = 1};
    LigShape stated = stated_like(&one.operands[0], 2, (int64_t[]){34, 1});
    one.stated = &stated;
    LigTensor out = run(&one);
    for (int64_t i = 0; i < 34; i++) expect_piece(&out, i, &one.operands[0], i);
    finish(&one, &out, 1);
}

// [5,17,1] with its first axes exchanged; of plain dtypes all three turned.
static void check_transpose(LigDtype dtype)
{
    bool turned = lig_dtype_block(dtype) == 1;
    LigAttr perm = turned ? ATTR_INTS(PERM, 2, 0, 1) : ATTR_INTS(PERM, 1, 0, 2);
    OneOp one = {.code = LIG_OP_TRANSPOSE, .attrs = {&perm, 1}, .count = 1};
    one.operands[0] = turned ? PIECES(dtype, 17, 1, 3) : PIECES(dtype, 5, 17, 1);
    LigTensor out = run(&one);
    for (int64_t i = 0; i < (turned ? 51 : 85); i++)
        expect_piece(&out, i, &one.operands[0], turned ? i % 17 * 3 + i / 17 : i % 5 * 17 + i / 5);
    finish(&one, &out, 1);
}

// Rows 1, 4, 7, 10 and 13 of [17,1].
static void check_slice(LigDtype dtype)
{
    LigAttr attrs[] = {ATTR_INT(AXIS, 0), ATTR_INT(BEGIN, 1), ATTR_INT(END, -1), ATTR_INT(STEP, 3)};
    OneOp one = {.code = LIG_OP_SLICE, .attrs = {attrs, 4}, .operands = {PIECES(dtype, 17, 1)}, .count = 1};
    LigTensor out = run(&one);
    assert_int_equal(out.shape.dims[0], 5);
    for (int64_t i = 0; i < 5; i++) expect_piece(&out, i, &one.operands[0], 1 + 3 * i);
    finish(&one, &out, 1);
}

// [5,1] and [17,1], and [3] joined along their only or first axis.
static void check_concat(LigDtype dtype)
{
    LigAttr axis = ATTR_INT(AXIS, 0);
    OneOp one = {.code = LIG_OP_CONCAT, .attrs = {&axis, 1}, .count = 3};
    one.operands[0] = PIECES(dtype, 5, 1);
    one.operands[1] = PIECES(dtype, 17, 1);
    one.operands[2] = PIECES(dtype, 1, 1);
    LigTensor out = run(&one);
    for (int64_t i = 0; i < 23; i++) {
        int from = i < 5 ? 0 : i < 22 ? 1 : 2;
        expect_piece(&out, i, &one.operands[from], i - (from == 0 ? 0 : from == 1 ? 5 : 22));
    }
    finish(&one, &out, 1);
}

static void pieces_of_every_dtype_are_moved(void **state)
{
    (void)state;
    for (int d = 0; d < LIG_DTYPE_COUNT; d++) {
        check_reshape((LigDtype)d);
        check_transpose((LigDtype)d);
        check_slice((LigDtype)d);
        check_concat((LigDtype)d);
    }
}

static void broadcasts_repeat(void **state)
{
    (void)state;
    for (int d = 0; d < LIG_DTYPE_COUNT; d++) {
        if (lig_dtype_block((LigDtype)d) > 1) continue;
        OneOp one = {.code = LIG_OP_BROADCAST, .operands = {PIECES((LigDtype)d, 17, 1)}, .count = 1};
        LigShape stated = stated_like(&one.operands[0], 3, (int64_t[]){3, 17, 5});
        one.stated = &stated;
        LigTensor out = run(&one);
        for (int64_t i = 0; i < 255; i++) expect_piece(&out, i, &one.operands[0], i / 5 % 17);
        finish(&one, &out, 1);
    }
}

// Into rows all dtypes keep their bytes; into panels of 16 rows element (r, c) of plain ones is c * 16 + r % 16 of
// panel r / 16.
static void packs_keep_elements(void **state)
{
    (void)state;
    for (int d = 0; d < LIG_DTYPE_COUNT; d++) {
        OneOp one = {.code = LIG_OP_PACK, .operands = {PIECES((LigDtype)d, 17, 3)}, .count = 1};
        LigShape stated = one.operands[0].shape;
        one.stated = &stated;
        LigTensor out = run(&one);
        for (int64_t i = 0; i < 51; i++) expect_piece(&out, i, &one.operands[0], i);
        lig_free(out.data);
        if (lig_dtype_block((LigDtype)d) == 1) {
            stated.layout = (LigLayout){LIG_LAYOUT_PANEL, 16, 1};
            out = run(&one);
            for (int64_t i = 0; i < 51; i++)
                expect_piece(&out, (i / 3 / 16 * 3 + i % 3) * 16 + i / 3 % 16, &one.operands[0], i);
            lig_free(out.data);
        }
        free_operands(&one);
    }
}

static void iota_counts_in_every_dtype(void **state)
{
    (void)state;
    static const LigDtype counted[] = {LIG_F64, LIG_F32, LIG_BF16, LIG_F16, LIG_I64, LIG_I32, LIG_I8, LIG_U8};
    LigAttr axis = ATTR_INT(AXIS, -2);
    for (int d = 0; d < 8; d++) {
        LigShape stated = {.dtype = counted[d], .rank = 3, .dims = {1, 33, 5}};
        OneOp one = {.code = LIG_OP_IOTA, .attrs = {&axis, 1}, .stated = &stated};
        LigTensor out = run(&one);
        for (int64_t i = 0; i < 165; i++) {
            int64_t row = i / 5;
            assert_true(tensor_at(&out, i) == (double)row);
        }
        finish(&one, &out, 1);
    }
}

static void set_ids(LigTensor *ids, const int32_t *values)
{
    for (int64_t i = 0; i < tensor_count(ids); i++) set_integer(ids, i, values[i]);
}

// Rows 16, 0 and 3 of a table of 17, whole or dequantised (unit.quantised proves what an element of a block is).
static void rows_of_every_storage(void **state)
{
    (void)state;
    static const int32_t rows[] = {16, 0, 3};
    LigAttr axis = ATTR_INT(AXIS, 0);
    for (int at = 0; at < 2 * LIG_DTYPE_COUNT; at++) {
        LigDtype dtype = (LigDtype)(at / 2);
        bool quantised = lig_dtype_block(dtype) > 1, embeds = at % 2;
        if (embeds && !quantised && !lig_dtype_is_float(dtype)) continue;
        OneOp one = {
            .code = embeds ? LIG_OP_EMBEDDING : LIG_OP_GATHER, .attrs = {&axis, embeds ? 0 : 1}, .count = 2};
        one.operands[0] = PIECES(dtype, 17, 1);
        one.operands[1] = TENSOR(index_dtypes[at / 2 % INDEX_DTYPES], 3);
        set_ids(&one.operands[1], rows);
        LigTensor out = run(&one);
        assert_int_equal(out.shape.dtype, quantised ? LIG_F32 : dtype);
        int64_t columns = lig_dtype_block(dtype);
        for (int64_t i = 0; i < 3 * columns; i++) {
            int64_t from = rows[i / columns] * columns + i % columns;
            if (!quantised) expect_piece(&out, i, &one.operands[0], from);
            double want = tensor_at(&one.operands[0], from);
            assert_true(compare_equal(COMPARE_EXACT, LIG_F64, tensor_at(&out, i), want, 0));
        }
        finish(&one, &out, 1);
    }
}

static const int32_t moved_rows[] = {15, 0, 2};

static void check_taken(LigDtype ids)
{
    OneOp one = {.code = LIG_OP_GATHER_ND, .operands = {PIECES(LIG_I32, 17, 1), TENSOR(ids, 3, 1)}, .count = 2};
    set_ids(&one.operands[1], moved_rows);
    LigTensor out = run(&one);
    for (int64_t i = 0; i < 3; i++) expect_piece(&out, i, &one.operands[0], moved_rows[i]);
    finish(&one, &out, 1);
}

static void check_scattered(LigOpCode code, LigDtype ids)
{
    LigAttr axis = ATTR_INT(AXIS, 0);
    OneOp one = {.code = code, .attrs = {&axis, 1}, .count = 3};
    one.operands[0] = PIECES(LIG_I32, 17, 1);
    one.operands[1] = TENSOR(ids, 3);
    one.operands[2] = PIECES(LIG_I32, 3, 1);
    set_ids(&one.operands[1], moved_rows);
    int64_t want[17];
    for (int64_t i = 0; i < 17; i++) want[i] = integer_at(&one.operands[0], i);
    for (int64_t k = 0; k < 3; k++) {
        int64_t old = code == LIG_OP_SCATTER_ADD ? want[moved_rows[k]] : 0;
        want[moved_rows[k]] = old + integer_at(&one.operands[2], k);
    }
    LigTensor out = run(&one);
    for (int64_t i = 0; i < 17; i++) assert_int_equal(integer_at(&out, i), want[i]);
    finish(&one, &out, 1);
}

// Rows 15, 0 and 2 of [17,1] taken, replaced and added to.
static void indices_of_every_dtype(void **state)
{
    (void)state;
    for (int d = 0; d < INDEX_DTYPES; d++) {
        check_taken(index_dtypes[d]);
        check_scattered(LIG_OP_SCATTER, index_dtypes[d]);
        check_scattered(LIG_OP_SCATTER_ADD, index_dtypes[d]);
    }
}

static void one_row_is_padded(void **state)
{
    (void)state;
    LigAttr attrs[] = {ATTR_INTS(LOW, 0, 2), ATTR_INTS(HIGH, 2, 0), ATTR_FLOAT(VALUE, -HUGE_VAL)};
    OneOp one = {.code = LIG_OP_PAD, .attrs = {attrs, 3}, .operands = {PIECES(LIG_F32, 1, 17)}, .count = 1};
    LigTensor out = run(&one);
    for (int64_t i = 0; i < 57; i++) {
        bool inside = i < 19 && i >= 2;
        assert_true(tensor_at(&out, i) == (inside ? tensor_at(&one.operands[0], i - 2) : -HUGE_VAL));
    }
    finish(&one, &out, 1);
}

// ---- tokens and rows ----

static void a_row_of_one_token_is_its_vector(void **state)
{
    (void)state;
    static const char *const forms[] = {"mean", "cls", "last"};
    for (int form = 0; form < 3; form++) {
        LigAttr attr = ATTR_NAME(POOL, forms[form]);
        OneOp one = {.code = LIG_OP_POOL, .attrs = {&attr, 1}, .count = 2};
        one.operands[0] = PIECES(LIG_F32, 1, 17);
        one.operands[1] = INTEGERS(0, 1);
        LigTensor out = run(&one);
        for (int64_t i = 0; i < 17; i++) expect_piece(&out, i, &one.operands[0], i);
        finish(&one, &out, 1);
    }
}

static void one_head_of_alibi(void **state)
{
    (void)state;
    LigAttr heads = ATTR_INT(HEADS, 1);
    OneOp one = {
        .code = LIG_OP_ALIBI, .attrs = {&heads, 1}, .operands = {INTEGERS(3), TENSOR(LIG_I32, 17)}, .count = 2};
    for (int64_t i = 0; i < 17; i++) set_integer(&one.operands[1], i, i);
    LigTensor out = run(&one);
    for (int64_t i = 0; i < 17; i++) assert_true(tensor_at(&out, i) == -fabs((double)(3 - i)) / 256);
    finish(&one, &out, 1);
}

static void one_group_of_one_row(void **state)
{
    (void)state;
    uint64_t seed = 1;
    OneOp one = {.code = LIG_OP_GROUPED_LINEAR, .count = 3};
    one.operands[0] = RANDOM(&seed, LIG_F32, 1, 17);
    one.operands[1] = RANDOM(&seed, LIG_F32, 1, 3, 17);
    one.operands[2] = INTEGERS(0, 1);
    LigTensor out = run(&one);
    for (int64_t i = 0; i < 3; i++) {
        long double want = 0;
        for (int64_t k = 0; k < 17; k++)
            want += number_at(&one.operands[0], k) * number_at(&one.operands[1], i * 17 + k);
        expect(&out, i, want, 68, "grouped_linear");
    }
    finish(&one, &out, 1);
}

// state[3,2,17,1], 5 tokens: row 0 has tokens 0 and 1, row 1 none, row 2 tokens 2 and 3; the last is of no row.
static void check_append(LigDtype state, LigDtype x, uint64_t *seed)
{
    static const int32_t slots[] = {2, 1, 0}, rows[] = {0, 0, 2, 2, -1}, places[] = {16, 0, 5, 4, 3};
    OneOp one = {.code = LIG_OP_APPEND, .count = 5};
    one.operands[0] = RANDOM(seed, state, 3, 2, 17, 1);
    one.operands[1] = RANDOM(seed, x, 5, 2, 1);
    one.operands[2] = integers(slots, 3);
    one.operands[3] = INTEGERS(0, 2, 2, 4);
    one.operands[4] = integers(places, 5);
    long double want[102];
    for (int64_t i = 0; i < 102; i++) want[i] = number_at(&one.operands[0], i);
    for (int64_t i = 0; i < 10; i++) {
        int32_t row = rows[i / 2];
        if (row >= 0) want[(slots[row] * 2 + i % 2) * 17 + places[i / 2]] = number_at(&one.operands[1], i);
    }
    LigTensor out = run(&one);
    for (int64_t i = 0; i < 102; i++) expect(&out, i, want[i], 0, "append");
    finish(&one, &out, 1);
}

static void append_writes_each_token_at_its_place(void **state)
{
    (void)state;
    uint64_t seed = 2;
    for (int at = 0; at < FLOATS * FLOATS; at++) check_append(floats[at / FLOATS], floats[at % FLOATS], &seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_of_every_dtype_are_moved),
        cmocka_unit_test(broadcasts_repeat),
        cmocka_unit_test(packs_keep_elements),
        cmocka_unit_test(iota_counts_in_every_dtype),
        cmocka_unit_test(rows_of_every_storage),
        cmocka_unit_test(indices_of_every_dtype),
        cmocka_unit_test(one_row_is_padded),
        cmocka_unit_test(a_row_of_one_token_is_its_vector),
        cmocka_unit_test(one_head_of_alibi),
        cmocka_unit_test(one_group_of_one_row),
        cmocka_unit_test(append_writes_each_token_at_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// Moves by the interpreter: elements that carry their own index tell where they came from.
#include "tests/numeric/expect.h"

static const LigDtype plain[] = {LIG_F64, LIG_F32, LIG_BF16, LIG_F16, LIG_I64,
                                 LIG_I32, LIG_I8,  LIG_U8,   LIG_BOOL};
enum { PLAIN = 9, NUMBERS = 8 };

// Element i is i modulo 100 (bool: modulo 2), which every dtype holds.
static LigTensor counting(LigDtype dtype, int rank, const int64_t *dims)
{
    LigTensor t = new_tensor(dtype, rank, dims, (LigLayout){0});
    for (int64_t i = 0; i < tensor_count(&t); i++)
        lig_shape_set(&t.shape, t.data, i, (double)(i % (dtype == LIG_BOOL ? 2 : 100)));
    return t;
}
#define COUNTING(dtype, ...)                                                                                   \
    counting(dtype, (int)(sizeof(int64_t[]){__VA_ARGS__} / sizeof(int64_t)), (int64_t[]){__VA_ARGS__})

// table[2,3,5,7], ids[2,4] with one batch axis: along axis 2, [2,3,4,7].
static void gather_with_a_batch_axis(void **state)
{
    (void)state;
    static const int32_t ids[] = {4, 0, 0, 2, 1, 3, 3, 4};
    LigAttr attrs[] = {ATTR_INT(AXIS, 2), ATTR_INT(BATCH, 1)};
    for (int d = 0; d < PLAIN; d++) {
        OneOp one = {.code = LIG_OP_GATHER, .attrs = {attrs, 2}, .count = 2};
        one.operands[0] = COUNTING(plain[d], 2, 3, 5, 7);
        one.operands[1] = TENSOR(LIG_I32, 2, 4);
        memcpy(one.operands[1].data, ids, sizeof ids);
        LigTensor out = run(&one);
        assert_int_equal(tensor_count(&out), 168);
        for (int64_t i = 0; i < 168; i++) {
            int64_t b = i % 7, k = i / 7 % 4, a = i / 28 % 3, g = i / 84;
            int64_t from = ((g * 3 + a) * 5 + ids[g * 4 + k]) * 7 + b;
            assert_true(tensor_at(&out, i) == tensor_at(&one.operands[0], from));
        }
        finish(&one, &out, 1);
    }
    LigAttr late[] = {ATTR_INT(AXIS, 0), ATTR_INT(BATCH, 1)};
    OneOp wrong = {.code = LIG_OP_GATHER,
                   .attrs = {late, 2},
                   .operands = {TENSOR(LIG_F32, 2, 3), TENSOR(LIG_I32, 2, 1)},
                   .count = 2};
    expect_error(&wrong, LIG_ERR_INVALID, "batch is 1");
}

static void gather_nd_reads_tuples(void **state)
{
    (void)state;
    static const int32_t tuples[] = {2, 4, 0, 0, 1, 3};
    for (int d = 0; d < PLAIN; d++) {
        OneOp one = {.code = LIG_OP_GATHER_ND, .count = 2};
        one.operands[0] = COUNTING(plain[d], 3, 5, 7);
        one.operands[1] = TENSOR(LIG_I32, 3, 2);
        memcpy(one.operands[1].data, tuples, sizeof tuples);
        LigTensor out = run(&one);
        assert_int_equal(tensor_count(&out), 21);
        for (int64_t i = 0; i < 21; i++) {
            int64_t from = (tuples[i / 7 * 2] * 5 + tuples[i / 7 * 2 + 1]) * 7 + i % 7;
            assert_true(tensor_at(&out, i) == tensor_at(&one.operands[0], from));
        }
        finish(&one, &out, 1);
    }
    OneOp outside = {.code = LIG_OP_GATHER_ND, .operands = {TENSOR(LIG_F32, 3), INTEGERS(3)}, .count = 2};
    expect_error(&outside, LIG_ERR_INVALID, "element 0 of %a1 is 3");
}

// x[2,5,3], ids[4], values[2,4,3] along axis 1; id 2 is there twice.
static OneOp scatter_of(LigOpCode code, LigDtype dtype, const LigAttr *axis)
{
    OneOp one = {.code = code, .attrs = {axis, 1}, .count = 3};
    one.operands[0] = COUNTING(dtype, 2, 5, 3);
    one.operands[1] = INTEGERS(2, 0, 2, 4);
    one.operands[2] = COUNTING(dtype, 2, 4, 3);
    return one;
}

static void scatter_replaces_and_the_last_wins(void **state)
{
    (void)state;
    static const int sources[] = {1, -1, 2, -1, 3};
    LigAttr axis = ATTR_INT(AXIS, -2);
    for (int d = 0; d < PLAIN; d++) {
        OneOp one = scatter_of(LIG_OP_SCATTER, plain[d], &axis);
        LigTensor out = run(&one);
        for (int64_t i = 0; i < 30; i++) {
            int from = sources[i / 3 % 5];
            double want = from < 0 ? tensor_at(&one.operands[0], i)
                                   : tensor_at(&one.operands[2], (i / 15 * 4 + from) * 3 + i % 3);
            assert_true(tensor_at(&out, i) == want);
        }
        finish(&one, &out, 1);
    }
}

static void scatter_add_sums_duplicates(void **state)
{
    (void)state;
    static const int32_t ids[] = {2, 0, 2, 4};
    LigAttr axis = ATTR_INT(AXIS, 1);
    for (int d = 0; d < NUMBERS; d++) {
        OneOp one = scatter_of(LIG_OP_SCATTER_ADD, plain[d], &axis);
        LigTensor out = run(&one);
        for (int64_t i = 0; i < 30; i++) {
            double want = tensor_at(&one.operands[0], i);
            for (int k = 0; k < 4; k++)
                if (ids[k] == i / 3 % 5) want += tensor_at(&one.operands[2], (i / 15 * 4 + k) * 3 + i % 3);
            assert_true(tensor_at(&out, i) == want);
        }
        finish(&one, &out, 1);
    }
}

// 1 + 2^-30 + 2^-30 - 1 is 2^-29 summed in double, whatever f32 could hold between.
static void scatter_add_rounds_once(void **state)
{
    (void)state;
    static const float values[] = {1.0F, 0x1p-30F, 0x1p-30F, -1.0F};
    LigAttr axis = ATTR_INT(AXIS, 0);
    OneOp one = {.code = LIG_OP_SCATTER_ADD,
                 .attrs = {&axis, 1},
                 .operands = {TENSOR(LIG_F32, 1), INTEGERS(0, 0, 0, 0), TENSOR(LIG_F32, 4)},
                 .count = 3};
    memcpy(one.operands[2].data, values, sizeof values);
    LigTensor out = run(&one);
    assert_true(tensor_at(&out, 0) == 0x1p-29);
    finish(&one, &out, 1);
    OneOp outside = {.code = LIG_OP_SCATTER_ADD,
                     .attrs = {&axis, 1},
                     .operands = {TENSOR(LIG_F32, 2), INTEGERS(-1), TENSOR(LIG_F32, 1)},
                     .count = 3};
    expect_error(&outside, LIG_ERR_INVALID, "is -1");
}

static void pad_surrounds(void **state)
{
    (void)state;
    LigAttr attrs[] = {ATTR_INTS(LOW, 1, 0), ATTR_INTS(HIGH, 0, 2), ATTR_FLOAT(VALUE, 1)};
    for (int d = 0; d < PLAIN; d++) {
        for (size_t given = 2; given <= 3; given++) {
            OneOp one = {.code = LIG_OP_PAD,
                         .attrs = {attrs, given},
                         .operands = {COUNTING(plain[d], 3, 5)},
                         .count = 1};
            LigTensor out = run(&one);
            assert_int_equal(tensor_count(&out), 28);
            for (int64_t i = 0; i < 28; i++) {
                int64_t row = i / 7 - 1, column = i % 7;
                double want =
                    row < 0 || column >= 5 ? (double)given - 2 : tensor_at(&one.operands[0], row * 5 + column);
                assert_true(tensor_at(&out, i) == want);
            }
            finish(&one, &out, 1);
        }
    }
    LigAttr cut[] = {ATTR_INTS(LOW, -1), ATTR_INTS(HIGH, 0)};
    OneOp wrong = {.code = LIG_OP_PAD, .attrs = {cut, 2}, .operands = {TENSOR(LIG_F32, 3)}, .count = 1};
    expect_error(&wrong, LIG_ERR_INVALID, "slice cuts");
}

static void embedding_takes_rows(void **state)
{
    (void)state;
    static const int32_t ids[] = {18, 0, 5, 5, 7, 1};
    uint64_t seed = 1;
    for (int d = 0; d < FLOATS; d++) {
        OneOp one = {.code = LIG_OP_EMBEDDING, .count = 2};
        one.operands[0] = RANDOM(&seed, floats[d], 19, 33);
        one.operands[1] = TENSOR(LIG_I32, 1, 6);
        memcpy(one.operands[1].data, ids, sizeof ids);
        LigTensor out = run(&one);
        assert_int_equal(out.shape.rank, 3);
        for (int64_t i = 0; i < 6 * 33; i++)
            assert_true(tensor_at(&out, i) == tensor_at(&one.operands[0], ids[i / 33] * 33 + i % 33));
        finish(&one, &out, 1);
    }
    OneOp outside = {.code = LIG_OP_EMBEDDING, .operands = {TENSOR(LIG_F32, 2, 2), INTEGERS(0, 2)}, .count = 2};
    expect_error(&outside, LIG_ERR_INVALID, "element 1 of %a1 is 2");
}

// Rows of 1, 0, 5 and 3 tokens; the last token is of none.
static void pool_gives_a_vector_a_row(void **state)
{
    (void)state;
    static const char *const forms[] = {"mean", "cls", "last"};
    static const int32_t starts[] = {0, 1, 1, 6, 9};
    uint64_t seed = 2;
    for (int at = 0; at < 3 * FLOATS; at++) {
        int form = at / FLOATS;
        LigAttr attr = ATTR_NAME(POOL, forms[form]);
        OneOp one = {.code = LIG_OP_POOL, .attrs = {&attr, 1}, .count = 2};
        one.operands[0] = RANDOM(&seed, floats[at % FLOATS], 10, 17);
        one.operands[1] = integers(starts, 5);
        LigTensor out = run(&one);
        for (int64_t i = 0; i < 4 * 17; i++) {
            int32_t first = starts[i / 17], end = starts[i / 17 + 1];
            long double want = 0;
            for (int32_t t = first; t < end; t++) {
                bool taken = form == 0 || (form == 1 ? t == first : t == end - 1);
                if (taken) want += number_at(&one.operands[0], t * 17 + i % 17) / (form ? 1 : end - first);
            }
            expect(&out, i, want, 2, forms[form]);
        }
        finish(&one, &out, 1);
    }
    LigAttr attr = ATTR_NAME(POOL, "max");
    OneOp wrong = {.code = LIG_OP_POOL,
                   .attrs = {&attr, 1},
                   .operands = {TENSOR(LIG_F32, 2, 2), INTEGERS(0, 2)},
                   .count = 2};
    expect_error(&wrong, LIG_ERR_INVALID, "it must be `mean`, `cls` or `last`");
}

// The definition of q8a, block by block: nearest multiples of max|x| / 127.
static void quantize_keeps_each_number_within_half_a_step(void **state)
{
    (void)state;
    uint64_t seed = 3;
    for (int d = 0; d < FLOATS; d++) {
        OneOp one = {.code = LIG_OP_QUANTIZE, .count = 1};
        one.operands[0] = RANDOM(&seed, floats[d], 1, 17, 32);
        for (int64_t i = 32; i < 64; i++) lig_shape_set(&one.operands[0].shape, one.operands[0].data, i, 0);
        LigTensor out = run(&one);
        assert_int_equal(out.shape.dtype, LIG_Q8A);
        for (int64_t block = 0; block < 17; block++) {
            const unsigned char *bytes = (const unsigned char *)out.data + block * 44;
            double highest = 0;
            float scale;
            int32_t sums[2], found[2] = {0};
            memcpy(&scale, bytes + 32, sizeof scale);
            memcpy(sums, bytes + 36, sizeof sums);
            for (int64_t i = 0; i < 32; i++)
                highest = fmax(highest, fabs(tensor_at(&one.operands[0], block * 32 + i)));
            assert_true(fabs((double)scale - highest / 127) <= highest / 127 * 0x1p-23);
            for (int64_t i = 0; i < 32; i++) {
                int8_t q;
                memcpy(&q, bytes + i, 1);
                found[0] += q;
                if (i < 16) found[1] += q;
                double error = fabs(tensor_at(&one.operands[0], block * 32 + i) - q * (double)scale);
                assert_true(error <= (double)scale * (0.5 + 0x1p-15));
            }
            assert_memory_equal(sums, found, sizeof sums); // of all, and of the first half
        }
        finish(&one, &out, 1);
    }
    OneOp ragged = {.code = LIG_OP_QUANTIZE, .operands = {TENSOR(LIG_F32, 33)}, .count = 1};
    expect_error(&ragged, LIG_ERR_SHAPE, "multiple of 32");
}

// Buckets of T5's code for 32 buckets and distance 128, at distances query - key of 0, 1, 7, 8, 15, 16, 20, 64,
// 127, 128 and 1000, computed apart with numpy in f32 (both directions: 16 buckets each).
static void relative_bias_uses_the_buckets_of_t5(void **state)
{
    (void)state;
    static const int32_t distances[] = {0, 1, 7, 8, 15, 16, 20, 64, 127, 128, 1000};
    static const int one_way[] = {0, 1, 7, 8, 15, 16, 17, 26, 31, 31, 31};
    static const int both_ways[] = {0, 1, 7, 8, 9, 10, 10, 14, 15, 15, 15};
    for (int at = 0; at < 2 * FLOATS; at++) {
        int both = at % 2;
        LigAttr attrs[] = {ATTR_INT(MAX_DISTANCE, 128), ATTR_FLAG(BIDIRECTIONAL)};
        OneOp one = {.code = LIG_OP_RELATIVE_BIAS, .attrs = {attrs, both ? 2 : 1}, .count = 3};
        one.operands[0] = COUNTING(floats[at / 2], 32, 3);
        one.operands[1] = INTEGERS(1000);
        one.operands[2] = TENSOR(LIG_I32, 33); // before, behind and before again
        for (int i = 0; i < 11; i++) {
            set_integer(&one.operands[2], i, 1000 - distances[i]);
            set_integer(&one.operands[2], 11 + i, 1000 + distances[i]);
            set_integer(&one.operands[2], 22 + i, 1000 - distances[i]);
        }
        LigTensor out = run(&one);
        for (int64_t i = 0; i < 99; i++) {
            int64_t head = i / 33, key = i % 33 % 22;
            int bucket = both ? both_ways[key % 11] : one_way[key % 11];
            if (key >= 11 && distances[key - 11] > 0) bucket = both ? bucket + 16 : 0;
            assert_true(tensor_at(&out, i) == (double)((bucket * 3 + head) % 100));
        }
        finish(&one, &out, 1);
    }
}

// Slopes as in the paper (8 heads) and of its code (6 heads: those of 4, then every other one of 8).
static void alibi_slopes(void **state)
{
    (void)state;
    static const double eight[] = {0.5, 0.25, 0.125, 0.0625, 0.03125, 0.015625, 0.0078125, 0.00390625};
    static const double six[] = {0.25, 0.0625, 0.015625, 0.00390625, 0.5, 0.125};
    for (int form = 0; form < 2; form++) {
        int64_t heads = form ? 6 : 8;
        LigAttr attr = ATTR_INT(HEADS, heads);
        OneOp one = {.code = LIG_OP_ALIBI,
                     .attrs = {&attr, 1},
                     .operands = {INTEGERS(3, 100), INTEGERS(0, 3, 5)},
                     .count = 2};
        LigTensor out = run(&one);
        static const double apart[] = {3, 0, 2, 100, 97, 95};
        for (int64_t i = 0; i < heads * 6; i++)
            assert_true(tensor_at(&out, i) == -(form ? six : eight)[i / 6] * apart[i % 6]);
        finish(&one, &out, 1);
    }
}

static void check_constant(LigContext *ctx, LigDtype dtype, int64_t count)
{
    LigModule *module;
    LigFunc *func;
    LigInterpreter *interpreter;
    LigTensor values = COUNTING(dtype, count), out;
    assert_int_equal(lig_module_create(ctx, LIG_STR("m"), &module), LIG_OK);
    assert_int_equal(lig_module_add_func(module, LIG_FUNC, LIG_STR("f"), &func), LIG_OK);
    LigBuilder builder = lig_builder(module, func);
    LigType type = type_of(module, &values.shape);
    size_t bytes = (size_t)(count * lig_dtype_block_bytes(dtype));
    LigValue *value = lig_build_constant(&builder, "c", &type, values.data, bytes);
    assert_int_equal(value->op->code, LIG_OP_CONSTANT);
    assert_int_equal(lig_func_add_output(module, func, value), LIG_OK);
    lig_func_renumber(func);
    assert_int_equal(lig_interpreter_create(module, &interpreter), LIG_OK);
    assert_int_equal(lig_interpreter_run(interpreter, func, NULL, NULL, NULL, &out), LIG_OK);
    assert_memory_equal(out.data, values.data, bytes);
    case_log_tensor(LIG_OP_CONSTANT, CASE_RESULT, &out);
    lig_interpreter_destroy(interpreter);
    lig_module_destroy(module);
    lig_free(out.data);
    free(values.data);
}

static void constants_are_their_bytes(void **state)
{
    (void)state;
    static const int64_t counts[] = {1, 7, 33};
    LigContext *ctx = lig_context_create();
    for (int at = 0; at < 3 * PLAIN; at++) check_constant(ctx, plain[at % PLAIN], counts[at / PLAIN]);
    lig_context_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gather_with_a_batch_axis),
        cmocka_unit_test(gather_nd_reads_tuples),
        cmocka_unit_test(scatter_replaces_and_the_last_wins),
        cmocka_unit_test(scatter_add_sums_duplicates),
        cmocka_unit_test(scatter_add_rounds_once),
        cmocka_unit_test(pad_surrounds),
        cmocka_unit_test(embedding_takes_rows),
        cmocka_unit_test(pool_gives_a_vector_a_row),
        cmocka_unit_test(quantize_keeps_each_number_within_half_a_step),
        cmocka_unit_test(relative_bias_uses_the_buckets_of_t5),
        cmocka_unit_test(alibi_slopes),
        cmocka_unit_test(constants_are_their_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

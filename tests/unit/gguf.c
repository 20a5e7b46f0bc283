// GGUF: what a good file gives, and that no damaged one is taken, read past its end, or unexplained.
#include "frontend/gguf.h"

#include "ir/base/alloc.h"
#include "tests/unit/temp_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

typedef struct Bytes {
    unsigned char data[8192];
    size_t size;
} Bytes;

static void put(Bytes *b, const void *data, size_t bytes)
{
    assert_true(b->size + bytes <= sizeof b->data);
    memcpy(b->data + b->size, data, bytes);
    b->size += bytes;
}

static void put_u32(Bytes *b, uint32_t value) { put(b, &value, 4); }
static void put_u64(Bytes *b, uint64_t value) { put(b, &value, 8); }

static void put_string(Bytes *b, const char *text)
{
    put_u64(b, strlen(text));
    put(b, text, strlen(text));
}

static void put_key(Bytes *b, const char *key, uint32_t kind)
{
    put_string(b, key);
    put_u32(b, kind);
}

static void put_head(Bytes *b, uint64_t tensors, uint64_t values)
{
    put(b, "GGUF", 4);
    put_u32(b, 3);
    put_u64(b, tensors);
    put_u64(b, values);
}

typedef struct TensorRow {
    const char *name;
    uint32_t rank;
    uint64_t dims[4];
    uint32_t type;
    uint64_t offset;
} TensorRow;

static void put_tensor(Bytes *b, const TensorRow *row)
{
    put_string(b, row->name);
    put_u32(b, row->rank);
    for (uint32_t i = 0; i < row->rank && i < 4; i++) put_u64(b, row->dims[i]);
    put_u32(b, row->type);
    put_u64(b, row->offset);
}

static void put_data(Bytes *b, size_t bytes)
{
    while (b->size % 32 != 0) put(b, "", 1);
    for (size_t i = 0; i < bytes; i++) put(b, &(unsigned char){(unsigned char)i}, 1);
}

static void put_values(Bytes *b)
{
    put_key(b, "u8", 0), put(b, "\xff", 1);
    put_key(b, "i8", 1), put(b, "\xff", 1);
    put_key(b, "u16", 2), put(b, "\xfe\xff", 2);
    put_key(b, "i16", 3), put(b, "\xfe\xff", 2);
    put_key(b, "u32", 4), put_u32(b, 4000000000u);
    put_key(b, "i32", 5), put_u32(b, (uint32_t)-7);
    put_key(b, "f32", 6), put(b, &(float){0.5f}, 4);
    put_key(b, "bool", 7), put(b, "\1", 1);
    put_key(b, "str", 8), put_string(b, "llama");
    put_key(b, "u64", 10), put_u64(b, UINT64_MAX);
    put_key(b, "i64", 11), put_u64(b, (uint64_t)-9);
    put_key(b, "f64", 12), put(b, &(double){0.25}, 8);
    put_key(b, "words", 9), put_u32(b, 8), put_u64(b, 2), put_string(b, "a"), put_string(b, "");
    put_key(b, "ints", 9), put_u32(b, 5), put_u64(b, 3), put_u32(b, 1), put_u32(b, (uint32_t)-2), put_u32(b, 3);
    put_key(b, "floats", 9), put_u32(b, 6), put_u64(b, 1), put(b, &(float){1.5f}, 4);
}

enum { GOOD_VALUES = 15 };

static Bytes good_file(void)
{
    Bytes b = {0};
    put_head(&b, 2, GOOD_VALUES);
    put_values(&b);
    put_tensor(&b, &(TensorRow){"token_embd.weight", 2, {64, 3}, 3, 0});
    put_tensor(&b, &(TensorRow){"norm", 1, {5}, 0, 128});
    put_data(&b, 128 + 20);
    return b;
}

// One tensor of the given row, with 64 bytes of data.
static Bytes file_with(const TensorRow *row)
{
    Bytes b = {0};
    put_head(&b, 1, 0);
    put_tensor(&b, row);
    put_data(&b, 64);
    return b;
}

static LigStatus open_bytes(LigContext *ctx, const Bytes *b, LigGguf **out)
{
    TempFile file = temp_file(b->data, b->size);
    LigStatus status = lig_gguf_open(ctx, file.path, out);
    unlink(file.path);
    assert_true(diagnostics_are_clear(ctx, file.path));
    assert_int_equal(lig_context_diagnostic_count(ctx), status != LIG_OK);
    return status;
}

static void expect_refused(const Bytes *b, LigStatus expected, const char *words)
{
    LigContext *ctx = lig_context_create();
    LigGguf *gguf;
    assert_int_equal(open_bytes(ctx, b, &gguf), expected);
    if (!strstr(first_message(ctx), words)) fail_msg("'%s' lacks '%s'", first_message(ctx), words);
    lig_context_destroy(ctx);
}

static void tensors_are_row_major_and_in_the_map(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    LigGguf *gguf;
    Bytes b = good_file();
    assert_int_equal(open_bytes(ctx, &b, &gguf), LIG_OK);
    const LigTensorSet *set = lig_gguf_tensors(gguf);
    assert_int_equal(set->count, 2);
    const LigFileTensor *embed = lig_tensor_set_find(set, LIG_STR("token_embd.weight"));
    assert_ptr_equal(embed, &set->tensors[0]);
    assert_string_equal(embed->type_name, "q4_1");
    assert_int_equal(embed->rank, 2);
    assert_int_equal(embed->dims[0], 3);
    assert_int_equal(embed->dims[1], 64);
    assert_int_equal(embed->bytes, 3 * 2 * 20);
    const LigFileTensor *norm = lig_tensor_set_find(set, LIG_STR("norm"));
    assert_string_equal(norm->type_name, "f32");
    assert_int_equal(norm->bytes, 20);
    assert_int_equal(*(const unsigned char *)norm->data, 128);
    assert_null(lig_tensor_set_find(set, LIG_STR("other")));
    lig_gguf_close(gguf);
    lig_context_destroy(ctx);
}

static void expect_i64(LigContext *ctx, const LigGguf *gguf, const char *key, int64_t expected)
{
    int64_t value = 0;
    assert_int_equal(lig_gguf_get_i64(ctx, gguf, lig_str(key), &value), LIG_OK);
    assert_int_equal(value, expected);
}

static void every_kind_of_scalar_is_read(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    LigGguf *gguf;
    Bytes b = good_file();
    assert_int_equal(open_bytes(ctx, &b, &gguf), LIG_OK);
    assert_int_equal(lig_gguf_value_count(gguf), GOOD_VALUES);
    expect_i64(ctx, gguf, "u8", 255);
    expect_i64(ctx, gguf, "i8", -1);
    expect_i64(ctx, gguf, "u16", 65534);
    expect_i64(ctx, gguf, "i16", -2);
    expect_i64(ctx, gguf, "u32", 4000000000);
    expect_i64(ctx, gguf, "i32", -7);
    expect_i64(ctx, gguf, "i64", -9);
    uint64_t big = 0;
    assert_int_equal(lig_gguf_get_u64(ctx, gguf, LIG_STR("u64"), &big), LIG_OK);
    assert_true(big == UINT64_MAX);
    double half = 0, quarter = 0, minus = 0;
    assert_int_equal(lig_gguf_get_f64(ctx, gguf, LIG_STR("f32"), &half), LIG_OK);
    assert_int_equal(lig_gguf_get_f64(ctx, gguf, LIG_STR("f64"), &quarter), LIG_OK);
    assert_int_equal(lig_gguf_get_f64(ctx, gguf, LIG_STR("i32"), &minus), LIG_OK);
    assert_true(half == 0.5 && quarter == 0.25 && minus == -7);
    bool yes = false;
    assert_int_equal(lig_gguf_get_bool(ctx, gguf, LIG_STR("bool"), &yes), LIG_OK);
    assert_true(yes);
    LigStr text = {0};
    assert_int_equal(lig_gguf_get_str(ctx, gguf, LIG_STR("str"), &text), LIG_OK);
    assert_true(lig_str_is(text, "llama"));
    lig_gguf_close(gguf);
    lig_context_destroy(ctx);
}

static void arrays_are_read(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    LigArena *arena = lig_arena_create();
    LigGguf *gguf;
    Bytes b = good_file();
    assert_int_equal(open_bytes(ctx, &b, &gguf), LIG_OK);
    const LigStr *words;
    const int32_t *ints;
    const float *floats;
    size_t count;
    assert_int_equal(lig_gguf_get_strings(ctx, gguf, LIG_STR("words"), &words, &count), LIG_OK);
    assert_int_equal(count, 2);
    assert_true(lig_str_is(words[0], "a") && words[1].length == 0);
    LigGgufArrayRequest request = {arena, LIG_STR("ints")};
    assert_int_equal(lig_gguf_get_i32_array(ctx, gguf, request, &ints, &count), LIG_OK);
    assert_true(count == 3 && ints[0] == 1 && ints[1] == -2 && ints[2] == 3);
    request.key = LIG_STR("floats");
    assert_int_equal(lig_gguf_get_f32_array(ctx, gguf, request, &floats, &count), LIG_OK);
    assert_true(count == 1 && floats[0] == 1.5f);
    assert_int_equal(lig_gguf_get_i32_array(ctx, gguf, request, &ints, &count), LIG_ERR_INVALID);
    int64_t element;
    assert_false(lig_gguf_element_i64(lig_gguf_find(gguf, LIG_STR("ints")), 3, &element));
    lig_gguf_close(gguf);
    lig_arena_destroy(arena);
    lig_context_destroy(ctx);
}

static void getters_keep_defaults_and_name_wrong_kinds(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    LigGguf *gguf;
    Bytes b = good_file();
    assert_int_equal(open_bytes(ctx, &b, &gguf), LIG_OK);
    uint64_t value = 42;
    assert_int_equal(lig_gguf_get_u64(ctx, gguf, LIG_STR("absent"), &value), LIG_OK);
    assert_int_equal(value, 42);
    assert_int_equal(lig_gguf_require(ctx, gguf, LIG_STR("absent")), LIG_ERR_NOT_FOUND);
    assert_non_null(strstr(first_message(ctx), "'absent'"));
    lig_context_clear(ctx);
    assert_int_equal(lig_gguf_get_u64(ctx, gguf, LIG_STR("i8"), &value), LIG_ERR_INVALID);
    assert_non_null(strstr(first_message(ctx), "'i8'"));
    assert_int_equal(lig_gguf_get_u64(ctx, gguf, LIG_STR("ints"), &value), LIG_ERR_INVALID);
    assert_int_equal(lig_gguf_get_u64(ctx, gguf, LIG_STR("str"), &value), LIG_ERR_INVALID);
    int64_t number;
    assert_int_equal(lig_gguf_get_i64(ctx, gguf, LIG_STR("u64"), &number), LIG_ERR_INVALID);
    double real;
    assert_int_equal(lig_gguf_get_f64(ctx, gguf, LIG_STR("bool"), &real), LIG_ERR_INVALID);
    lig_gguf_close(gguf);
    lig_context_destroy(ctx);
}

static void lying_tensors_are_refused(void **state)
{
    (void)state;
    const struct {
        TensorRow row;
        LigStatus status;
        const char *words;
    } cases[] = {
        {{"t", 0, {0}, 0, 0}, LIG_ERR_INVALID, "'t' has 0 dims"},
        {{"t", 5, {1, 1, 1, 1}, 0, 0}, LIG_ERR_INVALID, "'t' has 5 dims"},
        {{"t", 2, {4, 0}, 0, 0}, LIG_ERR_INVALID, "the dim 0"},
        {{"t", 1, {UINT64_C(1) << 63}, 0, 0}, LIG_ERR_INVALID, "the dim 9223372036854775808"},
        {{"t", 1, {UINT64_C(1) << 62}, 0, 0}, LIG_ERR_INVALID, "over 2^64 bytes"},
        {{"t", 2, {UINT64_C(1) << 32, UINT64_C(1) << 31}, 0, 0}, LIG_ERR_INVALID, "product"},
        {{"t", 1, {UINT64_C(1) << 61}, 0, 32}, LIG_ERR_INVALID, "missing"},
        {{"t", 1, {16}, 0, UINT64_MAX - 31}, LIG_ERR_INVALID, "over 2^64"},
        {{"t", 1, {17}, 0, 0}, LIG_ERR_INVALID, "(4 missing)"},
        {{"t", 1, {16}, 0, 32}, LIG_ERR_INVALID, "(32 missing)"},
        {{"t", 1, {4}, 0, 4}, LIG_ERR_INVALID, "multiple of 32"},
        {{"t", 1, {33}, 3, 0}, LIG_ERR_INVALID, "multiple of 32"},
        {{"t", 1, {4}, 4, 0}, LIG_ERR_UNSUPPORTED, "'t' has the ggml type 4"},
        {{"t", 1, {4}, UINT32_MAX, 0}, LIG_ERR_UNSUPPORTED, "4294967295"},
        {{"", 1, {4}, 0, 0}, LIG_ERR_INVALID, "0 bytes"},
        {{"a\nb", 1, {4}, 0, 0}, LIG_ERR_INVALID, "control character 0x0a"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Bytes b = file_with(&cases[i].row);
        expect_refused(&b, cases[i].status, cases[i].words);
    }
}

static void tensors_that_meet_are_refused(void **state)
{
    (void)state;
    Bytes b = {0};
    put_head(&b, 2, 0);
    put_tensor(&b, &(TensorRow){"a", 1, {9}, 0, 0});
    put_tensor(&b, &(TensorRow){"b", 1, {8}, 0, 32});
    put_data(&b, 64);
    expect_refused(&b, LIG_ERR_INVALID, "'a' and 'b' share bytes");
    b.size = 0;
    put_head(&b, 2, 0);
    put_tensor(&b, &(TensorRow){"a", 1, {8}, 0, 0});
    put_tensor(&b, &(TensorRow){"a", 1, {8}, 0, 32});
    put_data(&b, 64);
    expect_refused(&b, LIG_ERR_INVALID, "'a' is there twice");
}

static void lying_heads_are_refused(void **state)
{
    (void)state;
    const uint64_t huge[] = {1000, UINT64_C(1) << 62, UINT64_MAX};
    for (size_t i = 0; i < 3; i++) {
        Bytes b = {0};
        put_head(&b, huge[i], 0);
        put_data(&b, 64);
        expect_refused(&b, LIG_ERR_INVALID, "tensors, more than fit");
        b.size = 0;
        put_head(&b, 0, huge[i]);
        put_data(&b, 64);
        expect_refused(&b, LIG_ERR_INVALID, "metadata entries, more than fit");
        b.size = 0;
        put_head(&b, 0, 1);
        put_key(&b, "k", 9), put_u32(&b, 5), put_u64(&b, huge[i]), put_data(&b, 64);
        expect_refused(&b, LIG_ERR_INVALID, "elements, more than fit");
        b.size = 0;
        put_head(&b, 0, 1);
        put_key(&b, "k", 9), put_u32(&b, 8), put_u64(&b, huge[i]), put_data(&b, 64);
        expect_refused(&b, LIG_ERR_INVALID, "strings, more than fit");
        b.size = 0;
        put_head(&b, 0, 1);
        put_key(&b, "k", 8), put_u64(&b, huge[i]), put_data(&b, 64);
        expect_refused(&b, LIG_ERR_INVALID, "missing");
    }
}

static Bytes one_value(const char *key, uint32_t kind, const void *data, size_t bytes)
{
    Bytes b = {0};
    put_head(&b, 0, 1);
    put_key(&b, key, kind);
    put(&b, data, bytes);
    put_data(&b, 0);
    return b;
}

static void odd_metadata_is_refused(void **state)
{
    (void)state;
    const uint32_t bad_alignments[] = {0, 1, 4, 12, 33, UINT32_MAX};
    for (size_t i = 0; i < 6; i++) {
        Bytes b = one_value("general.alignment", 4, &bad_alignments[i], 4);
        expect_refused(&b, LIG_ERR_INVALID, "general.alignment");
    }
    Bytes parts = one_value("split.count", 2, "\3\0", 2);
    expect_refused(&parts, LIG_ERR_INVALID, "first of 3 parts");
    Bytes flag = one_value("k", 7, "\2", 1);
    expect_refused(&flag, LIG_ERR_INVALID, "holds 2 where a bool");
    Bytes kind = one_value("k", 13, "\2", 1);
    expect_refused(&kind, LIG_ERR_UNSUPPORTED, "'k' has the kind 13");
    Bytes nested = one_value("k", 9, "\11\0\0\0\1\0\0\0\0\0\0\0", 12);
    expect_refused(&nested, LIG_ERR_UNSUPPORTED, "inside an array");
    Bytes twice = {0};
    put_head(&twice, 0, 2);
    put_key(&twice, "k", 7), put(&twice, "\1", 1), put_key(&twice, "k", 7), put(&twice, "\1", 1);
    expect_refused(&twice, LIG_ERR_INVALID, "'k' is there twice");
}

static void other_files_are_refused(void **state)
{
    (void)state;
    Bytes b = good_file();
    b.data[0] = 'X';
    expect_refused(&b, LIG_ERR_INVALID, "does not start with 'GGUF'");
    b = good_file();
    b.data[4] = 1;
    expect_refused(&b, LIG_ERR_UNSUPPORTED, "version 1");
    memcpy(b.data + 4, "\0\0\0\3", 4);
    expect_refused(&b, LIG_ERR_UNSUPPORTED, "big-endian");
    b.size = 0;
    expect_refused(&b, LIG_ERR_INVALID, "does not start with 'GGUF'");
}

static void every_cut_is_refused(void **state)
{
    (void)state;
    Bytes b = good_file();
    const size_t whole = b.size;
    for (b.size = 0; b.size < whole; b.size++) {
        LigContext *ctx = lig_context_create();
        LigGguf *gguf;
        assert_int_not_equal(open_bytes(ctx, &b, &gguf), LIG_OK);
        lig_context_destroy(ctx);
    }
}

// Reads all that an opened file claims to have, so that a sanitizer sees any byte outside.
static unsigned touch(const LigGguf *gguf)
{
    unsigned sum = 0;
    const LigTensorSet *set = lig_gguf_tensors(gguf);
    for (size_t i = 0; i < set->count; i++) {
        for (size_t j = 0; j < set->tensors[i].bytes; j++)
            sum += ((const unsigned char *)set->tensors[i].data)[j];
    }
    for (size_t i = 0; i < lig_gguf_value_count(gguf); i++) {
        const LigGgufValue *value = lig_gguf_value(gguf, i);
        for (size_t j = 0; j < value->count; j++) {
            double number;
            if (value->strings)
                sum += value->strings[j].length ? (unsigned)value->strings[j].data[0] : 0;
            else if (lig_gguf_element_f64(value, j, &number))
                sum += number > 0;
        }
    }
    return sum;
}

static void flipped_bytes_never_crash(void **state)
{
    (void)state;
    const unsigned char flips[] = {0x01, 0x80, 0xff};
    Bytes b = good_file();
    size_t refused = 0;
    for (size_t i = 0; i < b.size * 3; i++) {
        LigContext *ctx = lig_context_create();
        LigGguf *gguf;
        b.data[i / 3] ^= flips[i % 3];
        if (open_bytes(ctx, &b, &gguf) == LIG_OK) {
            (void)touch(gguf);
            lig_gguf_close(gguf);
        } else {
            refused++;
        }
        b.data[i / 3] ^= flips[i % 3];
        lig_context_destroy(ctx);
    }
    assert_true(refused > b.size / 4);
}

static void every_failing_allocation_is_reported(void **state)
{
    (void)state;
    Bytes b = good_file();
    TempFile file = temp_file(b.data, b.size);
    LigContext *ctx = lig_context_create();
    LigStatus status = LIG_ERR_NO_MEMORY;
    uint64_t n = 0;
    while (status != LIG_OK && n < 100) {
        LigGguf *gguf;
        lig_context_clear(ctx);
        lig_alloc_fail_at(++n);
        status = lig_gguf_open(ctx, file.path, &gguf);
        lig_alloc_fail_at(0);
        if (status == LIG_OK)
            lig_gguf_close(gguf);
        else
            assert_int_equal(status, LIG_ERR_NO_MEMORY);
    }
    assert_int_equal(status, LIG_OK);
    assert_true(n > 4);
    unlink(file.path);
    lig_context_destroy(ctx);
}

static void ggml_types_have_their_sizes(void **state)
{
    (void)state;
    const struct {
        uint32_t id, block, bytes;
    } known[] = {{0, 1, 4},      {1, 1, 2},      {2, 32, 18},   {3, 32, 20},    {6, 32, 22},
                 {7, 32, 24},    {8, 32, 34},    {10, 256, 84}, {11, 256, 110}, {12, 256, 144},
                 {13, 256, 176}, {14, 256, 210}, {30, 1, 2}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const LigGgmlType *type = lig_ggml_type(known[i].id);
        assert_non_null(type);
        assert_int_equal(type->block, known[i].block);
        assert_int_equal(type->block_bytes, known[i].bytes);
    }
    assert_null(lig_ggml_type(5));
}

static void the_default_model_is_read(void **state)
{
    (void)state;
    const char *path = getenv("LIG_TEST_GGUF");
    if (!path) {
        print_message("skipped: LIG_TEST_GGUF does not name SmolLM2-135M-Instruct.Q4_1.gguf\n");
        skip();
    }
    LigContext *ctx = lig_context_create();
    LigGguf *gguf;
    assert_int_equal(lig_gguf_open(ctx, path, &gguf), LIG_OK);
    const LigTensorSet *set = lig_gguf_tensors(gguf);
    assert_int_equal(set->count, 272);
    const LigFileTensor *embed = lig_tensor_set_find(set, LIG_STR("token_embd.weight"));
    assert_string_equal(embed->type_name, "q8_0");
    assert_true(embed->rank == 2 && embed->dims[0] == 49152 && embed->dims[1] == 576);
    assert_string_equal(lig_tensor_set_find(set, LIG_STR("blk.29.ffn_down.weight"))->type_name, "q4_1");
    const LigStr *tokens;
    size_t count = 0;
    assert_int_equal(lig_gguf_get_strings(ctx, gguf, LIG_STR("tokenizer.ggml.tokens"), &tokens, &count),
                     LIG_OK);
    assert_int_equal(count, 49152);
    (void)touch(gguf);
    lig_gguf_close(gguf);
    lig_context_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensors_are_row_major_and_in_the_map),
        cmocka_unit_test(every_kind_of_scalar_is_read),
        cmocka_unit_test(arrays_are_read),
        cmocka_unit_test(getters_keep_defaults_and_name_wrong_kinds),
        cmocka_unit_test(lying_tensors_are_refused),
        cmocka_unit_test(tensors_that_meet_are_refused),
        cmocka_unit_test(lying_heads_are_refused),
        cmocka_unit_test(odd_metadata_is_refused),
        cmocka_unit_test(other_files_are_refused),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(flipped_bytes_never_crash),
        cmocka_unit_test(every_failing_allocation_is_reported),
        cmocka_unit_test(ggml_types_have_their_sizes),
        cmocka_unit_test(the_default_model_is_read),
    };
    return cmocka_run_group_tests_name("gguf", tests, NULL, NULL);
}

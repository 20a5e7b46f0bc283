// safetensors: what is written is read back, shards are one set, and damage is refused with a reason.
#include "frontend/safetensors.h"

#include "ir/base/alloc.h"
#include "tests/unit/temp_file.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>

#include <cmocka.h>

typedef struct Bytes {
    char data[4096];
    size_t size;
} Bytes;

static Bytes file_of(const char *header, size_t data_bytes)
{
    Bytes b = {.size = 8 + strlen(header) + data_bytes};
    uint64_t length = strlen(header);
    assert_true(b.size <= sizeof b.data);
    memcpy(b.data, &length, 8);
    memcpy(b.data + 8, header, strlen(header));
    for (size_t i = 0; i < data_bytes; i++) b.data[b.size - data_bytes + i] = (char)i;
    return b;
}

static LigStatus open_bytes(LigContext *ctx, const Bytes *b, LigSafetensors **out)
{
    TempFile file = temp_file(b->data, b->size);
    LigStatus status = lig_safetensors_open(ctx, file.path, out);
    unlink(file.path);
    assert_true(diagnostics_are_clear(ctx, file.path));
    assert_int_equal(lig_context_diagnostic_count(ctx), status != LIG_OK);
    return status;
}

static void expect_words(const LigContext *ctx, const char *words)
{
    if (!strstr(first_message(ctx), words)) fail_msg("'%s' lacks '%s'", first_message(ctx), words);
}

static void expect_refused(const Bytes *b, LigStatus expected, const char *words)
{
    LigContext *ctx = lig_context_create();
    LigSafetensors *file;
    assert_int_equal(open_bytes(ctx, b, &file), expected);
    expect_words(ctx, words);
    lig_context_destroy(ctx);
}

// LIG_STR as a constant initialiser.
#define NAME(literal) {(literal), sizeof(literal) - 1}
#define PLAIN "{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]}"

static void tensors_are_in_the_map(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    LigSafetensors *file;
    Bytes b = file_of("{\"__metadata__\":{\"format\":\"pt\"},\"w\":" PLAIN
                      ",\"e\":{\"dtype\":\"I64\",\"shape\":[4,0],\"data_offsets\":[24,24]}"
                      ",\"s\":{\"dtype\":\"BF16\",\"shape\":[],\"data_offsets\":[24,26]}}   ",
                      26);
    assert_int_equal(open_bytes(ctx, &b, &file), LIG_OK);
    const LigTensorSet *set = lig_safetensors_tensors(file);
    assert_int_equal(set->count, 3);
    const LigFileTensor *w = lig_tensor_set_find(set, LIG_STR("w"));
    assert_string_equal(w->type_name, "f32");
    assert_true(w->rank == 2 && w->dims[0] == 2 && w->dims[1] == 3 && w->bytes == 24);
    assert_int_equal(((const char *)w->data)[23], 23);
    const LigFileTensor *scalar = lig_tensor_set_find(set, LIG_STR("s"));
    assert_true(scalar->rank == 0 && scalar->bytes == 2);
    assert_int_equal(lig_tensor_set_find(set, LIG_STR("e"))->bytes, 0);
    assert_true(lig_str_is(lig_safetensors_metadata(file, LIG_STR("format")), "pt"));
    assert_null(lig_safetensors_metadata(file, LIG_STR("x")).data);
    lig_safetensors_close(file);
    lig_context_destroy(ctx);
}

static void data_is_aligned_whatever_the_file_does(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    for (int spaces = 0; spaces < 8; spaces++) {
        char header[256];
        snprintf(header, sizeof header, "{\"w\":" PLAIN "}%*s", spaces, "");
        Bytes b = file_of(header, 24);
        LigSafetensors *file;
        assert_int_equal(open_bytes(ctx, &b, &file), LIG_OK);
        const LigFileTensor *w = &lig_safetensors_tensors(file)->tensors[0];
        assert_int_equal((uintptr_t)w->data % 4, 0);
        assert_memory_equal(w->data, b.data + b.size - 24, 24);
        lig_safetensors_close(file);
    }
    lig_context_destroy(ctx);
}

static void lying_headers_are_refused(void **state)
{
    (void)state;
#define ENTRY(dtype, shape, offsets)                                                                           \
    "{\"w\":{\"dtype\":" dtype ",\"shape\":" shape ",\"data_offsets\":" offsets "}}"
    const struct {
        const char *header;
        LigStatus status;
        const char *words;
    } cases[] = {
        {ENTRY("\"F32\"", "[6]", "[0,20]"), LIG_ERR_INVALID, "offsets for 20 bytes"},
        {ENTRY("\"F32\"", "[7]", "[0,28]"), LIG_ERR_INVALID, "(4 missing)"},
        {ENTRY("\"F32\"", "[6]", "[4,28]"), LIG_ERR_INVALID, "(4 missing)"},
        {ENTRY("\"F32\"", "[6]", "[24,0]"), LIG_ERR_INVALID, "data_offsets"},
        {ENTRY("\"F32\"", "[6]", "[-24,0]"), LIG_ERR_INVALID, "data_offsets"},
        {ENTRY("\"F32\"", "[6]", "[0,24,1]"), LIG_ERR_INVALID, "data_offsets"},
        {ENTRY("\"F32\"", "[6]", "24"), LIG_ERR_INVALID, "data_offsets"},
        {ENTRY("\"F32\"", "[6.0]", "[0,24]"), LIG_ERR_INVALID, "no integer"},
        {ENTRY("\"F32\"", "[-6]", "[0,24]"), LIG_ERR_INVALID, "no integer"},
        {ENTRY("\"F32\"", "6", "[0,24]"), LIG_ERR_INVALID, "'shape'"},
        {ENTRY("\"F32\"", "[4611686018427387904,4611686018427387904]", "[0,24]"), LIG_ERR_INVALID, "over 2^64"},
        {ENTRY("\"F32\"", "[4611686018427387904]", "[0,24]"), LIG_ERR_INVALID, "over 2^64"},
        {ENTRY("\"F32\"", "[1,1,1,1,1,1,1,1,6]", "[0,24]"), LIG_ERR_UNSUPPORTED, "9 dims"},
        {ENTRY("\"F8_E4M3\"", "[24]", "[0,24]"), LIG_ERR_UNSUPPORTED, "'w' has the dtype F8_E4M3"},
        {ENTRY("4", "[6]", "[0,24]"), LIG_ERR_INVALID, "'dtype'"},
        {"{\"w\":3}", LIG_ERR_INVALID, "no object"},
        {"{\"w\":{\"dtype\":\"F32\",\"shape\":[6]}}", LIG_ERR_INVALID, "other keys"},
        {"{\"\":" PLAIN "}", LIG_ERR_INVALID, "0 bytes"},
        {"{\"a\\nb\":" PLAIN "}", LIG_ERR_INVALID, "control character"},
        {"{\"a\":" PLAIN ",\"a\":" PLAIN "}", LIG_ERR_PARSE, "duplicate"},
        {"{\"a\":" PLAIN ",\"b\":" PLAIN "}", LIG_ERR_INVALID, "share bytes"},
        {"{\"__metadata__\":{\"k\":1}}", LIG_ERR_INVALID, "__metadata__"},
        {"{\"w\":", LIG_ERR_PARSE, "is not JSON"},
        {"[1]", LIG_ERR_INVALID, "no safetensors file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Bytes b = file_of(cases[i].header, 24);
        expect_refused(&b, cases[i].status, cases[i].words);
    }
}

static void lying_lengths_are_refused(void **state)
{
    (void)state;
    const uint64_t huge[] = {100, UINT64_C(1) << 62, UINT64_MAX};
    for (size_t i = 0; i < 3; i++) {
        Bytes b = file_of("{}", 24);
        memcpy(b.data, &huge[i], 8);
        expect_refused(&b, LIG_ERR_INVALID, i == 0 ? "(74 missing)" : "no safetensors file");
    }
}

static const char sweep_header[] = "{\"__metadata__\":{\"format\":\"pt\"},\"w\":" PLAIN
                                   ",\"b\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[24,27]}}";

static void every_cut_is_refused(void **state)
{
    (void)state;
    Bytes b = file_of(sweep_header, 27);
    const size_t whole = b.size;
    for (b.size = 0; b.size < whole; b.size++) {
        LigContext *ctx = lig_context_create();
        LigSafetensors *file;
        assert_int_not_equal(open_bytes(ctx, &b, &file), LIG_OK);
        lig_context_destroy(ctx);
    }
    b.size = whole - 1;
    expect_refused(&b, LIG_ERR_INVALID, "'b' needs bytes 24 to 27 of the data, which has 26 (1 missing)");
}

static void flipped_bytes_never_crash(void **state)
{
    (void)state;
    Bytes b = file_of(sweep_header, 27);
    size_t refused = 0;
    for (size_t i = 0; i < b.size * 8; i++) {
        LigContext *ctx = lig_context_create();
        LigSafetensors *file;
        b.data[i / 8] = (char)(b.data[i / 8] ^ (1 << (i % 8)));
        if (open_bytes(ctx, &b, &file) == LIG_OK) {
            const LigTensorSet *set = lig_safetensors_tensors(file);
            unsigned sum = 0;
            for (size_t j = 0; j < set->count; j++) {
                const unsigned char *data = set->tensors[j].data;
                for (size_t k = 0; k < set->tensors[j].bytes; k++) sum += data[k];
            }
            (void)sum;
            lig_safetensors_close(file);
        } else {
            refused++;
        }
        b.data[i / 8] = (char)(b.data[i / 8] ^ (1 << (i % 8)));
        lig_context_destroy(ctx);
    }
    assert_true(refused > b.size);
}

static const float floats[6] = {1, 2, 3, 4, 5, 6};
static const unsigned char bools[3] = {1, 0, 1};

static LigStatus write_ints(void *user, size_t index, LigTensorSink *sink)
{
    assert_int_equal(index, 2);
    const size_t *bytes = user;
    const int64_t numbers[2] = {-1, INT64_MAX};
    lig_tensor_sink_write(sink, numbers, *bytes);
    return LIG_OK;
}

static const LigFileTensor sample[] = {
    {NAME("flags"), "bool", 1, {3}, bools, 3},
    {NAME("w \"x\" \xc3\xa4"), "f32", 2, {2, 3}, floats, 24},
    {NAME("ints"), "i64", 1, {2}, NULL, 16},
    {NAME("none"), "f16", 2, {0, 4}, NULL, 0},
};
static const LigSafetensorsPair pair = {NAME("format"), NAME("pt")};

static LigSafetensorsContent sample_content(size_t *callback_bytes)
{
    return (LigSafetensorsContent){sample, 4, &pair, 1, write_ints, callback_bytes};
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    TempFile temp = temp_file("", 0);
    size_t bytes = 16;
    LigSafetensorsContent content = sample_content(&bytes);
    LigSafetensors *file;
    assert_int_equal(lig_safetensors_write(ctx, temp.path, &content), LIG_OK);
    assert_int_equal(lig_safetensors_open(ctx, temp.path, &file), LIG_OK);
    const LigTensorSet *set = lig_safetensors_tensors(file);
    assert_int_equal(set->count, 4);
    for (size_t i = 0; i < 4; i++) {
        const LigFileTensor *read = lig_tensor_set_find(set, sample[i].name);
        assert_non_null(read);
        assert_string_equal(read->type_name, sample[i].type_name);
        assert_int_equal(read->rank, sample[i].rank);
        assert_memory_equal(read->dims, sample[i].dims, sizeof read->dims);
        assert_int_equal(read->bytes, sample[i].bytes);
        if (sample[i].data) assert_memory_equal(read->data, sample[i].data, sample[i].bytes);
    }
    const int64_t ints[2] = {-1, INT64_MAX};
    assert_memory_equal(lig_tensor_set_find(set, LIG_STR("ints"))->data, ints, 16);
    assert_true(lig_str_is(lig_safetensors_metadata(file, LIG_STR("format")), "pt"));
    lig_safetensors_close(file);
    unlink(temp.path);
    lig_context_destroy(ctx);
}

static void bad_content_leaves_the_old_file(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    TempFile temp = temp_file("old", 3);
    const LigFileTensor bad[] = {
        {LIG_STR("q"), "q4_1", 1, {32}, floats, 20},  {LIG_STR("w"), "f32", 1, {6}, floats, 20},
        {LIG_STR("w"), "f32", 1, {6}, NULL, 24},      {LIG_STR("w"), "f32", 1, {-6}, floats, 24},
        {LIG_STR("\xff"), "f32", 1, {6}, floats, 24}, {LIG_STR("__metadata__"), "f32", 1, {6}, floats, 24},
        {LIG_STR(""), "f32", 1, {6}, floats, 24},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        LigSafetensorsContent content = {.tensors = &bad[i], .count = 1};
        LigStatus expected = i == 0 ? LIG_ERR_DTYPE : LIG_ERR_INVALID;
        assert_int_equal(lig_safetensors_write(ctx, temp.path, &content), expected);
    }
    const LigFileTensor twice[] = {sample[1], sample[1]};
    LigSafetensorsContent same = {.tensors = twice, .count = 2};
    assert_int_equal(lig_safetensors_write(ctx, temp.path, &same), LIG_ERR_INVALID);
    const LigSafetensorsPair odd = {LIG_STR("k"), LIG_STR("\xff")};
    LigSafetensorsContent text = {.metadata = &odd, .metadata_count = 1};
    assert_int_equal(lig_safetensors_write(ctx, temp.path, &text), LIG_ERR_INVALID);
    size_t bytes = 8;
    LigSafetensorsContent lazy = sample_content(&bytes);
    assert_int_equal(lig_safetensors_write(ctx, temp.path, &lazy), LIG_ERR_INVALID);
    LigMappedFile *file;
    assert_int_equal(lig_file_map(ctx, temp.path, &file), LIG_OK);
    assert_int_equal(file->size, 3);
    lig_file_unmap(file);
    unlink(temp.path);
    lig_context_destroy(ctx);
}

typedef struct Directory {
    char path[64];
} Directory;

static void put_in(const Directory *directory, const char *name, const void *data, size_t bytes)
{
    TempFile file;
    snprintf(file.path, sizeof file.path, "%s/%s", directory->path, name);
    temp_put(&file, data, bytes);
}

static void remove_directory(const Directory *directory)
{
    const char *const names[] = {"a.st", "b.st", "model.safetensors.index.json"};
    for (size_t i = 0; i < 3; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", directory->path, names[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(directory->path), 0);
}

static LigStatus open_sharded(LigContext *ctx, const char *index, LigSafetensors **out)
{
    Directory directory = {"/tmp/lig-unit-XXXXXX"};
    assert_non_null(mkdtemp(directory.path));
    Bytes a = file_of("{\"w\":" PLAIN "}", 24), b = file_of("{\"v\":" PLAIN "}", 24);
    put_in(&directory, "a.st", a.data, a.size);
    put_in(&directory, "b.st", b.data, b.size);
    if (index) put_in(&directory, "model.safetensors.index.json", index, strlen(index));
    LigStatus status = lig_safetensors_open(ctx, directory.path, out);
    remove_directory(&directory);
    assert_true(diagnostics_are_clear(ctx, directory.path));
    return status;
}

static void shards_are_one_set(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    LigSafetensors *file;
    const char good[] = "{\"metadata\":{},\"weight_map\":{\"v\":\"b.st\",\"w\":\"a.st\"}}";
    assert_int_equal(open_sharded(ctx, good, &file), LIG_OK);
    assert_int_equal(lig_safetensors_tensors(file)->count, 2);
    assert_int_equal(lig_tensor_set_find(lig_safetensors_tensors(file), LIG_STR("w"))->bytes, 24);
    lig_safetensors_close(file);
    const struct {
        const char *index;
        LigStatus status;
        const char *words;
    } cases[] = {
        {NULL, LIG_ERR_NOT_FOUND, "has no weights: expected model.safetensors"},
        {"{}", LIG_ERR_NOT_FOUND, "'weight_map' is missing"},
        {"{\"weight_map\":{\"x\":\"a.st\"}}", LIG_ERR_NOT_FOUND, "has no tensor 'x'"},
        {"{\"weight_map\":{\"w\":\"c.st\"}}", LIG_ERR_NOT_FOUND, "is missing, though"},
        {"{\"weight_map\":{\"w\":\"../a.st\"}}", LIG_ERR_INVALID, "'weight_map.w' names no file"},
        {"{\"weight_map\":{\"w\":\"/a.st\"}}", LIG_ERR_INVALID, "'weight_map.w' names no file"},
        {"{\"weight_map\":{\"w\":7}}", LIG_ERR_INVALID, "'weight_map.w' is no string"},
        {"{\"weight_map\":[]}", LIG_ERR_INVALID, "'weight_map' is no object"},
        {"{\"weight_map\":", LIG_ERR_PARSE, "is not JSON"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(open_sharded(ctx, cases[i].index, &file), cases[i].status);
        expect_words(ctx, cases[i].words);
        lig_context_clear(ctx);
    }
    lig_context_destroy(ctx);
}

// jansson is made to allocate through ir/base here, so that its failures are walked too.
static void every_failing_allocation_is_reported(void **state)
{
    (void)state;
    json_set_alloc_funcs(lig_alloc, lig_free);
    LigContext *ctx = lig_context_create();
    TempFile temp = temp_file("", 0);
    LigStatus status = LIG_ERR_NO_MEMORY;
    uint64_t n = 0;
    while (status != LIG_OK && n < 1000) {
        size_t bytes = 16;
        LigSafetensorsContent content = sample_content(&bytes);
        lig_context_clear(ctx);
        lig_alloc_fail_at(++n);
        status = lig_safetensors_write(ctx, temp.path, &content);
        lig_alloc_fail_at(0);
        if (status != LIG_OK) assert_int_equal(status, LIG_ERR_NO_MEMORY);
    }
    assert_true(status == LIG_OK && n > 20);
    for (status = LIG_ERR_NO_MEMORY, n = 0; status != LIG_OK && n < 1000;) {
        LigSafetensors *file;
        lig_context_clear(ctx);
        lig_alloc_fail_at(++n);
        status = lig_safetensors_open(ctx, temp.path, &file);
        lig_alloc_fail_at(0);
        if (status == LIG_OK)
            lig_safetensors_close(file);
        else
            assert_int_equal(status, LIG_ERR_NO_MEMORY);
    }
    assert_true(status == LIG_OK && n > 20);
    unlink(temp.path);
    lig_context_destroy(ctx);
    json_set_alloc_funcs(malloc, free);
}

static void the_tiny_llama_is_read(void **state)
{
    (void)state;
    const char *path = LIG_SOURCE_DIR "/../shared/models/tiny/llama";
    if (!lig_path_exists(path)) {
        print_message("skipped: no ../shared/models/tiny/llama\n");
        skip();
    }
    LigContext *ctx = lig_context_create();
    LigSafetensors *file;
    assert_int_equal(lig_safetensors_open(ctx, path, &file), LIG_OK);
    const LigFileTensor *embed =
        lig_tensor_set_find(lig_safetensors_tensors(file), LIG_STR("model.embed_tokens.weight"));
    assert_non_null(embed);
    assert_true(embed->rank == 2 && embed->dims[0] == 131 && embed->dims[1] == 64);
    lig_safetensors_close(file);
    lig_context_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tensors_are_in_the_map),
        cmocka_unit_test(data_is_aligned_whatever_the_file_does),
        cmocka_unit_test(lying_headers_are_refused),
        cmocka_unit_test(lying_lengths_are_refused),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(flipped_bytes_never_crash),
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(bad_content_leaves_the_old_file),
        cmocka_unit_test(shards_are_one_set),
        cmocka_unit_test(every_failing_allocation_is_reported),
        cmocka_unit_test(the_tiny_llama_is_read),
    };
    return cmocka_run_group_tests_name("safetensors", tests, NULL, NULL);
}

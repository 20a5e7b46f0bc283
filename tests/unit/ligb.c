// .ligb: lossless against the text at every stage, the same bytes as ever, and no file that can hurt.
//
// `unit_ligb --bless` rewrites tests/data/stages.ligb after a change of the format (which needs a new version).
#include "frontend/ligb.h"
#include "frontend/model_file.h"
#include "ir/base/alloc.h"
#include "ir/text.h"
#include "passes/pass.h"

#include "tests/unit/temp_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define STAGES LIG_SOURCE_DIR "/tests/data/stages"

static void expect_ok(const LigContext *ctx, LigStatus status)
{
    if (status != LIG_OK) print_error("%s\n", first_message(ctx));
    assert_int_equal(status, LIG_OK);
}

static LigModule *parse_file(LigContext *ctx, const char *path)
{
    LigMappedFile *file;
    LigModule *module = NULL;
    expect_ok(ctx, lig_file_map(ctx, path, &file));
    expect_ok(ctx, lig_parse_module(ctx, path, (LigStr){(const char *)file->data, file->size}, &module));
    lig_file_unmap(file);
    return module;
}

static LigText print(const LigModule *module)
{
    LigText text = {0};
    lig_print_module(&text, module);
    assert_false(text.failed);
    return text;
}

static LigMappedFile *write_and_map(LigContext *ctx, LigModule *module, const TempFile *temp, bool embed)
{
    LigMappedFile *file;
    expect_ok(ctx, lig_ligb_write(ctx, module, temp->path, embed));
    expect_ok(ctx, lig_file_map(ctx, temp->path, &file));
    return file;
}

// Writes, reads and prints: the same text, and the same file when written once more.
static void check_round_trip(LigContext *ctx, LigModule *module)
{
    TempFile one = temp_file("", 0), two = temp_file("", 0);
    LigText want = print(module);
    LigMappedFile *file = write_and_map(ctx, module, &one, false);
    LigModule *back;
    expect_ok(ctx, lig_ligb_read(ctx, file, &back));
    LigText got = print(back);
    assert_string_equal(got.data, want.data);
    LigMappedFile *again = write_and_map(ctx, back, &two, false);
    assert_int_equal(again->size, file->size);
    assert_memory_equal(again->data, file->data, file->size);
    lig_module_destroy(back);
    lig_file_unmap(again);
    lig_file_unmap(file);
    lig_text_free(&got);
    lig_text_free(&want);
    unlink(one.path);
    unlink(two.path);
}

static void keeps_every_stage(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    LigModule *module = parse_file(ctx, STAGES ".lig");
    check_round_trip(ctx, module);
    LigPassManager manager = {.options = {.fuse = true}, .verify = true};
    for (size_t i = 0; i < lig_pass_count(); i++) {
        expect_ok(ctx, lig_pass_run(&manager, module, lig_pass_info(i)));
        check_round_trip(ctx, module);
    }
    assert_int_equal(module->stage, LIG_STAGE_PLANNED);
    lig_module_destroy(module);
    lig_context_destroy(ctx);
}

static void keeps_its_bytes(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    TempFile temp = temp_file("", 0);
    LigModule *module = parse_file(ctx, STAGES ".lig");
    LigMappedFile *file = write_and_map(ctx, module, &temp, false), *kept;
    expect_ok(ctx, lig_file_map(ctx, STAGES ".ligb", &kept));
    assert_int_equal(file->size, kept->size);
    assert_memory_equal(file->data, kept->data, file->size);
    lig_file_unmap(kept);
    lig_file_unmap(file);
    lig_module_destroy(module);
    unlink(temp.path);
    lig_context_destroy(ctx);
}

// A module of two params of 12 and 20 bytes.
static LigModule *with_params(LigContext *ctx, const void *first, const void *second)
{
    static const char text[] = "module \"p\" { param %a : f32[3] \"a\" param %b : u8[20] \"b\" "
                               "func @f(%x: f32[3]) -> f32[3] { %y = add %x, %a : f32[3] return %y } }";
    LigModule *module;
    expect_ok(ctx, lig_parse_module(ctx, "p", LIG_STR(text), &module));
    module->params.data[0]->data = first;
    module->params.data[1]->data = second;
    return module;
}

static void brings_params(void **state)
{
    (void)state;
    static const float first[3] = {1, 2, 3};
    static const char second[21] = "bytes of the second.";
    LigContext *ctx = lig_context_create();
    TempFile temp = temp_file("", 0);
    LigModule *module = with_params(ctx, first, second);
    expect_ok(ctx, lig_ligb_write(ctx, module, temp.path, true));
    LigModelFile *file;
    LigModule *back;
    expect_ok(ctx, lig_model_file_open(ctx, temp.path, NULL, &file));
    expect_ok(ctx, lig_model_file_build(file, &(LigGraphOptions){.kv = LIG_F32}, &back));
    for (size_t i = 0; i < 2; i++) assert_int_equal((uintptr_t)back->params.data[i]->data % LIG_LIGB_ALIGN, 0);
    assert_memory_equal(back->params.data[0]->data, first, sizeof first);
    assert_memory_equal(back->params.data[1]->data, second, 20);
    lig_module_destroy(back);
    lig_model_file_close(file);
    module->params.data[1]->data = NULL;
    assert_int_equal(lig_ligb_write(ctx, module, temp.path, true), LIG_ERR_NOT_FOUND);
    assert_non_null(strstr(first_message(ctx), "%b"));
    lig_module_destroy(module);
    unlink(temp.path);
    lig_context_destroy(ctx);
}

// ---- damage ----

// Reads a copy of the bytes that ends at the end of its allocation; what is read must print and parse.
static LigStatus read_bytes(const unsigned char *bytes, size_t size, char message[256])
{
    LigContext *ctx = lig_context_create();
    unsigned char *copy = aligned_alloc(64, (size + 63) / 64 * 64 + 64);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    const LigMappedFile file = {copy, size, "damaged.ligb"};
    LigModule *module;
    LigStatus status = lig_ligb_read(ctx, &file, &module);
    if (status == LIG_OK) {
        LigText text = print(module);
        LigModule *back;
        expect_ok(ctx, lig_parse_module(ctx, "printed", lig_text_view(&text), &back));
        lig_module_destroy(back);
        lig_text_free(&text);
        lig_module_destroy(module);
    } else {
        assert_true(lig_context_diagnostic_count(ctx) > 0);
        assert_true(diagnostics_are_clear(ctx, "damaged.ligb"));
        (void)snprintf(message, 256, "%s", first_message(ctx));
    }
    lig_context_destroy(ctx);
    free(copy);
    return status;
}

static void refuses_cuts(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    LigMappedFile *file;
    char message[256];
    expect_ok(ctx, lig_file_map(ctx, STAGES ".ligb", &file));
    for (size_t size = 0; size < file->size; size++)
        assert_int_not_equal(read_bytes(file->data, size, message), LIG_OK);
    lig_file_unmap(file);
    lig_context_destroy(ctx);
}

static void survives_flips(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    LigMappedFile *file;
    char message[256];
    expect_ok(ctx, lig_file_map(ctx, STAGES ".ligb", &file));
    unsigned char *bytes = malloc(file->size);
    assert_non_null(bytes);
    size_t refused = 0;
    for (size_t i = 0; i < file->size; i++) {
        for (int flip = 1; flip < 256; flip *= 4) {
            memcpy(bytes, file->data, file->size);
            bytes[i] ^= (unsigned char)flip;
            refused += read_bytes(bytes, file->size, message) != LIG_OK;
        }
    }
    assert_true(refused > file->size);
    free(bytes);
    lig_file_unmap(file);
    lig_context_destroy(ctx);
}

static void put_u64(unsigned char *at, uint64_t value) { memcpy(at, &value, sizeof value); }

static void refuses_lies(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint64_t value;
        LigStatus status;
        const char *says;
    } lies[] = {
        {0, 0x146464647, LIG_ERR_INVALID, "no .ligb"},
        {0, 0x24247494c, LIG_ERR_UNSUPPORTED, "version 2"},
        {8, 65, LIG_ERR_INVALID, "header"},
        {16, UINT64_MAX, LIG_ERR_INVALID, "header"},
        {16, UINT64_MAX - 63, LIG_ERR_INVALID, "header"},
        {24, UINT64_MAX - 63, LIG_ERR_INVALID, "header"},
        {24, 0, LIG_ERR_INVALID, "header"},
        {32, 1, LIG_ERR_INVALID, "header"},
    };
    LigContext *ctx = lig_context_create();
    LigMappedFile *file;
    char message[256];
    expect_ok(ctx, lig_file_map(ctx, STAGES ".ligb", &file));
    unsigned char *bytes = malloc(file->size);
    assert_non_null(bytes);
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        memcpy(bytes, file->data, file->size);
        put_u64(bytes + lies[i].at, lies[i].value);
        assert_int_equal(read_bytes(bytes, file->size, message), lies[i].status);
        if (!strstr(message, lies[i].says)) fail_msg("\"%s\" does not say \"%s\"", message, lies[i].says);
    }
    free(bytes);
    lig_file_unmap(file);
    lig_context_destroy(ctx);
}

// Names that are not there, and names that are not known.
static void refuses_names(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *says;
    } wrong[] = {
        {"\x06linear", "\x06l near", "the op's name is empty, or not of letters, digits and . _ -"},
        {"\x06linear", "\x06lineal", "op `lineal` is not known here"},
        {"\x05model", "\x05m\033del", "the stage's name is empty, or not of letters"},
        {"\x05model", "\x05noble", "stage `noble` is not known here"},
    };
    LigContext *ctx = lig_context_create();
    LigMappedFile *file;
    char message[256] = "";
    expect_ok(ctx, lig_file_map(ctx, STAGES ".ligb", &file));
    unsigned char *bytes = malloc(file->size);
    assert_non_null(bytes);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        size_t length = strlen(wrong[i].from);
        memcpy(bytes, file->data, file->size);
        unsigned char *at = memmem(bytes, file->size, wrong[i].from, length);
        assert_non_null(at);
        memcpy(at, wrong[i].to, length);
        assert_int_not_equal(read_bytes(bytes, file->size, message), LIG_OK);
        if (!strstr(message, wrong[i].says)) fail_msg("\"%s\" does not say \"%s\"", message, wrong[i].says);
    }
    free(bytes);
    lig_file_unmap(file);
    lig_context_destroy(ctx);
}

static void refuses_broken_modules(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    LigModule *module = parse_file(ctx, STAGES ".lig");
    TempFile temp = temp_file("old", 3);
    module->params.data[0]->id = 7;
    assert_int_equal(lig_ligb_write(ctx, module, temp.path, false), LIG_ERR_INVALID);
    LigMappedFile *file;
    expect_ok(ctx, lig_file_map(ctx, temp.path, &file));
    assert_int_equal(file->size, 3); // as it was
    lig_file_unmap(file);
    lig_module_destroy(module);
    unlink(temp.path);
    lig_context_destroy(ctx);
}

// ---- memory ----

static LigStatus write_and_read(LigContext *ctx, LigModule *module, const char *path)
{
    LigMappedFile *file;
    LigModule *back;
    LIG_TRY(lig_ligb_write(ctx, module, path, false));
    LIG_TRY(lig_file_map(ctx, path, &file));
    LigStatus status = lig_ligb_read(ctx, file, &back);
    if (status == LIG_OK) lig_module_destroy(back);
    lig_file_unmap(file);
    return status;
}

static void survives_failing_allocations(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    LigModule *module = parse_file(ctx, STAGES ".lig");
    TempFile temp = temp_file("", 0);
    LigStatus status = LIG_ERR_NO_MEMORY;
    for (uint64_t n = 1; status != LIG_OK; n += n < 200 ? 1 : 7) {
        lig_context_clear(ctx);
        lig_alloc_fail_at(n);
        status = write_and_read(ctx, module, temp.path);
        lig_alloc_fail_at(0);
        if (status != LIG_OK) assert_int_equal(status, LIG_ERR_NO_MEMORY);
    }
    lig_module_destroy(module);
    unlink(temp.path);
    lig_context_destroy(ctx);
}

static int bless(void)
{
    LigContext *ctx = lig_context_create();
    LigModule *module = parse_file(ctx, STAGES ".lig");
    LigStatus status = lig_ligb_write(ctx, module, STAGES ".ligb", false);
    lig_module_destroy(module);
    lig_context_destroy(ctx);
    return status != LIG_OK;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--bless") == 0) return bless();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_every_stage),
        cmocka_unit_test(keeps_its_bytes),
        cmocka_unit_test(brings_params),
        cmocka_unit_test(refuses_cuts),
        cmocka_unit_test(survives_flips),
        cmocka_unit_test(refuses_lies),
        cmocka_unit_test(refuses_names),
        cmocka_unit_test(refuses_broken_modules),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// The kind of a model from its content; what is none of them is named.
#include "frontend/detect.h"

#include "ir/base/alloc.h"
#include "ir/base/file.h"
#include "tests/unit/temp_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>

#include <cmocka.h>

#define BYTES(literal) (literal), sizeof(literal) - 1
#define TOKENIZER "{\"added_tokens\": [], \"model\": {\"type\": \"BPE\"}}"

static const struct {
    const char *data;
    size_t bytes;
    LigModelKind kind;
} good[] = {
    {BYTES("GGUF\3\0\0\0"), LIG_MODEL_GGUF},
    {BYTES("LIGB\1"), LIG_MODEL_LIGB},
    {BYTES("module \"m\" {}"), LIG_MODEL_TEXT},
    {BYTES("# words\n\n  # more\r\nmodel {"), LIG_MODEL_TEXT},
    {BYTES("\2\0\0\0\0\0\0\0{}"), LIG_MODEL_SAFETENSORS},
    {BYTES("\n" TOKENIZER), LIG_MODEL_TOKENIZER_JSON},
    {BYTES("\x08\x08\x12\x02pt\x3a\x03\x0a\x01x\x42\x02\x10\x11"), LIG_MODEL_ONNX},
};

static void kinds_are_told_from_content(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        TempFile file = temp_file(good[i].data, good[i].bytes);
        LigModelKind kind;
        assert_int_equal(lig_model_detect(ctx, file.path, &kind), LIG_OK);
        assert_string_equal(lig_model_kind_name(kind), lig_model_kind_name(good[i].kind));
        unlink(file.path);
    }
    lig_context_destroy(ctx);
}

static void other_files_are_named(void **state)
{
    (void)state;
    const struct {
        const char *data;
        size_t bytes;
        const char *words;
    } cases[] = {
        {BYTES(""), "empty"},
        {BYTES("PK\x03\x04zip"), "50 4b 03 04 7a 69 70 (a zip archive"},
        {BYTES("version https://git-lfs.github.com/spec/v1"), "git lfs pull"},
        {BYTES("<!DOCTYPE html>"), "a web page"},
        {BYTES("x"), "first bytes: 78; expected a Hugging Face directory, GGUF, ONNX"},
        {BYTES("# only a comment"), "is no model"},
        {BYTES("modules"), "unknown first word `modules`: did you mean `module`?"},
        {BYTES("# a spec\nmodell \"m\" {}"), "unknown first word `modell`: did you mean `model`?"},
        {BYTES("hello, world"), "is no model"},
        {BYTES("#!/bin/sh\nls"), "is no model"},
        {BYTES("{\"a\": 1}"), "is no model"},
        {BYTES("{\"model_type\": \"llama\"}"), "give the directory"},
        {BYTES("{\"weight_map\": {}}"), "give the directory"},
        {BYTES("{\"a\": "), "is not JSON"},
        {BYTES("\x08\x08\x12\x02pt"), "is no model"},
        {BYTES("\x08\x08\x3a\x7f\x0a\x01x"), "is no model"},
        {BYTES("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), "is no model"},
    };
    LigContext *ctx = lig_context_create();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        TempFile file = temp_file(cases[i].data, cases[i].bytes);
        LigModelKind kind;
        assert_int_not_equal(lig_model_detect(ctx, file.path, &kind), LIG_OK);
        if (!strstr(first_message(ctx), cases[i].words)) {
            fail_msg("'%s' lacks '%s'", first_message(ctx), cases[i].words);
        }
        assert_true(diagnostics_are_clear(ctx, file.path));
        lig_context_clear(ctx);
        unlink(file.path);
    }
    lig_context_destroy(ctx);
}

static void cuts_and_flips_never_crash(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    TempFile file = temp_file("", 0);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char bytes[128];
        for (size_t at = 0; at < good[i].bytes * 9; at++) {
            memcpy(bytes, good[i].data, good[i].bytes);
            if (at % 9 < 8) bytes[at / 9] = (char)(bytes[at / 9] ^ (1 << (at % 9)));
            temp_put(&file, bytes, at % 9 == 8 ? at / 9 : good[i].bytes);
            LigModelKind kind;
            lig_context_clear(ctx);
            if (lig_model_detect(ctx, file.path, &kind) == LIG_OK)
                assert_true(kind < LIG_MODEL_KIND_COUNT);
            else
                assert_int_equal(lig_context_diagnostic_count(ctx), 1);
        }
    }
    unlink(file.path);
    lig_context_destroy(ctx);
}

static void touch_in(const char *directory, const char *name)
{
    TempFile file;
    snprintf(file.path, sizeof file.path, "%s/%s", directory, name);
    temp_put(&file, "", 0);
}

static void remove_in(const char *directory, const char *name)
{
    char path[160];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    assert_int_equal(unlink(path), 0);
}

static void expect_directory(LigContext *ctx, const char *path, LigStatus expected, const char *words)
{
    LigModelKind kind;
    lig_context_clear(ctx);
    assert_int_equal(lig_model_detect(ctx, path, &kind), expected);
    if (!strstr(first_message(ctx), words)) fail_msg("'%s' lacks '%s'", first_message(ctx), words);
    if (expected == LIG_OK) assert_int_equal(kind, LIG_MODEL_HF_DIRECTORY);
}

static void directories_need_a_config_and_weights(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    char path[] = "/tmp/lig-unit-XXXXXX";
    assert_non_null(mkdtemp(path));
    expect_directory(ctx, path, LIG_ERR_NOT_FOUND, "has no config.json:");
    touch_in(path, "config.json");
    expect_directory(ctx, path, LIG_ERR_NOT_FOUND, "has no weights: expected model.safetensors");
    touch_in(path, "pytorch_model.bin");
    expect_directory(ctx, path, LIG_ERR_NOT_FOUND, "pytorch_model.bin is not read");
    touch_in(path, "model.safetensors.index.json");
    expect_directory(ctx, path, LIG_OK, "");
    remove_in(path, "config.json");
    expect_directory(ctx, path, LIG_ERR_NOT_FOUND, "though it has weights");
    remove_in(path, "pytorch_model.bin");
    remove_in(path, "model.safetensors.index.json");
    assert_int_equal(rmdir(path), 0);
    expect_directory(ctx, path, LIG_ERR_NOT_FOUND, "no such file or directory");
    lig_context_destroy(ctx);
}

static void every_failing_allocation_is_reported(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    TempFile file = temp_file(TOKENIZER, sizeof TOKENIZER - 1);
    char directory[] = "/tmp/lig-unit-XXXXXX";
    assert_non_null(mkdtemp(directory));
    const char *const paths[] = {file.path, directory};
    for (size_t i = 0; i < 2; i++) {
        LigModelKind kind;
        LigStatus status = LIG_ERR_NO_MEMORY;
        uint64_t n = 0;
        while (status == LIG_ERR_NO_MEMORY && n < 50) {
            lig_context_clear(ctx);
            lig_alloc_fail_at(++n);
            status = lig_model_detect(ctx, paths[i], &kind);
            lig_alloc_fail_at(0);
        }
        assert_int_equal(status, i == 0 ? LIG_OK : LIG_ERR_NOT_FOUND);
        assert_true(n > 1);
    }
    assert_int_equal(rmdir(directory), 0);
    unlink(file.path);
    lig_context_destroy(ctx);
}

static void stored_models_are_told(void **state)
{
    (void)state;
    const struct {
        const char *path;
        LigModelKind kind;
    } stored[] = {
        {LIG_SOURCE_DIR "/../shared/models/tiny/llama", LIG_MODEL_HF_DIRECTORY},
        {LIG_SOURCE_DIR "/../shared/models/tiny/llama/model.safetensors", LIG_MODEL_SAFETENSORS},
        {LIG_SOURCE_DIR "/../shared/models/onnx/llama.dynamo.onnx", LIG_MODEL_ONNX},
        {LIG_SOURCE_DIR "/../shared/models/onnx/t5.torchscript.onnx", LIG_MODEL_ONNX},
    };
    LigContext *ctx = lig_context_create();
    for (size_t i = 0; i < sizeof stored / sizeof *stored; i++) {
        LigModelKind kind;
        if (!lig_path_exists(stored[i].path)) {
            print_message("skipped: no %s\n", stored[i].path);
            lig_context_destroy(ctx);
            skip();
        }
        assert_int_equal(lig_model_detect(ctx, stored[i].path, &kind), LIG_OK);
        assert_string_equal(lig_model_kind_name(kind), lig_model_kind_name(stored[i].kind));
    }
    lig_context_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_are_told_from_content),
        cmocka_unit_test(other_files_are_named),
        cmocka_unit_test(cuts_and_flips_never_crash),
        cmocka_unit_test(directories_need_a_config_and_weights),
        cmocka_unit_test(every_failing_allocation_is_reported),
        cmocka_unit_test(stored_models_are_told),
    };
    return cmocka_run_group_tests_name("detect", tests, NULL, NULL);
}

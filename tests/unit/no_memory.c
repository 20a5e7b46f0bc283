// Memory runs out at any moment: every stage from a file to a step gives NO_MEMORY back, and keeps nothing.
// (The address sanitizer's build looks for what is kept.) What LLVM allocates by itself does not fail here.
#include "codegen/target.h"
#include "frontend/model_file.h"
#include "frontend/tokenizer_json.h"
#include "ir/base/alloc.h"
#include "ir/base/file.h"
#include "ir/text.h"
#include "runtime/session.h"
#include "runtime/text/tokenizer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MODEL LIG_SOURCE_DIR "/tests/data/tiny/llama"
#define TOKENIZER LIG_SOURCE_DIR "/tests/data/tokenizer_tiny.json"

typedef LigStatus Stage(LigContext *ctx);

// Runs the stage once with enough memory, then with every stride-th allocation failing, and all after it.
static void sweep(Stage *stage, uint64_t samples)
{
    LigContext *ctx = lig_context_create();
    assert_non_null(ctx);
    uint64_t before = lig_alloc_count();
    assert_int_equal(stage(ctx), LIG_OK);
    uint64_t count = lig_alloc_count() - before, stride = count / samples + 1;
    assert_true(count > 0);
    for (uint64_t n = 1; n <= count; n += stride) {
        lig_alloc_fail_at(n);
        LigStatus status = stage(ctx);
        lig_alloc_fail_at(0);
        if (status != LIG_ERR_NO_MEMORY)
            fail_msg("allocation %llu of %llu failed, but the status is %s", (unsigned long long)n,
                     (unsigned long long)count, lig_status_name(status));
        assert_true(lig_context_diagnostic_count(ctx) > 0);
        lig_context_clear(ctx);
    }
    lig_context_destroy(ctx);
}

static LigStatus open_file(LigContext *ctx)
{
    LigModelFile *file;
    LIG_TRY(lig_model_file_open(ctx, MODEL, NULL, &file));
    lig_model_file_close(file);
    return LIG_OK;
}

// What a stage does with the module of the tiny model, which it takes over.
typedef LigStatus UseModule(LigContext *ctx, LigModule *module);

static LigStatus with_module(LigContext *ctx, UseModule *use)
{
    LigModelFile *file;
    LigModule *module;
    LIG_TRY(lig_model_file_open(ctx, MODEL, NULL, &file));
    LigStatus status = lig_model_file_build(file, &(LigGraphOptions){.kv = LIG_F32}, &module);
    if (status == LIG_OK) status = use(ctx, module);
    lig_model_file_close(file);
    return status;
}

// Out as text, and in again.
static LigStatus reread(LigContext *ctx, LigModule *module)
{
    LigText text = {0};
    lig_print_module(&text, module);
    lig_module_destroy(module);
    LigModule *again;
    LigStatus status =
        text.failed ? lig_no_memory(ctx) : lig_parse_module(ctx, "text", lig_text_view(&text), &again);
    lig_text_free(&text);
    if (status == LIG_OK) lig_module_destroy(again);
    return status;
}

static LigStatus two_steps(LigExecutable *executable)
{
    const int32_t ids[] = {3, 1, 4, 1, 5};
    LigSession *session;
    LIG_TRY(lig_session_create(executable, &(LigSessionOptions){.context = 8}, &session));
    float *logits = lig_alloc((size_t)lig_session_vocabulary(session) * sizeof *logits);
    LigStatus status = logits ? lig_session_feed(session, 0, ids, 4, logits)
                              : lig_no_memory(lig_executable_module(executable)->ctx);
    if (status == LIG_OK) status = lig_session_feed(session, 0, ids + 4, 1, logits);
    lig_free(logits);
    lig_session_destroy(session);
    return status;
}

static LigStatus run(LigModule *module, LigExecutableOptions *options)
{
    LigExecutable *executable;
    LIG_TRY(lig_executable_create(module, options, &executable));
    LigStatus status = two_steps(executable);
    lig_executable_destroy(executable);
    return status;
}

static LigStatus interpret(LigContext *ctx, LigModule *module)
{
    (void)ctx;
    return run(module, &(LigExecutableOptions){.interpret = true, .verify = true});
}

static LigStatus compile(LigContext *ctx, LigModule *module)
{
    LigTarget target;
    LigPool *pool;
    LigStatus status = lig_target_find(ctx, "native", &target);
    if (status == LIG_OK) status = lig_pool_create(ctx, 2, &pool);
    if (status != LIG_OK) {
        lig_module_destroy(module);
        return status;
    }
    LigParallel parallel = lig_pool_parallel(pool);
    status = run(module, &(LigExecutableOptions){
                             .target = &target, .parallel = &parallel, .passes.fuse = true, .verify = true});
    lig_pool_destroy(pool);
    return status;
}

static LigStatus reread_module(LigContext *ctx) { return with_module(ctx, reread); }
static LigStatus interpret_module(LigContext *ctx) { return with_module(ctx, interpret); }
static LigStatus compile_module(LigContext *ctx) { return with_module(ctx, compile); }

static LigStatus encode(LigContext *ctx, LigTokenizer *tokenizer)
{
    LigTokenIds ids = {0};
    LigText text = {0};
    LigStatus status = lig_tokenizer_encode(ctx, tokenizer, LIG_STR("A tokenizer's text, twice 42."),
                                            (LigEncodeOptions){0}, &ids);
    if (status == LIG_OK) status = lig_tokenizer_decode(ctx, tokenizer, ids.data, ids.count, true, &text);
    lig_token_ids_free(&ids);
    lig_text_free(&text);
    return status;
}

static LigStatus tokenize(LigContext *ctx)
{
    LigMappedFile *file;
    LigImageBytes image = {0};
    LigTokenizer *tokenizer;
    LIG_TRY(lig_file_map(ctx, TOKENIZER, &file));
    LigStr json = {(const char *)file->data, file->size};
    LigStatus status = lig_tokenizer_from_json(ctx, TOKENIZER, json, &(LigTokenizerExtras){0}, &image);
    lig_file_unmap(file);
    LIG_TRY(status);
    status = lig_tokenizer_open(ctx, image.data, image.size, &tokenizer);
    if (status == LIG_OK) {
        status = encode(ctx, tokenizer);
        lig_tokenizer_destroy(tokenizer);
    }
    lig_image_free(&image);
    return status;
}

static void opening_a_model(void **state)
{
    (void)state;
    sweep(open_file, 1000);
}

static void building_printing_and_parsing(void **state)
{
    (void)state;
    sweep(reread_module, 200);
}

static void interpreting_a_step(void **state)
{
    (void)state;
    sweep(interpret_module, 100);
}

static void compiling_a_step(void **state)
{
    (void)state;
    sweep(compile_module, 60);
}

static void tokenizing(void **state)
{
    (void)state;
    sweep(tokenize, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening_a_model),     cmocka_unit_test(building_printing_and_parsing),
        cmocka_unit_test(interpreting_a_step), cmocka_unit_test(compiling_a_step),
        cmocka_unit_test(tokenizing),
    };
    return cmocka_run_group_tests_name("no_memory", tests, NULL, NULL);
}

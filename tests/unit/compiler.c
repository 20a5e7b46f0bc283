// Kernels compiled at once, on threads, are the same objects as one after another; what fails is told as there.
#include "codegen/compiler.h"
#include "frontend/model_file.h"
#include "ir/base/file.h"
#include "ir/text.h"
#include "passes/pass.h"
#include "runtime/rt/threads.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { THREADS = 4, MOST_KERNELS = 256 };

typedef struct Kernels {
    LigContext *ctx;
    LigModelFile *file;
    LigTarget target;
    LigModule *module;
    const LigFunc *items[MOST_KERNELS];
    size_t count;
} Kernels;

static Kernels schedule_llama(void)
{
    Kernels k = {.ctx = lig_context_create()};
    LigPassManager manager = {.options = {.fuse = true}};
    assert_int_equal(lig_model_file_open(k.ctx, LIG_SOURCE_DIR "/tests/data/tiny/llama", NULL, &k.file),
                     LIG_OK);
    assert_int_equal(lig_model_file_build(k.file, &(LigGraphOptions){.kv = LIG_F32}, &k.module), LIG_OK);
    assert_int_equal(lig_target_find(k.ctx, "native", &k.target), LIG_OK);
    for (size_t i = 0; i < lig_pass_count(); i++)
        assert_int_equal(lig_pass_run(&manager, k.module, lig_pass_info(i)), LIG_OK);
    assert_int_equal(lig_schedule_module(k.module, &(LigScheduleOptions){.target = &k.target}), LIG_OK);
    for (size_t i = 0; i < k.module->funcs.count && k.count < MOST_KERNELS; i++) {
        if (k.module->funcs.data[i]->kind == LIG_FUNC_KERNEL) k.items[k.count++] = k.module->funcs.data[i];
    }
    return k;
}

static void drop(Kernels *k)
{
    lig_module_destroy(k->module);
    lig_model_file_close(k->file);
    lig_context_destroy(k->ctx);
}

typedef struct Each {
    void (*fn)(void *user, int64_t index);
    void *user;
} Each;

static void run_tiles(void *user, int thread, int64_t begin, int64_t end)
{
    const Each *each = user;
    (void)thread;
    for (int64_t i = begin; i < end; i++) each->fn(each->user, i);
}

static void run_on_pool(void *self, int64_t count, void (*fn)(void *user, int64_t index), void *user)
{
    Each each = {fn, user};
    lig_pool_run(self, count, run_tiles, &each);
}

static LigCompiler *open_compiler(const Kernels *k, const char *folder)
{
    LigCompiler *compiler;
    assert_int_equal(lig_compiler_create(k->ctx, &k->target, &compiler), LIG_OK);
    const LigObjectCacheOptions cache = {folder, (uint64_t)1 << 30};
    assert_int_equal(lig_compiler_use_cache(compiler, &cache), LIG_OK);
    return compiler;
}

static void make_on_threads(const Kernels *k, const char *folder, size_t compiled)
{
    LigPool *pool;
    LigCompiler *compiler = open_compiler(k, folder);
    assert_int_equal(lig_pool_create(k->ctx, THREADS, &pool), LIG_OK);
    const LigCompileLoop loop = {run_on_pool, pool};
    const LigKernelList list = {k->items, k->count};
    assert_int_equal(lig_compiler_make(compiler, k->module, &list, &loop), LIG_OK);
    LigCompilerFacts facts = lig_compiler_facts(compiler);
    assert_int_equal(facts.compiled, compiled);
    assert_int_equal(facts.cost_count, facts.compiled + facts.cached);
    for (size_t i = 0; i < facts.cost_count; i++) {
        assert_true(facts.costs[i].bytes > 0 && facts.costs[i].name.length > 0);
        assert_int_equal(facts.costs[i].codegen_ms > 0, !facts.costs[i].is_cached);
    }
    for (size_t i = 0; i < k->count; i++) { // all are there: none is made again
        LigCallable callable;
        assert_int_equal(lig_compiler_kernel(compiler, k->module, k->items[i], &callable), LIG_OK);
        assert_non_null(callable.function);
    }
    assert_int_equal(lig_compiler_facts(compiler).cost_count, facts.cost_count);
    lig_compiler_destroy(compiler);
    lig_pool_destroy(pool);
}

static size_t make_one_by_one(const Kernels *k, const char *folder)
{
    LigCompiler *compiler = open_compiler(k, folder);
    for (size_t i = 0; i < k->count; i++) {
        LigCallable callable;
        assert_int_equal(lig_compiler_kernel(compiler, k->module, k->items[i], &callable), LIG_OK);
    }
    size_t compiled = lig_compiler_facts(compiler).compiled;
    lig_compiler_destroy(compiler);
    return compiled;
}

static size_t count_files(const char *folder)
{
    DIR *dir = opendir(folder);
    size_t count = 0;
    assert_non_null(dir);
    for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static void threads_make_the_same_objects(void **state)
{
    (void)state;
    char root[] = "/tmp/lig_compiler_XXXXXX", one[64], many[64], command[256];
    assert_non_null(mkdtemp(root));
    (void)snprintf(one, sizeof one, "%s/one", root);
    (void)snprintf(many, sizeof many, "%s/many", root);
    Kernels k = schedule_llama();
    size_t compiled = make_one_by_one(&k, one);
    assert_true(compiled > 8);
    make_on_threads(&k, many, compiled);
    assert_int_equal(count_files(many), compiled);
    (void)snprintf(command, sizeof command, "diff -r %s %s", one,
                   many); // entries are named by what they are of
    assert_int_equal(system(command), 0);
    make_on_threads(&k, many, 0); // from the cache
    drop(&k);
    (void)snprintf(command, sizeof command, "rm -rf %s", root);
    assert_int_equal(system(command), 0);
}

// A constant too large for a kernel passes the schedule, and fails on a thread.
static LigText large_constant(void)
{
    LigText text = {0};
    lig_text_append(&text, LIG_STR("module \"m\" {\n  stage packed\n"
                                   "  kernel @small(%x: f32[4]) -> f32[4] {class=elementwise} {\n"
                                   "    %y = neg %x : f32[4]\n    return %y\n  }\n"
                                   "  kernel @large(%x: f32[20000]) -> f32[20000] {class=elementwise} {\n"
                                   "    %c = constant {values=["));
    for (int i = 0; i < 20000; i++) lig_text_printf(&text, "%s%d", i ? ", " : "", i % 7);
    lig_text_append(&text,
                    LIG_STR("]} : f32[20000]\n    %y = add %x, %c : f32[20000]\n    return %y\n  }\n}\n"));
    return text;
}

static void what_fails_on_a_thread_is_told(void **state)
{
    (void)state;
    Kernels k = {.ctx = lig_context_create()};
    LigText text = large_constant();
    LigPool *pool;
    assert_int_equal(lig_target_find(k.ctx, "native", &k.target), LIG_OK);
    assert_int_equal(lig_parse_module(k.ctx, "large.lig", lig_text_view(&text), &k.module), LIG_OK);
    assert_int_equal(lig_schedule_module(k.module, &(LigScheduleOptions){.target = &k.target}), LIG_OK);
    for (size_t i = 0; i < 2; i++) k.items[k.count++] = k.module->funcs.data[i];
    assert_int_equal(lig_pool_create(k.ctx, 2, &pool), LIG_OK);
    LigCompiler *compiler;
    assert_int_equal(lig_compiler_create(k.ctx, &k.target, &compiler), LIG_OK);
    const LigCompileLoop loop = {run_on_pool, pool};
    const LigKernelList list = {k.items, k.count};
    assert_int_equal(lig_compiler_make(compiler, k.module, &list, &loop), LIG_ERR_UNSUPPORTED);
    const LigDiagnostic *first = lig_context_diagnostic(k.ctx, 0);
    assert_non_null(strstr(first->message, "kernel @large"));
    assert_string_equal(first->loc.file, "large.lig"); // not the text that the thread had
    assert_int_equal(first->loc.line, 8);
    lig_compiler_destroy(compiler);
    lig_pool_destroy(pool);
    lig_text_free(&text);
    drop(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_make_the_same_objects),
        cmocka_unit_test(what_fails_on_a_thread_is_told),
    };
    return cmocka_run_group_tests_name("compiler", tests, NULL, NULL);
}

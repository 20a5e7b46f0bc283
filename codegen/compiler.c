#include "codegen/compiler.h"

#include "codegen/code.h"
#include "codegen/llvm_plugin.h"
#include "codegen/onednn_plugin.h"
#include "ir/base/alloc.h"
#include "ir/base/clock.h"
#include "ir/base/map.h"
#include "ir/base/vec.h"

struct LigCompiler {
    LigContext *ctx;
    LigArena *arena; // symbols and the map
    LigTarget target;
    LigObjectCache *cache; // NULL: none
    LigMap functions;      // by symbol
    LIG_VEC(LigCode) code;
    LIG_VEC(LigOnednn *) contractions;
    LigCompilerFacts facts;
};

LigStatus lig_compiler_create(LigContext *ctx, const LigTarget *target, LigCompiler **out)
{
    LigCompiler *compiler = lig_alloc_zero(sizeof *compiler);
    if (!compiler) return lig_no_memory(ctx);
    compiler->ctx = ctx;
    compiler->target = *target;
    compiler->arena = lig_arena_create();
    LigStatus status = compiler->arena ? lig_target_check_runs(ctx, target) : lig_no_memory(ctx);
    if (status != LIG_OK) {
        lig_compiler_destroy(compiler);
        return status;
    }
    *out = compiler;
    return LIG_OK;
}

LigStatus lig_compiler_use_cache(LigCompiler *compiler, const LigObjectCacheOptions *options)
{
    return options->folder ? lig_object_cache_open(compiler->ctx, options, &compiler->cache) : LIG_OK;
}

void lig_compiler_destroy(LigCompiler *compiler)
{
    if (!compiler) return;
    for (size_t i = 0; i < compiler->contractions.count; i++)
        lig_onednn_destroy(compiler->contractions.data[i]);
    for (size_t i = 0; i < compiler->code.count; i++) lig_code_unload(&compiler->code.data[i]);
    lig_object_cache_close(compiler->cache);
    lig_arena_destroy(compiler->arena);
    lig_free(compiler);
}

static double milliseconds(int64_t nanoseconds) { return (double)nanoseconds * 1e-6; }

// What there is to know of a kernel that is being made callable.
typedef struct Wanted {
    const LigModule *module;
    const LigFunc *kernel;
    LigStr symbol;
    LigDigest key; // its name in the cache
} Wanted;

// Makes the object's function callable. Failure leaves its reason in *problem, not in the context.
static LigStatus load(LigCompiler *c, const Wanted *w, LigObject object, void **out, const char **problem)
{
    LigCode code;
    int64_t start = lig_clock_ns();
    LIG_TRY(lig_code_load(object, w->symbol.data, &code, problem));
    c->facts.link_ms += milliseconds(lig_clock_ns() - start);
    *out = code.entry;
    if (LIG_VEC_PUSH(c->arena, &c->code, code)) return LIG_OK;
    lig_code_unload(&code);
    *problem = "out of memory";
    return LIG_ERR_NO_MEMORY;
}

// An entry that does not load is as good as none.
static bool load_cached(LigCompiler *c, const Wanted *w, void **out)
{
    if (!c->cache) return false;
    LigObject object;
    const char *problem;
    int64_t start = lig_clock_ns();
    bool found = lig_object_cache_get(c->cache, &w->key, &object);
    c->facts.cache_ms += milliseconds(lig_clock_ns() - start);
    if (!found) return false;
    LigStatus status = load(c, w, object, out, &problem);
    lig_debug(c->ctx, 2, "cached @%.*s: %zu bytes%s%s", LIG_STR_ARG(w->kernel->name), object.bytes,
              status == LIG_OK ? "" : ", refused: ", status == LIG_OK ? "" : problem);
    lig_object_free(&object);
    if (status == LIG_OK) return true;
    lig_object_cache_drop(c->cache, &w->key);
    return false;
}

static void keep(LigCompiler *c, const Wanted *w, LigObject object)
{
    if (!c->cache) return;
    int64_t start = lig_clock_ns();
    lig_object_cache_put(c->cache, &w->key, object);
    c->facts.cache_ms += milliseconds(lig_clock_ns() - start);
}

static void add_times(LigCompilerFacts *facts, const LigCompileTimes *times, double all_ms)
{
    double emit = milliseconds(times->build_ns), verify = milliseconds(times->verify_ns);
    double codegen = milliseconds(times->codegen_ns);
    facts->emit_ms += emit;
    facts->verify_ms += verify;
    facts->codegen_ms += codegen;
    facts->llvm_load_ms += all_ms - emit - verify - codegen;
}

static LigStatus load_compiled(LigCompiler *c, const Wanted *w, LigObject object, void **out)
{
    const char *problem;
    LigStatus status = load(c, w, object, out, &problem);
    if (status == LIG_OK) return LIG_OK;
    if (status == LIG_ERR_NO_MEMORY) return lig_no_memory(c->ctx);
    return lig_fail(c->ctx, status, w->kernel->loc, "the object of kernel @%.*s can't be loaded: %s",
                    LIG_STR_ARG(w->kernel->name), problem);
}

static LigStatus compile(LigCompiler *c, const Wanted *w, void **out)
{
    LigCompiledKernel compiled;
    int64_t start = lig_clock_ns();
    LIG_TRY(lig_compile_kernel(c->ctx, w->module, w->kernel, &c->target, &compiled));
    double all_ms = milliseconds(lig_clock_ns() - start);
    add_times(&c->facts, &compiled.times, all_ms);
    lig_debug(c->ctx, 2, "compiled @%.*s: %zu bytes in %.2f ms", LIG_STR_ARG(w->kernel->name),
              compiled.object.bytes, all_ms);
    LigStatus status = load_compiled(c, w, compiled.object, out);
    if (status == LIG_OK) keep(c, w, compiled.object);
    lig_object_free(&compiled.object);
    return status;
}

// From the cache or the emitters to a function.
static LigStatus make(LigCompiler *c, const Wanted *w, void **out)
{
    if (load_cached(c, w, out)) {
        c->facts.cached++;
    } else {
        LIG_TRY(compile(c, w, out));
        c->facts.compiled++;
    }
    return lig_map_put(c->arena, &c->functions, w->symbol, *out) ? LIG_OK : lig_no_memory(c->ctx);
}

static LigStatus generate(LigCompiler *c, const LigModule *module, const LigFunc *kernel, LigCallable *out)
{
    LigKernelIdentity identity;
    LIG_TRY(lig_kernel_identity(module, kernel, &c->target, &identity));
    Wanted wanted = {.module = module,
                     .kernel = kernel,
                     .symbol = lig_kernel_symbol(c->arena, &identity),
                     .key = lig_kernel_object_key(&identity)};
    if (!wanted.symbol.data) return lig_no_memory(c->ctx);
    void *address = lig_map_get(&c->functions, wanted.symbol);
    if (!address) LIG_TRY(make(c, &wanted, &address));
    *out = (LigCallable){.function = (LigKernelFn *)(uintptr_t)address};
    return LIG_OK;
}

static LigStatus provide_onednn(LigCompiler *c, const LigFunc *kernel, LigCallable *out)
{
    LigOnednn *contraction;
    LIG_TRY(
        lig_onednn_create(c->ctx, &kernel->inputs.data[0]->type, &kernel->inputs.data[1]->type, &contraction));
    if (!LIG_VEC_PUSH(c->arena, &c->contractions, contraction)) {
        lig_onednn_destroy(contraction);
        return lig_no_memory(c->ctx);
    }
    *out =
        (LigCallable){.function = lig_onednn_function(contraction), .handle = lig_onednn_handle(contraction)};
    return LIG_OK;
}

LigStatus lig_compiler_kernel(LigCompiler *c, const LigModule *module, const LigFunc *kernel, LigCallable *out)
{
    LigStr provider = lig_attrs_name(kernel->attrs, LIG_ATTR_PROVIDER, LIG_STR("generated"));
    return lig_str_is(provider, "onednn") ? provide_onednn(c, kernel, out) : generate(c, module, kernel, out);
}

static const char *plugins_loaded(void)
{
    bool onednn = lig_plugin_is_loaded(&LIG_ONEDNN_PLUGIN);
    if (lig_plugin_is_loaded(&LIG_LLVM_PLUGIN)) return onednn ? "LLVM, oneDNN" : "LLVM";
    return onednn ? "oneDNN" : "none";
}

LigCompilerFacts lig_compiler_facts(const LigCompiler *compiler)
{
    LigCompilerFacts facts = compiler->facts;
    facts.all_ms = facts.emit_ms + facts.verify_ms + facts.codegen_ms + facts.llvm_load_ms + facts.link_ms +
                   facts.cache_ms;
    facts.plugins = plugins_loaded();
    facts.cache_trouble = compiler->cache ? lig_object_cache_facts(compiler->cache)->trouble : "";
    return facts;
}

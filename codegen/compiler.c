#include "codegen/compiler.h"

#include "codegen/jit.h"
#include "codegen/onednn.h"
#include "ir/base/alloc.h"
#include "ir/base/map.h"
#include "ir/base/vec.h"

#include <time.h>

struct LigCompiler {
    LigContext *ctx;
    LigArena *arena; // symbols and the map
    LigTarget target;
    LigJit *jit;
    LigObjectCache *cache; // NULL: none
    LigMap functions;      // by symbol
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
    LigStatus status = compiler->arena ? lig_jit_create(ctx, target, &compiler->jit) : lig_no_memory(ctx);
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
    lig_jit_destroy(compiler->jit);
    lig_object_cache_close(compiler->cache);
    lig_arena_destroy(compiler->arena);
    lig_free(compiler);
}

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static double milliseconds(int64_t nanoseconds) { return (double)nanoseconds * 1e-6; }

static void add_times(LigCompilerFacts *facts, const LigCompileTimes *times)
{
    facts->emit_ms += milliseconds(times->build_ns);
    facts->verify_ms += milliseconds(times->verify_ns);
    facts->codegen_ms += milliseconds(times->codegen_ns);
    facts->link_ms += milliseconds(times->link_ns);
}

// What there is to know of a kernel that is being made callable.
typedef struct Wanted {
    const LigModule *module;
    const LigFunc *kernel;
    LigStr symbol;
    LigDigest key; // its name in the cache
} Wanted;

static LigStatus link_object(LigCompiler *c, const Wanted *w, LigObject object, void **out)
{
    LigCompileTimes times = {0};
    LIG_TRY(lig_jit_add_object(c->ctx, c->jit, w->symbol.data, object));
    LIG_TRY(lig_jit_lookup(c->ctx, c->jit, w->symbol.data, out, &times));
    add_times(&c->facts, &times);
    return LIG_OK;
}

static bool read_cached(LigCompiler *c, const Wanted *w, LigObject *out)
{
    if (!c->cache) return false;
    int64_t start = now_ns();
    bool found = lig_object_cache_get(c->cache, &w->key, out);
    c->facts.cache_ms += milliseconds(now_ns() - start);
    if (found) lig_debug(c->ctx, 2, "cached @%.*s: %zu bytes", LIG_STR_ARG(w->kernel->name), out->bytes);
    return found;
}

static void keep(LigCompiler *c, const Wanted *w, LigObject object)
{
    if (!c->cache) return;
    int64_t start = now_ns();
    lig_object_cache_put(c->cache, &w->key, object);
    c->facts.cache_ms += milliseconds(now_ns() - start);
}

static LigStatus compile(LigCompiler *c, const Wanted *w, LigObject *out)
{
    LigCompiledKernel compiled;
    LIG_TRY(lig_compile_kernel(c->ctx, w->module, w->kernel, &c->target, &compiled));
    add_times(&c->facts, &compiled.times);
    lig_debug(c->ctx, 2, "compiled @%.*s: %zu bytes in %.2f ms", LIG_STR_ARG(w->kernel->name),
              compiled.object.bytes, milliseconds(compiled.times.build_ns + compiled.times.codegen_ns));
    *out = compiled.object;
    return LIG_OK;
}

// From the cache or the emitters to a function.
static LigStatus make(LigCompiler *c, const Wanted *w, void **out)
{
    LigObject object;
    bool cached = read_cached(c, w, &object);
    if (!cached) LIG_TRY(compile(c, w, &object));
    LigStatus status = link_object(c, w, object, out);
    if (status == LIG_OK && !cached) keep(c, w, object);
    if (cached) {
        c->facts.cached++;
    } else {
        c->facts.compiled++;
    }
    lig_object_free(&object);
    LIG_TRY(status);
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
    *out = (LigCallable){.function = lig_onednn_run, .handle = contraction};
    return LIG_OK;
}

LigStatus lig_compiler_kernel(LigCompiler *c, const LigModule *module, const LigFunc *kernel, LigCallable *out)
{
    LigStr provider = lig_attrs_name(kernel->attrs, LIG_ATTR_PROVIDER, LIG_STR("generated"));
    return lig_str_is(provider, "onednn") ? provide_onednn(c, kernel, out) : generate(c, module, kernel, out);
}

LigCompilerFacts lig_compiler_facts(const LigCompiler *compiler)
{
    LigCompilerFacts facts = compiler->facts;
    facts.cache_trouble = compiler->cache ? lig_object_cache_facts(compiler->cache)->trouble : "";
    return facts;
}

#include "codegen/compiler.h"

#include "codegen/code.h"
#include "codegen/compile_alone.h"
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
    LIG_VEC(LigKernelCost) costs; // of the kernels made, in the order of making
    double all_ms, llvm_load_ms;
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

// What there is to know of a kernel that is being made callable.
typedef struct Wanted {
    const LigModule *module;
    const LigFunc *kernel;
    LigStr symbol;
    LigDigest key; // its name in the cache
    void *function;
    LigKernelCost cost;
    LigStr source;              // alone, for another thread
    LigCompiledKernel compiled; // by that thread
    bool is_compiled;
} Wanted;

static double milliseconds(int64_t nanoseconds) { return (double)nanoseconds * 1e-6; }

// Makes the object's function callable. Failure leaves its reason in *problem, not in the context.
static LigStatus load(LigCompiler *c, Wanted *w, LigObject object, const char **problem)
{
    LigCode code;
    double start = lig_clock_ms();
    LIG_TRY(lig_code_load(object, w->symbol.data, &code, problem));
    w->cost.link_ms += lig_clock_ms() - start;
    w->cost.bytes = object.bytes;
    if (LIG_VEC_PUSH(c->arena, &c->code, code)) {
        w->function = code.entry;
        return LIG_OK;
    }
    lig_code_unload(&code);
    *problem = "out of memory";
    return LIG_ERR_NO_MEMORY;
}

// Gives the kernel its function when the cache has it. An entry that does not load is as good as none.
static void load_cached(LigCompiler *c, Wanted *w)
{
    if (!c->cache) return;
    LigObject object;
    const char *problem;
    double start = lig_clock_ms();
    bool found = lig_object_cache_get(c->cache, &w->key, &object);
    w->cost.cache_ms += lig_clock_ms() - start;
    if (!found) return;
    LigStatus status = load(c, w, object, &problem);
    lig_debug(c->ctx, 2, "cached @%.*s: %zu bytes%s%s", LIG_STR_ARG(w->kernel->name), object.bytes,
              status == LIG_OK ? "" : ", refused: ", status == LIG_OK ? "" : problem);
    lig_object_free(&object);
    w->cost.is_cached = status == LIG_OK;
    if (status != LIG_OK) lig_object_cache_drop(c->cache, &w->key);
}

static void keep(LigCompiler *c, Wanted *w, LigObject object)
{
    if (!c->cache) return;
    double start = lig_clock_ms();
    lig_object_cache_put(c->cache, &w->key, object);
    w->cost.cache_ms += lig_clock_ms() - start;
}

static LigStatus load_compiled(LigCompiler *c, Wanted *w, LigObject object)
{
    const char *problem;
    LigStatus status = load(c, w, object, &problem);
    if (status == LIG_OK) return LIG_OK;
    if (status == LIG_ERR_NO_MEMORY) return lig_no_memory(c->ctx);
    return lig_fail(c->ctx, status, w->kernel->loc, "the object of kernel @%.*s can't be loaded: %s",
                    LIG_STR_ARG(w->kernel->name), problem);
}

// Takes the object over.
static LigStatus finish(LigCompiler *c, Wanted *w, LigCompiledKernel *compiled)
{
    w->cost.emit_ms = milliseconds(compiled->times.build_ns);
    w->cost.verify_ms = milliseconds(compiled->times.verify_ns);
    w->cost.codegen_ms = milliseconds(compiled->times.codegen_ns);
    lig_debug(c->ctx, 2, "compiled @%.*s: %zu bytes in %.2f ms", LIG_STR_ARG(w->kernel->name),
              compiled->object.bytes, w->cost.emit_ms + w->cost.verify_ms + w->cost.codegen_ms);
    LigStatus status = load_compiled(c, w, compiled->object);
    if (status == LIG_OK) keep(c, w, compiled->object);
    lig_object_free(&compiled->object);
    return status;
}

static LigStatus open_llvm(LigCompiler *c)
{
    double start = lig_clock_ms();
    LIG_TRY(lig_compile_open(c->ctx));
    c->llvm_load_ms += lig_clock_ms() - start;
    return LIG_OK;
}

// Here, where failures are told.
static LigStatus compile(LigCompiler *c, Wanted *w)
{
    LIG_TRY(lig_compile_kernel(c->ctx, w->module, w->kernel, &c->target, &w->compiled));
    return finish(c, w, &w->compiled);
}

// Enters what was made under its symbol.
static LigStatus enter(LigCompiler *c, const Wanted *w)
{
    bool entered = lig_map_put(c->arena, &c->functions, w->symbol, w->function) &&
                   LIG_VEC_PUSH(c->arena, &c->costs, w->cost);
    return entered ? LIG_OK : lig_no_memory(c->ctx);
}

static LigStatus describe(LigCompiler *c, const LigModule *module, const LigFunc *kernel, Wanted *out)
{
    LigKernelIdentity identity;
    LIG_TRY(lig_kernel_identity(module, kernel, &c->target, &identity));
    *out = (Wanted){.module = module,
                    .kernel = kernel,
                    .symbol = lig_kernel_symbol(c->arena, &identity),
                    .key = lig_kernel_object_key(&identity),
                    .cost = {.name = lig_str_copy(c->arena, kernel->name)}};
    if (!out->symbol.data || !out->cost.name.data) return lig_no_memory(c->ctx);
    out->function = lig_map_get(&c->functions, out->symbol);
    return LIG_OK;
}

// From the cache or the emitters to a function.
static LigStatus make(LigCompiler *c, Wanted *w)
{
    load_cached(c, w);
    if (!w->function) LIG_TRY(open_llvm(c));
    if (!w->function) LIG_TRY(compile(c, w));
    return enter(c, w);
}

static LigStatus generate(LigCompiler *c, const LigModule *module, const LigFunc *kernel, LigCallable *out)
{
    Wanted wanted;
    double start = lig_clock_ms();
    LIG_TRY(describe(c, module, kernel, &wanted));
    if (!wanted.function) LIG_TRY(make(c, &wanted));
    c->all_ms += lig_clock_ms() - start;
    *out = (LigCallable){.function = (LigKernelFn *)(uintptr_t)wanted.function};
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

static bool is_generated(const LigFunc *kernel)
{
    return !lig_str_is(lig_attrs_name(kernel->attrs, LIG_ATTR_PROVIDER, (LigStr){0}), "onednn");
}

LigStatus lig_compiler_kernel(LigCompiler *c, const LigModule *module, const LigFunc *kernel, LigCallable *out)
{
    return is_generated(kernel) ? generate(c, module, kernel, out) : provide_onednn(c, kernel, out);
}

// Several kernels at once.

typedef struct Batch {
    LigCompiler *compiler;
    LIG_VEC(Wanted) missing; // neither made nor in the cache, each once
} Batch;

static bool is_missing(const Batch *batch, LigStr symbol)
{
    for (size_t i = 0; i < batch->missing.count; i++) {
        if (lig_str_equal(batch->missing.data[i].symbol, symbol)) return true;
    }
    return false;
}

static LigStatus add_missing(Batch *batch, const LigModule *module, const LigFunc *kernel)
{
    LigCompiler *c = batch->compiler;
    Wanted wanted;
    LIG_TRY(describe(c, module, kernel, &wanted));
    if (wanted.function || is_missing(batch, wanted.symbol)) return LIG_OK;
    load_cached(c, &wanted);
    if (wanted.function) return enter(c, &wanted);
    wanted.source = lig_alone_print(c->arena, module, kernel);
    bool added = wanted.source.data && LIG_VEC_PUSH(c->arena, &batch->missing, wanted);
    return added ? LIG_OK : lig_no_memory(c->ctx);
}

static void compile_alone(void *user, int64_t index)
{
    Batch *batch = user;
    Wanted *wanted = &batch->missing.data[index];
    wanted->is_compiled = lig_alone_compile(wanted->source, &batch->compiler->target, &wanted->compiled);
}

static LigStatus finish_all(Batch *batch)
{
    LigCompiler *c = batch->compiler;
    LigStatus status = LIG_OK;
    for (size_t i = 0; i < batch->missing.count; i++) {
        Wanted *wanted = &batch->missing.data[i];
        if (status == LIG_OK)
            status = wanted->is_compiled ? finish(c, wanted, &wanted->compiled) : compile(c, wanted);
        else
            lig_object_free(&wanted->compiled.object);
        if (status == LIG_OK) status = enter(c, wanted);
    }
    return status;
}

static LigStatus make_all(Batch *batch, const LigModule *module, const LigKernelList *kernels,
                          const LigCompileLoop *loop)
{
    for (size_t i = 0; i < kernels->count; i++) {
        if (is_generated(kernels->items[i])) LIG_TRY(add_missing(batch, module, kernels->items[i]));
    }
    if (batch->missing.count == 0) return LIG_OK;
    LIG_TRY(open_llvm(batch->compiler));
    loop->run(loop->self, (int64_t)batch->missing.count, compile_alone, batch);
    return finish_all(batch);
}

LigStatus lig_compiler_make(LigCompiler *c, const LigModule *module, const LigKernelList *kernels,
                            const LigCompileLoop *loop)
{
    double start = lig_clock_ms();
    Batch batch = {.compiler = c};
    LigStatus status = make_all(&batch, module, kernels, loop);
    c->all_ms += lig_clock_ms() - start;
    return status;
}

static const char *plugins_loaded(void)
{
    bool onednn = lig_plugin_is_loaded(&LIG_ONEDNN_PLUGIN);
    if (lig_plugin_is_loaded(&LIG_LLVM_PLUGIN)) return onednn ? "LLVM, oneDNN" : "LLVM";
    return onednn ? "oneDNN" : "none";
}

static void add_cost(LigCompilerFacts *facts, const LigKernelCost *cost)
{
    facts->cached += cost->is_cached;
    facts->compiled += !cost->is_cached;
    facts->emit_ms += cost->emit_ms;
    facts->verify_ms += cost->verify_ms;
    facts->codegen_ms += cost->codegen_ms;
    facts->link_ms += cost->link_ms;
    facts->cache_ms += cost->cache_ms;
}

LigCompilerFacts lig_compiler_facts(const LigCompiler *compiler)
{
    LigCompilerFacts facts = {.costs = compiler->costs.data,
                              .cost_count = compiler->costs.count,
                              .llvm_load_ms = compiler->llvm_load_ms,
                              .all_ms = compiler->all_ms,
                              .plugins = plugins_loaded(),
                              .cache_trouble = ""};
    for (size_t i = 0; i < compiler->costs.count; i++) add_cost(&facts, &compiler->costs.data[i]);
    if (compiler->cache) facts.cache_trouble = lig_object_cache_facts(compiler->cache)->trouble;
    return facts;
}

#include "codegen/compiler.h"

#include "codegen/jit.h"
#include "codegen/onednn.h"
#include "ir/base/alloc.h"
#include "ir/base/map.h"
#include "ir/base/vec.h"

struct LigCompiler {
    LigContext *ctx;
    LigArena *arena; // symbols and the map
    LigTarget target;
    LigJit *jit;
    LigMap functions; // by symbol
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

void lig_compiler_destroy(LigCompiler *compiler)
{
    if (!compiler) return;
    for (size_t i = 0; i < compiler->contractions.count; i++)
        lig_onednn_destroy(compiler->contractions.data[i]);
    lig_jit_destroy(compiler->jit);
    lig_arena_destroy(compiler->arena);
    lig_free(compiler);
}

static double milliseconds(int64_t nanoseconds) { return (double)nanoseconds * 1e-6; }

static void add_times(LigCompilerFacts *facts, const LigCompileTimes *times)
{
    facts->emit_ms += milliseconds(times->build_ns);
    facts->verify_ms += milliseconds(times->verify_ns);
    facts->codegen_ms += milliseconds(times->codegen_ns);
    facts->link_ms += milliseconds(times->link_ns);
}

static LigStatus compile(LigCompiler *c, const LigModule *module, const LigFunc *kernel, LigStr symbol,
                         void **out)
{
    LigCompiledKernel compiled;
    LIG_TRY(lig_compile_kernel(c->ctx, module, kernel, &c->target, &compiled));
    size_t bytes = compiled.object.bytes;
    LigStatus status = lig_jit_add_object(c->ctx, c->jit, symbol.data, compiled.object);
    lig_object_free(&compiled.object);
    LIG_TRY(status);
    LIG_TRY(lig_jit_lookup(c->ctx, c->jit, symbol.data, out, &compiled.times));
    add_times(&c->facts, &compiled.times);
    c->facts.kernels++;
    lig_debug(c->ctx, 2, "compiled @%.*s: %zu bytes in %.2f ms", LIG_STR_ARG(kernel->name), bytes,
              milliseconds(compiled.times.build_ns + compiled.times.codegen_ns));
    return lig_map_put(c->arena, &c->functions, symbol, *out) ? LIG_OK : lig_no_memory(c->ctx);
}

static LigStatus generate(LigCompiler *c, const LigModule *module, const LigFunc *kernel, LigCallable *out)
{
    LigKernelIdentity identity;
    LIG_TRY(lig_kernel_identity(module, kernel, &c->target, &identity));
    LigStr symbol = lig_kernel_symbol(c->arena, identity);
    if (!symbol.data) return lig_no_memory(c->ctx);
    void *address = lig_map_get(&c->functions, symbol);
    if (!address) LIG_TRY(compile(c, module, kernel, symbol, &address));
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

LigCompilerFacts lig_compiler_facts(const LigCompiler *compiler) { return compiler->facts; }

// From a scheduled kernel to its object: the class's emitter between the frame's begin and end.
//
// The only file of the plugin lig_llvm.so that is not in the library as well; the emitters it reaches, and
// LLVM, are linked into the plugin alone (the linker drops them elsewhere as unreachable).
#include "codegen/llvm_plugin.h"

#include "codegen/classes.h"

#include <build_id.h>

static LigEmitRule *const emitters[] = {
#define LIG_KERNEL_CLASS(name, meaning) [LIG_CLASS_##name] = lig_emit_##name,
#include "codegen/classes.def"
#undef LIG_KERNEL_CLASS
};

// Emits the kernel's function into `e`.
static LigStatus emit(LigEmitter *e, LigArena *arena, const LigModule *module, const LigFunc *kernel)
{
    const LigKernelClass *class;
    LIG_TRY(lig_kernel_class(e->ctx, kernel, &class));
    LigKernelEmitter k = {.e = e, .module = module, .kernel = kernel, .arena = arena};
    LigKernelIdentity identity;
    LIG_TRY(lig_kernel_identity(module, kernel, e->target, &identity));
    LigStr name = lig_kernel_symbol(arena, &identity);
    if (name.data == NULL) return lig_no_memory(e->ctx);
    LIG_TRY(lig_kernel_begin(&k, name.data));
    LIG_TRY(emitters[class->id](&k));
    lig_kernel_end(&k);
    return e->status;
}

// An emitter with the kernel in it; NULL is left in *out on failure.
static LigStatus emit_alone(LigContext *ctx, const LigModule *module, const LigFunc *kernel,
                            const LigTarget *target, LigEmitter **out)
{
    *out = NULL;
    LigArena *arena = lig_arena_create();
    if (arena == NULL) return lig_no_memory(ctx);
    LigStr name = lig_str_copy(arena, kernel->name);
    LigStatus status = name.data == NULL ? lig_no_memory(ctx) : lig_emitter_create(ctx, target, name.data, out);
    if (status == LIG_OK) status = emit(*out, arena, module, kernel);
    lig_arena_destroy(arena);
    if (status == LIG_OK) return LIG_OK;
    lig_emitter_destroy(*out);
    *out = NULL;
    return status;
}

static void print_debug(const LigContext *ctx, const LigEmitter *e)
{
    if (lig_context_debug_level(ctx) < 4) return;
    char *ir = LLVMPrintModuleToString(e->module);
    lig_debug(ctx, 4, "%s", ir);
    LLVMDisposeMessage(ir);
}

static LigStatus compile(LigContext *ctx, const LigModule *module, const LigFunc *kernel,
                         const LigTarget *target, LigCompiledKernel *out)
{
    *out = (LigCompiledKernel){0};
    LIG_TRY(lig_kernel_identity(module, kernel, target, &out->identity));
    LigEmitter *e;
    LIG_TRY(emit_alone(ctx, module, kernel, target, &e));
    print_debug(ctx, e);
    LigStatus status = lig_emitter_compile(e, &out->object, &out->times);
    lig_emitter_destroy(e);
    return status;
}

static LigStatus print(LigContext *ctx, const LigModule *module, const LigFunc *kernel, const LigTarget *target,
                       LigText *text)
{
    LigEmitter *e;
    LIG_TRY(emit_alone(ctx, module, kernel, target, &e));
    char *ir = LLVMPrintModuleToString(e->module);
    lig_text_append(text, lig_str(ir));
    LLVMDisposeMessage(ir);
    lig_emitter_destroy(e);
    return text->failed ? lig_no_memory(ctx) : LIG_OK;
}

extern const LigLlvmFunctions lig_llvm_functions __attribute__((visibility("default")));
const LigLlvmFunctions lig_llvm_functions = {.head = {LIG_BUILD_ID}, .compile = compile, .print = print};

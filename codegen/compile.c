// From a scheduled kernel to its object, by the plugin that links LLVM.
#include "codegen/llvm_plugin.h"

static LigStatus load_llvm(LigContext *ctx, const LigLlvmFunctions **out)
{
    const LigPluginHead *head;
    LIG_TRY(lig_plugin_load(ctx, &LIG_LLVM_PLUGIN, &head));
    *out = (const LigLlvmFunctions *)head;
    return LIG_OK;
}

LigStatus lig_compile_open(LigContext *ctx)
{
    const LigLlvmFunctions *llvm;
    return load_llvm(ctx, &llvm);
}

LigStatus lig_compile_kernel(LigContext *ctx, const LigModule *module, const LigFunc *kernel,
                             const LigTarget *target, LigCompiledKernel *out)
{
    const LigLlvmFunctions *llvm;
    *out = (LigCompiledKernel){0};
    LIG_TRY(load_llvm(ctx, &llvm));
    return llvm->compile(ctx, module, kernel, target, out);
}

LigStatus lig_print_kernel(LigContext *ctx, const LigModule *module, const LigFunc *kernel,
                           const LigTarget *target, LigText *text)
{
    const LigLlvmFunctions *llvm;
    LIG_TRY(load_llvm(ctx, &llvm));
    return llvm->print(ctx, module, kernel, target, text);
}

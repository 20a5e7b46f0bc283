// What the plugin that links LLVM gives (codegen/llvm_plugin.c, built as lig_llvm.so). Others call
// codegen/codegen.h, which loads it.
#ifndef LIG_CODEGEN_LLVM_PLUGIN_H
#define LIG_CODEGEN_LLVM_PLUGIN_H

#include "codegen/codegen.h"
#include "codegen/plugin.h"

#define LIG_LLVM_PLUGIN ((LigPluginName){"lig_llvm.so", "lig_llvm_functions", "generating code"})

typedef struct LigLlvmFunctions {
    LigPluginHead head;
    // As lig_compile_kernel and lig_print_kernel.
    LigStatus (*compile)(LigContext *ctx, const LigModule *module, const LigFunc *kernel,
                         const LigTarget *target, LigCompiledKernel *out);
    LigStatus (*print)(LigContext *ctx, const LigModule *module, const LigFunc *kernel, const LigTarget *target,
                       LigText *text);
} LigLlvmFunctions;

#endif

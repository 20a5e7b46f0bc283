// The compiler: kernels to callable functions of this process. Equal kernels are compiled once.
#ifndef LIG_CODEGEN_COMPILER_H
#define LIG_CODEGEN_COMPILER_H

#include "codegen/codegen.h"
#include "codegen/object_cache.h"
#include "ir/base/kernel_call.h"

typedef struct LigCompiler LigCompiler;

LigStatus lig_compiler_create(LigContext *ctx, const LigTarget *target, LigCompiler **out) LIG_MUST_CHECK;
// From now on kernels are looked for in a cache on disk first, and kept there when compiled. Errors: NO_MEMORY.
LigStatus lig_compiler_use_cache(LigCompiler *compiler, const LigObjectCacheOptions *options) LIG_MUST_CHECK;
// Functions got from it are gone after this.
void lig_compiler_destroy(LigCompiler *compiler);

// A kernel ready to call. What a provider other than ourselves needs is passed as one more buffer behind the
// kernel's own.
typedef struct LigCallable {
    LigKernelFn *function;
    void *handle; // NULL: there is no further buffer. Owned by the compiler
} LigCallable;

// Makes a scheduled kernel callable, by the provider that its schedule names. Errors: UNSUPPORTED (no emitter
// takes the body), LLVM, NO_MEMORY.
LigStatus lig_compiler_kernel(LigCompiler *compiler, const LigModule *module, const LigFunc *kernel,
                              LigCallable *out) LIG_MUST_CHECK;

typedef struct LigCompilerFacts {
    size_t compiled, cached; // distinct kernels: made here, read from the cache
    double emit_ms, verify_ms, codegen_ms;
    double llvm_load_ms;       // of LLVM's module
    double link_ms;            // from objects to functions, compiled or cached
    double cache_ms;           // looking, reading, checking and writing
    double all_ms;             // the sum of these
    const char *plugins;       // loaded into this process: "none", "LLVM", "oneDNN", "LLVM, oneDNN"
    const char *cache_trouble; // why there is no cache or it is not written to; "" = all is well
} LigCompilerFacts;
LigCompilerFacts lig_compiler_facts(const LigCompiler *compiler);

#endif

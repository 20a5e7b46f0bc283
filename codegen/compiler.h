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

// A loop of the caller's: calls fn(user, i) once for every i below count, on any threads, and returns when all
// are done.
typedef struct LigCompileLoop {
    void (*run)(void *self, int64_t count, void (*fn)(void *user, int64_t index), void *user);
    void *self;
} LigCompileLoop;

typedef struct LigKernelList {
    const LigFunc *const *items;
    size_t count;
} LigKernelList;

// Makes these kernels of a module ahead of lig_compiler_kernel, those that the cache lacks at once, by `loop`.
// The threads of the loop need the stack of an ordinary thread: LLVM runs on it. Errors: as lig_compiler_kernel.
LigStatus lig_compiler_make(LigCompiler *compiler, const LigModule *module, const LigKernelList *kernels,
                            const LigCompileLoop *loop) LIG_MUST_CHECK;

// What one kernel took, in milliseconds of the thread that it ran on.
typedef struct LigKernelCost {
    LigStr name;
    bool is_cached; // its object was read from the cache
    double emit_ms, verify_ms, codegen_ms;
    double link_ms;  // from the object to a function
    double cache_ms; // looking, reading, checking and writing
    size_t bytes;    // of the object
} LigKernelCost;

typedef struct LigCompilerFacts {
    const LigKernelCost *costs; // a kernel that was made
    size_t cost_count;
    size_t compiled, cached;                                  // how many of these
    double emit_ms, verify_ms, codegen_ms, link_ms, cache_ms; // sums over them
    double llvm_load_ms;                                      // of LLVM's module
    double all_ms;             // that passed: less than the sums when threads share the work
    const char *plugins;       // loaded into this process: "none", "LLVM", "oneDNN", "LLVM, oneDNN"
    const char *cache_trouble; // why there is no cache or it is not written to; "" = all is well
} LigCompilerFacts;
LigCompilerFacts lig_compiler_facts(const LigCompiler *compiler);

#endif

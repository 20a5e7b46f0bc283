// From object bytes to addresses that can be called (ORC LLJIT). Objects may come from lig_emitter_compile or a
// cache.
//
// Objects see each other's symbols and nothing else of the process: a kernel that needs an outside symbol fails
// at lookup, naming it. Ownership: code lives until lig_jit_destroy. Threading: one thread at a time.
#ifndef LIG_CODEGEN_JIT_H
#define LIG_CODEGEN_JIT_H

#include "codegen/object.h"
#include "codegen/target.h"

typedef struct LigJit LigJit;

// Errors: UNSUPPORTED when this machine can't run the target's code; LLVM.
LIG_MUST_CHECK LigStatus lig_jit_create(LigContext *ctx, const LigTarget *target, LigJit **out);
void lig_jit_destroy(LigJit *jit); // NULL is fine

// Copies the object in; linking happens at the first lookup. `name` is for messages. Errors: LLVM for bytes
// that are no object, or a symbol that is there already.
LIG_MUST_CHECK LigStatus lig_jit_add_object(LigContext *ctx, LigJit *jit, const char *name, LigObject object);

// Errors: NOT_FOUND, with LLVM's reason. Adds link_ns to *times.
LIG_MUST_CHECK LigStatus lig_jit_lookup(LigContext *ctx, LigJit *jit, const char *symbol, void **address,
                                        LigCompileTimes *times);

#endif

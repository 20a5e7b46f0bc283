// Lowering: a planned variant to a program, its kernels compiled.
#ifndef LIG_RUNTIME_LOWER_H
#define LIG_RUNTIME_LOWER_H

#include "codegen/compiler.h"
#include "ir/graph.h"
#include "runtime/rt/program.h"

// A program with what binds it to sizes. In the module's arena.
typedef struct LigLowered {
    LigProgram program;
    const LigDim *tile_dims; // per call
    int64_t *tiles;          // per call, under the dims bound last
    int64_t bound_dims[LIG_MAX_SYMBOLS];
    bool is_bound;
} LigLowered;

// Kernels are compiled on the threads of `parallel`. Errors: those of compiling; UNSUPPORTED for a variant that returns one of its inputs, params or states.
LigStatus lig_lower_variant(LigModule *module, const LigFunc *variant, LigCompiler *compiler,
                            const LigParallel *parallel, LigLowered **out) LIG_MUST_CHECK;
// Computes the tile counts under `dims`; free when they are the same as before.
LigStatus lig_lowered_bind(LigLowered *lowered, const LigModule *module, const int64_t *dims) LIG_MUST_CHECK;

#endif

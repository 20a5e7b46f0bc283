// Copying functions with other types: the one mechanism behind packing (other layouts) and specialising (other
// dims).
#ifndef LIG_PASSES_CLONE_H
#define LIG_PASSES_CLONE_H

#include "ir/graph.h"

// Kernels by their canonical text, so that equal ones are one. Zero-initialise; lives in `arena`.
typedef struct LigKernelSet {
    LigArena *arena;
    LigMap by_text;
    LigMap retyped; // what lig_retype_kernel gave, by all that it was asked
} LigKernelSet;

// Puts a kernel of the module into the set, unless an equal one is there. It must be renumbered.
LigStatus lig_kernel_set_add(LigKernelSet *set, LigModule *module, LigFunc *kernel) LIG_MUST_CHECK;
// Gives the kernel of the set that is equal to `kernel`, which no module knows yet (lig_func_create) and which
// is renumbered. When there is none, it is `kernel` itself, entered into the module: under its name, else
// name.2, name.3, …
LigStatus lig_kernel_set_intern(LigKernelSet *set, LigModule *module, LigFunc *kernel,
                                LigFunc **out) LIG_MUST_CHECK;

// How a copy differs from its source.
typedef struct LigRetype {
    const LigDim *dims;         // replacement of each symbol (NULL entry: kept), or NULL
    const LigType *input_types; // of the copy, or NULL: the source's with dims replaced
    LigStr suffix;              // of the names of kernels made on the way, e.g. ".one"
    LigKernelSet *kernels;
} LigRetype;

// A kernel as `source` but retyped; result types are inferred anew. Gives an equal kernel of the set where
// there is one.
LigStatus lig_retype_kernel(LigModule *module, const LigFunc *source, const LigRetype *retype,
                            LigFunc **out) LIG_MUST_CHECK;

// Copies the body of `source` into `target`, whose inputs are there already, retyped; calls go to retyped
// kernels whose input types are those of the operands.
LigStatus lig_clone_body(LigModule *module, const LigFunc *source, LigFunc *target,
                         const LigRetype *retype) LIG_MUST_CHECK;

// `type` with symbols replaced (dims NULL: as it is).
LigType lig_type_substitute(LigModule *module, const LigType *type, const LigDim *dims);

#endif

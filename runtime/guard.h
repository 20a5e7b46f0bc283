// Guards: checks of index inputs before kernels use them as addresses.
//
// Kernels do not check indices. A guard says that an integer input of a function is used as an index, and below
// which dim it must stay. Guards are found in the graph before fusion, so that they hold for any program, not
// just for our models'.
#ifndef LIG_RUNTIME_GUARD_H
#define LIG_RUNTIME_GUARD_H

#include "ir/eval.h"
#include "ir/graph.h"

typedef enum LigGuardKind {
    LIG_GUARD_INDEX,  // 0 <= x < bound
    LIG_GUARD_LENGTH, // 0 <= x <= bound
    LIG_GUARD_STARTS, // 0 = x[0] <= x[1] <= … <= x[last] = bound
} LigGuardKind;

typedef struct LigGuard {
    LigStr func;
    size_t input;
    LigGuardKind kind;
    LigDim bound;
    int64_t begin, end; // the elements used, end as slice has it (negative: from the end); of INDEX only
} LigGuard;

typedef struct LigGuards {
    LIG_VEC(LigGuard) items;
} LigGuards;

// Finds the guards of every func of a module at stage model. An index that a function computes itself instead
// of taking it as an input, or a slice of one, is refused: UNSUPPORTED, naming the value. Allocates in the
// module's arena.
LigStatus lig_guards_find(LigModule *module, LigGuards *out) LIG_MUST_CHECK;

// Checks the inputs of a call of `func`, a variant of `name` (or `name` itself). Errors: INVALID, naming the
// input, the place and the bound.
LigStatus lig_guards_check(const LigGuards *guards, const LigModule *module, const LigFunc *func, LigStr name,
                           const LigTensor *inputs, const int64_t *dims) LIG_MUST_CHECK;

#endif

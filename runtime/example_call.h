// Calls of a module's functions on random contents that its guards allow: what --verify compares passes by.
#ifndef LIG_RUNTIME_EXAMPLE_CALL_H
#define LIG_RUNTIME_EXAMPLE_CALL_H

#include "passes/compare.h"

typedef struct LigExampleCalls {
    LigExampleCall *items;
    size_t count;
} LigExampleCalls;

// Two calls of each func or variant of a module at any stage: at the lowest sizes and at small ones, which
// satisfy the facts; a function whose sizes are never small enough has none. Integers that are indices stay in
// bounds, floats are in (-1, 1). The same for the same seed. Everything is in the arena. Errors: NO_MEMORY.
LigStatus lig_example_calls(LigModule *module, LigArena *arena, uint64_t seed,
                            LigExampleCalls *out) LIG_MUST_CHECK;
// Gives params without data random contents, in the module's arena: small numbers; blocks of finite ones.
LigStatus lig_example_params(LigModule *module, uint64_t seed) LIG_MUST_CHECK;

#endif

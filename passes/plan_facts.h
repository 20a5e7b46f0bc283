// How good a plan is: what it takes, and what no plan could do without.
#ifndef LIG_PASSES_PLAN_FACTS_H
#define LIG_PASSES_PLAN_FACTS_H

#include "ir/graph.h"

typedef struct LigPlanFacts {
    uint64_t arena_bytes; // what the variant's plan takes, and what is allocated
    uint64_t live_bytes;  // the most that is alive during one op, each value in whole units of 64 bytes
    size_t in_place;      // results of kernels over an operand, states aside
} LigPlanFacts;

// Measures a variant of a planned module, from its places alone. Errors: NO_MEMORY, SHAPE (a value without an
// upper bound on its size).
LigStatus lig_plan_measure(const LigModule *module, const LigFunc *variant, LigPlanFacts *out) LIG_MUST_CHECK;

#endif

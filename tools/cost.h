// What one token costs, counted from the graph: multiplications and additions, and the bytes that must be read.
#ifndef LIG_TOOLS_COST_H
#define LIG_TOOLS_COST_H

#include "ir/graph.h"

typedef struct LigCost {
    double body_flops;   // a token: products with weights, and attention over `keys` keys
    double head_flops;   // a token whose logits are wanted: what is computed for those alone
    double weight_bytes; // a step: weights of all products, however many tokens go through
    double cache_bytes;  // a token: keys and values of `keys` tokens
} LigCost;

// Counts the linear and attention ops of function `name` of a module at stage model, for tokens that see `keys`
// keys in the mean, their own among them; zeros when there is none.
LigCost lig_cost_of(const LigModule *module, const char *name, double keys);

#endif

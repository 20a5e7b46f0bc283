// Decompositions: composites as other ops, by the rules that the table names (ir/ops.def, DECOMPOSE).
//
// A rule appends ops that compute what `op` computes, of `operands` in its place, and gives the value that
// stands for its one result (NULL when the builder has failed). It rounds to 16-bit floats once, at the end.
#ifndef LIG_IR_DECOMPOSITION_H
#define LIG_IR_DECOMPOSITION_H

#include "ir/build.h"

typedef LigValue *LigDecomposeRule(LigBuilder *b, const LigOp *op, LigValue *const *operands);

// One declaration a rule; ir/decomposition.c places them by the table.
LigDecomposeRule lig_decompose_embedding, lig_decompose_log_softmax, lig_decompose_silu_grad,
    lig_decompose_gelu_grad, lig_decompose_softmax_grad, lig_decompose_log_softmax_grad;

// NULL for ops that are not decomposed.
LigDecomposeRule *lig_decompose_rule(LigOpCode code);

#endif

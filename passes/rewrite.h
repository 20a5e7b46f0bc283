// Replacing values while walking a function: a side table from value to its replacement.
#ifndef LIG_PASSES_REWRITE_H
#define LIG_PASSES_REWRITE_H

#include "ir/graph.h"

// Replacements of a function's inputs and results, by id.
typedef struct LigReplacements {
    LigModule *module;
    LigValue **by_id;
} LigReplacements;

// NULL by_id when memory is out.
LigReplacements lig_replacements(LigArena *scratch, LigModule *module, const LigFunc *func);
// What `value` is replaced by (itself when it is not, or not of this function).
LigValue *lig_replaced(const LigReplacements *replacements, LigValue *value);
// Puts replacements into an op's operands.
void lig_replace_operands(const LigReplacements *replacements, LigOp *op);
void lig_replace_outputs(const LigReplacements *replacements, LigFunc *func);

// Whether two ops compute the same values: op, operands, attributes, result types and constant bytes are equal,
// and the op has no effect on state.
bool lig_op_computes_same(const LigModule *module, const LigOp *a, const LigOp *b);

// `base`, or base.2, base.3 …: a name for a result of load, which no value of the module and of its functions
// (kernels aside) has but `except` (NULL: none) and what computes the same as it, which the result will stand
// for. data = NULL when memory is out.
LigStr lig_fresh_value_name(LigModule *module, LigStr base, const LigOp *except);

#endif

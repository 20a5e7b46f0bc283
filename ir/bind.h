// Binding dims: from the shapes of what a function is called with to the values of the module's symbols.
#ifndef LIG_IR_BIND_H
#define LIG_IR_BIND_H

#include "ir/graph.h"

// Finds the values of the module's symbols from the shapes of `func`'s inputs (one per input), starting from
// `symbols`
// (-1 = unknown; NULL: all are). A variant's bindings narrow the bounds. Symbols that neither binds and that no
// input mentions stay -1. Errors: SHAPE, naming the input, when a rank, dtype or size does not fit, two inputs
// disagree, or a bound or a fact does not hold.
LigStatus lig_bind_dims(const LigModule *module, const LigFunc *func, const LigShape *inputs,
                        const int64_t *symbols, int64_t *values) LIG_MUST_CHECK;

#endif

// The interpreter: the definition of what every op, at every stage, computes.
//
// Sums and products accumulate in double; a value is rounded once, to nearest even, to its dtype. It is slow
// and obvious on purpose. Planned variants run in one arena with the plan's offsets, so that a wrong plan gives
// wrong numbers.
#ifndef LIG_IR_EVAL_H
#define LIG_IR_EVAL_H

#include "ir/graph.h"

// A buffer with a shape. `data` is borrowed.
typedef struct LigTensor {
    LigShape shape;
    void *data;
} LigTensor;

// What an op's kernel sees. Operands and results are in the order of the op.
typedef struct LigEvalArgs {
    LigModule *module;
    const LigOp *op;
    const int64_t *dims; // the values of the module's symbols
    const LigTensor
        *operands;      // read only, but for STATE ops, whose result has the same bytes as their first operand
    LigTensor *results; // allocated, uninitialised
    LigArena *scratch;  // dropped after the op
} LigEvalArgs;

typedef LigStatus LigEvalKernel(LigEvalArgs *args);

#define LIG_OP(ID, name, ...) LigEvalKernel lig_eval_##name;
#include "ir/ops.def"
#undef LIG_OP

// A session of the interpreter on one module: evaluates load once and keeps its results.
typedef struct LigInterpreter LigInterpreter;

// Needs every param bound (value->data). Errors: NOT_FOUND (a param without data), NO_MEMORY, those of kernels.
LigStatus lig_interpreter_create(LigModule *module, LigInterpreter **out) LIG_MUST_CHECK;
void lig_interpreter_destroy(LigInterpreter *interpreter);

// One call of func or variant `func`.
//   inputs   one per input of the function; they bind the dims (lig_bind_dims)
//   states   one per state of the module, updated in place
//   symbols  values of symbols that no input binds (-1: bound by inputs), one per symbol
//   outputs  one per output; `data` is allocated by lig_alloc, owned by the caller
LigStatus lig_interpreter_run(LigInterpreter *interpreter, const LigFunc *func, const LigTensor *inputs,
                              LigTensor *states, const int64_t *symbols, LigTensor *outputs) LIG_MUST_CHECK;

#endif

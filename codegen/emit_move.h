// The parts of move kernels: append has its own file, the others are index arithmetic in emit_move.c.
#ifndef LIG_CODEGEN_EMIT_MOVE_H
#define LIG_CODEGEN_EMIT_MOVE_H

#include "codegen/classes.h"

LigStatus lig_append_check(const LigModule *module, const LigFunc *kernel, const LigOp *op) LIG_MUST_CHECK;
int64_t lig_append_tile(void);            // tokens
LigDim lig_append_units(const LigOp *op); // tokens
void lig_append_emit(LigKernelEmitter *k, const LigOp *op, LigUnitRange range);

#endif

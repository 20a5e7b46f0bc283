// How a contraction forms its products: what one turn of its loop over K adds to a register block.
//
// The emitter of contractions (emit_contract.c) owns loops, panels, scratch and epilogues; it keeps
// sums[row * vectors + v], f32 vectors of results, and asks for nothing but a turn. Which arithmetic a factor has
// follows from the types of x and of its weight (lig_contract_arithmetic).
//
// Every element must stay one chain of additions in ascending k, whatever rows and vectors are computed beside
// it: numbers must not depend on the schedule.
//
// Internal to codegen/: LLVM types appear.
#ifndef LIG_CODEGEN_ARITHMETIC_H
#define LIG_CODEGEN_ARITHMETIC_H

#include "codegen/contract.h"

// A turn of the loop: where its columns of the weight and of x begin.
typedef struct LigTurn {
    LigEmitter *e;
    const LigStorage *storage; // of the panel
    LigStoragePlace place; // of the step that has the turn's first column, and of the block's first row in it
    LLVMValueRef x;        // that column in the block's first row
    int64_t x_row_bytes;   // from one row of x to the next
    int columns, rows, vectors;
} LigTurn;

typedef struct LigArithmeticRule {
    // Columns of a turn: a divisor of the factor's depth, whole steps of the panel and blocks of x.
    int (*columns)(const LigFactor *factor, const LigStorage *storage, int rows);
    void (*add)(const LigTurn *turn, LLVMValueRef *sums);
} LigArithmeticRule;

const LigArithmeticRule *lig_arithmetic_rule(LigArithmeticKind arithmetic);

extern const LigArithmeticRule lig_arithmetic_f32, lig_arithmetic_int8;

#endif

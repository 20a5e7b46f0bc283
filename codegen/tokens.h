// Rows of a flat batch inside kernels: which row a token belongs to. Internal to codegen/.
#ifndef LIG_CODEGEN_TOKENS_H
#define LIG_CODEGEN_TOKENS_H

#include "codegen/kernel.h"

// The operands that say how tokens lie in rows.
typedef struct LigTokenRows {
    LLVMValueRef start; // pointer of i32[R+1], ascending
    LLVMValueRef count; // R, i64
} LigTokenRows;

typedef struct LigTokenRow {
    LLVMValueRef row;    // i64; some row of the batch where the token belongs to none
    LLVMValueRef exists; // i1
} LigTokenRow;

// Row r with start[r] <= token < start[r + 1].
LigTokenRow lig_kernel_row_of(LigKernelEmitter *k, const LigTokenRows *rows, LLVMValueRef token);
// The i32 at `index` of a vector, as i64.
LLVMValueRef lig_kernel_load_i32(LigKernelEmitter *k, LLVMValueRef pointer, LLVMValueRef index);
// The element index of [batch, row, column] in a state or cache of type [.., C, D] in rows or in panels, all
// i64.
typedef struct LigCachePlace {
    LLVMValueRef batch, row, column;
} LigCachePlace;
LLVMValueRef lig_kernel_cache_index(LigKernelEmitter *k, const LigType *type, LigCachePlace place);

#endif

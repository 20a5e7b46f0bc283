// Weights as they are stored: f32 vectors of one panel's rows at one column, whatever the dtype.
//
// A panel (ir/type.h) is a sequence of groups of columns. An emitter walks it in steps of `columns` columns, opens
// each, and asks for vectors: lane i of vector v at column c is the exact weight of row v * lanes + i. Values are
// dequantised by one rounding of scale * q + min, the same as lig_shape_get's, so that every kernel sees the same
// weights. What columns share (scales, packed words) is loaded once a step.
//
// A quantised step is read through the table of ir/layout_block.h: a word of four columns is one i32 a row, put
// together from the planes of its bits by shifts and masks; then each byte is converted and scaled.
//
// Internal to codegen/: LLVM types appear.
#ifndef LIG_CODEGEN_STORAGE_H
#define LIG_CODEGEN_STORAGE_H

#include "codegen/llvm.h"
#include "ir/layout_block.h"

typedef struct LigStorage {
    LigDtype dtype;
    int rows;      // of a panel
    int lanes;     // of a vector; divides rows
    int columns;   // of a step: a plain group, a block of 32, or 64 of the 256 columns of a block
    int steps;     // of a group
    int64_t bytes; // of a step: those of its group / steps
} LigStorage;

// The storage of a weight type in panel layout; false when its dtype can't be read as f32.
bool lig_storage_of(const LigType *type, const LigTarget *target, LigStorage *out);

enum { LIG_STORAGE_MAX_VECTORS = 8, LIG_STORAGE_WORDS = LIG_BLOCK_UNIT_WORDS, LIG_STORAGE_SCALES = 4 };

// An open step: what was loaded so far, so that nothing is loaded twice.
typedef struct LigStorageGroup {
    const LigStorage *storage;
    LLVMValueRef pointer;               // of the group
    LLVMValueRef step;                  // i64, inside the group; NULL when it has one
    LLVMValueRef row;                   // i64: the row of the panel at which vector 0 begins
    LLVMValueRef parts[LIG_PART_COUNT]; // where each part of the step begins
    LLVMValueRef words[LIG_STORAGE_WORDS][LIG_STORAGE_MAX_VECTORS];
    LLVMValueRef scales[LIG_STORAGE_SCALES][LIG_STORAGE_MAX_VECTORS];
    LLVMValueRef byte_scales[LIG_STORAGE_SCALES][LIG_BLOCK_WORD][LIG_STORAGE_MAX_VECTORS]; // [., 0] unused
    LLVMValueRef mins[LIG_STORAGE_SCALES][LIG_STORAGE_MAX_VECTORS];
} LigStorageGroup;

// Where a step is: its number in the panel (i64); its pointer, which is `step` times the bytes of a step behind the
// panel's beginning; and the row (i64) from which vectors are counted.
typedef struct LigStoragePlace {
    LLVMValueRef pointer, step, row;
} LigStoragePlace;
void lig_storage_open(LigEmitter *e, LigStorageGroup *group, const LigStorage *storage, LigStoragePlace place);
// The f32 vector `vector` at column `column` of the step.
LLVMValueRef lig_storage_vector(LigEmitter *e, LigStorageGroup *group, int column, int vector);

// Of quantised storage, for integer arithmetic: weight = scale * (byte - zero), + min where the dtype has one.
// Four columns from 4 * `word` of the step on as the bytes of i32 lanes, each an unsigned integer below 1 << bits.
void lig_storage_byte_range(const LigStorage *storage, int *bits, int *zero);
LLVMValueRef lig_storage_bytes(LigEmitter *e, LigStorageGroup *group, int word, int vector);
// Of the columns that share scales with column `column`; min NULL: the dtype has none.
LLVMValueRef lig_storage_scale(LigEmitter *e, LigStorageGroup *group, int column, int vector);
LLVMValueRef lig_storage_min(LigEmitter *e, LigStorageGroup *group, int column, int vector);

#endif

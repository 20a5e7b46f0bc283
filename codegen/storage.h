// Weights as they are stored: f32 vectors of one panel's rows at one column, whatever the dtype.
//
// A panel (ir/type.h) is a sequence of groups of columns. An emitter opens a group, which loads what its
// columns share (the scales), and asks for vectors: lane i of vector v at column c is the exact weight of row v
// * lanes + i. Values are dequantised by one rounding of scale * q + min, the same as lig_shape_get's, so that
// every kernel sees the same weights.
//
// Internal to codegen/: LLVM types appear.
#ifndef LIG_CODEGEN_STORAGE_H
#define LIG_CODEGEN_STORAGE_H

#include "codegen/llvm.h"
#include "ir/type.h"

typedef struct LigStorage {
    LigDtype dtype;
    int rows;      // of a panel
    int lanes;     // of a vector; divides rows
    int columns;   // of a group
    int64_t bytes; // of a group
} LigStorage;

// The storage of a weight type in panel layout; false when its dtype can't be read as f32.
bool lig_storage_of(const LigType *type, const LigTarget *target, LigStorage *out);

enum { LIG_STORAGE_MAX_VECTORS = 8, LIG_STORAGE_PIECES = 8 };

// An open group: what was loaded so far, so that nothing is loaded twice.
typedef struct LigStorageGroup {
    const LigStorage *storage;
    LLVMValueRef pointer;
    LLVMValueRef scales[LIG_STORAGE_MAX_VECTORS], mins[LIG_STORAGE_MAX_VECTORS];
    LLVMValueRef pieces[LIG_STORAGE_PIECES][LIG_STORAGE_MAX_VECTORS]; // i32 vectors of four packed columns
} LigStorageGroup;

void lig_storage_open(LigStorageGroup *group, const LigStorage *storage, LLVMValueRef pointer);
// The f32 vector `vector` at column `column` of the group.
LLVMValueRef lig_storage_vector(LigEmitter *e, LigStorageGroup *group, int column, int vector);

// The same as bytes, for integer arithmetic (block-quantised dtypes): i32 lanes of the four columns 4 * piece …,
// each an unsigned integer below 1 << bits; weight = scale * (byte - zero), + min where the dtype has one.
void lig_storage_byte_range(const LigStorage *storage, int *bits, int *zero);
LLVMValueRef lig_storage_bytes(LigEmitter *e, LigStorageGroup *group, int piece, int vector);
LLVMValueRef lig_storage_scale(LigEmitter *e, LigStorageGroup *group, int vector);
LLVMValueRef lig_storage_min(LigEmitter *e, LigStorageGroup *group, int vector); // NULL: the dtype has none

#endif

// What row kernels share between their passes (emit_row.c), rope (emit_rope.c) and quantised results
// (emit_quantize.c).
#ifndef LIG_CODEGEN_EMIT_ROW_H
#define LIG_CODEGEN_EMIT_ROW_H

#include "codegen/body.h"
#include "codegen/classes.h"

enum { LIG_ROW_MAX_OUTPUTS = 8, LIG_ROW_BLOCK_VECTORS = 8 };

// What the passes of a reducing op found in the row.
typedef struct LigRowStats {
    LLVMValueRef center;   // splat, subtracted: the mean, or softmax's maximum
    LLVMValueRef factor;   // splat, multiplied
    LLVMValueRef is_empty; // i1, of softmax: no entry above -inf
} LigRowStats;

typedef struct LigRow {
    LigBody body;
    int lanes;
    LigRowStats *stats;       // by id of the op's result
    LLVMValueRef *other_held; // for each rope: what the body holds at the partner's column meanwhile
} LigRow;

// ---- rope (emit_rope.c) ----
LigStatus lig_rope_check(const LigModule *module, const LigFunc *kernel, const LigOp *op) LIG_MUST_CHECK;
size_t lig_rope_count(const LigFunc *kernel);
// Bytes of scratch for the tables of cosines and sines of a token.
int64_t lig_rope_scratch(const LigFunc *kernel, const LigTarget *target);
// The lanes that a row is walked by: the target's, or fewer so that no vector straddles the two halves of a
// rope's pairs.
int lig_rope_lanes(const LigFunc *kernel, const LigTarget *target);
// Emits the tables of token `token` for each rope.
void lig_rope_tables(LigRow *row, LLVMValueRef token);
// The rotated vector at the body's place.
LLVMValueRef lig_rope_value(LigRow *row, const LigOp *op);

// ---- quantize (emit_quantize.c) ----
bool lig_quantize_has_results(const LigFunc *kernel);
// Vectors of the row that make a block.
int lig_quantize_vectors(const LigRow *row);
// Stores a block of output `output`: x, the f32 vectors from `column` on, of the body's row.
void lig_quantize_store(LigRow *row, size_t output, LLVMValueRef column, const LLVMValueRef *x);

#endif

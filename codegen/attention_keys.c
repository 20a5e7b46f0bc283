// Keys that lie in rows into panels, so that a vector of scores needs no sum across lanes: squares of lanes x
// lanes are transposed in registers. A run is packed once for all query rows of a tile.
#include "codegen/body.h"
#include "codegen/emit_attention.h"

enum { ROWS, PANELS, COUNT };

static LLVMValueRef times(LigEmitter *e, LLVMValueRef value, int64_t by)
{
    return LLVMBuildMul(e->builder, value, lig_i64(e, by), "");
}

// Where lanes of `a` and `b` have bit `bit` swapped with the number of the vector: one half of a step.
static LLVMValueRef exchange(LigEmitter *e, LLVMValueRef a, LLVMValueRef b, int lanes, int bit, bool upper)
{
    LLVMValueRef mask[LIG_MAX_LANES] = {0};
    for (int i = 0; i < lanes; i++) {
        int from_a = upper ? i | bit : i, from_b = upper ? i : i & ~bit;
        mask[i] = lig_i32(e, i & bit ? lanes + from_b : from_a);
    }
    return LLVMBuildShuffleVector(e->builder, a, b, LLVMConstVector(mask, (unsigned)lanes), "");
}

static void transpose(LigEmitter *e, LLVMValueRef *x, int lanes)
{
    for (int bit = 1; bit < lanes; bit *= 2) {
        for (int i = 0; i < lanes; i++) {
            if (i & bit) continue;
            LLVMValueRef a = x[i], b = x[i | bit];
            x[i] = exchange(e, a, b, lanes, bit, false);
            x[i | bit] = exchange(e, a, b, lanes, bit, true);
        }
    }
}

// Columns `column` … of the keys at `rows` (of which the one at `last` is the last that exists). Columns past
// the width are zero.
static void pack_square(const LigAttention *a, const LLVMValueRef *rows, LLVMValueRef panel, int vector)
{
    LigEmitter *e = a->k->e;
    const LigAttentionSizes *s = &a->sizes;
    LLVMValueRef x[LIG_MAX_LANES] = {0};
    int64_t column = (int64_t)vector * s->lanes, left = s->width - column;
    LigDtype dtype = a->key_type->dtype;
    LLVMValueRef mask = left >= s->lanes ? NULL : lig_emit_tail_mask(e, s->lanes, lig_i64(e, left));
    for (int i = 0; i < s->lanes; i++) {
        LLVMValueRef at = lig_emit_offset_by(e, rows[i], column * lig_dtype_block_bytes(dtype));
        x[i] = lig_body_load(e, at, dtype, s->lanes, mask);
    }
    transpose(e, x, s->lanes);
    for (int64_t i = 0; i < s->lanes && i < left; i++) {
        int64_t bytes = (column + i) * s->lanes * (int64_t)sizeof(float);
        lig_emit_store(e, x[i], lig_emit_offset_by(e, panel, bytes), sizeof(float));
    }
}

// A key past the last one is read as the last: its scores are computed, and hidden later.
static LLVMValueRef key_row(const LigAttention *a, LLVMValueRef function, LLVMValueRef first, int lane)
{
    LigEmitter *e = a->k->e;
    LLVMValueRef last = LLVMBuildSub(e->builder, LLVMGetParam(function, COUNT), lig_i64(e, 1), "");
    LLVMValueRef key = LLVMBuildAdd(e->builder, first, lig_i64(e, lane), "");
    int64_t bytes = a->sizes.stride * lig_dtype_block_bytes(a->key_type->dtype);
    return lig_emit_offset(e, LLVMGetParam(function, ROWS), times(e, lig_kernel_least(a->k, key, last), bytes));
}

LLVMValueRef lig_attention_pack_keys(LigAttention *a)
{
    LigEmitter *e = a->k->e;
    const LigAttentionSizes *s = &a->sizes;
    LigAttentionCaller caller;
    LLVMValueRef function = lig_attention_begin(e, "pack_keys", 2, 1, &caller);
    LigLoop loop;
    LigRange range = {lig_i64(e, 0), LLVMGetParam(function, COUNT), lig_i64(e, s->lanes)};
    lig_loop_begin(e, &loop, range, NULL, 0);
    LLVMValueRef rows[LIG_MAX_LANES];
    for (int i = 0; i < s->lanes; i++) rows[i] = key_row(a, function, loop.index, i);
    LLVMValueRef bytes = times(e, loop.index, s->width * (int64_t)sizeof(float));
    LLVMValueRef panel = lig_emit_offset(e, LLVMGetParam(function, PANELS), bytes);
    for (int v = 0; v < s->width_vectors; v++) pack_square(a, rows, panel, v);
    lig_loop_end(e, &loop, NULL);
    lig_attention_end(e, caller);
    return function;
}

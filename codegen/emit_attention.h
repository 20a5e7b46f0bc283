// What the parts of attention kernels share: sizes, the state of a query row, and the block functions
// (attention_block.c) that the walk over tokens and key blocks (emit_attention.c) calls.
#ifndef LIG_CODEGEN_EMIT_ATTENTION_H
#define LIG_CODEGEN_EMIT_ATTENTION_H

#include "codegen/classes.h"

// Keys of a block; blocks begin at multiples of it in the slot, so that a query's sums are cut at the same
// places in every call.
enum { LIG_ATTENTION_KEYS = 64 };

// Sizes of one attention kernel for one target.
typedef struct LigAttentionSizes {
    int64_t heads, kv_heads, width; // H, Hkv, D
    int64_t stride;                 // elements from one key of a head to the next, where they lie in rows
    int64_t group;                  // heads of queries that share a head of keys
    int heads_at_once;              // of a group; divides it
    int tokens_at_once;
    int lanes;
    int width_vectors; // vectors that cover a row of D
    // Byte offsets in the state of one query row: scores f32[KEYS], out f32[D padded], sum f32[lanes], the
    // maximum and the factor by which it rescales, f32 each.
    int64_t scores, out, sum, maximum, rescale, state_bytes;
} LigAttentionSizes;

typedef struct LigAttention {
    LigKernelEmitter *k;
    const LigOp *op;
    LigAttentionSizes sizes;
    const LigType *key_type, *value_type;
    // Pointers; slot is NULL when keys are those of the call's own tokens.
    LLVMValueRef query, key, value, pos, start, slot, kv_len, out;
    // Functions: a row's scores to weights; all keys of a block for the rows of several tokens or of one, and
    // some keys for one token.
    LLVMValueRef weigh, many_full, one_full, one_part;
    LLVMTypeRef block_type;
} LigAttention;

// Emits what turns a row's scores into weights, internal to the module; block functions call it.
LLVMValueRef lig_attention_weigh(LigAttention *a);
// Emits a block function for the rows of `tokens` tokens, internal to the module:
//   (ptr query, ptr key, ptr value, ptr state, i64 from, i64 to)
// query: the first row; key and value: the block's first key; state: of the first row. Folds keys
// from <= j < to into the rows' states; a function that is not `partial` takes all keys and ignores from and
// to.
LLVMValueRef lig_attention_block(LigAttention *a, const char *name, int tokens, bool partial);
LLVMTypeRef lig_attention_block_type(const LigEmitter *e);

#endif

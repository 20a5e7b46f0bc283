// What the parts of attention kernels share: sizes, what lies in scratch, and the functions that the walk over
// tokens and runs of keys (emit_attention.c) calls.
//
// Keys are cut into runs at multiples of LIG_ATTENTION_RUN in the slot. A run against a query row is a partial
// result of its own: its maximum, the sum of its weights, its weighted values; partial results are combined in
// ascending order of runs. So the bits of a row depend neither on the queries beside it, nor on how tokens were
// split into calls, nor on whether runs are computed one after the other or apart.
#ifndef LIG_CODEGEN_EMIT_ATTENTION_H
#define LIG_CODEGEN_EMIT_ATTENTION_H

#include "codegen/classes.h"

// Keys of a run. 128: two sums across lanes a row are then below a tenth of its products, the weights of
// six rows stay in the L1 cache, and 512 keys are enough runs for every thread.
enum { LIG_ATTENTION_RUN = 128 };
enum { LIG_ATTENTION_Q, LIG_ATTENTION_K, LIG_ATTENTION_V, LIG_ATTENTION_POS, LIG_ATTENTION_START };
enum { LIG_ATTENTION_KV_LEN = 5, LIG_ATTENTION_SLOT };
// Query rows that are folded at once: with four vectors of keys or values beside each, 24 chains of sums.
enum { LIG_ATTENTION_ROWS = 6, LIG_ATTENTION_MAX_PARAMS = 8 };

// Sizes of one attention kernel for one target.
typedef struct LigAttentionSizes {
    int64_t heads, kv_heads, width; // H, Hkv, D
    int64_t stride;                 // elements from one key of a head to the next, where they lie in rows
    int64_t group;                  // heads of queries that share a head of keys
    int heads_at_once;              // of a group; divides it
    int tokens_at_once;
    int lanes;
    int width_vectors;   // vectors that cover a row of D
    int64_t tile_tokens; // at least those of a tile; a multiple of tokens_at_once
    // Keys as they are scored: panels of `panel` keys.
    bool packs_keys; // keys lie in rows: a run of them is put into f32 panels first
    int64_t panel;
    LigDtype panel_dtype;
    // Byte offsets in the state of a query row: out f32[D padded], then f32 each.
    int64_t sum, maximum, state_bytes;
    // Byte offsets in the work of a query row against a run: weights f32[RUN], then f32 each: the factors of
    // the state so far and of this run.
    int64_t keep, add, work_bytes;
    // Byte offsets in scratch: keys that each token of a tile sees, i64[2] each; work; states; panels.
    int64_t at_work, at_states, at_panels, scratch_bytes;
} LigAttentionSizes;

typedef struct LigAttention {
    LigKernelEmitter *k;
    const LigOp *op;
    LigAttentionSizes sizes;
    const LigType *key_type, *value_type;
    // Pointers; slot is NULL when keys are those of the call's own tokens.
    LLVMValueRef query, key, value, pos, start, slot, kv_len, out;
    LLVMValueRef pack_keys, weigh_all, weigh_some; // functions
    LLVMValueRef many, one;                        // block functions: of tokens_at_once tokens, and of one
} LigAttention;

// ---- attention_schedule.c ----
const LigOp *lig_attention_find(const LigFunc *kernel);
LigAttentionSizes lig_attention_sizes(const LigFunc *kernel, const LigTarget *target);
bool lig_attention_is_cached(const LigOp *op);
// The operand of the kernel behind a value, through reshapes; NULL when it is computed.
const LigValue *lig_attention_behind(const LigValue *value);
// Units of heads: those that a tile takes at once; the same for every target.
int64_t lig_attention_head_units(const LigOp *op);
LigDim lig_attention_token_tiles(const LigModule *module, const LigFunc *kernel);

// ---- functions internal to the module ----

// Begins an internal function, ends it and goes on where the caller was.
typedef struct LigAttentionCaller {
    LLVMValueRef function;
    LLVMBasicBlockRef place;
} LigAttentionCaller;
LLVMValueRef lig_attention_begin(LigEmitter *e, const char *name, int pointers, int integers,
                                 LigAttentionCaller *caller);
void lig_attention_end(LigEmitter *e, LigAttentionCaller caller);
// Calls one: the pointers come first, then the integers.
void lig_attention_call(LigEmitter *e, LLVMValueRef function, LLVMValueRef *args, int pointers, int integers);

// attention_keys.c: (ptr rows, ptr panels, i64 count). Puts the run's first `count` keys into panels.
LLVMValueRef lig_attention_pack_keys(LigAttention *a);

// attention_weigh.c: (ptr work, ptr state, i64 from, i64 to). Turns a row's scores of keys from <= j < to of a
// run into weights, zero for keys beside them in the same vector; updates the row's maximum and sum, and leaves
// the factors keep and add. `all`: from = 0 and to = RUN.
LLVMValueRef lig_attention_weigh(LigAttention *a, const char *name, bool all);

// What is known of a row's weights besides: the scaled maximum of its scores, and the sum of 2^(score - maximum).
typedef struct LigAttentionSum {
    LLVMValueRef maximum, sum; // f32
} LigAttentionSum;
typedef struct LigAttentionMerge {
    LigAttentionSum state;
    LLVMValueRef keep, add; // what the state's and the run's weighted values are multiplied by
} LigAttentionMerge;
// Of vectors of weighted values: {the state's, keep, the run's, add}.
LLVMValueRef lig_attention_merge_values(LigEmitter *e, const LLVMValueRef parts[4]);
LigAttentionMerge lig_attention_merge(LigEmitter *e, LigAttentionSum state, LigAttentionSum run);

// attention_block.c: (ptr query, ptr keys, ptr values, ptr seen, ptr state, ptr work, i64 first). Folds the run
// that begins at key `first` into the states of the rows of `tokens` tokens. query: their first row; keys and
// values: the run's first; seen: of the first token; state: of the first row.
enum { LIG_ATTENTION_BLOCK_POINTERS = 6, LIG_ATTENTION_BLOCK_INTEGERS = 1 };
LLVMValueRef lig_attention_block(LigAttention *a, const char *name, int tokens);

#endif

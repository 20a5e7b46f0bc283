// Decoder-only language models (llama and its like), built from a spec into a module of stage `model`.
//
// Symbols: N tokens (1..512), R rows (1..64), K rows of logits (1..64), C tokens a slot holds (1..context), S
// slots (1..64); facts R <= N, K <= N. Params have the names of lig_names_param and the file's dtype and shape;
// states %L.k and %L.v are [S,kv_heads,C,head]. Activations are f32.
//
//   @step(%ids: i32[N], %pos: i32[N], %start: i32[R+1], %slot: i32[R], %kv_len: i32[R], %out: i32[K]) ->
//   f32[K,vocab]
//     ids     tokens of all rows, end to end          start   row r holds tokens start[r] <= t < start[r+1]
//     pos     each token's position in its sequence   slot    the row's slot in the caches
//     kv_len  keys of the row once its tokens are in  out     tokens (0 <= out < N) whose logits are wanted
//   @forward: the same but for %out -> f32[N,width] the hidden state after the final norm, f32[N,vocab] logits
//
// Each function writes every layer's keys and values at pos; token t sees key j if j <= pos[t] and j <
// kv_len[row].
#ifndef LIG_MODELS_DECODER_H
#define LIG_MODELS_DECODER_H

#include "ir/graph.h"
#include "models/names.h"
#include "models/spec.h"

// What a weights file says about one tensor.
typedef struct LigTensorInfo {
    LigDtype dtype;
    int rank;
    int64_t dims[LIG_MAX_RANK]; // outermost first
} LigTensorInfo;

// How the builder learns of tensors; false when the file has none of this name.
typedef struct LigTensorSource {
    bool (*find)(void *data, LigStr name, LigTensorInfo *out);
    void *data;
} LigTensorSource;

typedef struct LigDecoderOptions {
    LigDtype cache_dtype; // f32 or bf16
} LigDecoderOptions;

// The module is verified. Errors: those of lig_spec_check; NOT_FOUND (a tensor the spec calls for), SHAPE and
// DTYPE (a tensor that does not fit the spec), each naming the tensor; INVALID (options); NO_MEMORY.
LigStatus lig_build_decoder(LigContext *ctx, const LigSpec *spec, const LigNames *names, LigTensorSource source,
                            LigDecoderOptions options, LigModule **out) LIG_MUST_CHECK;

#endif

// Models built from specs into a module of stage `model`. Nothing here knows any model by name.
//
// Symbols: N tokens (1..512), R rows (1..64); of decoders also K rows of logits (1..64), C tokens a slot holds
// (1..context), S slots (1..64); facts R <= N, K <= N. Params have the names of lig_names_param and the file's
// dtype and shape; what a file stores transposed or in one piece is taken apart in load. A decoder's states
// %L.k and %L.v are [S,kv_heads,C,head]. Activations are f32.
//
// Decoders (causal):
//   @step(%ids: i32[N], %pos: i32[N], %start: i32[R+1], %slot: i32[R], %kv_len: i32[R], [%types: i32[N],]
//         %out: i32[K]) -> f32[K,vocab]
//     ids     tokens of all rows, end to end          start   row r holds tokens start[r] <= t < start[r+1]
//     pos     each token's position in its sequence   slot    the row's slot in the caches
//     kv_len  keys of the row once its tokens are in  types   token types, where the spec has any
//     out     tokens (0 <= out < N) whose logits are wanted
//   @forward: the same but for %out -> hidden f32[N,width], after the final norm, and logits f32[N,vocab]
//   Each function writes every layer's keys and values at pos; token t sees key j if j <= pos[t] and j <
//   kv_len[row]. A decoder without a head has no @step.
// Encoders (every token sees the whole row), without state:
//   @forward(%ids: i32[N], %pos: i32[N], %start: i32[R+1], %kv_len: i32[R] [, %types: i32[N]])
//     -> hidden f32[N,width], and logits: f32[N,vocab], or f32[R,labels] of a head that classifies
//     pos     0, 1, 2 … in each row                   kv_len  of a row's tokens the first so many are keys
#ifndef LIG_MODELS_MODEL_H
#define LIG_MODELS_MODEL_H

#include "ir/graph.h"
#include "models/spec.h"

// What a weights file says about one tensor.
typedef struct LigTensorInfo {
    LigDtype dtype;
    int rank;
    int64_t dims[LIG_MAX_RANK]; // outermost first
} LigTensorInfo;

// How the builder learns of tensors; false when the file has none of this name. Without `find` there is no file:
// every tensor is taken to be f32, of the shape the spec needs, under the usual form of its name.
typedef struct LigTensorSource {
    bool (*find)(void *data, LigStr name, LigTensorInfo *out);
    void *data;
} LigTensorSource;

typedef struct LigModelOptions {
    LigDtype cache_dtype; // f32 or bf16
} LigModelOptions;

// The module is verified. Errors: those of lig_spec_check; NOT_FOUND (a tensor the spec calls for), SHAPE and
// DTYPE (a tensor that does not fit the spec), each naming the tensor; UNSUPPORTED (the spec calls for a tensor
// that its naming scheme has no name for); INVALID (options); NO_MEMORY.
LigStatus lig_build_model(LigContext *ctx, const LigSpec *spec, LigTensorSource source, LigModelOptions options,
                          LigModule **out) LIG_MUST_CHECK;

#endif

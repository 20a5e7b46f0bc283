// What building a model passes around, and its parts. Private to models/.
#ifndef LIG_MODELS_BLOCK_H
#define LIG_MODELS_BLOCK_H

#include "ir/build.h"
#include "models/model.h"

// The values of one layer: weights by role, as load leaves them (NULL where the spec has none; matrices
// [out,in], vectors f32), and the caches.
typedef struct LigLayer {
    const LigBlockSpec *block;
    LigValue *weights[LIG_ROLE_COUNT];
    LigValue *freq;              // f32[pairs], or NULL
    LigValue *k_cache, *v_cache; // [S,kv_heads,C,head]; NULL in encoders
} LigLayer;

// A model being built.
typedef struct LigDraft {
    LigModule *module;
    const LigSpec *spec;
    const LigNames *names;
    LigTensorSource source;
    LigModelOptions options;
    LigDim n, r, k, c, s;              // the symbols; k, c, s of decoders only
    LigValue *weights[LIG_ROLE_COUNT]; // those of no layer
    LigLayer *layers;
    int64_t layer_count;
    LigValue *freq[LIG_MAX_BLOCKS]; // of each block, or NULL
    LigValue *pad_position;         // f32[1,width]: what tokens equal to from_pad take; or NULL
} LigDraft;

// The function being built: its inputs (slot, types: NULL where there are none).
typedef struct LigStep {
    LigBuilder b;
    LigValue *ids, *pos, *start, *slot, *kv_len, *types;
} LigStep;

// Declares every param and state the spec calls for. models/params.c
LigStatus lig_draft_declare(LigDraft *d) LIG_MUST_CHECK;
// Builds load, and puts what it makes of params in their places. models/load.c
LigStatus lig_draft_load(LigDraft *d) LIG_MUST_CHECK;

// ---- the parts; failures stick to the step's builder ----

// A scalar constant of the function.
LigValue *lig_draft_scalar(LigStep *step, const char *name, LigDtype dtype, double value);
// x[..,size] -> the same; `bias` may be NULL.
LigValue *lig_draft_norm(LigDraft *d, LigStep *step, const char *name, LigValue *x, LigValue *const *weights,
                         LigRole weight);
// x · weightᵀ (+ bias)
LigValue *lig_draft_linear(LigStep *step, const char *name, LigValue *x, LigValue *weight, LigValue *bias);
LigValue *lig_draft_activate(LigStep *step, const char *name, LigActivation act, LigValue *x);
// Token ids to f32[N,width]. models/embedding.c
LigValue *lig_draft_embed(LigDraft *d, LigStep *step);
// x f32[N,width] -> f32[N,width]
LigValue *lig_draft_attention(LigDraft *d, LigStep *step, const LigLayer *layer, LigValue *x);
LigValue *lig_draft_mlp(LigStep *step, const LigLayer *layer, LigValue *x);
LigValue *lig_draft_block(LigDraft *d, LigStep *step, int64_t index, LigValue *x);
// Hidden states to logits, one row each; to classify, tokens [N,width] to [R,labels]. models/head.c
LigValue *lig_draft_logits(LigDraft *d, LigStep *step, LigValue *hidden);
LigValue *lig_draft_classify(LigDraft *d, LigStep *step, LigValue *hidden);

#endif

// What building a decoder passes around, and the parts of a block. Private to models/.
#ifndef LIG_MODELS_BLOCK_H
#define LIG_MODELS_BLOCK_H

#include "ir/build.h"
#include "models/decoder.h"

// The values of one layer: params by role (NULL where the spec has none), vectors cast to f32, and the caches.
typedef struct LigLayer {
    LigValue *weights[LIG_ROLE_COUNT];
    LigValue *k_cache, *v_cache; // [S,kv_heads,C,head]
} LigLayer;

typedef struct LigDecoder {
    LigModule *module;
    const LigSpec *spec;
    const LigNames *names;
    LigTensorSource source;
    LigDecoderOptions options;
    LigDim n, r, k, c, s;              // the symbols
    LigValue *weights[LIG_ROLE_COUNT]; // those of no layer
    LigLayer *layers;
    LigValue *freq;            // f32[lig_rope_pairs]
    LigValue *embedding_scale; // f32[], or NULL
} LigDecoder;

// The function being built: its inputs.
typedef struct LigStep {
    LigBuilder b;
    LigValue *ids, *pos, *start, *slot, *kv_len;
} LigStep;

// Declares every param and state the spec calls for, and load with what derives from them. models/params.c
LigStatus lig_decoder_declare(LigDecoder *d) LIG_MUST_CHECK;

// x f32[N,width] -> f32[N,width]; failures stick to the step's builder.
LigValue *lig_decoder_norm(LigDecoder *d, LigStep *step, const char *name, LigValue *x, LigValue *weight);
// x · weightᵀ (+ bias)
LigValue *lig_decoder_linear(LigStep *step, const char *name, LigValue *x, LigValue *weight, LigValue *bias);
LigValue *lig_decoder_attention(LigDecoder *d, LigStep *step, const LigLayer *layer, LigValue *x);
LigValue *lig_decoder_mlp(LigDecoder *d, LigStep *step, const LigLayer *layer, LigValue *x);
LigValue *lig_decoder_block(LigDecoder *d, LigStep *step, int64_t index, LigValue *x);

#endif

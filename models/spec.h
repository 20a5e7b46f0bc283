// The model spec: what a person would say about a model, as data. Importers fill it, the builders read nothing
// else.
//
// Knobs are orthogonal. What the blocks do not define is refused by lig_spec_check with the knob's name.
#ifndef LIG_MODELS_SPEC_H
#define LIG_MODELS_SPEC_H

#include "ir/base/str.h"

typedef enum LigFamily { LIG_FAMILY_DECODER, LIG_FAMILY_ENCODER, LIG_FAMILY_ENCODER_DECODER } LigFamily;
typedef enum LigNormKind { LIG_NORM_RMS, LIG_NORM_LAYER } LigNormKind;
typedef enum LigNormPlace { LIG_NORM_PRE, LIG_NORM_POST, LIG_NORM_SANDWICH } LigNormPlace;
typedef enum LigPairs { LIG_PAIRS_ADJACENT, LIG_PAIRS_HALF } LigPairs;
typedef enum LigRopeScaling { LIG_ROPE_PLAIN, LIG_ROPE_LINEAR, LIG_ROPE_LLAMA3 } LigRopeScaling;
typedef enum LigActivation { LIG_ACT_SILU, LIG_ACT_GELU_ERF, LIG_ACT_GELU_TANH, LIG_ACT_RELU } LigActivation;

typedef struct LigRopeSpec {
    double theta;    // e.g. 100000
    double fraction; // of a head's dims that are rotated, e.g. 1
    LigPairs pairs;  // GGUF's llama files are adjacent, Hugging Face's are half
    LigRopeScaling scaling;
    double factor;                            // linear, llama3: e.g. 8
    double low_freq_factor, high_freq_factor; // llama3: e.g. 1 and 4
    int64_t original_context;                 // llama3: e.g. 8192
} LigRopeSpec;

typedef struct LigNormSpec {
    LigNormKind kind;
    LigNormPlace place;
    double eps;       // e.g. 1e-5
    bool unit_offset; // weights are stored minus one (Gemma)
} LigNormSpec;

typedef struct LigAttentionSpec {
    int64_t heads, kv_heads, head; // e.g. 9, 3, 64
    bool bias_q, bias_k, bias_v, bias_o;
    bool qk_norm;   // queries and keys are normed per head, before rope
    int64_t window; // keys a query sees, itself included; 0 = none
    double scale;   // of the scores; 0 = 1/sqrt(head)
} LigAttentionSpec;

typedef struct LigMlpSpec {
    bool gated; // act(x·gᵀ) · (x·uᵀ); plain: act(x·uᵀ)
    LigActivation act;
    int64_t width; // e.g. 1536
    bool bias;
} LigMlpSpec;

typedef struct LigSpec {
    LigStr name; // borrowed
    LigFamily family;
    int64_t vocab, width, context, layers; // e.g. 49152, 576, 8192, 30
    bool tie;                              // the head is the token embedding
    double embedding_scale;                // multiplies embeddings; 0 = none
    LigRopeSpec rope;
    LigNormSpec norm;
    LigAttentionSpec attention;
    LigMlpSpec mlp;
} LigSpec;

// Errors, each naming the knob: INVALID (a number out of its range), UNSUPPORTED (a combination not defined).
LigStatus lig_spec_check(LigContext *ctx, const LigSpec *spec) LIG_MUST_CHECK;
// The spec's text, as `liga show --spec` prints it.
void lig_spec_print(LigText *text, const LigSpec *spec);

// How many pairs of a head rope rotates.
int64_t lig_rope_pairs(const LigSpec *spec);
// Their frequencies in radians per position, lig_rope_pairs of them, in f32 as Transformers computes them.
void lig_rope_frequencies(const LigSpec *spec, float *out);
double lig_attention_scale(const LigSpec *spec);

#endif

// The model spec: what a person would say about a model, as data. Importers fill it, the builder reads nothing
// else.
//
// Knobs are orthogonal. What the blocks do not define is refused by lig_spec_check with the knob's name. The
// text of a spec (README.md) is printed and read by one table of knobs, models/knobs.c.
#ifndef LIG_MODELS_SPEC_H
#define LIG_MODELS_SPEC_H

#include "models/names.h"

typedef enum LigFamily { LIG_FAMILY_DECODER, LIG_FAMILY_ENCODER } LigFamily;
typedef enum LigNormKind { LIG_NORM_RMS, LIG_NORM_LAYER } LigNormKind;
typedef enum LigNormPlace { LIG_NORM_PRE, LIG_NORM_POST, LIG_NORM_SANDWICH } LigNormPlace;
typedef enum LigBranching { LIG_BRANCH_IN_TURN, LIG_BRANCH_ONE_NORM, LIG_BRANCH_TWO_NORMS } LigBranching;
typedef enum LigPositionKind { LIG_POSITION_NONE, LIG_POSITION_LEARNED, LIG_POSITION_ROPE } LigPositionKind;
typedef enum LigPairs { LIG_PAIRS_ADJACENT, LIG_PAIRS_HALF } LigPairs;
typedef enum LigRopeScaling {
    LIG_ROPE_PLAIN,
    LIG_ROPE_LINEAR,
    LIG_ROPE_LLAMA3,
    LIG_ROPE_FACTORS, // each frequency is divided by its number in a tensor of the file (GGUF's rope_freqs)
} LigRopeScaling;
typedef enum LigActivation {
    LIG_ACT_NONE,
    LIG_ACT_SILU,
    LIG_ACT_GELU_ERF,
    LIG_ACT_GELU_TANH,
    LIG_ACT_RELU,
    LIG_ACT_TANH,
} LigActivation;
typedef enum LigBlockPosition { LIG_BLOCK_AS_MODEL, LIG_BLOCK_OWN_ROPE } LigBlockPosition;
// HEAD: queries and keys are normed per head, before rope.
typedef enum LigQkNorm { LIG_QK_NORM_NONE, LIG_QK_NORM_HEAD } LigQkNorm;
// Gated: act(x·gᵀ) · (x·uᵀ); plain: act(x·uᵀ).
typedef enum LigMlpForm { LIG_MLP_PLAIN, LIG_MLP_GATED } LigMlpForm;
typedef enum LigHeadKind { LIG_HEAD_NONE, LIG_HEAD_LOGITS, LIG_HEAD_CLASSIFY } LigHeadKind;

typedef struct LigRopeSpec {
    double theta;    // e.g. 100000
    double fraction; // of a head's dims that are rotated, the first ones, e.g. 1
    LigPairs pairs;  // GGUF's llama files are adjacent, Hugging Face's are half
    LigRopeScaling scaling;
    double factor;                            // linear, llama3: e.g. 8
    double low_freq_factor, high_freq_factor; // llama3: e.g. 1 and 4
    int64_t original_context;                 // llama3: e.g. 8192
} LigRopeSpec;

typedef struct LigPositionSpec {
    LigPositionKind kind;
    // learned: position p takes row offset + p of the table, which has offset + context rows. A token equal to
    // from_pad (LIG_NO_PAD: none is special) takes row from_pad instead.
    int64_t offset, from_pad;
    LigRopeSpec rope;
} LigPositionSpec;
enum { LIG_NO_PAD = -1 };

// All norms of a model are of one make.
typedef struct LigNormSpec {
    LigNormKind kind;
    double eps;       // e.g. 1e-5
    bool unit_offset; // rms: weights are stored minus one (Gemma)
    bool bias;        // layer: norms have a bias
    bool final;       // one stands between the last block and the head
} LigNormSpec;

typedef struct LigEmbeddingSpec {
    bool tie;      // the head is the token embedding
    double scale;  // multiplies token embeddings; 0 = none
    int64_t types; // token types, added by %types; 0 = none
    bool norm;     // the sum of embeddings is normed
} LigEmbeddingSpec;

typedef struct LigAttentionSpec {
    int64_t heads, kv_heads, head; // e.g. 9, 3, 64
    bool bias_q, bias_k, bias_v, bias_o;
    LigQkNorm qk_norm;
    int64_t window; // as the op's attribute (ir/attrs.def); 0 = none
    double scale;   // of the scores; 0 = 1/sqrt(head)
    double softcap; // 0 = none
} LigAttentionSpec;

typedef struct LigMlpSpec {
    LigMlpForm form;
    LigActivation act;
    int64_t width; // e.g. 1536
    bool bias;
} LigMlpSpec;

// A kind of layer: attention and mlp, each beside x. Pre: x + f(norm(x)); post: norm(x + f(x)); sandwich:
// x + norm(f(norm(x))). Branches in turn, or, both from x, x + attention + mlp with a norm shared or each its
// own.
typedef struct LigBlockSpec {
    LigStr name; // borrowed
    LigNormPlace place;
    bool norm_attention, norm_mlp; // which branches are normed: all but the first block of ModernBERT, both
    LigBranching branching;
    LigBlockPosition position;
    LigRopeSpec rope; // OWN_ROPE
    LigAttentionSpec attention;
    LigMlpSpec mlp;
} LigBlockSpec;

// `count` layers of block `block`, one after another.
typedef struct LigLayerRun {
    int64_t count;
    size_t block;
} LigLayerRun;

// Logits: (transform,) then the head's matrix. Classify: the hidden state of each row's first token,
// (transform,) then a matrix to the labels. The transform is norm(act(dense(x))).
typedef struct LigHeadSpec {
    LigHeadKind kind;
    int64_t labels; // classify
    bool bias;      // of the last matrix
    double softcap; // of logits; 0 = none
    LigActivation transform;
    bool transform_bias, transform_norm;
} LigHeadSpec;

enum { LIG_MAX_BLOCKS = 8, LIG_MAX_RUNS = 256 };

// Where a text gives the value of a knob, for messages about it.
typedef struct LigKnobPlace {
    LigStr block; // its name; empty for the model's own knobs
    LigStr knob;  // "position.scaling.factor"; empty for the block or model itself
    LigLoc loc;
} LigKnobPlace;

typedef struct LigSpec {
    LigStr name; // borrowed
    LigFamily family;
    int64_t vocab, width, context; // e.g. 49152, 576, 8192
    LigEmbeddingSpec embedding;
    LigPositionSpec position;
    LigNormSpec norm;
    LigBlockSpec blocks[LIG_MAX_BLOCKS];
    size_t block_count;
    LigLayerRun runs[LIG_MAX_RUNS];
    size_t run_count;
    LigHeadSpec head;
    LigNaming names; // of the tensors in the file
    LigStr weights;  // borrowed: the file or directory of the tensors, as a text names it; may be empty
    const LigKnobPlace *places; // [place_count]; NULL for a spec that comes from no text
    size_t place_count;
} LigSpec;

// What a knob is when a text does not mention it: no bias, no window, branches in turn, both normed before…
void lig_spec_defaults(LigSpec *out);
void lig_block_defaults(LigBlockSpec *out);
// Makes the spec one of `layers` layers of its block 0, named "block".
void lig_spec_set_layers(LigSpec *spec, int64_t layers);

// Errors, each naming the knob: INVALID (a number out of its range), UNSUPPORTED (a combination not defined).
LigStatus lig_spec_check(LigContext *ctx, const LigSpec *spec) LIG_MUST_CHECK;
// The spec's text, as `liga show --spec` prints it.
void lig_spec_print(LigText *text, const LigSpec *spec);
// Reads such a text. Names and places are copied into the arena; `path` is for messages and must live as long as
// the spec. Every knob must be known and given at most once; those without a default must be there. The spec is
// not checked. Errors: PARSE (with line and column), NO_MEMORY.
LigStatus lig_spec_parse(LigContext *ctx, const char *path, LigStr source, LigArena *arena,
                         LigSpec *out) LIG_MUST_CHECK;

// Where the text gives a knob of a block (empty: of the model), or else what the knob is part of; LIG_NOWHERE
// without a text.
LigLoc lig_spec_place(const LigSpec *spec, LigStr block, LigStr knob);

int64_t lig_spec_layers(const LigSpec *spec);
// The block of layer `layer`, below lig_spec_layers.
const LigBlockSpec *lig_spec_block(const LigSpec *spec, int64_t layer);
// The rope of a block; NULL when it has none.
const LigRopeSpec *lig_spec_rope(const LigSpec *spec, const LigBlockSpec *block);

// How many pairs of a head of `head` dims rope rotates.
int64_t lig_rope_pairs(const LigRopeSpec *rope, int64_t head);
// Their frequencies in radians per position, lig_rope_pairs of them, in f32 as Transformers computes them; before
// the division by LIG_ROPE_FACTORS.
void lig_rope_frequencies(const LigRopeSpec *rope, int64_t head, float *out);
double lig_attention_scale(const LigAttentionSpec *attention);

#endif

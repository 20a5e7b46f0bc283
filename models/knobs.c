#include "models/knobs.h"

#include <stddef.h>

// Enums are read and written through unsigned.
_Static_assert(sizeof(LigFamily) == sizeof(unsigned) && sizeof(LigPairs) == sizeof(unsigned) &&
                   sizeof(LigActivation) == sizeof(unsigned) && sizeof(LigNaming) == sizeof(unsigned),
               "enums of a spec have the size of unsigned");

static const char *const families[] = {"decoder", "encoder", NULL};
static const char *const norm_kinds[] = {"rms", "layer", NULL};
static const char *const places[] = {"pre", "post", "sandwich", NULL};
static const char *const branches[] = {"attention", "mlp", NULL};
static const char *const branchings[] = {"none", "one_norm", "two_norms", NULL};
static const char *const positions[] = {"none", "learned", "rope", NULL};
static const char *const block_positions[] = {"model", "rope", NULL};
static const char *const pairings[] = {"adjacent", "half", NULL};
static const char *const scalings[] = {"none", "linear", "llama3", "factors", NULL};
static const char *const activations[] = {"none", "silu", "gelu", "gelu_tanh", "relu", "tanh", NULL};
static const char *const projections[] = {"q", "k", "v", "o", NULL};
static const char *const mlp_forms[] = {"plain", "gated", NULL};
static const char *const qk_norms[] = {"none", "head", NULL};
static const char *const heads[] = {"none", "logits", "classify", NULL};
static const char *const namings[] = {
#define LIG_NAMING(ID, name) #name,
#include "models/namings.def"
#undef LIG_NAMING
    NULL};

#define AT(type, field) .offset = offsetof(type, field)
#define OPTIONAL(kind_, name_, type, field) {.name = (name_), .kind = LIG_KNOB_##kind_, AT(type, field)}
#define NEEDED(kind_, name_, type, field)                                                                      \
    {.name = (name_), .kind = LIG_KNOB_##kind_, .required = true, AT(type, field)}
#define OR_NONE(kind_, name_, type, field, word, value)                                                        \
    {.name = (name_), .kind = LIG_KNOB_##kind_, AT(type, field), .none = (word), .none_value = (value)}
#define WORD(name_, type, field, words_)                                                                       \
    {.name = (name_), .kind = LIG_KNOB_WORD, AT(type, field), .words = (words_)}
#define END {.name = NULL}

// The same knobs for the rope of a model and that of one block.
#define ROPE_KNOBS(list, type, rope)                                                                           \
    static const LigKnob list##_linear[] = {NEEDED(REAL, "factor", type, rope.factor), END};                   \
    static const LigKnob list##_llama3[] = {NEEDED(REAL, "factor", type, rope.factor),                         \
                                            NEEDED(REAL, "low_freq_factor", type, rope.low_freq_factor),       \
                                            NEEDED(REAL, "high_freq_factor", type, rope.high_freq_factor),     \
                                            NEEDED(INT, "original_context", type, rope.original_context),      \
                                            END};                                                              \
    static const LigKnob *const list##_scaling[] = {NULL, list##_linear, list##_llama3, NULL};                 \
    static const LigKnob list[] = {                                                                            \
        NEEDED(REAL, "theta", type, rope.theta),                                                               \
        OPTIONAL(REAL, "fraction", type, rope.fraction),                                                       \
        {.name = "pairs", .kind = LIG_KNOB_WORD, .required = true, AT(type, rope.pairs), .words = pairings},   \
        {.name = "scaling",                                                                                    \
         .kind = LIG_KNOB_PART,                                                                                \
         AT(type, rope.scaling),                                                                               \
         .words = scalings,                                                                                    \
         .parts = list##_scaling},                                                                             \
        END}

ROPE_KNOBS(model_rope, LigSpec, position.rope);
ROPE_KNOBS(block_rope, LigBlockSpec, rope);

static const LigKnob learned[] = {OPTIONAL(INT, "offset", LigSpec, position.offset),
                                  OR_NONE(INT, "from_pad", LigSpec, position.from_pad, "none", LIG_NO_PAD),
                                  END};
static const LigKnob embedding[] = {
    NEEDED(FLAG, "tie", LigSpec, embedding.tie), OR_NONE(REAL, "scale", LigSpec, embedding.scale, "none", 0),
    OPTIONAL(INT, "types", LigSpec, embedding.types), OPTIONAL(FLAG, "norm", LigSpec, embedding.norm), END};
static const LigKnob norm_rms[] = {NEEDED(REAL, "eps", LigSpec, norm.eps),
                                   OPTIONAL(FLAG, "unit_offset", LigSpec, norm.unit_offset),
                                   OPTIONAL(FLAG, "final", LigSpec, norm.final), END};
static const LigKnob norm_layer[] = {NEEDED(REAL, "eps", LigSpec, norm.eps),
                                     NEEDED(FLAG, "bias", LigSpec, norm.bias),
                                     OPTIONAL(FLAG, "final", LigSpec, norm.final), END};
static const LigKnob transform[] = {OPTIONAL(FLAG, "bias", LigSpec, head.transform_bias),
                                    OPTIONAL(FLAG, "norm", LigSpec, head.transform_norm), END};
static const LigKnob *const transforms[] = {NULL, transform, transform, transform, transform, transform};

#define TRANSFORM                                                                                              \
    {.name = "transform",                                                                                      \
     .kind = LIG_KNOB_PART,                                                                                    \
     AT(LigSpec, head.transform),                                                                              \
     .words = activations,                                                                                     \
     .parts = transforms}

static const LigKnob logits[] = {OPTIONAL(FLAG, "bias", LigSpec, head.bias),
                                 OR_NONE(REAL, "softcap", LigSpec, head.softcap, "none", 0), TRANSFORM, END};
static const LigKnob classify[] = {NEEDED(INT, "labels", LigSpec, head.labels),
                                   OPTIONAL(FLAG, "bias", LigSpec, head.bias), TRANSFORM, END};

static const LigKnob attention[] = {
    NEEDED(INT, "heads", LigBlockSpec, attention.heads),
    NEEDED(INT, "kv_heads", LigBlockSpec, attention.kv_heads),
    NEEDED(INT, "head", LigBlockSpec, attention.head),
    {.name = "bias", .kind = LIG_KNOB_SET, AT(LigBlockSpec, attention.bias_q), .words = projections},
    WORD("qk_norm", LigBlockSpec, attention.qk_norm, qk_norms),
    OR_NONE(INT, "window", LigBlockSpec, attention.window, "none", 0),
    OR_NONE(REAL, "scale", LigBlockSpec, attention.scale, "1/sqrt", 0),
    OR_NONE(REAL, "softcap", LigBlockSpec, attention.softcap, "none", 0),
    END};
static const LigKnob mlp[] = {
    {.name = "act", .kind = LIG_KNOB_WORD, .required = true, AT(LigBlockSpec, mlp.act), .words = activations},
    NEEDED(INT, "width", LigBlockSpec, mlp.width),
    OPTIONAL(FLAG, "bias", LigBlockSpec, mlp.bias),
    END};

static const LigKnob *const embedding_parts[] = {embedding};
static const LigKnob *const position_parts[] = {NULL, learned, model_rope};
static const LigKnob *const block_rope_parts[] = {NULL, block_rope};
static const LigKnob *const norm_parts[] = {norm_rms, norm_layer};
static const LigKnob *const head_parts[] = {NULL, logits, classify};
static const LigKnob *const attention_parts[] = {attention};
static const LigKnob *const mlp_parts[] = {mlp, mlp};

#define PART(name_, type, field, words_, parts_)                                                               \
    {.name = (name_),                                                                                          \
     .kind = LIG_KNOB_PART,                                                                                    \
     .required = true,                                                                                         \
     AT(type, field),                                                                                          \
     .words = (words_),                                                                                        \
     .parts = (parts_)}

const LigKnob lig_spec_knobs[] = {
    {.name = "family", .kind = LIG_KNOB_WORD, .required = true, AT(LigSpec, family), .words = families},
    NEEDED(INT, "vocab", LigSpec, vocab),
    NEEDED(INT, "width", LigSpec, width),
    NEEDED(INT, "context", LigSpec, context),
    PART("embedding", LigSpec, embedding, NULL, embedding_parts),
    PART("position", LigSpec, position.kind, positions, position_parts),
    PART("norm", LigSpec, norm.kind, norm_kinds, norm_parts),
    PART("head", LigSpec, head.kind, heads, head_parts),
    {.name = "names", .kind = LIG_KNOB_WORD, .required = true, AT(LigSpec, names), .words = namings},
    OPTIONAL(TEXT, "weights", LigSpec, weights),
    END};

const LigKnob lig_block_knobs[] = {
    {.name = "place", .kind = LIG_KNOB_WORD, .required = true, AT(LigBlockSpec, place), .words = places},
    {.name = "normed", .kind = LIG_KNOB_SET, AT(LigBlockSpec, norm_attention), .words = branches},
    WORD("parallel", LigBlockSpec, branching, branchings),
    {.name = "position",
     .kind = LIG_KNOB_PART,
     AT(LigBlockSpec, position),
     .words = block_positions,
     .parts = block_rope_parts},
    PART("attention", LigBlockSpec, attention, NULL, attention_parts),
    PART("mlp", LigBlockSpec, mlp.form, mlp_forms, mlp_parts),
    END};

#include "frontend/gguf_architectures.h"

#include <stddef.h>

#define KEY(key_, use_, field)                                                                                 \
    {.key = (key_), .use = LIG_GGUF_USE_##use_, .offset = offsetof(LigGgufConfig, field)}
#define ONLY(key_, use_) {.key = (key_), .use = LIG_GGUF_USE_##use_}
#define END {.key = NULL}

static const LigGgufKey any_model[] = {
    KEY("attention.head_count", SIZE, spec.blocks[0].attention.heads),
    KEY("block_count", SIZE, layers),
    KEY("context_length", SIZE, spec.context),
    KEY("embedding_length", SIZE, spec.width),
    ONLY("expert_count", ZERO),
    ONLY("expert_used_count", ZERO),
    KEY("feed_forward_length", SIZE, spec.blocks[0].mlp.width),
    ONLY("tensor_data_layout", IGNORED), // the order of rows that the architecture has anyway
    ONLY("vocab_size", IGNORED),         // the token embedding tells
    END,
};

static const LigGgufKey grouped[] = {
    KEY("attention.head_count_kv", INT, spec.blocks[0].attention.kv_heads),
    KEY("attention.key_length", INT, spec.blocks[0].attention.head),
    KEY("attention.sliding_window", INT, spec.blocks[0].attention.window),
    KEY("attention.value_length", INT, value_length),
    END,
};

static const LigGgufKey rms_rope[] = {
    KEY("attention.layer_norm_rms_epsilon", REAL, spec.norm.eps),
    KEY("rope.dimension_count", INT, rotated),
    KEY("rope.freq_base", REAL, spec.position.rope.theta),
    KEY("rope.scale_linear", OLD_REAL, scale_linear),
    ONLY("rope.scaling.attn_factor", ONE),
    KEY("rope.scaling.factor", REAL, spec.position.rope.factor),
    ONLY("rope.scaling.finetuned", IGNORED),
    ONLY("rope.scaling.original_context_length", IGNORED), // the plain and linear scalings take no notice
    ONLY("rope.scaling.type", ELSEWHERE),
    END,
};

static const LigGgufKey layer_norm[] = {KEY("attention.layer_norm_epsilon", REAL, spec.norm.eps), END};

static const LigGgufKey layer_norm_rope[] = {
    KEY("attention.layer_norm_epsilon", REAL, spec.norm.eps),
    KEY("rope.dimension_count", INT, rotated),
    KEY("rope.freq_base", REAL, spec.position.rope.theta),
    KEY("rope.scale_linear", OLD_REAL, scale_linear),
    ONLY("rope.scaling.attn_factor", ONE),
    KEY("rope.scaling.factor", REAL, spec.position.rope.factor),
    ONLY("rope.scaling.finetuned", IGNORED),
    ONLY("rope.scaling.original_context_length", IGNORED),
    ONLY("rope.scaling.type", ELSEWHERE),
    END,
};

static const LigGgufKey encoder[] = {
    ONLY("attention.causal", FALSE),
    ONLY("classifier.output_labels", IGNORED),
    ONLY("pooling_type", IGNORED), // what `embed` makes of hidden states
    END,
};

// ---- presets ----

#define ROPE_POSITION(pairs_)                                                                                  \
    {                                                                                                          \
        .kind = LIG_POSITION_ROPE, .from_pad = LIG_NO_PAD, .rope = {                                           \
            .theta = 10000,                                                                                    \
            .fraction = 1,                                                                                     \
            .pairs = (pairs_)                                                                                  \
        }                                                                                                      \
    }
#define LEARNED {.kind = LIG_POSITION_LEARNED, .from_pad = LIG_NO_PAD, .rope = {.fraction = 1}}
#define RMS {.kind = LIG_NORM_RMS, .eps = 1e-5, .final = true}
#define LAYER_NORM(final_) {.kind = LIG_NORM_LAYER, .eps = 1e-5, .bias = true, .final = (final_)}
#define BLOCK .norm_attention = true, .norm_mlp = true, .rope = {.fraction = 1}
#define SILU_GATED {.form = LIG_MLP_GATED, .act = LIG_ACT_SILU}
#define LOGITS {.kind = LIG_HEAD_LOGITS}

static const LigGgufArchitecture architectures[] = {
    {.name = "llama",
     .keys = {any_model, grouped, rms_rope},
     .hf_names = LIG_NAMING_LLAMA,
     .preset = {.names = LIG_NAMING_GGUF,
                .position = ROPE_POSITION(LIG_PAIRS_ADJACENT),
                .norm = RMS,
                .head = LOGITS,
                .blocks = {{BLOCK, .mlp = SILU_GATED}}}},
    {.name = "gpt2",
     .keys = {any_model, layer_norm},
     .hf_names = LIG_NAMING_GPT2,
     .preset = {.names = LIG_NAMING_GGUF,
                .position = LEARNED,
                .norm = LAYER_NORM(true),
                .head = LOGITS,
                .blocks = {{BLOCK, .mlp = {.act = LIG_ACT_GELU_TANH}}}}},
    {.name = "qwen2",
     .keys = {any_model, grouped, rms_rope},
     .hf_names = LIG_NAMING_LLAMA,
     .qkv_biases = true,
     .preset = {.names = LIG_NAMING_GGUF,
                .position = ROPE_POSITION(LIG_PAIRS_HALF),
                .norm = RMS,
                .head = LOGITS,
                .blocks = {{BLOCK, .mlp = SILU_GATED}}}},
    {.name = "qwen3",
     .keys = {any_model, grouped, rms_rope},
     .hf_names = LIG_NAMING_LLAMA,
     .preset = {.names = LIG_NAMING_GGUF,
                .position = ROPE_POSITION(LIG_PAIRS_HALF),
                .norm = RMS,
                .head = LOGITS,
                .blocks = {{BLOCK, .attention = {.qk_norm = LIG_QK_NORM_HEAD}, .mlp = SILU_GATED}}}},
    {.name = "gemma",
     .keys = {any_model, grouped, rms_rope},
     .hf_names = LIG_NAMING_LLAMA,
     .scaled_by_width = true,
     .preset = {.names = LIG_NAMING_GGUF,
                .position = ROPE_POSITION(LIG_PAIRS_HALF),
                .norm = RMS,
                .head = LOGITS,
                .blocks = {{BLOCK, .mlp = {.form = LIG_MLP_GATED, .act = LIG_ACT_GELU_TANH}}}}},
    {.name = "phi2",
     .keys = {any_model, grouped, layer_norm_rope},
     .hf_names = LIG_NAMING_PHI,
     .preset = {.names = LIG_NAMING_GGUF,
                .position = ROPE_POSITION(LIG_PAIRS_HALF),
                .norm = LAYER_NORM(true),
                .head = LOGITS,
                .blocks = {{BLOCK, .branching = LIG_BRANCH_ONE_NORM, .mlp = {.act = LIG_ACT_GELU_TANH}}}}},
    {.name = "bert",
     .keys = {any_model, layer_norm, encoder},
     .hf_names = LIG_NAMING_BERT,
     .preset = {.family = LIG_FAMILY_ENCODER,
                .names = LIG_NAMING_GGUF_BERT,
                .position = LEARNED,
                .embedding = {.norm = true, .tie = true},
                .norm = LAYER_NORM(false),
                .blocks = {{BLOCK, .place = LIG_NORM_POST, .mlp = {.act = LIG_ACT_GELU_ERF}}}}},
};

enum { ARCHITECTURES = sizeof architectures / sizeof *architectures };

const LigGgufArchitecture *lig_gguf_architecture(size_t index)
{
    return index < ARCHITECTURES ? &architectures[index] : NULL;
}

const LigGgufArchitecture *lig_gguf_architecture_find(LigStr name)
{
    for (size_t i = 0; i < ARCHITECTURES; i++) {
        if (lig_str_is(name, architectures[i].name)) return &architectures[i];
    }
    return NULL;
}

void lig_gguf_architectures_list(LigText *text)
{
    for (size_t i = 0; i < ARCHITECTURES; i++)
        lig_text_printf(text, "%s%s", i ? ", " : "", architectures[i].name);
}

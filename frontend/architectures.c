#include "frontend/architectures.h"

#include <stddef.h>

#define KEY(key_, use_, field) {.key = (key_), .use = LIG_CONFIG_##use_, .offset = offsetof(LigHfConfig, field)}
#define ONLY(key_, use_) {.key = (key_), .use = LIG_CONFIG_##use_}
#define END {.key = NULL}

static const LigConfigKey any_model[] = {
    ONLY("_name_or_path", IGNORED),
    ONLY("architectures", ELSEWHERE),
    ONLY("attention_dropout", IGNORED),
    ONLY("attention_probs_dropout_prob", IGNORED),
    ONLY("attn_pdrop", IGNORED),
    ONLY("bos_token_id", IGNORED),
    ONLY("classifier_dropout", IGNORED),
    ONLY("dropout", IGNORED),
    ONLY("dtype", IGNORED),
    ONLY("embd_pdrop", IGNORED),
    ONLY("embedding_dropout", IGNORED),
    ONLY("eos_token_id", IGNORED),
    ONLY("finetuning_task", IGNORED),
    ONLY("gradient_checkpointing", IGNORED),
    ONLY("hidden_dropout", IGNORED),
    ONLY("hidden_dropout_prob", IGNORED),
    ONLY("id2label", ELSEWHERE),
    ONLY("initializer_range", IGNORED),
    ONLY("label2id", IGNORED),
    ONLY("mlp_dropout", IGNORED),
    ONLY("model_type", ELSEWHERE),
    ONLY("num_labels", ELSEWHERE),
    ONLY("pad_token_id", IGNORED),
    ONLY("problem_type", IGNORED),
    ONLY("resid_pdrop", IGNORED),
    ONLY("task_specific_params", IGNORED),
    ONLY("torch_dtype", IGNORED),
    ONLY("transformers_version", IGNORED),
    ONLY("use_cache", IGNORED),
    KEY("tie_word_embeddings", FLAG, spec.embedding.tie),
    KEY("vocab_size", SIZE, spec.vocab),
    END,
};

// The usual names of sizes.
static const LigConfigKey usual_sizes[] = {
    KEY("hidden_size", SIZE, spec.width),
    KEY("intermediate_size", SIZE, spec.blocks[0].mlp.width),
    KEY("max_position_embeddings", INT, spec.context),
    KEY("num_attention_heads", SIZE, spec.blocks[0].attention.heads),
    KEY("num_hidden_layers", SIZE, layers),
    END,
};

// What llama and its descendants share.
static const LigConfigKey llama_like[] = {
    KEY("attention_bias", FLAG, attention_bias),
    KEY("head_dim", INT_OR_NONE, spec.blocks[0].attention.head),
    ONLY("layer_types", ELSEWHERE),
    KEY("num_key_value_heads", INT_OR_NONE, spec.blocks[0].attention.kv_heads),
    ONLY("pretraining_tp", IGNORED),
    KEY("rms_norm_eps", REAL, spec.norm.eps),
    ONLY("rope_parameters", ELSEWHERE),
    ONLY("rope_scaling", ELSEWHERE),
    KEY("rope_theta", REAL, spec.position.rope.theta),
    END,
};

static const LigConfigKey llama[] = {
    KEY("hidden_act", ACT, spec.blocks[0].mlp.act),
    ONLY("is_llama_config", IGNORED),
    KEY("mlp_bias", FLAG, spec.blocks[0].mlp.bias),
    ONLY("rope_interleaved", FALSE),
    END,
};

static const LigConfigKey mistral[] = {
    KEY("hidden_act", ACT, spec.blocks[0].mlp.act),
    KEY("sliding_window", INT_OR_NONE, window),
    END,
};

static const LigConfigKey qwen[] = {
    KEY("hidden_act", ACT, spec.blocks[0].mlp.act),
    KEY("max_window_layers", COUNT, first_windowed),
    KEY("sliding_window", INT_OR_NONE, window),
    KEY("use_sliding_window", FLAG, use_window),
    END,
};

// Transformers takes hidden_activation, and its default for files that only have the older hidden_act.
static const LigConfigKey gemma[] = {
    ONLY("hidden_act", IGNORED),
    KEY("hidden_activation", ACT, spec.blocks[0].mlp.act),
    ONLY("use_bidirectional_attention", FALSE),
    END,
};

static const LigConfigKey gpt2[] = {
    KEY("activation_function", ACT, spec.blocks[0].mlp.act),
    ONLY("add_cross_attention", FALSE),
    KEY("layer_norm_epsilon", REAL, spec.norm.eps),
    ONLY("n_ctx", IGNORED),
    KEY("n_embd", SIZE, spec.width),
    KEY("n_head", SIZE, spec.blocks[0].attention.heads),
    KEY("n_inner", INT_OR_NONE, spec.blocks[0].mlp.width),
    KEY("n_layer", SIZE, layers),
    KEY("n_positions", INT, spec.context),
    ONLY("reorder_and_upcast_attn", IGNORED),
    ONLY("scale_attn_by_inverse_layer_idx", FALSE),
    ONLY("scale_attn_weights", TRUE),
    ONLY("summary_activation", IGNORED),
    ONLY("summary_first_dropout", IGNORED),
    ONLY("summary_proj_to_labels", IGNORED),
    ONLY("summary_type", IGNORED),
    ONLY("summary_use_proj", IGNORED),
    END,
};

static const LigConfigKey gpt_neox[] = {
    KEY("attention_bias", FLAG, attention_bias),
    KEY("hidden_act", ACT, spec.blocks[0].mlp.act),
    ONLY("is_decoder", IGNORED),
    KEY("layer_norm_eps", REAL, spec.norm.eps),
    KEY("partial_rotary_factor", FRACTION, spec.position.rope.fraction),
    ONLY("rope_parameters", ELSEWHERE),
    ONLY("rope_scaling", ELSEWHERE),
    KEY("rope_theta", REAL, spec.position.rope.theta),
    KEY("rotary_emb_base", REAL, spec.position.rope.theta),
    KEY("rotary_pct", FRACTION, spec.position.rope.fraction),
    KEY("use_parallel_residual", FLAG, parallel),
    END,
};

static const LigConfigKey phi[] = {
    KEY("hidden_act", ACT, spec.blocks[0].mlp.act),
    KEY("layer_norm_eps", REAL, spec.norm.eps),
    KEY("num_key_value_heads", INT_OR_NONE, spec.blocks[0].attention.kv_heads),
    KEY("partial_rotary_factor", FRACTION, spec.position.rope.fraction),
    KEY("qk_layernorm", FLAG, qk_norm),
    ONLY("rope_parameters", ELSEWHERE),
    ONLY("rope_scaling", ELSEWHERE),
    KEY("rope_theta", REAL, spec.position.rope.theta),
    END,
};

static const LigConfigKey bert_like[] = {
    ONLY("add_cross_attention", FALSE),
    KEY("hidden_act", ACT, spec.blocks[0].mlp.act),
    ONLY("is_decoder", FALSE),
    KEY("layer_norm_eps", REAL, spec.norm.eps),
    {.key = "position_embedding_type", .use = LIG_CONFIG_WORD, .word = "absolute"},
    KEY("type_vocab_size", INT, spec.embedding.types),
    END,
};

static const LigConfigKey bert[] = {
    KEY("hidden_act", ACT, logits.transform),
    ONLY("pooler_fc_size", IGNORED),
    ONLY("pooler_num_attention_heads", IGNORED),
    ONLY("pooler_num_fc_layers", IGNORED),
    ONLY("pooler_size_per_head", IGNORED),
    ONLY("pooler_type", IGNORED),
    END,
};

static const LigConfigKey roberta[] = {KEY("pad_token_id", COUNT, pad), END};

static const LigConfigKey distilbert[] = {
    KEY("activation", ACT, spec.blocks[0].mlp.act),
    KEY("activation", ACT, logits.transform),
    KEY("dim", SIZE, spec.width),
    KEY("hidden_dim", SIZE, spec.blocks[0].mlp.width),
    KEY("max_position_embeddings", INT, spec.context),
    KEY("n_heads", SIZE, spec.blocks[0].attention.heads),
    KEY("n_layers", SIZE, layers),
    ONLY("qa_dropout", IGNORED),
    ONLY("seq_classif_dropout", IGNORED),
    ONLY("sinusoidal_pos_embds", IGNORED), // says how the stored table was made
    ONLY("tie_weights_", IGNORED),
    END,
};

static const LigConfigKey modernbert[] = {
    KEY("attention_bias", FLAG, attention_bias),
    KEY("classifier_activation", ACT, logits.transform),
    KEY("classifier_activation", ACT, classify.transform),
    KEY("classifier_bias", FLAG, logits.transform_bias),
    KEY("classifier_bias", FLAG, classify.transform_bias),
    {.key = "classifier_pooling", .use = LIG_CONFIG_ELSEWHERE},
    ONLY("cls_token_id", IGNORED),
    KEY("decoder_bias", FLAG, logits.bias),
    ONLY("deterministic_flash_attn", IGNORED),
    KEY("global_attn_every_n_layers", INT, global_every),
    KEY("global_rope_theta", REAL, spec.position.rope.theta),
    KEY("hidden_activation", ACT, spec.blocks[0].mlp.act),
    ONLY("initializer_cutoff_factor", IGNORED),
    ONLY("layer_types", ELSEWHERE),
    KEY("local_attention", INT, window),
    KEY("local_rope_theta", REAL, local_rope.theta),
    KEY("mlp_bias", FLAG, spec.blocks[0].mlp.bias),
    KEY("norm_bias", FLAG, spec.norm.bias),
    KEY("norm_eps", REAL, spec.norm.eps),
    ONLY("position_embedding_type", IGNORED),
    ONLY("reference_compile", IGNORED),
    ONLY("repad_logits_with_grad", IGNORED),
    ONLY("rope_parameters", ELSEWHERE),
    ONLY("sep_token_id", IGNORED),
    ONLY("sparse_pred_ignore_index", IGNORED),
    ONLY("sparse_prediction", IGNORED), // which logits training looks at
    END,
};

// ---- presets ----

#define ROPE(theta_, fraction_) {.theta = (theta_), .fraction = (fraction_), .pairs = LIG_PAIRS_HALF}
#define ROPE_POSITION(theta_, fraction_)                                                                       \
    {.kind = LIG_POSITION_ROPE, .from_pad = LIG_NO_PAD, .rope = ROPE(theta_, fraction_)}
#define RMS(eps_) {.kind = LIG_NORM_RMS, .eps = (eps_), .final = true}
#define LAYER_NORM(eps_) {.kind = LIG_NORM_LAYER, .eps = (eps_), .bias = true, .final = true}
#define BOTH_NORMED .norm_attention = true, .norm_mlp = true
#define ALL_BIASES .bias_q = true, .bias_k = true, .bias_v = true, .bias_o = true

static const LigArchitecture architectures[] = {
    {.model_type = "llama",
     .keys = {any_model, usual_sizes, llama_like, llama},
     .preset = {.spec = {.names = LIG_NAMING_LLAMA,
                         .context = 2048,
                         .position = ROPE_POSITION(10000, 1),
                         .norm = RMS(1e-6),
                         .blocks = {{BOTH_NORMED, .mlp = {.form = LIG_MLP_GATED, .act = LIG_ACT_SILU}}}}}},
    {.model_type = "mistral",
     .keys = {any_model, usual_sizes, llama_like, mistral},
     .preset = {.use_window = true,
                .window = 4096,
                .spec = {.names = LIG_NAMING_LLAMA,
                         .context = 131072,
                         .position = ROPE_POSITION(10000, 1),
                         .norm = RMS(1e-6),
                         .blocks = {{BOTH_NORMED, .attention = {.kv_heads = 8},
                                     .mlp = {.form = LIG_MLP_GATED, .act = LIG_ACT_SILU}}}}}},
    {.model_type = "qwen2",
     .keys = {any_model, usual_sizes, llama_like, qwen},
     .preset = {.windowed = LIG_WINDOWED_FROM,
                .window = 4096,
                .first_windowed = 28,
                .spec = {.names = LIG_NAMING_LLAMA,
                         .context = 32768,
                         .position = ROPE_POSITION(10000, 1),
                         .norm = RMS(1e-6),
                         .blocks = {{BOTH_NORMED, .attention = {.bias_q = true, .bias_k = true, .bias_v = true},
                                     .mlp = {.form = LIG_MLP_GATED, .act = LIG_ACT_SILU}}}}}},
    {.model_type = "qwen3",
     .keys = {any_model, usual_sizes, llama_like, qwen},
     .preset = {.windowed = LIG_WINDOWED_FROM,
                .window = 4096,
                .first_windowed = 28,
                .qk_norm = true,
                .spec = {.names = LIG_NAMING_LLAMA,
                         .context = 32768,
                         .position = ROPE_POSITION(10000, 1),
                         .norm = RMS(1e-6),
                         .blocks = {{BOTH_NORMED, .attention = {.head = 128},
                                     .mlp = {.form = LIG_MLP_GATED, .act = LIG_ACT_SILU}}}}}},
    {.model_type = "gemma",
     .keys = {any_model, usual_sizes, llama_like, gemma},
     .preset = {.scaled_by_width = true,
                .spec = {.names = LIG_NAMING_LLAMA,
                         .context = 8192,
                         .embedding = {.tie = true},
                         .position = ROPE_POSITION(10000, 1),
                         .norm = {.kind = LIG_NORM_RMS, .eps = 1e-6, .unit_offset = true, .final = true},
                         .blocks = {{BOTH_NORMED, .attention = {.head = 256},
                                     .mlp = {.form = LIG_MLP_GATED, .act = LIG_ACT_GELU_TANH}}}}}},
    {.model_type = "gpt2",
     .keys = {any_model, gpt2},
     .preset = {.spec = {.names = LIG_NAMING_GPT2,
                         .context = 1024,
                         .embedding = {.tie = true},
                         .position = {.kind = LIG_POSITION_LEARNED, .from_pad = LIG_NO_PAD},
                         .norm = LAYER_NORM(1e-5),
                         .blocks = {{BOTH_NORMED, .attention = {ALL_BIASES},
                                     .mlp = {.act = LIG_ACT_GELU_TANH, .bias = true}}}}}},
    {.model_type = "gpt_neox",
     .keys = {any_model, usual_sizes, gpt_neox},
     .preset = {.attention_bias = true,
                .parallel = true,
                .spec = {.names = LIG_NAMING_GPT_NEOX,
                         .context = 2048,
                         .position = ROPE_POSITION(10000, 0.25),
                         .norm = LAYER_NORM(1e-5),
                         .blocks = {{BOTH_NORMED, .mlp = {.act = LIG_ACT_GELU_ERF, .bias = true}}}}}},
    {.model_type = "phi",
     .keys = {any_model, usual_sizes, phi},
     .preset = {.logits = {.bias = true},
                .spec = {.names = LIG_NAMING_PHI,
                         .context = 2048,
                         .position = ROPE_POSITION(10000, 0.5),
                         .norm = LAYER_NORM(1e-5),
                         .blocks = {{BOTH_NORMED, .branching = LIG_BRANCH_ONE_NORM, .attention = {ALL_BIASES},
                                     .mlp = {.act = LIG_ACT_GELU_TANH, .bias = true}}}}}},
    {.model_type = "bert",
     .keys = {any_model, usual_sizes, bert_like, bert},
     .preset = {.logits = {.bias = true,
                           .transform = LIG_ACT_GELU_ERF,
                           .transform_bias = true,
                           .transform_norm = true},
                .classify = {.bias = true, .transform = LIG_ACT_TANH, .transform_bias = true},
                .spec = {.family = LIG_FAMILY_ENCODER,
                         .names = LIG_NAMING_BERT,
                         .context = 512,
                         .embedding = {.tie = true, .types = 2, .norm = true},
                         .position = {.kind = LIG_POSITION_LEARNED, .from_pad = LIG_NO_PAD},
                         .norm = {.kind = LIG_NORM_LAYER, .eps = 1e-12, .bias = true},
                         .blocks = {{BOTH_NORMED, .place = LIG_NORM_POST, .attention = {ALL_BIASES},
                                     .mlp = {.act = LIG_ACT_GELU_ERF, .bias = true}}}}}},
    {.model_type = "roberta",
     .keys = {any_model, usual_sizes, bert_like, roberta},
     .preset = {.positions_after_pad = true,
                .pad = 1,
                .logits = {.bias = true,
                           .transform = LIG_ACT_GELU_ERF,
                           .transform_bias = true,
                           .transform_norm = true},
                .classify = {.bias = true, .transform = LIG_ACT_TANH, .transform_bias = true},
                .spec = {.family = LIG_FAMILY_ENCODER,
                         .names = LIG_NAMING_ROBERTA,
                         .context = 512,
                         .embedding = {.tie = true, .types = 2, .norm = true},
                         .position = {.kind = LIG_POSITION_LEARNED, .from_pad = LIG_NO_PAD},
                         .norm = {.kind = LIG_NORM_LAYER, .eps = 1e-12, .bias = true},
                         .blocks = {{BOTH_NORMED, .place = LIG_NORM_POST, .attention = {ALL_BIASES},
                                     .mlp = {.act = LIG_ACT_GELU_ERF, .bias = true}}}}}},
    {.model_type = "distilbert",
     .keys = {any_model, distilbert},
     .preset = {.logits = {.bias = true,
                           .transform = LIG_ACT_GELU_ERF,
                           .transform_bias = true,
                           .transform_norm = true},
                .classify = {.bias = true, .transform = LIG_ACT_RELU, .transform_bias = true},
                .spec = {.family = LIG_FAMILY_ENCODER,
                         .names = LIG_NAMING_DISTILBERT,
                         .context = 512,
                         .embedding = {.tie = true, .norm = true},
                         .position = {.kind = LIG_POSITION_LEARNED, .from_pad = LIG_NO_PAD},
                         .norm = {.kind = LIG_NORM_LAYER, .eps = 1e-12, .bias = true},
                         .blocks = {{BOTH_NORMED, .place = LIG_NORM_POST, .attention = {ALL_BIASES},
                                     .mlp = {.act = LIG_ACT_GELU_ERF, .bias = true}}}}}},
    {.model_type = "modernbert",
     .keys = {any_model, usual_sizes, modernbert},
     .preset = {.windowed = LIG_WINDOWED_BUT_EVERY,
                .use_window = true,
                .window = 128,
                .global_every = 3,
                .own_local_rope = true,
                .local_rope = ROPE(10000, 1),
                .first_unnormed = true,
                .logits = {.bias = true, .transform = LIG_ACT_GELU_ERF, .transform_norm = true},
                .classify = {.bias = true, .transform = LIG_ACT_GELU_ERF, .transform_norm = true},
                .spec = {.family = LIG_FAMILY_ENCODER,
                         .names = LIG_NAMING_MODERNBERT,
                         .context = 8192,
                         .embedding = {.tie = true, .norm = true},
                         .position = ROPE_POSITION(160000, 1),
                         .norm = {.kind = LIG_NORM_LAYER, .eps = 1e-5, .final = true},
                         .blocks = {{BOTH_NORMED, .mlp = {.form = LIG_MLP_GATED, .act = LIG_ACT_GELU_ERF}}}}}},
};

#define ARCHITECTURES (sizeof architectures / sizeof *architectures)

const LigArchitecture *lig_architecture_find(LigStr model_type)
{
    for (size_t i = 0; i < ARCHITECTURES; i++) {
        if (lig_str_is(model_type, architectures[i].model_type)) return &architectures[i];
    }
    return NULL;
}

void lig_architectures_list(LigText *text)
{
    for (size_t i = 0; i < ARCHITECTURES; i++)
        lig_text_printf(text, "%s%s", i ? ", " : "", architectures[i].model_type);
}

static const struct {
    const char *name;
    LigActivation act;
} activations[] = {
    {"gelu", LIG_ACT_GELU_ERF},       {"gelu_new", LIG_ACT_GELU_TANH}, {"gelu_pytorch_tanh", LIG_ACT_GELU_TANH},
    {"gelu_fast", LIG_ACT_GELU_TANH}, {"silu", LIG_ACT_SILU},          {"swish", LIG_ACT_SILU},
    {"relu", LIG_ACT_RELU},           {"tanh", LIG_ACT_TANH},
};

#define ACTIVATIONS (sizeof activations / sizeof *activations)

bool lig_hf_activation(LigStr name, LigActivation *out)
{
    for (size_t i = 0; i < ACTIVATIONS; i++) {
        if (!lig_str_is(name, activations[i].name)) continue;
        *out = activations[i].act;
        return true;
    }
    return false;
}

const char *lig_hf_activation_name(LigActivation act)
{
    for (size_t i = 0; i < ACTIVATIONS; i++) {
        if (activations[i].act == act) return activations[i].name;
    }
    return "";
}

void lig_hf_activations_list(LigText *text)
{
    for (size_t i = 0; i < ACTIVATIONS; i++) lig_text_printf(text, "%s%s", i ? ", " : "", activations[i].name);
}

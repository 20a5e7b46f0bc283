#include "models/names.h"

#include <string.h>

const LigNames lig_names_param = {.pattern = {
#define LIG_ROLE(ID, param) [LIG_ROLE_##ID] = (param),
#include "models/roles.def"
#undef LIG_ROLE
                                  }};

// Weight and bias of one linear layer or norm.
#define PAIR(weight, bias, stem) [LIG_ROLE_##weight] = (stem ".weight"), [LIG_ROLE_##bias] = (stem ".bias")

static const LigNames llama = {
    .pattern = {
        [LIG_ROLE_TOKENS] = "model.|embed_tokens.weight",
        PAIR(ATTENTION_NORM, ATTENTION_NORM_BIAS, "model.|layers.%d.input_layernorm"),
        PAIR(WQ, BQ, "model.|layers.%d.self_attn.q_proj"),
        PAIR(WK, BK, "model.|layers.%d.self_attn.k_proj"),
        PAIR(WV, BV, "model.|layers.%d.self_attn.v_proj"),
        PAIR(WO, BO, "model.|layers.%d.self_attn.o_proj"),
        PAIR(Q_NORM, Q_NORM_BIAS, "model.|layers.%d.self_attn.q_norm"),
        PAIR(K_NORM, K_NORM_BIAS, "model.|layers.%d.self_attn.k_norm"),
        PAIR(MLP_NORM, MLP_NORM_BIAS, "model.|layers.%d.post_attention_layernorm"),
        PAIR(GATE, GATE_BIAS, "model.|layers.%d.mlp.gate_proj"),
        PAIR(UP, UP_BIAS, "model.|layers.%d.mlp.up_proj"),
        PAIR(DOWN, DOWN_BIAS, "model.|layers.%d.mlp.down_proj"),
        PAIR(FINAL_NORM, FINAL_NORM_BIAS, "model.|norm"),
        PAIR(HEAD, HEAD_BIAS, "lm_head"),
    }};

static const LigNames gpt2 = {.transposed = true,
                              .pattern = {
                                  [LIG_ROLE_TOKENS] = "transformer.|wte.weight",
                                  [LIG_ROLE_POSITIONS] = "transformer.|wpe.weight",
                                  PAIR(ATTENTION_NORM, ATTENTION_NORM_BIAS, "transformer.|h.%d.ln_1"),
                                  PAIR(WQKV, BQKV, "transformer.|h.%d.attn.c_attn"),
                                  PAIR(WO, BO, "transformer.|h.%d.attn.c_proj"),
                                  PAIR(MLP_NORM, MLP_NORM_BIAS, "transformer.|h.%d.ln_2"),
                                  PAIR(UP, UP_BIAS, "transformer.|h.%d.mlp.c_fc"),
                                  PAIR(DOWN, DOWN_BIAS, "transformer.|h.%d.mlp.c_proj"),
                                  PAIR(FINAL_NORM, FINAL_NORM_BIAS, "transformer.|ln_f"),
                                  PAIR(HEAD, HEAD_BIAS, "lm_head"),
                              }};

static const LigNames gpt_neox = {
    .qkv = LIG_QKV_PER_HEAD,
    .pattern = {
        [LIG_ROLE_TOKENS] = "gpt_neox.|embed_in.weight",
        PAIR(ATTENTION_NORM, ATTENTION_NORM_BIAS, "gpt_neox.|layers.%d.input_layernorm"),
        PAIR(WQKV, BQKV, "gpt_neox.|layers.%d.attention.query_key_value"),
        PAIR(WO, BO, "gpt_neox.|layers.%d.attention.dense"),
        PAIR(MLP_NORM, MLP_NORM_BIAS, "gpt_neox.|layers.%d.post_attention_layernorm"),
        PAIR(UP, UP_BIAS, "gpt_neox.|layers.%d.mlp.dense_h_to_4h"),
        PAIR(DOWN, DOWN_BIAS, "gpt_neox.|layers.%d.mlp.dense_4h_to_h"),
        PAIR(FINAL_NORM, FINAL_NORM_BIAS, "gpt_neox.|final_layer_norm"),
        PAIR(HEAD, HEAD_BIAS, "embed_out"),
    }};

static const LigNames phi = {.pattern = {
                                 [LIG_ROLE_TOKENS] = "model.|embed_tokens.weight",
                                 PAIR(ATTENTION_NORM, ATTENTION_NORM_BIAS, "model.|layers.%d.input_layernorm"),
                                 PAIR(WQ, BQ, "model.|layers.%d.self_attn.q_proj"),
                                 PAIR(WK, BK, "model.|layers.%d.self_attn.k_proj"),
                                 PAIR(WV, BV, "model.|layers.%d.self_attn.v_proj"),
                                 PAIR(WO, BO, "model.|layers.%d.self_attn.dense"),
                                 PAIR(Q_NORM, Q_NORM_BIAS, "model.|layers.%d.self_attn.q_layernorm"),
                                 PAIR(K_NORM, K_NORM_BIAS, "model.|layers.%d.self_attn.k_layernorm"),
                                 PAIR(UP, UP_BIAS, "model.|layers.%d.mlp.fc1"),
                                 PAIR(DOWN, DOWN_BIAS, "model.|layers.%d.mlp.fc2"),
                                 PAIR(FINAL_NORM, FINAL_NORM_BIAS, "model.|final_layernorm"),
                                 PAIR(HEAD, HEAD_BIAS, "lm_head"),
                             }};

// What BERT and RoBERTa share; `p` is the prefix.
#define BERT_BODY(p)                                                                                           \
    [LIG_ROLE_TOKENS] = (p "embeddings.word_embeddings.weight"),                                               \
    [LIG_ROLE_POSITIONS] = (p "embeddings.position_embeddings.weight"),                                        \
    [LIG_ROLE_TYPES] = (p "embeddings.token_type_embeddings.weight"),                                          \
    PAIR(EMBEDDING_NORM, EMBEDDING_NORM_BIAS, p "embeddings.LayerNorm"),                                       \
    PAIR(WQ, BQ, p "encoder.layer.%d.attention.self.query"),                                                   \
    PAIR(WK, BK, p "encoder.layer.%d.attention.self.key"),                                                     \
    PAIR(WV, BV, p "encoder.layer.%d.attention.self.value"),                                                   \
    PAIR(WO, BO, p "encoder.layer.%d.attention.output.dense"),                                                 \
    PAIR(ATTENTION_OUT_NORM, ATTENTION_OUT_NORM_BIAS, p "encoder.layer.%d.attention.output.LayerNorm"),        \
    PAIR(UP, UP_BIAS, p "encoder.layer.%d.intermediate.dense"),                                                \
    PAIR(DOWN, DOWN_BIAS, p "encoder.layer.%d.output.dense"),                                                  \
    PAIR(MLP_OUT_NORM, MLP_OUT_NORM_BIAS, p "encoder.layer.%d.output.LayerNorm")

static const LigNames bert = {.pattern = {
                                  BERT_BODY("bert.|"),
                                  [LIG_ROLE_HEAD] = "cls.predictions.decoder.weight",
                                  [LIG_ROLE_HEAD_BIAS] = "cls.predictions.bias",
                                  PAIR(HEAD_DENSE, HEAD_DENSE_BIAS, "cls.predictions.transform.dense"),
                                  PAIR(HEAD_NORM, HEAD_NORM_BIAS, "cls.predictions.transform.LayerNorm"),
                                  PAIR(LABELS_DENSE, LABELS_DENSE_BIAS, "bert.|pooler.dense"),
                                  PAIR(LABELS, LABELS_BIAS, "classifier"),
                              }};

static const LigNames roberta = {.pattern = {
                                     BERT_BODY("roberta.|"),
                                     [LIG_ROLE_HEAD] = "lm_head.decoder.weight",
                                     [LIG_ROLE_HEAD_BIAS] = "lm_head.bias",
                                     PAIR(HEAD_DENSE, HEAD_DENSE_BIAS, "lm_head.dense"),
                                     PAIR(HEAD_NORM, HEAD_NORM_BIAS, "lm_head.layer_norm"),
                                     PAIR(LABELS_DENSE, LABELS_DENSE_BIAS, "classifier.dense"),
                                     PAIR(LABELS, LABELS_BIAS, "classifier.out_proj"),
                                 }};

static const LigNames distilbert = {
    .pattern = {
        [LIG_ROLE_TOKENS] = "distilbert.|embeddings.word_embeddings.weight",
        [LIG_ROLE_POSITIONS] = "distilbert.|embeddings.position_embeddings.weight",
        PAIR(EMBEDDING_NORM, EMBEDDING_NORM_BIAS, "distilbert.|embeddings.LayerNorm"),
        PAIR(WQ, BQ, "distilbert.|transformer.layer.%d.attention.q_lin"),
        PAIR(WK, BK, "distilbert.|transformer.layer.%d.attention.k_lin"),
        PAIR(WV, BV, "distilbert.|transformer.layer.%d.attention.v_lin"),
        PAIR(WO, BO, "distilbert.|transformer.layer.%d.attention.out_lin"),
        PAIR(ATTENTION_OUT_NORM, ATTENTION_OUT_NORM_BIAS, "distilbert.|transformer.layer.%d.sa_layer_norm"),
        PAIR(UP, UP_BIAS, "distilbert.|transformer.layer.%d.ffn.lin1"),
        PAIR(DOWN, DOWN_BIAS, "distilbert.|transformer.layer.%d.ffn.lin2"),
        PAIR(MLP_OUT_NORM, MLP_OUT_NORM_BIAS, "distilbert.|transformer.layer.%d.output_layer_norm"),
        PAIR(HEAD, HEAD_BIAS, "vocab_projector"),
        PAIR(HEAD_DENSE, HEAD_DENSE_BIAS, "vocab_transform"),
        PAIR(HEAD_NORM, HEAD_NORM_BIAS, "vocab_layer_norm"),
        PAIR(LABELS_DENSE, LABELS_DENSE_BIAS, "pre_classifier"),
        PAIR(LABELS, LABELS_BIAS, "classifier"),
    }};

static const LigNames modernbert = {.pattern = {
                                        [LIG_ROLE_TOKENS] = "model.|embeddings.tok_embeddings.weight",
                                        PAIR(EMBEDDING_NORM, EMBEDDING_NORM_BIAS, "model.|embeddings.norm"),
                                        PAIR(ATTENTION_NORM, ATTENTION_NORM_BIAS, "model.|layers.%d.attn_norm"),
                                        PAIR(WQKV, BQKV, "model.|layers.%d.attn.Wqkv"),
                                        PAIR(WO, BO, "model.|layers.%d.attn.Wo"),
                                        PAIR(MLP_NORM, MLP_NORM_BIAS, "model.|layers.%d.mlp_norm"),
                                        PAIR(GATE_UP, GATE_UP_BIAS, "model.|layers.%d.mlp.Wi"),
                                        PAIR(DOWN, DOWN_BIAS, "model.|layers.%d.mlp.Wo"),
                                        PAIR(FINAL_NORM, FINAL_NORM_BIAS, "model.|final_norm"),
                                        PAIR(HEAD, HEAD_BIAS, "decoder"),
                                        PAIR(HEAD_DENSE, HEAD_DENSE_BIAS, "head.dense"),
                                        PAIR(HEAD_NORM, HEAD_NORM_BIAS, "head.norm"),
                                        PAIR(LABELS_DENSE, LABELS_DENSE_BIAS, "head.dense"),
                                        PAIR(LABELS_NORM, LABELS_NORM_BIAS, "head.norm"),
                                        PAIR(LABELS, LABELS_BIAS, "classifier"),
                                    }};

// What all GGUFs share. Queries, keys and values may be one tensor or three: the file decides.
#define GGUF_BODY                                                                                              \
    [LIG_ROLE_TOKENS] = "token_embd.weight", [LIG_ROLE_POSITIONS] = "position_embd.weight",                    \
    [LIG_ROLE_TYPES] = "token_types.weight", PAIR(EMBEDDING_NORM, EMBEDDING_NORM_BIAS, "token_embd_norm"),     \
    PAIR(WQKV, BQKV, "blk.%d.attn_qkv"), PAIR(WQ, BQ, "blk.%d.attn_q"), PAIR(WK, BK, "blk.%d.attn_k"),         \
    PAIR(WV, BV, "blk.%d.attn_v"), PAIR(WO, BO, "blk.%d.attn_output"), PAIR(UP, UP_BIAS, "blk.%d.ffn_up"),     \
    PAIR(DOWN, DOWN_BIAS, "blk.%d.ffn_down")

static const LigNames gguf = {
    .pattern = {
        GGUF_BODY,
        [LIG_ROLE_ROPE_FACTORS] = "rope_freqs.weight",
        PAIR(ATTENTION_NORM, ATTENTION_NORM_BIAS, "blk.%d.attn_norm"),
        PAIR(Q_NORM, Q_NORM_BIAS, "blk.%d.attn_q_norm"),
        PAIR(K_NORM, K_NORM_BIAS, "blk.%d.attn_k_norm"),
        PAIR(ATTENTION_OUT_NORM, ATTENTION_OUT_NORM_BIAS, "blk.%d.post_attention_norm"),
        PAIR(MLP_NORM, MLP_NORM_BIAS, "blk.%d.ffn_norm"),
        PAIR(GATE, GATE_BIAS, "blk.%d.ffn_gate"),
        PAIR(MLP_OUT_NORM, MLP_OUT_NORM_BIAS, "blk.%d.post_ffw_norm"),
        PAIR(FINAL_NORM, FINAL_NORM_BIAS, "output_norm"),
        PAIR(HEAD, HEAD_BIAS, "output"),
    }};

static const LigNames gguf_bert = {
    .pattern = {
        GGUF_BODY,
        PAIR(ATTENTION_OUT_NORM, ATTENTION_OUT_NORM_BIAS, "blk.%d.attn_output_norm"),
        PAIR(MLP_OUT_NORM, MLP_OUT_NORM_BIAS, "blk.%d.layer_output_norm"),
        PAIR(LABELS_DENSE, LABELS_DENSE_BIAS, "cls"),
        PAIR(LABELS, LABELS_BIAS, "cls.output"),
    }};

static const LigNames *const schemes[LIG_NAMING_COUNT] = {
#define LIG_NAMING(ID, name) [LIG_NAMING_##ID] = &(name),
#include "models/namings.def"
#undef LIG_NAMING
};

static const char *const scheme_names[LIG_NAMING_COUNT] = {
#define LIG_NAMING(ID, name) [LIG_NAMING_##ID] = #name,
#include "models/namings.def"
#undef LIG_NAMING
};

const LigNames *lig_names(LigNaming naming) { return schemes[naming]; }
const char *lig_naming_name(LigNaming naming) { return scheme_names[naming]; }

// Layer norms of old checkpoints, which Transformers renames as it loads them.
static const char *old_ending(const char *pattern)
{
    LigStr name = lig_str(pattern);
    if (lig_str_ends_with(name, LIG_STR("LayerNorm.weight"))) return "gamma";
    return lig_str_ends_with(name, LIG_STR("LayerNorm.bias")) ? "beta" : NULL;
}

LigStr lig_weight_name(LigArena *arena, const LigNames *names, LigRole role, int64_t layer, int form)
{
    const char *pattern = names->pattern[role], *bar = strchr(pattern, '|');
    bool bare = form % 2 != 0;
    int prefix = bar && !bare ? (int)(bar - pattern) : 0;
    const char *rest = bar ? bar + 1 : pattern, *ending = form / 2 ? old_ending(pattern) : NULL;
    int kept = (int)strlen(rest);
    if (ending) kept = (int)(strrchr(rest, '.') + 1 - rest);
    const char *mark = strstr(rest, "%d");
    if (!mark) return lig_str_format(arena, "%.*s%.*s%s", prefix, pattern, kept, rest, ending ? ending : "");
    int before = (int)(mark - rest);
    return lig_str_format(arena, "%.*s%.*s%lld%.*s%s", prefix, pattern, before, rest, (long long)layer,
                          kept - before - 2, mark + 2, ending ? ending : "");
}

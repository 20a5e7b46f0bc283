#include "frontend/import.h"

#include <stdio.h>
#include <stdlib.h>

// Keys of an architecture, behind its name and a dot. Any other is an error: a knob that is passed over gives
// wrong numbers.
static const char *const known_keys[] = {
    "block_count",          "context_length",         "embedding_length",
    "feed_forward_length",  "attention.head_count",   "attention.head_count_kv",
    "attention.key_length", "attention.value_length", "attention.layer_norm_rms_epsilon",
    "vocab_size",           "rope.dimension_count",   "rope.freq_base",
    "rope.scaling.type",    "rope.scaling.factor",    "tensor_data_layout",
};

static LigStatus check_keys(LigContext *ctx, const LigGguf *gguf, LigStr architecture)
{
    for (size_t i = 0; i < lig_gguf_value_count(gguf); i++) {
        LigStr key = lig_gguf_value(gguf, i)->key;
        bool own = lig_str_starts_with(key, architecture) && key.length > architecture.length &&
                   key.data[architecture.length] == '.';
        if (!own) continue;
        LigStr knob = lig_str_skip(key, architecture.length + 1);
        size_t known = 0;
        while (known < sizeof known_keys / sizeof *known_keys && !lig_str_is(knob, known_keys[known])) known++;
        if (known < sizeof known_keys / sizeof *known_keys) continue;
        return lig_fail(ctx, LIG_ERR_UNSUPPORTED, LIG_FILE_LOC(lig_gguf_path(gguf)),
                        "metadata key %.*s is not known, and leaving it out could change the numbers: use a "
                        "model without it",
                        LIG_NAME_ARG(key));
    }
    return LIG_OK;
}

// The reader of "llama.KEY" and its like.
typedef struct Source {
    LigContext *ctx;
    const LigGguf *gguf;
    LigArena *arena; // of the keys' names
    LigStr architecture;
} Source;

static LigStatus key_of(const Source *s, const char *knob, LigStr *out)
{
    *out = lig_str_format(s->arena, "%.*s.%s", LIG_STR_ARG(s->architecture), knob);
    return out->data ? LIG_OK : lig_no_memory(s->ctx);
}

static LigStatus need_i64(const Source *s, const char *knob, int64_t *out)
{
    LigStr key;
    LIG_TRY(key_of(s, knob, &key));
    LIG_TRY(lig_gguf_require(s->ctx, s->gguf, key));
    return lig_gguf_get_i64(s->ctx, s->gguf, key, out);
}

static LigStatus get_i64(const Source *s, const char *knob, int64_t *out)
{
    LigStr key;
    LIG_TRY(key_of(s, knob, &key));
    return lig_gguf_get_i64(s->ctx, s->gguf, key, out);
}

static LigStatus get_f64(const Source *s, const char *knob, double *out)
{
    LigStr key;
    LIG_TRY(key_of(s, knob, &key));
    return lig_gguf_get_f64(s->ctx, s->gguf, key, out);
}

static bool has_tensor(const Source *s, const char *name)
{
    return lig_tensor_set_find(lig_gguf_tensors(s->gguf), lig_str(name)) != NULL;
}

static LigStatus read_sizes(const Source *s, LigSpec *spec)
{
    int64_t layers;
    LIG_TRY(need_i64(s, "block_count", &layers));
    LIG_TRY(need_i64(s, "context_length", &spec->context));
    LIG_TRY(need_i64(s, "embedding_length", &spec->width));
    LIG_TRY(need_i64(s, "feed_forward_length", &spec->blocks[0].mlp.width));
    const LigFileTensor *tokens = lig_tensor_set_find(lig_gguf_tensors(s->gguf), LIG_STR("token_embd.weight"));
    if (!tokens || tokens->rank != 2) {
        return lig_fail(s->ctx, LIG_ERR_NOT_FOUND, LIG_FILE_LOC(lig_gguf_path(s->gguf)),
                        "has no matrix token_embd.weight: is this a vocabulary only?");
    }
    spec->vocab = tokens->dims[0];
    lig_spec_set_layers(spec, layers);
    spec->embedding.tie = !has_tensor(s, "output.weight");
    return LIG_OK;
}

static LigStatus read_attention(const Source *s, LigSpec *spec)
{
    LigAttentionSpec *attention = &spec->blocks[0].attention;
    LIG_TRY(need_i64(s, "attention.head_count", &attention->heads));
    attention->kv_heads = attention->heads;
    LIG_TRY(get_i64(s, "attention.head_count_kv", &attention->kv_heads));
    attention->head = attention->heads > 0 ? spec->width / attention->heads : 0;
    LIG_TRY(get_i64(s, "attention.key_length", &attention->head));
    int64_t value_length = attention->head;
    LIG_TRY(get_i64(s, "attention.value_length", &value_length));
    if (value_length != attention->head) {
        return lig_fail(
            s->ctx, LIG_ERR_UNSUPPORTED, LIG_FILE_LOC(lig_gguf_path(s->gguf)),
            "attention.value_length %lld differs from the length of keys %lld: only equal ones are supported",
            (long long)value_length, (long long)attention->head);
    }
    attention->bias_q = has_tensor(s, "blk.0.attn_q.bias");
    attention->bias_k = has_tensor(s, "blk.0.attn_k.bias");
    attention->bias_v = has_tensor(s, "blk.0.attn_v.bias");
    attention->bias_o = has_tensor(s, "blk.0.attn_output.bias");
    return LIG_OK;
}

static LigStatus read_rope(const Source *s, LigSpec *spec)
{
    LigRopeSpec *rope = &spec->position.rope;
    int64_t head = spec->blocks[0].attention.head;
    spec->position.kind = LIG_POSITION_ROPE;
    *rope = (LigRopeSpec){.theta = 10000, .fraction = 1, .pairs = LIG_PAIRS_ADJACENT};
    LIG_TRY(get_f64(s, "rope.freq_base", &rope->theta));
    int64_t rotated = head;
    LIG_TRY(get_i64(s, "rope.dimension_count", &rotated));
    if (head > 0) rope->fraction = (double)rotated / (double)head;
    LigStr scaling = LIG_STR("none"), key;
    LIG_TRY(key_of(s, "rope.scaling.type", &key));
    LIG_TRY(lig_gguf_get_str(s->ctx, s->gguf, key, &scaling));
    if (has_tensor(s, "rope_freqs.weight")) scaling = LIG_STR("by rope_freqs.weight");
    bool linear = lig_str_is(scaling, "linear");
    if (!linear && !lig_str_is(scaling, "none")) {
        return lig_fail(s->ctx, LIG_ERR_UNSUPPORTED, LIG_FILE_LOC(lig_gguf_path(s->gguf)),
                        "rope scaling %.*s is not supported: none and linear are", LIG_NAME_ARG(scaling));
    }
    if (!linear) return LIG_OK;
    rope->scaling = LIG_ROPE_LINEAR;
    rope->factor = 1;
    return get_f64(s, "rope.scaling.factor", &rope->factor);
}

// GGUF stores 1e-5 as the f32 next to it. The decimal that was meant reads better in the spec, and is the same
// f32.
static double undo_f32(double value)
{
    char text[32];
    snprintf(text, sizeof text, "%.7g", value);
    double meant = strtod(text, NULL);
    return (double)(float)meant == value ? meant : value;
}

static LigStatus read_spec(const Source *s, LigSpec *spec)
{
    lig_spec_defaults(spec);
    spec->name = s->architecture;
    spec->names = LIG_NAMING_GGUF;
    spec->norm.eps = 1e-5;
    spec->head.kind = LIG_HEAD_LOGITS;
    spec->blocks[0].mlp = (LigMlpSpec){.form = LIG_MLP_GATED, .act = LIG_ACT_SILU};
    LIG_TRY(lig_gguf_get_str(s->ctx, s->gguf, LIG_STR("general.name"), &spec->name));
    LIG_TRY(read_sizes(s, spec));
    LIG_TRY(read_attention(s, spec));
    LIG_TRY(read_rope(s, spec));
    double eps = spec->norm.eps;
    LIG_TRY(get_f64(s, "attention.layer_norm_rms_epsilon", &eps));
    spec->norm.eps = undo_f32(eps);
    spec->blocks[0].mlp.bias = has_tensor(s, "blk.0.ffn_up.bias");
    return LIG_OK;
}

LigStatus lig_import_gguf_spec(LigContext *ctx, const LigGguf *gguf, LigSpec *out)
{
    LigStr architecture = {0};
    LIG_TRY(lig_gguf_require(ctx, gguf, LIG_STR("general.architecture")));
    LIG_TRY(lig_gguf_get_str(ctx, gguf, LIG_STR("general.architecture"), &architecture));
    if (!lig_str_is(architecture, "llama")) {
        return lig_fail(ctx, LIG_ERR_UNSUPPORTED, LIG_FILE_LOC(lig_gguf_path(gguf)),
                        "architecture %.*s is not supported: llama is", LIG_NAME_ARG(architecture));
    }
    LIG_TRY(check_keys(ctx, gguf, architecture));
    LigArena *arena = lig_arena_create();
    if (!arena) return lig_no_memory(ctx);
    const Source source = {ctx, gguf, arena, architecture};
    LigStatus status = read_spec(&source, out);
    lig_arena_destroy(arena);
    return status;
}

// A GGUF's metadata as a spec: by the tables of frontend/gguf_architectures.c, and by which tensors there are.
#include "frontend/import.h"

#include "frontend/gguf_architectures.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The reader of "llama.KEY" and its like.
typedef struct Source {
    LigContext *ctx;
    const LigGguf *gguf;
    LigArena *arena; // of names
    const LigGgufArchitecture *architecture;
} Source;

#define FILE_LOC(s) LIG_FILE_LOC(lig_gguf_path((s)->gguf))

// ---- keys ----

static bool is_known(const LigGgufArchitecture *architecture, LigStr knob)
{
    for (size_t list = 0; list < LIG_GGUF_LISTS && architecture->keys[list]; list++) {
        for (const LigGgufKey *key = architecture->keys[list]; key->key; key++)
            if (lig_str_is(knob, key->key)) return true;
    }
    return false;
}

// Any key of the architecture that no table has is an error: a knob that is passed over gives wrong numbers.
static LigStatus check_keys(const Source *s)
{
    LigStr name = lig_str(s->architecture->name);
    for (size_t i = 0; i < lig_gguf_value_count(s->gguf); i++) {
        LigStr key = lig_gguf_value(s->gguf, i)->key;
        bool own = lig_str_starts_with(key, name) && key.length > name.length && key.data[name.length] == '.';
        if (!own || is_known(s->architecture, lig_str_skip(key, name.length + 1))) continue;
        return lig_fail(s->ctx, LIG_ERR_UNSUPPORTED, FILE_LOC(s),
                        "metadata key %.*s is not known, and leaving it out could change the numbers: use a "
                        "model without it",
                        LIG_NAME_ARG(key));
    }
    return LIG_OK;
}

static LigStatus key_of(const Source *s, const char *knob, LigStr *out)
{
    *out = lig_str_format(s->arena, "%s.%s", s->architecture->name, knob);
    return out->data ? LIG_OK : lig_no_memory(s->ctx);
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

static LigStatus expect_number(const Source *s, LigStr key, double wanted)
{
    double value = wanted;
    LIG_TRY(lig_gguf_get_f64(s->ctx, s->gguf, key, &value));
    if (value == wanted) return LIG_OK;
    return lig_fail(s->ctx, LIG_ERR_UNSUPPORTED, FILE_LOC(s),
                    "metadata key %.*s is %g, and only %g is supported: use a model without it",
                    LIG_NAME_ARG(key), value, wanted);
}

static LigStatus expect_false(const Source *s, LigStr key)
{
    bool value = false;
    LIG_TRY(lig_gguf_get_bool(s->ctx, s->gguf, key, &value));
    if (!value) return LIG_OK;
    return lig_fail(s->ctx, LIG_ERR_UNSUPPORTED, FILE_LOC(s),
                    "metadata key %.*s is true, and only false is supported: use a model without it",
                    LIG_NAME_ARG(key));
}

static LigStatus read_key(const Source *s, const LigGgufKey *key, LigGgufConfig *out)
{
    char *field = (char *)out + key->offset;
    LigStr name;
    int64_t integer;
    double real;
    LIG_TRY(key_of(s, key->key, &name));
    switch (key->use) {
    case LIG_GGUF_USE_IGNORED:
    case LIG_GGUF_USE_ELSEWHERE:
        return LIG_OK;
    case LIG_GGUF_USE_SIZE:
        LIG_TRY(lig_gguf_require(s->ctx, s->gguf, name));
        __attribute__((fallthrough));
    case LIG_GGUF_USE_INT:
        memcpy(&integer, field, sizeof integer);
        LIG_TRY(lig_gguf_get_i64(s->ctx, s->gguf, name, &integer));
        memcpy(field, &integer, sizeof integer);
        return LIG_OK;
    case LIG_GGUF_USE_REAL:
    case LIG_GGUF_USE_OLD_REAL:
        memcpy(&real, field, sizeof real);
        LIG_TRY(lig_gguf_get_f64(s->ctx, s->gguf, name, &real));
        real = undo_f32(real);
        memcpy(field, &real, sizeof real);
        return LIG_OK;
    case LIG_GGUF_USE_ZERO:
        return expect_number(s, name, 0);
    case LIG_GGUF_USE_ONE:
        return expect_number(s, name, 1);
    case LIG_GGUF_USE_FALSE:
        return expect_false(s, name);
    }
    return LIG_OK;
}

static LigStatus read_keys(const Source *s, LigGgufConfig *out)
{
    for (size_t list = 0; list < LIG_GGUF_LISTS && s->architecture->keys[list]; list++) {
        for (const LigGgufKey *key = s->architecture->keys[list]; key->key; key++)
            LIG_TRY(read_key(s, key, out));
    }
    return LIG_OK;
}

// ---- what the tensors tell ----

// The tensor of a role (of layer 0); NULL when the file or the naming scheme has none.
static LigStatus find_role(const Source *s, const LigSpec *spec, LigRole role, const LigFileTensor **out)
{
    *out = NULL;
    if (!lig_names(spec->names)->pattern[role]) return LIG_OK;
    LigStr name = lig_weight_name(s->arena, lig_names(spec->names), role, 0, 0);
    if (!name.data) return lig_no_memory(s->ctx);
    *out = lig_tensor_set_find(lig_gguf_tensors(s->gguf), name);
    return LIG_OK;
}

static LigStatus has_role(const Source *s, const LigSpec *spec, LigRole role, bool *out)
{
    const LigFileTensor *tensor;
    LIG_TRY(find_role(s, spec, role, &tensor));
    *out = tensor != NULL;
    return LIG_OK;
}

static LigStatus read_biases(const Source *s, LigSpec *spec)
{
    LigAttentionSpec *attention = &spec->blocks[0].attention;
    bool fused;
    LIG_TRY(has_role(s, spec, LIG_ROLE_BQKV, &fused));
    LIG_TRY(has_role(s, spec, LIG_ROLE_BQ, &attention->bias_q));
    LIG_TRY(has_role(s, spec, LIG_ROLE_BK, &attention->bias_k));
    LIG_TRY(has_role(s, spec, LIG_ROLE_BV, &attention->bias_v));
    LIG_TRY(has_role(s, spec, LIG_ROLE_BO, &attention->bias_o));
    if (fused) attention->bias_q = attention->bias_k = attention->bias_v = true;
    return has_role(s, spec, LIG_ROLE_UP_BIAS, &spec->blocks[0].mlp.bias);
}

static LigStatus read_embedding(const Source *s, LigSpec *spec)
{
    const LigFileTensor *tokens, *types;
    LIG_TRY(find_role(s, spec, LIG_ROLE_TOKENS, &tokens));
    LIG_TRY(find_role(s, spec, LIG_ROLE_TYPES, &types));
    if (!tokens || tokens->rank != 2) {
        return lig_fail(s->ctx, LIG_ERR_NOT_FOUND, FILE_LOC(s),
                        "has no matrix token_embd.weight: is this a vocabulary only?");
    }
    spec->vocab = tokens->dims[0];
    if (types && types->rank == 2) spec->embedding.types = types->dims[0];
    if (s->architecture->scaled_by_width && spec->width > 0) spec->embedding.scale = sqrt((double)spec->width);
    return LIG_OK;
}

static LigStatus read_head(const Source *s, LigSpec *spec)
{
    bool untied;
    const LigFileTensor *labels;
    if (spec->head.kind == LIG_HEAD_LOGITS) {
        LIG_TRY(has_role(s, spec, LIG_ROLE_HEAD, &untied));
        spec->embedding.tie = !untied;
        return has_role(s, spec, LIG_ROLE_HEAD_BIAS, &spec->head.bias);
    }
    LIG_TRY(find_role(s, spec, LIG_ROLE_LABELS, &labels));
    if (!labels) return LIG_OK;
    spec->head = (LigHeadSpec){.kind = LIG_HEAD_CLASSIFY, .labels = labels->rank == 2 ? labels->dims[0] : 1};
    LIG_TRY(has_role(s, spec, LIG_ROLE_LABELS_BIAS, &spec->head.bias));
    bool dense;
    LIG_TRY(has_role(s, spec, LIG_ROLE_LABELS_DENSE, &dense));
    if (dense) spec->head.transform = LIG_ACT_TANH;
    return has_role(s, spec, LIG_ROLE_LABELS_DENSE_BIAS, &spec->head.transform_bias);
}

// ---- tensors that nothing would read ----

// Whether the spec calls for tensors of this role, where those that the file tells are as it tells.
static bool calls_for(const LigSpec *spec, LigRole role)
{
    const LigBlockSpec *block = &spec->blocks[0];
    const LigAttentionSpec *a = &block->attention;
    bool before = block->place != LIG_NORM_POST, after = block->place != LIG_NORM_PRE;
    switch ((int)role) {
    case LIG_ROLE_ROPE_FACTORS:
        return spec->position.kind == LIG_POSITION_ROPE;
    case LIG_ROLE_POSITIONS:
        return spec->position.kind == LIG_POSITION_LEARNED;
    case LIG_ROLE_EMBEDDING_NORM:
    case LIG_ROLE_EMBEDDING_NORM_BIAS:
        return spec->embedding.norm;
    case LIG_ROLE_ATTENTION_NORM:
        return before;
    case LIG_ROLE_MLP_NORM:
        return before && block->branching != LIG_BRANCH_ONE_NORM;
    case LIG_ROLE_ATTENTION_OUT_NORM:
    case LIG_ROLE_MLP_OUT_NORM:
        return after;
    case LIG_ROLE_ATTENTION_NORM_BIAS:
    case LIG_ROLE_FINAL_NORM_BIAS:
        return before && spec->norm.bias;
    case LIG_ROLE_MLP_NORM_BIAS:
        return before && spec->norm.bias && block->branching != LIG_BRANCH_ONE_NORM;
    case LIG_ROLE_ATTENTION_OUT_NORM_BIAS:
    case LIG_ROLE_MLP_OUT_NORM_BIAS:
        return after && spec->norm.bias;
    case LIG_ROLE_Q_NORM:
    case LIG_ROLE_K_NORM:
        return a->qk_norm == LIG_QK_NORM_HEAD;
    case LIG_ROLE_Q_NORM_BIAS:
    case LIG_ROLE_K_NORM_BIAS:
        return a->qk_norm == LIG_QK_NORM_HEAD && spec->norm.bias;
    case LIG_ROLE_GATE:
        return block->mlp.form == LIG_MLP_GATED;
    case LIG_ROLE_GATE_BIAS:
        return block->mlp.form == LIG_MLP_GATED && block->mlp.bias;
    case LIG_ROLE_UP_BIAS:
    case LIG_ROLE_DOWN_BIAS:
        return block->mlp.bias;
    case LIG_ROLE_BQ:
        return a->bias_q;
    case LIG_ROLE_BK:
        return a->bias_k;
    case LIG_ROLE_BV:
        return a->bias_v;
    case LIG_ROLE_BQKV:
        return a->bias_q && a->bias_k && a->bias_v;
    case LIG_ROLE_BO:
        return a->bias_o;
    case LIG_ROLE_LABELS_DENSE:
    case LIG_ROLE_LABELS_DENSE_BIAS:
        return spec->head.kind == LIG_HEAD_CLASSIFY && spec->head.transform != LIG_ACT_NONE;
    default:
        return true;
    }
}

// Whether `name` is `pattern` with a layer below `layers` for its %d.
static bool fits(const char *pattern, LigStr name, int64_t layers)
{
    const char *mark = strstr(pattern, "%d");
    if (!mark) return lig_str_is(name, pattern);
    size_t before = (size_t)(mark - pattern);
    LigStr ending = lig_str(mark + 2);
    if (!lig_str_starts_with(name, (LigStr){pattern, before}) || !lig_str_ends_with(name, ending) ||
        name.length <= before + ending.length)
        return false;
    const LigStr digits = {name.data + before, name.length - before - ending.length};
    int64_t layer;
    return lig_str_to_i64(digits, &layer) && layer >= 0 && layer < layers;
}

static LigStatus check_tensors(const Source *s, const LigSpec *spec, int64_t layers)
{
    const LigTensorSet *set = lig_gguf_tensors(s->gguf);
    const LigNames *names = lig_names(spec->names);
    for (size_t i = 0; i < set->count; i++) {
        bool used = false;
        for (size_t role = 0; role < LIG_ROLE_COUNT && !used; role++) {
            used = names->pattern[role] && fits(names->pattern[role], set->tensors[i].name, layers) &&
                   calls_for(spec, (LigRole)role);
        }
        if (used) continue;
        return lig_fail(s->ctx, LIG_ERR_UNSUPPORTED, FILE_LOC(s),
                        "tensor '%.*s' is none that a %s model calls for, and leaving it out could change the "
                        "numbers: use a model without it",
                        LIG_NAME_ARG(set->tensors[i].name), s->architecture->name);
    }
    return LIG_OK;
}

// ---- the whole ----

static LigStatus finish_attention(const Source *s, LigGgufConfig *c)
{
    LigAttentionSpec *attention = &c->spec.blocks[0].attention;
    if (!attention->kv_heads) attention->kv_heads = attention->heads;
    if (!attention->head && attention->heads > 0) attention->head = c->spec.width / attention->heads;
    if (!c->value_length || c->value_length == attention->head) return LIG_OK;
    return lig_fail(
        s->ctx, LIG_ERR_UNSUPPORTED, FILE_LOC(s),
        "attention.value_length %lld differs from the length of keys %lld: only equal ones are supported",
        (long long)c->value_length, (long long)attention->head);
}

static LigStatus finish_rope(const Source *s, LigGgufConfig *c)
{
    LigRopeSpec *rope = &c->spec.position.rope;
    int64_t head = c->spec.blocks[0].attention.head;
    LigStr scaling = LIG_STR("none"), key;
    const LigFileTensor *factors;
    if (c->spec.position.kind != LIG_POSITION_ROPE) return LIG_OK;
    if (c->rotated && head > 0) rope->fraction = (double)c->rotated / (double)head;
    LIG_TRY(find_role(s, &c->spec, LIG_ROLE_ROPE_FACTORS, &factors));
    LIG_TRY(key_of(s, "rope.scaling.type", &key));
    LIG_TRY(lig_gguf_get_str(s->ctx, s->gguf, key, &scaling));
    bool linear = lig_str_is(scaling, "linear");
    if ((!linear && !lig_str_is(scaling, "none")) || (linear && factors)) {
        return lig_fail(
            s->ctx, LIG_ERR_UNSUPPORTED, FILE_LOC(s),
            "rope scaling %.*s%s is not supported: none, linear, and the tensor rope_freqs.weight are",
            LIG_NAME_ARG(scaling), factors ? " together with the tensor rope_freqs.weight" : "");
    }
    if (linear || c->scale_linear != 1) rope->scaling = LIG_ROPE_LINEAR;
    if (!linear) rope->factor = c->scale_linear;
    if (factors) rope->scaling = LIG_ROPE_FACTORS;
    return LIG_OK;
}

static LigStatus read_config(const Source *s, LigSpec *out)
{
    LigGgufConfig *c = LIG_NEW(s->arena, LigGgufConfig);
    if (!c) return lig_no_memory(s->ctx);
    *c = (LigGgufConfig){.spec = s->architecture->preset, .scale_linear = 1};
    LigSpec *spec = &c->spec;
    spec->name = lig_str(s->architecture->name);
    LIG_TRY(check_keys(s));
    LIG_TRY(lig_gguf_get_str(s->ctx, s->gguf, LIG_STR("general.name"), &spec->name));
    LIG_TRY(read_keys(s, c));
    LIG_TRY(read_embedding(s, spec));
    LIG_TRY(read_biases(s, spec));
    LIG_TRY(read_head(s, spec));
    LIG_TRY(finish_attention(s, c));
    LIG_TRY(finish_rope(s, c));
    LIG_TRY(check_tensors(s, spec, c->layers));
    lig_spec_set_layers(spec, c->layers);
    *out = *spec;
    return LIG_OK;
}

static LigStatus find_architecture(LigContext *ctx, const LigGguf *gguf, const LigGgufArchitecture **out)
{
    LigStr name = {0};
    LIG_TRY(lig_gguf_require(ctx, gguf, LIG_STR("general.architecture")));
    LIG_TRY(lig_gguf_get_str(ctx, gguf, LIG_STR("general.architecture"), &name));
    *out = lig_gguf_architecture_find(name);
    if (*out) return LIG_OK;
    LigText known = {0};
    lig_gguf_architectures_list(&known);
    LigStatus status = lig_fail(ctx, LIG_ERR_UNSUPPORTED, LIG_FILE_LOC(lig_gguf_path(gguf)),
                                "architecture %.*s is not supported: %s are", LIG_NAME_ARG(name),
                                known.data ? known.data : "?");
    lig_text_free(&known);
    return status;
}

LigStatus lig_import_gguf_spec(LigContext *ctx, const LigGguf *gguf, LigSpec *out)
{
    const LigGgufArchitecture *architecture;
    LIG_TRY(find_architecture(ctx, gguf, &architecture));
    LigArena *arena = lig_arena_create();
    if (!arena) return lig_no_memory(ctx);
    const Source source = {ctx, gguf, arena, architecture};
    LigStatus status = read_config(&source, out);
    lig_arena_destroy(arena);
    return status;
}

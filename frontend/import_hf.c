// A Hugging Face directory's config.json as a spec: by the tables of frontend/architectures.c, and the rules
// that are no table's.
#include "frontend/import.h"

#include "frontend/import_hf.h"

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

// ---- keys ----

static LigStatus check_known(const LigJson *config, const LigArchitecture *architecture)
{
    const char *known[256];
    size_t count = 0;
    for (size_t list = 0; list < LIG_CONFIG_LISTS && architecture->keys[list]; list++) {
        for (const LigConfigKey *key = architecture->keys[list]; key->key; key++) {
            LIG_ASSERT(count < COUNT_OF(known));
            known[count++] = key->key;
        }
    }
    return lig_json_check_known(config, known, count);
}

// What a flag, a word or an activation may be is told by the table; any other value would change the model.

static LigStatus read_activation(const LigJson *config, const char *key, LigActivation *out)
{
    LigStr name = {0};
    LIG_TRY(lig_json_get_str(config, key, &name));
    if (!name.length || lig_hf_activation(name, out)) return LIG_OK;
    LigText known = {0};
    lig_hf_activations_list(&known);
    LigStatus status = known.failed
                           ? lig_no_memory(config->ctx)
                           : lig_json_fail_value(config, LIG_ERR_UNSUPPORTED, key,
                                                 "no such activation is known, expected one of %s", known.data);
    lig_text_free(&known);
    return status;
}

static LigStatus expect_flag(const LigJson *config, const char *key, bool wanted)
{
    bool value = wanted;
    LIG_TRY(lig_json_get_bool(config, key, &value));
    if (value == wanted) return LIG_OK;
    return lig_json_fail_value(config, LIG_ERR_UNSUPPORTED, key,
                               wanted ? "must be true, other models are not supported"
                                      : "must be false, other models are not supported");
}

static LigStatus expect_word(const LigJson *config, const LigConfigKey *key)
{
    LigStr word = lig_str(key->word);
    LIG_TRY(lig_json_get_str(config, key->key, &word));
    if (lig_str_is(word, key->word)) return LIG_OK;
    return lig_json_fail_value(config, LIG_ERR_UNSUPPORTED, key->key, "expected %s, nothing else is known",
                               key->word);
}

LigStatus lig_hf__claim(LigHfReader *r, LigJsonKey by, size_t offset, double value)
{
    for (size_t i = 0; i < r->claim_count; i++) {
        const LigHfClaim *claim = &r->claims[i];
        if (claim->offset != offset || claim->value == value) continue;
        return lig_json_fail_pair(by, claim->by, "they mean the same, make them agree");
    }
    LIG_ASSERT(r->claim_count < LIG_HF_CLAIMS);
    r->claims[r->claim_count++] = (LigHfClaim){by, offset, value};
    return LIG_OK;
}

static LigStatus read_integer(LigHfReader *r, LigJsonKey from, int64_t least, size_t offset)
{
    int64_t value = 0;
    LIG_TRY(lig_json_get_i64(from.json, from.key, &value));
    if (value < least || value > INT32_MAX)
        return lig_json_fail_value(from.json, LIG_ERR_INVALID, from.key, "expected a whole number in %lld..%d",
                                   (long long)least, INT32_MAX);
    memcpy((char *)r->config + offset, &value, sizeof value);
    return lig_hf__claim(r, from, offset, (double)value);
}

static LigStatus read_real(LigHfReader *r, LigJsonKey from, double most, size_t offset)
{
    double value = 0;
    LIG_TRY(lig_json_get_f64(from.json, from.key, &value));
    if (!(value > 0) || value > most)
        return lig_json_fail_value(from.json, LIG_ERR_INVALID, from.key,
                                   most == 1 ? "expected a number above 0, at most 1"
                                             : "expected a number above 0");
    memcpy((char *)r->config + offset, &value, sizeof value);
    return lig_hf__claim(r, from, offset, value);
}

LigStatus lig_hf__number(LigHfReader *r, LigJsonKey from, LigConfigUse use, size_t offset)
{
    const int64_t none = 0;
    if (use == LIG_CONFIG_SIZE) LIG_TRY(lig_json_require(from.json, from.key));
    if (!lig_json_has(from.json, from.key)) {
        bool is_null = json_is_null(json_object_get(from.json->object, from.key));
        if (use == LIG_CONFIG_INT_OR_NONE && is_null) memcpy((char *)r->config + offset, &none, sizeof none);
        return LIG_OK;
    }
    if (use == LIG_CONFIG_REAL || use == LIG_CONFIG_FRACTION)
        return read_real(r, from, use == LIG_CONFIG_FRACTION ? 1 : DBL_MAX, offset);
    return read_integer(r, from, use == LIG_CONFIG_COUNT ? 0 : 1, offset);
}

static LigStatus read_key(LigHfReader *r, const LigConfigKey *key)
{
    char *field = (char *)r->config + key->offset;
    bool flag;
    LigActivation act;
    switch (key->use) {
    case LIG_CONFIG_IGNORED:
    case LIG_CONFIG_ELSEWHERE:
        return LIG_OK;
    case LIG_CONFIG_SIZE:
    case LIG_CONFIG_INT:
    case LIG_CONFIG_INT_OR_NONE:
    case LIG_CONFIG_COUNT:
    case LIG_CONFIG_REAL:
    case LIG_CONFIG_FRACTION:
        return lig_hf__number(r, (LigJsonKey){r->json, key->key}, key->use, key->offset);
    case LIG_CONFIG_FLAG:
        memcpy(&flag, field, sizeof flag);
        LIG_TRY(lig_json_get_bool(r->json, key->key, &flag));
        memcpy(field, &flag, sizeof flag);
        return LIG_OK;
    case LIG_CONFIG_ACT:
        memcpy(&act, field, sizeof act);
        LIG_TRY(read_activation(r->json, key->key, &act));
        memcpy(field, &act, sizeof act);
        return LIG_OK;
    case LIG_CONFIG_FALSE:
        return expect_flag(r->json, key->key, false);
    case LIG_CONFIG_TRUE:
        return expect_flag(r->json, key->key, true);
    case LIG_CONFIG_WORD:
        return expect_word(r->json, key);
    }
    return LIG_OK;
}

static LigStatus read_keys(LigHfReader *r, const LigArchitecture *architecture)
{
    for (size_t list = 0; list < LIG_CONFIG_LISTS && architecture->keys[list]; list++) {
        for (const LigConfigKey *key = architecture->keys[list]; key->key; key++) LIG_TRY(read_key(r, key));
    }
    return LIG_OK;
}

// ---- the head ----

static LigStatus read_head_kind(const LigJson *config, LigHeadKind *out)
{
    static const struct {
        const char *ending;
        LigHeadKind kind;
    } endings[] = {{"ForCausalLM", LIG_HEAD_LOGITS},
                   {"LMHeadModel", LIG_HEAD_LOGITS},
                   {"ForMaskedLM", LIG_HEAD_LOGITS},
                   {"ForPreTraining", LIG_HEAD_LOGITS},
                   {"ForSequenceClassification", LIG_HEAD_CLASSIFY},
                   {"Model", LIG_HEAD_NONE}};
    LIG_TRY(lig_json_require(config, "architectures"));
    const json_t *first = json_array_get(json_object_get(config->object, "architectures"), 0);
    LigStr name = json_is_string(first) ? lig_str(json_string_value(first)) : (LigStr){0};
    for (size_t i = 0; i < COUNT_OF(endings); i++) {
        if (!lig_str_ends_with(name, lig_str(endings[i].ending))) continue;
        *out = endings[i].kind;
        return LIG_OK;
    }
    return lig_json_fail_value(config, LIG_ERR_UNSUPPORTED, "architectures",
                               "that names no head that is known, ForCausalLM, ForMaskedLM, "
                               "ForSequenceClassification and plain models are");
}

static LigStatus read_labels(const LigJson *config, int64_t *out)
{
    static const char count_key[] = "num_labels";
    LigJson labels;
    *out = 2;
    LIG_TRY(lig_json_get_i64(config, count_key, out));
    if (*out < 1)
        return lig_json_fail_value(config, LIG_ERR_INVALID, count_key, "expected a whole number, 1 or more");
    LIG_TRY(lig_json_child(config, "id2label", &labels));
    int64_t named = labels.object ? (int64_t)json_object_size(labels.object) : *out;
    if (lig_json_has(config, count_key) && named != *out)
        return lig_json_fail_value(config, LIG_ERR_INVALID, count_key,
                                   "'id2label' names %lld labels, make them agree", (long long)named);
    *out = named;
    return LIG_OK;
}

static LigStatus read_head(const LigJson *config, LigHfConfig *c)
{
    LigHeadKind kind = LIG_HEAD_LOGITS;
    LigStr pooling = LIG_STR("cls");
    LIG_TRY(read_head_kind(config, &kind));
    if (kind == LIG_HEAD_LOGITS) c->spec.head = c->logits;
    if (kind == LIG_HEAD_CLASSIFY) c->spec.head = c->classify;
    c->spec.head.kind = kind;
    if (kind != LIG_HEAD_CLASSIFY) return LIG_OK;
    LIG_TRY(lig_json_get_str(config, "classifier_pooling", &pooling));
    if (!lig_str_is(pooling, "cls"))
        return lig_json_fail_value(config, LIG_ERR_UNSUPPORTED, "classifier_pooling",
                                   "expected cls, no other pooling is known");
    return read_labels(config, &c->spec.head.labels);
}

// ---- the whole ----

// What the architecture calls the field at `offset`.
static const char *key_of(const LigArchitecture *architecture, size_t offset)
{
    for (size_t list = 0; list < LIG_CONFIG_LISTS && architecture->keys[list]; list++) {
        for (const LigConfigKey *key = architecture->keys[list]; key->key; key++) {
            if (key->offset == offset && key->use != LIG_CONFIG_IGNORED) return key->key;
        }
    }
    return "";
}

static LigStatus check_multiple(const LigJson *config, const char *of, int64_t whole, const char *by,
                                int64_t part)
{
    if (whole % part == 0) return LIG_OK;
    LigText message = {0};
    lig_text_printf(&message, "%lld is no multiple of %lld", (long long)whole, (long long)part);
    LigStatus status =
        message.failed ? lig_no_memory(config->ctx)
                       : lig_json_fail_pair((LigJsonKey){config, of}, (LigJsonKey){config, by}, message.data);
    lig_text_free(&message);
    return status;
}

static LigStatus finish_heads(const LigJson *config, const LigArchitecture *architecture, LigHfConfig *c)
{
    const char *heads = key_of(architecture, offsetof(LigHfConfig, spec.blocks[0].attention.heads));
    const char *width = key_of(architecture, offsetof(LigHfConfig, spec.width));
    LigAttentionSpec *attention = &c->spec.blocks[0].attention;
    if (!attention->kv_heads) attention->kv_heads = attention->heads;
    LIG_TRY(check_multiple(config, heads, attention->heads, "num_key_value_heads", attention->kv_heads));
    if (attention->head) return LIG_OK;
    LIG_TRY(check_multiple(config, width, c->spec.width, heads, attention->heads));
    attention->head = c->spec.width / attention->heads;
    return LIG_OK;
}

static void finish_block(LigHfConfig *c)
{
    LigBlockSpec *block = &c->spec.blocks[0];
    LigAttentionSpec *attention = &block->attention;
    if (c->attention_bias) attention->bias_q = attention->bias_k = attention->bias_v = attention->bias_o = true;
    if (c->qk_norm) attention->qk_norm = LIG_QK_NORM_HEAD;
    if (c->parallel) block->branching = LIG_BRANCH_TWO_NORMS;
    if (!block->mlp.width) block->mlp.width = 4 * c->spec.width;
}

static LigStatus finish_positions(const LigJson *config, LigHfConfig *c)
{
    LigPositionSpec *position = &c->spec.position;
    if (!c->positions_after_pad) return LIG_OK;
    if (c->pad >= c->spec.context - 1)
        return lig_json_fail_pair((LigJsonKey){config, "pad_token_id"},
                                  (LigJsonKey){config, "max_position_embeddings"},
                                  "positions begin behind it, expected it below");
    position->from_pad = c->pad;
    position->offset = c->pad + 1;
    c->spec.context -= position->offset;
    return LIG_OK;
}

static LigStatus find_architecture(const LigJson *config, const LigArchitecture **out)
{
    LigStr type = {0};
    LIG_TRY(lig_json_require(config, "model_type"));
    LIG_TRY(lig_json_get_str(config, "model_type", &type));
    *out = lig_architecture_find(type);
    if (*out) return LIG_OK;
    LigText known = {0};
    lig_architectures_list(&known);
    LigStatus status = known.failed ? lig_no_memory(config->ctx)
                                    : lig_json_fail_value(config, LIG_ERR_UNSUPPORTED, "model_type",
                                                          "not supported, expected one of %s", known.data);
    lig_text_free(&known);
    return status;
}

static LigStatus read_config(const LigJson *config, LigArena *arena, LigSpec *out)
{
    const LigArchitecture *architecture;
    LIG_TRY(find_architecture(config, &architecture));
    LIG_TRY(check_known(config, architecture));
    LigHfReader *r = LIG_NEW(arena, LigHfReader);
    LigHfConfig *c = LIG_NEW(arena, LigHfConfig);
    if (!r || !c) return lig_no_memory(config->ctx);
    *c = architecture->preset;
    c->spec.name = out->name;
    *r = (LigHfReader){.json = config, .config = c};
    LIG_TRY(read_keys(r, architecture));
    LIG_TRY(lig_hf__ropes(r));
    LIG_TRY(finish_heads(config, architecture, c));
    finish_block(c);
    LIG_TRY(finish_positions(config, c));
    if (c->scaled_by_width) c->spec.embedding.scale = sqrt((double)c->spec.width);
    LIG_TRY(lig_hf__layers(r));
    LIG_TRY(read_head(config, c));
    *out = c->spec;
    return LIG_OK;
}

// The last part of the path, without slashes at its end.
static LigStr directory_name(LigArena *arena, const char *directory)
{
    LigStr path = lig_str(directory);
    while (path.length > 1 && path.data[path.length - 1] == '/') path.length--;
    size_t at = path.length;
    while (at > 0 && path.data[at - 1] != '/') at--;
    return lig_str_copy(arena, lig_str_skip(path, at));
}

LigStatus lig_import_hf_spec(LigContext *ctx, const char *directory, LigArena *arena, LigSpec *out)
{
    lig_spec_defaults(out);
    out->name = directory_name(arena, directory);
    LigStr path = lig_str_format(arena, "%s/config.json", directory);
    if (!path.data || !out->name.data) return lig_no_memory(ctx);
    json_t *root;
    LIG_TRY(lig_json_read_file(ctx, path.data, &root));
    LigJson config;
    LigStatus status = lig_json_root(ctx, path.data, root, &config);
    if (status == LIG_OK) status = read_config(&config, arena, out);
    json_decref(root);
    return status;
}

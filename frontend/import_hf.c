// A Hugging Face directory's config.json as a spec: by the tables of frontend/architectures.c, and the rules
// that are no table's.
#include "frontend/import.h"

#include "frontend/architectures.h"
#include "frontend/json.h"

#include <math.h>
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

static LigStatus read_activation(const LigJson *config, const char *key, LigActivation *out)
{
    LigStr name = {0};
    LIG_TRY(lig_json_get_str(config, key, &name));
    if (!name.length || lig_hf_activation(name, out)) return LIG_OK;
    return lig_json_fail(config, LIG_ERR_UNSUPPORTED, key, "is an activation that is not known");
}

static LigStatus expect_flag(const LigJson *config, const char *key, bool wanted)
{
    bool value = wanted;
    LIG_TRY(lig_json_get_bool(config, key, &value));
    if (value == wanted) return LIG_OK;
    return lig_json_fail(config, LIG_ERR_UNSUPPORTED, key,
                         wanted ? "must be true: other models are not supported"
                                : "must be false: other models are not supported");
}

static LigStatus expect_word(const LigJson *config, const LigConfigKey *key)
{
    LigStr word = lig_str(key->word);
    LIG_TRY(lig_json_get_str(config, key->key, &word));
    if (lig_str_is(word, key->word)) return LIG_OK;
    return lig_json_fail(config, LIG_ERR_UNSUPPORTED, key->key, "has a value that is not known");
}

static LigStatus read_integer(const LigJson *config, const LigConfigKey *key, char *field)
{
    int64_t value;
    memcpy(&value, field, sizeof value);
    if (key->use == LIG_CONFIG_SIZE) LIG_TRY(lig_json_require(config, key->key));
    if (key->use == LIG_CONFIG_INT_OR_NONE && json_is_null(json_object_get(config->object, key->key)))
        value = 0;
    LIG_TRY(lig_json_get_i64(config, key->key, &value));
    memcpy(field, &value, sizeof value);
    return LIG_OK;
}

static LigStatus read_key(const LigJson *config, const LigConfigKey *key, LigHfConfig *out)
{
    char *field = (char *)out + key->offset;
    double real;
    bool flag;
    LigActivation act;
    switch (key->use) {
    case LIG_CONFIG_IGNORED:
    case LIG_CONFIG_ELSEWHERE:
        return LIG_OK;
    case LIG_CONFIG_SIZE:
    case LIG_CONFIG_INT:
    case LIG_CONFIG_INT_OR_NONE:
        return read_integer(config, key, field);
    case LIG_CONFIG_REAL:
        memcpy(&real, field, sizeof real);
        LIG_TRY(lig_json_get_f64(config, key->key, &real));
        memcpy(field, &real, sizeof real);
        return LIG_OK;
    case LIG_CONFIG_FLAG:
        memcpy(&flag, field, sizeof flag);
        LIG_TRY(lig_json_get_bool(config, key->key, &flag));
        memcpy(field, &flag, sizeof flag);
        return LIG_OK;
    case LIG_CONFIG_ACT:
        memcpy(&act, field, sizeof act);
        LIG_TRY(read_activation(config, key->key, &act));
        memcpy(field, &act, sizeof act);
        return LIG_OK;
    case LIG_CONFIG_FALSE:
        return expect_flag(config, key->key, false);
    case LIG_CONFIG_TRUE:
        return expect_flag(config, key->key, true);
    case LIG_CONFIG_WORD:
        return expect_word(config, key);
    }
    return LIG_OK;
}

static LigStatus read_keys(const LigJson *config, const LigArchitecture *architecture, LigHfConfig *out)
{
    for (size_t list = 0; list < LIG_CONFIG_LISTS && architecture->keys[list]; list++) {
        for (const LigConfigKey *key = architecture->keys[list]; key->key; key++)
            LIG_TRY(read_key(config, key, out));
    }
    return LIG_OK;
}

// ---- rope ----

static const char *const known_rope_keys[] = {
    "rope_theta", "partial_rotary_factor", "rope_type",        "type",
    "factor",     "low_freq_factor",       "high_freq_factor", "original_max_position_embeddings",
};

static LigStatus need_f64(const LigJson *json, const char *key, double *out)
{
    LIG_TRY(lig_json_require(json, key));
    return lig_json_get_f64(json, key, out);
}

// rope_scaling, rope_parameters, or the parameters of one type of layers.
static LigStatus read_rope(const LigJson *rope, LigRopeSpec *out)
{
    LigStr type = LIG_STR("default");
    LIG_TRY(lig_json_check_known(rope, known_rope_keys, COUNT_OF(known_rope_keys)));
    LIG_TRY(lig_json_get_f64(rope, "rope_theta", &out->theta));
    LIG_TRY(lig_json_get_f64(rope, "partial_rotary_factor", &out->fraction));
    LIG_TRY(lig_json_get_str(rope, "type", &type));
    LIG_TRY(lig_json_get_str(rope, "rope_type", &type));
    if (lig_str_is(type, "default")) return LIG_OK;
    LIG_TRY(need_f64(rope, "factor", &out->factor));
    if (lig_str_is(type, "linear")) {
        out->scaling = LIG_ROPE_LINEAR;
        return LIG_OK;
    }
    if (!lig_str_is(type, "llama3")) {
        return lig_json_fail(rope, LIG_ERR_UNSUPPORTED, "rope_type",
                             "is not known: default, linear and llama3 are");
    }
    out->scaling = LIG_ROPE_LLAMA3;
    LIG_TRY(need_f64(rope, "low_freq_factor", &out->low_freq_factor));
    LIG_TRY(need_f64(rope, "high_freq_factor", &out->high_freq_factor));
    LIG_TRY(lig_json_require(rope, "original_max_position_embeddings"));
    return lig_json_get_i64(rope, "original_max_position_embeddings", &out->original_context);
}

static const char *const layer_kinds[] = {"full_attention", "sliding_attention"};

// Old files have rope_theta beside rope_scaling, new ones both in rope_parameters, which may tell them for each
// type of layers.
static LigStatus read_ropes(const LigJson *config, LigHfConfig *out)
{
    LigJson scaling, parameters, full, sliding;
    LigRopeSpec *rope = &out->spec.position.rope;
    LIG_TRY(lig_json_child(config, "rope_scaling", &scaling));
    LIG_TRY(lig_json_child(config, "rope_parameters", &parameters));
    if (scaling.object) LIG_TRY(read_rope(&scaling, rope));
    if (!parameters.object) return LIG_OK;
    if (!out->own_local_rope) return read_rope(&parameters, rope);
    LIG_TRY(lig_json_check_known(&parameters, layer_kinds, COUNT_OF(layer_kinds)));
    LIG_TRY(lig_json_child(&parameters, layer_kinds[0], &full));
    LIG_TRY(lig_json_child(&parameters, layer_kinds[1], &sliding));
    if (full.object) LIG_TRY(read_rope(&full, rope));
    return sliding.object ? read_rope(&sliding, &out->local_rope) : LIG_OK;
}

// ---- layers ----

static LigStatus read_layer_type(const LigJson *config, const json_t *types, int64_t layer, bool *windowed)
{
    const json_t *type = json_array_get(types, (size_t)layer);
    LigStr name =
        json_is_string(type) ? (LigStr){json_string_value(type), json_string_length(type)} : (LigStr){0};
    *windowed = lig_str_is(name, layer_kinds[1]);
    if (*windowed || lig_str_is(name, layer_kinds[0])) return LIG_OK;
    return lig_json_fail(config, LIG_ERR_UNSUPPORTED, "layer_types",
                         "must name each layer full_attention or sliding_attention");
}

static LigStatus is_windowed(const LigJson *config, const LigHfConfig *c, int64_t layer, bool *out)
{
    const json_t *types = json_object_get(config->object, "layer_types");
    if (json_is_array(types)) return read_layer_type(config, types, layer, out);
    switch (c->windowed) {
    case LIG_WINDOWED_ALL:
        *out = true;
        break;
    case LIG_WINDOWED_FROM:
        *out = layer >= c->first_windowed;
        break;
    case LIG_WINDOWED_BUT_EVERY:
        *out = c->global_every > 0 && layer % c->global_every != 0;
        break;
    }
    *out = *out && c->use_window && c->window > 0;
    return LIG_OK;
}

// Adds a layer of this kind, and its block when it is the first.
static LigStatus add_layer(const LigJson *config, const LigHfConfig *c, const char *name, bool windowed,
                           bool unnormed, LigSpec *spec)
{
    size_t block = 0;
    while (block < spec->block_count && !lig_str_is(spec->blocks[block].name, name)) block++;
    LIG_ASSERT(block < LIG_MAX_BLOCKS);
    if (block == spec->block_count) {
        LigBlockSpec *made = &spec->blocks[spec->block_count++];
        *made = c->spec.blocks[0];
        made->name = lig_str(name);
        if (windowed) made->attention.window = c->window;
        if (unnormed) made->norm_attention = false;
        if (windowed && c->own_local_rope) {
            made->position = LIG_BLOCK_OWN_ROPE;
            made->rope = c->local_rope;
        }
    }
    if (spec->run_count && spec->runs[spec->run_count - 1].block == block) {
        spec->runs[spec->run_count - 1].count++;
        return LIG_OK;
    }
    if (spec->run_count == LIG_MAX_RUNS)
        return lig_json_fail(config, LIG_ERR_UNSUPPORTED, "layer_types", "changes too often");
    spec->runs[spec->run_count++] = (LigLayerRun){1, block};
    return LIG_OK;
}

static LigStatus read_layers(const LigJson *config, LigHfConfig *c)
{
    enum { MOST_LAYERS = 4096 };
    LigSpec spec = c->spec;
    if (c->layers < 1 || c->layers > MOST_LAYERS)
        return lig_json_fail(config, LIG_ERR_INVALID, "num_hidden_layers", "must be in 1..4096");
    const json_t *types = json_object_get(config->object, "layer_types");
    if (types && !json_is_null(types) && json_array_size(types) != (size_t)c->layers)
        return lig_json_fail(config, LIG_ERR_INVALID, "layer_types", "must have one entry for each layer");
    bool some = false, all = true;
    for (int64_t i = 0; i < c->layers; i++) {
        bool windowed;
        LIG_TRY(is_windowed(config, c, i, &windowed));
        some |= windowed;
        all &= windowed;
    }
    bool uniform = (all || !some) && !c->first_unnormed;
    for (int64_t i = 0; i < c->layers; i++) {
        bool windowed, unnormed = i == 0 && c->first_unnormed;
        LIG_TRY(is_windowed(config, c, i, &windowed));
        const char *name = windowed ? "local" : "global";
        if (uniform) name = "block";
        if (unnormed) name = "first";
        LIG_TRY(add_layer(config, c, name, windowed, unnormed, &spec));
    }
    c->spec = spec;
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
    return lig_json_fail(config, LIG_ERR_UNSUPPORTED, "architectures",
                         "names no head that is known: ForCausalLM, ForMaskedLM, ForSequenceClassification and "
                         "plain models are");
}

static LigStatus read_labels(const LigJson *config, int64_t *out)
{
    LigJson labels;
    *out = 2;
    LIG_TRY(lig_json_get_i64(config, "num_labels", out));
    LIG_TRY(lig_json_child(config, "id2label", &labels));
    if (labels.object) *out = (int64_t)json_object_size(labels.object);
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
        return lig_json_fail(config, LIG_ERR_UNSUPPORTED, "classifier_pooling", "must be cls");
    return read_labels(config, &c->spec.head.labels);
}

// ---- the whole ----

static void finish_block(LigHfConfig *c)
{
    LigBlockSpec *block = &c->spec.blocks[0];
    LigAttentionSpec *attention = &block->attention;
    if (!attention->kv_heads) attention->kv_heads = attention->heads;
    if (!attention->head && attention->heads > 0) attention->head = c->spec.width / attention->heads;
    if (c->attention_bias) attention->bias_q = attention->bias_k = attention->bias_v = attention->bias_o = true;
    if (c->qk_norm) attention->qk_norm = LIG_QK_NORM_HEAD;
    if (c->parallel) block->branching = LIG_BRANCH_TWO_NORMS;
    if (!block->mlp.width && c->spec.width > 0 && c->spec.width < INT32_MAX)
        block->mlp.width = 4 * c->spec.width;
}

static LigStatus finish_positions(const LigJson *config, LigHfConfig *c)
{
    LigPositionSpec *position = &c->spec.position;
    if (!c->positions_after_pad) return LIG_OK;
    if (c->pad < 0 || c->pad >= c->spec.context)
        return lig_json_fail(config, LIG_ERR_INVALID, "pad_token_id",
                             "must be 0 or more and below max_position_embeddings: positions begin behind it");
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
    LigText message = {0};
    lig_text_printf(&message, "is not supported: ");
    lig_architectures_list(&message);
    lig_text_printf(&message, " are");
    LigStatus status =
        lig_json_fail(config, LIG_ERR_UNSUPPORTED, "model_type", message.data ? message.data : "?");
    lig_text_free(&message);
    return status;
}

static LigStatus read_config(const LigJson *config, LigArena *arena, LigSpec *out)
{
    const LigArchitecture *architecture;
    LIG_TRY(find_architecture(config, &architecture));
    LIG_TRY(check_known(config, architecture));
    LigHfConfig *c = LIG_NEW(arena, LigHfConfig);
    if (!c) return lig_no_memory(config->ctx);
    *c = architecture->preset;
    c->spec.name = out->name;
    LIG_TRY(read_keys(config, architecture, c));
    LIG_TRY(read_ropes(config, c));
    finish_block(c);
    LIG_TRY(finish_positions(config, c));
    if (c->scaled_by_width) c->spec.embedding.scale = sqrt((double)c->spec.width);
    LIG_TRY(read_layers(config, c));
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

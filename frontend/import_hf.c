#include "frontend/import.h"

#include "frontend/json.h"
#include "frontend/tokenizer_json.h"

// Keys of a llama config.json that are read, or that change nothing about the numbers. Any other is an error.
static const char *const known_keys[] = {
    "_name_or_path",
    "architectures",
    "attention_bias",
    "attention_dropout",
    "bos_token_id",
    "dtype",
    "eos_token_id",
    "head_dim",
    "hidden_act",
    "hidden_size",
    "initializer_range",
    "intermediate_size",
    "is_llama_config",
    "max_position_embeddings",
    "mlp_bias",
    "model_type",
    "num_attention_heads",
    "num_hidden_layers",
    "num_key_value_heads",
    "pad_token_id",
    "pretraining_tp",
    "rms_norm_eps",
    "rope_interleaved",
    "rope_parameters",
    "rope_scaling",
    "rope_theta",
    "tie_word_embeddings",
    "torch_dtype",
    "transformers_version",
    "use_cache",
    "vocab_size",
};

static const char *const known_rope_keys[] = {
    "rope_theta",
    "rope_type",
    "type",
    "factor",
    "low_freq_factor",
    "high_freq_factor",
    "original_max_position_embeddings",
};

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static LigStatus need_i64(const LigJson *config, const char *key, int64_t *out)
{
    LIG_TRY(lig_json_require(config, key));
    return lig_json_get_i64(config, key, out);
}

static LigStatus read_sizes(const LigJson *config, LigSpec *spec)
{
    LIG_TRY(need_i64(config, "vocab_size", &spec->vocab));
    LIG_TRY(need_i64(config, "hidden_size", &spec->width));
    LIG_TRY(need_i64(config, "num_hidden_layers", &spec->layers));
    LIG_TRY(need_i64(config, "intermediate_size", &spec->mlp.width));
    spec->context = 2048;
    LIG_TRY(lig_json_get_i64(config, "max_position_embeddings", &spec->context));
    return lig_json_get_bool(config, "tie_word_embeddings", &spec->tie);
}

static LigStatus read_attention(const LigJson *config, LigSpec *spec)
{
    LigAttentionSpec *attention = &spec->attention;
    LIG_TRY(need_i64(config, "num_attention_heads", &attention->heads));
    attention->kv_heads = attention->heads;
    LIG_TRY(lig_json_get_i64(config, "num_key_value_heads", &attention->kv_heads));
    attention->head = attention->heads > 0 ? spec->width / attention->heads : 0;
    LIG_TRY(lig_json_get_i64(config, "head_dim", &attention->head));
    bool bias = false;
    LIG_TRY(lig_json_get_bool(config, "attention_bias", &bias));
    attention->bias_q = attention->bias_k = attention->bias_v = attention->bias_o = bias;
    return LIG_OK;
}

static LigStatus read_mlp(const LigJson *config, LigSpec *spec)
{
    LigStr act = LIG_STR("silu");
    LIG_TRY(lig_json_get_str(config, "hidden_act", &act));
    if (!lig_str_is(act, "silu")) {
        return lig_json_fail(config, LIG_ERR_UNSUPPORTED, "hidden_act",
                             "must be silu for a llama: other activations come with other models");
    }
    spec->mlp.gated = true;
    spec->mlp.act = LIG_ACT_SILU;
    return lig_json_get_bool(config, "mlp_bias", &spec->mlp.bias);
}

static LigStatus read_scaling(const LigJson *rope, LigRopeSpec *out)
{
    LigStr type = LIG_STR("default");
    LIG_TRY(lig_json_check_known(rope, known_rope_keys, COUNT_OF(known_rope_keys)));
    LIG_TRY(lig_json_get_str(rope, "type", &type));
    LIG_TRY(lig_json_get_str(rope, "rope_type", &type));
    if (lig_str_is(type, "default")) return LIG_OK;
    LIG_TRY(lig_json_require(rope, "factor"));
    LIG_TRY(lig_json_get_f64(rope, "factor", &out->factor));
    if (lig_str_is(type, "linear")) {
        out->scaling = LIG_ROPE_LINEAR;
        return LIG_OK;
    }
    if (!lig_str_is(type, "llama3")) {
        return lig_json_fail(rope, LIG_ERR_UNSUPPORTED, "rope_type",
                             "is not known: default, linear and llama3 are");
    }
    out->scaling = LIG_ROPE_LLAMA3;
    LIG_TRY(lig_json_require(rope, "low_freq_factor"));
    LIG_TRY(lig_json_require(rope, "high_freq_factor"));
    LIG_TRY(lig_json_get_f64(rope, "low_freq_factor", &out->low_freq_factor));
    LIG_TRY(lig_json_get_f64(rope, "high_freq_factor", &out->high_freq_factor));
    return need_i64(rope, "original_max_position_embeddings", &out->original_context);
}

// Old files have rope_theta beside rope_scaling, new ones both in rope_parameters.
static LigStatus read_rope(const LigJson *config, LigSpec *spec)
{
    LigRopeSpec *rope = &spec->rope;
    *rope = (LigRopeSpec){.theta = 10000, .fraction = 1, .pairs = LIG_PAIRS_HALF};
    bool interleaved = false;
    LIG_TRY(lig_json_get_bool(config, "rope_interleaved", &interleaved));
    if (interleaved) {
        return lig_json_fail(config, LIG_ERR_UNSUPPORTED, "rope_interleaved",
                             "must be false: Transformers ignores it as well");
    }
    LIG_TRY(lig_json_get_f64(config, "rope_theta", &rope->theta));
    LigJson scaling, parameters;
    LIG_TRY(lig_json_child(config, "rope_scaling", &scaling));
    LIG_TRY(lig_json_child(config, "rope_parameters", &parameters));
    if (scaling.object) LIG_TRY(read_scaling(&scaling, rope));
    if (!parameters.object) return LIG_OK;
    LIG_TRY(lig_json_get_f64(&parameters, "rope_theta", &rope->theta));
    return read_scaling(&parameters, rope);
}

static LigStatus check_type(const LigJson *config)
{
    LigStr type = {0};
    LIG_TRY(lig_json_require(config, "model_type"));
    LIG_TRY(lig_json_get_str(config, "model_type", &type));
    if (lig_str_is(type, "llama")) return LIG_OK;
    return lig_json_fail(config, LIG_ERR_UNSUPPORTED, "model_type", "is not supported: llama is");
}

static LigStatus read_spec(const LigJson *config, LigSpec *spec)
{
    LIG_TRY(check_type(config));
    LIG_TRY(lig_json_check_known(config, known_keys, COUNT_OF(known_keys)));
    LIG_TRY(read_sizes(config, spec));
    LIG_TRY(read_attention(config, spec));
    LIG_TRY(read_mlp(config, spec));
    LIG_TRY(read_rope(config, spec));
    spec->norm = (LigNormSpec){.kind = LIG_NORM_RMS, .place = LIG_NORM_PRE, .eps = 1e-6};
    return lig_json_get_f64(config, "rms_norm_eps", &spec->norm.eps);
}

static LigStr file_in(LigArena *arena, const char *directory, const char *name)
{
    return lig_str_format(arena, "%s/%s", directory, name);
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
    *out = (LigSpec){.family = LIG_FAMILY_DECODER, .name = directory_name(arena, directory)};
    LigStr path = file_in(arena, directory, "config.json");
    if (!path.data || !out->name.data) return lig_no_memory(ctx);
    json_t *root;
    LIG_TRY(lig_json_read_file(ctx, path.data, &root));
    LigJson config;
    LigStatus status = lig_json_root(ctx, path.data, root, &config);
    if (status == LIG_OK) status = read_spec(&config, out);
    json_decref(root);
    return status;
}

// The tokenizer.

// A file's JSON when the file is there; NULL when it is not.
static LigStatus read_optional(LigContext *ctx, LigArena *arena, const char *directory, const char *name,
                               json_t **out)
{
    *out = NULL;
    LigStr path = file_in(arena, directory, name);
    if (!path.data) return lig_no_memory(ctx);
    return lig_path_exists(path.data) ? lig_json_read_file(ctx, path.data, out) : LIG_OK;
}

// A special token is a string, or an object whose "content" is one.
static LigStr token_text(const json_t *config, const char *key)
{
    const json_t *token = json_object_get(config, key);
    if (json_is_object(token)) token = json_object_get(token, "content");
    return json_is_string(token) ? (LigStr){json_string_value(token), json_string_length(token)} : (LigStr){0};
}

// The chat template of tokenizer_config.json: a string, or a list of named ones of which "default" counts.
static LigStr template_text(const json_t *config)
{
    const json_t *template = json_object_get(config, "chat_template");
    size_t index;
    const json_t *entry;
    json_array_foreach((json_t *)(uintptr_t)template, index, entry)
    {
        if (lig_str_is(token_text(entry, "name"), "default")) return token_text(entry, "template");
    }
    return token_text(config, "chat_template");
}

// generation_config.json's eos_token_id: one id, or several.
static LigStatus read_end_ids(LigContext *ctx, LigArena *arena, const json_t *generation,
                              LigTokenizerExtras *extras)
{
    const json_t *ids = json_object_get(generation, "eos_token_id");
    size_t count = json_is_array(ids) ? json_array_size(ids) : json_is_integer(ids) ? 1 : 0;
    int32_t *out = LIG_NEW_ARRAY(arena, int32_t, count);
    if (!out) return lig_no_memory(ctx);
    for (size_t i = 0; i < count; i++) {
        json_int_t id = json_integer_value(json_is_array(ids) ? json_array_get(ids, i) : ids);
        if (id < 0 || id > INT32_MAX) {
            return lig_fail(ctx, LIG_ERR_INVALID, LIG_FILE_LOC("generation_config.json"),
                            "eos_token_id %lld is no token id", (long long)id);
        }
        out[i] = (int32_t)id;
    }
    extras->end_ids = out;
    extras->end_count = count;
    return LIG_OK;
}

// The files that say what stands beside tokenizer.json; kept open while their texts are in use.
typedef struct Beside {
    json_t *config, *generation;
    LigMappedFile *template;
} Beside;

static LigStatus open_beside(LigContext *ctx, LigArena *arena, const char *directory, Beside *beside,
                             LigTokenizerExtras *extras)
{
    LIG_TRY(read_optional(ctx, arena, directory, "tokenizer_config.json", &beside->config));
    LIG_TRY(read_optional(ctx, arena, directory, "generation_config.json", &beside->generation));
    extras->bos = token_text(beside->config, "bos_token");
    extras->eos = token_text(beside->config, "eos_token");
    extras->pad = token_text(beside->config, "pad_token");
    extras->chat_template = template_text(beside->config);
    LigStr path = file_in(arena, directory, "chat_template.jinja"); // newer directories: a file of its own
    if (!path.data) return lig_no_memory(ctx);
    if (lig_path_exists(path.data)) {
        LIG_TRY(lig_file_map(ctx, path.data, &beside->template));
        extras->chat_template = (LigStr){(const char *)beside->template->data, beside->template->size};
    }
    return read_end_ids(ctx, arena, beside->generation, extras);
}

static LigStatus build_tokenizer(LigContext *ctx, const char *directory, const char *path, LigArena *arena,
                                 LigImageBytes *out)
{
    LigMappedFile *file;
    LIG_TRY(lig_file_map(ctx, path, &file));
    Beside beside = {0};
    LigTokenizerExtras extras = {0};
    LigStatus status = open_beside(ctx, arena, directory, &beside, &extras);
    const LigStr text = {(const char *)file->data, file->size};
    if (status == LIG_OK) status = lig_tokenizer_from_json(ctx, path, text, &extras, out);
    json_decref(beside.config);
    json_decref(beside.generation);
    lig_file_unmap(beside.template);
    lig_file_unmap(file);
    return status;
}

LigStatus lig_import_hf_tokenizer(LigContext *ctx, const char *directory, LigImageBytes *out)
{
    *out = (LigImageBytes){0};
    LigArena *arena = lig_arena_create();
    LigStr path = arena ? file_in(arena, directory, "tokenizer.json") : (LigStr){0};
    LigStatus status = LIG_OK;
    if (!path.data) {
        status = lig_no_memory(ctx);
    } else if (lig_path_exists(path.data)) {
        status = build_tokenizer(ctx, directory, path.data, arena, out);
    }
    lig_arena_destroy(arena);
    return status;
}

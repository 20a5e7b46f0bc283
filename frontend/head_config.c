#include "frontend/head_config.h"

#include "frontend/json.h"
#include "ir/base/file.h"

#include <string.h>

// The file's JSON when it is there; *out is NULL when it is not.
static LigStatus read_optional(LigContext *ctx, const char *path, json_t **out)
{
    *out = NULL;
    return lig_path_exists(path) ? lig_json_read_file(ctx, path, out) : LIG_OK;
}

typedef struct PoolingKey {
    const char *key;
    LigPooling pooling;
    bool known;
} PoolingKey;

static const PoolingKey pooling_keys[] = {
    {"pooling_mode_mean_tokens", LIG_POOL_MEAN, true},
    {"pooling_mode_cls_token", LIG_POOL_CLS, true},
    {"pooling_mode_lasttoken", LIG_POOL_LAST, true},
    {"pooling_mode_max_tokens", LIG_POOL_MEAN, false},
    {"pooling_mode_mean_sqrt_len_tokens", LIG_POOL_MEAN, false},
    {"pooling_mode_weightedmean_tokens", LIG_POOL_MEAN, false},
};

static LigStatus choose_pooling(const LigJson *config, LigPooling *out)
{
    const PoolingKey *chosen = NULL;
    for (size_t i = 0; i < sizeof pooling_keys / sizeof *pooling_keys; i++) {
        bool on = false;
        LIG_TRY(lig_json_get_bool(config, pooling_keys[i].key, &on));
        if (!on) continue;
        if (chosen || !pooling_keys[i].known) {
            return lig_json_fail(config, LIG_ERR_UNSUPPORTED, pooling_keys[i].key,
                                 chosen ? "is a second pooling: one of mean, cls and last is known"
                                        : "is a pooling that is not known: mean, cls and last are");
        }
        chosen = &pooling_keys[i];
    }
    if (chosen) *out = chosen->pooling;
    return LIG_OK;
}

static LigStatus read_pooling(LigContext *ctx, const char *path, LigPooling *out)
{
    json_t *root;
    LigJson config;
    LIG_TRY(lig_json_read_file(ctx, path, &root));
    LigStatus status = lig_json_root(ctx, path, root, &config);
    if (status == LIG_OK) status = choose_pooling(&config, out);
    json_decref(root);
    return status;
}

// What a module's type ends in: "sentence_transformers.models.Pooling".
static bool is_type(LigStr type, const char *name)
{
    size_t length = strlen(name);
    return type.length > length && type.data[type.length - length - 1] == '.' &&
           memcmp(type.data + type.length - length, name, length) == 0;
}

static LigStatus read_module(const LigJson *module, LigArena *arena, const char *directory,
                             LigEmbeddingConfig *out)
{
    LigStr type = {0}, path = {0};
    LIG_TRY(lig_json_get_str(module, "type", &type));
    LIG_TRY(lig_json_get_str(module, "path", &path));
    if (is_type(type, "Transformer")) return LIG_OK;
    if (is_type(type, "Normalize")) {
        out->normalize = true;
        return LIG_OK;
    }
    if (!is_type(type, "Pooling")) {
        return lig_json_fail(module, LIG_ERR_UNSUPPORTED, "type",
                             "names a module that is not known: Transformer, Pooling and Normalize are");
    }
    if (memchr(path.data ? path.data : "", '/', path.length) || lig_str_is(path, "..")) {
        return lig_json_fail(module, LIG_ERR_INVALID, "path", "must be the name of a folder beside the file");
    }
    LigStr file = lig_str_format(arena, "%s/%.*s/config.json", directory, LIG_STR_ARG(path));
    return file.data ? read_pooling(module->ctx, file.data, &out->pooling) : lig_no_memory(module->ctx);
}

static LigStatus read_modules(LigContext *ctx, LigArena *arena, const char *directory, LigEmbeddingConfig *out)
{
    json_t *root;
    LigStr path = lig_str_format(arena, "%s/modules.json", directory);
    if (!path.data) return lig_no_memory(ctx);
    LIG_TRY(read_optional(ctx, path.data, &root));
    if (!root) return LIG_OK;
    out->normalize = false; // only where a module says so
    LigStatus status = LIG_OK;
    if (!json_is_array(root)) {
        status = lig_fail(ctx, LIG_ERR_INVALID, LIG_FILE_LOC(path.data), "must be a list of modules");
    }
    for (size_t i = 0; status == LIG_OK && i < json_array_size(root); i++) {
        LigJson module;
        status = lig_json_root(ctx, path.data, json_array_get(root, i), &module);
        if (status == LIG_OK) status = read_module(&module, arena, directory, out);
    }
    json_decref(root);
    return status;
}

static LigStatus read_length_keys(const LigJson *config, LigEmbeddingConfig *out)
{
    bool lower = false;
    LIG_TRY(lig_json_get_i64(config, "max_seq_length", &out->max_tokens));
    LIG_TRY(lig_json_get_bool(config, "do_lower_case", &lower));
    if (out->max_tokens < 0) {
        return lig_json_fail(config, LIG_ERR_INVALID, "max_seq_length", "must be a count of tokens");
    }
    if (!lower) return LIG_OK;
    return lig_json_fail(config, LIG_ERR_UNSUPPORTED, "do_lower_case",
                         "asks for lower case before the tokenizer: set it to false and give lower case");
}

static LigStatus read_length(LigContext *ctx, LigArena *arena, const char *directory, LigEmbeddingConfig *out)
{
    json_t *root;
    LigJson config;
    LigStr path = lig_str_format(arena, "%s/sentence_bert_config.json", directory);
    if (!path.data) return lig_no_memory(ctx);
    LIG_TRY(read_optional(ctx, path.data, &root));
    if (!root) return LIG_OK;
    LigStatus status = lig_json_root(ctx, path.data, root, &config);
    if (status == LIG_OK) status = read_length_keys(&config, out);
    json_decref(root);
    return status;
}

LigStatus lig_embedding_config_read(LigContext *ctx, const char *path, LigEmbeddingConfig *out)
{
    *out = (LigEmbeddingConfig){.pooling = LIG_POOL_MEAN, .normalize = true};
    if (!lig_path_is_directory(path)) return LIG_OK;
    LigArena *arena = lig_arena_create();
    if (!arena) return lig_no_memory(ctx);
    LigStatus status = read_modules(ctx, arena, path, out);
    if (status == LIG_OK) status = read_length(ctx, arena, path, out);
    lig_arena_destroy(arena);
    return status;
}

static LigStatus read_kind(const LigJson *config, int64_t count, LigLabelKind *out)
{
    LigStr kind = {0};
    LIG_TRY(lig_json_get_str(config, "problem_type", &kind));
    // As in Transformers: a single output is a number unless the file says otherwise.
    *out = count == 1 ? LIG_LABELS_NUMBER : LIG_LABELS_ONE;
    if (kind.length == 0) return LIG_OK;
    if (lig_str_is(kind, "single_label_classification")) {
        *out = LIG_LABELS_ONE;
    } else if (lig_str_is(kind, "multi_label_classification")) {
        *out = LIG_LABELS_ANY;
    } else if (lig_str_is(kind, "regression")) {
        *out = LIG_LABELS_NUMBER;
    } else {
        return lig_json_fail(config, LIG_ERR_UNSUPPORTED, "problem_type",
                             "is not known: single_label_classification, multi_label_classification and "
                             "regression are");
    }
    return LIG_OK;
}

static LigStatus read_label(const LigJson *labels, LigArena *arena, int64_t index, LigStr *out)
{
    LigStr name = {0}, key = lig_str_format(arena, "%lld", (long long)index);
    if (!key.data) return lig_no_memory(labels->ctx);
    if (labels->object) LIG_TRY(lig_json_get_str(labels, key.data, &name));
    *out = name.length > 0 ? lig_str_copy(arena, name) : lig_str_format(arena, "LABEL_%s", key.data);
    return out->data ? LIG_OK : lig_no_memory(labels->ctx);
}

static LigStatus read_labels(const LigJson *config, LigArena *arena, int64_t count, LigLabelConfig *out)
{
    LigJson labels;
    LIG_TRY(read_kind(config, count, &out->kind));
    LIG_TRY(lig_json_child(config, "id2label", &labels));
    LigStr *names = LIG_NEW_ARRAY(arena, LigStr, (size_t)count);
    if (!names) return lig_no_memory(config->ctx);
    for (int64_t i = 0; i < count; i++) LIG_TRY(read_label(&labels, arena, i, &names[i]));
    out->names = names;
    return LIG_OK;
}

LigStatus lig_label_config_read(LigContext *ctx, LigArena *arena, const char *path, int64_t count,
                                LigLabelConfig *out)
{
    json_t *root = NULL;
    LigStr file = lig_str_format(arena, "%s/config.json", path);
    if (!file.data) return lig_no_memory(ctx);
    if (lig_path_is_directory(path)) LIG_TRY(read_optional(ctx, file.data, &root));
    LigJson config = {.ctx = ctx, .path = file.data};
    LigStatus status = root ? lig_json_root(ctx, file.data, root, &config) : LIG_OK;
    if (status == LIG_OK) status = read_labels(&config, arena, count, out);
    json_decref(root);
    return status;
}

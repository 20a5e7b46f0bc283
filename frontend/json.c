#include "frontend/json.h"

#include "ir/base/file.h"

#include <stdarg.h>

// jansson quotes the input in its messages, line breaks included.
static void flatten(char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f) *text = ' ';
    }
}

LigStatus lig_json_parse(LigContext *ctx, const char *path, LigStr text, json_t **out)
{
    json_error_t error;
    const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY;
    json_t *root = json_loadb(text.data ? text.data : "", text.length, flags, &error);
    if (root) {
        *out = root;
        return LIG_OK;
    }
    if (json_error_code(&error) == json_error_out_of_memory) return lig_no_memory(ctx);
    LigLoc loc = {path, error.line > 0 ? (uint32_t)error.line : 0,
                  error.column > 0 ? (uint32_t)error.column : 0};
    flatten(error.text);
    return lig_fail(ctx, LIG_ERR_PARSE, loc, "is not JSON: %s; correct it, or fetch the file again",
                    error.text);
}

LigStatus lig_json_read_file(LigContext *ctx, const char *path, json_t **out)
{
    LigMappedFile *file;
    LIG_TRY(lig_file_map(ctx, path, &file));
    LigStatus status = lig_json_parse(ctx, path, (LigStr){(const char *)file->data, file->size}, out);
    lig_file_unmap(file);
    return status;
}

LigStatus lig_json_root(LigContext *ctx, const char *path, json_t *root, LigJson *out)
{
    if (!json_is_object(root)) {
        return lig_fail(ctx, LIG_ERR_INVALID, LIG_FILE_LOC(path),
                        "holds JSON that is no object: expected { … } with keys, check the path");
    }
    *out = (LigJson){.ctx = ctx, .path = path, .object = root};
    return LIG_OK;
}

static void append_scope(LigText *text, const LigJson *json)
{
    if (!json->parent) return;
    append_scope(text, json->parent);
    lig_text_printf(text, "%s.", json->name);
}

// 'rope_scaling.factor'
static void append_key(LigText *text, const LigJson *json, const char *key)
{
    enum { MOST = 128 };
    LigText name = {0};
    append_scope(&name, json);
    lig_text_append(&name, lig_str(key));
    if (name.failed)
        text->failed = true;
    else
        lig_text_printf(text, "'%.*s'", (int)(name.length < MOST ? name.length : MOST), name.data);
    lig_text_free(&name);
}

static int append_piece(const char *piece, size_t bytes, void *text)
{
    lig_text_append(text, (LigStr){piece, bytes});
    return 0;
}

// 'rope_scaling.factor' is -1
static void append_key_and_value(LigText *text, const LigJson *json, const char *key)
{
    enum { MOST = 64 };
    const json_t *value = json_object_get(json->object, key);
    const size_t flags = JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(9);
    LigText shown = {0};
    append_key(text, json, key);
    if (value && json_dump_callback(value, append_piece, &shown, flags) != 0) shown.failed = true;
    if (shown.failed)
        text->failed = true;
    else if (value)
        lig_text_printf(text, " is %.*s%s", (int)(shown.length < MOST ? shown.length : MOST), shown.data,
                        shown.length > MOST ? "..." : "");
    else
        lig_text_printf(text, " is absent");
    lig_text_free(&shown);
}

// Records the text as a message; frees it.
static LigStatus fail_text(const LigJson *json, LigStatus status, LigText *text)
{
    if (text->failed) {
        status = lig_no_memory(json->ctx);
    } else {
        flatten(text->data);
        status = lig_fail(json->ctx, status, LIG_FILE_LOC(json->path), "%s", text->data);
    }
    lig_text_free(text);
    return status;
}

LigStatus lig_json_fail(const LigJson *json, LigStatus status, const char *key, const char *format, ...)
{
    LigText text = {0};
    append_key(&text, json, key);
    lig_text_append_char(&text, ' ');
    va_list args;
    va_start(args, format);
    lig_text_vprintf(&text, format, args);
    va_end(args);
    return fail_text(json, status, &text);
}

LigStatus lig_json_fail_value(const LigJson *json, LigStatus status, const char *key, const char *format, ...)
{
    LigText text = {0};
    append_key_and_value(&text, json, key);
    lig_text_append(&text, LIG_STR(": "));
    va_list args;
    va_start(args, format);
    lig_text_vprintf(&text, format, args);
    va_end(args);
    return fail_text(json, status, &text);
}

LigStatus lig_json_fail_pair(LigJsonKey one, LigJsonKey other, const char *message)
{
    LigText text = {0};
    append_key_and_value(&text, one.json, one.key);
    lig_text_append(&text, LIG_STR(", but "));
    append_key_and_value(&text, other.json, other.key);
    lig_text_printf(&text, ": %s", message);
    return fail_text(one.json, LIG_ERR_INVALID, &text);
}

// NULL when absent or null.
static json_t *find(const LigJson *json, const char *key)
{
    json_t *value = json_object_get(json->object, key);
    return json_is_null(value) ? NULL : value;
}

bool lig_json_has(const LigJson *json, const char *key) { return find(json, key) != NULL; }

LigStatus lig_json_require(const LigJson *json, const char *key)
{
    if (find(json, key)) return LIG_OK;
    return lig_json_fail(json, LIG_ERR_NOT_FOUND, key,
                         "is missing: the model can't be read without it, add it");
}

LigStatus lig_json_child(const LigJson *json, const char *key, LigJson *out)
{
    json_t *value = find(json, key);
    if (value && !json_is_object(value)) {
        return lig_json_fail(json, LIG_ERR_INVALID, key, "is no object: expected { … }, correct it");
    }
    *out = (LigJson){json->ctx, json->path, json, key, value};
    return LIG_OK;
}

LigStatus lig_json_get_i64(const LigJson *json, const char *key, int64_t *out)
{
    json_t *value = find(json, key);
    if (!value) return LIG_OK;
    if (!json_is_integer(value)) {
        return lig_json_fail(json, LIG_ERR_INVALID, key, "is no integer: expected a whole number, correct it");
    }
    *out = json_integer_value(value);
    return LIG_OK;
}

LigStatus lig_json_get_f64(const LigJson *json, const char *key, double *out)
{
    json_t *value = find(json, key);
    if (!value) return LIG_OK;
    if (!json_is_number(value)) {
        return lig_json_fail(json, LIG_ERR_INVALID, key, "is no number: expected a number, correct it");
    }
    *out = json_number_value(value);
    return LIG_OK;
}

LigStatus lig_json_get_bool(const LigJson *json, const char *key, bool *out)
{
    json_t *value = find(json, key);
    if (!value) return LIG_OK;
    if (!json_is_boolean(value)) {
        return lig_json_fail(json, LIG_ERR_INVALID, key, "is no bool: expected true or false, correct it");
    }
    *out = json_is_true(value);
    return LIG_OK;
}

LigStatus lig_json_get_str(const LigJson *json, const char *key, LigStr *out)
{
    json_t *value = find(json, key);
    if (!value) return LIG_OK;
    if (!json_is_string(value)) {
        return lig_json_fail(json, LIG_ERR_INVALID, key, "is no string: expected \"…\", correct it");
    }
    *out = (LigStr){json_string_value(value), json_string_length(value)};
    return LIG_OK;
}

static bool is_known(const char *key, const char *const *known, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (lig_str_is(lig_str(key), known[i])) return true;
    }
    return false;
}

LigStatus lig_json_check_known(const LigJson *json, const char *const *known, size_t count)
{
    const char *key;
    json_t *value;
    json_object_foreach(json->object, key, value)
    {
        if (json_is_null(value) || is_known(key, known, count)) continue;
        return lig_json_fail(
            json, LIG_ERR_UNSUPPORTED, key,
            "is not a key that is known: it may change what the model computes, remove it if not");
    }
    return LIG_OK;
}

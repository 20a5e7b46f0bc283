// Methods of texts and maps, and the functions that every chat template has.
#include "runtime/text/template_eval.h"
#include "runtime/text/utf8.h"

#include <string.h>
#include <utf8proc.h>

typedef struct Call {
    LigTplEval *e;
    LigStr name;
    const LigVariant *self;
    const LigTplArgs *args;
    LigVariant *out;
} Call;

static bool is_strip_character(LigStr character, LigStr set)
{
    uint32_t code_point = lig_utf8_next(character).code_point;
    if (set.data) return memmem(set.data, set.length, character.data, character.length) != NULL;
    return lig_utf8_is_space(code_point) || (code_point >= 0x1C && code_point <= 0x1F);
}

LigStr lig_template_strip(LigStr s, LigStr set, bool left, bool right)
{
    while (left && s.length > 0) {
        LigStr first = {s.data, lig_utf8_next(s).bytes};
        if (!is_strip_character(first, set)) break;
        s = lig_str_skip(s, first.length);
    }
    while (right && s.length > 0) {
        size_t bytes = lig_utf8_last_bytes(s);
        if (!is_strip_character((LigStr){s.data + s.length - bytes, bytes}, set)) break;
        s.length -= bytes;
    }
    return s;
}

// The string argument at a position; empty with data = NULL when it is absent or none.
static LigStatus text_arg(const Call *c, size_t position, const char *name, LigStr *out)
{
    const LigVariant *value = lig_template_arg(c->args, position, name);
    *out = (LigStr){0};
    if (!value || value->kind == LIG_VARIANT_NONE) return LIG_OK;
    if (value->kind != LIG_VARIANT_STRING)
        return lig_template_error(c->e, c->args->node, LIG_ERR_INVALID, "%.*s: expected a string, got '%s'",
                                  LIG_STR_ARG(c->name), lig_variant_kind_name(value));
    *out = value->string.data ? value->string : LIG_STR("");
    return LIG_OK;
}

static LigStatus text_strip(const Call *c)
{
    LigStr set;
    LIG_TRY(text_arg(c, 0, "chars", &set));
    bool left = !lig_str_is(c->name, "rstrip");
    bool right = !lig_str_is(c->name, "lstrip");
    *c->out = lig_variant_string(lig_template_strip(c->self->string, set, left, right));
    return LIG_OK;
}

static LigStatus text_starts_or_ends(const Call *c)
{
    LigStr part;
    LIG_TRY(text_arg(c, 0, "prefix", &part));
    bool starts = lig_str_is(c->name, "startswith");
    *c->out = lig_variant_bool(starts ? lig_str_starts_with(c->self->string, part)
                                      : lig_str_ends_with(c->self->string, part));
    return LIG_OK;
}

static const char *find(LigStr s, LigStr part)
{
    return s.length > 0 && part.length > 0 ? memmem(s.data, s.length, part.data, part.length) : NULL;
}

static LigStatus split_at(const Call *c, LigStr separator, int64_t limit)
{
    LigStr rest = c->self->string;
    for (const char *at; limit != 0 && (at = find(rest, separator)) != NULL; limit--) {
        LigStr part = {rest.data, (size_t)(at - rest.data)};
        LIG_TRY(lig_template_push(c->e, c->out, lig_variant_string(part)));
        rest = lig_str_skip(rest, part.length + separator.length);
    }
    return lig_template_push(c->e, c->out, lig_variant_string(rest));
}

// Words between white space, as split() without a separator.
static LigStatus split_words(const Call *c, int64_t limit)
{
    LigStr rest = lig_template_strip(c->self->string, (LigStr){0}, true, false);
    for (; rest.length > 0; limit--) {
        size_t end = 0;
        while (end < rest.length) {
            LigStr next = {rest.data + end, lig_utf8_next(lig_str_skip(rest, end)).bytes};
            if (limit != 0 && is_strip_character(next, (LigStr){0})) break;
            end += next.length;
        }
        LIG_TRY(lig_template_push(c->e, c->out, lig_variant_string((LigStr){rest.data, end})));
        rest = lig_template_strip(lig_str_skip(rest, end), (LigStr){0}, true, false);
    }
    return LIG_OK;
}

static LigStatus text_split(const Call *c)
{
    LigStr separator;
    LIG_TRY(text_arg(c, 0, "sep", &separator));
    const LigVariant *limit = lig_template_arg(c->args, 1, "maxsplit");
    int64_t count = limit && limit->kind == LIG_VARIANT_INT ? limit->integer : -1;
    if (!lig_variant_new_list(c->e->arena, c->out)) return lig_no_memory(c->e->ctx);
    if (!separator.data) return split_words(c, count);
    if (separator.length == 0)
        return lig_template_error(c->e, c->args->node, LIG_ERR_INVALID, "split: empty separator");
    return split_at(c, separator, count);
}

static LigStatus text_replace(const Call *c)
{
    LigStr old;
    LigStr new;
    LIG_TRY(text_arg(c, 0, "old", &old));
    LIG_TRY(text_arg(c, 1, "new", &new));
    if (old.length == 0)
        return lig_template_error(c->e, c->args->node, LIG_ERR_UNSUPPORTED, "replace of an empty text");
    LigText text = {0};
    LigStr rest = c->self->string;
    for (const char *at; (at = find(rest, old)) != NULL;) {
        LigStr part = {rest.data, (size_t)(at - rest.data)};
        lig_text_append(&text, part);
        lig_text_append(&text, new);
        rest = lig_str_skip(rest, part.length + old.length);
        if (text.length > LIG_TEMPLATE_MAX_BYTES) break; // take_text reports it
    }
    lig_text_append(&text, rest);
    return lig_template_take_text(c->e, c->args->node, &text, c->out);
}

// Simple case mapping, character by character.
static LigStatus text_case(const Call *c)
{
    LigText text = {0};
    bool capitalize = lig_str_is(c->name, "capitalize");
    bool upper = capitalize || lig_str_is(c->name, "upper");
    for (LigStr rest = c->self->string; rest.length > 0;) {
        LigUtf8Char next = lig_utf8_next(rest);
        utf8proc_int32_t point = (utf8proc_int32_t)next.code_point;
        lig_utf8_append(&text, (uint32_t)(upper ? utf8proc_toupper(point) : utf8proc_tolower(point)));
        rest = lig_str_skip(rest, next.bytes);
        if (capitalize) upper = false;
    }
    return lig_template_take_text(c->e, c->args->node, &text, c->out);
}

static LigStatus map_list(const Call *c)
{
    bool keys = !lig_str_is(c->name, "values");
    bool values = !lig_str_is(c->name, "keys");
    if (!lig_variant_new_list(c->e->arena, c->out)) return lig_no_memory(c->e->ctx);
    for (size_t i = 0; i < c->self->map->count; i++) {
        const LigVariantEntry *entry = &c->self->map->data[i];
        LigVariant item = keys ? lig_variant_string(entry->key) : entry->value;
        if (keys && values) {
            LigVariant pair;
            if (!lig_variant_new_list(c->e->arena, &pair)) return lig_no_memory(c->e->ctx);
            LIG_TRY(lig_template_push(c->e, &pair, item));
            LIG_TRY(lig_template_push(c->e, &pair, entry->value));
            item = pair;
        }
        LIG_TRY(lig_template_push(c->e, c->out, item));
    }
    return LIG_OK;
}

static LigStatus map_get(const Call *c)
{
    LigStr key;
    LIG_TRY(text_arg(c, 0, "key", &key));
    const LigVariant *found = lig_variant_get(c->self, key);
    const LigVariant *fallback = lig_template_arg(c->args, 1, "default");
    *c->out = found ? *found : fallback ? *fallback : (LigVariant){.kind = LIG_VARIANT_NONE};
    return LIG_OK;
}

typedef struct Method {
    const char *name;
    LigVariantKind kind;
    LigStatus (*run)(const Call *call);
} Method;

static const Method methods[] = {
    {"strip", LIG_VARIANT_STRING, text_strip},
    {"lstrip", LIG_VARIANT_STRING, text_strip},
    {"rstrip", LIG_VARIANT_STRING, text_strip},
    {"startswith", LIG_VARIANT_STRING, text_starts_or_ends},
    {"endswith", LIG_VARIANT_STRING, text_starts_or_ends},
    {"split", LIG_VARIANT_STRING, text_split},
    {"replace", LIG_VARIANT_STRING, text_replace},
    {"upper", LIG_VARIANT_STRING, text_case},
    {"lower", LIG_VARIANT_STRING, text_case},
    {"capitalize", LIG_VARIANT_STRING, text_case},
    {"items", LIG_VARIANT_MAP, map_list},
    {"keys", LIG_VARIANT_MAP, map_list},
    {"values", LIG_VARIANT_MAP, map_list},
    {"get", LIG_VARIANT_MAP, map_get},
};

LigStatus lig_template_method(LigTplEval *e, LigStr name, const LigVariant *value, const LigTplArgs *args,
                              LigVariant *out)
{
    const Call call = {e, name, value, args, out};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (value->kind == methods[i].kind && lig_str_is(name, methods[i].name)) return methods[i].run(&call);
    if (value->kind == LIG_VARIANT_UNDEFINED)
        return lig_template_error(e, args->node, LIG_ERR_INVALID, "'%.*s' is undefined",
                                  LIG_STR_ARG(value->string));
    return lig_template_error(e, args->node, LIG_ERR_UNSUPPORTED, "the method '%.*s' of '%s' is not supported",
                              LIG_STR_ARG(name), lig_variant_kind_name(value));
}

static LigStatus call_range(const Call *c)
{
    int64_t bounds[3] = {0, 0, 1};
    for (size_t i = 0; i < c->args->count; i++) {
        if (i >= 3 || c->args->data[i].kind != LIG_VARIANT_INT)
            return lig_template_error(c->e, c->args->node, LIG_ERR_INVALID,
                                      "range: expected one to three integers");
        bounds[i] = c->args->data[i].integer;
    }
    if (c->args->count == 1) {
        bounds[1] = bounds[0];
        bounds[0] = 0;
    }
    if (c->args->count == 0 || bounds[2] == 0)
        return lig_template_error(c->e, c->args->node, LIG_ERR_INVALID, "range: no end, or a step of 0");
    if (!lig_variant_new_list(c->e->arena, c->out)) return lig_no_memory(c->e->ctx);
    for (int64_t i = bounds[0]; bounds[2] > 0 ? i < bounds[1] : i > bounds[1];) {
        if (c->out->list->count == LIG_TEMPLATE_MAX_RANGE)
            return lig_template_error(c->e, c->args->node, LIG_ERR_INVALID, "range: more than 2^20 numbers");
        LIG_TRY(lig_template_push(c->e, c->out, lig_variant_int(i)));
        if (__builtin_add_overflow(i, bounds[2], &i)) break;
    }
    return LIG_OK;
}

static LigStatus call_map(const Call *c)
{
    if (!lig_variant_new_map(c->e->arena, c->out)) return lig_no_memory(c->e->ctx);
    if (lig_str_is(c->name, "namespace")) c->out->kind = LIG_VARIANT_NAMESPACE;
    for (size_t i = 0; i < c->args->count; i++) {
        if (!c->args->names || !c->args->names[i].data)
            return lig_template_error(c->e, c->args->node, LIG_ERR_UNSUPPORTED, "%.*s takes name=value only",
                                      LIG_STR_ARG(c->name));
        if (!lig_variant_put(c->e->arena, c->out, c->args->names[i], c->args->data[i]))
            return lig_no_memory(c->e->ctx);
    }
    return LIG_OK;
}

// The template refuses its input; its words are the whole message.
static LigStatus call_raise(const Call *c)
{
    LigStr message;
    LIG_TRY(text_arg(c, 0, "message", &message));
    return lig_template_error(c->e, c->args->node, LIG_ERR_INVALID, "%.*s", LIG_STR_ARG(message));
}

LigStatus lig_template_function(LigTplEval *e, LigStr name, const LigTplArgs *args, LigVariant *out,
                                bool *found)
{
    const Call call = {e, name, NULL, args, out};
    *found = true;
    if (lig_str_is(name, "range")) return call_range(&call);
    if (lig_str_is(name, "namespace") || lig_str_is(name, "dict")) return call_map(&call);
    if (lig_str_is(name, "raise_exception")) return call_raise(&call);
    *found = false;
    return LIG_OK;
}

#include "runtime/text/variant.h"

#include "ir/base/vec.h"

#include <math.h>
#include <string.h>

enum { MAX_DEPTH = 64 };

LigVariant lig_variant_bool(bool value) { return (LigVariant){.kind = LIG_VARIANT_BOOL, .boolean = value}; }
LigVariant lig_variant_int(int64_t value) { return (LigVariant){.kind = LIG_VARIANT_INT, .integer = value}; }
LigVariant lig_variant_float(double value) { return (LigVariant){.kind = LIG_VARIANT_FLOAT, .real = value}; }
LigVariant lig_variant_string(LigStr value)
{
    return (LigVariant){.kind = LIG_VARIANT_STRING, .string = value};
}
LigVariant lig_variant_undefined(LigStr name)
{
    return (LigVariant){.kind = LIG_VARIANT_UNDEFINED, .string = name};
}

bool lig_variant_new_list(LigArena *arena, LigVariant *out)
{
    *out = (LigVariant){.kind = LIG_VARIANT_LIST, .list = LIG_NEW(arena, LigVariantList)};
    return out->list != NULL;
}

bool lig_variant_new_map(LigArena *arena, LigVariant *out)
{
    *out = (LigVariant){.kind = LIG_VARIANT_MAP, .map = LIG_NEW(arena, LigVariantMap)};
    return out->map != NULL;
}

bool lig_variant_push(LigArena *arena, LigVariant *list, LigVariant item)
{
    return LIG_VEC_PUSH(arena, list->list, item);
}

static LigVariantEntry *find(const LigVariant *map, LigStr key)
{
    for (size_t i = 0; i < map->map->count; i++)
        if (lig_str_equal(map->map->data[i].key, key)) return &map->map->data[i];
    return NULL;
}

bool lig_variant_put(LigArena *arena, LigVariant *map, LigStr key, LigVariant value)
{
    LigVariantEntry *entry = find(map, key);
    if (entry) entry->value = value;
    return entry || LIG_VEC_PUSH(arena, map->map, (LigVariantEntry){key, value});
}

const LigVariant *lig_variant_get(const LigVariant *map, LigStr key)
{
    const LigVariantEntry *entry = find(map, key);
    return entry ? &entry->value : NULL;
}

bool lig_variant_is_true(const LigVariant *value)
{
    switch (value->kind) {
    case LIG_VARIANT_UNDEFINED:
    case LIG_VARIANT_NONE:
        return false;
    case LIG_VARIANT_BOOL:
        return value->boolean;
    case LIG_VARIANT_INT:
        return value->integer != 0;
    case LIG_VARIANT_FLOAT:
        return value->real != 0.0;
    case LIG_VARIANT_STRING:
        return value->string.length > 0;
    case LIG_VARIANT_LIST:
        return value->list->count > 0;
    case LIG_VARIANT_MAP:
        return value->map->count > 0;
    case LIG_VARIANT_NAMESPACE:
    case LIG_VARIANT_LOOP:
        return true;
    }
    return false;
}

bool lig_variant_is_number(const LigVariant *value)
{
    return value->kind == LIG_VARIANT_BOOL || value->kind == LIG_VARIANT_INT ||
           value->kind == LIG_VARIANT_FLOAT;
}

double lig_variant_to_double(const LigVariant *number)
{
    if (number->kind == LIG_VARIANT_FLOAT) return number->real;
    return number->kind == LIG_VARIANT_INT ? (double)number->integer : (double)number->boolean;
}

static bool equal(const LigVariant *a, const LigVariant *b, int depth);

static bool equal_lists(const LigVariantList *a, const LigVariantList *b, int depth)
{
    if (a->count != b->count) return false;
    for (size_t i = 0; i < a->count; i++)
        if (!equal(&a->data[i], &b->data[i], depth)) return false;
    return true;
}

static bool equal_maps(const LigVariant *a, const LigVariant *b, int depth)
{
    if (a->map->count != b->map->count) return false;
    for (size_t i = 0; i < a->map->count; i++) {
        const LigVariant *other = lig_variant_get(b, a->map->data[i].key);
        if (!other || !equal(&a->map->data[i].value, other, depth)) return false;
    }
    return true;
}

static bool equal(const LigVariant *a, const LigVariant *b, int depth)
{
    if (depth > MAX_DEPTH) return false;
    if (a->kind == LIG_VARIANT_INT && b->kind == LIG_VARIANT_INT) return a->integer == b->integer;
    if (lig_variant_is_number(a) && lig_variant_is_number(b))
        return lig_variant_to_double(a) == lig_variant_to_double(b);
    if (a->kind != b->kind) return false;
    if (a->kind == LIG_VARIANT_STRING) return lig_str_equal(a->string, b->string);
    if (a->kind == LIG_VARIANT_LIST) return a->list == b->list || equal_lists(a->list, b->list, depth + 1);
    if (a->kind == LIG_VARIANT_MAP) return a->map == b->map || equal_maps(a, b, depth + 1);
    if (a->kind == LIG_VARIANT_NAMESPACE) return a->map == b->map;
    return a->kind == LIG_VARIANT_LOOP ? a->loop == b->loop : true;
}

bool lig_variant_equal(const LigVariant *a, const LigVariant *b) { return equal(a, b, 0); }

const char *lig_variant_kind_name(const LigVariant *value)
{
    static const char *const names[] = {
        [LIG_VARIANT_UNDEFINED] = "Undefined", [LIG_VARIANT_NONE] = "NoneType",
        [LIG_VARIANT_BOOL] = "bool",           [LIG_VARIANT_INT] = "int",
        [LIG_VARIANT_FLOAT] = "float",         [LIG_VARIANT_STRING] = "str",
        [LIG_VARIANT_LIST] = "list",           [LIG_VARIANT_MAP] = "dict",
        [LIG_VARIANT_NAMESPACE] = "Namespace", [LIG_VARIANT_LOOP] = "LoopContext",
    };
    return names[value->kind];
}

// Python writes 1.0 where the shortest decimal form is "1".
static void append_float(LigText *out, double value)
{
    size_t before = out->length;
    lig_text_append_f64(out, value);
    if (out->failed || !isfinite(value)) return;
    LigStr digits = {out->data + before, out->length - before};
    if (!memchr(digits.data, '.', digits.length) && !memchr(digits.data, 'e', digits.length))
        lig_text_append(out, LIG_STR(".0"));
}

static void append_repr(LigText *out, LigStr s)
{
    bool has_single = s.length > 0 && memchr(s.data, '\'', s.length);
    bool has_double = s.length > 0 && memchr(s.data, '"', s.length);
    char quote = has_single && !has_double ? '"' : '\'';
    lig_text_append_char(out, quote);
    for (size_t i = 0; i < s.length; i++) {
        char c = s.data[i];
        if (c == '\n')
            lig_text_append(out, LIG_STR("\\n"));
        else if (c == '\t')
            lig_text_append(out, LIG_STR("\\t"));
        else if (c == '\r')
            lig_text_append(out, LIG_STR("\\r"));
        else if ((unsigned char)c < 0x20 || c == 0x7F)
            lig_text_printf(out, "\\x%02x", (unsigned)c);
        else {
            if (c == quote || c == '\\') lig_text_append_char(out, '\\');
            lig_text_append_char(out, c);
        }
    }
    lig_text_append_char(out, quote);
}

static bool append(LigText *out, const LigVariant *value, int depth);

static bool append_list(LigText *out, const LigVariantList *list, int depth)
{
    lig_text_append_char(out, '[');
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0) lig_text_append(out, LIG_STR(", "));
        if (!append(out, &list->data[i], depth + 1)) return false;
    }
    lig_text_append_char(out, ']');
    return true;
}

static bool append_map(LigText *out, const LigVariantMap *map, int depth)
{
    lig_text_append_char(out, '{');
    for (size_t i = 0; i < map->count; i++) {
        if (i > 0) lig_text_append(out, LIG_STR(", "));
        append_repr(out, map->data[i].key);
        lig_text_append(out, LIG_STR(": "));
        if (!append(out, &map->data[i].value, depth + 1)) return false;
    }
    lig_text_append_char(out, '}');
    return true;
}

static bool append(LigText *out, const LigVariant *value, int depth)
{
    if (depth > MAX_DEPTH) return false;
    switch (value->kind) {
    case LIG_VARIANT_UNDEFINED:
        break;
    case LIG_VARIANT_NONE:
        lig_text_append(out, LIG_STR("None"));
        break;
    case LIG_VARIANT_BOOL:
        lig_text_append(out, value->boolean ? LIG_STR("True") : LIG_STR("False"));
        break;
    case LIG_VARIANT_INT:
        lig_text_printf(out, "%lld", (long long)value->integer);
        break;
    case LIG_VARIANT_FLOAT:
        append_float(out, value->real);
        break;
    case LIG_VARIANT_STRING:
        if (depth > 0)
            append_repr(out, value->string);
        else
            lig_text_append(out, value->string);
        break;
    case LIG_VARIANT_LIST:
        return append_list(out, value->list, depth);
    case LIG_VARIANT_MAP:
        return append_map(out, value->map, depth);
    case LIG_VARIANT_NAMESPACE:
        lig_text_append(out, LIG_STR("<Namespace>"));
        break;
    case LIG_VARIANT_LOOP:
        lig_text_append(out, LIG_STR("<LoopContext>"));
        break;
    }
    return true;
}

bool lig_variant_append_text(LigText *out, const LigVariant *value) { return append(out, value, 0); }

static void append_json_string(LigText *out, LigStr s)
{
    static const char escapes[] = {
        ['"'] = '"', ['\\'] = '\\', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't', ['\b'] = 'b', ['\f'] = 'f'};
    lig_text_append_char(out, '"');
    for (size_t i = 0; i < s.length; i++) {
        unsigned char c = (unsigned char)s.data[i];
        char escape = c < sizeof escapes ? escapes[c] : '\0';
        if (escape) {
            lig_text_append_char(out, '\\');
            lig_text_append_char(out, escape);
        } else if (c < 0x20)
            lig_text_printf(out, "\\u%04x", c);
        else
            lig_text_append_char(out, (char)c);
    }
    lig_text_append_char(out, '"');
}

static void append_json_float(LigText *out, double value)
{
    if (isnan(value))
        lig_text_append(out, LIG_STR("NaN"));
    else if (isinf(value))
        lig_text_append(out, value > 0 ? LIG_STR("Infinity") : LIG_STR("-Infinity"));
    else
        append_float(out, value);
}

// What stands before the item `index` (or, with index = count, before the closing bracket).
static void append_json_break(LigText *out, size_t index, size_t count, int indent, int depth)
{
    if (index > 0 && index < count) lig_text_append(out, indent < 0 ? LIG_STR(", ") : LIG_STR(","));
    if (indent < 0 || count == 0) return;
    lig_text_append_char(out, '\n');
    for (int i = 0; i < indent * (index < count ? depth + 1 : depth); i++) lig_text_append_char(out, ' ');
}

static bool append_json(LigText *out, const LigVariant *value, int indent, int depth);

static bool append_json_list(LigText *out, const LigVariantList *list, int indent, int depth)
{
    lig_text_append_char(out, '[');
    for (size_t i = 0; i < list->count; i++) {
        append_json_break(out, i, list->count, indent, depth);
        if (!append_json(out, &list->data[i], indent, depth + 1)) return false;
    }
    append_json_break(out, list->count, list->count, indent, depth);
    lig_text_append_char(out, ']');
    return true;
}

static bool append_json_map(LigText *out, const LigVariantMap *map, int indent, int depth)
{
    lig_text_append_char(out, '{');
    for (size_t i = 0; i < map->count; i++) {
        append_json_break(out, i, map->count, indent, depth);
        append_json_string(out, map->data[i].key);
        lig_text_append(out, LIG_STR(": "));
        if (!append_json(out, &map->data[i].value, indent, depth + 1)) return false;
    }
    append_json_break(out, map->count, map->count, indent, depth);
    lig_text_append_char(out, '}');
    return true;
}

static bool append_json(LigText *out, const LigVariant *value, int indent, int depth)
{
    if (depth > MAX_DEPTH) return false;
    switch (value->kind) {
    case LIG_VARIANT_NONE:
        lig_text_append(out, LIG_STR("null"));
        return true;
    case LIG_VARIANT_BOOL:
        lig_text_append(out, value->boolean ? LIG_STR("true") : LIG_STR("false"));
        return true;
    case LIG_VARIANT_INT:
        lig_text_printf(out, "%lld", (long long)value->integer);
        return true;
    case LIG_VARIANT_FLOAT:
        append_json_float(out, value->real);
        return true;
    case LIG_VARIANT_STRING:
        append_json_string(out, value->string);
        return true;
    case LIG_VARIANT_LIST:
        return append_json_list(out, value->list, indent, depth);
    case LIG_VARIANT_MAP:
        return append_json_map(out, value->map, indent, depth);
    case LIG_VARIANT_UNDEFINED:
    case LIG_VARIANT_NAMESPACE:
    case LIG_VARIANT_LOOP:
        return false;
    }
    return false;
}

bool lig_variant_append_json(LigText *out, const LigVariant *value, int indent)
{
    return append_json(out, value, indent, 0);
}

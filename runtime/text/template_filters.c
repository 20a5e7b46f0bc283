// Filters and tests of chat templates: one table each.
#include "runtime/text/template_eval.h"
#include "runtime/text/utf8.h"

#include <string.h>

typedef LigStatus (*FilterFn)(LigTplEval *e, const LigVariant *value, const LigTplArgs *args, LigVariant *out);

static LigStatus wrong_kind(const LigTplEval *e, const LigTplArgs *args, const LigVariant *value)
{
    if (value->kind == LIG_VARIANT_UNDEFINED)
        return lig_template_error(e, args->node, LIG_ERR_INVALID, "'%.*s' is undefined",
                                  LIG_STR_ARG(value->string));
    return lig_template_error(e, args->node, LIG_ERR_INVALID, "'%.*s' does not work on '%s'",
                              LIG_STR_ARG(args->node->text), lig_variant_kind_name(value));
}

// The filters that begin with str(value).
static LigStatus as_text(LigTplEval *e, const LigVariant *value, const LigTplArgs *args, LigVariant *out)
{
    LigText text = {0};
    LigStatus status = lig_template_append(e, args->node, &text, value);
    if (status == LIG_OK) return lig_template_take_text(e, args->node, &text, out);
    lig_text_free(&text);
    return status;
}

static LigStatus filter_trim(LigTplEval *e, const LigVariant *value, const LigTplArgs *args, LigVariant *out)
{
    const LigVariant *set = lig_template_arg(args, 0, "chars");
    LIG_TRY(as_text(e, value, args, out));
    out->string = lig_template_strip(
        out->string, set && set->kind == LIG_VARIANT_STRING ? set->string : (LigStr){0}, true, true);
    return LIG_OK;
}

static LigStatus filter_length(LigTplEval *e, const LigVariant *value, const LigTplArgs *args, LigVariant *out)
{
    if (value->kind == LIG_VARIANT_STRING)
        *out = lig_variant_int((int64_t)lig_utf8_count(value->string));
    else if (value->kind == LIG_VARIANT_LIST)
        *out = lig_variant_int((int64_t)value->list->count);
    else if (value->kind == LIG_VARIANT_MAP)
        *out = lig_variant_int((int64_t)value->map->count);
    else if (value->kind == LIG_VARIANT_UNDEFINED)
        *out = lig_variant_int(0);
    else
        return wrong_kind(e, args, value);
    return LIG_OK;
}

static LigStatus filter_tojson(LigTplEval *e, const LigVariant *value, const LigTplArgs *args, LigVariant *out)
{
    const LigVariant *indent = lig_template_arg(args, 0, "indent");
    int spaces = -1;
    if (indent && indent->kind == LIG_VARIANT_INT)
        spaces = indent->integer < 0 ? 0 : indent->integer > 16 ? 16 : (int)indent->integer;
    LigText text = {0};
    if (lig_variant_append_json(&text, value, spaces)) return lig_template_take_text(e, args->node, &text, out);
    lig_text_free(&text);
    return wrong_kind(e, args, value);
}

static LigStatus filter_default(LigTplEval *e, const LigVariant *value, const LigTplArgs *args, LigVariant *out)
{
    (void)e;
    const LigVariant *fallback = lig_template_arg(args, 0, "default_value");
    const LigVariant *also_false = lig_template_arg(args, 1, "boolean");
    bool absent = value->kind == LIG_VARIANT_UNDEFINED ||
                  (also_false && lig_variant_is_true(also_false) && !lig_variant_is_true(value));
    *out = *value;
    if (absent) *out = fallback ? *fallback : lig_variant_string(LIG_STR(""));
    return LIG_OK;
}

static LigStatus filter_list(LigTplEval *e, const LigVariant *value, const LigTplArgs *args, LigVariant *out)
{
    LigVariant items;
    LIG_TRY(lig_template_iterate(e, args->node, value, &items));
    if (!lig_variant_new_list(e->arena, out)) return lig_no_memory(e->ctx);
    for (size_t i = 0; i < items.list->count; i++) LIG_TRY(lig_template_push(e, out, items.list->data[i]));
    return LIG_OK;
}

static LigStatus end_item(LigTplEval *e, const LigVariant *value, const LigTplArgs *args, bool last,
                          LigVariant *out)
{
    LigVariant items;
    LIG_TRY(lig_template_iterate(e, args->node, value, &items));
    *out = lig_variant_undefined(LIG_STR("an item"));
    if (items.list->count > 0) *out = items.list->data[last ? items.list->count - 1 : 0];
    return LIG_OK;
}

static LigStatus filter_first(LigTplEval *e, const LigVariant *value, const LigTplArgs *args, LigVariant *out)
{
    return end_item(e, value, args, false, out);
}

static LigStatus filter_last(LigTplEval *e, const LigVariant *value, const LigTplArgs *args, LigVariant *out)
{
    return end_item(e, value, args, true, out);
}

static LigStatus filter_reverse(LigTplEval *e, const LigVariant *value, const LigTplArgs *args, LigVariant *out)
{
    LigVariant items;
    LIG_TRY(lig_template_iterate(e, args->node, value, &items));
    if (!lig_variant_new_list(e->arena, out)) return lig_no_memory(e->ctx);
    for (size_t i = items.list->count; i > 0; i--) LIG_TRY(lig_template_push(e, out, items.list->data[i - 1]));
    return LIG_OK;
}

static LigStatus filter_join(LigTplEval *e, const LigVariant *value, const LigTplArgs *args, LigVariant *out)
{
    const LigVariant *between = lig_template_arg(args, 0, "d");
    LigVariant items;
    LIG_TRY(lig_template_iterate(e, args->node, value, &items));
    LigText text = {0};
    LigStatus status = LIG_OK;
    for (size_t i = 0; i < items.list->count && status == LIG_OK; i++) {
        if (i > 0 && between) status = lig_template_append(e, args->node, &text, between);
        if (status == LIG_OK) status = lig_template_append(e, args->node, &text, &items.list->data[i]);
    }
    if (status == LIG_OK) return lig_template_take_text(e, args->node, &text, out);
    lig_text_free(&text);
    return status;
}

// upper, lower, capitalize, title and replace are the methods of the text.
static LigStatus filter_method(LigTplEval *e, const LigVariant *value, const LigTplArgs *args, LigVariant *out)
{
    LigVariant text;
    LIG_TRY(as_text(e, value, args, &text));
    return lig_template_method(e, args->node->text, &text, args, out);
}

static LigStatus filter_items(LigTplEval *e, const LigVariant *value, const LigTplArgs *args, LigVariant *out)
{
    if (value->kind == LIG_VARIANT_MAP) return lig_template_method(e, LIG_STR("items"), value, args, out);
    if (value->kind != LIG_VARIANT_UNDEFINED) return wrong_kind(e, args, value);
    return lig_variant_new_list(e->arena, out) ? LIG_OK : lig_no_memory(e->ctx);
}

static LigStatus filter_int(LigTplEval *e, const LigVariant *value, const LigTplArgs *args, LigVariant *out)
{
    (void)e;
    const LigVariant *fallback = lig_template_arg(args, 0, "default");
    int64_t number = 0;
    double real = 0;
    bool is_text = value->kind == LIG_VARIANT_STRING;
    *out = fallback ? *fallback : lig_variant_int(0);
    if (value->kind == LIG_VARIANT_INT)
        *out = *value;
    else if (value->kind == LIG_VARIANT_BOOL)
        *out = lig_variant_int(value->boolean);
    else if (is_text && lig_str_to_i64(lig_template_strip(value->string, (LigStr){0}, true, true), &number))
        *out = lig_variant_int(number);
    else if (value->kind == LIG_VARIANT_FLOAT || (is_text && lig_str_to_f64(value->string, &real))) {
        if (!is_text) real = value->real;
        if (real > -9e18 && real < 9e18) *out = lig_variant_int((int64_t)real);
    }
    return LIG_OK;
}

static LigStatus filter_same(LigTplEval *e, const LigVariant *value, const LigTplArgs *args, LigVariant *out)
{
    (void)e;
    (void)args;
    *out = *value;
    return LIG_OK;
}

// What `select` and its like judge: the item or a field of it, by a test or by its truth.
static LigStatus judge(LigTplEval *e, const LigVariant *item, const LigTplArgs *args, bool by_field, bool *out)
{
    LigVariant value = *item;
    size_t used = by_field ? 1 : 0;
    if (by_field) {
        if (args->count < 1 || args->data[0].kind != LIG_VARIANT_STRING)
            return lig_template_error(e, args->node, LIG_ERR_INVALID, "the name of a field is missing");
        LIG_TRY(lig_template_field(e, args->node, item, args->data[0].string, &value));
    }
    *out = lig_variant_is_true(&value);
    if (args->count <= used) return LIG_OK;
    if (args->data[used].kind != LIG_VARIANT_STRING)
        return lig_template_error(e, args->node, LIG_ERR_INVALID, "the name of a test is missing");
    LigTplArgs rest = {args->node, args->data + used + 1, NULL, args->count - used - 1};
    return lig_template_test(e, args->data[used].string, &value, &rest, out);
}

static LigStatus filter_select(LigTplEval *e, const LigVariant *value, const LigTplArgs *args, LigVariant *out)
{
    LigStr name = args->node->text;
    bool by_field = lig_str_ends_with(name, LIG_STR("attr"));
    bool wanted = lig_str_starts_with(name, LIG_STR("select"));
    LigVariant items;
    LIG_TRY(lig_template_iterate(e, args->node, value, &items));
    if (!lig_variant_new_list(e->arena, out)) return lig_no_memory(e->ctx);
    for (size_t i = 0; i < items.list->count; i++) {
        bool holds;
        LIG_TRY(judge(e, &items.list->data[i], args, by_field, &holds));
        if (holds == wanted) LIG_TRY(lig_template_push(e, out, items.list->data[i]));
    }
    return LIG_OK;
}

static LigStatus map_item(LigTplEval *e, const LigVariant *item, const LigTplArgs *args, LigVariant *out)
{
    const LigVariant *field = lig_template_arg(args, args->count, "attribute");
    if (field && field->kind == LIG_VARIANT_STRING)
        return lig_template_field(e, args->node, item, field->string, out);
    if (args->count < 1 || args->data[0].kind != LIG_VARIANT_STRING)
        return lig_template_error(e, args->node, LIG_ERR_INVALID,
                                  "map needs the name of a filter or attribute='…'");
    if (lig_str_is(args->data[0].string, "map"))
        return lig_template_error(e, args->node, LIG_ERR_UNSUPPORTED, "map of map is not supported");
    LigTplArgs rest = {args->node, args->data + 1, NULL, args->count - 1};
    return lig_template_filter(e, args->data[0].string, item, &rest, out);
}

static LigStatus filter_map(LigTplEval *e, const LigVariant *value, const LigTplArgs *args, LigVariant *out)
{
    LigVariant items;
    LIG_TRY(lig_template_iterate(e, args->node, value, &items));
    if (!lig_variant_new_list(e->arena, out)) return lig_no_memory(e->ctx);
    for (size_t i = 0; i < items.list->count; i++) {
        LigVariant result;
        LIG_TRY(map_item(e, &items.list->data[i], args, &result));
        LIG_TRY(lig_template_push(e, out, result));
    }
    return LIG_OK;
}

typedef struct Filter {
    const char *name;
    FilterFn run;
} Filter;

static const Filter filters[] = {
    {"trim", filter_trim},         {"length", filter_length},     {"count", filter_length},
    {"tojson", filter_tojson},     {"default", filter_default},   {"d", filter_default},
    {"list", filter_list},         {"first", filter_first},       {"last", filter_last},
    {"reverse", filter_reverse},   {"join", filter_join},         {"string", as_text},
    {"upper", filter_method},      {"lower", filter_method},      {"capitalize", filter_method},
    {"replace", filter_method},    {"items", filter_items},       {"int", filter_int},
    {"safe", filter_same},         {"select", filter_select},     {"reject", filter_select},
    {"selectattr", filter_select}, {"rejectattr", filter_select}, {"map", filter_map},
};

LigStatus lig_template_filter(LigTplEval *e, LigStr name, const LigVariant *value, const LigTplArgs *args,
                              LigVariant *out)
{
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        if (!lig_str_is(name, filters[i].name)) continue;
        // A filter that is named by another one sees its own name.
        LigTplNode own = *args->node;
        own.text = name;
        LigTplArgs own_args = {&own, args->data, args->names, args->count};
        return filters[i].run(e, value, &own_args, out);
    }
    return lig_template_error(e, args->node, LIG_ERR_UNSUPPORTED, "the filter '%.*s' is not supported",
                              LIG_STR_ARG(name));
}

static bool is_sequence(const LigVariant *v)
{
    return v->kind == LIG_VARIANT_LIST || v->kind == LIG_VARIANT_STRING || v->kind == LIG_VARIANT_MAP;
}

// Tests that ask for a kind. False when `name` is none of them.
static bool test_kind(LigStr name, const LigVariant *v, bool *out)
{
    if (lig_str_is(name, "defined"))
        *out = v->kind != LIG_VARIANT_UNDEFINED;
    else if (lig_str_is(name, "undefined"))
        *out = v->kind == LIG_VARIANT_UNDEFINED;
    else if (lig_str_is(name, "none"))
        *out = v->kind == LIG_VARIANT_NONE;
    else if (lig_str_is(name, "string"))
        *out = v->kind == LIG_VARIANT_STRING;
    else if (lig_str_is(name, "mapping"))
        *out = v->kind == LIG_VARIANT_MAP;
    else if (lig_str_is(name, "iterable") || lig_str_is(name, "sequence"))
        *out = is_sequence(v) || v->kind == LIG_VARIANT_UNDEFINED;
    else if (lig_str_is(name, "number"))
        *out = lig_variant_is_number(v);
    else if (lig_str_is(name, "integer"))
        *out = v->kind == LIG_VARIANT_INT;
    else if (lig_str_is(name, "float"))
        *out = v->kind == LIG_VARIANT_FLOAT;
    else if (lig_str_is(name, "boolean"))
        *out = v->kind == LIG_VARIANT_BOOL;
    else if (lig_str_is(name, "true"))
        *out = v->kind == LIG_VARIANT_BOOL && v->boolean;
    else if (lig_str_is(name, "false"))
        *out = v->kind == LIG_VARIANT_BOOL && !v->boolean;
    else
        return false;
    return true;
}

static LigStatus test_number(LigTplEval *e, LigStr name, const LigVariant *v, const LigTplArgs *args, bool *out)
{
    const LigVariant *by = lig_template_arg(args, 0, "num");
    bool is_division = lig_str_is(name, "divisibleby");
    int64_t divisor = is_division ? (by && by->kind == LIG_VARIANT_INT ? by->integer : 0) : 2;
    if (v->kind != LIG_VARIANT_INT || divisor == 0) return wrong_kind(e, args, v);
    int64_t rest = divisor == -1 ? 0 : v->integer % divisor;
    *out = lig_str_is(name, "odd") ? rest != 0 : rest == 0;
    return LIG_OK;
}

LigStatus lig_template_test(LigTplEval *e, LigStr name, const LigVariant *value, const LigTplArgs *args,
                            bool *out)
{
    if (test_kind(name, value, out)) return LIG_OK;
    if (lig_str_is(name, "odd") || lig_str_is(name, "even") || lig_str_is(name, "divisibleby"))
        return test_number(e, name, value, args, out);
    const LigVariant *other = lig_template_arg(args, 0, "other");
    bool equal = lig_str_is(name, "eq") || lig_str_is(name, "equalto") || lig_str_is(name, "==") ||
                 lig_str_is(name, "sameas");
    bool differs = lig_str_is(name, "ne") || lig_str_is(name, "!=");
    if ((equal || differs) && other) {
        *out = lig_variant_equal(value, other) == equal;
        return LIG_OK;
    }
    if (lig_str_is(name, "in") && other) return lig_template_contains(e, args->node, value, other, out);
    return lig_template_error(e, args->node, LIG_ERR_UNSUPPORTED, "the test '%.*s' is not supported",
                              LIG_STR_ARG(name));
}

// Expressions of chat templates.
#include "runtime/text/template_eval.h"
#include "runtime/text/utf8.h"

#include <string.h>

LigStatus lig_template_record(const LigTplEval *e, const LigTplNode *node, LigStatus status, const char *format,
                              ...)
{
    va_list args;
    va_start(args, format);
    LigStr message = lig_str_vformat(e->arena, format, args);
    va_end(args);
    if (!message.data) return lig_no_memory(e->ctx);
    return lig_fail(e->ctx, status, lig_template_loc(e->t, node->at), "%s", message.data);
}

const LigVariant *lig_template_arg(const LigTplArgs *args, size_t position, const char *name)
{
    for (size_t i = 0; i < args->count; i++)
        if (args->names && args->names[i].data && lig_str_is(args->names[i], name)) return &args->data[i];
    if (position >= args->count || (args->names && args->names[position].data)) return NULL;
    return &args->data[position];
}

static LigStatus check_budget(const LigTplEval *e, const LigTplNode *node)
{
    if (lig_arena_used_bytes(e->arena) <= e->arena_limit) return LIG_OK;
    return lig_template_error(e, node, LIG_ERR_INVALID, "the rendering needs more than 256 MiB");
}

LigStatus lig_template_push(LigTplEval *e, LigVariant *list, LigVariant item)
{
    return lig_variant_push(e->arena, list, item) ? LIG_OK : lig_no_memory(e->ctx);
}

LigStatus lig_template_take_text(LigTplEval *e, const LigTplNode *node, LigText *text, LigVariant *out)
{
    LigStr copy = text->failed ? (LigStr){0} : lig_str_copy(e->arena, lig_text_view(text));
    lig_text_free(text);
    *out = lig_variant_string(copy);
    return copy.data ? check_budget(e, node) : lig_no_memory(e->ctx);
}

LigStatus lig_template_append(LigTplEval *e, const LigTplNode *node, LigText *text, const LigVariant *value)
{
    if (!lig_variant_append_text(text, value))
        return lig_template_error(e, node, LIG_ERR_INVALID, "a value nested deeper than 64 levels");
    if (text->length > LIG_TEMPLATE_MAX_BYTES)
        return lig_template_error(e, node, LIG_ERR_INVALID, "a text becomes too long");
    return text->failed ? lig_no_memory(e->ctx) : LIG_OK;
}

static LigStatus iterate_text(LigTplEval *e, LigStr s, LigVariant *out)
{
    while (s.length > 0) {
        size_t bytes = lig_utf8_next(s).bytes;
        LIG_TRY(lig_template_push(e, out, lig_variant_string((LigStr){s.data, bytes})));
        s = lig_str_skip(s, bytes);
    }
    return LIG_OK;
}

LigStatus lig_template_iterate(LigTplEval *e, const LigTplNode *node, const LigVariant *value, LigVariant *out)
{
    if (value->kind == LIG_VARIANT_LIST) {
        *out = *value;
        return LIG_OK;
    }
    LIG_TRY(check_budget(e, node));
    if (!lig_variant_new_list(e->arena, out)) return lig_no_memory(e->ctx);
    if (value->kind == LIG_VARIANT_UNDEFINED) return LIG_OK;
    if (value->kind == LIG_VARIANT_STRING) return iterate_text(e, value->string, out);
    if (value->kind != LIG_VARIANT_MAP)
        return lig_template_error(e, node, LIG_ERR_INVALID, "'%s' can't be looped over",
                                  lig_variant_kind_name(value));
    for (size_t i = 0; i < value->map->count; i++)
        LIG_TRY(lig_template_push(e, out, lig_variant_string(value->map->data[i].key)));
    return LIG_OK;
}

static LigVariant loop_field(const LigVariantLoop *loop, LigStr name)
{
    int64_t index = (int64_t)loop->index;
    int64_t count = (int64_t)loop->items->count;
    if (lig_str_is(name, "index")) return lig_variant_int(index + 1);
    if (lig_str_is(name, "index0")) return lig_variant_int(index);
    if (lig_str_is(name, "revindex")) return lig_variant_int(count - index);
    if (lig_str_is(name, "revindex0")) return lig_variant_int(count - index - 1);
    if (lig_str_is(name, "first")) return lig_variant_bool(index == 0);
    if (lig_str_is(name, "last")) return lig_variant_bool(index == count - 1);
    if (lig_str_is(name, "length")) return lig_variant_int(count);
    if (lig_str_is(name, "previtem") && index > 0) return loop->items->data[index - 1];
    if (lig_str_is(name, "nextitem") && index + 1 < count) return loop->items->data[index + 1];
    return lig_variant_undefined(name);
}

LigStatus lig_template_field(LigTplEval *e, const LigTplNode *node, const LigVariant *value, LigStr name,
                             LigVariant *out)
{
    *out = lig_variant_undefined(name);
    if (value->kind == LIG_VARIANT_UNDEFINED)
        return lig_template_error(e, node, LIG_ERR_INVALID, "'%.*s' is undefined", LIG_STR_ARG(value->string));
    if (value->kind == LIG_VARIANT_MAP || value->kind == LIG_VARIANT_NAMESPACE) {
        const LigVariant *found = lig_variant_get(value, name);
        if (found) *out = *found;
    } else if (value->kind == LIG_VARIANT_LOOP)
        *out = loop_field(value->loop, name);
    return LIG_OK;
}

static LigVariant look_up(const LigTplEval *e, LigStr name)
{
    for (size_t i = e->scopes.count; i > 0; i--) {
        const LigVariant *found = lig_variant_get(&e->scopes.data[i - 1], name);
        if (found) return *found;
    }
    const LigVariant *given = lig_variant_get(e->variables, name);
    return given ? *given : lig_variant_undefined(name);
}

static LigStatus eval_arguments(LigTplEval *e, const LigTplNode *node, LigTplArgs *out)
{
    LigVariant *values = LIG_NEW_ARRAY(e->arena, LigVariant, node->items.count);
    if (!values) return lig_no_memory(e->ctx);
    for (size_t i = 0; i < node->items.count; i++)
        LIG_TRY(lig_template_eval(e, node->items.data[i], &values[i]));
    *out = (LigTplArgs){node, values, node->names.count == node->items.count ? node->names.data : NULL,
                        node->items.count};
    return LIG_OK;
}

static LigStatus eval_call(LigTplEval *e, const LigTplNode *node, LigVariant *out)
{
    LigTplArgs args;
    LIG_TRY(eval_arguments(e, node, &args));
    if (node->a->kind == LIG_NODE_FIELD) {
        LigVariant self;
        LIG_TRY(lig_template_eval(e, node->a->a, &self));
        return lig_template_method(e, node->a->text, &self, &args, out);
    }
    bool found = false;
    if (node->a->kind == LIG_NODE_NAME) LIG_TRY(lig_template_function(e, node->a->text, &args, out, &found));
    if (found) return LIG_OK;
    return lig_template_error(e, node, LIG_ERR_INVALID, "'%.*s' is not a function", LIG_STR_ARG(node->a->text));
}

static LigStatus eval_list(LigTplEval *e, const LigTplNode *node, LigVariant *out)
{
    if (!lig_variant_new_list(e->arena, out)) return lig_no_memory(e->ctx);
    for (size_t i = 0; i < node->items.count; i++) {
        LigVariant item;
        LIG_TRY(lig_template_eval(e, node->items.data[i], &item));
        LIG_TRY(lig_template_push(e, out, item));
    }
    return check_budget(e, node);
}

static LigStatus eval_map(LigTplEval *e, const LigTplNode *node, LigVariant *out)
{
    if (!lig_variant_new_map(e->arena, out)) return lig_no_memory(e->ctx);
    for (size_t i = 0; i + 1 < node->items.count; i += 2) {
        LigVariant key;
        LigVariant value;
        LIG_TRY(lig_template_eval(e, node->items.data[i], &key));
        LIG_TRY(lig_template_eval(e, node->items.data[i + 1], &value));
        if (key.kind != LIG_VARIANT_STRING)
            return lig_template_error(e, node, LIG_ERR_UNSUPPORTED, "a map with a key that is not a string");
        if (!lig_variant_put(e->arena, out, key.string, value)) return lig_no_memory(e->ctx);
    }
    return check_budget(e, node);
}

static LigStatus eval_negate(LigTplEval *e, const LigTplNode *node, LigVariant *out)
{
    LigVariant value;
    LIG_TRY(lig_template_eval(e, node->a, &value));
    if (!lig_variant_is_number(&value))
        return lig_template_error(e, node, LIG_ERR_INVALID, "'-' does not work on '%s'",
                                  lig_variant_kind_name(&value));
    if (value.kind == LIG_VARIANT_FLOAT)
        *out = lig_variant_float(-value.real);
    else if (value.kind == LIG_VARIANT_INT && value.integer == INT64_MIN)
        return lig_template_error(e, node, LIG_ERR_INVALID, "a number does not fit 64 bits");
    else
        *out = lig_variant_int(value.kind == LIG_VARIANT_INT ? -value.integer : -(int64_t)value.boolean);
    return LIG_OK;
}

static LigStatus eval_filter_or_test(LigTplEval *e, const LigTplNode *node, LigVariant *out)
{
    LigVariant value;
    LigTplArgs args;
    LIG_TRY(lig_template_eval(e, node->a, &value));
    LIG_TRY(eval_arguments(e, node, &args));
    if (node->kind == LIG_NODE_FILTER) return lig_template_filter(e, node->text, &value, &args, out);
    out->kind = LIG_VARIANT_BOOL;
    return lig_template_test(e, node->text, &value, &args, &out->boolean);
}

// `a and b` gives one of the two, as in Python.
static LigStatus eval_logic(LigTplEval *e, const LigTplNode *node, LigVariant *out)
{
    LIG_TRY(lig_template_eval(e, node->a, out));
    if (node->kind == LIG_NODE_NOT) {
        *out = lig_variant_bool(!lig_variant_is_true(out));
        return LIG_OK;
    }
    bool decided = lig_variant_is_true(out) == (node->kind == LIG_NODE_OR);
    return decided ? LIG_OK : lig_template_eval(e, node->b, out);
}

static LigStatus eval_choice(LigTplEval *e, const LigTplNode *node, LigVariant *out)
{
    LigVariant condition;
    LIG_TRY(lig_template_eval(e, node->a, &condition));
    const LigTplNode *chosen = lig_variant_is_true(&condition) ? node->b : node->c;
    if (chosen) return lig_template_eval(e, chosen, out);
    *out = lig_variant_undefined(LIG_STR("the else of an if"));
    return LIG_OK;
}

static LigStatus eval_access(LigTplEval *e, const LigTplNode *node, LigVariant *out)
{
    LigVariant value;
    LIG_TRY(lig_template_eval(e, node->a, &value));
    if (node->kind == LIG_NODE_SLICE) return lig_template_slice(e, node, &value, out);
    if (node->kind == LIG_NODE_FIELD) return lig_template_field(e, node, &value, node->text, out);
    LigVariant index;
    LIG_TRY(lig_template_eval(e, node->b, &index));
    return lig_template_index(e, node, &value, &index, out);
}

static LigStatus eval_binary(LigTplEval *e, const LigTplNode *node, LigVariant *out)
{
    LigVariant a;
    LigVariant b;
    LIG_TRY(lig_template_eval(e, node->a, &a));
    LIG_TRY(lig_template_eval(e, node->b, &b));
    return lig_template_binary(e, node, &a, &b, out);
}

static LigStatus eval_any(LigTplEval *e, const LigTplNode *node, LigVariant *out)
{
    switch (node->kind) {
    case LIG_NODE_LITERAL:
        *out = node->value;
        return LIG_OK;
    case LIG_NODE_NAME:
        *out = look_up(e, node->text);
        return LIG_OK;
    case LIG_NODE_LIST:
        return eval_list(e, node, out);
    case LIG_NODE_MAP:
        return eval_map(e, node, out);
    case LIG_NODE_FIELD:
    case LIG_NODE_INDEX:
    case LIG_NODE_SLICE:
        return eval_access(e, node, out);
    case LIG_NODE_CALL:
        return eval_call(e, node, out);
    case LIG_NODE_FILTER:
    case LIG_NODE_TEST:
        return eval_filter_or_test(e, node, out);
    case LIG_NODE_NEGATE:
        return eval_negate(e, node, out);
    case LIG_NODE_BINARY:
        return eval_binary(e, node, out);
    case LIG_NODE_NOT:
    case LIG_NODE_AND:
    case LIG_NODE_OR:
        return eval_logic(e, node, out);
    case LIG_NODE_CHOICE:
        return eval_choice(e, node, out);
    case LIG_NODE_TEXT:
    case LIG_NODE_PRINT:
    case LIG_NODE_BLOCK:
    case LIG_NODE_IF:
    case LIG_NODE_FOR:
    case LIG_NODE_SET:
    case LIG_NODE_SET_BLOCK:
    case LIG_NODE_BREAK:
    case LIG_NODE_CONTINUE:
        break;
    }
    return lig_template_error(e, node, LIG_ERR_INTERNAL, "a statement in the place of an expression");
}

LigStatus lig_template_eval(LigTplEval *e, const LigTplNode *node, LigVariant *out)
{
    if (e->depth >= LIG_TEMPLATE_MAX_EVAL_DEPTH)
        return lig_template_error(e, node, LIG_ERR_INVALID, "an expression nested too deep");
    e->depth++;
    LigStatus status = eval_any(e, node, out);
    e->depth--;
    return status;
}

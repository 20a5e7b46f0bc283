// Operators, indices and slices of chat templates, with Python's meanings.
#include "runtime/text/template_eval.h"
#include "runtime/text/utf8.h"

#include <math.h>
#include <string.h>

static bool is_integer(const LigVariant *v)
{
    return v->kind == LIG_VARIANT_INT || v->kind == LIG_VARIANT_BOOL;
}
static int64_t integer_of(const LigVariant *v) { return v->kind == LIG_VARIANT_BOOL ? v->boolean : v->integer; }

static LigStatus mismatch(const LigTplEval *e, const LigTplNode *node, const LigVariant *a, const LigVariant *b)
{
    const LigVariant *undefined = a->kind == LIG_VARIANT_UNDEFINED ? a : b;
    if (undefined->kind == LIG_VARIANT_UNDEFINED)
        return lig_template_error(e, node, LIG_ERR_INVALID, "'%.*s' is undefined",
                                  LIG_STR_ARG(undefined->string));
    return lig_template_error(e, node, LIG_ERR_INVALID, "'%.*s' does not work between '%s' and '%s'",
                              LIG_STR_ARG(node->text), lig_variant_kind_name(a), lig_variant_kind_name(b));
}

static int64_t floor_divide(int64_t a, int64_t b)
{
    int64_t quotient = a / b;
    return quotient - (a % b != 0 && (a < 0) != (b < 0));
}

static bool power(int64_t base, int64_t exponent, int64_t *out)
{
    int64_t result = 1;
    for (int64_t i = 0; i < exponent; i++) {
        if (__builtin_mul_overflow(result, base, &result)) return false;
        if (result == 0 || (result == 1 && base == 1)) break;
        if (base == -1) {
            result = exponent % 2 == 0 ? 1 : -1;
            break;
        }
    }
    *out = result;
    return true;
}

// False when the result does not fit 64 bits (or the operator needs floats).
static bool integer_result(char op, bool doubled, int64_t a, int64_t b, int64_t *out)
{
    if (op == '+') return !__builtin_add_overflow(a, b, out);
    if (op == '-') return !__builtin_sub_overflow(a, b, out);
    if (op == '*' && !doubled) return !__builtin_mul_overflow(a, b, out);
    if (op == '*') return power(a, b, out);
    if (a == INT64_MIN && b == -1) return false;
    *out = op == '/' ? floor_divide(a, b) : a - floor_divide(a, b) * b;
    return true;
}

static double float_result(char op, bool doubled, double a, double b)
{
    if (op == '+') return a + b;
    if (op == '-') return a - b;
    if (op == '*') return doubled ? pow(a, b) : a * b;
    if (op == '/') return doubled ? floor(a / b) : a / b;
    return a - floor(a / b) * b;
}

static LigStatus arithmetic(LigTplEval *e, const LigTplNode *node, const LigVariant *a, const LigVariant *b,
                            LigVariant *out)
{
    char op = node->text.data[0];
    bool doubled = node->text.length == 2;
    if ((op == '/' || op == '%') && lig_variant_to_double(b) == 0.0)
        return lig_template_error(e, node, LIG_ERR_INVALID, "division by zero");
    bool is_exact = is_integer(a) && is_integer(b) && !(op == '/' && !doubled) &&
                    !(op == '*' && doubled && integer_of(b) < 0);
    if (!is_exact) {
        *out = lig_variant_float(float_result(op, doubled, lig_variant_to_double(a), lig_variant_to_double(b)));
        return LIG_OK;
    }
    int64_t result;
    if (!integer_result(op, doubled, integer_of(a), integer_of(b), &result))
        return lig_template_error(e, node, LIG_ERR_INVALID, "a number does not fit 64 bits");
    *out = lig_variant_int(result);
    return LIG_OK;
}

static LigStatus join(LigTplEval *e, const LigTplNode *node, const LigVariant *a, const LigVariant *b,
                      LigVariant *out)
{
    LigText text = {0};
    LigStatus status = lig_template_append(e, node, &text, a);
    if (status == LIG_OK) status = lig_template_append(e, node, &text, b);
    if (status == LIG_OK) return lig_template_take_text(e, node, &text, out);
    lig_text_free(&text);
    return status;
}

static LigStatus join_lists(LigTplEval *e, const LigVariant *a, const LigVariant *b, LigVariant *out)
{
    if (!lig_variant_new_list(e->arena, out)) return lig_no_memory(e->ctx);
    for (size_t i = 0; i < a->list->count; i++) LIG_TRY(lig_template_push(e, out, a->list->data[i]));
    for (size_t i = 0; i < b->list->count; i++) LIG_TRY(lig_template_push(e, out, b->list->data[i]));
    return LIG_OK;
}

static LigStatus repeat(LigTplEval *e, const LigTplNode *node, LigStr s, int64_t times, LigVariant *out)
{
    if (times > 0 && s.length > 0 && (uint64_t)times > LIG_TEMPLATE_MAX_BYTES / s.length)
        return lig_template_error(e, node, LIG_ERR_INVALID, "a text becomes too long");
    LigText text = {0};
    for (int64_t i = 0; i < times && s.length > 0; i++) lig_text_append(&text, s);
    return lig_template_take_text(e, node, &text, out);
}

static int compare_strings(LigStr a, LigStr b)
{
    size_t common = a.length < b.length ? a.length : b.length;
    int order = common ? memcmp(a.data, b.data, common) : 0;
    return order ? order : (a.length > b.length) - (a.length < b.length);
}

static LigStatus order(LigTplEval *e, const LigTplNode *node, const LigVariant *a, const LigVariant *b,
                       LigVariant *out)
{
    int sign;
    if (is_integer(a) && is_integer(b))
        sign = (integer_of(a) > integer_of(b)) - (integer_of(a) < integer_of(b));
    else if (lig_variant_is_number(a) && lig_variant_is_number(b)) {
        double x = lig_variant_to_double(a);
        double y = lig_variant_to_double(b);
        sign = (x > y) - (x < y);
    } else if (a->kind == LIG_VARIANT_STRING && b->kind == LIG_VARIANT_STRING)
        sign = compare_strings(a->string, b->string);
    else
        return mismatch(e, node, a, b);
    bool or_equal = node->text.length == 2 && sign == 0;
    *out = lig_variant_bool(or_equal || (node->text.data[0] == '<' ? sign < 0 : sign > 0));
    return LIG_OK;
}

static bool contains_text(LigStr text, LigStr part)
{
    return part.length == 0 || (text.length > 0 && memmem(text.data, text.length, part.data, part.length));
}

LigStatus lig_template_contains(LigTplEval *e, const LigTplNode *node, const LigVariant *item,
                                const LigVariant *in, bool *out)
{
    *out = false;
    if (in->kind == LIG_VARIANT_STRING && item->kind == LIG_VARIANT_STRING)
        *out = contains_text(in->string, item->string);
    else if (in->kind == LIG_VARIANT_MAP)
        *out = item->kind == LIG_VARIANT_STRING && lig_variant_get(in, item->string);
    else if (in->kind == LIG_VARIANT_LIST)
        for (size_t i = 0; i < in->list->count && !*out; i++)
            *out = lig_variant_equal(item, &in->list->data[i]);
    else if (in->kind != LIG_VARIANT_UNDEFINED)
        return lig_template_error(e, node, LIG_ERR_INVALID, "'in' does not work between '%s' and '%s'",
                                  lig_variant_kind_name(item), lig_variant_kind_name(in));
    return LIG_OK;
}

LigStatus lig_template_binary(LigTplEval *e, const LigTplNode *node, const LigVariant *a, const LigVariant *b,
                              LigVariant *out)
{
    char op = node->text.data[0];
    if (op == '~') return join(e, node, a, b, out);
    if (op == '=' || op == '!') {
        *out = lig_variant_bool(lig_variant_equal(a, b) == (op == '='));
        return LIG_OK;
    }
    if (op == 'i') {
        out->kind = LIG_VARIANT_BOOL;
        return lig_template_contains(e, node, a, b, &out->boolean);
    }
    if (op == '<' || op == '>') return order(e, node, a, b, out);
    if (lig_variant_is_number(a) && lig_variant_is_number(b)) return arithmetic(e, node, a, b, out);
    bool is_text = a->kind == LIG_VARIANT_STRING && b->kind == LIG_VARIANT_STRING;
    if (op == '+' && is_text) return join(e, node, a, b, out);
    if (op == '+' && a->kind == LIG_VARIANT_LIST && b->kind == LIG_VARIANT_LIST)
        return join_lists(e, a, b, out);
    if (op == '*' && node->text.length == 1 && a->kind == LIG_VARIANT_STRING && is_integer(b))
        return repeat(e, node, a->string, integer_of(b), out);
    return mismatch(e, node, a, b);
}

// The bytes of the character `index` of a valid text.
static LigStr character(LigStr s, size_t index)
{
    for (; s.length > 0; index--) {
        size_t bytes = lig_utf8_next(s).bytes;
        if (index == 0) return (LigStr){s.data, bytes};
        s = lig_str_skip(s, bytes);
    }
    return (LigStr){0};
}

static size_t length_of(const LigVariant *value)
{
    return value->kind == LIG_VARIANT_STRING ? lig_utf8_count(value->string) : value->list->count;
}

static LigVariant item_at(const LigVariant *value, size_t index)
{
    if (value->kind == LIG_VARIANT_LIST) return value->list->data[index];
    return lig_variant_string(character(value->string, index));
}

LigStatus lig_template_index(LigTplEval *e, const LigTplNode *node, const LigVariant *value,
                             const LigVariant *index, LigVariant *out)
{
    if (index->kind == LIG_VARIANT_STRING) return lig_template_field(e, node, value, index->string, out);
    if (value->kind == LIG_VARIANT_UNDEFINED)
        return lig_template_error(e, node, LIG_ERR_INVALID, "'%.*s' is undefined", LIG_STR_ARG(value->string));
    *out = lig_variant_undefined(LIG_STR("an item"));
    if (!is_integer(index) || (value->kind != LIG_VARIANT_LIST && value->kind != LIG_VARIANT_STRING))
        return LIG_OK;
    int64_t length = (int64_t)length_of(value);
    int64_t at = integer_of(index);
    if (at < 0) at += length;
    if (at >= 0 && at < length) *out = item_at(value, (size_t)at);
    return LIG_OK;
}

// A bound of a slice as Python clamps it; `missing` when it was left out.
static LigStatus bound(LigTplEval *e, const LigTplNode *node, const LigTplNode *part, int64_t missing,
                       int64_t *out)
{
    *out = missing;
    if (!part) return LIG_OK;
    LigVariant value;
    LIG_TRY(lig_template_eval(e, part, &value));
    if (value.kind == LIG_VARIANT_NONE) return LIG_OK;
    if (!is_integer(&value))
        return lig_template_error(e, node, LIG_ERR_INVALID, "a slice with a bound that is no integer");
    *out = integer_of(&value);
    return LIG_OK;
}

static int64_t clamp(int64_t at, int64_t length, int64_t low, int64_t high)
{
    if (at < 0) at = at < -length ? low : at + length;
    return at < low ? low : at > high ? high : at;
}

LigStatus lig_template_slice(LigTplEval *e, const LigTplNode *node, const LigVariant *value, LigVariant *out)
{
    if (value->kind != LIG_VARIANT_LIST && value->kind != LIG_VARIANT_STRING)
        return lig_template_error(e, node, LIG_ERR_INVALID, "a slice of '%s'", lig_variant_kind_name(value));
    int64_t length = (int64_t)length_of(value);
    int64_t step;
    int64_t begin;
    int64_t end;
    LIG_TRY(bound(e, node, node->items.data[2], 1, &step));
    if (step == 0 || step < -length - 1) step = step == 0 ? 0 : -length - 1;
    if (step > length + 1) step = length + 1;
    if (step == 0) return lig_template_error(e, node, LIG_ERR_INVALID, "a slice with step 0");
    int64_t low = step < 0 ? -1 : 0;
    int64_t high = step < 0 ? length - 1 : length;
    LIG_TRY(bound(e, node, node->items.data[0], step < 0 ? INT64_MAX : 0, &begin));
    LIG_TRY(bound(e, node, node->items.data[1], step < 0 ? INT64_MIN : INT64_MAX, &end));
    begin = clamp(begin, length, low, high);
    end = clamp(end, length, low, high);
    LigVariant items;
    LIG_TRY(lig_template_iterate(e, node, value, &items));
    if (!lig_variant_new_list(e->arena, out)) return lig_no_memory(e->ctx);
    for (int64_t i = begin; step > 0 ? i < end : i > end; i += step)
        LIG_TRY(lig_template_push(e, out, items.list->data[i]));
    if (value->kind == LIG_VARIANT_LIST) return LIG_OK;
    LigText text = {0};
    for (size_t i = 0; i < out->list->count; i++) lig_text_append(&text, out->list->data[i].string);
    return lig_template_take_text(e, node, &text, out);
}

// Expressions, by recursive descent in Jinja's order: choice, or, and, not, comparison, + -, ~, * / // %, **,
// sign, postfix, filters and tests.
#include "runtime/text/template_syntax.h"

#include <string.h>

typedef LigStatus (*ParseFn)(LigTplParser *p, const LigTplNode **out);

static bool is_token(const LigTplParser *p, LigTokenKind kind, const char *text)
{
    return p->now->kind == kind && (!text || lig_str_is(p->now->text, text));
}

static bool is_operator(const LigTplParser *p, const char *text) { return is_token(p, LIG_TPL_OPERATOR, text); }
static bool is_word(const LigTplParser *p, const char *text) { return is_token(p, LIG_TPL_NAME, text); }

LigTplNode *lig_template_node(LigTplParser *p, LigNodeKind kind, uint32_t at)
{
    LigTplNode *node = LIG_NEW(p->t->arena, LigTplNode);
    if (!node) {
        (void)lig_no_memory(p->ctx);
        return NULL;
    }
    node->kind = kind;
    node->at = at;
    return node;
}

LigStatus lig_template_record_unexpected(const LigTplParser *p, const char *expected)
{
    LigStr found = p->now->kind == LIG_TPL_END ? LIG_STR("the end") : p->now->text;
    if (found.length > 40) found.length = 40;
    return lig_fail(p->ctx, LIG_ERR_PARSE, lig_template_loc(p->t, p->now->at),
                    "chat template: expected %s, found '%.*s'", expected, LIG_STR_ARG(found));
}

bool lig_template_accept(LigTplParser *p, LigTokenKind kind, const char *text)
{
    if (!is_token(p, kind, text)) return false;
    p->now++;
    return true;
}

LigStatus lig_template_expect(LigTplParser *p, LigTokenKind kind, const char *text)
{
    return lig_template_accept(p, kind, text) ? LIG_OK : lig_template_unexpected(p, text ? text : "a name");
}

static bool accept_operator(LigTplParser *p, const char *text)
{
    return lig_template_accept(p, LIG_TPL_OPERATOR, text);
}

static LigStatus node_of(LigTplParser *p, LigNodeKind kind, const LigTplNode *a, LigTplNode **out)
{
    *out = lig_template_node(p, kind, p->now->at);
    if (!*out) return LIG_ERR_NO_MEMORY;
    (*out)->a = a;
    return LIG_OK;
}

static LigStatus push_item(LigTplParser *p, LigTplNode *node, const LigTplNode *item)
{
    return LIG_VEC_PUSH(p->t->arena, &node->items, item) ? LIG_OK : lig_no_memory(p->ctx);
}

// Items up to `close`, the opening bracket already taken; a comma may follow the last.
static LigStatus parse_items(LigTplParser *p, LigTplNode *node, const char *close, bool is_map)
{
    while (!accept_operator(p, close)) {
        const LigTplNode *item;
        LIG_TRY(lig_template_expression(p, &item));
        LIG_TRY(push_item(p, node, item));
        if (is_map) {
            LIG_TRY(lig_template_expect(p, LIG_TPL_OPERATOR, ":"));
            LIG_TRY(lig_template_expression(p, &item));
            LIG_TRY(push_item(p, node, item));
        }
        if (!accept_operator(p, ",") && !is_operator(p, close)) return lig_template_unexpected(p, close);
    }
    return LIG_OK;
}

static LigStatus parse_arguments(LigTplParser *p, LigTplNode *node)
{
    while (!accept_operator(p, ")")) {
        LigStr name = {0};
        if (p->now->kind == LIG_TPL_NAME && p->now[1].kind == LIG_TPL_OPERATOR &&
            lig_str_is(p->now[1].text, "=")) {
            name = p->now->text;
            p->now += 2;
        }
        const LigTplNode *item;
        LIG_TRY(lig_template_expression(p, &item));
        LIG_TRY(push_item(p, node, item));
        if (!LIG_VEC_PUSH(p->t->arena, &node->names, name)) return lig_no_memory(p->ctx);
        if (!accept_operator(p, ",") && !is_operator(p, ")")) return lig_template_unexpected(p, ")");
    }
    return LIG_OK;
}

static LigStatus parse_parenthesis(LigTplParser *p, const LigTplNode **out)
{
    LigTplNode *list;
    LIG_TRY(node_of(p, LIG_NODE_LIST, NULL, &list));
    if (!is_operator(p, ")")) {
        LIG_TRY(lig_template_expression(p, out));
        if (accept_operator(p, ")")) return LIG_OK;
        LIG_TRY(push_item(p, list, *out));
        LIG_TRY(lig_template_expect(p, LIG_TPL_OPERATOR, ","));
    }
    *out = list;
    return parse_items(p, list, ")", false);
}

static bool word_value(LigStr word, LigVariant *out)
{
    if (lig_str_is(word, "true") || lig_str_is(word, "True"))
        *out = lig_variant_bool(true);
    else if (lig_str_is(word, "false") || lig_str_is(word, "False"))
        *out = lig_variant_bool(false);
    else if (lig_str_is(word, "none") || lig_str_is(word, "None"))
        *out = (LigVariant){.kind = LIG_VARIANT_NONE};
    else
        return false;
    return true;
}

// Strings that stand next to each other are one, as in Python.
static LigStatus parse_string(LigTplParser *p, LigTplNode *node)
{
    LigStr text = p->now++->text;
    while (p->now->kind == LIG_TPL_STRING) {
        LigStr more = p->now++->text;
        char *joined = lig_arena_alloc(p->t->arena, text.length + more.length + 1);
        if (!joined) return lig_no_memory(p->ctx);
        memcpy(joined, text.data, text.length);
        memcpy(joined + text.length, more.data, more.length);
        text = (LigStr){joined, text.length + more.length};
    }
    node->value = lig_variant_string(text);
    return LIG_OK;
}

static LigStatus parse_atom(LigTplParser *p, const LigTplNode **out)
{
    LigTplNode *node;
    LIG_TRY(node_of(p, LIG_NODE_LITERAL, NULL, &node));
    *out = node;
    LigStr text = p->now->text;
    if (p->now->kind == LIG_TPL_STRING) return parse_string(p, node);
    if (p->now->kind == LIG_TPL_INT) {
        node->value.kind = LIG_VARIANT_INT;
        if (!lig_str_to_i64(text, &node->value.integer))
            return lig_template_unexpected(p, "a number of 64 bits");
    } else if (p->now->kind == LIG_TPL_FLOAT) {
        node->value.kind = LIG_VARIANT_FLOAT;
        if (!lig_str_to_f64(text, &node->value.real)) return lig_template_unexpected(p, "a number");
    } else if (p->now->kind != LIG_TPL_NAME)
        return lig_template_unexpected(p, "an expression");
    else if (!word_value(text, &node->value)) {
        node->kind = LIG_NODE_NAME;
        node->text = text;
    }
    p->now++;
    return LIG_OK;
}

LigStatus lig_template_primary(LigTplParser *p, const LigTplNode **out)
{
    LigTplNode *node;
    if (accept_operator(p, "(")) return parse_parenthesis(p, out);
    if (!is_operator(p, "[") && !is_operator(p, "{")) return parse_atom(p, out);
    bool is_map = is_operator(p, "{");
    LIG_TRY(node_of(p, is_map ? LIG_NODE_MAP : LIG_NODE_LIST, NULL, &node));
    p->now++;
    *out = node;
    return parse_items(p, node, is_map ? "}" : "]", is_map);
}

static LigStatus parse_subscript(LigTplParser *p, const LigTplNode *a, const LigTplNode **out)
{
    LigTplNode *node;
    LIG_TRY(node_of(p, LIG_NODE_SLICE, a, &node));
    *out = node;
    const LigTplNode *parts[3] = {0};
    int count = 0;
    for (;;) {
        if (!is_operator(p, ":") && !is_operator(p, "]")) LIG_TRY(lig_template_expression(p, &parts[count]));
        if (count == 2 || !accept_operator(p, ":")) break;
        count++;
    }
    LIG_TRY(lig_template_expect(p, LIG_TPL_OPERATOR, "]"));
    if (count == 0) {
        node->kind = LIG_NODE_INDEX;
        node->b = parts[0];
        return parts[0] ? LIG_OK : lig_template_unexpected(p, "an index before ']'");
    }
    for (int i = 0; i < 3; i++) LIG_TRY(push_item(p, node, parts[i]));
    return LIG_OK;
}

static LigStatus parse_field(LigTplParser *p, const LigTplNode *a, const LigTplNode **out)
{
    LigTplNode *node;
    LIG_TRY(node_of(p, LIG_NODE_FIELD, a, &node));
    *out = node;
    node->text = p->now->text;
    if (p->now->kind != LIG_TPL_NAME && p->now->kind != LIG_TPL_INT)
        return lig_template_unexpected(p, "a name after '.'");
    p->now++;
    return LIG_OK;
}

static LigStatus parse_call(LigTplParser *p, const LigTplNode *a, const LigTplNode **out)
{
    LigTplNode *node;
    LIG_TRY(node_of(p, LIG_NODE_CALL, a, &node));
    *out = node;
    return parse_arguments(p, node);
}

// Chains nest to the left, so their length counts as depth when they are evaluated.
static LigStatus parse_postfix(LigTplParser *p, const LigTplNode **out)
{
    for (int length = 0; length < LIG_TEMPLATE_MAX_DEPTH; length++) {
        if (accept_operator(p, "."))
            LIG_TRY(parse_field(p, *out, out));
        else if (accept_operator(p, "["))
            LIG_TRY(parse_subscript(p, *out, out));
        else if (accept_operator(p, "("))
            LIG_TRY(parse_call(p, *out, out));
        else
            return LIG_OK;
    }
    return lig_template_unexpected(p, "a shorter chain");
}

static LigStatus parse_filter(LigTplParser *p, const LigTplNode **out)
{
    LigTplNode *node;
    LIG_TRY(node_of(p, LIG_NODE_FILTER, *out, &node));
    *out = node;
    node->text = p->now->text;
    LIG_TRY(lig_template_expect(p, LIG_TPL_NAME, NULL));
    return accept_operator(p, "(") ? parse_arguments(p, node) : LIG_OK;
}

// Whether an argument without parentheses follows the name of a test.
static bool has_bare_argument(const LigTplParser *p)
{
    if (p->now->kind == LIG_TPL_STRING || p->now->kind == LIG_TPL_INT || p->now->kind == LIG_TPL_FLOAT)
        return true;
    if (is_operator(p, "[") || is_operator(p, "{")) return true;
    static const char *const words[] = {"else", "or", "and", "not", "is", "in", "if"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (is_word(p, words[i])) return false;
    return p->now->kind == LIG_TPL_NAME;
}

static LigStatus parse_test(LigTplParser *p, const LigTplNode **out)
{
    LigTplNode *negation = NULL;
    LigTplNode *node;
    if (is_word(p, "not")) LIG_TRY(node_of(p, LIG_NODE_NOT, NULL, &negation));
    if (negation) p->now++;
    LIG_TRY(node_of(p, LIG_NODE_TEST, *out, &node));
    node->text = p->now->text;
    LIG_TRY(lig_template_expect(p, LIG_TPL_NAME, NULL));
    if (accept_operator(p, "("))
        LIG_TRY(parse_arguments(p, node));
    else if (has_bare_argument(p)) {
        const LigTplNode *argument;
        LIG_TRY(lig_template_primary(p, &argument));
        LIG_TRY(parse_postfix(p, &argument));
        LIG_TRY(push_item(p, node, argument));
    }
    *out = node;
    if (!negation) return LIG_OK;
    negation->a = node;
    *out = negation;
    return LIG_OK;
}

static LigStatus parse_filters(LigTplParser *p, const LigTplNode **out)
{
    for (int length = 0; length < LIG_TEMPLATE_MAX_DEPTH; length++) {
        if (accept_operator(p, "|"))
            LIG_TRY(parse_filter(p, out));
        else if (lig_template_accept(p, LIG_TPL_NAME, "is"))
            LIG_TRY(parse_test(p, out));
        else if (accept_operator(p, "("))
            LIG_TRY(parse_call(p, *out, out));
        else
            return LIG_OK;
    }
    return lig_template_unexpected(p, "a shorter chain");
}

static LigStatus parse_signed(LigTplParser *p, bool with_filters, const LigTplNode **out)
{
    LigTplNode *minus = NULL;
    size_t signs = 0;
    while (is_operator(p, "-") || is_operator(p, "+")) {
        if (++signs > 8) return lig_template_unexpected(p, "at most 8 signs");
        LigTplNode *outer = minus;
        if (!is_operator(p, "-")) {
            p->now++;
            continue;
        }
        LIG_TRY(node_of(p, LIG_NODE_NEGATE, outer, &minus)); // `a` links the signs until the operand is known
        p->now++;
    }
    LIG_TRY(lig_template_primary(p, out));
    LIG_TRY(parse_postfix(p, out));
    while (minus) {
        LigTplNode *outer = (LigTplNode *)minus->a;
        minus->a = *out;
        *out = minus;
        minus = outer;
    }
    return with_filters ? parse_filters(p, out) : LIG_OK;
}

static LigStatus parse_unary(LigTplParser *p, const LigTplNode **out) { return parse_signed(p, true, out); }

// One level of operators that group to the left.
static LigStatus parse_level(LigTplParser *p, const char *const *operators, ParseFn operand,
                             const LigTplNode **out)
{
    LIG_TRY(operand(p, out));
    for (int length = 0; length < LIG_TEMPLATE_MAX_DEPTH; length++) {
        const char *const *found = operators;
        while (*found && !is_operator(p, *found)) found++;
        if (!*found) return LIG_OK;
        LigTplNode *node;
        LIG_TRY(node_of(p, LIG_NODE_BINARY, *out, &node));
        node->text = p->now++->text;
        LIG_TRY(operand(p, &node->b));
        *out = node;
    }
    return lig_template_unexpected(p, "a shorter chain of operators");
}

static LigStatus parse_power(LigTplParser *p, const LigTplNode **out)
{
    static const char *const operators[] = {"**", NULL};
    return parse_level(p, operators, parse_unary, out);
}

static LigStatus parse_product(LigTplParser *p, const LigTplNode **out)
{
    static const char *const operators[] = {"*", "/", "//", "%", NULL};
    return parse_level(p, operators, parse_power, out);
}

static LigStatus parse_join(LigTplParser *p, const LigTplNode **out)
{
    static const char *const operators[] = {"~", NULL};
    return parse_level(p, operators, parse_product, out);
}

static LigStatus parse_sum(LigTplParser *p, const LigTplNode **out)
{
    static const char *const operators[] = {"+", "-", NULL};
    return parse_level(p, operators, parse_join, out);
}

// The comparison at the cursor, or empty; *negated for "not in".
static LigStr comparison(LigTplParser *p, bool *negated)
{
    static const char *const operators[] = {"==", "!=", "<=", ">=", "<", ">"};
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (is_operator(p, operators[i])) return p->now++->text;
    *negated = is_word(p, "not") && p->now[1].kind == LIG_TPL_NAME && lig_str_is(p->now[1].text, "in");
    if (*negated) p->now++;
    return is_word(p, "in") ? p->now++->text : (LigStr){0};
}

// a < b < c is (a < b) and (b < c).
static LigStatus parse_comparison(LigTplParser *p, const LigTplNode **out)
{
    const LigTplNode *left;
    LIG_TRY(parse_sum(p, &left));
    *out = left;
    for (int length = 0; length < LIG_TEMPLATE_MAX_DEPTH; length++) {
        bool negated = false;
        LigTplNode *node;
        LIG_TRY(node_of(p, LIG_NODE_BINARY, left, &node));
        node->text = comparison(p, &negated);
        if (!node->text.data) return LIG_OK;
        LIG_TRY(parse_sum(p, &node->b));
        left = node->b;
        LigTplNode *result = node;
        if (negated) LIG_TRY(node_of(p, LIG_NODE_NOT, node, &result));
        LigTplNode *both = result;
        if (length > 0) {
            LIG_TRY(node_of(p, LIG_NODE_AND, *out, &both));
            both->b = result;
        }
        *out = both;
    }
    return lig_template_unexpected(p, "a shorter chain of comparisons");
}

static LigStatus parse_not(LigTplParser *p, const LigTplNode **out)
{
    bool negate = false;
    LigTplNode *node = NULL;
    for (; is_word(p, "not"); negate = !negate) {
        LIG_TRY(node_of(p, LIG_NODE_NOT, NULL, &node));
        p->now++;
    }
    LIG_TRY(parse_comparison(p, out));
    if (!node) return LIG_OK;
    node->a = *out;
    *out = node;
    if (negate) return LIG_OK;
    LIG_TRY(node_of(p, LIG_NODE_NOT, *out, &node)); // an even number: not not x
    *out = node;
    return LIG_OK;
}

static LigStatus parse_words(LigTplParser *p, const char *word, LigNodeKind kind, ParseFn operand,
                             const LigTplNode **out)
{
    LIG_TRY(operand(p, out));
    for (int length = 0; length < LIG_TEMPLATE_MAX_DEPTH; length++) {
        if (!lig_template_accept(p, LIG_TPL_NAME, word)) return LIG_OK;
        LigTplNode *node;
        LIG_TRY(node_of(p, kind, *out, &node));
        LIG_TRY(operand(p, &node->b));
        *out = node;
    }
    return lig_template_unexpected(p, "a shorter chain of operators");
}

static LigStatus parse_and(LigTplParser *p, const LigTplNode **out)
{
    return parse_words(p, "and", LIG_NODE_AND, parse_not, out);
}

LigStatus lig_template_or_expression(LigTplParser *p, const LigTplNode **out)
{
    return parse_words(p, "or", LIG_NODE_OR, parse_and, out);
}

static LigStatus parse_choice(LigTplParser *p, const LigTplNode **out)
{
    LIG_TRY(lig_template_or_expression(p, out));
    for (int length = 0; length < LIG_TEMPLATE_MAX_DEPTH; length++) {
        if (!lig_template_accept(p, LIG_TPL_NAME, "if")) return LIG_OK;
        LigTplNode *node;
        LIG_TRY(node_of(p, LIG_NODE_CHOICE, NULL, &node));
        node->b = *out;
        LIG_TRY(lig_template_or_expression(p, &node->a));
        if (lig_template_accept(p, LIG_TPL_NAME, "else")) LIG_TRY(lig_template_expression(p, &node->c));
        *out = node;
    }
    return lig_template_unexpected(p, "a shorter chain of choices");
}

LigStatus lig_template_expression(LigTplParser *p, const LigTplNode **out)
{
    if (p->depth >= LIG_TEMPLATE_MAX_DEPTH) return lig_template_unexpected(p, "at most 200 levels of nesting");
    p->depth++;
    LigStatus status = parse_choice(p, out);
    p->depth--;
    return status;
}

// Statements of chat templates, and the template as a whole.
#include "runtime/text/template_syntax.h"

#include "ir/base/alloc.h"

#include <string.h>

static bool is_word(const LigTplToken *token, const char *word)
{
    return token->kind == LIG_TPL_NAME && lig_str_is(token->text, word);
}

static LigStatus end_tag(LigTplParser *p)
{
    return lig_template_accept(p, LIG_TPL_BLOCK_END, NULL) ? LIG_OK : lig_template_unexpected(p, "'%}'");
}

static LigStatus push_item(LigTplParser *p, LigTplNode *node, const LigTplNode *item)
{
    return LIG_VEC_PUSH(p->t->arena, &node->items, item) ? LIG_OK : lig_no_memory(p->ctx);
}

// At "{% word" where the word is one of `ends` (a list with a NULL at its end).
static bool at_end(const LigTplParser *p, const char *const *ends)
{
    if (p->now->kind != LIG_TPL_BLOCK_BEGIN) return false;
    for (; *ends; ends++)
        if (is_word(p->now + 1, *ends)) return true;
    return false;
}

static LigStatus parse_statement(LigTplParser *p, const LigTplNode **out);

static LigStatus parse_print(LigTplParser *p, const LigTplNode **out)
{
    LigTplNode *node = lig_template_node(p, LIG_NODE_PRINT, p->now->at);
    if (!node) return LIG_ERR_NO_MEMORY;
    *out = node;
    p->now++;
    LIG_TRY(lig_template_expression(p, &node->a));
    return lig_template_accept(p, LIG_TPL_PRINT_END, NULL) ? LIG_OK : lig_template_unexpected(p, "'}}'");
}

static LigStatus parse_item(LigTplParser *p, const LigTplNode **out)
{
    if (p->now->kind == LIG_TPL_PRINT_BEGIN) return parse_print(p, out);
    if (p->now->kind == LIG_TPL_BLOCK_BEGIN) {
        p->now++;
        return parse_statement(p, out);
    }
    LigTplNode *node = lig_template_node(p, LIG_NODE_TEXT, p->now->at);
    if (!node) return LIG_ERR_NO_MEMORY;
    node->text = p->now++->text;
    *out = node;
    return LIG_OK;
}

// Up to one of `ends`; the cursor is then at its word.
static LigStatus parse_body(LigTplParser *p, const char *const *ends, const LigTplNode **out)
{
    LigTplNode *block = lig_template_node(p, LIG_NODE_BLOCK, p->now->at);
    if (!block) return LIG_ERR_NO_MEMORY;
    *out = block;
    if (p->depth >= LIG_TEMPLATE_MAX_DEPTH) return lig_template_unexpected(p, "at most 200 levels of nesting");
    p->depth++;
    while (!at_end(p, ends)) {
        if (p->now->kind == LIG_TPL_END) return *ends ? lig_template_unexpected(p, *ends) : LIG_OK;
        const LigTplNode *item;
        LIG_TRY(parse_item(p, &item));
        LIG_TRY(push_item(p, block, item));
    }
    p->depth--;
    p->now++;
    return LIG_OK;
}

// From the condition on; every elif is a nested if in the place of the else.
static LigStatus parse_if(LigTplParser *p, LigTplNode *node)
{
    static const char *const ends[] = {"endif", "else", "elif", NULL};
    for (;;) {
        LIG_TRY(lig_template_expression(p, &node->a));
        LIG_TRY(end_tag(p));
        LIG_TRY(parse_body(p, ends, &node->b));
        if (!lig_template_accept(p, LIG_TPL_NAME, "elif")) break;
        LigTplNode *next = lig_template_node(p, LIG_NODE_IF, p->now->at);
        if (!next) return LIG_ERR_NO_MEMORY;
        node->c = next;
        node = next;
    }
    if (lig_template_accept(p, LIG_TPL_NAME, "else")) {
        static const char *const last[] = {"endif", NULL};
        LIG_TRY(end_tag(p));
        LIG_TRY(parse_body(p, last, &node->c));
    }
    LIG_TRY(lig_template_expect(p, LIG_TPL_NAME, "endif"));
    return end_tag(p);
}

// a, b or (a, b); fields of a namespace are for set only.
static LigStatus parse_targets(LigTplParser *p, LigTplNode *node, bool with_fields)
{
    bool has_parenthesis = lig_template_accept(p, LIG_TPL_OPERATOR, "(");
    do {
        LigTplNode *target = lig_template_node(p, LIG_NODE_NAME, p->now->at);
        if (!target) return LIG_ERR_NO_MEMORY;
        target->text = p->now->text;
        LIG_TRY(lig_template_expect(p, LIG_TPL_NAME, NULL));
        LigTplNode *whole = target;
        if (with_fields && lig_template_accept(p, LIG_TPL_OPERATOR, ".")) {
            whole = lig_template_node(p, LIG_NODE_FIELD, p->now->at);
            if (!whole) return LIG_ERR_NO_MEMORY;
            whole->a = target;
            whole->text = p->now->text;
            LIG_TRY(lig_template_expect(p, LIG_TPL_NAME, NULL));
        }
        LIG_TRY(push_item(p, node, whole));
    } while (lig_template_accept(p, LIG_TPL_OPERATOR, ","));
    return has_parenthesis ? lig_template_expect(p, LIG_TPL_OPERATOR, ")") : LIG_OK;
}

static LigStatus parse_for(LigTplParser *p, LigTplNode *node)
{
    static const char *const ends[] = {"endfor", "else", NULL};
    LIG_TRY(parse_targets(p, node, false));
    LIG_TRY(lig_template_expect(p, LIG_TPL_NAME, "in"));
    LIG_TRY(lig_template_or_expression(p, &node->a));
    if (lig_template_accept(p, LIG_TPL_NAME, "if")) LIG_TRY(lig_template_expression(p, &node->d));
    LIG_TRY(end_tag(p));
    LIG_TRY(parse_body(p, ends, &node->b));
    if (lig_template_accept(p, LIG_TPL_NAME, "else")) {
        static const char *const last[] = {"endfor", NULL};
        LIG_TRY(end_tag(p));
        LIG_TRY(parse_body(p, last, &node->c));
    }
    LIG_TRY(lig_template_expect(p, LIG_TPL_NAME, "endfor"));
    return end_tag(p);
}

// The value of a set may be a tuple without parentheses.
static LigStatus parse_set_value(LigTplParser *p, LigTplNode *node)
{
    LIG_TRY(lig_template_expression(p, &node->a));
    if (p->now->kind != LIG_TPL_OPERATOR || !lig_str_is(p->now->text, ",")) return end_tag(p);
    LigTplNode *list = lig_template_node(p, LIG_NODE_LIST, p->now->at);
    if (!list) return LIG_ERR_NO_MEMORY;
    LIG_TRY(push_item(p, list, node->a));
    while (lig_template_accept(p, LIG_TPL_OPERATOR, ",")) {
        const LigTplNode *item;
        LIG_TRY(lig_template_expression(p, &item));
        LIG_TRY(push_item(p, list, item));
    }
    node->a = list;
    return end_tag(p);
}

static LigStatus parse_set(LigTplParser *p, LigTplNode *node)
{
    static const char *const ends[] = {"endset", NULL};
    LIG_TRY(parse_targets(p, node, true));
    if (lig_template_accept(p, LIG_TPL_OPERATOR, "=")) return parse_set_value(p, node);
    node->kind = LIG_NODE_SET_BLOCK;
    if (node->items.count != 1) return lig_template_unexpected(p, "'='");
    LIG_TRY(end_tag(p));
    LIG_TRY(parse_body(p, ends, &node->b));
    LIG_TRY(lig_template_expect(p, LIG_TPL_NAME, "endset"));
    return end_tag(p);
}

// {% generation %} marks the assistant's tokens for training; rendering ignores it.
static LigStatus parse_generation(LigTplParser *p, const LigTplNode **out)
{
    static const char *const ends[] = {"endgeneration", NULL};
    LIG_TRY(end_tag(p));
    LIG_TRY(parse_body(p, ends, out));
    LIG_TRY(lig_template_expect(p, LIG_TPL_NAME, "endgeneration"));
    return end_tag(p);
}

// Behind "{%".
static LigStatus parse_statement(LigTplParser *p, const LigTplNode **out)
{
    const LigTplToken *word = p->now;
    LigTplNode *node = lig_template_node(p, LIG_NODE_IF, word->at);
    if (!node) return LIG_ERR_NO_MEMORY;
    *out = node;
    if (word->kind != LIG_TPL_NAME) return lig_template_unexpected(p, "a statement");
    p->now++;
    if (is_word(word, "if")) return parse_if(p, node);
    if (is_word(word, "generation")) return parse_generation(p, out);
    node->kind = LIG_NODE_FOR;
    if (is_word(word, "for")) return parse_for(p, node);
    node->kind = LIG_NODE_SET;
    if (is_word(word, "set")) return parse_set(p, node);
    node->kind = is_word(word, "break") ? LIG_NODE_BREAK : LIG_NODE_CONTINUE;
    if (is_word(word, "break") || is_word(word, "continue")) return end_tag(p);
    return lig_fail(
        p->ctx, LIG_ERR_UNSUPPORTED, lig_template_loc(p->t, word->at),
        "chat template: the statement '%.*s' is not supported here; supported: if, for, set, break, "
        "continue, generation",
        LIG_STR_ARG(word->text));
}

LigStatus lig_template_parse_tokens(LigContext *ctx, LigTemplate *t, const LigTplTokens *tokens)
{
    static const char *const no_end[] = {NULL};
    LigTplParser p = {.ctx = ctx, .t = t, .now = tokens->list.data};
    return parse_body(&p, no_end, &t->root);
}

// As Jinja reads a source: every newline is "\n", and one at the very end does not count.
static LigStatus copy_source(LigContext *ctx, LigTemplate *t, LigStr source)
{
    char *copy = lig_arena_alloc(t->arena, source.length + 1);
    if (!copy) return lig_no_memory(ctx);
    size_t length = 0;
    for (size_t i = 0; i < source.length; i++) {
        char c = source.data[i];
        if (c == '\r' && i + 1 < source.length && source.data[i + 1] == '\n') continue;
        copy[length++] = c == '\r' ? '\n' : c;
    }
    if (length > 0 && copy[length - 1] == '\n') length--;
    t->source = (LigStr){copy, length};
    return LIG_OK;
}

static LigStatus parse_into(LigContext *ctx, LigTemplate *t, const char *name, LigStr source)
{
    if (source.length > INT32_MAX)
        return lig_fail(ctx, LIG_ERR_INVALID, LIG_FILE_LOC(name), "chat template: longer than 2 GiB");
    LigStr name_copy = lig_str_copy(t->arena, lig_str(name ? name : "chat template"));
    if (!name_copy.data) return lig_no_memory(ctx);
    t->name = name_copy.data;
    LigTplTokens tokens = {0};
    LIG_TRY(copy_source(ctx, t, source));
    LIG_TRY(lig_template_lex(ctx, t, &tokens));
    return lig_template_parse_tokens(ctx, t, &tokens);
}

LigStatus lig_template_parse(LigContext *ctx, const char *name, LigStr source, LigTemplate **out)
{
    *out = NULL;
    LigArena *arena = lig_arena_create();
    LigTemplate *t = arena ? LIG_NEW(arena, LigTemplate) : NULL;
    if (!t) {
        lig_arena_destroy(arena);
        return lig_no_memory(ctx);
    }
    t->arena = arena;
    LigStatus status = parse_into(ctx, t, name, source);
    if (status == LIG_OK)
        *out = t;
    else
        lig_arena_destroy(arena);
    return status;
}

void lig_template_destroy(LigTemplate *chat_template)
{
    if (chat_template) lig_arena_destroy(chat_template->arena);
}

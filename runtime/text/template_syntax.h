// Tokens and the syntax tree of chat templates; shared by the template_*.c files.
#ifndef LIG_TEXT_TEMPLATE_SYNTAX_H
#define LIG_TEXT_TEMPLATE_SYNTAX_H

#include "ir/base/vec.h"
#include "runtime/text/template.h"

// Deeper nesting than this, in the source or in evaluation, is an error.
enum { LIG_TEMPLATE_MAX_DEPTH = 200 };

typedef enum LigTokenKind {
    LIG_TPL_END,
    LIG_TPL_TEXT,
    LIG_TPL_PRINT_BEGIN, // {{
    LIG_TPL_PRINT_END,
    LIG_TPL_BLOCK_BEGIN, // {%
    LIG_TPL_BLOCK_END,
    LIG_TPL_NAME,
    LIG_TPL_STRING, // `text` is what it means, escapes resolved
    LIG_TPL_INT,
    LIG_TPL_FLOAT,
    LIG_TPL_OPERATOR,
} LigTokenKind;

typedef struct LigTplToken {
    LigTokenKind kind;
    LigStr text;
    uint32_t at; // byte offset in the source
} LigTplToken;

typedef enum LigNodeKind {
    // expressions
    LIG_NODE_LITERAL, // value
    LIG_NODE_NAME,    // text
    LIG_NODE_LIST,    // items
    LIG_NODE_MAP,     // items: key, value, key, value …
    LIG_NODE_FIELD,   // a.text
    LIG_NODE_INDEX,   // a[b]
    LIG_NODE_SLICE,   // a[items[0]:items[1]:items[2]], each may be NULL
    LIG_NODE_CALL,    // a(items, names=…)
    LIG_NODE_FILTER,  // a | text(items, names=…)
    LIG_NODE_TEST,    // a is text(items)
    LIG_NODE_NOT,     // not a
    LIG_NODE_NEGATE,  // -a
    LIG_NODE_BINARY,  // a text b
    LIG_NODE_AND,
    LIG_NODE_OR,
    LIG_NODE_CHOICE, // b if a else c (c may be NULL)
    // statements
    LIG_NODE_TEXT,      // text
    LIG_NODE_PRINT,     // a
    LIG_NODE_BLOCK,     // items
    LIG_NODE_IF,        // if a: b, else c (may be NULL)
    LIG_NODE_FOR,       // for items (targets) in a: b, else c (may be NULL), only if d (may be NULL)
    LIG_NODE_SET,       // items (targets) = a
    LIG_NODE_SET_BLOCK, // items[0] = text of b
    LIG_NODE_BREAK,
    LIG_NODE_CONTINUE,
} LigNodeKind;

typedef struct LigTplNode LigTplNode;
struct LigTplNode {
    LigNodeKind kind;
    uint32_t at;
    LigStr text;
    LigVariant value;
    const LigTplNode *a, *b, *c, *d;
    LIG_VEC(const LigTplNode *) items;
    LIG_VEC(LigStr) names; // of the items: empty = by position
};

struct LigTemplate {
    LigArena *arena;
    const char *name;
    LigStr source; // newlines normalised
    const LigTplNode *root;
};

typedef struct LigTplTokens {
    LIG_VEC(LigTplToken) list; // ends with LIG_TPL_END
} LigTplTokens;

// The line and column of a byte of the source.
LigLoc lig_template_loc(const LigTemplate *t, uint32_t at);
LigStatus lig_template_lex(LigContext *ctx, LigTemplate *t, LigTplTokens *out) LIG_MUST_CHECK;
LigStatus lig_template_parse_tokens(LigContext *ctx, LigTemplate *t, const LigTplTokens *tokens) LIG_MUST_CHECK;

// A parser over tokens: expressions in template_expression.c, statements in template_parser.c.
typedef struct LigTplParser {
    LigContext *ctx;
    LigTemplate *t;
    const LigTplToken *now;
    int depth;
} LigTplParser;

LigTplNode *lig_template_node(LigTplParser *p, LigNodeKind kind, uint32_t at); // NULL when memory is out
LigStatus lig_template_record_unexpected(const LigTplParser *p, const char *expected);
#define lig_template_unexpected(...) lig_surely_failed(lig_template_record_unexpected(__VA_ARGS__))
bool lig_template_accept(LigTplParser *p, LigTokenKind kind, const char *text);
LigStatus lig_template_expect(LigTplParser *p, LigTokenKind kind, const char *text) LIG_MUST_CHECK;
LigStatus lig_template_expression(LigTplParser *p, const LigTplNode **out) LIG_MUST_CHECK;
// Without `x if y`, which would swallow the filter of a for.
LigStatus lig_template_or_expression(LigTplParser *p, const LigTplNode **out) LIG_MUST_CHECK;
LigStatus lig_template_primary(LigTplParser *p, const LigTplNode **out) LIG_MUST_CHECK;

#endif

// Inside of the parser: parse.c (modules and functions), parse_op.c (statements), parse_type.c (dims, types,
// attributes), parse_token.c (reading tokens, messages).
//
// Every reading function returns false after it has reported an error (or met one that was reported before),
// and its caller goes on at the next statement.
#ifndef LIG_IR_PARSE_PARTS_H
#define LIG_IR_PARSE_PARTS_H

#include "ir/base/map.h"
#include "ir/base/vec.h"
#include "ir/graph.h"
#include "ir/lex.h"
#include "ir/near.h"

enum { LIG_MAX_NESTING = 32 };

typedef struct LigParser {
    LigContext *ctx;
    LigModule *module;
    LigLexer lexer;
    LigToken token, next; // the one to be read, and the one after
    LigStatus status;     // of the first error
    int nesting;          // of parentheses in the dim being read
    LigFunc *func;        // being read; NULL outside
    LigMap locals;        // its values by name
    LigMap broken;        // functions that had errors, by name: calls of them are not reported again
    LigValue poison;      // stands for a value whose definition had an error
} LigParser;

// ---- parse_token.c ----

void lig_parser__record(LigParser *p, LigLoc loc, const char *format, ...) LIG_PRINTF(3, 4);
#define lig_parser__fail(...) (lig_parser__record(__VA_ARGS__), false)
// "expected WHAT, but found TOKEN"
bool lig_parser__expected(LigParser *p, const char *what);
bool lig_parser__no_memory(LigParser *p);
// Keeps the status of a call that reported its own error; true when it is LIG_OK.
bool lig_parser__keep(LigParser *p, LigStatus status);
void lig_parser__advance(LigParser *p);
bool lig_parser__is_symbol(const LigParser *p, const char *symbol);
bool lig_parser__is_keyword(const LigParser *p, const char *keyword);
// Reads the symbol or keyword if it is next.
bool lig_parser__accept(LigParser *p, const char *symbol);
bool lig_parser__accept_keyword(LigParser *p, const char *keyword);
// Reads it or reports that it was expected, as in `form`: what is being read, written whole.
bool lig_parser__expect(LigParser *p, const char *symbol, const char *form);
bool lig_parser__expect_keyword(LigParser *p, const char *keyword, const char *form);
bool lig_parser__expect_kind(LigParser *p, LigTokenKind kind, const char *what, LigToken *out);
// A number with an optional sign, or inf or nan, as text that views the source.
bool lig_parser__number_text(LigParser *p, const char *what, LigToken *out);
bool lig_parser__integer(LigParser *p, const char *what, int64_t *out);
bool lig_parser__integer_of(LigParser *p, LigToken number, int64_t *out);
bool lig_parser__real_of(LigParser *p, LigToken number, double *out);
// The message "unknown KIND `NAME`", with the nearest name where there is one.
bool lig_parser__unknown(LigParser *p, LigToken token, const char *kind, const LigNear *near,
                         const char *advice);

// ---- parse_type.c ----

bool lig_parser__dim(LigParser *p, LigDim *out);
bool lig_parser__range(LigParser *p, int64_t *low, int64_t *high); // low..high
bool lig_parser__type(LigParser *p, LigType *out);
// One attribute, into `attrs`.
bool lig_parser__attr(LigParser *p, LigAttrs *attrs);
// The rest of `{a=1, b}` after the brace.
bool lig_parser__attrs(LigParser *p, LigAttrs *attrs);

// ---- parse_op.c ----

// Enters a value of the function being read under its name.
bool lig_parser__declare(LigParser *p, LigToken name, LigValue *value);
// False also for a value whose definition had an error.
bool lig_parser__value(LigParser *p, LigValue **out);
bool lig_parser__statement(LigParser *p);

#endif

// Tokens of the textual language: graphs and specs are written in the same ones.
#ifndef LIG_IR_LEX_H
#define LIG_IR_LEX_H

#include "ir/base/str.h"

typedef enum LigTokenKind {
    LIG_TOKEN_END,
    LIG_TOKEN_NAME,    // letters, digits and _, not starting with a digit
    LIG_TOKEN_VALUE,   // %name: letters, digits and . _ -
    LIG_TOKEN_FUNC,    // @name: the same
    LIG_TOKEN_NUMBER,  // 12 0x40 0.5 1e-05, without a sign
    LIG_TOKEN_STRING,  // "…" on one line, with \" \\ \n \t and \xHH
    LIG_TOKEN_SYMBOL,  // { } ( ) [ ] , : = == <= -> .. + - * / @
    LIG_TOKEN_INVALID, // anything else; the text is what could not be read
} LigTokenKind;

typedef struct LigToken {
    LigTokenKind kind;
    LigStr text;      // a view of the source: without % and @, of strings with the quotes
    LigLoc loc;       // columns count bytes
    bool on_new_line; // the first token of its line: where reading may go on after an error
} LigToken;

typedef struct LigLexer {
    LigStr source;
    size_t at;
    LigLoc loc;
    bool on_new_line;
} LigLexer;

LigLexer lig_lexer(const char *path, LigStr source);
// Past the end it gives END again and again.
LigToken lig_lexer_next(LigLexer *lexer);

// The bytes a STRING token stands for, in the arena; data = NULL when memory is out.
LigStr lig_token_string(LigArena *arena, LigToken token);
// Appends `s` as a STRING token.
void lig_text_append_quoted(LigText *text, LigStr s);
// Whether `s` can be written after % or @.
bool lig_is_value_name(LigStr s);
// Whether `s` is a NAME token.
bool lig_is_word(LigStr s);

#endif

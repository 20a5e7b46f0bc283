#include "ir/lex.h"

#include <string.h>

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
static bool is_word(char c) { return is_letter(c) || is_digit(c); }

LigLexer lig_lexer(const char *path, LigStr source)
{
    return (LigLexer){.source = source, .loc = {path, 1, 1}, .on_new_line = true};
}

// The byte `ahead` of the reading place; 0 past the end.
static char peek(const LigLexer *lexer, size_t ahead)
{
    size_t at = lexer->at + ahead;
    return at < lexer->source.length ? lexer->source.data[at] : '\0';
}

static bool at_end(const LigLexer *lexer) { return lexer->at >= lexer->source.length; }

static void skip_byte(LigLexer *lexer)
{
    if (lexer->source.data[lexer->at++] == '\n') {
        lexer->loc.line++;
        lexer->loc.column = 1;
        lexer->on_new_line = true;
    } else {
        lexer->loc.column++;
    }
}

static void skip_blanks(LigLexer *lexer)
{
    while (!at_end(lexer)) {
        char c = peek(lexer, 0);
        if (c == '#') {
            while (!at_end(lexer) && peek(lexer, 0) != '\n') skip_byte(lexer);
        } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
            skip_byte(lexer);
        } else {
            return;
        }
    }
}

// A dash belongs to the name unless it begins an arrow.
static bool is_value_byte(const LigLexer *lexer, size_t ahead)
{
    char c = peek(lexer, ahead);
    return is_word(c) || c == '.' || (c == '-' && peek(lexer, ahead + 1) != '>');
}

static size_t value_length(const LigLexer *lexer)
{
    size_t length = 1;
    while (is_value_byte(lexer, length)) length++;
    return length;
}

static size_t number_length(const LigLexer *lexer)
{
    size_t length = 0;
    if (peek(lexer, 0) == '0' && peek(lexer, 1) == 'x') {
        for (length = 2; is_word(peek(lexer, length));) length++;
        return length;
    }
    while (is_digit(peek(lexer, length))) length++;
    if (peek(lexer, length) == '.' && peek(lexer, length + 1) != '.') {
        length++;
        while (is_digit(peek(lexer, length))) length++;
    }
    if (peek(lexer, length) == 'e' || peek(lexer, length) == 'E') {
        size_t sign = peek(lexer, length + 1) == '-' || peek(lexer, length + 1) == '+';
        if (!is_digit(peek(lexer, length + 1 + sign))) return length;
        length += 1 + sign;
        while (is_digit(peek(lexer, length))) length++;
    }
    return length;
}

// 0 when the string does not end on its line.
static size_t string_length(const LigLexer *lexer)
{
    size_t length = 1;
    for (; lexer->at + length < lexer->source.length; length++) {
        char c = peek(lexer, length);
        if (c == '\n') return 0;
        if (c == '"') return length + 1;
        if (c == '\\') length++;
    }
    return 0;
}

static size_t symbol_length(const LigLexer *lexer)
{
    static const char *const pairs[] = {"==", "<=", "->", ".."};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        if (peek(lexer, 0) == pairs[i][0] && peek(lexer, 1) == pairs[i][1]) return 2;
    }
    char c = peek(lexer, 0);
    return c != '\0' && strchr("{}()[],:=+-*/@", c) != NULL ? 1 : 0;
}

static LigTokenKind scan(const LigLexer *lexer, size_t *length)
{
    char c = peek(lexer, 0);
    *length = 1;
    if (is_letter(c)) {
        while (is_word(peek(lexer, *length))) (*length)++;
        return LIG_TOKEN_NAME;
    }
    if (is_digit(c)) {
        *length = number_length(lexer);
        return LIG_TOKEN_NUMBER;
    }
    if ((c == '%' || c == '@') && value_length(lexer) > 1) {
        *length = value_length(lexer);
        return c == '%' ? LIG_TOKEN_VALUE : LIG_TOKEN_FUNC;
    }
    if (c == '"') {
        *length = string_length(lexer);
        if (*length > 0) return LIG_TOKEN_STRING;
        *length = 1;
        return LIG_TOKEN_INVALID;
    }
    *length = symbol_length(lexer);
    if (*length > 0) return LIG_TOKEN_SYMBOL;
    // All bytes of one UTF-8 character, so that a message shows it whole.
    *length = 1;
    while ((peek(lexer, *length) & 0xc0) == 0x80) (*length)++;
    return LIG_TOKEN_INVALID;
}

LigToken lig_lexer_next(LigLexer *lexer)
{
    skip_blanks(lexer);
    LigToken token = {.loc = lexer->loc, .on_new_line = lexer->on_new_line};
    token.text = (LigStr){lexer->source.data + lexer->at, 0};
    if (at_end(lexer)) return token;
    size_t length;
    token.kind = scan(lexer, &length);
    token.text.length = length;
    if (token.kind == LIG_TOKEN_VALUE || token.kind == LIG_TOKEN_FUNC) token.text = lig_str_skip(token.text, 1);
    for (size_t i = 0; i < length; i++) skip_byte(lexer);
    lexer->on_new_line = false;
    return token;
}

static int hex_digit(char c)
{
    if (is_digit(c)) return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

LigStr lig_token_string(LigArena *arena, LigToken token)
{
    LigStr inner = {token.text.data + 1, token.text.length - 2};
    char *data = lig_arena_alloc(arena, inner.length + 1);
    if (data == NULL) return (LigStr){0};
    size_t count = 0;
    for (size_t i = 0; i < inner.length; i++) {
        char c = inner.data[i];
        if (c == '\\' && i + 1 < inner.length) {
            c = inner.data[++i];
            bool two = c == 'x' && i + 2 < inner.length && hex_digit(inner.data[i + 1]) >= 0 &&
                       hex_digit(inner.data[i + 2]) >= 0;
            if (c == 'n')
                c = '\n';
            else if (c == 't')
                c = '\t';
            else if (two)
                c = (char)(hex_digit(inner.data[i + 1]) * 16 + hex_digit(inner.data[i + 2]));
            if (two) i += 2;
        }
        data[count++] = c;
    }
    return (LigStr){data, count};
}

void lig_text_append_quoted(LigText *text, LigStr s)
{
    lig_text_append_char(text, '"');
    size_t plain = 0; // where what is not yet appended begins
    for (size_t i = 0; i < s.length; i++) {
        if (s.data[i] != '"' && s.data[i] != '\\') continue;
        lig_text_append_visible(text, (LigStr){s.data + plain, i - plain});
        lig_text_append_char(text, '\\');
        lig_text_append_char(text, s.data[i]);
        plain = i + 1;
    }
    lig_text_append_visible(text, lig_str_skip(s, plain));
    lig_text_append_char(text, '"');
}

bool lig_is_value_name(LigStr s)
{
    for (size_t i = 0; i < s.length; i++) {
        if (!is_word(s.data[i]) && s.data[i] != '.' && s.data[i] != '-') return false;
    }
    return s.length > 0;
}

bool lig_is_word(LigStr s)
{
    for (size_t i = 0; i < s.length; i++) {
        if (!is_word(s.data[i])) return false;
    }
    return s.length > 0 && !is_digit(s.data[0]);
}

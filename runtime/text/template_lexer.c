// Source to tokens. White space around tags is settled here: "-" strips it, a block tag or comment takes the
// newline after it (trim_blocks) and the blanks before it on its line (lstrip_blocks), "+" forbids that.
#include "runtime/text/template_syntax.h"
#include "runtime/text/utf8.h"

#include <string.h>

typedef struct Lexer {
    LigContext *ctx;
    LigTemplate *t;
    LigTplTokens *out;
    size_t at;
    bool line_starting; // the last tag took the newline after it (or nothing came yet)
    uint32_t brackets;  // open ( [ {: a }} inside them ends no tag
} Lexer;

LigLoc lig_template_loc(const LigTemplate *t, uint32_t at)
{
    LigLoc loc = {t->name, 1, 1};
    for (size_t i = 0; i < at && i < t->source.length; i++) {
        loc.column++;
        if (t->source.data[i] != '\n') continue;
        loc.line++;
        loc.column = 1;
    }
    return loc;
}

static bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || is_digit(c);
}

static LigStr rest(const Lexer *l) { return lig_str_skip(l->t->source, l->at); }
static bool looking_at(const Lexer *l, const char *text) { return lig_str_starts_with(rest(l), lig_str(text)); }

static LigStatus fail(const Lexer *l, size_t at, const char *message)
{
    return lig_fail(l->ctx, LIG_ERR_PARSE, lig_template_loc(l->t, (uint32_t)at), "chat template: %s", message);
}

static LigStatus push(Lexer *l, LigTokenKind kind, size_t begin, size_t end)
{
    LigTplToken token = {kind, {l->t->source.data + begin, end - begin}, (uint32_t)begin};
    return LIG_VEC_PUSH(l->t->arena, &l->out->list, token) ? LIG_OK : lig_no_memory(l->ctx);
}

// The text from `begin` up to a tag, of which `mark` is the third character.
static LigStatus push_text(Lexer *l, size_t begin, size_t end, char mark, bool is_print)
{
    const char *data = l->t->source.data;
    if (mark == '-') {
        while (end > begin && is_blank(data[end - 1])) end--;
    } else if (mark != '+' && !is_print) {
        size_t line = end;
        while (line > begin && is_blank(data[line - 1]) && data[line - 1] != '\n') line--;
        bool starts_line = line > begin ? data[line - 1] == '\n' : l->line_starting;
        if (starts_line) end = line;
    }
    return end > begin ? push(l, LIG_TPL_TEXT, begin, end) : LIG_OK;
}

// Past the end of a tag: `mark` is the character before its closing two.
static void skip_after_tag(Lexer *l, char mark, bool is_print)
{
    LigStr source = l->t->source;
    l->line_starting = false;
    if (mark == '-') {
        while (l->at < source.length && is_blank(source.data[l->at]))
            l->line_starting = source.data[l->at++] == '\n';
    } else if (mark != '+' && !is_print && l->at < source.length && source.data[l->at] == '\n') {
        l->at++;
        l->line_starting = true;
    }
}

static LigStatus lex_comment(Lexer *l, size_t begin)
{
    LigStr source = l->t->source;
    for (l->at = begin + 2; l->at < source.length; l->at++) {
        if (!looking_at(l, "#}")) continue;
        char mark = l->at > begin + 2 ? source.data[l->at - 1] : '\0';
        l->at += 2;
        skip_after_tag(l, mark, false);
        return LIG_OK;
    }
    return fail(l, begin, "a comment without '#}'");
}

static int hex_value(char c)
{
    if (is_digit(c)) return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// \xhh, \uhhhh, \Uhhhhhhhh; gives the characters taken after the letter, or 0.
static size_t append_hex(LigText *out, LigStr digits, size_t count)
{
    uint32_t code_point = 0;
    if (digits.length < count) return 0;
    for (size_t i = 0; i < count; i++) {
        int value = hex_value(digits.data[i]);
        if (value < 0) return 0;
        code_point = code_point << 4 | (uint32_t)value;
    }
    lig_utf8_append(out, code_point);
    return count;
}

// One escape after its backslash, as Python reads it; gives how many characters it took.
static size_t append_escape(LigText *out, LigStr s)
{
    static const char from[] = "ntr\\'\"bfav0";
    static const char to[] = "\n\t\r\\'\"\b\f\a\v";
    char c = s.data[0];
    const char *known = strchr(from, c);
    size_t hex = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    size_t taken = hex ? append_hex(out, lig_str_skip(s, 1), hex) : 0;
    if (taken > 0) return taken + 1;
    if (c == '\n') return 1;
    if (c != '\0' && known)
        lig_text_append_char(out, to[known - from]);
    else {
        lig_text_append_char(out, '\\');
        lig_text_append_char(out, c);
    }
    return 1;
}

static LigStatus finish_string(Lexer *l, LigText *text, size_t begin)
{
    LigStr copy = text->failed ? (LigStr){0} : lig_str_copy(l->t->arena, lig_text_view(text));
    lig_text_free(text);
    LigTplToken token = {LIG_TPL_STRING, copy, (uint32_t)begin};
    return copy.data && LIG_VEC_PUSH(l->t->arena, &l->out->list, token) ? LIG_OK : lig_no_memory(l->ctx);
}

static LigStatus lex_string(Lexer *l)
{
    LigStr source = l->t->source;
    size_t begin = l->at;
    char quote = source.data[l->at++];
    LigText text = {0};
    while (l->at < source.length && source.data[l->at] != quote) {
        bool is_escape = source.data[l->at] == '\\' && l->at + 1 < source.length;
        if (is_escape)
            l->at += 1 + append_escape(&text, lig_str_skip(source, l->at + 1));
        else
            lig_text_append_char(&text, source.data[l->at++]);
    }
    if (l->at >= source.length) {
        lig_text_free(&text);
        return fail(l, begin, "a string without its closing quote");
    }
    l->at++;
    return finish_string(l, &text, begin);
}

static LigStatus lex_number(Lexer *l)
{
    LigStr s = l->t->source;
    size_t begin = l->at;
    bool is_float = false;
    while (l->at < s.length && is_digit(s.data[l->at])) l->at++;
    if (l->at + 1 < s.length && s.data[l->at] == '.' && is_digit(s.data[l->at + 1])) {
        is_float = true;
        for (l->at++; l->at < s.length && is_digit(s.data[l->at]);) l->at++;
    }
    return push(l, is_float ? LIG_TPL_FLOAT : LIG_TPL_INT, begin, l->at);
}

static LigStatus lex_operator(Lexer *l)
{
    static const char *const operators[] = {"==", "!=", "<=", ">=", "//", "**", "<", ">", "=",
                                            "+",  "-",  "*",  "/",  "%",  "~",  "|", ".", ",",
                                            ":",  "(",  ")",  "[",  "]",  "{",  "}"};
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (!looking_at(l, operators[i])) continue;
        char c = operators[i][0];
        if (c == '(' || c == '[' || c == '{') l->brackets++;
        if ((c == ')' || c == ']' || c == '}') && l->brackets > 0) l->brackets--;
        size_t begin = l->at;
        l->at += strlen(operators[i]);
        return push(l, LIG_TPL_OPERATOR, begin, l->at);
    }
    return fail(l, l->at, "a character that has no meaning here");
}

static LigStatus lex_inside(Lexer *l)
{
    char c = l->t->source.data[l->at];
    if (c == '\'' || c == '"') return lex_string(l);
    if (is_digit(c)) return lex_number(l);
    if (!is_name(c)) return lex_operator(l);
    size_t begin = l->at;
    while (l->at < l->t->source.length && is_name(l->t->source.data[l->at])) l->at++;
    return push(l, LIG_TPL_NAME, begin, l->at);
}

static LigStatus lex_tag(Lexer *l, size_t begin, bool is_print)
{
    LigStr source = l->t->source;
    const char *close = is_print ? "}}" : "%}";
    LIG_TRY(push(l, is_print ? LIG_TPL_PRINT_BEGIN : LIG_TPL_BLOCK_BEGIN, begin, begin + 2));
    l->at = begin + 2;
    l->brackets = 0;
    if (l->at < source.length && (source.data[l->at] == '-' || source.data[l->at] == '+')) l->at++;
    for (;;) {
        while (l->at < source.length && is_blank(source.data[l->at])) l->at++;
        if (l->at >= source.length) return fail(l, begin, "a tag without its end");
        bool marked = (source.data[l->at] == '-' || source.data[l->at] == '+') &&
                      lig_str_starts_with(lig_str_skip(source, l->at + 1), lig_str(close));
        if (l->brackets == 0 && (marked || looking_at(l, close))) break;
        LIG_TRY(lex_inside(l));
    }
    char mark = source.data[l->at];
    size_t end = l->at;
    l->at += mark == '-' || mark == '+' ? 3 : 2;
    LIG_TRY(push(l, is_print ? LIG_TPL_PRINT_END : LIG_TPL_BLOCK_END, end, l->at));
    skip_after_tag(l, mark, is_print);
    return LIG_OK;
}

// Where "{{", "{%" or "{#" comes next, or the end.
static size_t next_tag(const Lexer *l)
{
    LigStr s = l->t->source;
    for (size_t i = l->at; i + 1 < s.length; i++)
        if (s.data[i] == '{' && (s.data[i + 1] == '{' || s.data[i + 1] == '%' || s.data[i + 1] == '#'))
            return i;
    return s.length;
}

LigStatus lig_template_lex(LigContext *ctx, LigTemplate *t, LigTplTokens *out)
{
    Lexer l = {.ctx = ctx, .t = t, .out = out, .line_starting = true};
    while (l.at < t->source.length) {
        size_t begin = l.at;
        size_t tag = next_tag(&l);
        if (tag == t->source.length) {
            LIG_TRY(push(&l, LIG_TPL_TEXT, begin, tag));
            break;
        }
        char kind = t->source.data[tag + 1];
        char mark = tag + 2 < t->source.length ? t->source.data[tag + 2] : '\0';
        LIG_TRY(push_text(&l, begin, tag, mark, kind == '{'));
        if (kind == '#')
            LIG_TRY(lex_comment(&l, tag));
        else
            LIG_TRY(lex_tag(&l, tag, kind == '{'));
    }
    return push(&l, LIG_TPL_END, t->source.length, t->source.length);
}

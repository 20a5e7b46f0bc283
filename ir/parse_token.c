#include "ir/parse_parts.h"

#include <stdarg.h>

void lig_parser__record(LigParser *p, LigLoc loc, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    LigStr message = lig_str_vformat(p->module->arena, format, args);
    va_end(args);
    lig_parser__keep(p, message.data ? lig_fail(p->ctx, LIG_ERR_PARSE, loc, "%s", message.data)
                                     : lig_no_memory(p->ctx));
}

bool lig_parser__keep(LigParser *p, LigStatus status)
{
    if (p->status == LIG_OK) p->status = status;
    return status == LIG_OK;
}

bool lig_parser__no_memory(LigParser *p) { return lig_parser__keep(p, lig_no_memory(p->ctx)); }

static const char *sigil(LigToken token)
{
    if (token.kind == LIG_TOKEN_VALUE) return "%";
    return token.kind == LIG_TOKEN_FUNC ? "@" : "";
}

bool lig_parser__expected(LigParser *p, const char *what)
{
    LigStr text = p->token.text;
    if (p->token.kind == LIG_TOKEN_END)
        return lig_parser__fail(p, p->token.loc, "expected %s, but the text ends here", what);
    if (p->token.kind == LIG_TOKEN_INVALID && text.data[0] == '"')
        return lig_parser__fail(p, p->token.loc,
                                "expected %s, but found a string that does not end on its line: close it by \"",
                                what);
    return lig_parser__fail(p, p->token.loc, "expected %s, but found `%s%.*s`", what, sigil(p->token),
                            LIG_STR_ARG(text));
}

void lig_parser__advance(LigParser *p)
{
    p->token = p->next;
    p->next = lig_lexer_next(&p->lexer);
}

bool lig_parser__is_symbol(const LigParser *p, const char *symbol)
{
    return p->token.kind == LIG_TOKEN_SYMBOL && lig_str_is(p->token.text, symbol);
}

bool lig_parser__is_keyword(const LigParser *p, const char *keyword)
{
    return p->token.kind == LIG_TOKEN_NAME && lig_str_is(p->token.text, keyword);
}

bool lig_parser__accept(LigParser *p, const char *symbol)
{
    if (!lig_parser__is_symbol(p, symbol)) return false;
    lig_parser__advance(p);
    return true;
}

bool lig_parser__accept_keyword(LigParser *p, const char *keyword)
{
    if (!lig_parser__is_keyword(p, keyword)) return false;
    lig_parser__advance(p);
    return true;
}

static bool expected_in(LigParser *p, const char *what, const char *form)
{
    LigStr quoted = lig_str_format(p->module->arena, "`%s` as in `%s`", what, form);
    return quoted.data == NULL ? lig_parser__no_memory(p) : lig_parser__expected(p, quoted.data);
}

bool lig_parser__expect(LigParser *p, const char *symbol, const char *form)
{
    return lig_parser__accept(p, symbol) || expected_in(p, symbol, form);
}

bool lig_parser__expect_keyword(LigParser *p, const char *keyword, const char *form)
{
    return lig_parser__accept_keyword(p, keyword) || expected_in(p, keyword, form);
}

bool lig_parser__expect_kind(LigParser *p, LigTokenKind kind, const char *what, LigToken *out)
{
    if (p->token.kind != kind) return lig_parser__expected(p, what);
    *out = p->token;
    lig_parser__advance(p);
    return true;
}

bool lig_parser__number_text(LigParser *p, const char *what, LigToken *out)
{
    LigToken sign = p->token;
    bool negative = lig_parser__is_symbol(p, "-") && p->next.text.data == p->token.text.data + 1;
    if (negative) lig_parser__advance(p);
    bool named = lig_parser__is_keyword(p, "inf") || lig_parser__is_keyword(p, "nan");
    if (p->token.kind != LIG_TOKEN_NUMBER && !named) return lig_parser__expected(p, what);
    *out = p->token;
    if (negative) {
        out->loc = sign.loc;
        out->text = (LigStr){sign.text.data, p->token.text.length + 1};
    }
    lig_parser__advance(p);
    return true;
}

// A leading zero would make it octal to some readers.
static bool has_leading_zero(LigStr text)
{
    LigStr digits = text.data[0] == '-' ? lig_str_skip(text, 1) : text;
    return digits.length > 1 && digits.data[0] == '0' && digits.data[1] >= '0' && digits.data[1] <= '9';
}

bool lig_parser__integer_of(LigParser *p, LigToken number, int64_t *out)
{
    if (!has_leading_zero(number.text) && lig_str_to_i64(number.text, out)) return true;
    return lig_parser__fail(p, number.loc, "`%.*s` is no integer of 64 bits: write it like 12 or 0x40",
                            LIG_STR_ARG(number.text));
}

bool lig_parser__integer(LigParser *p, const char *what, int64_t *out)
{
    LigToken number;
    return lig_parser__number_text(p, what, &number) && lig_parser__integer_of(p, number, out);
}

bool lig_parser__real_of(LigParser *p, LigToken number, double *out)
{
    if (lig_str_to_f64(number.text, out)) return true;
    return lig_parser__fail(p, number.loc, "`%.*s` is no number: write it like 0.5, 1e-05, inf or nan",
                            LIG_STR_ARG(number.text));
}

bool lig_parser__unknown(LigParser *p, LigToken token, const char *kind, const LigNear *near,
                         const char *advice)
{
    const char *mark = sigil(token);
    if (near->best.length > 0)
        return lig_parser__fail(p, token.loc, "unknown %s `%s%.*s`: did you mean `%s%.*s`?", kind, mark,
                                LIG_STR_ARG(token.text), mark, LIG_STR_ARG(near->best));
    return lig_parser__fail(p, token.loc, "unknown %s `%s%.*s`: %s", kind, mark, LIG_STR_ARG(token.text),
                            advice);
}

#define PCRE2_CODE_UNIT_WIDTH 8
#include "runtime/text/matcher.h"

#include "ir/base/alloc.h"
#include "runtime/text/utf8.h"

#include <pcre2.h>
#include <string.h>

static void *pcre_alloc(size_t bytes, void *unused)
{
    (void)unused;
    return lig_alloc(bytes);
}

static void pcre_free(void *pointer, void *unused)
{
    (void)unused;
    lig_free(pointer);
}

// What PCRE2 says for a class of Oniguruma's, inside of brackets and outside; NULL: the same.
static const char *translate(char letter, bool in_brackets)
{
    switch (letter) {
    case 's':
        return "\\p{White_Space}";
    case 'S':
        return "\\P{White_Space}";
    case 'w':
        return in_brackets ? "\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}" : "[\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}]";
    case 'W':
        return in_brackets ? NULL : "[^\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}]";
    case 'h':
        return in_brackets ? "0-9A-Fa-f" : "[0-9A-Fa-f]";
    default:
        return NULL;
    }
}

// What Oniguruma reads in brackets but PCRE2 does not, at `at`; NULL: nothing of the kind.
static const char *foreign_in_brackets(LigStr pattern, size_t at)
{
    const LigStr rest = lig_str_skip(pattern, at);
    if (lig_str_starts_with(rest, LIG_STR("\\W"))) return "\\W";
    if (lig_str_starts_with(rest, LIG_STR("&&"))) return "&&";
    return rest.data[0] == '[' && !lig_str_starts_with(rest, LIG_STR("[:")) ? "[" : NULL;
}

// Appends the pattern as PCRE2 takes it; `*foreign` is what it does not take in brackets, or NULL.
static void import(LigStr pattern, LigText *out, const char **foreign)
{
    bool in_brackets = false;
    *foreign = NULL;
    for (size_t i = 0; i < pattern.length && !*foreign; i++) {
        const char c = pattern.data[i];
        if (in_brackets) *foreign = foreign_in_brackets(pattern, i);
        if (c == '\\' && i + 1 < pattern.length) {
            const char *other = translate(pattern.data[++i], in_brackets);
            lig_text_append(out, other ? lig_str(other) : (LigStr){pattern.data + i - 1, 2});
            continue;
        }
        if (in_brackets && c == '[' && i + 1 < pattern.length) { // [:name:]
            const char *end = memmem(pattern.data + i, pattern.length - i, ":]", 2);
            const size_t bytes = end ? (size_t)(end - pattern.data) + 2 - i : 1;
            lig_text_append(out, (LigStr){pattern.data + i, bytes});
            i += bytes - 1;
            continue;
        }
        if (c == '[') in_brackets = true;
        if (c == ']') in_brackets = false;
        lig_text_append_char(out, c);
    }
}

static LigStatus refuse(LigContext *ctx, LigStr pattern, int error, size_t at)
{
    if (error == PCRE2_ERROR_HEAP_FAILED) return lig_no_memory(ctx);
    PCRE2_UCHAR message[256] = {0};
    pcre2_get_error_message(error, message, sizeof message);
    return lig_fail(ctx, LIG_ERR_INVALID, LIG_NOWHERE,
                    "tokenizer: the pattern '%.*s' is not a regular expression of PCRE2: %s at byte %zu",
                    LIG_STR_ARG(pattern), (const char *)message, at);
}

// Lines end only with a line feed, and ^ and $ are theirs, as in Oniguruma's syntax of Ruby.
static LigStatus compile(LigContext *ctx, LigStr pattern, pcre2_general_context *memory, LigMatcher *out)
{
    pcre2_compile_context *settings = pcre2_compile_context_create(memory);
    if (!settings) return lig_no_memory(ctx);
    pcre2_set_newline(settings, PCRE2_NEWLINE_LF);
    int error = 0;
    PCRE2_SIZE at = 0;
    out->code =
        pcre2_compile((PCRE2_SPTR)pattern.data, pattern.length,
                      PCRE2_UTF | PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C, &error, &at, settings);
    pcre2_compile_context_free(settings);
    if (!out->code) return refuse(ctx, pattern, error, at);
    out->match = pcre2_match_data_create(1, memory);
    return out->match ? LIG_OK : lig_no_memory(ctx);
}

static bool is_literal(LigStr pattern)
{
    for (size_t i = 0; i < pattern.length; i++)
        if (strchr("\\^$.[]|()?*+{}", pattern.data[i])) return false; // its zero too: a text has none
    return pattern.length > 0;
}

LigMatcher lig_matcher_literal(LigStr text) { return (LigMatcher){.literal = text}; }

LigStatus lig_matcher_init(LigContext *ctx, LigStr pattern, LigMatcher *out)
{
    *out = (LigMatcher){.scan = lig_scanner_find(pattern)};
    if (out->scan) return LIG_OK;
    if (is_literal(pattern)) {
        *out = lig_matcher_literal(pattern);
        return LIG_OK;
    }
    LigText imported = {0};
    const char *foreign;
    import(pattern, &imported, &foreign);
    if (foreign) {
        lig_text_free(&imported);
        return lig_fail(ctx, LIG_ERR_UNSUPPORTED, LIG_NOWHERE,
                        "tokenizer: the pattern '%.*s' has %s inside of brackets, which is not supported",
                        LIG_STR_ARG(pattern), foreign);
    }
    pcre2_general_context *memory = pcre2_general_context_create(pcre_alloc, pcre_free, NULL);
    LigStatus status = memory && !imported.failed ? LIG_OK : lig_no_memory(ctx);
    if (status == LIG_OK) status = compile(ctx, lig_text_view(&imported), memory, out);
    pcre2_general_context_free(memory); // what it made has the allocator of its own
    lig_text_free(&imported);
    return status;
}

void lig_matcher_free(LigMatcher *matcher)
{
    pcre2_match_data_free(matcher->match);
    pcre2_code_free(matcher->code);
    *matcher = (LigMatcher){0};
}

static void find_literal(LigStr literal, LigStr text, size_t from, size_t *begin, size_t *end)
{
    const char *found = memmem(text.data + from, text.length - from, literal.data, literal.length);
    *begin = found ? (size_t)(found - text.data) : SIZE_MAX;
    *end = found ? *begin + literal.length : 0;
}

LigStatus lig_matcher_find(LigContext *ctx, const LigMatcher *matcher, LigStr text, size_t from, size_t *begin,
                           size_t *end)
{
    *begin = SIZE_MAX;
    if (matcher->scan) {
        if (!matcher->scan(text, from, begin, end)) *begin = SIZE_MAX;
        return LIG_OK;
    }
    if (matcher->literal.length > 0) {
        find_literal(matcher->literal, text, from, begin, end);
        return LIG_OK;
    }
    const int found = pcre2_match(matcher->code, (PCRE2_SPTR)text.data, text.length, from, PCRE2_NO_UTF_CHECK,
                                  matcher->match, NULL);
    if (found == PCRE2_ERROR_NOMATCH) return LIG_OK;
    if (found == PCRE2_ERROR_NOMEMORY) return lig_no_memory(ctx);
    if (found < 0)
        return lig_fail(ctx, LIG_ERR_INVALID, LIG_NOWHERE,
                        "tokenizer: a pattern needs too many steps on this text (PCRE2 error %d); divide it",
                        found);
    const PCRE2_SIZE *places = pcre2_get_ovector_pointer(matcher->match);
    *begin = places[0];
    *end = places[1] < places[0] ? places[0] : places[1]; // \K in a lookahead can turn them round
    return LIG_OK;
}

size_t lig_matcher_next(LigStr text, size_t from, size_t end)
{
    if (end > from) return end;
    return from < text.length ? from + lig_utf8_next(lig_str_skip(text, from)).bytes : from + 1;
}

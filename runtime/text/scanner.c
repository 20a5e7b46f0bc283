#include "runtime/text/scanner.h"

#include "runtime/text/utf8.h"

#include <string.h>

enum { LETTER = LIG_CHAR_LETTER, NUMBER = LIG_CHAR_NUMBER, SPACE = LIG_CHAR_SPACE };

typedef struct Char {
    uint32_t code_point;
    uint32_t class; // LIG_CHAR_…
    uint32_t bytes;
} Char;

static inline Char char_at(LigStr text, size_t at)
{
    Char c;
    c.code_point = lig_utf8_get((LigStr){text.data + at, text.length - at}, &c.bytes);
    c.class = lig_char_class(c.code_point);
    return c;
}

// The end of the run of characters from `at` that have a class in `classes`.
static inline size_t run_of(LigStr text, size_t at, uint32_t classes)
{
    while (at < text.length) {
        const Char c = char_at(text, at);
        if (!(c.class & classes)) break;
        at += c.bytes;
    }
    return at;
}

// The same for characters that have none of `classes`.
static inline size_t run_without(LigStr text, size_t at, uint32_t classes)
{
    while (at < text.length) {
        const Char c = char_at(text, at);
        if (c.class & classes) break;
        at += c.bytes;
    }
    return at;
}

static char byte_at(LigStr text, size_t at) { return at < text.length ? text.data[at] : '\0'; }

// 's 't 'm 'd 'll 've 're at `at`, where an apostrophe is; the end, or `at` when it is none of them.
static size_t contraction(LigStr text, size_t at)
{
    const char first = byte_at(text, at + 1);
    const char second = byte_at(text, at + 2);
    if (first == 's' || first == 't' || first == 'm' || first == 'd') return at + 2;
    if ((first == 'l' && second == 'l') || (first == 'v' && second == 'e') || (first == 'r' && second == 'e'))
        return at + 3;
    return at;
}

// A run of white space from `at` to `end`: all of it at the end of the text; else what follows takes the last
// character of it, unless that is the only one. (\s+(?!\S)|\s+)
static size_t space_match(LigStr text, size_t at, size_t end)
{
    if (end == text.length) return end;
    const size_t last = lig_utf8_last_bytes((LigStr){text.data + at, end - at});
    return end - last > at ? end - last : end;
}

static bool scan_gpt2(LigStr text, size_t from, size_t *begin, size_t *end)
{
    if (from >= text.length) return false;
    *begin = from;
    Char c = char_at(text, from);
    if (c.code_point == '\'') {
        *end = contraction(text, from);
        if (*end > from) return true;
    }
    size_t at = from;
    if (c.code_point == ' ' && from + 1 < text.length) {
        const Char next = char_at(text, from + 1);
        if (!(next.class & SPACE)) {
            at = from + 1;
            c = next;
        }
    }
    if (c.class & LETTER)
        *end = run_of(text, at + c.bytes, LETTER);
    else if (c.class & NUMBER)
        *end = run_of(text, at + c.bytes, NUMBER);
    else if (!(c.class & SPACE))
        *end = run_without(text, at + c.bytes, LETTER | NUMBER | SPACE);
    else
        *end = space_match(text, from, run_of(text, at, SPACE));
    return true;
}

// One letter of a contraction whatever its case; U+017F is an s to Unicode. Its bytes, or 0.
static size_t letter_is(LigStr text, size_t at, char lower)
{
    if (at >= text.length) return 0;
    if ((text.data[at] | 0x20) == lower) return 1;
    return lower == 's' && lig_str_starts_with(lig_str_skip(text, at), LIG_STR("\xC5\xBF")) ? 2 : 0;
}

static size_t contraction_any_case(LigStr text, size_t at)
{
    static const char *const endings[] = {"s", "t", "re", "ve", "m", "ll", "d"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t end = at + 1;
        size_t bytes = 1;
        for (const char *c = endings[i]; *c && bytes > 0; c++) end += bytes = letter_is(text, end, *c);
        if (bytes > 0) return end;
    }
    return at;
}

static bool is_newline(uint32_t c) { return c == '\r' || c == '\n'; }

static size_t newlines_from(LigStr text, size_t at)
{
    while (at < text.length && is_newline((uint8_t)text.data[at])) at++;
    return at;
}

// \s*[\r\n]+|\s+(?!\S)|\s+
static size_t space_or_lines(LigStr text, size_t at)
{
    const size_t end = run_of(text, at, SPACE);
    for (size_t line = end; line > at; line--)
        if (is_newline((uint8_t)text.data[line - 1])) return line;
    return space_match(text, at, end);
}

static size_t up_to_numbers(LigStr text, size_t at, int most)
{
    for (int i = 0; i < most && at < text.length; i++) {
        const Char c = char_at(text, at);
        if (!(c.class & NUMBER)) break;
        at += c.bytes;
    }
    return at;
}

static size_t llama3_end(LigStr text, size_t from, int digits)
{
    const Char c = char_at(text, from);
    if (c.code_point == '\'') {
        const size_t end = contraction_any_case(text, from);
        if (end > from) return end;
    }
    if (c.class & LETTER) return run_of(text, from + c.bytes, LETTER);
    if (c.class & NUMBER) return up_to_numbers(text, from, digits);
    const size_t after = from + c.bytes;
    const bool has_next = after < text.length;
    const Char next = has_next ? char_at(text, after) : (Char){0};
    if (has_next && !is_newline(c.code_point) && next.class & LETTER) return run_of(text, after, LETTER);
    if (!(c.class & SPACE)) return newlines_from(text, run_without(text, from, LETTER | NUMBER | SPACE));
    if (c.code_point == ' ' && has_next && !(next.class & (LETTER | NUMBER | SPACE)))
        return newlines_from(text, run_without(text, after, LETTER | NUMBER | SPACE));
    return space_or_lines(text, from);
}

static bool scan_llama3(LigStr text, size_t from, size_t *begin, size_t *end)
{
    if (from >= text.length) return false;
    *begin = from;
    *end = llama3_end(text, from, 3);
    return true;
}

static bool scan_qwen2(LigStr text, size_t from, size_t *begin, size_t *end)
{
    if (from >= text.length) return false;
    *begin = from;
    *end = llama3_end(text, from, 1);
    return true;
}

// One character of the classes.
static bool find_class(LigStr text, size_t from, uint32_t classes, size_t *begin, size_t *end)
{
    for (size_t at = from; at < text.length;) {
        const Char c = char_at(text, at);
        if (c.class & classes) {
            *begin = at;
            *end = at + c.bytes;
            return true;
        }
        at += c.bytes;
    }
    return false;
}

static bool scan_number(LigStr text, size_t from, size_t *begin, size_t *end)
{
    return find_class(text, from, NUMBER, begin, end);
}

static bool scan_numbers(LigStr text, size_t from, size_t *begin, size_t *end)
{
    if (!find_class(text, from, NUMBER, begin, end)) return false;
    *end = run_of(text, *end, NUMBER);
    return true;
}

static bool scan_three_numbers(LigStr text, size_t from, size_t *begin, size_t *end)
{
    if (!find_class(text, from, NUMBER, begin, end)) return false;
    *end = up_to_numbers(text, *begin, 3);
    return true;
}

static bool scan_space(LigStr text, size_t from, size_t *begin, size_t *end)
{
    return find_class(text, from, SPACE, begin, end);
}

static bool scan_spaces(LigStr text, size_t from, size_t *begin, size_t *end)
{
    if (!find_class(text, from, SPACE, begin, end)) return false;
    *end = run_of(text, *end, SPACE);
    return true;
}

// Punctuation, and the symbols of ASCII.
static bool scan_bert_punctuation(LigStr text, size_t from, size_t *begin, size_t *end)
{
    const uint32_t classes = LIG_CHAR_PUNCTUATION | LIG_CHAR_SYMBOL;
    while (find_class(text, from, classes, begin, end)) {
        const Char c = char_at(text, *begin);
        if (c.class & LIG_CHAR_PUNCTUATION || c.code_point < 0x80) return true;
        from = *end;
    }
    return false;
}

// 0 white space, 1 word, 2 neither.
static int word_kind(Char c)
{
    if (c.class & (LETTER | LIG_CHAR_MARK)) return 1;
    if (c.class & SPACE) return 0;
    return lig_utf8_is_word(c.code_point) ? 1 : 2;
}

static bool scan_words(LigStr text, size_t from, size_t *begin, size_t *end)
{
    const size_t first = run_of(text, from, SPACE);
    if (first >= text.length) return false;
    const int kind = word_kind(char_at(text, first));
    size_t at = first;
    while (at < text.length) {
        const Char c = char_at(text, at);
        if (word_kind(c) != kind) break;
        at += c.bytes;
    }
    *begin = first;
    *end = at;
    return true;
}

// Where a match of \s+$ in the run of white space ends (lines end where Ruby's $ says), or `begin`.
static size_t end_of_line_in(LigStr text, size_t begin, size_t end)
{
    if (end == text.length) return end;
    for (size_t at = end; at-- > begin + 1;)
        if (text.data[at] == '\n') return at;
    return begin;
}

static bool scan_spaces_at_end(LigStr text, size_t from, size_t *begin, size_t *end)
{
    while (scan_spaces(text, from, begin, end)) {
        const size_t match = end_of_line_in(text, *begin, *end);
        from = *end;
        *end = match;
        if (match > *begin) return true;
    }
    return false;
}

static bool scan_newline(LigStr text, size_t from, size_t *begin, size_t *end)
{
    while (from < text.length && !is_newline((uint8_t)text.data[from])) from++;
    *begin = from;
    *end = from + 1;
    return from < text.length;
}

// Two spaces or more.
static bool scan_many_spaces(LigStr text, size_t from, size_t *begin, size_t *end)
{
    while (from < text.length) {
        const char *space = memchr(text.data + from, ' ', text.length - from);
        if (!space) return false;
        *begin = (size_t)(space - text.data);
        *end = *begin + 1;
        while (*end < text.length && text.data[*end] == ' ') ++*end;
        if (*end - *begin > 1) return true;
        from = *end;
    }
    return false;
}

// \s? before a run of the classes.
static bool spaced_run(LigStr text, size_t from, uint32_t classes, size_t *begin, size_t *end)
{
    size_t first, after;
    if (!find_class(text, from, classes, &first, &after)) return false;
    *end = run_of(text, after, classes);
    *begin = first;
    if (first > from) {
        const size_t before = lig_utf8_last_bytes((LigStr){text.data, first});
        if (char_at(text, first - before).class & SPACE) *begin = first - before;
    }
    return true;
}

static bool scan_spaced_letters(LigStr text, size_t from, size_t *begin, size_t *end)
{
    return spaced_run(text, from, LETTER, begin, end);
}

static bool scan_spaced_punctuation(LigStr text, size_t from, size_t *begin, size_t *end)
{
    return spaced_run(text, from, LIG_CHAR_PUNCTUATION, begin, end);
}

LigScanFn lig_scanner_find(LigStr pattern)
{
    static const struct {
        const char *pattern;
        LigScanFn scan;
    } known[] = {
        {LIG_PATTERN_GPT2, scan_gpt2},
        {"'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", scan_gpt2},
        {LIG_PATTERN_LLAMA3, scan_llama3},
        {LIG_PATTERN_QWEN2, scan_qwen2},
        {LIG_PATTERN_NUMBER, scan_number},
        {LIG_PATTERN_NUMBERS, scan_numbers},
        {"\\p{N}{1,3}", scan_three_numbers},
        {LIG_PATTERN_SPACE, scan_space},
        {"\\s+", scan_spaces},
        {LIG_PATTERN_BERT_PUNCTUATION, scan_bert_punctuation},
        {LIG_PATTERN_WORDS, scan_words},
        {LIG_PATTERN_SPACES_AT_END, scan_spaces_at_end},
        {"[\r\n]", scan_newline},
        {"[\\r\\n]", scan_newline},
        {" {2,}", scan_many_spaces},
        {"\\s?\\p{L}+", scan_spaced_letters},
        {"\\s?\\p{P}+", scan_spaced_punctuation},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (lig_str_is(pattern, known[i].pattern)) return known[i].scan;
    return NULL;
}

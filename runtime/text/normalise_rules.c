#include "runtime/text/normalise_rules.h"

#include "ir/base/alloc.h"
#include "runtime/text/utf8.h"

#include <utf8proc.h>

static size_t ascii_end(LigStr text, size_t at)
{
    while (at < text.length && (uint8_t)text.data[at] < 0x80) at++;
    return at;
}

static utf8proc_option_t options_of(LigNormaliserKind form)
{
    const utf8proc_option_t compat =
        form == LIG_NORMALISE_NFKC || form == LIG_NORMALISE_NFKD ? UTF8PROC_COMPAT : 0;
    const utf8proc_option_t direction =
        form == LIG_NORMALISE_NFC || form == LIG_NORMALISE_NFKC ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE;
    return (utf8proc_option_t)(UTF8PROC_STABLE | (int)direction | (int)compat);
}

// Two passes, as the library offers: count the code points, then write them into memory of ours.
static LigStatus apply_form(LigContext *ctx, utf8proc_option_t options, LigStr text, LigText *out)
{
    enum { FEW = 64 };
    utf8proc_int32_t few[FEW];
    const utf8proc_uint8_t *bytes = (const utf8proc_uint8_t *)text.data;
    const utf8proc_ssize_t length = (utf8proc_ssize_t)text.length;
    utf8proc_ssize_t count = utf8proc_decompose(bytes, length, few, FEW, options);
    if (count < 0)
        return lig_fail(ctx, LIG_ERR_INVALID, LIG_NOWHERE, "tokenizer: the text can't be normalised: %s",
                        utf8proc_errmsg(count));
    utf8proc_int32_t *points = few;
    if (count > FEW) {
        points = lig_alloc(((size_t)count + 1) * sizeof *points);
        if (!points) return lig_no_memory(ctx);
        count = utf8proc_decompose(bytes, length, points, count, options);
    }
    count = utf8proc_normalize_utf32(points, count, options);
    for (utf8proc_ssize_t i = 0; i < count; i++) lig_utf8_append(out, (uint32_t)points[i]);
    if (points != few) lig_free(points);
    return out->failed ? lig_no_memory(ctx) : LIG_OK;
}

// ASCII is in every form already, and only its last letter can take part in what follows it.
LigStatus lig_normalise_form(LigContext *ctx, LigNormaliserKind form, LigStr text, LigText *out)
{
    const utf8proc_option_t options = options_of(form);
    for (size_t at = 0; at < text.length;) {
        size_t plain = ascii_end(text, at);
        if (plain < text.length && plain > at) plain--;
        lig_text_append(out, (LigStr){text.data + at, plain - at});
        size_t end = plain < text.length ? plain + 1 : plain;
        while (end < text.length && (uint8_t)text.data[end] >= 0x80) end++;
        if (end > plain) LIG_TRY(apply_form(ctx, options, (LigStr){text.data + plain, end - plain}, out));
        at = end;
    }
    return LIG_OK;
}

// The only character whose lower case is two.
static void append_lower(LigText *out, uint32_t c)
{
    if (c == 0x130) {
        lig_text_append(out, LIG_STR("i\xCC\x87"));
        return;
    }
    lig_utf8_append(out, (uint32_t)utf8proc_tolower((utf8proc_int32_t)c));
}

void lig_normalise_lowercase(LigStr text, LigText *out)
{
    while (text.length > 0) {
        const size_t plain = ascii_end(text, 0);
        const size_t start = out->length;
        lig_text_append(out, (LigStr){text.data, plain});
        for (size_t i = start; i < out->length; i++)
            if (out->data[i] >= 'A' && out->data[i] <= 'Z') out->data[i] = (char)(out->data[i] | 0x20);
        text = lig_str_skip(text, plain);
        while (text.length > 0 && (uint8_t)text.data[0] >= 0x80) {
            uint32_t bytes;
            append_lower(out, lig_utf8_get(text, &bytes));
            text = lig_str_skip(text, bytes);
        }
    }
}

// What a rule makes of one character, or DROPPED.
#define DROPPED UINT32_MAX
typedef uint32_t (*MapFn)(uint32_t code_point, uint32_t argument);

// Appends runs of characters that stay as they are at once.
static void map_characters(LigStr text, MapFn map, uint32_t argument, LigText *out)
{
    size_t kept = 0;
    for (size_t at = 0; at < text.length;) {
        uint32_t bytes;
        const uint32_t c = lig_utf8_get((LigStr){text.data + at, text.length - at}, &bytes);
        const uint32_t mapped = map(c, argument);
        at += bytes;
        if (mapped == c) continue;
        lig_text_append(out, (LigStr){text.data + kept, at - bytes - kept});
        if (mapped != DROPPED) lig_utf8_append(out, mapped);
        kept = at;
    }
    lig_text_append(out, lig_str_skip(text, kept));
}

static uint32_t keep_others(uint32_t c, uint32_t classes) { return lig_char_class(c) & classes ? DROPPED : c; }

void lig_normalise_drop(uint32_t classes, LigStr text, LigText *out)
{
    map_characters(text, keep_others, classes, out);
}

static uint32_t clean_character(uint32_t c, uint32_t unused)
{
    (void)unused;
    if (c == '\t' || c == '\n' || c == '\r') return ' ';
    if (c == 0 || c == 0xFFFD) return DROPPED;
    const uint32_t class = lig_char_class(c);
    if (class & LIG_CHAR_OTHER) return DROPPED;
    return class & LIG_CHAR_SPACE ? ' ' : c;
}

void lig_normalise_clean(LigStr text, LigText *out) { map_characters(text, clean_character, 0, out); }

// The blocks that BERT's tokenizer calls Chinese; the fifth begins where Transformers says, not Unicode.
static bool is_chinese(uint32_t c)
{
    return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
           (c >= 0x2A700 && c <= 0x2B73F) || (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
           (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

void lig_normalise_space_chinese(LigStr text, LigText *out)
{
    size_t kept = 0;
    for (size_t at = 0; at < text.length;) {
        uint32_t bytes;
        const uint32_t c = lig_utf8_get((LigStr){text.data + at, text.length - at}, &bytes);
        at += bytes;
        if (!is_chinese(c)) continue;
        lig_text_append(out, (LigStr){text.data + kept, at - bytes - kept});
        lig_text_append_char(out, ' ');
        lig_text_append(out, (LigStr){text.data + at - bytes, bytes});
        lig_text_append_char(out, ' ');
        kept = at;
    }
    lig_text_append(out, lig_str_skip(text, kept));
}

void lig_normalise_collapse_spaces(LigStr text, LigText *out)
{
    bool pending = false;
    const size_t start = out->length;
    for (size_t at = 0; at < text.length; at++) {
        if (text.data[at] == ' ') {
            pending = true;
            continue;
        }
        if (pending && out->length > start) lig_text_append_char(out, ' ');
        pending = false;
        lig_text_append_char(out, text.data[at]);
    }
}

// The control characters that Google's translation data drops, and the spaces it knows.
static uint32_t nmt_character(uint32_t c, uint32_t unused)
{
    (void)unused;
    if ((c >= 0x01 && c <= 0x08) || c == 0x0B || (c >= 0x0E && c <= 0x1F) || c == 0x7F || c == 0x8F ||
        c == 0x9F)
        return DROPPED;
    if (c == 0x09 || c == 0x0A || c == 0x0C || c == 0x0D || c == 0x1680 || (c >= 0x200B && c <= 0x200F) ||
        c == 0x2028 || c == 0x2029 || c == 0x2581 || c == 0xFEFF || c == 0xFFFD)
        return ' ';
    return c;
}

void lig_normalise_nmt(LigStr text, LigText *out) { map_characters(text, nmt_character, 0, out); }

LigStr lig_normalise_strip(uint32_t sides, LigStr text)
{
    uint32_t bytes;
    while (sides & LIG_RULE_LEFT && text.length > 0 && lig_utf8_is_space(lig_utf8_get(text, &bytes)))
        text = lig_str_skip(text, bytes);
    while (sides & LIG_RULE_RIGHT && text.length > 0) {
        const size_t last = lig_utf8_last_bytes(text);
        if (!lig_utf8_is_space(lig_utf8_get(lig_str_skip(text, text.length - last), &bytes))) break;
        text.length -= last;
    }
    return text;
}

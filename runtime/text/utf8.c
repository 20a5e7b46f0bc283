#include "runtime/text/utf8.h"

#include <utf8proc.h>

// How many bytes follow a lead byte, and the range of the first of them (the others are 80..BF);
// follow = 0: no lead byte at all. Unicode standard, table 3-7.
typedef struct Lead {
    uint8_t follow;
    uint8_t low;
    uint8_t high;
} Lead;

static Lead lead_of(uint8_t byte)
{
    if (byte >= 0xC2 && byte <= 0xDF) return (Lead){1, 0x80, 0xBF};
    if (byte == 0xE0) return (Lead){2, 0xA0, 0xBF};
    if (byte == 0xED) return (Lead){2, 0x80, 0x9F};
    if (byte >= 0xE1 && byte <= 0xEF) return (Lead){2, 0x80, 0xBF};
    if (byte == 0xF0) return (Lead){3, 0x90, 0xBF};
    if (byte >= 0xF1 && byte <= 0xF3) return (Lead){3, 0x80, 0xBF};
    if (byte == 0xF4) return (Lead){3, 0x80, 0x8F};
    return (Lead){0, 0, 0};
}

LigUtf8Char lig_utf8_next(LigStr s)
{
    const uint8_t *data = (const uint8_t *)s.data;
    if (data[0] < 0x80) return (LigUtf8Char){LIG_UTF8_VALID, 1, data[0]};
    Lead lead = lead_of(data[0]);
    if (lead.follow == 0) return (LigUtf8Char){LIG_UTF8_INVALID, 1, 0xFFFD};
    uint32_t code_point = data[0] & (0x3Fu >> lead.follow);
    for (uint32_t i = 1; i <= lead.follow; i++) {
        if (i >= s.length) return (LigUtf8Char){LIG_UTF8_CUT, i, 0xFFFD};
        uint8_t low = i == 1 ? lead.low : 0x80;
        uint8_t high = i == 1 ? lead.high : 0xBF;
        if (data[i] < low || data[i] > high) return (LigUtf8Char){LIG_UTF8_INVALID, i, 0xFFFD};
        code_point = code_point << 6 | (data[i] & 0x3Fu);
    }
    return (LigUtf8Char){LIG_UTF8_VALID, lead.follow + 1u, code_point};
}

size_t lig_utf8_last_bytes(LigStr s)
{
    size_t bytes = 1;
    while (bytes < s.length && bytes < 4 && ((uint8_t)s.data[s.length - bytes] & 0xC0) == 0x80) bytes++;
    return bytes;
}

bool lig_utf8_is_valid(LigStr s)
{
    while (s.length > 0) {
        LigUtf8Char c = lig_utf8_next(s);
        if (c.state != LIG_UTF8_VALID) return false;
        s = lig_str_skip(s, c.bytes);
    }
    return true;
}

size_t lig_utf8_count(LigStr s)
{
    size_t count = 0;
    for (size_t i = 0; i < s.length; i++) count += ((uint8_t)s.data[i] & 0xC0) != 0x80;
    return count;
}

void lig_utf8_append_valid(LigText *out, LigStr s)
{
    size_t valid = 0; // bytes of s known to be good but not yet appended
    while (valid < s.length) {
        LigUtf8Char c = lig_utf8_next(lig_str_skip(s, valid));
        if (c.state == LIG_UTF8_VALID) {
            valid += c.bytes;
            continue;
        }
        lig_text_append(out, (LigStr){s.data, valid});
        lig_text_append(out, LIG_UTF8_REPLACEMENT);
        s = lig_str_skip(s, valid + c.bytes);
        valid = 0;
    }
    lig_text_append(out, s);
}

void lig_utf8_append(LigText *out, uint32_t code_point)
{
    if (code_point > 0x10FFFF || (code_point >= 0xD800 && code_point <= 0xDFFF)) code_point = 0xFFFD;
    utf8proc_uint8_t bytes[4];
    utf8proc_ssize_t count = utf8proc_encode_char((utf8proc_int32_t)code_point, bytes);
    lig_text_append(out, (LigStr){(const char *)bytes, (size_t)count});
}

bool lig_utf8_is_space(uint32_t c)
{
    return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
           c == 0x3000;
}

static const uint8_t category_classes[] = {
    [UTF8PROC_CATEGORY_LU] = LIG_CHAR_LETTER,      [UTF8PROC_CATEGORY_LL] = LIG_CHAR_LETTER,
    [UTF8PROC_CATEGORY_LT] = LIG_CHAR_LETTER,      [UTF8PROC_CATEGORY_LM] = LIG_CHAR_LETTER,
    [UTF8PROC_CATEGORY_LO] = LIG_CHAR_LETTER,      [UTF8PROC_CATEGORY_MN] = LIG_CHAR_MARK | LIG_CHAR_NONSPACING,
    [UTF8PROC_CATEGORY_MC] = LIG_CHAR_MARK,        [UTF8PROC_CATEGORY_ME] = LIG_CHAR_MARK,
    [UTF8PROC_CATEGORY_ND] = LIG_CHAR_NUMBER,      [UTF8PROC_CATEGORY_NL] = LIG_CHAR_NUMBER,
    [UTF8PROC_CATEGORY_NO] = LIG_CHAR_NUMBER,      [UTF8PROC_CATEGORY_PC] = LIG_CHAR_PUNCTUATION,
    [UTF8PROC_CATEGORY_PD] = LIG_CHAR_PUNCTUATION, [UTF8PROC_CATEGORY_PS] = LIG_CHAR_PUNCTUATION,
    [UTF8PROC_CATEGORY_PE] = LIG_CHAR_PUNCTUATION, [UTF8PROC_CATEGORY_PI] = LIG_CHAR_PUNCTUATION,
    [UTF8PROC_CATEGORY_PF] = LIG_CHAR_PUNCTUATION, [UTF8PROC_CATEGORY_PO] = LIG_CHAR_PUNCTUATION,
    [UTF8PROC_CATEGORY_SM] = LIG_CHAR_SYMBOL,      [UTF8PROC_CATEGORY_SC] = LIG_CHAR_SYMBOL,
    [UTF8PROC_CATEGORY_SK] = LIG_CHAR_SYMBOL,      [UTF8PROC_CATEGORY_SO] = LIG_CHAR_SYMBOL,
    [UTF8PROC_CATEGORY_CC] = LIG_CHAR_OTHER,       [UTF8PROC_CATEGORY_CF] = LIG_CHAR_OTHER,
    [UTF8PROC_CATEGORY_CS] = LIG_CHAR_OTHER,       [UTF8PROC_CATEGORY_CO] = LIG_CHAR_OTHER,
};

static uint32_t class_of(uint32_t c)
{
    const utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
    const uint32_t bits = (unsigned)category < sizeof category_classes ? category_classes[category] : 0;
    return bits | (lig_utf8_is_space(c) ? LIG_CHAR_SPACE : 0);
}

// The classes of ASCII in rows of 16: C other, W other and space, B space, P punctuation,
// Y symbol, N number, L letter.
enum {
    C = LIG_CHAR_OTHER,
    W = LIG_CHAR_OTHER | LIG_CHAR_SPACE,
    B = LIG_CHAR_SPACE,
    P = LIG_CHAR_PUNCTUATION,
    Y = LIG_CHAR_SYMBOL,
    N = LIG_CHAR_NUMBER,
    L = LIG_CHAR_LETTER,
};
static const uint8_t ascii_classes[128] = {
    C, C, C, C, C, C, C, C, C, W, W, W, W, W, C, C, //
    C, C, C, C, C, C, C, C, C, C, C, C, C, C, C, C, //
    B, P, P, P, Y, P, P, P, P, P, P, Y, P, P, P, P, //
    N, N, N, N, N, N, N, N, N, N, P, P, Y, Y, Y, P, //
    P, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, //
    L, L, L, L, L, L, L, L, L, L, L, P, P, P, Y, P, //
    Y, L, L, L, L, L, L, L, L, L, L, L, L, L, L, L, //
    L, L, L, L, L, L, L, L, L, L, L, P, Y, P, Y, C, //
};

uint32_t lig_char_class(uint32_t code_point)
{
    return code_point < 128 ? ascii_classes[code_point] : class_of(code_point);
}

bool lig_str_is_ascii(LigStr s)
{
    unsigned char bits = 0;
    for (size_t i = 0; i < s.length; i++) bits |= (unsigned char)s.data[i];
    return bits < 0x80;
}

bool lig_utf8_is_word(uint32_t c)
{
    if (lig_char_class(c) & (LIG_CHAR_LETTER | LIG_CHAR_MARK)) return true;
    const utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)c);
    if (category == UTF8PROC_CATEGORY_ND || category == UTF8PROC_CATEGORY_NL ||
        category == UTF8PROC_CATEGORY_PC)
        return true;
    // Joiners, and the symbols that are alphabetic: letters in circles and squares.
    return c == 0x200C || c == 0x200D || (c >= 0x24B6 && c <= 0x24E9) || (c >= 0x1F130 && c <= 0x1F149) ||
           (c >= 0x1F150 && c <= 0x1F169) || (c >= 0x1F170 && c <= 0x1F189);
}

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

bool lig_utf8_is_word(uint32_t code_point)
{
    utf8proc_category_t category = utf8proc_category((utf8proc_int32_t)code_point);
    return (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_NO) ||
           category == UTF8PROC_CATEGORY_PC;
}

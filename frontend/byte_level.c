#include "frontend/byte_level.h"

#include "runtime/text/utf8.h"

static bool is_printable(uint32_t byte)
{
    return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || (byte >= 0xAE && byte <= 0xFF);
}

// The n-th byte that is not printable: 0..32, 127..160, 173.
static uint32_t unprintable(uint32_t n)
{
    if (n <= 32) return n;
    return n <= 66 ? n - 33 + 127 : 173;
}

// The byte that a character stands for, or -1.
static int byte_of(uint32_t code_point)
{
    if (code_point < 256) return is_printable(code_point) ? (int)code_point : -1;
    return code_point < 256 + 68 ? (int)unprintable(code_point - 256) : -1;
}

// ASCII stands for itself.
static bool is_plain(LigStr token)
{
    for (size_t i = 0; i < token.length; i++) {
        unsigned char c = (unsigned char)token.data[i];
        if (c >= 0x80 || !is_printable(c)) return false;
    }
    return token.length > 0;
}

LigStr lig_byte_level_decode(LigArena *arena, LigStr token)
{
    if (is_plain(token)) return token;
    char *bytes = lig_arena_alloc(arena, token.length + 1);
    if (!bytes) return (LigStr){0};
    size_t count = 0;
    for (LigStr rest = token; rest.length > 0;) {
        unsigned char first = (unsigned char)rest.data[0];
        if (first < 0x80 && is_printable(first)) {
            bytes[count++] = (char)first;
            rest = lig_str_skip(rest, 1);
            continue;
        }
        LigUtf8Char c = lig_utf8_next(rest);
        int byte = c.state == LIG_UTF8_VALID ? byte_of(c.code_point) : -1;
        if (byte < 0) return token.data ? token : (LigStr){bytes, 0};
        bytes[count++] = (char)byte;
        rest = lig_str_skip(rest, c.bytes);
    }
    return (LigStr){bytes, count};
}

// UTF-8, one character at a time, for text that may be invalid or cut off.
//
// What is not UTF-8 counts as in the Unicode standard (and in Python, Rust and browsers): each maximal
// prefix of a character that goes wrong is one U+FFFD. Threading: pure functions.
#ifndef LIG_TEXT_UTF8_H
#define LIG_TEXT_UTF8_H

#include "ir/base/str.h"

#define LIG_UTF8_REPLACEMENT LIG_STR("\xEF\xBF\xBD")

typedef enum LigUtf8State {
    LIG_UTF8_VALID,
    LIG_UTF8_INVALID, // `bytes` bytes stand for one U+FFFD
    LIG_UTF8_CUT,     // valid so far, but the data ends inside the character
} LigUtf8State;

typedef struct LigUtf8Char {
    LigUtf8State state;
    uint32_t bytes;      // at least 1
    uint32_t code_point; // U+FFFD unless valid
} LigUtf8Char;

// The first character of a non-empty `s`.
LigUtf8Char lig_utf8_next(LigStr s);
// How many bytes the last character of a non-empty, valid `s` has.
size_t lig_utf8_last_bytes(LigStr s);
bool lig_utf8_is_valid(LigStr s);
// How many characters a valid `s` has.
size_t lig_utf8_count(LigStr s);
// Appends `s` with U+FFFD for everything that is not UTF-8.
void lig_utf8_append_valid(LigText *out, LigStr s);
// Appends one character; surrogates and values past U+10FFFF become U+FFFD.
void lig_utf8_append(LigText *out, uint32_t code_point);

// The first character of a non-empty `s` known to be valid; its bytes in *bytes.
static inline uint32_t lig_utf8_get(LigStr s, uint32_t *bytes)
{
    const uint8_t *d = (const uint8_t *)s.data;
    if (d[0] < 0x80) {
        *bytes = 1;
        return d[0];
    }
    if (d[0] < 0xE0) {
        *bytes = 2;
        return (d[0] & 0x1Fu) << 6 | (d[1] & 0x3Fu);
    }
    if (d[0] < 0xF0) {
        *bytes = 3;
        return (d[0] & 0x0Fu) << 12 | (d[1] & 0x3Fu) << 6 | (d[2] & 0x3Fu);
    }
    *bytes = 4;
    return (d[0] & 0x07u) << 18 | (d[1] & 0x3Fu) << 12 | (d[2] & 0x3Fu) << 6 | (d[3] & 0x3Fu);
}

bool lig_str_is_ascii(LigStr s);

// What the rules of tokenizers ask of a character, as bits. L, N, M, P, S are the Unicode categories.
enum {
    LIG_CHAR_LETTER = 1u << 0,      // L
    LIG_CHAR_NUMBER = 1u << 1,      // N
    LIG_CHAR_SPACE = 1u << 2,       // the White_Space property
    LIG_CHAR_MARK = 1u << 3,        // M
    LIG_CHAR_NONSPACING = 1u << 4,  // Mn
    LIG_CHAR_PUNCTUATION = 1u << 5, // P
    LIG_CHAR_SYMBOL = 1u << 6,      // S
    LIG_CHAR_OTHER = 1u << 7,       // Cc, Cf, Co
};
uint32_t lig_char_class(uint32_t code_point);

// The White_Space property of Unicode.
bool lig_utf8_is_space(uint32_t code_point);
// Alphabetic characters, marks, decimal digits, connecting punctuation, joiners: what a regular expression
// calls \w (Unicode technical standard 18).
bool lig_utf8_is_word(uint32_t code_point);

#endif

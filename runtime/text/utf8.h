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

// The White_Space property of Unicode.
bool lig_utf8_is_space(uint32_t code_point);
// Letters, marks, numbers and connecting punctuation: what a regular expression calls \w.
bool lig_utf8_is_word(uint32_t code_point);

#endif

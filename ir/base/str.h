// String views and a growing text buffer.
//
// A LigStr is a pointer and a length: it owns nothing and need not end in a zero byte. A LigText owns its bytes
// on the heap until lig_text_free; a failed allocation sets `failed`, later appends do nothing, and
// the caller checks once at the end.
#ifndef LIG_BASE_STR_H
#define LIG_BASE_STR_H

#include "ir/base/arena.h"
#include "ir/base/status.h"

#include <stdarg.h>

typedef struct LigStr {
    const char *data;
    size_t length;
} LigStr;

#define LIG_STR(literal) ((LigStr){(literal), sizeof(literal) - 1})
// For printf's "%.*s".
#define LIG_STR_ARG(s) (int)(s).length, (s).data

LigStr lig_str(const char *zero_terminated); // NULL gives the empty string
bool lig_str_equal(LigStr a, LigStr b);
bool lig_str_is(LigStr a, const char *zero_terminated);
bool lig_str_starts_with(LigStr s, LigStr prefix);
bool lig_str_ends_with(LigStr s, LigStr suffix);
// s without its first n bytes (n is clamped).
LigStr lig_str_skip(LigStr s, size_t n);
// 64-bit hash; the same on every little-endian machine.
uint64_t lig_str_hash(LigStr s);

// A zero-terminated copy in the arena; data = NULL when memory is out.
LigStr lig_str_copy(LigArena *arena, LigStr s);
// Formatted, zero-terminated, in the arena; data = NULL when memory is out.
LigStr lig_str_format(LigArena *arena, const char *format, ...) LIG_PRINTF(2, 3);
LigStr lig_str_vformat(LigArena *arena, const char *format, va_list args);

// The whole of `s` as a number; false when it is not one or does not fit. Integers are decimal, or hexadecimal
// behind 0x; never octal.
bool lig_str_to_i64(LigStr s, int64_t *out);
bool lig_str_to_f64(LigStr s, double *out);

typedef struct LigText {
    char *data; // zero-terminated once anything was appended; NULL before
    size_t length;
    size_t capacity;
    bool failed; // an allocation failed: the content is incomplete
} LigText;

void lig_text_append(LigText *text, LigStr s);
void lig_text_append_char(LigText *text, char c);
void lig_text_append_i64(LigText *text, int64_t value); // in decimal
void lig_text_printf(LigText *text, const char *format, ...) LIG_PRINTF(2, 3);
void lig_text_vprintf(LigText *text, const char *format, va_list args);
// The shortest decimal form that reads back as the same double ("1e-05", "0.125", "inf", "nan").
void lig_text_append_f64(LigText *text, double value);
// `s` as one line that no terminal obeys: control characters (C0, DEL, C1) become \xNN a byte.
void lig_text_append_visible(LigText *text, LigStr s);
void lig_text_clear(LigText *text); // length 0, capacity kept
void lig_text_free(LigText *text);
LigStr lig_text_view(const LigText *text);

#endif

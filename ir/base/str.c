#include "ir/base/str.h"

#include "ir/base/alloc.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

LigStr lig_str(const char *zero_terminated)
{
    return (LigStr){zero_terminated, zero_terminated ? strlen(zero_terminated) : 0};
}

bool lig_str_equal(LigStr a, LigStr b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

bool lig_str_is(LigStr a, const char *zero_terminated) { return lig_str_equal(a, lig_str(zero_terminated)); }

bool lig_str_starts_with(LigStr s, LigStr prefix)
{
    return s.length >= prefix.length && lig_str_equal((LigStr){s.data, prefix.length}, prefix);
}

bool lig_str_ends_with(LigStr s, LigStr suffix)
{
    return s.length >= suffix.length && lig_str_equal(lig_str_skip(s, s.length - suffix.length), suffix);
}

LigStr lig_str_skip(LigStr s, size_t n)
{
    if (n > s.length) n = s.length;
    return (LigStr){n ? s.data + n : s.data, s.length - n};
}

static uint64_t read_word(const char *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

static uint32_t read_half(const char *bytes)
{
    uint32_t half;
    memcpy(&half, bytes, sizeof half);
    return half;
}

// The bytes of a string of less than eight, some of them twice.
static uint64_t short_word(LigStr s)
{
    if (s.length >= 4) return read_half(s.data) | (uint64_t)read_half(s.data + s.length - 4) << 32;
    if (s.length == 0) return 0;
    const unsigned char *bytes = (const unsigned char *)s.data;
    return bytes[0] | (uint64_t)bytes[s.length / 2] << 8 | (uint64_t)bytes[s.length - 1] << 16;
}

static uint64_t mix(uint64_t h, uint64_t word)
{
    h = (h ^ word) * 0x9e3779b97f4a7c15u;
    return h ^ (h >> 32);
}

// Eight bytes at a time, the last ones overlapping: maps of dims and of vocabularies hash many bytes.
uint64_t lig_str_hash(LigStr s)
{
    uint64_t h = 0xcbf29ce484222325u ^ s.length;
    if (s.length < 8) return mix(mix(h, short_word(s)), 0);
    for (size_t i = 0; i + 8 < s.length; i += 8) h = mix(h, read_word(s.data + i));
    return mix(mix(h, read_word(s.data + s.length - 8)), 0);
}

LigStr lig_str_copy(LigArena *arena, LigStr s)
{
    char *copy = lig_arena_alloc(arena, s.length + 1);
    if (copy && s.length) memcpy(copy, s.data, s.length);
    return (LigStr){copy, copy ? s.length : 0};
}

LigStr lig_str_vformat(LigArena *arena, const char *format, va_list args)
{
    va_list measure;
    va_copy(measure, args);
    int length = vsnprintf(NULL, 0, format, measure);
    va_end(measure);
    if (length < 0) return (LigStr){0};
    char *data = lig_arena_alloc(arena, (size_t)length + 1);
    if (!data) return (LigStr){0};
    vsnprintf(data, (size_t)length + 1, format, args);
    return (LigStr){data, (size_t)length};
}

LigStr lig_str_format(LigArena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    LigStr result = lig_str_vformat(arena, format, args);
    va_end(args);
    return result;
}

enum { NUMBER_BYTES = 64 };

// strtoll and strtod want a terminator: numbers longer than this are not numbers.
static bool terminate(LigStr s, char buffer[static NUMBER_BYTES])
{
    if (s.length == 0 || s.length >= NUMBER_BYTES) return false;
    memcpy(buffer, s.data, s.length);
    buffer[s.length] = '\0';
    return strlen(buffer) == s.length && buffer[0] != ' ' && buffer[0] != '\t' && buffer[0] != '\n';
}

bool lig_str_to_i64(LigStr s, int64_t *out)
{
    char buffer[NUMBER_BYTES];
    if (!terminate(s, buffer)) return false;
    const char *digits = buffer + (buffer[0] == '-' || buffer[0] == '+');
    bool is_hex = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X');
    char *end;
    errno = 0;
    long long value = strtoll(buffer, &end, is_hex ? 16 : 10); // 010 is ten, to C's own rule it is eight
    if (errno || *end) return false;
    *out = value;
    return true;
}

bool lig_str_to_f64(LigStr s, double *out)
{
    char buffer[NUMBER_BYTES];
    if (!terminate(s, buffer)) return false;
    char *end;
    double value = strtod(buffer, &end);
    if (*end) return false;
    *out = value;
    return true;
}

static bool reserve(LigText *text, size_t more)
{
    size_t needed;
    if (text->failed || !lig_add_size(text->length, more, &needed) || needed == SIZE_MAX) {
        text->failed = true;
        return false;
    }
    if (needed < text->capacity) return true;
    size_t capacity = text->capacity * 2 > needed + 64 ? text->capacity * 2 : needed + 64;
    char *data = lig_realloc(text->data, capacity);
    if (!data) {
        text->failed = true;
        return false;
    }
    text->data = data;
    text->capacity = capacity;
    return true;
}

void lig_text_append(LigText *text, LigStr s)
{
    if (!reserve(text, s.length)) return;
    if (s.length) memcpy(text->data + text->length, s.data, s.length);
    text->length += s.length;
    text->data[text->length] = '\0';
}

void lig_text_append_char(LigText *text, char c) { lig_text_append(text, (LigStr){&c, 1}); }

void lig_text_append_i64(LigText *text, int64_t value)
{
    char digits[24];
    size_t at = sizeof digits;
    uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;
    do {
        digits[--at] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (value < 0) digits[--at] = '-';
    lig_text_append(text, (LigStr){digits + at, sizeof digits - at});
}

// Into what room there is; formatted a second time only when that was too little.
void lig_text_vprintf(LigText *text, const char *format, va_list args)
{
    if (!reserve(text, 0)) return;
    va_list again;
    va_copy(again, args);
    size_t room = text->capacity - text->length;
    int length = vsnprintf(text->data + text->length, room, format, args);
    bool fits = length >= 0 && (size_t)length < room;
    text->data[text->length + (fits ? (size_t)length : 0)] = '\0';
    if (!fits && length >= 0 && reserve(text, (size_t)length))
        vsnprintf(text->data + text->length, (size_t)length + 1, format, again);
    va_end(again);
    if (length >= 0 && !text->failed) text->length += (size_t)length;
}

void lig_text_printf(LigText *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    lig_text_vprintf(text, format, args);
    va_end(args);
}

void lig_text_append_f64(LigText *text, double value)
{
    if (isnan(value) || isinf(value)) {
        lig_text_append(text, isnan(value) ? LIG_STR("nan") : value < 0 ? LIG_STR("-inf") : LIG_STR("inf"));
        return;
    }
    char buffer[NUMBER_BYTES];
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(buffer, sizeof buffer, "%.*g", digits, value);
        if (strtod(buffer, NULL) == value) break;
    }
    lig_text_append(text, lig_str(buffer));
}

// Bytes at the beginning of `s` that a terminal takes as one control character. C1 controls are two bytes in
// UTF-8: U+0080 to U+009F.
static size_t control_bytes(LigStr s)
{
    unsigned char first = (unsigned char)s.data[0];
    if (first < ' ' || first == 0x7f) return 1;
    bool is_c1 = first == 0xc2 && s.length > 1 && ((unsigned char)s.data[1] & 0xe0) == 0x80;
    return is_c1 ? 2 : 0;
}

void lig_text_append_visible(LigText *text, LigStr s)
{
    for (; s.length > 0; s = lig_str_skip(s, 1)) {
        size_t bytes = control_bytes(s);
        for (size_t i = 0; i < bytes; i++) lig_text_printf(text, "\\x%02x", (unsigned)(unsigned char)s.data[i]);
        if (bytes == 0) lig_text_append_char(text, s.data[0]);
        if (bytes > 1) s = lig_str_skip(s, bytes - 1);
    }
}

void lig_text_clear(LigText *text)
{
    text->length = 0;
    text->failed = false;
    if (text->data) text->data[0] = '\0';
}

void lig_text_free(LigText *text)
{
    lig_free(text->data);
    *text = (LigText){0};
}

LigStr lig_text_view(const LigText *text) { return (LigStr){text->data ? text->data : "", text->length}; }

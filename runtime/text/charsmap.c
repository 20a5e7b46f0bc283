#include "runtime/text/charsmap.h"

#include "runtime/text/utf8.h"

#include <string.h>
#include <utf8proc.h>

// The fields of a unit of Darts-clone.
static uint32_t unit_offset(uint32_t unit) { return (unit >> 10) << ((unit & 1u << 9) >> 6); }
static uint32_t unit_label(uint32_t unit) { return unit & (1u << 31 | 0xFFu); }
static bool unit_has_leaf(uint32_t unit) { return unit >> 8 & 1; }
static uint32_t unit_value(uint32_t unit) { return unit & ((1u << 31) - 1); }

static uint32_t unit_at(const LigCharsmap *map, uint32_t at)
{
    const unsigned char *bytes = map->units + (size_t)4 * at;
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

typedef struct Entry {
    size_t bytes; // of the text; 0: none
    LigStr replacement;
} Entry;

static bool is_inside_character(LigStr text, size_t at)
{
    return at < text.length && ((uint8_t)text.data[at] & 0xC0) == 0x80;
}

// The replacements are valid UTF-8, so what begins with a character is valid; anything else is empty.
static LigStr replacement_at(const LigCharsmap *map, uint32_t at)
{
    enum { MAX_BYTES = 1024 };
    const LigStr rest = lig_str_skip(map->replacements, at);
    const size_t most = rest.length < MAX_BYTES ? rest.length : MAX_BYTES;
    const char *zero = most > 0 && !is_inside_character(rest, 0) ? memchr(rest.data, '\0', most) : NULL;
    return (LigStr){rest.data, zero ? (size_t)(zero - rest.data) : 0};
}

// The shortest or longest entry that `text` begins with.
static Entry find(const LigCharsmap *map, LigStr text, bool longest)
{
    Entry entry = {0};
    if (map->unit_count == 0) return entry;
    uint32_t node = unit_offset(unit_at(map, 0));
    for (size_t i = 0; i < text.length && text.data[i] != '\0'; i++) {
        const uint8_t byte = (uint8_t)text.data[i];
        node ^= byte;
        if (node >= map->unit_count) break;
        const uint32_t unit = unit_at(map, node);
        if (unit_label(unit) != byte) break;
        node ^= unit_offset(unit);
        if (!unit_has_leaf(unit) || node >= map->unit_count || is_inside_character(text, i + 1)) continue;
        entry = (Entry){i + 1, replacement_at(map, unit_value(unit_at(map, node)))};
        if (!longest) break;
    }
    return entry;
}

LigStatus lig_charsmap_init(LigContext *ctx, LigStr blob, LigCharsmap *out)
{
    *out = (LigCharsmap){0};
    const unsigned char *bytes = (const unsigned char *)blob.data;
    if (blob.length > 0) {
        const size_t size = blob.length < 4 ? SIZE_MAX
                                            : (size_t)bytes[0] | (size_t)bytes[1] << 8 |
                                                  (size_t)bytes[2] << 16 | (size_t)bytes[3] << 24;
        if (size % 4 != 0 || size > blob.length - 4)
            return lig_fail(ctx, LIG_ERR_INVALID, LIG_NOWHERE,
                            "tokenizer: the precompiled normaliser has %zu bytes, less than it says",
                            blob.length);
        *out = (LigCharsmap){.units = bytes + 4, .unit_count = size / 4};
        out->replacements = lig_str_skip(blob, 4 + size);
        if (!lig_utf8_is_valid(out->replacements))
            return lig_fail(ctx, LIG_ERR_INVALID, LIG_NOWHERE,
                            "tokenizer: the replacements of the precompiled normaliser are not UTF-8");
    }
    for (unsigned c = 0; c < 128; c++) {
        const char letter = (char)c;
        if (find(out, (LigStr){&letter, 1}, false).bytes == 0) out->plain[c / 64] |= UINT64_C(1) << c % 64;
    }
    return LIG_OK;
}

static bool is_plain(const LigCharsmap *map, uint8_t c) { return map->plain[c / 64] >> c % 64 & 1; }

// The end of what begins at `at` and stays as it is: plain ASCII before more ASCII, which no entry of a single
// character and no grapheme of several touches.
static size_t plain_end(const LigCharsmap *map, LigStr text, size_t at)
{
    const uint8_t *d = (const uint8_t *)text.data;
    while (at < text.length && d[at] < 0x80 && is_plain(map, d[at]) && d[at] != '\r') {
        if (at + 1 < text.length && d[at + 1] >= 0x80) break;
        at++;
    }
    return at;
}

static void append_mapped(const LigCharsmap *map, LigStr chars, LigText *out)
{
    while (chars.length > 0) {
        uint32_t bytes;
        (void)lig_utf8_get(chars, &bytes);
        const LigStr one = {chars.data, bytes};
        const Entry entry = find(map, one, false);
        lig_text_append(out, entry.bytes > 0 ? entry.replacement : one);
        chars = lig_str_skip(chars, bytes);
    }
}

static size_t grapheme_end(LigStr text, size_t at)
{
    utf8proc_int32_t state = 0;
    uint32_t bytes;
    uint32_t before = lig_utf8_get(lig_str_skip(text, at), &bytes);
    for (at += bytes; at < text.length; at += bytes) {
        const uint32_t next = lig_utf8_get(lig_str_skip(text, at), &bytes);
        if (utf8proc_grapheme_break_stateful((utf8proc_int32_t)before, (utf8proc_int32_t)next, &state)) break;
        before = next;
    }
    return at;
}

void lig_charsmap_apply_graphemes(const LigCharsmap *map, LigStr text, LigText *out)
{
    enum { MAX_BYTES = 5 };
    for (size_t at = 0; at < text.length;) {
        const size_t plain = plain_end(map, text, at);
        lig_text_append(out, (LigStr){text.data + at, plain - at});
        at = plain;
        if (at >= text.length) break;
        const size_t end = grapheme_end(text, at);
        const LigStr grapheme = {text.data + at, end - at};
        const Entry entry = grapheme.length <= MAX_BYTES ? find(map, grapheme, false) : (Entry){0};
        if (entry.bytes > 0)
            lig_text_append(out, entry.replacement);
        else
            append_mapped(map, grapheme, out);
        at = end;
    }
}

void lig_charsmap_apply_longest(const LigCharsmap *map, LigStr text, LigText *out)
{
    while (text.length > 0) {
        const Entry entry = find(map, text, true);
        uint32_t bytes = (uint32_t)entry.bytes;
        if (bytes == 0) (void)lig_utf8_get(text, &bytes);
        lig_text_append(out, entry.bytes > 0 ? entry.replacement : (LigStr){text.data, bytes});
        text = lig_str_skip(text, bytes);
    }
}

// SentencePiece's precompiled table of normalisation: a trie from strings to their replacements.
//
// The bytes: the size of the trie in bytes (u32), the trie (units of u32, the form of the library Darts-clone),
// then the replacements, each ended by a zero. Nothing in it is trusted: a step outside of it finds nothing.
#ifndef LIG_TEXT_CHARSMAP_H
#define LIG_TEXT_CHARSMAP_H

#include "runtime/text/image.h"

typedef struct LigCharsmap {
    const unsigned char *units; // [unit_count] u32, little-endian, maybe unaligned
    size_t unit_count;
    LigStr replacements;
    uint64_t plain[2]; // a bit for each ASCII character that stands for itself alone
} LigCharsmap;

// `blob` is borrowed. Errors: INVALID (shorter than it says).
LigStatus lig_charsmap_init(LigContext *ctx, LigStr blob, LigCharsmap *out) LIG_MUST_CHECK;

// How SentencePiece reads a text: the longest entry at each place is replaced.
void lig_charsmap_apply_longest(const LigCharsmap *map, LigStr text, LigText *out);
// How Transformers reads it: each grapheme of less than 6 bytes by the shortest entry that begins it, which
// stands for the whole of it; else each of its characters alone.
void lig_charsmap_apply_graphemes(const LigCharsmap *map, LigStr text, LigText *out);

#endif

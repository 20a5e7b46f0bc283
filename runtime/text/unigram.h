// Unigram segmentation: the tokens that spell a piece and whose log probabilities have the greatest sum, by
// Viterbi's algorithm over a trie. Kudo 2018, arXiv:1804.10959.
//
// A character that no token spells alone may be unknown, at a score worse than any token's. Of equal sums the
// segmentation whose last token is longest counts, as in SentencePiece and Transformers.
#ifndef LIG_TEXT_UNIGRAM_H
#define LIG_TEXT_UNIGRAM_H

#include "runtime/text/tokenizer.h"

typedef struct LigUnigram {
    const LigImage *image;
    struct LigUnigramStep *steps; // [capacity] the best way to each byte
    size_t capacity;
} LigUnigram;

// Appends the ids of `piece` (valid UTF-8, less than 2^31 bytes). The unknown becomes the tokens of its bytes
// (BYTE_FALLBACK), or the image's unk (one for several in a row with FUSE_UNK), or is left out when there is
// none. Errors: NO_MEMORY.
LigStatus lig_unigram_encode(LigContext *ctx, LigUnigram *unigram, LigStr piece,
                             LigTokenIds *out) LIG_MUST_CHECK;
void lig_unigram_release(LigUnigram *unigram);

#endif

// Byte-pair encoding of one piece of text: its bytes or characters become ids, then the pair of neighbours with
// the lowest rank is merged (the leftmost of equals) until no pair has a merge.
//
// Short pieces search all pairs again after each merge; long ones keep the pairs in a heap, so that
// n symbols take O(n log n) whatever they are. Sennrich et al. 2016, arXiv:1508.07909.
#ifndef LIG_TEXT_BPE_H
#define LIG_TEXT_BPE_H

#include "runtime/text/image.h"
#include "runtime/text/tokenizer.h"

// What encoding with one image needs, and memory it reuses from piece to piece. One thread at a time.
typedef struct LigBpe {
    const LigImage *image;
    int32_t ascii_ids[128]; // the id of each ASCII character alone, or LIG_TOKEN_NONE
    LigTokenIds start;      // the ids of the piece before any merge
    LigText spelled;        // a character with the prefix and the end that the vocabulary gives it
    struct LigBpeSymbol *symbols;
    size_t symbol_capacity;
    struct LigBpePair *heap;
    size_t heap_count;
    size_t heap_capacity;
} LigBpe;

LigBpe lig_bpe_of(const LigImage *image);
// Appends the ids of `piece` (valid UTF-8, less than 2^31 bytes). A symbol that has no token becomes the tokens
// of its bytes (BYTE_FALLBACK), or the image's unk, or is left out when there is none. Errors: NO_MEMORY.
LigStatus lig_bpe_encode(LigContext *ctx, LigBpe *bpe, LigStr piece, LigTokenIds *out) LIG_MUST_CHECK;
void lig_bpe_release(LigBpe *bpe);

#endif

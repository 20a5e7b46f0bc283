// The pre-tokenizer: rules that cut text into the pieces the model sees one at a time.
//
// Steps apply in order, each to the pieces of the one before (so \s+(?!\S) looks no further than its piece).
#ifndef LIG_TEXT_PRETOKENIZE_H
#define LIG_TEXT_PRETOKENIZE_H

#include "runtime/text/image.h"

// Patterns compiled, and the memory of its runs; one thread at a time.
typedef struct LigPretokenizer LigPretokenizer;

// Borrows the image. Errors: INVALID (a pattern that is none: says where), NO_MEMORY.
LigStatus lig_pretokenizer_create(LigContext *ctx, const LigImage *image, LigPretokenizer **out) LIG_MUST_CHECK;
void lig_pretokenizer_destroy(LigPretokenizer *pretokenizer);

typedef LigStatus (*LigPieceFn)(void *user, LigStr piece);

typedef struct LigPieces {
    LigPieceFn each; // pieces live until it returns
    void *user;
    bool is_first; // the text is where the whole text begins
} LigPieces;

// Calls `pieces.each` for every non-empty piece of `text` (valid UTF-8) from left to right; stops at its first
// error. Errors: those of `each`; INVALID (a pattern took too many steps on this text), NO_MEMORY.
LigStatus lig_pretokenizer_run(LigContext *ctx, LigPretokenizer *pretokenizer, LigStr text,
                               LigPieces pieces) LIG_MUST_CHECK;

#endif

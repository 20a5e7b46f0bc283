// The pre-tokenizer: regular expressions that cut text into the pieces the model sees one at a time.
//
// Steps apply in order, each within the pieces of the one before (so \s+(?!\S) looks no further than its
// piece). PCRE2 with UTF and UCP; compiled to machine code where PCRE2 can. Its memory comes from lig_alloc.
#ifndef LIG_TEXT_PRETOKENIZE_H
#define LIG_TEXT_PRETOKENIZE_H

#include "runtime/text/image.h"

typedef struct LigPretokenizer LigPretokenizer;

// Errors: INVALID (a pattern that PCRE2 refuses: says where), NO_MEMORY.
LigStatus lig_pretokenizer_create(LigContext *ctx, const LigImage *image, LigPretokenizer **out) LIG_MUST_CHECK;
void lig_pretokenizer_destroy(LigPretokenizer *pretokenizer);

typedef LigStatus (*LigPieceFn)(void *user, LigStr piece);

// Calls `each` for every non-empty piece of `text` (valid UTF-8) from left to right; stops at its first error.
// Errors: those of `each`; INVALID (a pattern took too many steps on this text), NO_MEMORY.
LigStatus lig_pretokenizer_run(LigContext *ctx, const LigPretokenizer *pretokenizer, LigStr text,
                               LigPieceFn each, void *user) LIG_MUST_CHECK;

#endif

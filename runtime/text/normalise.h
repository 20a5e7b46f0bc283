// The normalisers of an image, applied to a stretch of text before it is split.
#ifndef LIG_TEXT_NORMALISE_H
#define LIG_TEXT_NORMALISE_H

#include "runtime/text/image.h"

// Patterns compiled, tables found, and the memory of its last run; one thread at a time.
typedef struct LigNormaliser LigNormaliser;

// Borrows the image. Errors: INVALID (a pattern, a table), NO_MEMORY.
LigStatus lig_normaliser_create(LigContext *ctx, const LigImage *image, LigNormaliser **out) LIG_MUST_CHECK;
void lig_normaliser_destroy(LigNormaliser *normaliser);

// The normalised form of `text` (valid UTF-8; the result is too): `text` itself, or in memory of the normaliser
// that lives until its next run. Errors: INVALID (a pattern takes too many steps, or the rules blow the text
// up), NO_MEMORY.
LigStatus lig_normaliser_run(LigContext *ctx, LigNormaliser *normaliser, LigStr text,
                             LigStr *out) LIG_MUST_CHECK;

#endif

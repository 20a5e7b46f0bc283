// The normalisers of an image, applied to a stretch of text before it is split.
#ifndef LIG_TEXT_NORMALISE_H
#define LIG_TEXT_NORMALISE_H

#include "runtime/text/image.h"

// Appends the normalised form of `text` (valid UTF-8; the result is too). Errors: INVALID (too long),
// NO_MEMORY.
LigStatus lig_normalise(LigContext *ctx, const LigImage *image, LigStr text, LigText *out) LIG_MUST_CHECK;

#endif

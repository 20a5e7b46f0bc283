// The normalisers that need no more than the text: each appends what becomes of `text` (valid UTF-8).
#ifndef LIG_TEXT_NORMALISE_RULES_H
#define LIG_TEXT_NORMALISE_RULES_H

#include "runtime/text/image.h"

// NFC, NFD, NFKC or NFKD. Errors: INVALID, NO_MEMORY.
LigStatus lig_normalise_form(LigContext *ctx, LigNormaliserKind form, LigStr text, LigText *out) LIG_MUST_CHECK;
void lig_normalise_lowercase(LigStr text, LigText *out);
// Drops characters with one of the classes LIG_CHAR_….
void lig_normalise_drop(uint32_t classes, LigStr text, LigText *out);
void lig_normalise_clean(LigStr text, LigText *out);
void lig_normalise_space_chinese(LigStr text, LigText *out);
void lig_normalise_collapse_spaces(LigStr text, LigText *out);
void lig_normalise_nmt(LigStr text, LigText *out);
// `text` without white space at its ends: a view.
LigStr lig_normalise_strip(uint32_t sides, LigStr text);

#endif

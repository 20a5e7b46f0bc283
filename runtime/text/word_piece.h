// WordPiece: the longest token that a word begins with, then the longest that the rest begins with as the
// vocabulary spells what goes on (##), to the end; a word that does not come out is unknown as a whole.
// Schuster and Nakajima 2012; Devlin et al. 2019, arXiv:1810.04805.
#ifndef LIG_TEXT_WORD_PIECE_H
#define LIG_TEXT_WORD_PIECE_H

#include "runtime/text/tokenizer.h"

// Appends the ids of `word` (valid UTF-8). Errors: NO_MEMORY.
LigStatus lig_word_piece_encode(LigContext *ctx, const LigImage *image, LigStr word,
                                LigTokenIds *out) LIG_MUST_CHECK;

#endif

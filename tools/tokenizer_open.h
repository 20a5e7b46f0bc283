// The tokenizer of a MODEL, without the rest of it; MODEL may be a tokenizer.json or a SentencePiece model
// file too.
#ifndef LIG_TOOLS_TOKENIZER_OPEN_H
#define LIG_TOOLS_TOKENIZER_OPEN_H

#include "runtime/text/tokenizer.h"

typedef struct LigOpenTokenizer {
    LigImageBytes image;
    LigTokenizer *tokenizer;
} LigOpenTokenizer;

// Zero-initialise; lig_open_tokenizer_close whatever is returned. Errors: NOT_FOUND (no such file, or the model
// brings no tokenizer), those of reading.
LigStatus lig_open_tokenizer(LigOpenTokenizer *open, LigContext *ctx, const char *path) LIG_MUST_CHECK;
void lig_open_tokenizer_close(LigOpenTokenizer *open);

#endif

// The decoders of an image: what becomes of a token's text on the way back.
#ifndef LIG_TEXT_DECODE_H
#define LIG_TEXT_DECODE_H

#include "runtime/text/stream.h"

// Turns the token at the end of `out`, which begins at `start`, into its text: bytes that may be a part of a
// character. `stream->count` is the number of tokens before it.
void lig_decode_token(LigTextStream *stream, LigText *out, size_t start);

// Whether the id gives text in this stream.
bool lig_decode_counts(const LigTextStream *stream, int32_t id);

#endif

#include "runtime/text/stream.h"

#include "runtime/text/utf8.h"

#include <string.h>

LigTextStream lig_text_stream(const LigTokenizer *tokenizer, bool keep_special)
{
    return (LigTextStream){.tokenizer = tokenizer, .keep_special = keep_special};
}

static void drop_held(LigTextStream *stream, size_t bytes)
{
    stream->held_count -= bytes;
    memmove(stream->held, stream->held + bytes, stream->held_count);
}

static void feed_byte(LigTextStream *stream, char byte, LigText *out)
{
    stream->held[stream->held_count++] = byte;
    while (stream->held_count > 0) {
        LigStr held = {stream->held, stream->held_count};
        LigUtf8Char c = lig_utf8_next(held);
        if (c.state == LIG_UTF8_CUT) return;
        lig_text_append(out, c.state == LIG_UTF8_VALID ? (LigStr){held.data, c.bytes} : LIG_UTF8_REPLACEMENT);
        drop_held(stream, c.bytes);
    }
}

void lig_text_stream_feed(LigTextStream *stream, int32_t id, LigText *out)
{
    if (!stream->keep_special && lig_tokenizer_is_special(stream->tokenizer, id)) return;
    LigStr token = lig_tokenizer_token(stream->tokenizer, id);
    for (size_t i = 0; i < token.length; i++) feed_byte(stream, token.data[i], out);
}

void lig_text_stream_flush(LigTextStream *stream, LigText *out)
{
    if (stream->held_count > 0) lig_text_append(out, LIG_UTF8_REPLACEMENT);
    stream->held_count = 0;
}

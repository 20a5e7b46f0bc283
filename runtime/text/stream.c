#include "runtime/text/stream.h"

#include "runtime/text/decode.h"
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

// What a decoder made of a token stands at the end of `out`; only whole characters of it stay there.
static void hold_tail(LigTextStream *stream, LigText *out, size_t start)
{
    const size_t end = out->length;
    if (stream->held_count == 0 && lig_utf8_is_valid((LigStr){out->data + start, end - start})) return;
    for (size_t at = start; at < end && !out->failed; at++) feed_byte(stream, out->data[at], out);
    if (out->failed) return;
    memmove(out->data + start, out->data + end, out->length - end);
    out->length -= end - start;
    out->data[out->length] = '\0';
}

void lig_text_stream_feed(LigTextStream *stream, int32_t id, LigText *out)
{
    if (!lig_decode_counts(stream, id)) return;
    const LigStr token = lig_tokenizer_shown(stream->tokenizer, id);
    if (lig_tokenizer_image(stream->tokenizer)->decoder_count == 0) {
        for (size_t i = 0; i < token.length; i++) feed_byte(stream, token.data[i], out);
    } else {
        const size_t start = out->length;
        lig_text_append(out, token);
        if (!out->failed) lig_decode_token(stream, out, start);
        if (!out->failed) hold_tail(stream, out, start);
    }
    stream->count++;
}

void lig_text_stream_flush(LigTextStream *stream, LigText *out)
{
    if (stream->held_count > 0) lig_text_append(out, LIG_UTF8_REPLACEMENT);
    *stream = lig_text_stream(stream->tokenizer, stream->keep_special);
}

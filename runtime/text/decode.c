#include "runtime/text/decode.h"

#include "runtime/text/utf8.h"

#include <string.h>

static LigStr tail(const LigText *out, size_t start)
{
    return (LigStr){out->data + start, out->length - start};
}

// Drops what lies between `start` and `end`.
static void cut_out(LigText *out, size_t start, size_t end)
{
    memmove(out->data + start, out->data + end, out->length - end);
    out->length -= end - start;
    out->data[out->length] = '\0';
}

// Replaces each `from` behind `start`: the new text goes behind the old one, which is then cut out.
static void replace_tail(LigText *out, size_t start, LigStr from, LigStr to)
{
    const size_t end = out->length;
    if (from.length == 0 || !memmem(out->data + start, end - start, from.data, from.length)) return;
    for (size_t at = start; at < end && !out->failed;) {
        if (lig_str_starts_with((LigStr){out->data + at, end - at}, from)) {
            lig_text_append(out, to);
            at += from.length;
        } else {
            lig_text_append_char(out, out->data[at++]);
        }
    }
    if (!out->failed) cut_out(out, start, end);
}

static void prepend_space(LigText *out, size_t start)
{
    lig_text_append_char(out, ' ');
    if (out->failed) return;
    memmove(out->data + start + 1, out->data + start, out->length - 1 - start);
    out->data[start] = ' ';
}

// English as people write it, of tokens that each have a space before them.
static void clean_up(LigText *out, size_t start)
{
    static const char *const spellings[][2] = {
        {" .", "."},   {" ?", "?"},           {" !", "!"},   {" ,", ","},     {" ' ", "'"},    {" n't", "n't"},
        {" 'm", "'m"}, {" do not", " don't"}, {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
    };
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings && !out->failed; i++)
        replace_tail(out, start, lig_str(spellings[i][0]), lig_str(spellings[i][1]));
}

static void decode_word_piece(const LigTextStream *stream, const LigImageRule *rule, LigStr prefix,
                              LigText *out, size_t start)
{
    if (stream->count > 0) {
        if (lig_str_starts_with(tail(out, start), prefix))
            cut_out(out, start, start + prefix.length);
        else
            prepend_space(out, start);
    }
    if (rule->flags & LIG_RULE_CLEANUP && !out->failed) clean_up(out, start);
}

static void decode_byte(LigText *out, size_t start)
{
    const int byte = lig_byte_of_spelling(tail(out, start));
    if (byte < 0) return;
    out->data[start] = (char)byte;
    cut_out(out, start + 1, out->length);
}

// Strips at the beginning of this token, or of all tokens once they are one.
static void strip(LigTextStream *stream, const LigImageRule *rule, bool is_fused, LigText *out, size_t start)
{
    const LigStr what = lig_image_rule_text(lig_tokenizer_image(stream->tokenizer), rule);
    uint32_t strips = is_fused ? stream->strips : 0;
    if ((is_fused && stream->is_stripped) || what.length == 0) return;
    size_t end = start;
    while (strips < rule->number && lig_str_starts_with(tail(out, end), what)) {
        end += what.length;
        strips++;
    }
    if (is_fused) {
        stream->strips = strips;
        stream->is_stripped = strips == rule->number || end < out->length;
    }
    cut_out(out, start, end);
}

static void decode_suffix(LigTextStream *stream, LigStr suffix, LigText *out, size_t start)
{
    if (stream->owes_space) prepend_space(out, start);
    if (out->failed) return;
    stream->owes_space = suffix.length > 0 && lig_str_ends_with(tail(out, start), suffix);
    if (stream->owes_space) cut_out(out, out->length - suffix.length, out->length);
    replace_tail(out, start, suffix, LIG_STR(" "));
}

static void apply(LigTextStream *stream, const LigImageRule *rule, bool is_fused, LigText *out, size_t start)
{
    const LigImage *image = lig_tokenizer_image(stream->tokenizer);
    const LigStr text = lig_image_rule_text(image, rule);
    const bool keeps = stream->count > 0 || rule->flags & LIG_RULE_KEEP_FIRST;
    switch ((LigDecoderKind)rule->kind) {
    case LIG_DECODE_REPLACE:
        replace_tail(out, start, text, lig_image_rule_with(image, rule));
        return;
    case LIG_DECODE_BYTE_FALLBACK:
        decode_byte(out, start);
        return;
    case LIG_DECODE_FUSE:
        return;
    case LIG_DECODE_STRIP:
        strip(stream, rule, is_fused, out, start);
        return;
    case LIG_DECODE_WORD_PIECE:
        decode_word_piece(stream, rule, text, out, start);
        return;
    case LIG_DECODE_METASPACE:
        replace_tail(out, start, text, keeps ? LIG_STR(" ") : LIG_STR(""));
        return;
    case LIG_DECODE_SUFFIX:
        decode_suffix(stream, text, out, start);
        return;
    case LIG_DECODE_JOIN:
        if (stream->count > 0) prepend_space(out, start);
        return;
    }
}

void lig_decode_token(LigTextStream *stream, LigText *out, size_t start)
{
    const LigImage *image = lig_tokenizer_image(stream->tokenizer);
    bool is_fused = false;
    for (size_t i = 0; i < image->decoder_count && !out->failed; i++) {
        is_fused |= image->decoders[i].kind == LIG_DECODE_FUSE;
        apply(stream, &image->decoders[i], is_fused, out, start);
    }
}

bool lig_decode_counts(const LigTextStream *stream, int32_t id)
{
    const LigImage *image = lig_tokenizer_image(stream->tokenizer);
    if (id < 0 || (uint32_t)id >= image->info->token_count) return false;
    if (!(image->token_flags[id] & LIG_TOKEN_PRESENT)) return false;
    return stream->keep_special || !lig_tokenizer_is_special(stream->tokenizer, id);
}

// How many of the ids from the first on are bytes in a row (those without text between them count too), and
// the bytes.
static size_t byte_run(const LigTextStream *stream, const int32_t *ids, size_t count, LigText *bytes)
{
    size_t run = 0;
    for (size_t i = 0; i < count; i++) {
        if (!lig_decode_counts(stream, ids[i])) continue;
        const int byte = lig_byte_of_spelling(lig_tokenizer_token(stream->tokenizer, ids[i]));
        if (byte < 0) break;
        lig_text_append_char(bytes, (char)byte);
        run = i + 1;
    }
    return run;
}

// Bytes in a row that are no UTF-8 are not shown, not even what is UTF-8 among them.
static size_t decode_run(LigTextStream *stream, const int32_t *ids, size_t count, LigText *out)
{
    LigText bytes = {0};
    const size_t run = byte_run(stream, ids, count, &bytes);
    out->failed |= bytes.failed;
    if (run > 0 && !bytes.failed && !lig_utf8_is_valid(lig_text_view(&bytes))) {
        for (size_t i = 0; i < bytes.length; i++) lig_text_append(out, LIG_UTF8_REPLACEMENT);
        stream->count += bytes.length;
        stream->is_stripped = true;
    } else {
        for (size_t i = 0; i < run; i++) lig_text_stream_feed(stream, ids[i], out);
    }
    lig_text_free(&bytes);
    return run;
}

static bool has_byte_fallback(const LigImage *image)
{
    for (size_t i = 0; i < image->decoder_count; i++)
        if (image->decoders[i].kind == LIG_DECODE_BYTE_FALLBACK) return true;
    return false;
}

LigStatus lig_tokenizer_decode(LigContext *ctx, const LigTokenizer *tokenizer, const int32_t *ids, size_t count,
                               bool keep_special, LigText *out)
{
    LigTextStream stream = lig_text_stream(tokenizer, keep_special);
    const bool has_runs = has_byte_fallback(lig_tokenizer_image(tokenizer));
    for (size_t i = 0; i < count && !out->failed;) {
        const size_t run = has_runs ? decode_run(&stream, ids + i, count - i, out) : 0;
        if (run == 0) lig_text_stream_feed(&stream, ids[i], out);
        i += run > 0 ? run : 1;
    }
    lig_text_stream_flush(&stream, out);
    return out->failed ? lig_no_memory(ctx) : LIG_OK;
}

#include "runtime/text/tokenizer.h"

#include "ir/base/alloc.h"
#include "runtime/text/added.h"
#include "runtime/text/bpe.h"
#include "runtime/text/normalise.h"
#include "runtime/text/pretokenize.h"
#include "runtime/text/stream.h"
#include "runtime/text/utf8.h"

#include <string.h>

enum { MAX_TEXT_BYTES = 1 << 30 };

struct LigTokenizer {
    LigImage image;
    LigAddedIndex added;
    LigPretokenizer *pretokenizer;
    int32_t byte_ids[256];
};

typedef struct Encoding {
    LigContext *ctx;
    const LigTokenizer *tokenizer;
    LigEncodeOptions options;
    LigBpe bpe;
    LigText prefixed; // a stretch of text behind the space it gets
    LigTokenIds *out;
} Encoding;

LigStatus lig_token_ids_append(LigContext *ctx, LigTokenIds *ids, const int32_t *more, size_t count)
{
    if (count == 0) return LIG_OK;
    if (count > ids->capacity - ids->count) {
        size_t capacity = ids->capacity ? ids->capacity : 64;
        while (capacity - ids->count < count) capacity *= 2;
        int32_t *data = lig_realloc(ids->data, capacity * sizeof *data);
        if (!data) return lig_no_memory(ctx);
        ids->data = data;
        ids->capacity = capacity;
    }
    memcpy(ids->data + ids->count, more, count * sizeof *more);
    ids->count += count;
    return LIG_OK;
}

void lig_token_ids_free(LigTokenIds *ids)
{
    lig_free(ids->data);
    *ids = (LigTokenIds){0};
}

static LigStatus check_model(LigContext *ctx, const LigImage *image)
{
    if (image->info->model == LIG_TEXT_BYTE_BPE) return LIG_OK;
    static const char *const names[] = {
        [LIG_TEXT_BYTE_BPE] = "byte-level BPE",
        [LIG_TEXT_WORD_PIECE] = "WordPiece",
        [LIG_TEXT_UNIGRAM] = "Unigram",
        [LIG_TEXT_SENTENCE_BPE] = "SentencePiece BPE",
    };
    return lig_fail(
        ctx, LIG_ERR_UNSUPPORTED, LIG_NOWHERE,
        "tokenizer: the model is %s, this build runs byte-level BPE; give token ids instead of text",
        names[image->info->model]);
}

LigStatus lig_tokenizer_open(LigContext *ctx, const void *image, size_t bytes, LigTokenizer **out)
{
    *out = NULL;
    LigTokenizer *tokenizer = lig_alloc_zero(sizeof *tokenizer);
    if (!tokenizer) return lig_no_memory(ctx);
    LigStatus status = lig_image_open(ctx, image, bytes, &tokenizer->image);
    if (status == LIG_OK) status = check_model(ctx, &tokenizer->image);
    if (status == LIG_OK) status = lig_added_index_build(ctx, &tokenizer->image, &tokenizer->added);
    if (status == LIG_OK) status = lig_pretokenizer_create(ctx, &tokenizer->image, &tokenizer->pretokenizer);
    if (status != LIG_OK) {
        lig_tokenizer_destroy(tokenizer);
        return status;
    }
    for (int byte = 0; byte < 256; byte++) {
        const char c = (char)byte;
        tokenizer->byte_ids[byte] = lig_image_find(&tokenizer->image, (LigStr){&c, 1});
    }
    *out = tokenizer;
    return LIG_OK;
}

void lig_tokenizer_destroy(LigTokenizer *tokenizer)
{
    if (!tokenizer) return;
    lig_pretokenizer_destroy(tokenizer->pretokenizer);
    lig_added_index_free(&tokenizer->added);
    lig_free(tokenizer);
}

static LigStatus encode_piece(void *user, LigStr piece)
{
    Encoding *e = user;
    return lig_bpe_encode(e->ctx, &e->bpe, piece, e->out);
}

// A stretch without added tokens, normalised.
static LigStatus encode_plain(Encoding *e, LigStr text)
{
    if (text.length == 0) return LIG_OK;
    if (e->tokenizer->image.info->flags & LIG_TEXT_PREFIX_SPACE && text.data[0] != ' ') {
        lig_text_clear(&e->prefixed);
        lig_text_append_char(&e->prefixed, ' ');
        lig_text_append(&e->prefixed, text);
        if (e->prefixed.failed) return lig_no_memory(e->ctx);
        text = lig_text_view(&e->prefixed);
    }
    return lig_pretokenizer_run(e->ctx, e->tokenizer->pretokenizer, text, encode_piece, e);
}

typedef LigStatus (*StretchFn)(Encoding *e, LigStr text);

// Emits the added tokens in `text` and gives what lies between them to `between`.
static LigStatus encode_added(Encoding *e, LigStr text, bool normalized, StretchFn between)
{
    LigAddedQuery query = {.normalized = normalized, .parse_special = e->options.parse_special};
    size_t done = 0;
    LigAddedMatch match;
    while (lig_added_find(&e->tokenizer->image, &e->tokenizer->added, query, text, done, &match)) {
        LIG_TRY(between(e, (LigStr){text.data + done, match.begin - done}));
        LIG_TRY(lig_token_ids_append(e->ctx, e->out, &match.id, 1));
        done = match.end;
    }
    return between(e, lig_str_skip(text, done));
}

static LigStatus encode_raw(Encoding *e, LigStr text)
{
    if (e->tokenizer->image.normaliser_count == 0 || text.length == 0)
        return encode_added(e, text, true, encode_plain);
    LigText normal = {0};
    LigStatus status = lig_normalise(e->ctx, &e->tokenizer->image, text, &normal);
    if (status == LIG_OK) status = encode_added(e, lig_text_view(&normal), true, encode_plain);
    lig_text_free(&normal);
    return status;
}

static LigStatus encode_sequence(Encoding *e, LigStr text)
{
    if (lig_utf8_is_valid(text)) return encode_added(e, text, false, encode_raw);
    LigText valid = {0};
    lig_utf8_append_valid(&valid, text);
    LigStatus status = valid.failed ? lig_no_memory(e->ctx) : LIG_OK;
    if (status == LIG_OK) status = encode_added(e, lig_text_view(&valid), false, encode_raw);
    lig_text_free(&valid);
    return status;
}

static LigStatus encode_wrapped(Encoding *e, LigStr text)
{
    const LigImage *image = &e->tokenizer->image;
    if (!e->options.add_special || image->wrap_count == 0) return encode_sequence(e, text);
    for (size_t i = 0; i < image->wrap_count; i++) {
        if (image->wrap[i] == LIG_IMAGE_SEQUENCE)
            LIG_TRY(encode_sequence(e, text));
        else
            LIG_TRY(lig_token_ids_append(e->ctx, e->out, &image->wrap[i], 1));
    }
    return LIG_OK;
}

LigStatus lig_tokenizer_encode(LigContext *ctx, const LigTokenizer *tokenizer, LigStr text,
                               LigEncodeOptions options, LigTokenIds *out)
{
    if (text.length >= MAX_TEXT_BYTES)
        return lig_fail(ctx, LIG_ERR_INVALID, LIG_NOWHERE,
                        "tokenizer: the text has %zu bytes, at most 1 GiB at a time; divide it", text.length);
    Encoding e = {
        .ctx = ctx,
        .tokenizer = tokenizer,
        .options = options,
        .bpe = {.image = &tokenizer->image, .byte_ids = tokenizer->byte_ids},
        .out = out,
    };
    LigStatus status = encode_wrapped(&e, text);
    lig_bpe_release(&e.bpe);
    lig_text_free(&e.prefixed);
    return status;
}

LigStatus lig_tokenizer_decode(LigContext *ctx, const LigTokenizer *tokenizer, const int32_t *ids, size_t count,
                               bool keep_special, LigText *out)
{
    LigTextStream stream = lig_text_stream(tokenizer, keep_special);
    for (size_t i = 0; i < count; i++) lig_text_stream_feed(&stream, ids[i], out);
    lig_text_stream_flush(&stream, out);
    return out->failed ? lig_no_memory(ctx) : LIG_OK;
}

const LigImage *lig_tokenizer_image(const LigTokenizer *tokenizer) { return &tokenizer->image; }

LigStr lig_tokenizer_token(const LigTokenizer *tokenizer, int32_t id)
{
    return lig_image_token(&tokenizer->image, id);
}

int32_t lig_tokenizer_find(const LigTokenizer *tokenizer, LigStr bytes)
{
    const LigImage *image = &tokenizer->image;
    for (size_t i = 0; i < image->added_count; i++) {
        int32_t id = (int32_t)image->added[i].id;
        if (lig_str_equal(lig_image_token(image, id), bytes)) return id;
    }
    return lig_image_find(image, bytes);
}

bool lig_tokenizer_is_special(const LigTokenizer *tokenizer, int32_t id)
{
    const LigImage *image = &tokenizer->image;
    return id >= 0 && (uint32_t)id < image->info->token_count && image->token_flags[id] & LIG_TOKEN_SPECIAL;
}

bool lig_tokenizer_is_end(const LigTokenizer *tokenizer, int32_t id)
{
    const LigImage *image = &tokenizer->image;
    for (size_t i = 0; i < image->end_count; i++)
        if (image->end_ids[i] == id) return true;
    return false;
}

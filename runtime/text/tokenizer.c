#include "runtime/text/tokenizer.h"

#include "ir/base/alloc.h"
#include "runtime/text/added.h"
#include "runtime/text/bpe.h"
#include "runtime/text/pretokenize.h"
#include "runtime/text/stream.h"
#include "runtime/text/unigram.h"
#include "runtime/text/utf8.h"
#include "runtime/text/word_cache.h"
#include "runtime/text/word_piece.h"

#include <string.h>

enum { MAX_TEXT_BYTES = 1 << 30 };

struct LigTokenizer {
    LigImage image;
    LigAddedIndex raw;        // added tokens looked for in the text as it is
    LigAddedIndex normalised; // and those looked for in the normalised one
};

struct LigEncoder {
    const LigTokenizer *tokenizer;
    LigNormaliser *normaliser;
    LigPretokenizer *pretokenizer;
    LigBpe bpe;
    LigUnigram unigram;
    LigWordCache cache;
    LigText valid; // a text that was not UTF-8, mended
};

// One call of encode.
typedef struct Encoding {
    LigContext *ctx;
    LigEncoder *encoder;
    const LigImage *image;
    LigEncodeOptions options;
    LigTokenIds *out;
    bool is_first; // nothing of the text was encoded yet
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

// The normaliser is only needed for the texts of added tokens, and to see that there is one.
static LigStatus index_added(LigContext *ctx, LigTokenizer *tokenizer)
{
    LigNormaliser *normaliser;
    LIG_TRY(lig_normaliser_create(ctx, &tokenizer->image, &normaliser));
    LigStatus status = lig_added_index_build(ctx, &tokenizer->image, NULL, &tokenizer->raw);
    if (status == LIG_OK)
        status = lig_added_index_build(ctx, &tokenizer->image, normaliser, &tokenizer->normalised);
    lig_normaliser_destroy(normaliser);
    return status;
}

static LigStatus check_patterns(LigContext *ctx, const LigImage *image)
{
    LigPretokenizer *pretokenizer;
    LIG_TRY(lig_pretokenizer_create(ctx, image, &pretokenizer));
    lig_pretokenizer_destroy(pretokenizer);
    return LIG_OK;
}

LigStatus lig_tokenizer_open(LigContext *ctx, const void *image, size_t bytes, LigTokenizer **out)
{
    *out = NULL;
    LigTokenizer *tokenizer = lig_alloc_zero(sizeof *tokenizer);
    if (!tokenizer) return lig_no_memory(ctx);
    LigStatus status = lig_image_open(ctx, image, bytes, &tokenizer->image);
    if (status == LIG_OK) status = index_added(ctx, tokenizer);
    if (status == LIG_OK) status = check_patterns(ctx, &tokenizer->image);
    if (status != LIG_OK) {
        lig_tokenizer_destroy(tokenizer);
        return status;
    }
    *out = tokenizer;
    return LIG_OK;
}

void lig_tokenizer_destroy(LigTokenizer *tokenizer)
{
    if (!tokenizer) return;
    lig_added_index_free(&tokenizer->raw);
    lig_added_index_free(&tokenizer->normalised);
    lig_free(tokenizer);
}

LigStatus lig_encoder_create(LigContext *ctx, const LigTokenizer *tokenizer, LigEncoder **out)
{
    *out = NULL;
    LigEncoder *encoder = lig_alloc_zero(sizeof *encoder);
    if (!encoder) return lig_no_memory(ctx);
    encoder->tokenizer = tokenizer;
    encoder->bpe = lig_bpe_of(&tokenizer->image);
    encoder->unigram.image = &tokenizer->image;
    LigStatus status = lig_normaliser_create(ctx, &tokenizer->image, &encoder->normaliser);
    if (status == LIG_OK) status = lig_pretokenizer_create(ctx, &tokenizer->image, &encoder->pretokenizer);
    if (status == LIG_OK) status = lig_word_cache_init(ctx, &encoder->cache);
    if (status != LIG_OK) {
        lig_encoder_destroy(encoder);
        return status;
    }
    *out = encoder;
    return LIG_OK;
}

void lig_encoder_destroy(LigEncoder *encoder)
{
    if (!encoder) return;
    lig_normaliser_destroy(encoder->normaliser);
    lig_pretokenizer_destroy(encoder->pretokenizer);
    lig_bpe_release(&encoder->bpe);
    lig_unigram_release(&encoder->unigram);
    lig_word_cache_free(&encoder->cache);
    lig_text_free(&encoder->valid);
    lig_free(encoder);
}

static LigStatus encode_whole_word(Encoding *e, LigStr word)
{
    int32_t id = lig_image_find(e->image, word);
    if (id == LIG_TOKEN_NONE) id = e->image->info->unk;
    return lig_token_ids_append(e->ctx, e->out, &id, id == LIG_TOKEN_NONE ? 0 : 1);
}

static LigStatus run_model(Encoding *e, LigStr word)
{
    switch ((LigTextModel)e->image->info->model) {
    case LIG_TEXT_BYTE_BPE:
    case LIG_TEXT_CHAR_BPE:
        return lig_bpe_encode(e->ctx, &e->encoder->bpe, word, e->out);
    case LIG_TEXT_WORD_PIECE:
        return lig_word_piece_encode(e->ctx, e->image, word, e->out);
    case LIG_TEXT_UNIGRAM:
        return lig_unigram_encode(e->ctx, &e->encoder->unigram, word, e->out);
    case LIG_TEXT_WORD_LEVEL:
        return encode_whole_word(e, word);
    }
    return LIG_OK;
}

static LigStatus encode_word(Encoding *e, LigStr word)
{
    if (word.length > LIG_CACHED_BYTES) return run_model(e, word);
    LigCachedWord *place = lig_word_cache_find(&e->encoder->cache, word);
    if (place->bytes > 0) return lig_token_ids_append(e->ctx, e->out, place->ids, place->count);
    const size_t before = e->out->count;
    LIG_TRY(run_model(e, word));
    const size_t count = e->out->count - before;
    if (count > LIG_CACHED_IDS) return LIG_OK;
    if (count > 0) memcpy(place->ids, e->out->data + before, count * sizeof *place->ids);
    place->count = (uint8_t)count;
    place->bytes = (uint8_t)word.length;
    return LIG_OK;
}

#define SPACE_MARK "\xE2\x96\x81" // U+2581, which stands for a space in SentencePiece's vocabularies

// Whether a word begins at `at`: a mark with no mark before it.
static bool begins_word(LigStr piece, size_t at)
{
    const LigStr mark = LIG_STR(SPACE_MARK);
    if (!lig_str_starts_with(lig_str_skip(piece, at), mark)) return false;
    return !lig_str_ends_with((LigStr){piece.data, at}, mark);
}

static LigStatus encode_piece(void *user, LigStr piece)
{
    Encoding *e = user;
    if (!(e->image->info->flags & LIG_TEXT_CUT_WORDS)) return encode_word(e, piece);
    size_t done = 0;
    for (size_t at = 1; at < piece.length; at++) {
        if (piece.data[at] != SPACE_MARK[0] || !begins_word(piece, at)) continue;
        LIG_TRY(encode_word(e, (LigStr){piece.data + done, at - done}));
        done = at;
    }
    return encode_word(e, lig_str_skip(piece, done));
}

// A stretch without added tokens, normalised.
static LigStatus encode_plain(Encoding *e, LigStr text)
{
    const LigPieces pieces = {.each = encode_piece, .user = e, .is_first = e->is_first};
    if (text.length == 0) return LIG_OK;
    e->is_first = false;
    return lig_pretokenizer_run(e->ctx, e->encoder->pretokenizer, text, pieces);
}

typedef LigStatus (*StretchFn)(Encoding *e, LigStr text);

// Emits the added tokens in `text` and gives what lies between them to `between`.
static LigStatus encode_added(Encoding *e, const LigAddedIndex *index, LigStr text, StretchFn between)
{
    size_t done = 0;
    LigAddedMatch match;
    while (lig_added_find(index, e->options.parse_special, text, done, &match)) {
        LIG_TRY(between(e, (LigStr){text.data + done, match.begin - done}));
        LIG_TRY(lig_token_ids_append(e->ctx, e->out, &match.id, 1));
        e->is_first = false;
        done = match.end;
    }
    return between(e, lig_str_skip(text, done));
}

static LigStatus encode_raw(Encoding *e, LigStr text)
{
    LigStr normal;
    if (text.length == 0) return LIG_OK;
    LIG_TRY(lig_normaliser_run(e->ctx, e->encoder->normaliser, text, &normal));
    return encode_added(e, &e->encoder->tokenizer->normalised, normal, encode_plain);
}

static LigStatus encode_sequence(Encoding *e, LigStr text)
{
    if (!lig_utf8_is_valid(text)) {
        LigText *valid = &e->encoder->valid;
        lig_text_clear(valid);
        lig_utf8_append_valid(valid, text);
        if (valid->failed) {
            lig_text_free(valid);
            return lig_no_memory(e->ctx);
        }
        text = lig_text_view(valid);
    }
    return encode_added(e, &e->encoder->tokenizer->raw, text, encode_raw);
}

static LigStatus encode_wrapped(Encoding *e, LigStr text)
{
    if (!e->options.add_special || e->image->wrap_count == 0) return encode_sequence(e, text);
    for (size_t i = 0; i < e->image->wrap_count; i++) {
        if (e->image->wrap[i] == LIG_IMAGE_SEQUENCE)
            LIG_TRY(encode_sequence(e, text));
        else
            LIG_TRY(lig_token_ids_append(e->ctx, e->out, &e->image->wrap[i], 1));
    }
    return LIG_OK;
}

LigStatus lig_encoder_encode(LigContext *ctx, LigEncoder *encoder, LigStr text, LigEncodeOptions options,
                             LigTokenIds *out)
{
    if (text.length >= MAX_TEXT_BYTES)
        return lig_fail(ctx, LIG_ERR_INVALID, LIG_NOWHERE,
                        "tokenizer: the text has %zu bytes, at most 1 GiB at a time; divide it", text.length);
    Encoding e = {.ctx = ctx,
                  .encoder = encoder,
                  .image = &encoder->tokenizer->image,
                  .options = options,
                  .out = out,
                  .is_first = true};
    return encode_wrapped(&e, text);
}

LigStatus lig_tokenizer_encode(LigContext *ctx, const LigTokenizer *tokenizer, LigStr text,
                               LigEncodeOptions options, LigTokenIds *out)
{
    LigEncoder *encoder;
    LIG_TRY(lig_encoder_create(ctx, tokenizer, &encoder));
    LigStatus status = lig_encoder_encode(ctx, encoder, text, options, out);
    lig_encoder_destroy(encoder);
    return status;
}

const LigImage *lig_tokenizer_image(const LigTokenizer *tokenizer) { return &tokenizer->image; }

LigStr lig_tokenizer_token(const LigTokenizer *tokenizer, int32_t id)
{
    return lig_image_token(&tokenizer->image, id);
}

LigStr lig_tokenizer_shown(const LigTokenizer *tokenizer, int32_t id)
{
    const LigStr normal = lig_added_text(&tokenizer->normalised, id);
    return normal.length > 0 ? normal : lig_tokenizer_token(tokenizer, id);
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

bool lig_tokenizer_find_added(const LigTokenizer *tokenizer, bool normalized, LigStr text, size_t from,
                              LigAddedMatch *out)
{
    return lig_added_find(normalized ? &tokenizer->normalised : &tokenizer->raw, true, text, from, out);
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

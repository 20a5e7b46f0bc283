// Text to token ids and back, by a tokenizer image.
//
// Encoding: what is not UTF-8 becomes U+FFFD (what Python's errors="replace" gives, so that ids are those
// that Transformers makes of the same file; bytes as they are would have no token in many vocabularies);
// then added tokens are found in the text, what lies between them is normalised, split into pieces by
// rules and patterns, and each piece is encoded by the model.
//
// Ownership: a tokenizer borrows the image, and an encoder the tokenizer, which must outlive it. Threading: an
// opened tokenizer is never written; any number of threads may use it, each with its own context. An encoder
// holds what encoding writes (words seen before, buffers): one thread at a time.
#ifndef LIG_TEXT_TOKENIZER_H
#define LIG_TEXT_TOKENIZER_H

#include "runtime/text/image.h"

typedef struct LigTokenizer LigTokenizer;
typedef struct LigEncoder LigEncoder;

// A growing list of ids; zero-initialise to start. Released by lig_token_ids_free.
typedef struct LigTokenIds {
    int32_t *data;
    size_t count;
    size_t capacity;
} LigTokenIds;

LigStatus lig_token_ids_append(LigContext *ctx, LigTokenIds *ids, const int32_t *more,
                               size_t count) LIG_MUST_CHECK;
void lig_token_ids_free(LigTokenIds *ids);

typedef struct LigEncodeOptions {
    bool parse_special; // special tokens written in the text become their ids, not the letters of their names
    bool add_special;   // put the tokens around the text that the model was trained with (BOS, CLS … SEP)
} LigEncodeOptions;

// Checks the image and compiles its patterns. `image` is aligned to 8 bytes.
// Errors: INVALID (damaged image, broken pattern), UNSUPPORTED (an image of another version), NO_MEMORY.
LigStatus lig_tokenizer_open(LigContext *ctx, const void *image, size_t bytes,
                             LigTokenizer **out) LIG_MUST_CHECK;
void lig_tokenizer_destroy(LigTokenizer *tokenizer);

// For more than one text: what it learns of the first helps with the others. Errors: NO_MEMORY.
LigStatus lig_encoder_create(LigContext *ctx, const LigTokenizer *tokenizer, LigEncoder **out) LIG_MUST_CHECK;
void lig_encoder_destroy(LigEncoder *encoder);
// Appends the ids of `text` (less than 1 GiB). Errors: INVALID (too long, or a pattern of the model's that
// takes too many steps on it), NO_MEMORY.
LigStatus lig_encoder_encode(LigContext *ctx, LigEncoder *encoder, LigStr text, LigEncodeOptions options,
                             LigTokenIds *out) LIG_MUST_CHECK;

// The same with an encoder of its own.
LigStatus lig_tokenizer_encode(LigContext *ctx, const LigTokenizer *tokenizer, LigStr text,
                               LigEncodeOptions options, LigTokenIds *out) LIG_MUST_CHECK;
// Appends the text of the ids, valid UTF-8 (U+FFFD for what is not). Ids without a token give nothing,
// as in Transformers. Where tokens stand for bytes (decoder BYTE_FALLBACK), bytes in a row that are not UTF-8
// become U+FFFD each, those among them that are characters too, as in Transformers. Errors: NO_MEMORY.
LigStatus lig_tokenizer_decode(LigContext *ctx, const LigTokenizer *tokenizer, const int32_t *ids, size_t count,
                               bool keep_special, LigText *out) LIG_MUST_CHECK;

// The image as opened: named ids, flags of tokens, the chat template. Borrowed.
const LigImage *lig_tokenizer_image(const LigTokenizer *tokenizer);
// The bytes of a token, which may be a part of a character; empty when the id has none.
LigStr lig_tokenizer_token(const LigTokenizer *tokenizer, int32_t id);
// What decoding begins with: the same, but the normalised form of an added token that is looked for in the
// normalised text, as in Transformers.
LigStr lig_tokenizer_shown(const LigTokenizer *tokenizer, int32_t id);
// The id of the token, added or not, with exactly these bytes; LIG_TOKEN_NONE when there is none.
int32_t lig_tokenizer_find(const LigTokenizer *tokenizer, LigStr bytes);

typedef struct LigAddedMatch {
    int32_t id;
    size_t begin, end; // what it takes of the text, with the white space it swallows
} LigAddedMatch;

// The first added token in `text` (valid UTF-8) at or after `from`, special or not: of those that are looked
// for in the normalised text, or of those looked for in the text as it is.
bool lig_tokenizer_find_added(const LigTokenizer *tokenizer, bool normalized, LigStr text, size_t from,
                              LigAddedMatch *out);
bool lig_tokenizer_is_special(const LigTokenizer *tokenizer, int32_t id);
// Whether generation ends after this id.
bool lig_tokenizer_is_end(const LigTokenizer *tokenizer, int32_t id);

#endif

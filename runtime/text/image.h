// The tokenizer image: everything a tokenizer is, as one flat block of bytes without pointers.
//
// frontend/ builds it from a tokenizer.json or a GGUF's metadata; runtime/text runs it where it lies; an
// artefact embeds it. Little-endian. A header, a table of sections, then the sections, each aligned to 8 bytes:
//
//   header   magic "LIGTOKN\0", version, section count, size of the whole image
//   table    kind, zero, offset, bytes of each section
//
// A kind of section occurs at most once; one that is absent is empty. A kind of model that needs more
// (scores, a precompiled normaliser) adds a kind of section; what a reader does not know it refuses.
//
// lig_image_open checks every offset, count, id and table once, so that its users need no check: whatever the
// bytes, running an opened image neither reads outside it nor loops forever.
// Ownership: a LigImage borrows the bytes. Threading: an opened image is never written.
#ifndef LIG_TEXT_IMAGE_H
#define LIG_TEXT_IMAGE_H

#include "ir/base/str.h"

enum {
    LIG_IMAGE_VERSION = 1,
    LIG_IMAGE_ALIGN = 8,      // of the image in memory and of every section in it
    LIG_IMAGE_MAX_RULES = 16, // normalisers, or splits
    LIG_IMAGE_SEQUENCE = -1,  // in `wrap`: where the ids of the text go
    LIG_TOKEN_NONE = -1,      // for bos, eos, unk, pad: there is none
};

typedef enum LigTextModel {
    LIG_TEXT_BYTE_BPE = 1,     // merges over bytes (GPT-2, Llama 3, Qwen, SmolLM, Whisper)
    LIG_TEXT_WORD_PIECE = 2,   // longest prefix first (BERT)
    LIG_TEXT_UNIGRAM = 3,      // most probable segmentation (T5, Marian)
    LIG_TEXT_SENTENCE_BPE = 4, // merges by score over characters, with byte fallback (Llama 2)
} LigTextModel;

// Of the whole tokenizer.
enum {
    LIG_TEXT_PREFIX_SPACE = 1u << 0, // a stretch of text that does not begin with a space gets one
    LIG_TEXT_WHOLE_WORDS = 1u << 1,  // a piece that is a token as it stands is not put together by merges
    LIG_TEXT_ALL_FLAGS = (1u << 2) - 1,
};

// What a step of the pre-tokenizer does with the matches of its pattern.
typedef enum LigSplitKind {
    LIG_SPLIT_ISOLATE = 1, // matches and what lies between them are pieces
    LIG_SPLIT_REMOVE = 2,  // what lies between matches are pieces; matches are dropped
    LIG_SPLIT_KEEP = 3,    // matches are pieces; what lies between them is dropped
} LigSplitKind;

typedef enum LigNormaliserKind {
    LIG_NORMALISE_NFC = 1,
    LIG_NORMALISE_NFD = 2,
    LIG_NORMALISE_NFKC = 3,
    LIG_NORMALISE_NFKD = 4,
} LigNormaliserKind;

// Of an added token: one found in the text before anything else happens to it.
enum {
    LIG_ADDED_SPECIAL = 1u << 0,     // left out by decoding unless asked for
    LIG_ADDED_LSTRIP = 1u << 1,      // swallows the white space before it
    LIG_ADDED_RSTRIP = 1u << 2,      // swallows the white space after it
    LIG_ADDED_SINGLE_WORD = 1u << 3, // only where no word character touches it
    LIG_ADDED_NORMALIZED = 1u << 4,  // looked for in the normalised text
    LIG_ADDED_ALL_FLAGS = (1u << 5) - 1,
};

// Of a token id.
enum {
    LIG_TOKEN_PRESENT = 1u << 0, // the id has a token
    LIG_TOKEN_ADDED = 1u << 1,   // it is an added token: matched in the text
    LIG_TOKEN_SPECIAL = 1u << 2,
};

// What to build an image from. Everything is borrowed for the call.
typedef struct LigRuleSpec {
    uint32_t kind; // LigSplitKind or LigNormaliserKind
    LigStr text;   // a split's pattern (PCRE2 syntax, run with UTF and UCP); empty for the normalisers of today
} LigRuleSpec;

typedef struct LigMergeSpec {
    int32_t left, right; // two ids next to each other
    int32_t merged;      // become this one
} LigMergeSpec;

typedef struct LigAddedSpec {
    int32_t id;
    uint32_t flags; // LIG_ADDED_…
} LigAddedSpec;

typedef struct LigTokenizerSpec {
    LigTextModel model;
    uint32_t flags;             // LIG_TEXT_…
    int32_t bos, eos, unk, pad; // ids or LIG_TOKEN_NONE. `unk` is what the model makes of the unknown
    const LigStr *tokens;       // [token_count] bytes by id; data = NULL: no such token
    size_t token_count;
    const LigMergeSpec *merges; // in order of rank; a pair counts once, at its first place
    size_t merge_count;
    const LigRuleSpec *normalisers; // in order
    size_t normaliser_count;
    const LigRuleSpec *splits; // in order, each within the pieces of the one before
    size_t split_count;
    const LigAddedSpec *added;
    size_t added_count;
    const int32_t *wrap; // ids around one text: LIG_IMAGE_SEQUENCE is the text itself; empty = only the text
    size_t wrap_count;
    const int32_t *end_ids; // generation ends after any of these
    size_t end_count;
    LigStr chat_template; // Jinja; empty = none
} LigTokenizerSpec;

typedef struct LigImageBytes {
    void *data; // released by lig_image_free
    size_t size;
} LigImageBytes;

// Lays the image out. Errors: INVALID (an id out of range, an empty added token, too many rules), NO_MEMORY.
LigStatus lig_image_build(LigContext *ctx, const LigTokenizerSpec *spec, LigImageBytes *out) LIG_MUST_CHECK;
void lig_image_free(LigImageBytes *image);

// The parts of an image, as they lie in it.
typedef struct LigImageInfo {
    uint32_t model;
    uint32_t flags;
    int32_t bos, eos, unk, pad;
    uint32_t token_count;
    uint32_t reserved; // zero
} LigImageInfo;

typedef struct LigImageRule {
    uint32_t kind;
    uint32_t text_offset; // in the strings
    uint32_t text_bytes;
} LigImageRule;

typedef struct LigImageMerge {
    uint32_t left; // UINT32_MAX: a free place of the hash
    uint32_t right;
    uint32_t rank;
    uint32_t merged;
} LigImageMerge;

typedef struct LigImageAdded {
    uint32_t id;
    uint32_t flags;
} LigImageAdded;

typedef struct LigImage {
    const LigImageInfo *info;
    const uint32_t *token_offsets; // [token_count + 1] into token_bytes
    const char *token_bytes;
    const uint8_t *token_flags;  // [token_count]
    const uint32_t *token_slots; // hash of bytes -> id + 1; 0 = free; without special tokens
    size_t token_slot_count;     // a power of two
    const LigImageMerge *merges; // hash of pairs
    size_t merge_slot_count;     // a power of two, or 0
    const LigImageRule *normalisers;
    size_t normaliser_count;
    const LigImageRule *splits;
    size_t split_count;
    const LigImageAdded *added; // longest token first
    size_t added_count;
    const int32_t *wrap;
    size_t wrap_count;
    const int32_t *end_ids;
    size_t end_count;
    LigStr chat_template;
    LigStr strings;
} LigImage;

// Checks the bytes and fills `out`. Errors: INVALID (says what does not fit), UNSUPPORTED (another version).
LigStatus lig_image_open(LigContext *ctx, const void *data, size_t size, LigImage *out) LIG_MUST_CHECK;

// The bytes of a token; empty when the id has none.
LigStr lig_image_token(const LigImage *image, int32_t id);
// The id of a token that the model makes, or LIG_TOKEN_NONE.
int32_t lig_image_find(const LigImage *image, LigStr bytes);
// The merge of two ids next to each other, or NULL.
const LigImageMerge *lig_image_merge(const LigImage *image, uint32_t left, uint32_t right);
LigStr lig_image_rule_text(const LigImage *image, const LigImageRule *rule);

#endif

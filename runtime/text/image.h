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
    LIG_IMAGE_VERSION = 2,
    LIG_IMAGE_ALIGN = 8,      // of the image in memory and of every section in it
    LIG_IMAGE_MAX_RULES = 32, // normalisers, splits, or decoders
    LIG_IMAGE_SEQUENCE = -1,  // in `wrap`: where the ids of the text go
    LIG_TOKEN_NONE = -1,      // for bos, eos, unk, pad: there is none
};

typedef enum LigTextModel {
    LIG_TEXT_BYTE_BPE = 1,   // merges over bytes (GPT-2, Llama 3, Qwen, SmolLM, Whisper)
    LIG_TEXT_WORD_PIECE = 2, // longest prefix first (BERT)
    LIG_TEXT_UNIGRAM = 3,    // most probable segmentation (T5, Marian)
    LIG_TEXT_CHAR_BPE = 4,   // merges over characters, maybe with byte fallback (Llama 2, Mistral, Gemma)
    LIG_TEXT_WORD_LEVEL = 5, // a piece is a token or unknown
} LigTextModel;

// Of the whole tokenizer.
enum {
    LIG_TEXT_WHOLE_WORDS = 1u << 0,   // BPE: a piece that is a token as it stands is not put together by merges
    LIG_TEXT_BYTE_FALLBACK = 1u << 1, // the unknown is written as tokens of its bytes, where there are all 256
    LIG_TEXT_FUSE_UNK = 1u << 2,      // unknown characters in a row are one unk
    LIG_TEXT_CUT_WORDS = 1u << 3, // set by lig_image_build: no token goes on behind a letter with U+2581, so
                                  // that text may be cut there without another result
    LIG_TEXT_ALL_FLAGS = (1u << 4) - 1,
};

// Of a rule; which kinds read which is said at the kinds.
enum {
    LIG_RULE_INVERT = 1u << 0,    // what lies between the matches counts as a match, and the other way round
    LIG_RULE_FIRST = 1u << 1,     // only where the text begins
    LIG_RULE_LEFT = 1u << 2,      // at the beginning
    LIG_RULE_RIGHT = 1u << 3,     // at the end
    LIG_RULE_GRAPHEMES = 1u << 4, // a table is asked for whole graphemes, as Transformers does
    LIG_RULE_CLEANUP = 1u << 5,   // of spaces before punctuation and English contractions
    LIG_RULE_KEEP_FIRST = 1u << 6,
    LIG_RULE_ALL_FLAGS = (1u << 7) - 1,
};

// A step of the pre-tokenizer. The first five cut pieces at the matches of the pattern `text` (INVERT applies).
typedef enum LigSplitKind {
    LIG_SPLIT_ISOLATE = 1,        // matches and what lies between them are pieces
    LIG_SPLIT_REMOVE = 2,         // what lies between matches are pieces; matches are dropped
    LIG_SPLIT_CONTIGUOUS = 3,     // as ISOLATE, but matches that touch are one piece
    LIG_SPLIT_MERGE_PREVIOUS = 4, // a match ends the piece before it
    LIG_SPLIT_MERGE_NEXT = 5,     // a match begins the piece after it
    LIG_SPLIT_PREPEND = 6,        // a piece that does not begin with `text` gets it (FIRST)
    LIG_SPLIT_REPLACE = 7,        // every literal `text` in a piece becomes `with`
} LigSplitKind;

typedef enum LigNormaliserKind {
    LIG_NORMALISE_NFC = 1,
    LIG_NORMALISE_NFD = 2,
    LIG_NORMALISE_NFKC = 3,
    LIG_NORMALISE_NFKD = 4,
    LIG_NORMALISE_LOWERCASE = 5,
    LIG_NORMALISE_DROP_MARKS = 6,       // categories Mn, Mc and Me
    LIG_NORMALISE_DROP_NONSPACING = 7,  // category Mn
    LIG_NORMALISE_CLEAN = 8,            // BERT: control characters go, white space becomes a space
    LIG_NORMALISE_SPACE_CHINESE = 9,    // BERT: spaces around CJK ideographs
    LIG_NORMALISE_STRIP = 10,           // white space (LEFT, RIGHT)
    LIG_NORMALISE_REPLACE = 11,         // matches of the pattern `text` become `with`
    LIG_NORMALISE_PREPEND = 12,         // `text` before what is not empty
    LIG_NORMALISE_CHARSMAP = 13,        // SentencePiece's table `text` (GRAPHEMES)
    LIG_NORMALISE_COLLAPSE_SPACES = 14, // SentencePiece: runs of spaces become one, none at either end
    LIG_NORMALISE_NMT = 15,             // control characters of Google's translation data
} LigNormaliserKind;

// What happens to the text of tokens on the way back, one token at a time, in order.
typedef enum LigDecoderKind {
    LIG_DECODE_REPLACE = 1,       // every literal `text` becomes `with`
    LIG_DECODE_BYTE_FALLBACK = 2, // <0x41> is a byte; bytes in a row that are no UTF-8 become U+FFFD each
    LIG_DECODE_FUSE = 3,          // what follows sees all tokens as one
    LIG_DECODE_STRIP = 4,         // up to `number` times `text` at the beginning of a token
    LIG_DECODE_WORD_PIECE = 5,    // a token without the prefix `text` gets a space before it (CLEANUP)
    LIG_DECODE_METASPACE = 6,     // `text` becomes a space; in the first token nothing, unless KEEP_FIRST
    LIG_DECODE_SUFFIX = 7,        // `text` becomes a space; in the last token nothing
    LIG_DECODE_JOIN = 8,          // a space between tokens
} LigDecoderKind;

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
    LIG_TOKEN_UNMATCHED = 1u << 3, // the model never makes it of its letters (bytes, control, unused)
};

// What to build an image from. Everything is borrowed for the call.
typedef struct LigRuleSpec {
    uint32_t kind;  // LigSplitKind, LigNormaliserKind or LigDecoderKind
    uint32_t flags; // LIG_RULE_…
    uint32_t number;
    LigStr text; // a pattern is in Oniguruma's syntax, as in tokenizer.json (matcher.h)
    LigStr with;
} LigRuleSpec;

typedef struct LigMergeSpec {
    int32_t left, right; // two ids next to each other
    int32_t merged;      // become this one
    uint32_t rank;       // lower ones first; of equals the leftmost
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
    const uint8_t *unmatched;   // [token_count] not 0: LIG_TOKEN_UNMATCHED; NULL: none is
    const double *scores;       // [token_count] log probabilities; Unigram only
    LigStr subword_prefix;      // of a token that does not begin a piece (WordPiece's ##)
    LigStr word_end;            // of a token that ends a piece (BPE of CLIP: </w>)
    uint32_t max_word_chars;    // WordPiece: longer ones are unknown
    const LigMergeSpec *merges; // a pair counts once, at its first place
    size_t merge_count;
    const LigRuleSpec *normalisers; // in order
    size_t normaliser_count;
    const LigRuleSpec *splits; // in order, each within the pieces of the one before
    size_t split_count;
    const LigRuleSpec *decoders; // in order
    size_t decoder_count;
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
    uint32_t max_word_chars;
    double unk_score; // Unigram: of a character that is unknown
} LigImageInfo;

typedef struct LigImageRule {
    uint32_t kind;
    uint32_t flags;
    uint32_t number;
    uint32_t text_offset; // in the strings
    uint32_t text_bytes;
    uint32_t with_offset; // in the strings
    uint32_t with_bytes;
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

// A place of the trie over tokens (trie.h); number 0 is its root.
typedef struct LigImageNode {
    uint32_t base;   // byte b leads to the place base + b, if that names this one as its parent
    uint32_t parent; // UINT32_MAX: a free place
    int32_t id;      // of the token that ends here, or LIG_TOKEN_NONE
} LigImageNode;

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
    const LigImageRule *decoders;
    size_t decoder_count;
    const int32_t *byte_ids;   // [256] the token of each byte (BYTE_BPE, BYTE_FALLBACK), or LIG_TOKEN_NONE
    const double *scores;      // [token_count] for Unigram
    const LigImageNode *nodes; // a trie of all tokens that the model makes, for Unigram and WordPiece
    size_t node_count;
    LigStr subword_prefix;
    LigStr word_end;
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
LigStr lig_image_rule_with(const LigImage *image, const LigImageRule *rule);
// The byte that a token spelled as <0x41> stands for, or -1.
int lig_byte_of_spelling(LigStr token);

#endif

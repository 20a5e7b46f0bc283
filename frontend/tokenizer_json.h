// tokenizer.json (Hugging Face) to a tokenizer image.
//
// Models: BPE (over bytes, or over characters with or without byte fallback), Unigram, WordPiece, WordLevel.
// Normalisers: BertNormalizer, Lowercase, NFC, NFD, NFKC, NFKD, Nmt, Precompiled, Prepend, Replace, Strip,
// StripAccents. Pre-tokenizers: BertPreTokenizer, ByteLevel, CharDelimiterSplit, Digits, Metaspace, Punctuation,
// Split, Whitespace, WhitespaceSplit. Post-processors: BertProcessing, ByteLevel, RobertaProcessing,
// TemplateProcessing. Decoders: BPEDecoder, ByteFallback, ByteLevel, Fuse, Metaspace, Replace, Strip, WordPiece;
// none at all puts spaces between tokens. And sequences of them. Anything else is an error that names it.
// Settings of padding and truncation are ignored.
#ifndef LIG_FRONTEND_TOKENIZER_JSON_H
#define LIG_FRONTEND_TOKENIZER_JSON_H

#include "runtime/text/image.h"

// What stands in the files beside it; all borrowed, zero = not known.
typedef struct LigTokenizerExtras {
    LigStr chat_template;   // tokenizer_config.json
    LigStr bos, eos, pad;   // tokenizer_config.json: the texts of these tokens; empty = none
    const int32_t *end_ids; // [end_count] generation_config.json's eos_token_id; empty: `eos` alone
    size_t end_count;
    bool adds_bos, adds_eos; // around a text, where the tokenizer's own file does not say (SentencePiece's)
} LigTokenizerExtras;

// `text` is the file's content, `path` its name for messages. `out` is released by lig_image_free.
// Errors: PARSE (not JSON), INVALID (a field that can't be right), UNSUPPORTED (a component, named), NO_MEMORY.
LigStatus lig_tokenizer_from_json(LigContext *ctx, const char *path, LigStr text,
                                  const LigTokenizerExtras *extras, LigImageBytes *out) LIG_MUST_CHECK;

#endif

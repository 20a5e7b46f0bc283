// A GGUF's tokenizer metadata to a tokenizer image.
#ifndef LIG_FRONTEND_TOKENIZER_GGUF_H
#define LIG_FRONTEND_TOKENIZER_GGUF_H

#include "runtime/text/image.h"

// A setting that a file may leave to the kind of model.
typedef enum LigGgufSetting { LIG_GGUF_UNSAID, LIG_GGUF_NO, LIG_GGUF_YES } LigGgufSetting;

// The metadata under "tokenizer.", as the caller found it; all borrowed. An id that is absent is
// LIG_TOKEN_NONE, a text that is absent is empty.
typedef struct LigGgufTokenizer {
    const char *path;           // of the file, for messages
    LigStr model;               // ggml.model: "gpt2", "llama", "bert", "t5"
    LigStr pre;                 // ggml.pre, of gpt2; empty counts as "gpt-2"
    const LigStr *tokens;       // [token_count] ggml.tokens
    const int32_t *token_types; // [token_count] ggml.token_type, or NULL: all normal
    const float *scores;        // [token_count] ggml.scores, or NULL; llama and t5 need them
    size_t token_count;
    const LigStr *merges; // [merge_count] ggml.merges
    size_t merge_count;
    int32_t bos, eos, unk, pad, sep;          // ggml.bos_token_id, eos_, unknown_, padding_, seperator_
    int32_t eot, eom;                         // ggml.eot_token_id, eom_: ends of a turn and of a message
    LigGgufSetting add_bos, add_eos, add_sep; // ggml.add_bos_token, add_eos_token, add_sep_token
    LigGgufSetting add_space_prefix;          // ggml.add_space_prefix
    LigGgufSetting remove_extra_whitespaces;  // ggml.remove_extra_whitespaces
    LigStr charsmap;                          // ggml.precompiled_charsmap, of t5
    LigStr chat_template;                     // chat_template
} LigGgufTokenizer;

// `out` is released by lig_image_free. Errors: INVALID (a token, merge or id that can't be right),
// UNSUPPORTED (a model or pre-tokenizer not known, named), NO_MEMORY.
LigStatus lig_tokenizer_from_gguf(LigContext *ctx, const LigGgufTokenizer *gguf,
                                  LigImageBytes *out) LIG_MUST_CHECK;

#endif

// Pre-tokenizer patterns that GGUF calls by name. Patterns are in the syntax of tokenizer.json; runtime/text
// runs it.
#ifndef LIG_FRONTEND_PRETOKENIZER_PATTERNS_H
#define LIG_FRONTEND_PRETOKENIZER_PATTERNS_H

#include "runtime/text/image.h"
#include "runtime/text/scanner.h"

// What a name says beside its patterns, where the file does not say otherwise.
typedef struct LigPreTokenizerTraits {
    bool whole_words; // a piece that is a token is not merged
    bool composes;    // the text is brought into NFC first
    bool adds_bos, adds_sep;
} LigPreTokenizerTraits;

// The splits that a GGUF's tokenizer.ggml.pre stands for; `*rules` and `*traits` have static storage. False
// when unknown.
bool lig_pattern_find_named(LigStr pre, const LigRuleSpec **rules, size_t *count,
                            const LigPreTokenizerTraits **traits);
// The names lig_pattern_find_named knows, for messages; data = NULL when memory is out.
LigStr lig_pattern_names(LigArena *arena);

// A pattern that matches exactly `text`. data = NULL when memory is out.
LigStr lig_pattern_quote(LigArena *arena, LigStr text);

#endif

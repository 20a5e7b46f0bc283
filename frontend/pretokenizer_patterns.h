// Pre-tokenizer patterns as PCRE2 runs them: those that files call by name, and the import of those they spell
// out.
#ifndef LIG_FRONTEND_PRETOKENIZER_PATTERNS_H
#define LIG_FRONTEND_PRETOKENIZER_PATTERNS_H

#include "runtime/text/image.h"

// The pattern inside the ByteLevel component, from GPT-2.
extern const char *const lig_pattern_gpt2;
// One number character.
extern const char *const lig_pattern_digit;

// The splits that a GGUF's tokenizer.ggml.pre stands for; `*rules` has static storage. False when unknown.
bool lig_pattern_find_named(LigStr pre, const LigRuleSpec **rules, size_t *count, uint32_t *flags);
// The names lig_pattern_find_named knows, for messages.
const char *lig_pattern_names(void);

// A pattern in Oniguruma's syntax (tokenizer.json) as PCRE2 takes it: \s and \S become the White_Space
// property, which differs from PCRE2's own. data = NULL when memory is out.
LigStr lig_pattern_import(LigArena *arena, LigStr pattern);
// A pattern that matches exactly `text`. data = NULL when memory is out.
LigStr lig_pattern_quote(LigArena *arena, LigStr text);

#endif

// Finding a pattern in text: by a scanner where there is one for it, as plain text where it is that, else by
// PCRE2.
//
// A pattern is in Oniguruma's syntax as far as tokenizer.json uses it; for PCRE2 \s, \w and \h are written
// out, since they mean other characters there. PCRE2 interprets its patterns: no memory is ever executable. Its
// memory comes from lig_alloc.
#ifndef LIG_TEXT_MATCHER_H
#define LIG_TEXT_MATCHER_H

#include "runtime/text/scanner.h"

typedef struct LigMatcher {
    LigScanFn scan; // or
    LigStr literal; // not empty, borrowed; or
    void *code;     // of PCRE2
    void *match;    // its memory for one match: a matcher serves one thread at a time
} LigMatcher;

// `pattern` is borrowed. Released by lig_matcher_free, also after an error.
// Errors: INVALID (PCRE2 refuses the pattern: says where), UNSUPPORTED (brackets in brackets and the like: named),
// NO_MEMORY.
LigStatus lig_matcher_init(LigContext *ctx, LigStr pattern, LigMatcher *out) LIG_MUST_CHECK;
// Of a text that is itself.
LigMatcher lig_matcher_literal(LigStr text);
void lig_matcher_free(LigMatcher *matcher);

// The first match in `text` (valid UTF-8) at or after `from`, maybe empty; *begin = SIZE_MAX when there is
// none. Errors: INVALID (the pattern takes too many steps on this text), NO_MEMORY.
LigStatus lig_matcher_find(LigContext *ctx, const LigMatcher *matcher, LigStr text, size_t from, size_t *begin,
                           size_t *end) LIG_MUST_CHECK;
// Where to look for the next match after this one: behind it, or a character on after an empty one.
size_t lig_matcher_next(LigStr text, size_t from, size_t end);

#endif

// Matchers written by hand for the patterns that published tokenizers use: the same matches as the regular
// expression, in one pass, whatever the text.
#ifndef LIG_TEXT_SCANNER_H
#define LIG_TEXT_SCANNER_H

#include "ir/base/str.h"

// The first match in `text` (valid UTF-8) at or after `from`, which is at the beginning of a character. Matches
// are not empty. False when there is none.
typedef bool (*LigScanFn)(LigStr text, size_t from, size_t *begin, size_t *end);

// The scanner for a pattern as tokenizer files spell it, or NULL when there is none.
LigScanFn lig_scanner_find(LigStr pattern);

// Patterns of components that tokenizer.json names without spelling them out; all have scanners.
#define LIG_PATTERN_GPT2 "'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"
#define LIG_PATTERN_NUMBER "\\p{N}"
#define LIG_PATTERN_NUMBERS "\\p{N}+"
#define LIG_PATTERN_SPACE "\\s"
#define LIG_PATTERN_BERT_PUNCTUATION "[!-/:-@\\[-`{-~\\p{P}]"
#define LIG_PATTERN_WORDS "\\w+|[^\\w\\s]+"
// Llama 3 keeps up to three digits together, Qwen 2 one.
#define LIG_PATTERN_LLAMA3                                                                                     \
    ("(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"  \
     "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+")
#define LIG_PATTERN_QWEN2                                                                                      \
    ("(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"       \
     "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+")
#define LIG_PATTERN_SPACES_AT_END "\\s+$"

#endif

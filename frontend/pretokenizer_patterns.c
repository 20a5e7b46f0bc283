#include "frontend/pretokenizer_patterns.h"

#define WS "\\p{White_Space}"
#define NOT_WS "\\P{White_Space}"
#define GPT2 "'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^" WS "\\p{L}\\p{N}]+|" WS "+(?!" NOT_WS ")|" WS "+"
// Llama 3 and Qwen 2 differ in how many digits stay together.
#define LLAMA3(digits)                                                                                         \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" digits "| ?[^" WS                            \
    "\\p{L}\\p{N}]+[\\r\\n]*|" WS "*[\\r\\n]+|" WS "+(?!" NOT_WS ")|" WS "+"

const char *const lig_pattern_gpt2 = GPT2;
const char *const lig_pattern_digit = "\\p{N}";

typedef struct NamedPattern {
    const char *name;
    LigRuleSpec rules[2];
    size_t count;
    uint32_t flags;
} NamedPattern;

#define ISOLATE(pattern) {LIG_SPLIT_ISOLATE, {pattern, sizeof(pattern) - 1}}

static const NamedPattern named_patterns[] = {
    {"gpt-2", {ISOLATE(GPT2)}, 1, 0},
    {"smollm", {ISOLATE("\\p{N}"), ISOLATE(GPT2)}, 2, 0},
    {"starcoder", {ISOLATE("\\p{N}"), ISOLATE(GPT2)}, 2, 0},
    {"llama-bpe", {ISOLATE(LLAMA3("\\p{N}{1,3}"))}, 1, LIG_TEXT_WHOLE_WORDS},
    {"qwen2", {ISOLATE(LLAMA3("\\p{N}"))}, 1, 0},
};

bool lig_pattern_find_named(LigStr pre, const LigRuleSpec **rules, size_t *count, uint32_t *flags)
{
    for (size_t i = 0; i < sizeof named_patterns / sizeof *named_patterns; i++) {
        if (!lig_str_is(pre, named_patterns[i].name)) continue;
        *rules = named_patterns[i].rules;
        *count = named_patterns[i].count;
        *flags = named_patterns[i].flags;
        return true;
    }
    return false;
}

const char *lig_pattern_names(void) { return "gpt-2, smollm, starcoder, llama-bpe, qwen2"; }

static LigStr finish(LigArena *arena, LigText *text)
{
    LigStr copy = text->failed ? (LigStr){0} : lig_str_copy(arena, lig_text_view(text));
    lig_text_free(text);
    return copy;
}

LigStr lig_pattern_import(LigArena *arena, LigStr pattern)
{
    LigText out = {0};
    for (size_t i = 0; i < pattern.length; i++) {
        char c = pattern.data[i];
        char escaped = c == '\\' && i + 1 < pattern.length ? pattern.data[i + 1] : '\0';
        if (escaped == 's')
            lig_text_append(&out, LIG_STR(WS));
        else if (escaped == 'S')
            lig_text_append(&out, LIG_STR(NOT_WS));
        else
            lig_text_append(&out, (LigStr){pattern.data + i, escaped ? 2 : 1});
        i += escaped != '\0';
    }
    return finish(arena, &out);
}

static bool is_plain(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (unsigned char)c >= 0x80;
}

LigStr lig_pattern_quote(LigArena *arena, LigStr text)
{
    LigText out = {0};
    for (size_t i = 0; i < text.length; i++) {
        if (!is_plain(text.data[i])) lig_text_append_char(&out, '\\');
        lig_text_append_char(&out, text.data[i]);
    }
    return finish(arena, &out);
}

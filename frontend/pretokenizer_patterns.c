#include "frontend/pretokenizer_patterns.h"

#include <string.h>

static LigStr finish(LigArena *arena, LigText *text)
{
    LigStr copy = text->failed ? (LigStr){0} : lig_str_copy(arena, lig_text_view(text));
    lig_text_free(text);
    return copy;
}

typedef struct NamedPattern {
    const char *names; // divided by spaces
    LigRuleSpec rules[6];
    size_t count;
    LigPreTokenizerTraits traits;
} NamedPattern;

#define ISOLATE(pattern) {.kind = LIG_SPLIT_ISOLATE, .text = {pattern, sizeof(pattern) - 1}}
#define ANY_CASE "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define SMALL "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define CAPITAL "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define NO_LETTER "[^\\r\\n\\p{L}\\p{N}]?"
#define LINES_AND_SPACES "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define CJK "[一-龥ࠀ-一가-퟿]+"
#define ALPHABETS                                                                                              \
    "\\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-"  \
    "ώᾀ-ᾴᾶ-ᾼιῂ-ῄῆ-ῌῐ-"                                                                                         \
    "ΐῖ-Ίῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-"  \
    "𑣟𞤀-𞥃]+"

// What the names of tokenizer.ggml.pre stand for, from llama.cpp's table of them.
static const NamedPattern named_patterns[] = {
    {"gpt-2 phi-2 jina-es jina-de jina-v2-es jina-v2-de gigachat modern-bert mellum a.x-4.0 mpt olmo jais "
     "trillion "
     "exaone4 granite-docling",
     {ISOLATE(LIG_PATTERN_GPT2)},
     1,
     {0}},
    {"jina-v1-en jina-v2-code roberta-bpe", {ISOLATE(LIG_PATTERN_GPT2)}, 1, {.adds_sep = true}},
    {"smollm starcoder refact command-r codeshell exaone minerva-7b mellum2",
     {ISOLATE(LIG_PATTERN_NUMBER), ISOLATE(LIG_PATTERN_GPT2)},
     2,
     {0}},
    {"llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano",
     {ISOLATE(LIG_PATTERN_LLAMA3)},
     1,
     {.whole_words = true, .adds_bos = true}},
    {"dbrx smaug-bpe glm4 chatglm-bpe", {ISOLATE(LIG_PATTERN_LLAMA3)}, 1, {0}},
    {"qwen2 deepseek-r1-qwen kormo f2llmv2 megrez", {ISOLATE(LIG_PATTERN_QWEN2)}, 1, {.composes = true}},
    {"stablelm2 hunyuan solar-open grok-2", {ISOLATE(LIG_PATTERN_QWEN2)}, 1, {0}},
    {"deepseek-llm",
     {ISOLATE("[\r\n]"), ISOLATE(ALPHABETS), ISOLATE("\\s?[!-/:-~！-／：-～‘-‟　-。]+"),
      ISOLATE(LIG_PATTERN_SPACES_AT_END), ISOLATE(CJK), ISOLATE(LIG_PATTERN_NUMBERS)},
     6,
     {0}},
    {"deepseek-coder",
     {ISOLATE("[\r\n]"), ISOLATE("\\s?\\p{L}+"), ISOLATE("\\s?\\p{P}+"), ISOLATE(CJK),
      ISOLATE(LIG_PATTERN_NUMBER)},
     5,
     {0}},
    {"deepseek-v3 hunyuan-dense joyai-llm",
     {ISOLATE("\\p{N}{1,3}"), ISOLATE("[一-龥぀-ゟ゠-ヿ]+"),
      ISOLATE(
          "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| "
          "?[\\p{P}\\p{S}]+[\\r\\n]*|" LINES_AND_SPACES)},
     3,
     {0}},
    {"falcon",
     {ISOLATE("[\\p{P}\\$\\+<=>\\^~\\|`]+"), ISOLATE(LIG_PATTERN_GPT2), ISOLATE("[0-9][0-9][0-9]")},
     3,
     {0}},
    {"tekken",
     {ISOLATE(NO_LETTER CAPITAL "*" SMALL "+|" NO_LETTER CAPITAL "+" SMALL
                                "*|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" LINES_AND_SPACES)},
     1,
     {.whole_words = true, .adds_bos = true}},
    {"gpt-4o llama4 kanana2 talkie minimax-m2",
     {ISOLATE(NO_LETTER CAPITAL "*" SMALL "+" ANY_CASE "?|" NO_LETTER CAPITAL "+" SMALL "*" ANY_CASE
                                "?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" LINES_AND_SPACES)},
     1,
     {0}},
};

static bool has_name(const char *names, LigStr name)
{
    for (LigStr rest = lig_str(names); rest.length > 0;) {
        const char *space = memchr(rest.data, ' ', rest.length);
        const LigStr first = {rest.data, space ? (size_t)(space - rest.data) : rest.length};
        if (lig_str_equal(first, name)) return true;
        rest = lig_str_skip(rest, first.length + 1);
    }
    return false;
}

bool lig_pattern_find_named(LigStr pre, const LigRuleSpec **rules, size_t *count,
                            const LigPreTokenizerTraits **traits)
{
    for (size_t i = 0; i < sizeof named_patterns / sizeof *named_patterns; i++) {
        if (!has_name(named_patterns[i].names, pre)) continue;
        *rules = named_patterns[i].rules;
        *count = named_patterns[i].count;
        *traits = &named_patterns[i].traits;
        return true;
    }
    return false;
}

LigStr lig_pattern_names(LigArena *arena)
{
    LigText names = {0};
    for (size_t i = 0; i < sizeof named_patterns / sizeof *named_patterns; i++) {
        if (i > 0) lig_text_append_char(&names, ' ');
        lig_text_append(&names, lig_str(named_patterns[i].names));
    }
    return finish(arena, &names);
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

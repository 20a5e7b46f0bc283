#include "frontend/tokenizer_json_rules.h"

#include "frontend/pretokenizer_patterns.h"

static LigStatus push_split(LigJsonRules *rules, LigSplitKind kind, uint32_t flags, LigStr pattern)
{
    const LigRuleSpec split = {.kind = (uint32_t)kind, .flags = flags, .text = pattern};
    if (!pattern.data) return lig_no_memory(rules->vocabulary->ctx);
    return lig_json__push(rules, &rules->splits, split);
}

static LigStatus push_prepend(LigJsonRules *rules, uint32_t flags, LigStr text)
{
    const LigRuleSpec rule = {.kind = LIG_SPLIT_PREPEND, .flags = flags, .text = text};
    return lig_json__push(rules, &rules->splits, rule);
}

static LigStatus read_byte_level(LigJsonRules *rules, const json_t *json)
{
    rules->is_byte_level = true;
    if (lig_json__flag(json, "add_prefix_space")) LIG_TRY(push_prepend(rules, 0, LIG_STR(" ")));
    const json_t *use_regex = json_object_get(json, "use_regex"); // absent in old files: true
    return json_is_false(use_regex) ? LIG_OK
                                    : push_split(rules, LIG_SPLIT_ISOLATE, 0, lig_str(LIG_PATTERN_GPT2));
}

static LigStatus read_digits(LigJsonRules *rules, const json_t *json)
{
    const bool individual = lig_json__flag(json, "individual_digits");
    return push_split(rules, LIG_SPLIT_ISOLATE, 0,
                      lig_str(individual ? LIG_PATTERN_NUMBER : LIG_PATTERN_NUMBERS));
}

static LigStatus read_behavior(LigJsonRules *rules, const json_t *json, LigSplitKind *out)
{
    static const struct {
        const char *name;
        LigSplitKind kind;
    } known[] = {
        {"Isolated", LIG_SPLIT_ISOLATE},          {"Removed", LIG_SPLIT_REMOVE},
        {"Contiguous", LIG_SPLIT_CONTIGUOUS},     {"MergedWithPrevious", LIG_SPLIT_MERGE_PREVIOUS},
        {"MergedWithNext", LIG_SPLIT_MERGE_NEXT},
    };
    const LigStr behavior = lig_json_text(json_object_get(json, "behavior"));
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (!lig_str_is(behavior, known[i].name)) continue;
        *out = known[i].kind;
        return LIG_OK;
    }
    return lig_json__unsupported(rules, "behavior", behavior,
                                 "Isolated, Removed, Contiguous, MergedWithPrevious, MergedWithNext");
}

static LigStatus read_split(LigJsonRules *rules, const json_t *json)
{
    LigSplitKind kind = LIG_SPLIT_ISOLATE;
    LigStr pattern = {0};
    LIG_TRY(read_behavior(rules, json, &kind));
    LIG_TRY(lig_json__pattern(rules, json_object_get(json, "pattern"), &pattern));
    return push_split(rules, kind, lig_json__flag(json, "invert") ? LIG_RULE_INVERT : 0, pattern);
}

static LigStatus read_punctuation(LigJsonRules *rules, const json_t *json)
{
    LigSplitKind kind = LIG_SPLIT_ISOLATE; // old files say nothing
    if (json_object_get(json, "behavior")) LIG_TRY(read_behavior(rules, json, &kind));
    return push_split(rules, kind, 0, lig_str(LIG_PATTERN_BERT_PUNCTUATION));
}

static LigStatus read_delimiter(LigJsonRules *rules, const json_t *json)
{
    const LigStr delimiter = lig_json_text(json_object_get(json, "delimiter"));
    if (delimiter.length == 0) return lig_json__bad(rules, "CharDelimiterSplit", "a 'delimiter'");
    return push_split(rules, LIG_SPLIT_REMOVE, 0, lig_pattern_quote(rules->vocabulary->arena, delimiter));
}

// Old files say add_prefix_space for what is now a scheme.
static LigStatus read_metaspace(LigJsonRules *rules, const json_t *json)
{
    const LigStr mark = lig_json_text(json_object_get(json, "replacement"));
    LigStr scheme = lig_json_text(json_object_get(json, "prepend_scheme"));
    if (mark.length == 0) return lig_json__bad(rules, "Metaspace", "a 'replacement'");
    if (!scheme.data)
        scheme =
            json_is_false(json_object_get(json, "add_prefix_space")) ? LIG_STR("never") : LIG_STR("always");
    const LigRuleSpec replace = {.kind = LIG_SPLIT_REPLACE, .text = LIG_STR(" "), .with = mark};
    LIG_TRY(lig_json__push(rules, &rules->splits, replace));
    if (lig_str_is(scheme, "always"))
        LIG_TRY(push_prepend(rules, 0, mark));
    else if (lig_str_is(scheme, "first"))
        LIG_TRY(push_prepend(rules, LIG_RULE_FIRST, mark));
    else if (!lig_str_is(scheme, "never"))
        return lig_json__unsupported(rules, "prepend_scheme", scheme, "always, first, never");
    if (json_is_false(json_object_get(json, "split"))) return LIG_OK;
    return push_split(rules, LIG_SPLIT_MERGE_NEXT, 0, lig_pattern_quote(rules->vocabulary->arena, mark));
}

static LigStatus read_bert(LigJsonRules *rules)
{
    LIG_TRY(push_split(rules, LIG_SPLIT_REMOVE, 0, lig_str(LIG_PATTERN_SPACE)));
    return push_split(rules, LIG_SPLIT_ISOLATE, 0, lig_str(LIG_PATTERN_BERT_PUNCTUATION));
}

static LigStatus read_pre_tokenizer(LigJsonRules *rules, const json_t *json, int depth)
{
    const LigStr type = lig_json_type(json);
    if (lig_str_is(type, "Sequence"))
        return lig_json__read_list(rules, json_object_get(json, "pretokenizers"), depth, read_pre_tokenizer);
    // The byte-level alphabet is what a component after it would see; the image's patterns see the text.
    if (rules->is_byte_level)
        return lig_json__unsupported(rules, "pre-tokenizer after ByteLevel", type, "ByteLevel as the last");
    if (lig_str_is(type, "ByteLevel")) return read_byte_level(rules, json);
    if (lig_str_is(type, "BertPreTokenizer")) return read_bert(rules);
    if (lig_str_is(type, "CharDelimiterSplit")) return read_delimiter(rules, json);
    if (lig_str_is(type, "Digits")) return read_digits(rules, json);
    if (lig_str_is(type, "Metaspace")) return read_metaspace(rules, json);
    if (lig_str_is(type, "Punctuation")) return read_punctuation(rules, json);
    if (lig_str_is(type, "Split")) return read_split(rules, json);
    if (lig_str_is(type, "Whitespace"))
        return push_split(rules, LIG_SPLIT_REMOVE, LIG_RULE_INVERT, lig_str(LIG_PATTERN_WORDS));
    if (lig_str_is(type, "WhitespaceSplit"))
        return push_split(rules, LIG_SPLIT_REMOVE, 0, lig_str(LIG_PATTERN_SPACE));
    return lig_json__unsupported(rules, "pre-tokenizer", type,
                                 "BertPreTokenizer, ByteLevel, CharDelimiterSplit, Digits, Metaspace, "
                                 "Punctuation, Split, Whitespace, WhitespaceSplit, Sequence");
}

LigStatus lig_json_read_pre_tokenizer(LigJsonRules *rules, const json_t *json)
{
    return !json || json_is_null(json) ? LIG_OK : read_pre_tokenizer(rules, json, 0);
}

#include "frontend/tokenizer_json_rules.h"

static LigStatus push(LigJsonRules *rules, LigRuleSpec rule)
{
    return lig_json__push(rules, &rules->normalisers, rule);
}

static LigStatus push_kind(LigJsonRules *rules, LigNormaliserKind kind)
{
    return push(rules, (LigRuleSpec){.kind = (uint32_t)kind});
}

// Accents go where it is asked for, or, when nothing is said, where letters become small.
static LigStatus read_bert(LigJsonRules *rules, const json_t *json)
{
    const json_t *strip = json_object_get(json, "strip_accents");
    const bool lowercase = lig_json__flag(json, "lowercase");
    if (lig_json__flag(json, "clean_text")) LIG_TRY(push_kind(rules, LIG_NORMALISE_CLEAN));
    if (lig_json__flag(json, "handle_chinese_chars")) LIG_TRY(push_kind(rules, LIG_NORMALISE_SPACE_CHINESE));
    if (json_is_boolean(strip) ? json_is_true(strip) : lowercase) {
        LIG_TRY(push_kind(rules, LIG_NORMALISE_NFD));
        LIG_TRY(push_kind(rules, LIG_NORMALISE_DROP_NONSPACING));
    }
    return lowercase ? push_kind(rules, LIG_NORMALISE_LOWERCASE) : LIG_OK;
}

static LigStatus read_strip(LigJsonRules *rules, const json_t *json)
{
    LigRuleSpec rule = {.kind = LIG_NORMALISE_STRIP};
    if (lig_json__flag(json, "strip_left")) rule.flags |= LIG_RULE_LEFT;
    if (lig_json__flag(json, "strip_right")) rule.flags |= LIG_RULE_RIGHT;
    return push(rules, rule);
}

static LigStatus read_replace(LigJsonRules *rules, const json_t *json)
{
    LigRuleSpec rule = {.kind = LIG_NORMALISE_REPLACE};
    LIG_TRY(lig_json__pattern(rules, json_object_get(json, "pattern"), &rule.text));
    rule.with = lig_json_text(json_object_get(json, "content"));
    return push(rules, rule);
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+') return 62;
    return c == '/' ? 63 : -1;
}

static LigStatus decode_base64(LigJsonRules *rules, LigStr text, LigStr *out)
{
    while (text.length > 0 && text.data[text.length - 1] == '=') text.length--;
    unsigned char *bytes = lig_arena_alloc(rules->vocabulary->arena, text.length + 1);
    if (!bytes) return lig_no_memory(rules->vocabulary->ctx);
    uint32_t bits = 0;
    int count = 0;
    size_t length = 0;
    for (size_t i = 0; i < text.length; i++) {
        const int digit = base64_digit(text.data[i]);
        if (digit < 0) return lig_json__bad(rules, "precompiled_charsmap", "base64");
        bits = bits << 6 | (uint32_t)digit;
        count += 6;
        if (count < 8) continue;
        count -= 8;
        bytes[length++] = (unsigned char)(bits >> count);
    }
    *out = (LigStr){(const char *)bytes, length};
    return LIG_OK;
}

static LigStatus read_precompiled(LigJsonRules *rules, const json_t *json)
{
    LigRuleSpec rule = {.kind = LIG_NORMALISE_CHARSMAP, .flags = LIG_RULE_GRAPHEMES};
    LIG_TRY(decode_base64(rules, lig_json_text(json_object_get(json, "precompiled_charsmap")), &rule.text));
    return push(rules, rule);
}

static LigStatus read_prepend(LigJsonRules *rules, const json_t *json)
{
    LigRuleSpec rule = {.kind = LIG_NORMALISE_PREPEND};
    rule.text = lig_json_text(json_object_get(json, "prepend"));
    return rule.text.length > 0 ? push(rules, rule) : LIG_OK;
}

// Those that have no settings, by name.
static uint32_t plain_kind(LigStr type)
{
    static const struct {
        const char *name;
        LigNormaliserKind kind;
    } plain[] = {
        {"NFC", LIG_NORMALISE_NFC},
        {"NFD", LIG_NORMALISE_NFD},
        {"NFKC", LIG_NORMALISE_NFKC},
        {"NFKD", LIG_NORMALISE_NFKD},
        {"Nmt", LIG_NORMALISE_NMT},
        {"StripAccents", LIG_NORMALISE_DROP_MARKS},
        {"Lowercase", LIG_NORMALISE_LOWERCASE},
    };
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (lig_str_is(type, plain[i].name)) return (uint32_t)plain[i].kind;
    return 0;
}

static LigStatus read_normaliser(LigJsonRules *rules, const json_t *json, int depth)
{
    const LigStr type = lig_json_type(json);
    const uint32_t plain = plain_kind(type);
    if (plain) return push(rules, (LigRuleSpec){.kind = plain});
    if (lig_str_is(type, "Sequence"))
        return lig_json__read_list(rules, json_object_get(json, "normalizers"), depth, read_normaliser);
    if (lig_str_is(type, "BertNormalizer")) return read_bert(rules, json);
    if (lig_str_is(type, "Strip")) return read_strip(rules, json);
    if (lig_str_is(type, "Replace")) return read_replace(rules, json);
    if (lig_str_is(type, "Precompiled")) return read_precompiled(rules, json);
    if (lig_str_is(type, "Prepend")) return read_prepend(rules, json);
    return lig_json__unsupported(rules, "normalizer", type,
                                 "BertNormalizer, Lowercase, NFC, NFD, NFKC, NFKD, Nmt, Precompiled, Prepend, "
                                 "Replace, Strip, StripAccents, Sequence");
}

LigStatus lig_json_read_normaliser(LigJsonRules *rules, const json_t *json)
{
    return !json || json_is_null(json) ? LIG_OK : read_normaliser(rules, json, 0);
}

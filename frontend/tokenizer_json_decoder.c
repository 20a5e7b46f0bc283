#include "frontend/tokenizer_json_rules.h"

static LigStatus push(LigJsonRules *rules, LigRuleSpec rule)
{
    return lig_json__push(rules, &rules->decoders, rule);
}

static bool has(const LigJsonRules *rules, LigDecoderKind kind)
{
    for (size_t i = 0; i < rules->decoders.count; i++)
        if (rules->decoders.data[i].kind == (uint32_t)kind) return true;
    return false;
}

static LigStatus read_replace(LigJsonRules *rules, const json_t *json)
{
    const LigStr literal = lig_json_text(json_object_get(json_object_get(json, "pattern"), "String"));
    if (literal.length == 0)
        return lig_json__unsupported(rules, "decoder Replace", LIG_STR("of a Regex"), "Replace of a String");
    return push(rules, (LigRuleSpec){.kind = LIG_DECODE_REPLACE,
                                     .text = literal,
                                     .with = lig_json_text(json_object_get(json, "content"))});
}

static LigStatus read_strip(LigJsonRules *rules, const json_t *json)
{
    const json_int_t start = json_integer_value(json_object_get(json, "start"));
    const LigStr content = lig_json_text(json_object_get(json, "content"));
    if (start < 0 || start > INT32_MAX || content.length == 0)
        return lig_json__bad(rules, "the decoder Strip", "a 'content' and a number 'start'");
    if (json_integer_value(json_object_get(json, "stop")) != 0)
        return lig_json__unsupported(rules, "decoder Strip", LIG_STR("at the end"), "Strip with stop 0");
    return push(rules, (LigRuleSpec){.kind = LIG_DECODE_STRIP, .number = (uint32_t)start, .text = content});
}

static LigStatus read_word_piece(LigJsonRules *rules, const json_t *json)
{
    LigRuleSpec rule = {.kind = LIG_DECODE_WORD_PIECE, .text = lig_json_text(json_object_get(json, "prefix"))};
    if (lig_json__flag(json, "cleanup")) rule.flags |= LIG_RULE_CLEANUP;
    return push(rules, rule);
}

static LigStatus read_metaspace(LigJsonRules *rules, const json_t *json)
{
    LigRuleSpec rule = {.kind = LIG_DECODE_METASPACE,
                        .text = lig_json_text(json_object_get(json, "replacement"))};
    if (rule.text.length == 0) return lig_json__bad(rules, "Metaspace", "a 'replacement'");
    const json_t *scheme = json_object_get(json, "prepend_scheme");
    const bool never = scheme ? lig_str_is(lig_json_text(scheme), "never")
                              : json_is_false(json_object_get(json, "add_prefix_space"));
    if (never) rule.flags |= LIG_RULE_KEEP_FIRST;
    return push(rules, rule);
}

static LigStatus read_decoder(LigJsonRules *rules, const json_t *json, int depth)
{
    const LigStr type = lig_json_type(json);
    if (lig_str_is(type, "Sequence"))
        return lig_json__read_list(rules, json_object_get(json, "decoders"), depth, read_decoder);
    if (rules->decodes_byte_level)
        return lig_json__unsupported(rules, "decoder behind ByteLevel", type, "ByteLevel as the last");
    if (lig_str_is(type, "Fuse")) return push(rules, (LigRuleSpec){.kind = LIG_DECODE_FUSE});
    if (lig_str_is(type, "Strip")) return read_strip(rules, json);
    if (has(rules, LIG_DECODE_FUSE)) return lig_json__unsupported(rules, "decoder behind Fuse", type, "Strip");
    if (lig_str_is(type, "ByteLevel")) {
        rules->decodes_byte_level = true;
        return LIG_OK;
    }
    if (lig_str_is(type, "BPEDecoder"))
        return push(rules, (LigRuleSpec){.kind = LIG_DECODE_SUFFIX,
                                         .text = lig_json_text(json_object_get(json, "suffix"))});
    if (lig_str_is(type, "ByteFallback")) return push(rules, (LigRuleSpec){.kind = LIG_DECODE_BYTE_FALLBACK});
    if (lig_str_is(type, "Metaspace")) return read_metaspace(rules, json);
    if (lig_str_is(type, "Replace")) return read_replace(rules, json);
    if (lig_str_is(type, "WordPiece")) return read_word_piece(rules, json);
    return lig_json__unsupported(rules, "decoder", type,
                                 "BPEDecoder, ByteFallback, ByteLevel, Fuse, Metaspace, Replace, Strip, "
                                 "WordPiece, Sequence");
}

LigStatus lig_json_read_decoder(LigJsonRules *rules, const json_t *json)
{
    if (!json || json_is_null(json)) return push(rules, (LigRuleSpec){.kind = LIG_DECODE_JOIN});
    return read_decoder(rules, json, 0);
}

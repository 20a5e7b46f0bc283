// What the readers of components share, and the post-processors.
#include "frontend/tokenizer_json_rules.h"

#include "frontend/pretokenizer_patterns.h"

// Sequences in sequences: deeper than any real file.
enum { MAX_NESTING = 4 };

LigStr lig_json_text(const json_t *json)
{
    if (!json_is_string(json)) return (LigStr){0};
    return (LigStr){json_string_value(json), json_string_length(json)};
}

LigStr lig_json_type(const json_t *json) { return lig_json_text(json_object_get(json, "type")); }

bool lig_json__flag(const json_t *json, const char *key) { return json_is_true(json_object_get(json, key)); }

LigStatus lig_json__unsupported(const LigJsonRules *rules, const char *what, LigStr type, const char *supported)
{
    return lig_fail(rules->vocabulary->ctx, LIG_ERR_UNSUPPORTED, LIG_FILE_LOC(rules->vocabulary->path),
                    "tokenizer: the %s '%.*s' is not supported; supported: %s", what, LIG_STR_ARG(type),
                    supported);
}

LigStatus lig_json__bad(const LigJsonRules *rules, const char *what, const char *expected)
{
    return lig_fail(rules->vocabulary->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(rules->vocabulary->path),
                    "tokenizer: %s: expected %s", what, expected);
}

LigStatus lig_json__push(LigJsonRules *rules, LigRuleList *list, LigRuleSpec rule)
{
    return LIG_VEC_PUSH(rules->vocabulary->arena, list, rule) ? LIG_OK : lig_no_memory(rules->vocabulary->ctx);
}

LigStatus lig_json__read_list(LigJsonRules *rules, const json_t *list, int depth, LigJsonReadFn read)
{
    if (!json_is_array(list) || depth >= MAX_NESTING)
        return lig_json__bad(rules, "a Sequence", "a list of components, at most 4 deep");
    size_t index;
    json_t *item;
    json_array_foreach(list, index, item) LIG_TRY(read(rules, item, depth + 1));
    return LIG_OK;
}

LigStatus lig_json__pattern(LigJsonRules *rules, const json_t *pattern, LigStr *out)
{
    const json_t *regex = json_object_get(pattern, "Regex");
    const json_t *literal = json_object_get(pattern, "String");
    if (lig_json_text(regex).length > 0) {
        *out = lig_json_text(regex);
        return LIG_OK;
    }
    if (lig_json_text(literal).length == 0)
        return lig_json__bad(rules, "a pattern", "a Regex or a String that is not empty");
    *out = lig_pattern_quote(rules->vocabulary->arena, lig_json_text(literal));
    return out->data ? LIG_OK : lig_no_memory(rules->vocabulary->ctx);
}

static LigStatus push_wrap(LigJsonRules *rules, json_int_t id)
{
    if (id < LIG_IMAGE_SEQUENCE || id >= (json_int_t)rules->vocabulary->token_count)
        return lig_json__bad(rules, "the post-processor", "ids of the vocabulary");
    if (LIG_VEC_PUSH(rules->vocabulary->arena, &rules->wrap, (int32_t)id)) return LIG_OK;
    return lig_no_memory(rules->vocabulary->ctx);
}

static LigStatus push_special(LigJsonRules *rules, const json_t *specials, LigStr name)
{
    const json_t *special = name.data ? json_object_get(specials, name.data) : NULL;
    const json_t *ids = json_object_get(special, "ids");
    if (!json_is_array(ids))
        return lig_json__bad(rules, "TemplateProcessing", "ids for every special token of its template");
    size_t index;
    json_t *id;
    json_array_foreach(ids, index, id)
    {
        if (!json_is_integer(id) || json_integer_value(id) < 0)
            return lig_json__bad(rules, "TemplateProcessing", "ids that are numbers");
        LIG_TRY(push_wrap(rules, json_integer_value(id)));
    }
    return LIG_OK;
}

static LigStatus read_template(LigJsonRules *rules, const json_t *json)
{
    const json_t *single = json_object_get(json, "single");
    const json_t *specials = json_object_get(json, "special_tokens");
    if (!json_is_array(single)) return lig_json__bad(rules, "TemplateProcessing", "a list 'single'");
    size_t index;
    json_t *item;
    json_array_foreach(single, index, item)
    {
        const json_t *special = json_object_get(item, "SpecialToken");
        if (special)
            LIG_TRY(push_special(rules, specials, lig_json_text(json_object_get(special, "id"))));
        else if (json_object_get(item, "Sequence"))
            LIG_TRY(push_wrap(rules, LIG_IMAGE_SEQUENCE));
        else
            return lig_json__bad(rules, "TemplateProcessing", "entries SpecialToken or Sequence");
    }
    return LIG_OK;
}

// <cls> text <sep>, each given as [text, id].
static LigStatus read_cls_sep(LigJsonRules *rules, const json_t *json)
{
    const json_t *cls = json_array_get(json_object_get(json, "cls"), 1);
    const json_t *sep = json_array_get(json_object_get(json, "sep"), 1);
    if (!json_is_integer(cls) || !json_is_integer(sep) || json_integer_value(cls) < 0 ||
        json_integer_value(sep) < 0)
        return lig_json__bad(rules, "BertProcessing or RobertaProcessing", "'cls' and 'sep' with ids");
    LIG_TRY(push_wrap(rules, json_integer_value(cls)));
    LIG_TRY(push_wrap(rules, LIG_IMAGE_SEQUENCE));
    return push_wrap(rules, json_integer_value(sep));
}

static LigStatus read_post_processor(LigJsonRules *rules, const json_t *json, int depth)
{
    LigStr type = lig_json_type(json);
    if (lig_str_is(type, "Sequence"))
        return lig_json__read_list(rules, json_object_get(json, "processors"), depth, read_post_processor);
    if (lig_str_is(type, "ByteLevel")) return LIG_OK; // it moves offsets only
    if (rules->wrap.count > 0)
        return lig_json__unsupported(rules, "post-processor after another", type, "one that adds tokens");
    if (lig_str_is(type, "TemplateProcessing")) return read_template(rules, json);
    if (lig_str_is(type, "RobertaProcessing") || lig_str_is(type, "BertProcessing"))
        return read_cls_sep(rules, json);
    return lig_json__unsupported(rules, "post-processor", type,
                                 "ByteLevel, TemplateProcessing, BertProcessing, RobertaProcessing, Sequence");
}

LigStatus lig_json_read_post_processor(LigJsonRules *rules, const json_t *json)
{
    return !json || json_is_null(json) ? LIG_OK : read_post_processor(rules, json, 0);
}

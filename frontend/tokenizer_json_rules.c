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

static LigStatus unsupported(const LigJsonRules *rules, const char *what, LigStr type, const char *supported)
{
    return lig_fail(rules->vocabulary->ctx, LIG_ERR_UNSUPPORTED, LIG_FILE_LOC(rules->vocabulary->path),
                    "tokenizer: the %s '%.*s' is not supported; supported: %s", what, LIG_STR_ARG(type),
                    supported);
}

static LigStatus bad(const LigJsonRules *rules, const char *what, const char *expected)
{
    return lig_fail(rules->vocabulary->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(rules->vocabulary->path),
                    "tokenizer: %s: expected %s", what, expected);
}

typedef LigStatus (*ReadFn)(LigJsonRules *rules, const json_t *json, int depth);

static LigStatus read_list(LigJsonRules *rules, const json_t *list, int depth, ReadFn read)
{
    if (!json_is_array(list) || depth >= MAX_NESTING)
        return bad(rules, "a Sequence", "a list of components, at most 4 deep");
    size_t index;
    json_t *item;
    json_array_foreach(list, index, item) LIG_TRY(read(rules, item, depth + 1));
    return LIG_OK;
}

static LigStatus read_normaliser(LigJsonRules *rules, const json_t *json, int depth)
{
    static const char *const names[] = {
        [LIG_NORMALISE_NFC] = "NFC",
        [LIG_NORMALISE_NFD] = "NFD",
        [LIG_NORMALISE_NFKC] = "NFKC",
        [LIG_NORMALISE_NFKD] = "NFKD",
    };
    LigStr type = lig_json_type(json);
    if (lig_str_is(type, "Sequence"))
        return read_list(rules, json_object_get(json, "normalizers"), depth, read_normaliser);
    for (uint32_t kind = LIG_NORMALISE_NFC; kind <= LIG_NORMALISE_NFKD; kind++) {
        if (!lig_str_is(type, names[kind])) continue;
        if (LIG_VEC_PUSH(rules->vocabulary->arena, &rules->normalisers, (LigRuleSpec){.kind = kind}))
            return LIG_OK;
        return lig_no_memory(rules->vocabulary->ctx);
    }
    return unsupported(rules, "normalizer", type, "NFC, NFD, NFKC, NFKD, Sequence");
}

static LigStatus push_split(LigJsonRules *rules, LigSplitKind kind, LigStr pattern)
{
    LigRuleSpec split = {(uint32_t)kind, pattern};
    if (pattern.data && LIG_VEC_PUSH(rules->vocabulary->arena, &rules->splits, split)) return LIG_OK;
    return lig_no_memory(rules->vocabulary->ctx);
}

static LigStatus read_byte_level(LigJsonRules *rules, const json_t *json)
{
    rules->is_byte_level = true;
    if (json_is_true(json_object_get(json, "add_prefix_space"))) {
        if (rules->splits.count > 0)
            return unsupported(rules, "pre-tokenizer", LIG_STR("ByteLevel with add_prefix_space after another"),
                               "add_prefix_space in the first one");
        rules->flags |= LIG_TEXT_PREFIX_SPACE;
    }
    const json_t *use_regex = json_object_get(json, "use_regex"); // absent in old files: true
    return json_is_false(use_regex) ? LIG_OK : push_split(rules, LIG_SPLIT_ISOLATE, lig_str(lig_pattern_gpt2));
}

static LigStatus read_digits(LigJsonRules *rules, const json_t *json)
{
    bool individual = json_is_true(json_object_get(json, "individual_digits"));
    return push_split(rules, LIG_SPLIT_ISOLATE, individual ? lig_str(lig_pattern_digit) : LIG_STR("\\p{N}+"));
}

static LigStatus read_split(LigJsonRules *rules, const json_t *json)
{
    LigStr behavior = lig_json_text(json_object_get(json, "behavior"));
    bool invert = json_is_true(json_object_get(json, "invert"));
    LigSplitKind kind;
    if (lig_str_is(behavior, "Isolated"))
        kind = LIG_SPLIT_ISOLATE;
    else if (lig_str_is(behavior, "Removed"))
        kind = invert ? LIG_SPLIT_KEEP : LIG_SPLIT_REMOVE;
    else
        return unsupported(rules, "behavior of Split", behavior, "Isolated, Removed");
    const json_t *pattern = json_object_get(json, "pattern");
    const json_t *regex = json_object_get(pattern, "Regex");
    const json_t *literal = json_object_get(pattern, "String");
    LigArena *arena = rules->vocabulary->arena;
    if (json_is_string(regex)) return push_split(rules, kind, lig_pattern_import(arena, lig_json_text(regex)));
    if (json_is_string(literal))
        return push_split(rules, kind, lig_pattern_quote(arena, lig_json_text(literal)));
    return bad(rules, "the pattern of a Split", "a Regex or a String");
}

static LigStatus read_pre_tokenizer(LigJsonRules *rules, const json_t *json, int depth)
{
    LigStr type = lig_json_type(json);
    if (lig_str_is(type, "Sequence"))
        return read_list(rules, json_object_get(json, "pretokenizers"), depth, read_pre_tokenizer);
    if (lig_str_is(type, "ByteLevel")) return read_byte_level(rules, json);
    // The byte-level alphabet is what a component after it would see; the image's patterns see the text.
    if (rules->is_byte_level)
        return unsupported(rules, "pre-tokenizer after ByteLevel", type, "ByteLevel as the last");
    if (lig_str_is(type, "Digits")) return read_digits(rules, json);
    if (lig_str_is(type, "Split")) return read_split(rules, json);
    return unsupported(rules, "pre-tokenizer", type, "ByteLevel, Digits, Split, Sequence");
}

static LigStatus push_wrap(LigJsonRules *rules, json_int_t id)
{
    if (id < LIG_IMAGE_SEQUENCE || id >= (json_int_t)rules->vocabulary->token_count)
        return bad(rules, "the post-processor", "ids of the vocabulary");
    if (LIG_VEC_PUSH(rules->vocabulary->arena, &rules->wrap, (int32_t)id)) return LIG_OK;
    return lig_no_memory(rules->vocabulary->ctx);
}

static LigStatus push_special(LigJsonRules *rules, const json_t *specials, LigStr name)
{
    const json_t *special = name.data ? json_object_get(specials, name.data) : NULL;
    const json_t *ids = json_object_get(special, "ids");
    if (!json_is_array(ids))
        return bad(rules, "TemplateProcessing", "ids for every special token of its template");
    size_t index;
    json_t *id;
    json_array_foreach(ids, index, id)
    {
        if (!json_is_integer(id) || json_integer_value(id) < 0)
            return bad(rules, "TemplateProcessing", "ids that are numbers");
        LIG_TRY(push_wrap(rules, json_integer_value(id)));
    }
    return LIG_OK;
}

static LigStatus read_template(LigJsonRules *rules, const json_t *json)
{
    const json_t *single = json_object_get(json, "single");
    const json_t *specials = json_object_get(json, "special_tokens");
    if (!json_is_array(single)) return bad(rules, "TemplateProcessing", "a list 'single'");
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
            return bad(rules, "TemplateProcessing", "entries SpecialToken or Sequence");
    }
    return LIG_OK;
}

// <cls> text <sep>, each given as [text, id].
static LigStatus read_roberta(LigJsonRules *rules, const json_t *json)
{
    const json_t *cls = json_array_get(json_object_get(json, "cls"), 1);
    const json_t *sep = json_array_get(json_object_get(json, "sep"), 1);
    if (!json_is_integer(cls) || !json_is_integer(sep))
        return bad(rules, "RobertaProcessing", "'cls' and 'sep' with ids");
    LIG_TRY(push_wrap(rules, json_integer_value(cls)));
    LIG_TRY(push_wrap(rules, LIG_IMAGE_SEQUENCE));
    return push_wrap(rules, json_integer_value(sep));
}

static LigStatus read_post_processor(LigJsonRules *rules, const json_t *json, int depth)
{
    LigStr type = lig_json_type(json);
    if (lig_str_is(type, "Sequence"))
        return read_list(rules, json_object_get(json, "processors"), depth, read_post_processor);
    if (lig_str_is(type, "ByteLevel")) return LIG_OK; // it moves offsets only
    if (rules->wrap.count > 0)
        return unsupported(rules, "post-processor after another", type, "one that adds tokens");
    if (lig_str_is(type, "TemplateProcessing")) return read_template(rules, json);
    if (lig_str_is(type, "RobertaProcessing")) return read_roberta(rules, json);
    return unsupported(rules, "post-processor", type,
                       "ByteLevel, TemplateProcessing, RobertaProcessing, Sequence");
}

static LigStatus read_decoder(LigJsonRules *rules, const json_t *json, int depth)
{
    LigStr type = lig_json_type(json);
    if (lig_str_is(type, "Sequence"))
        return read_list(rules, json_object_get(json, "decoders"), depth, read_decoder);
    return lig_str_is(type, "ByteLevel") ? LIG_OK : unsupported(rules, "decoder", type, "ByteLevel");
}

static bool is_absent(const json_t *json) { return !json || json_is_null(json); }

LigStatus lig_json_read_normaliser(LigJsonRules *rules, const json_t *json)
{
    return is_absent(json) ? LIG_OK : read_normaliser(rules, json, 0);
}

LigStatus lig_json_read_pre_tokenizer(LigJsonRules *rules, const json_t *json)
{
    return is_absent(json) ? LIG_OK : read_pre_tokenizer(rules, json, 0);
}

LigStatus lig_json_read_post_processor(LigJsonRules *rules, const json_t *json)
{
    return is_absent(json) ? LIG_OK : read_post_processor(rules, json, 0);
}

LigStatus lig_json_read_decoder(LigJsonRules *rules, const json_t *json)
{
    return is_absent(json) ? LIG_OK : read_decoder(rules, json, 0);
}

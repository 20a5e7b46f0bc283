#include "frontend/tokenizer_json.h"

#include "frontend/tokenizer_json_rules.h"

typedef struct Reading {
    LigContext *ctx;
    const char *path;
    const json_t *root;
    LigVocabulary vocabulary;
    LigJsonRules rules;
} Reading;

static LigStatus bad(const Reading *r, const char *what, const char *expected)
{
    return lig_fail(r->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(r->path), "tokenizer: %s: expected %s", what,
                    expected);
}

static LigStatus unsupported(const Reading *r, const char *what)
{
    return lig_fail(r->ctx, LIG_ERR_UNSUPPORTED, LIG_FILE_LOC(r->path),
                    "tokenizer: %s is not supported; supported is BPE over bytes", what);
}

// The largest id of the vocabulary and the added tokens, so that a table can hold them all.
static LigStatus count_tokens(Reading *r, const json_t *vocab, const json_t *added, size_t *out)
{
    json_int_t largest = -1;
    const char *spelling;
    json_t *id;
    json_object_foreach((json_t *)vocab, spelling, id)
    {
        if (!json_is_integer(id) || json_integer_value(id) < 0)
            return bad(r, "model.vocab", "ids that are numbers");
        if (json_integer_value(id) > largest) largest = json_integer_value(id);
    }
    size_t index;
    json_t *token;
    json_array_foreach(added, index, token)
    {
        id = json_object_get(token, "id");
        if (!json_is_integer(id) || json_integer_value(id) < 0) return bad(r, "added_tokens", "an id in each");
        if (json_integer_value(id) > largest) largest = json_integer_value(id);
    }
    if (largest >= LIG_MAX_TOKENS) return bad(r, "the vocabulary", "ids below 2^24");
    *out = (size_t)(largest + 1);
    return LIG_OK;
}

static LigStatus read_vocab(Reading *r, const json_t *vocab)
{
    for (void *at = json_object_iter((json_t *)vocab); at; at = json_object_iter_next((json_t *)vocab, at)) {
        LigStr spelling = {json_object_iter_key(at), json_object_iter_key_len(at)};
        int32_t id = (int32_t)json_integer_value(json_object_iter_value(at));
        LIG_TRY(lig_vocabulary_put(&r->vocabulary, id, spelling));
    }
    return LIG_OK;
}

static uint32_t flag(const json_t *token, const char *name, uint32_t value)
{
    return json_is_true(json_object_get(token, name)) ? value : 0;
}

static LigStatus read_added(Reading *r, const json_t *added)
{
    size_t index;
    json_t *token;
    json_array_foreach(added, index, token)
    {
        LigStr content = lig_json_text(json_object_get(token, "content"));
        if (content.length == 0) return bad(r, "added_tokens", "a 'content' in each");
        LigAddedSpec spec = {
            .id = (int32_t)json_integer_value(json_object_get(token, "id")),
            .flags = flag(token, "special", LIG_ADDED_SPECIAL) | flag(token, "lstrip", LIG_ADDED_LSTRIP) |
                     flag(token, "rstrip", LIG_ADDED_RSTRIP) |
                     flag(token, "single_word", LIG_ADDED_SINGLE_WORD) |
                     flag(token, "normalized", LIG_ADDED_NORMALIZED),
        };
        LIG_TRY(lig_vocabulary_add(&r->vocabulary, spec, content));
    }
    return LIG_OK;
}

static LigStatus read_merges(Reading *r, const json_t *merges)
{
    if (!json_is_array(merges)) return bad(r, "model.merges", "a list");
    size_t index;
    json_t *merge;
    json_array_foreach(merges, index, merge)
    {
        LigStr left = lig_json_text(json_array_get(merge, 0));
        LigStr right = lig_json_text(json_array_get(merge, 1));
        if (json_is_string(merge))
            LIG_TRY(lig_vocabulary_merge_line(&r->vocabulary, lig_json_text(merge)));
        else if (left.data && right.data)
            LIG_TRY(lig_vocabulary_merge(&r->vocabulary, left, right));
        else
            return bad(r, "model.merges", "\"a b\" or [\"a\", \"b\"] in each place");
    }
    return LIG_OK;
}

static LigStatus check_model(const Reading *r, const json_t *model)
{
    LigStr type = lig_json_type(model);
    if (!type.data && json_object_get(model, "merges")) type = LIG_STR("BPE"); // old files leave it out
    if (!lig_str_is(type, "BPE"))
        return lig_fail(r->ctx, LIG_ERR_UNSUPPORTED, LIG_FILE_LOC(r->path),
                        "tokenizer: the model '%.*s' is not supported; supported is BPE over bytes",
                        LIG_STR_ARG(type));
    if (json_real_value(json_object_get(model, "dropout")) > 0) return unsupported(r, "BPE with dropout");
    if (lig_json_text(json_object_get(model, "continuing_subword_prefix")).length > 0)
        return unsupported(r, "BPE with continuing_subword_prefix");
    if (lig_json_text(json_object_get(model, "end_of_word_suffix")).length > 0)
        return unsupported(r, "BPE with end_of_word_suffix");
    if (json_is_true(json_object_get(model, "byte_fallback"))) return unsupported(r, "BPE with byte_fallback");
    if (json_is_true(json_object_get(model, "fuse_unk")) && json_is_string(json_object_get(model, "unk_token")))
        return unsupported(r, "BPE with fuse_unk");
    if (!r->rules.is_byte_level) return unsupported(r, "BPE without the pre-tokenizer ByteLevel");
    return LIG_OK;
}

static LigStatus read_all(Reading *r)
{
    const json_t *model = json_object_get(r->root, "model");
    const json_t *vocab = json_object_get(model, "vocab");
    const json_t *added = json_object_get(r->root, "added_tokens");
    LIG_TRY(lig_json_read_normaliser(&r->rules, json_object_get(r->root, "normalizer")));
    LIG_TRY(lig_json_read_pre_tokenizer(&r->rules, json_object_get(r->root, "pre_tokenizer")));
    LIG_TRY(check_model(r, model));
    if (!json_is_object(vocab)) return bad(r, "model.vocab", "an object of tokens and ids");
    size_t count = 0;
    LIG_TRY(count_tokens(r, vocab, added, &count));
    LIG_TRY(lig_vocabulary_init(&r->vocabulary, count));
    LIG_TRY(read_vocab(r, vocab));
    LIG_TRY(read_merges(r, json_object_get(model, "merges")));
    LIG_TRY(read_added(r, added));
    LIG_TRY(lig_json_read_post_processor(&r->rules, json_object_get(r->root, "post_processor")));
    return lig_json_read_decoder(&r->rules, json_object_get(r->root, "decoder"));
}

static LigStatus find_named(const Reading *r, const char *what, LigStr text, int32_t *out)
{
    *out = text.length > 0 ? lig_vocabulary_find(&r->vocabulary, text) : LIG_TOKEN_NONE;
    if (text.length == 0 || *out != LIG_TOKEN_NONE) return LIG_OK;
    return lig_fail(r->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(r->path),
                    "tokenizer: the %s token '%.*s' is not in the vocabulary", what, LIG_STR_ARG(text));
}

static LigStatus build(Reading *r, const LigTokenizerExtras *extras, LigImageBytes *out)
{
    LIG_TRY(read_all(r));
    const json_t *model = json_object_get(r->root, "model");
    uint32_t whole_words = flag(model, "ignore_merges", LIG_TEXT_WHOLE_WORDS);
    LigTokenizerSpec spec = {
        .model = LIG_TEXT_BYTE_BPE,
        .flags = r->rules.flags | whole_words,
        .tokens = r->vocabulary.tokens,
        .token_count = r->vocabulary.token_count,
        .merges = r->vocabulary.merges.data,
        .merge_count = r->vocabulary.merges.count,
        .normalisers = r->rules.normalisers.data,
        .normaliser_count = r->rules.normalisers.count,
        .splits = r->rules.splits.data,
        .split_count = r->rules.splits.count,
        .added = r->vocabulary.added.data,
        .added_count = r->vocabulary.added.count,
        .wrap = r->rules.wrap.data,
        .wrap_count = r->rules.wrap.count,
        .end_ids = extras->end_ids,
        .end_count = extras->end_count,
        .chat_template = extras->chat_template,
    };
    LIG_TRY(find_named(r, "bos", extras->bos, &spec.bos));
    LIG_TRY(find_named(r, "eos", extras->eos, &spec.eos));
    LIG_TRY(find_named(r, "pad", extras->pad, &spec.pad));
    LIG_TRY(find_named(r, "unknown", lig_json_text(json_object_get(model, "unk_token")), &spec.unk));
    if (spec.end_count == 0 && spec.eos != LIG_TOKEN_NONE) {
        spec.end_ids = &spec.eos;
        spec.end_count = 1;
    }
    return lig_image_build(r->ctx, &spec, out);
}

static LigStatus parse(LigContext *ctx, const char *path, LigStr text, json_t **out)
{
    json_error_t error;
    *out = json_loadb(text.data ? text.data : "", text.length, JSON_ALLOW_NUL, &error);
    if (*out) return LIG_OK;
    if (json_error_code(&error) == json_error_out_of_memory) return lig_no_memory(ctx);
    LigLoc loc = {path, error.line > 0 ? (uint32_t)error.line : 0,
                  error.column > 0 ? (uint32_t)error.column : 0};
    return lig_fail(ctx, LIG_ERR_PARSE, loc, "tokenizer: not JSON: %s", error.text);
}

LigStatus lig_tokenizer_from_json(LigContext *ctx, const char *path, LigStr text,
                                  const LigTokenizerExtras *extras, LigImageBytes *out)
{
    *out = (LigImageBytes){0};
    json_t *root;
    LIG_TRY(parse(ctx, path, text, &root));
    Reading r = {.ctx = ctx, .path = path, .root = root};
    r.vocabulary = (LigVocabulary){.ctx = ctx, .arena = lig_arena_create(), .path = path};
    r.rules.vocabulary = &r.vocabulary;
    LigStatus status = r.vocabulary.arena ? build(&r, extras, out) : lig_no_memory(ctx);
    lig_arena_destroy(r.vocabulary.arena);
    json_decref(root);
    return status;
}

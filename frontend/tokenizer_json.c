#include "frontend/tokenizer_json.h"

#include "frontend/tokenizer_json_model.h"

typedef struct Reading {
    LigContext *ctx;
    const char *path;
    const json_t *root;
    LigVocabulary vocabulary;
    LigJsonRules rules;
    LigJsonModel model;
} Reading;

// A byte-level model's text is bytes, whatever decoder is given; any other needs a decoder of its own.
static LigStatus check_decoder(const Reading *r)
{
    const LigJsonRules *rules = &r->rules;
    if (rules->is_byte_level == rules->decodes_byte_level) return LIG_OK;
    const bool has_none = rules->decoders.count == 1 && rules->decoders.data[0].kind == LIG_DECODE_JOIN;
    if (rules->is_byte_level && has_none) return LIG_OK;
    return lig_json__unsupported(rules, "pre-tokenizer or decoder", LIG_STR("ByteLevel without the other"),
                                 "both or none");
}

static LigStatus read_all(Reading *r)
{
    LIG_TRY(lig_json_read_normaliser(&r->rules, json_object_get(r->root, "normalizer")));
    LIG_TRY(lig_json_read_pre_tokenizer(&r->rules, json_object_get(r->root, "pre_tokenizer")));
    LIG_TRY(lig_json_read_model(&r->rules, r->root, &r->model));
    LIG_TRY(lig_json_read_post_processor(&r->rules, json_object_get(r->root, "post_processor")));
    LIG_TRY(lig_json_read_decoder(&r->rules, json_object_get(r->root, "decoder")));
    LIG_TRY(check_decoder(r));
    if (r->rules.is_byte_level) r->rules.decoders.count = 0;
    return LIG_OK;
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
    LigTokenizerSpec spec = {
        .model = r->model.kind,
        .flags = r->model.flags,
        .subword_prefix = r->model.subword_prefix,
        .word_end = r->model.word_end,
        .max_word_chars = r->model.max_word_chars,
        .unmatched = r->vocabulary.unmatched,
        .scores = r->vocabulary.scores,
        .tokens = r->vocabulary.tokens,
        .token_count = r->vocabulary.token_count,
        .merges = r->vocabulary.merges.data,
        .merge_count = r->vocabulary.merges.count,
        .normalisers = r->rules.normalisers.data,
        .normaliser_count = r->rules.normalisers.count,
        .splits = r->rules.splits.data,
        .split_count = r->rules.splits.count,
        .decoders = r->rules.decoders.data,
        .decoder_count = r->rules.decoders.count,
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
    LIG_TRY(find_named(r, "unknown", r->model.unk, &spec.unk));
    if (r->model.unk_id != LIG_TOKEN_NONE) spec.unk = r->model.unk_id;
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

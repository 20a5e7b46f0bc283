#include "frontend/tokenizer_json_model.h"

static LigStatus no_support(const LigJsonRules *rules, const char *what)
{
    return lig_json__unsupported(rules, "setting", lig_str(what), "models without it");
}

static LigStatus grow_to(const LigJsonRules *rules, const json_t *id, json_int_t *largest)
{
    if (!json_is_integer(id) || json_integer_value(id) < 0 || json_integer_value(id) >= LIG_MAX_TOKENS)
        return lig_json__bad(rules, "the ids of tokens", "whole numbers from 0 to 2^24");
    if (json_integer_value(id) > *largest) *largest = json_integer_value(id);
    return LIG_OK;
}

// The largest id of the vocabulary and the added tokens, so that a table can hold them all.
static LigStatus count_tokens(const LigJsonRules *rules, const json_t *vocab, const json_t *added, size_t *out)
{
    json_int_t largest = (json_int_t)json_array_size(vocab) - 1;
    const char *spelling;
    json_t *id;
    json_object_foreach((json_t *)(uintptr_t)vocab, spelling, id) LIG_TRY(grow_to(rules, id, &largest));
    size_t index;
    json_t *token;
    json_array_foreach(added, index, token) LIG_TRY(grow_to(rules, json_object_get(token, "id"), &largest));
    *out = (size_t)(largest + 1);
    return LIG_OK;
}

static LigStatus read_vocab(LigJsonRules *rules, const json_t *vocab)
{
    json_t *table = (json_t *)(uintptr_t)vocab;
    for (void *at = json_object_iter(table); at; at = json_object_iter_next(table, at)) {
        LigStr spelling = {json_object_iter_key(at), json_object_iter_key_len(at)};
        int32_t id = (int32_t)json_integer_value(json_object_iter_value(at));
        LIG_TRY(lig_vocabulary_put(rules->vocabulary, id, spelling));
    }
    return LIG_OK;
}

// Unigram's: [token, log probability] by id.
static LigStatus read_scored_vocab(LigJsonRules *rules, const json_t *vocab)
{
    size_t index;
    json_t *entry;
    json_array_foreach(vocab, index, entry)
    {
        const json_t *score = json_array_get(entry, 1);
        const LigStr spelling = lig_json_text(json_array_get(entry, 0));
        if (!spelling.data || !json_is_number(score))
            return lig_json__bad(rules, "model.vocab", "[token, score] in each place");
        LIG_TRY(lig_vocabulary_put(rules->vocabulary, (int32_t)index, spelling));
        rules->vocabulary->scores[index] = json_number_value(score);
    }
    return LIG_OK;
}

static uint32_t flag(const json_t *token, const char *name, uint32_t value)
{
    return lig_json__flag(token, name) ? value : 0;
}

static LigStatus read_added(LigJsonRules *rules, const json_t *added)
{
    size_t index;
    json_t *token;
    json_array_foreach(added, index, token)
    {
        LigStr content = lig_json_text(json_object_get(token, "content"));
        if (content.length == 0) return lig_json__bad(rules, "added_tokens", "a 'content' in each");
        LigAddedSpec spec = {
            .id = (int32_t)json_integer_value(json_object_get(token, "id")),
            .flags = flag(token, "special", LIG_ADDED_SPECIAL) | flag(token, "lstrip", LIG_ADDED_LSTRIP) |
                     flag(token, "rstrip", LIG_ADDED_RSTRIP) |
                     flag(token, "single_word", LIG_ADDED_SINGLE_WORD) |
                     flag(token, "normalized", LIG_ADDED_NORMALIZED),
        };
        LIG_TRY(lig_vocabulary_add(rules->vocabulary, spec, content));
    }
    return LIG_OK;
}

static LigStatus read_merges(LigJsonRules *rules, const json_t *merges)
{
    if (!json_is_array(merges)) return lig_json__bad(rules, "model.merges", "a list");
    size_t index;
    json_t *merge;
    json_array_foreach(merges, index, merge)
    {
        LigStr left = lig_json_text(json_array_get(merge, 0));
        LigStr right = lig_json_text(json_array_get(merge, 1));
        if (json_is_string(merge))
            LIG_TRY(lig_vocabulary_merge_line(rules->vocabulary, lig_json_text(merge)));
        else if (left.data && right.data)
            LIG_TRY(lig_vocabulary_merge(rules->vocabulary, left, right));
        else
            return lig_json__bad(rules, "model.merges", "\"a b\" or [\"a\", \"b\"] in each place");
    }
    return LIG_OK;
}

static LigStatus read_bpe(LigJsonRules *rules, const json_t *json, LigJsonModel *model)
{
    model->kind = rules->is_byte_level ? LIG_TEXT_BYTE_BPE : LIG_TEXT_CHAR_BPE;
    if (json_number_value(json_object_get(json, "dropout")) > 0) return no_support(rules, "dropout");
    model->subword_prefix = lig_json_text(json_object_get(json, "continuing_subword_prefix"));
    model->word_end = lig_json_text(json_object_get(json, "end_of_word_suffix"));
    rules->vocabulary->joint = model->subword_prefix;
    model->flags =
        flag(json, "ignore_merges", LIG_TEXT_WHOLE_WORDS) | flag(json, "fuse_unk", LIG_TEXT_FUSE_UNK);
    if (!rules->is_byte_level) model->flags |= flag(json, "byte_fallback", LIG_TEXT_BYTE_FALLBACK);
    LIG_TRY(read_vocab(rules, json_object_get(json, "vocab")));
    return read_merges(rules, json_object_get(json, "merges"));
}

static LigStatus read_word_piece(LigJsonRules *rules, const json_t *json, LigJsonModel *model)
{
    const json_t *prefix = json_object_get(json, "continuing_subword_prefix");
    const json_t *most = json_object_get(json, "max_input_chars_per_word");
    model->kind = LIG_TEXT_WORD_PIECE;
    model->subword_prefix = prefix ? lig_json_text(prefix) : LIG_STR("##");
    if (most && (json_integer_value(most) < 1 || json_integer_value(most) > INT32_MAX))
        return lig_json__bad(rules, "max_input_chars_per_word", "a number from 1");
    model->max_word_chars = most ? (uint32_t)json_integer_value(most) : 100;
    return read_vocab(rules, json_object_get(json, "vocab"));
}

static LigStatus read_unigram(LigJsonRules *rules, const json_t *json, LigJsonModel *model)
{
    const json_t *unk = json_object_get(json, "unk_id");
    model->kind = LIG_TEXT_UNIGRAM;
    model->flags = LIG_TEXT_FUSE_UNK | flag(json, "byte_fallback", LIG_TEXT_BYTE_FALLBACK);
    if (json_is_integer(unk)) {
        if (json_integer_value(unk) < 0 || (size_t)json_integer_value(unk) >= rules->vocabulary->token_count)
            return lig_json__bad(rules, "unk_id", "an id of the vocabulary");
        model->unk_id = (int32_t)json_integer_value(unk);
    }
    return read_scored_vocab(rules, json_object_get(json, "vocab"));
}

static LigStatus read_word_level(LigJsonRules *rules, const json_t *json, LigJsonModel *model)
{
    model->kind = LIG_TEXT_WORD_LEVEL;
    return read_vocab(rules, json_object_get(json, "vocab"));
}

typedef struct ModelReader {
    const char *type;
    LigStatus (*read)(LigJsonRules *rules, const json_t *json, LigJsonModel *model);
    bool has_scores; // the vocabulary is a list, not an object
} ModelReader;

static const ModelReader readers[] = {
    {"BPE", read_bpe, false},
    {"Unigram", read_unigram, true},
    {"WordLevel", read_word_level, false},
    {"WordPiece", read_word_piece, false},
};

// Old files leave the type out.
static LigStr type_of(const json_t *model)
{
    const LigStr type = lig_json_type(model);
    if (type.data || !json_is_object(model)) return type;
    if (json_object_get(model, "merges")) return LIG_STR("BPE");
    if (json_object_get(model, "unk_id")) return LIG_STR("Unigram");
    return json_object_get(model, "continuing_subword_prefix") ? LIG_STR("WordPiece") : type;
}

static LigStatus find_reader(LigJsonRules *rules, const json_t *model, const ModelReader **out)
{
    const LigStr type = type_of(model);
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++) {
        if (!lig_str_is(type, readers[i].type)) continue;
        *out = &readers[i];
        if (rules->is_byte_level && i != 0)
            return lig_json__unsupported(rules, "model with the pre-tokenizer ByteLevel", type, "BPE");
        return LIG_OK;
    }
    return lig_json__unsupported(rules, "model", type, "BPE, Unigram, WordLevel, WordPiece");
}

LigStatus lig_json_read_model(LigJsonRules *rules, const json_t *root, LigJsonModel *out)
{
    const json_t *model = json_object_get(root, "model");
    const json_t *vocab = json_object_get(model, "vocab");
    const json_t *added = json_object_get(root, "added_tokens");
    const ModelReader *reader = NULL;
    *out = (LigJsonModel){.unk_id = LIG_TOKEN_NONE};
    LIG_TRY(find_reader(rules, model, &reader));
    if (reader->has_scores ? !json_is_array(vocab) : !json_is_object(vocab))
        return lig_json__bad(rules, "model.vocab",
                             reader->has_scores ? "a list of tokens and scores"
                                                : "an object of tokens and ids");
    size_t count = 0;
    LIG_TRY(count_tokens(rules, vocab, added, &count));
    LIG_TRY(lig_vocabulary_init(rules->vocabulary, count));
    rules->vocabulary->is_byte_level = rules->is_byte_level;
    LIG_TRY(reader->read(rules, model, out));
    out->unk = lig_json_text(json_object_get(model, "unk_token"));
    return read_added(rules, added);
}

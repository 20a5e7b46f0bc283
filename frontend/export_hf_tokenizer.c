// A GGUF's tokenizer as tokenizer.json, tokenizer_config.json and generation_config.json.
#include "frontend/export_parts.h"

#include "frontend/export_tokenizer.h"
#include "frontend/gguf.h"

#include <string.h>

// tokenizer.ggml.token_type
enum { TYPE_NORMAL = 1, TYPE_CONTROL = 3, TYPE_USER_DEFINED = 4, TYPE_UNUSED = 5 };

typedef struct Writer {
    const LigExportPlan *plan;
    LigContext *ctx;
    const LigGguf *gguf;
    const LigStr *tokens; // [count]
    const int32_t *types; // [count], or NULL
    size_t count;
    bool word_piece;
} Writer;

static LigStatus unsupported(const Writer *w, const char *key, LigStr value)
{
    return lig_fail(w->ctx, LIG_ERR_UNSUPPORTED, LIG_FILE_LOC(lig_gguf_path(w->gguf)),
                    "%s is '%.*s', which is not written as tokenizer.json: write a GGUF instead", key,
                    LIG_NAME_ARG(value));
}

static json_t *text_of(LigStr text) { return json_stringn(text.data ? text.data : "", text.length); }

static LigStatus get_text(const Writer *w, const char *key, LigStr *out)
{
    return lig_gguf_get_str(w->ctx, w->gguf, lig_str(key), out);
}

static int32_t type_of(const Writer *w, size_t id) { return w->types ? w->types[id] : TYPE_NORMAL; }
static bool is_added(int32_t type) { return type == TYPE_CONTROL || type == TYPE_USER_DEFINED; }

// ---- tokens ----

// GGUF marks where words begin, tokenizer.json where they go on.
static LigStr spelling(const Writer *w, size_t id)
{
    LigStr token = w->tokens[id];
    const LigStr mark = LIG_STR("\xe2\x96\x81");
    bool bracketed = lig_str_starts_with(token, LIG_STR("[")) && lig_str_ends_with(token, LIG_STR("]"));
    if (!w->word_piece || is_added(type_of(w, id)) || bracketed) return token;
    if (lig_str_starts_with(token, mark)) return lig_str_skip(token, mark.length);
    return lig_str_format(w->plan->arena, "##%.*s", LIG_STR_ARG(token));
}

static json_t *vocabulary(const Writer *w)
{
    json_t *vocab = json_object();
    for (size_t i = 0; vocab && i < w->count; i++) {
        if (type_of(w, i) == TYPE_UNUSED || (is_added(type_of(w, i)) && !w->word_piece)) continue;
        LigStr token = spelling(w, i);
        if (token.data &&
            json_object_setn_new(vocab, token.data, token.length, json_integer((json_int_t)i)) == 0)
            continue;
        json_decref(vocab);
        return NULL;
    }
    return vocab;
}

static json_t *added_tokens(const Writer *w)
{
    json_t *added = json_array();
    for (size_t i = 0; added && i < w->count; i++) {
        bool bracketed = w->word_piece && w->tokens[i].length > 1 && w->tokens[i].data[0] == '[' &&
                         (lig_str_is(w->tokens[i], "[UNK]") || lig_str_is(w->tokens[i], "[CLS]") ||
                          lig_str_is(w->tokens[i], "[SEP]") || lig_str_is(w->tokens[i], "[PAD]") ||
                          lig_str_is(w->tokens[i], "[MASK]"));
        if (!is_added(type_of(w, i)) && !bracketed) continue;
        bool special = bracketed || type_of(w, i) == TYPE_CONTROL;
        json_t *entry = json_pack("{s:I, s:o, s:b, s:b, s:b, s:b, s:b}", "id", (json_int_t)i, "content",
                                  text_of(w->tokens[i]), "single_word", 0, "lstrip", 0, "rstrip", 0,
                                  "normalized", 0, "special", special);
        if (entry && json_array_append_new(added, entry) == 0) continue;
        json_decref(added);
        return NULL;
    }
    return added;
}

static LigStatus read_merges(const Writer *w, json_t **out)
{
    const LigStr *merges = NULL;
    size_t count = 0;
    LIG_TRY(lig_gguf_get_strings(w->ctx, w->gguf, LIG_STR("tokenizer.ggml.merges"), &merges, &count));
    *out = json_array();
    for (size_t i = 0; *out && i < count; i++) {
        if (json_array_append_new(*out, text_of(merges[i])) == 0) continue;
        json_decref(*out);
        *out = NULL;
    }
    return *out ? LIG_OK : lig_no_memory(w->ctx);
}

// ---- byte-level BPE ----

static json_t *byte_level(bool cuts)
{
    return json_pack("{s:s, s:b, s:b, s:b}", "type", "ByteLevel", "add_prefix_space", 0, "trim_offsets", 1,
                     "use_regex", cuts);
}

static json_t *step_of(LigStr step)
{
    if (lig_str_is(step, "digits")) return json_pack("{s:s, s:b}", "type", "Digits", "individual_digits", 1);
    return json_pack("{s:s, s:{s:o}, s:s, s:b}", "type", "Split", "pattern", "Regex", text_of(step), "behavior",
                     "Isolated", "invert", 0);
}

static json_t *pre_tokenizer(const LigNamedSteps *named)
{
    json_t *steps = json_array();
    bool cuts = false;
    for (const char *step = named->steps; *step;) {
        const char *end = strchr(step, '\n');
        LigStr text = {step, (size_t)(end - step)};
        if (lig_str_is(text, "gpt2"))
            cuts = true;
        else
            json_array_append_new(steps, step_of(text));
        step = end + 1;
    }
    json_array_append_new(steps, byte_level(cuts));
    return json_pack("{s:s, s:o}", "type", "Sequence", "pretokenizers", steps);
}

// {"SpecialToken"} of an id, and its entry among the special tokens.
static json_t *template_piece(const Writer *w, int64_t id, json_t *specials)
{
    json_t *text = text_of(w->tokens[id]), *entry;
    entry = json_pack("{s:O, s:[I], s:[O]}", "id", text, "ids", (json_int_t)id, "tokens", text);
    json_object_setn_new(specials, w->tokens[id].data, w->tokens[id].length, entry);
    return json_pack("{s:{s:o, s:i}}", "SpecialToken", "id", text, "type_id", 0);
}

static json_t *sequence_piece(const char *id, int type)
{
    return json_pack("{s:{s:s, s:i}}", "Sequence", "id", id, "type_id", type);
}

static bool is_token(const Writer *w, int64_t id) { return id >= 0 && (uint64_t)id < w->count; }

// What stands before and after a text; null when nothing does. -1: none.
static json_t *post_processor(const Writer *w, int64_t before, int64_t after)
{
    if (!is_token(w, before) && !is_token(w, after)) return json_null();
    json_t *specials = json_object(), *single = json_array(), *pair = json_array();
    if (is_token(w, before)) {
        json_array_append_new(single, template_piece(w, before, specials));
        json_array_append_new(pair, template_piece(w, before, specials));
    }
    json_array_append_new(single, sequence_piece("A", 0));
    json_array_append_new(pair, sequence_piece("A", 0));
    if (is_token(w, after)) {
        json_array_append_new(single, template_piece(w, after, specials));
        json_array_append_new(pair, template_piece(w, after, specials));
    }
    json_array_append_new(pair, sequence_piece("B", 1));
    if (is_token(w, after)) json_array_append_new(pair, template_piece(w, after, specials));
    return json_pack("{s:s, s:o, s:o, s:o}", "type", "TemplateProcessing", "single", single, "pair", pair,
                     "special_tokens", specials);
}

static LigStatus get_wrap(const Writer *w, int64_t *before, int64_t *after)
{
    bool bos = w->word_piece, eos = w->word_piece;
    *before = *after = -1;
    LIG_TRY(lig_gguf_get_bool(w->ctx, w->gguf, LIG_STR("tokenizer.ggml.add_bos_token"), &bos));
    LIG_TRY(lig_gguf_get_bool(w->ctx, w->gguf, LIG_STR("tokenizer.ggml.add_eos_token"), &eos));
    if (bos) LIG_TRY(lig_gguf_get_i64(w->ctx, w->gguf, LIG_STR("tokenizer.ggml.bos_token_id"), before));
    if (eos) LIG_TRY(lig_gguf_get_i64(w->ctx, w->gguf, LIG_STR("tokenizer.ggml.eos_token_id"), after));
    if (w->word_piece && eos)
        LIG_TRY(lig_gguf_get_i64(w->ctx, w->gguf, LIG_STR("tokenizer.ggml.seperator_token_id"), after));
    return LIG_OK;
}

static LigStatus byte_bpe(const Writer *w, json_t **out)
{
    LigStr pre = LIG_STR("gpt-2");
    int64_t before, after;
    size_t row = 0;
    json_t *merges;
    LIG_TRY(get_text(w, "tokenizer.ggml.pre", &pre));
    while (lig_named_steps(row) && !lig_str_is(pre, lig_named_steps(row)->name)) row++;
    const LigNamedSteps *named = lig_named_steps(row);
    if (!named) return unsupported(w, "tokenizer.ggml.pre", pre);
    LIG_TRY(get_wrap(w, &before, &after));
    LIG_TRY(read_merges(w, &merges));
    json_t *normalizer = named->nfc ? json_pack("{s:s}", "type", "NFC") : json_null();
    json_t *model =
        json_pack("{s:s, s:n, s:n, s:n, s:n, s:b, s:b, s:b, s:o, s:o}", "type", "BPE", "dropout", "unk_token",
                  "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk", 0, "byte_fallback", 0,
                  "ignore_merges", named->ignores_merges, "vocab", vocabulary(w), "merges", merges);
    *out = json_pack("{s:s, s:n, s:n, s:o, s:o, s:o, s:o, s:o, s:o}", "version", "1.0", "truncation", "padding",
                     "added_tokens", added_tokens(w), "normalizer", normalizer, "pre_tokenizer",
                     pre_tokenizer(named), "post_processor", post_processor(w, before, after), "decoder",
                     byte_level(true), "model", model);
    return *out ? LIG_OK : lig_no_memory(w->ctx);
}

// ---- WordPiece of uncased BERT ----

static LigStatus word_piece(const Writer *w, json_t **out)
{
    int64_t before, after;
    LIG_TRY(get_wrap(w, &before, &after));
    json_t *normalizer = json_pack("{s:s, s:b, s:b, s:n, s:b}", "type", "BertNormalizer", "clean_text", 1,
                                   "handle_chinese_chars", 1, "strip_accents", "lowercase", 1);
    json_t *decoder = json_pack("{s:s, s:s, s:b}", "type", "WordPiece", "prefix", "##", "cleanup", 1);
    json_t *model =
        json_pack("{s:s, s:s, s:s, s:i, s:o}", "type", "WordPiece", "unk_token", "[UNK]",
                  "continuing_subword_prefix", "##", "max_input_chars_per_word", 100, "vocab", vocabulary(w));
    *out = json_pack("{s:s, s:n, s:n, s:o, s:o, s:{s:s}, s:o, s:o, s:o}", "version", "1.0", "truncation",
                     "padding", "added_tokens", added_tokens(w), "normalizer", normalizer, "pre_tokenizer",
                     "type", "BertPreTokenizer", "post_processor", post_processor(w, before, after), "decoder",
                     decoder, "model", model);
    return *out ? LIG_OK : lig_no_memory(w->ctx);
}

// ---- what stands beside ----

static LigStatus put_special(const Writer *w, json_t *config, const char *name, const char *key)
{
    int64_t id = -1;
    LIG_TRY(lig_gguf_get_i64(w->ctx, w->gguf, lig_str(key), &id));
    if (is_token(w, id) && json_object_set_new(config, name, text_of(w->tokens[id])) != 0)
        return lig_no_memory(w->ctx);
    return LIG_OK;
}

static LigStatus fill_beside(const Writer *w, json_t *config)
{
    LigStr template = {0};
    LIG_TRY(put_special(w, config, "bos_token", "tokenizer.ggml.bos_token_id"));
    LIG_TRY(put_special(w, config, "eos_token", "tokenizer.ggml.eos_token_id"));
    LIG_TRY(put_special(w, config, "pad_token", "tokenizer.ggml.padding_token_id"));
    LIG_TRY(get_text(w, "tokenizer.chat_template", &template));
    if (template.length && json_object_set_new(config, "chat_template", text_of(template)) != 0)
        return lig_no_memory(w->ctx);
    json_object_set_new(config, "clean_up_tokenization_spaces", json_false());
    json_object_set_new(config, "tokenizer_class", json_string("PreTrainedTokenizerFast"));
    return LIG_OK;
}

static LigStatus write_beside(const Writer *w, const char *folder)
{
    const char *path = lig_export__path(w->plan, folder, "tokenizer_config.json");
    json_t *config = json_object();
    LigStatus status = path && config ? fill_beside(w, config) : lig_no_memory(w->ctx);
    if (status == LIG_OK) return lig_export__json(w->ctx, path, config);
    json_decref(config);
    return status;
}

// The ids that end an answer: the end of the text, and that of a turn where there is one.
static LigStatus write_generation(const Writer *w, const char *folder)
{
    static const char *const keys[] = {"tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id",
                                       "tokenizer.ggml.eom_token_id"};
    const char *path = lig_export__path(w->plan, folder, "generation_config.json");
    json_t *ids = json_array();
    LigStatus status = path && ids ? LIG_OK : lig_no_memory(w->ctx);
    int64_t last = -1;
    for (size_t i = 0; status == LIG_OK && i < sizeof keys / sizeof *keys; i++) {
        int64_t id = -1;
        status = lig_gguf_get_i64(w->ctx, w->gguf, lig_str(keys[i]), &id);
        if (status != LIG_OK || !is_token(w, id) || id == last) continue;
        if (json_array_append_new(ids, json_integer(id)) != 0) status = lig_no_memory(w->ctx);
        last = id;
    }
    if (status == LIG_OK && json_array_size(ids) > 0)
        return lig_export__json(w->ctx, path, json_pack("{s:o}", "eos_token_id", ids));
    json_decref(ids);
    return status;
}

static LigStatus write_files(Writer *w, LigStr model, const char *folder)
{
    size_t types = 0;
    const LigGgufArrayRequest request = {w->plan->arena, LIG_STR("tokenizer.ggml.token_type")};
    const char *path = lig_export__path(w->plan, folder, "tokenizer.json");
    json_t *root = NULL;
    if (!path) return lig_no_memory(w->ctx);
    LIG_TRY(lig_gguf_get_strings(w->ctx, w->gguf, LIG_STR("tokenizer.ggml.tokens"), &w->tokens, &w->count));
    LIG_TRY(lig_gguf_get_i32_array(w->ctx, w->gguf, request, &w->types, &types));
    w->word_piece = lig_str_is(model, "bert");
    if (!w->word_piece && !lig_str_is(model, "gpt2")) return unsupported(w, "tokenizer.ggml.model", model);
    LIG_TRY(w->word_piece ? word_piece(w, &root) : byte_bpe(w, &root));
    LIG_TRY(lig_export__json(w->ctx, path, root));
    LIG_TRY(write_beside(w, folder));
    return write_generation(w, folder);
}

LigStatus lig_export__hf_tokenizer(const LigExportPlan *plan, const char *folder)
{
    Writer w = {
        .plan = plan, .ctx = lig_model_file_context(plan->file), .gguf = lig_model_file_gguf(plan->file)};
    LigStr model = LIG_STR("no_vocab");
    LIG_TRY(get_text(&w, "tokenizer.ggml.model", &model));
    if (lig_str_is(model, "no_vocab") || lig_str_is(model, "none")) return LIG_OK;
    return write_files(&w, model, folder);
}

// tokenizer.json as GGUF's metadata.
//
// GGUF has the tokens of all ids, the merges, and a name for the pre-tokenizer; the rest of a tokenizer is known by
// these. So a tokenizer.json is only written where it is one of those that the names stand for.
#include "frontend/export_tokenizer.h"

#include "frontend/json.h"
#include "runtime/text/image.h"

#include <string.h>

// tokenizer.ggml.token_type
enum {
    TYPE_NORMAL = 1,
    TYPE_UNKNOWN = 2,
    TYPE_CONTROL = 3,
    TYPE_USER_DEFINED = 4,
    TYPE_UNUSED = 5,
};

typedef struct Writer {
    LigContext *ctx;
    LigArena *arena;
    const char *path; // of tokenizer.json
    const json_t *root, *model;
    LigGgufMetadata *out;
    LigStr *tokens; // [count]
    int32_t *types; // [count]
    size_t count;
} Writer;

static LigStatus unsupported(const Writer *w, const char *what)
{
    return lig_fail(
        w->ctx, LIG_ERR_UNSUPPORTED, LIG_FILE_LOC(w->path),
        "%s, for which GGUF has no form: move tokenizer.json aside to write the model without a tokenizer",
        what);
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static bool is_type(const json_t *object, const char *type)
{
    return strcmp(text_of(object, "type"), type) == 0;
}

// ---- tokens ----

static LigStatus put_token(const Writer *w, const char *text, const json_t *id, int32_t type)
{
    json_int_t index = json_is_integer(id) ? json_integer_value(id) : -1;
    if (index < 0 || (size_t)index >= w->count) {
        return lig_fail(w->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(w->path),
                        "token '%.64s' has an id that is none of the model's %zu: this is not its tokenizer",
                        text, w->count);
    }
    w->tokens[index] = lig_str(text);
    w->types[index] = type;
    return LIG_OK;
}

// Ids that no token has still count: the rows of the embedding go by them.
static LigStatus fill_gaps(const Writer *w)
{
    for (size_t i = 0; i < w->count; i++) {
        if (w->tokens[i].data) continue;
        w->tokens[i] = lig_str_format(w->arena, "[PAD%zu]", i);
        w->types[i] = TYPE_UNUSED;
        if (!w->tokens[i].data) return lig_no_memory(w->ctx);
    }
    return LIG_OK;
}

static LigStatus collect_tokens(const Writer *w)
{
    const char *text;
    json_t *id;
    const json_t *entry;
    size_t index;
    json_object_foreach(json_object_get(w->model, "vocab"), text, id)
        LIG_TRY(put_token(w, text, id, TYPE_NORMAL));
    json_array_foreach(json_object_get(w->root, "added_tokens"), index, entry)
    {
        bool special = json_is_true(json_object_get(entry, "special"));
        LIG_TRY(put_token(w, text_of(entry, "content"), json_object_get(entry, "id"),
                          special ? TYPE_CONTROL : TYPE_USER_DEFINED));
    }
    return fill_gaps(w);
}

static void write_tokens(const Writer *w)
{
    lig_gguf_put_strs(w->out, "tokenizer.ggml.tokens", w->tokens, w->count);
    lig_gguf_put_i32s(w->out, "tokenizer.ggml.token_type", w->types, w->count);
}

static LigStatus write_merges(const Writer *w)
{
    const json_t *merges = json_object_get(w->model, "merges"), *merge;
    size_t count = json_array_size(merges), index;
    LigStr *lines = LIG_NEW_ARRAY(w->arena, LigStr, count);
    if (!lines) return lig_no_memory(w->ctx);
    json_array_foreach((json_t *)(uintptr_t)merges, index, merge)
    {
        const char *line = json_string_value(merge);
        const char *left = json_string_value(json_array_get(merge, 0));
        const char *right = json_string_value(json_array_get(merge, 1));
        if (!line && (!left || !right)) return unsupported(w, "has a merge that is no pair of tokens");
        lines[index] = line ? lig_str(line) : lig_str_format(w->arena, "%s %s", left, right);
        if (!lines[index].data) return lig_no_memory(w->ctx);
    }
    lig_gguf_put_strs(w->out, "tokenizer.ggml.merges", lines, count);
    return LIG_OK;
}

// ---- the pre-tokenizer's name ----

// A pre-tokenizer as one text: its steps, each ended by a line break.
static LigStatus describe_step(const Writer *w, const json_t *step, LigText *out)
{
    const json_t *steps = json_object_get(step, "pretokenizers"), *each;
    size_t index;
    if (is_type(step, "Sequence")) {
        json_array_foreach((json_t *)(uintptr_t)steps, index, each) LIG_TRY(describe_step(w, each, out));
        return LIG_OK;
    }
    if (is_type(step, "Digits") && json_is_true(json_object_get(step, "individual_digits"))) {
        lig_text_append(out, LIG_STR("digits\n"));
    } else if (is_type(step, "ByteLevel")) {
        // Where it is absent, words are cut by GPT-2's pattern.
        bool cuts = !json_is_false(json_object_get(step, "use_regex"));
        if (json_is_true(json_object_get(step, "add_prefix_space")))
            return unsupported(w, "its ByteLevel adds a space before the text");
        lig_text_append(out, lig_str(cuts ? "gpt2\n" : ""));
    } else if (is_type(step, "Split") && strcmp(text_of(step, "behavior"), "Isolated") == 0) {
        lig_text_printf(out, "%s\n", text_of(json_object_get(step, "pattern"), "Regex"));
    } else {
        return unsupported(w, "its pre-tokenizer has a step that is not Split, Digits or ByteLevel");
    }
    return LIG_OK;
}

#define LLAMA3(digits)                                                                                         \
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" digits                                       \
    "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+\n"

static const LigNamedSteps named_steps[] = {
    {"gpt-2", "gpt2\n", false, false},
    {"smollm", "digits\ngpt2\n", false, false},
    {"starcoder", "digits\ngpt2\n", false, false},
    {"llama-bpe", LLAMA3("\\p{N}{1,3}"), false, true},
    {"qwen2", LLAMA3("\\p{N}"), true, false},
};

const LigNamedSteps *lig_named_steps(size_t index)
{
    return index < sizeof named_steps / sizeof *named_steps ? &named_steps[index] : NULL;
}

static LigStatus find_name(const Writer *w, LigStr steps, const char **out)
{
    const json_t *normalizer = json_object_get(w->root, "normalizer");
    bool nfc = is_type(normalizer, "NFC"), plain = !normalizer || json_is_null(normalizer);
    bool ignores = json_is_true(json_object_get(w->model, "ignore_merges"));
    if (!nfc && !plain) return unsupported(w, "its normalizer is not NFC");
    for (size_t i = 0; lig_named_steps(i); i++) {
        const LigNamedSteps *row = lig_named_steps(i);
        if (!lig_str_is(steps, row->steps) || row->nfc != nfc || row->ignores_merges != ignores) continue;
        *out = row->name;
        return LIG_OK;
    }
    return unsupported(w, "its pre-tokenizer is none of gpt-2, smollm, starcoder, llama-bpe and qwen2");
}

static LigStatus write_pre(const Writer *w)
{
    LigText steps = {0};
    const char *name = NULL;
    LigStatus status = describe_step(w, json_object_get(w->root, "pre_tokenizer"), &steps);
    if (status == LIG_OK && steps.failed) status = lig_no_memory(w->ctx);
    if (status == LIG_OK) status = find_name(w, lig_text_view(&steps), &name);
    lig_text_free(&steps);
    if (status == LIG_OK) lig_gguf_put_str(w->out, "tokenizer.ggml.pre", lig_str(name));
    return status;
}

// ---- special tokens ----

static void put_id(const Writer *w, const char *key, int32_t id)
{
    if (id >= 0 && (size_t)id < w->count) lig_gguf_put_u32(w->out, key, (uint32_t)id);
}

static int32_t find_token(const Writer *w, const char *text)
{
    for (size_t i = 0; i < w->count; i++) {
        if (lig_str_is(w->tokens[i], text)) return (int32_t)i;
    }
    return LIG_TOKEN_NONE;
}

// What the image, made of tokenizer.json and its neighbours, says.
static LigStatus write_specials(const Writer *w, LigStr bytes)
{
    LigImage image;
    LIG_TRY(lig_image_open(w->ctx, bytes.data, bytes.length, &image));
    put_id(w, "tokenizer.ggml.bos_token_id", image.info->bos);
    put_id(w, "tokenizer.ggml.eos_token_id", image.info->eos);
    put_id(w, "tokenizer.ggml.padding_token_id", image.info->pad);
    for (size_t i = 0; i < image.end_count; i++) {
        if (image.end_ids[i] == image.info->eos) continue;
        put_id(w, "tokenizer.ggml.eot_token_id", image.end_ids[i]);
        break;
    }
    bool before = image.wrap_count > 0 && image.wrap[0] == image.info->bos;
    bool after = image.wrap_count > 0 && image.wrap[image.wrap_count - 1] == image.info->eos;
    lig_gguf_put_bool(w->out, "tokenizer.ggml.add_bos_token", before && image.info->bos >= 0);
    lig_gguf_put_bool(w->out, "tokenizer.ggml.add_eos_token", after && image.info->eos >= 0);
    lig_gguf_put_bool(w->out, "tokenizer.ggml.add_space_prefix", false);
    if (image.chat_template.length) lig_gguf_put_str(w->out, "tokenizer.chat_template", image.chat_template);
    return LIG_OK;
}

// ---- the two kinds ----

static LigStatus write_bpe(const Writer *w, LigStr image)
{
    if (json_is_true(json_object_get(w->model, "byte_fallback")))
        return unsupported(w, "its BPE is over characters with byte fallback, and brings no scores");
    lig_gguf_put_str(w->out, "tokenizer.ggml.model", LIG_STR("gpt2"));
    LIG_TRY(write_pre(w));
    LIG_TRY(collect_tokens(w));
    write_tokens(w);
    LIG_TRY(write_merges(w));
    return write_specials(w, image);
}

// GGUF marks where words begin; tokenizer.json where they go on.
static LigStatus mark_words(const Writer *w)
{
    for (size_t i = 0; i < w->count; i++) {
        LigStr token = w->tokens[i];
        bool bracketed = lig_str_starts_with(token, LIG_STR("[")) && lig_str_ends_with(token, LIG_STR("]"));
        if (w->types[i] != TYPE_NORMAL || bracketed) continue;
        if (lig_str_starts_with(token, LIG_STR("##")))
            w->tokens[i] = lig_str_skip(token, 2);
        else
            w->tokens[i] = lig_str_format(w->arena, "\xe2\x96\x81%.*s", LIG_STR_ARG(token));
        if (!w->tokens[i].data) return lig_no_memory(w->ctx);
    }
    return LIG_OK;
}

static LigStatus write_word_piece(const Writer *w)
{
    static const struct {
        const char *token, *key;
    } specials[] = {
        {"[CLS]", "tokenizer.ggml.bos_token_id"},       {"[SEP]", "tokenizer.ggml.eos_token_id"},
        {"[SEP]", "tokenizer.ggml.seperator_token_id"}, {"[UNK]", "tokenizer.ggml.unknown_token_id"},
        {"[PAD]", "tokenizer.ggml.padding_token_id"},   {"[MASK]", "tokenizer.ggml.mask_token_id"},
        {"[CLS]", "tokenizer.ggml.cls_token_id"}};
    const json_t *normalizer = json_object_get(w->root, "normalizer");
    bool bert = is_type(normalizer, "BertNormalizer") &&
                is_type(json_object_get(w->root, "pre_tokenizer"), "BertPreTokenizer");
    if (!bert || !json_is_true(json_object_get(normalizer, "lowercase")) ||
        json_is_false(json_object_get(normalizer, "strip_accents")))
        return unsupported(w, "its WordPiece is not that of uncased BERT");
    lig_gguf_put_str(w->out, "tokenizer.ggml.model", LIG_STR("bert"));
    LIG_TRY(collect_tokens(w));
    for (size_t i = 0; i < sizeof specials / sizeof *specials; i++)
        put_id(w, specials[i].key, find_token(w, specials[i].token));
    LIG_TRY(mark_words(w));
    write_tokens(w);
    return LIG_OK;
}

static LigStatus write_kind(Writer *w, LigStr image)
{
    w->model = json_object_get(w->root, "model");
    w->tokens = LIG_NEW_ARRAY(w->arena, LigStr, w->count);
    w->types = LIG_NEW_ARRAY(w->arena, int32_t, w->count);
    if (!w->tokens || !w->types) return lig_no_memory(w->ctx);
    if (is_type(w->model, "BPE")) return write_bpe(w, image);
    if (is_type(w->model, "WordPiece")) return write_word_piece(w);
    return unsupported(w, "its model is neither BPE nor WordPiece");
}

LigStatus lig_export_gguf_tokenizer(const LigExportPlan *plan, LigGgufMetadata *out)
{
    LigContext *ctx = lig_model_file_context(plan->file);
    LigStr path = lig_str_format(plan->arena, "%s/tokenizer.json", lig_model_file_path(plan->file));
    if (!path.data) return lig_no_memory(ctx);
    if (!lig_path_exists(path.data)) {
        lig_gguf_put_str(out, "tokenizer.ggml.model", LIG_STR("no_vocab"));
        return LIG_OK;
    }
    json_t *root;
    LIG_TRY(lig_json_read_file(ctx, path.data, &root));
    Writer w = {.ctx = ctx,
                .arena = plan->arena,
                .path = path.data,
                .root = root,
                .out = out,
                .count = (size_t)lig_model_file_spec(plan->file)->vocab};
    LigStatus status = write_kind(&w, lig_model_file_tokenizer(plan->file));
    json_decref(root);
    return status;
}

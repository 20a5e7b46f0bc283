// The tokenizer of a Hugging Face directory.
#include "frontend/import.h"

#include "frontend/json.h"
#include "frontend/tokenizer_json.h"
#include "frontend/tokenizer_model_file.h"

static LigStr file_in(LigArena *arena, const char *directory, const char *name)
{
    return lig_str_format(arena, "%s/%s", directory, name);
}

// A file's JSON when the file is there; NULL when it is not.
static LigStatus read_optional(LigContext *ctx, LigArena *arena, const char *directory, const char *name,
                               json_t **out)
{
    *out = NULL;
    LigStr path = file_in(arena, directory, name);
    if (!path.data) return lig_no_memory(ctx);
    return lig_path_exists(path.data) ? lig_json_read_file(ctx, path.data, out) : LIG_OK;
}

// A special token is a string, or an object whose "content" is one.
static LigStr token_text(const json_t *config, const char *key)
{
    const json_t *token = json_object_get(config, key);
    if (json_is_object(token)) token = json_object_get(token, "content");
    return json_is_string(token) ? (LigStr){json_string_value(token), json_string_length(token)} : (LigStr){0};
}

// The chat template of tokenizer_config.json: a string, or a list of named ones of which "default" counts.
static LigStr template_text(const json_t *config)
{
    const json_t *template = json_object_get(config, "chat_template");
    size_t index;
    const json_t *entry;
    json_array_foreach((json_t *)(uintptr_t)template, index, entry)
    {
        if (lig_str_is(token_text(entry, "name"), "default")) return token_text(entry, "template");
    }
    return token_text(config, "chat_template");
}

// generation_config.json's eos_token_id: one id, or several.
static LigStatus read_end_ids(LigContext *ctx, LigArena *arena, const json_t *generation,
                              LigTokenizerExtras *extras)
{
    const json_t *ids = json_object_get(generation, "eos_token_id");
    size_t count = json_is_array(ids) ? json_array_size(ids) : json_is_integer(ids) ? 1 : 0;
    int32_t *out = LIG_NEW_ARRAY(arena, int32_t, count);
    if (!out) return lig_no_memory(ctx);
    for (size_t i = 0; i < count; i++) {
        json_int_t id = json_integer_value(json_is_array(ids) ? json_array_get(ids, i) : ids);
        if (id < 0 || id > INT32_MAX) {
            return lig_fail(ctx, LIG_ERR_INVALID, LIG_FILE_LOC("generation_config.json"),
                            "eos_token_id %lld is no token id", (long long)id);
        }
        out[i] = (int32_t)id;
    }
    extras->end_ids = out;
    extras->end_count = count;
    return LIG_OK;
}

// The files that say what stands beside tokenizer.json; kept open while their texts are in use.
typedef struct Beside {
    json_t *config, *generation;
    LigMappedFile *template;
} Beside;

static LigStatus open_beside(LigContext *ctx, LigArena *arena, const char *directory, Beside *beside,
                             LigTokenizerExtras *extras)
{
    LIG_TRY(read_optional(ctx, arena, directory, "tokenizer_config.json", &beside->config));
    LIG_TRY(read_optional(ctx, arena, directory, "generation_config.json", &beside->generation));
    extras->bos = token_text(beside->config, "bos_token");
    extras->eos = token_text(beside->config, "eos_token");
    extras->pad = token_text(beside->config, "pad_token");
    extras->chat_template = template_text(beside->config);
    LigStr path = file_in(arena, directory, "chat_template.jinja"); // newer directories: a file of its own
    if (!path.data) return lig_no_memory(ctx);
    if (lig_path_exists(path.data)) {
        LIG_TRY(lig_file_map(ctx, path.data, &beside->template));
        extras->chat_template = (LigStr){(const char *)beside->template->data, beside->template->size};
    }
    return read_end_ids(ctx, arena, beside->generation, extras);
}

// Whether the class of a tokenizer puts BOS before a text or EOS behind it, which a SentencePiece file does not
// tell. Some classes number tokens in a way of their own: their ids need a tokenizer.json.
static LigStatus read_class(LigContext *ctx, const char *path, const json_t *config, LigTokenizerExtras *extras)
{
    static const struct {
        const char *name;
        bool adds_bos, adds_eos, renumbers;
    } classes[] = {
        {"Llama", true, false, false},   {"CodeLlama", true, false, false}, {"Gemma", true, false, false},
        {"T5", false, true, false},      {"Pegasus", false, true, true},    {"XLMRoberta", true, true, true},
        {"Camembert", true, true, true}, {"MBart", true, true, true},       {"MBart50", true, true, true},
        {"Marian", false, true, true},   {"Nllb", false, true, true},
    };
    LigStr class = token_text(config, "tokenizer_class");
    const json_t *bos = json_object_get(config, "add_bos_token");
    const json_t *eos = json_object_get(config, "add_eos_token");
    if (lig_str_ends_with(class, LIG_STR("Fast"))) class.length -= 4;
    if (lig_str_ends_with(class, LIG_STR("Tokenizer"))) class.length -= 9;
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        if (!lig_str_is(class, classes[i].name)) continue;
        if (classes[i].renumbers)
            return lig_fail(
                ctx, LIG_ERR_UNSUPPORTED, LIG_FILE_LOC(path),
                "the tokenizer class %sTokenizer has other ids than this file: give the directory a "
                "tokenizer.json",
                classes[i].name);
        extras->adds_bos = classes[i].adds_bos;
        extras->adds_eos = classes[i].adds_eos;
    }
    if (json_is_boolean(bos)) extras->adds_bos = json_is_true(bos);
    if (json_is_boolean(eos)) extras->adds_eos = json_is_true(eos);
    return LIG_OK;
}

typedef struct Source {
    const char *path; // of the tokenizer's file
    bool is_json;     // tokenizer.json, else SentencePiece's
} Source;

static LigStatus read_source(LigContext *ctx, Source source, const json_t *config, LigTokenizerExtras *extras,
                             LigImageBytes *out)
{
    LigMappedFile *file;
    LIG_TRY(lig_file_map(ctx, source.path, &file));
    const LigStr bytes = {(const char *)file->data, file->size};
    LigStatus status = source.is_json ? LIG_OK : read_class(ctx, source.path, config, extras);
    if (status == LIG_OK)
        status = source.is_json ? lig_tokenizer_from_json(ctx, source.path, bytes, extras, out)
                                : lig_tokenizer_from_model_file(ctx, source.path, bytes, extras, out);
    lig_file_unmap(file);
    return status;
}

static LigStatus build_tokenizer(LigContext *ctx, const char *directory, Source source, LigArena *arena,
                                 LigImageBytes *out)
{
    Beside beside = {0};
    LigTokenizerExtras extras = {0};
    LigStatus status = open_beside(ctx, arena, directory, &beside, &extras);
    if (status == LIG_OK) status = read_source(ctx, source, beside.config, &extras, out);
    json_decref(beside.config);
    json_decref(beside.generation);
    lig_file_unmap(beside.template);
    return status;
}

// The first of the names that is there; path = NULL when none is.
static LigStatus find_source(LigContext *ctx, LigArena *arena, const char *directory, Source *out)
{
    static const char *const names[] = {"tokenizer.json", "tokenizer.model", "spiece.model"};
    *out = (Source){0};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const LigStr path = file_in(arena, directory, names[i]);
        if (!path.data) return lig_no_memory(ctx);
        if (!lig_path_exists(path.data)) continue;
        *out = (Source){.path = path.data, .is_json = i == 0};
        return LIG_OK;
    }
    return LIG_OK;
}

LigStatus lig_import_hf_tokenizer(LigContext *ctx, const char *directory, LigImageBytes *out)
{
    *out = (LigImageBytes){0};
    Source source;
    LigArena *arena = lig_arena_create();
    if (!arena) return lig_no_memory(ctx);
    LigStatus status = find_source(ctx, arena, directory, &source);
    if (status == LIG_OK && source.path) status = build_tokenizer(ctx, directory, source, arena, out);
    lig_arena_destroy(arena);
    return status;
}

#include "frontend/tokenizer_gguf.h"

#include "frontend/pretokenizer_patterns.h"
#include "frontend/tokenizer_vocabulary.h"

// The values of ggml.token_type that matter here.
enum {
    GGUF_TOKEN_CONTROL = 3,
    GGUF_TOKEN_USER_DEFINED = 4,
};

enum { MAX_END_IDS = 16 };

typedef struct EndIds {
    int32_t ids[MAX_END_IDS];
    size_t count;
} EndIds;

static LigStatus check_kind(LigContext *ctx, const LigGgufTokenizer *gguf)
{
    if (lig_str_is(gguf->model, "gpt2")) return LIG_OK;
    return lig_fail(ctx, LIG_ERR_UNSUPPORTED, LIG_FILE_LOC(gguf->path),
                    "tokenizer.ggml.model is '%.*s', supported is 'gpt2' (byte-level BPE)",
                    LIG_STR_ARG(gguf->model));
}

static LigStatus load_tokens(LigVocabulary *v, const LigGgufTokenizer *gguf)
{
    LIG_TRY(lig_vocabulary_init(v, gguf->token_count));
    if (!lig_map_reserve(v->arena, &v->ids, gguf->token_count)) return lig_no_memory(v->ctx);
    for (size_t i = 0; i < gguf->token_count; i++) {
        int32_t type = gguf->token_types ? gguf->token_types[i] : 0;
        uint32_t flags = type == GGUF_TOKEN_CONTROL ? LIG_ADDED_SPECIAL : 0;
        if (type == GGUF_TOKEN_CONTROL || type == GGUF_TOKEN_USER_DEFINED)
            LIG_TRY(lig_vocabulary_add(v, (LigAddedSpec){(int32_t)i, flags}, gguf->tokens[i]));
        else
            LIG_TRY(lig_vocabulary_put(v, (int32_t)i, gguf->tokens[i]));
    }
    for (size_t i = 0; i < gguf->merge_count; i++) LIG_TRY(lig_vocabulary_merge_line(v, gguf->merges[i]));
    return LIG_OK;
}

static void add_end(EndIds *ends, int32_t id)
{
    if (id == LIG_TOKEN_NONE || ends->count == MAX_END_IDS) return;
    for (size_t i = 0; i < ends->count; i++)
        if (ends->ids[i] == id) return;
    ends->ids[ends->count++] = id;
}

// The metadata names one end; chat models have more (of the turn, of the text), known by their names.
static EndIds collect_ends(const LigVocabulary *v, const LigGgufTokenizer *gguf)
{
    static const char *const names[] = {"<|im_end|>", "<|endoftext|>", "<|end_of_text|>", "<|eot_id|>",
                                        "<|eom_id|>", "<|end|>",       "<end_of_turn>",   "<|EOT|>",
                                        "<EOT>",      "<|eot|>"};
    EndIds ends = {0};
    add_end(&ends, gguf->eos);
    add_end(&ends, gguf->eot);
    add_end(&ends, gguf->eom);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int32_t id = lig_vocabulary_find(v, lig_str(names[i]));
        if (id != LIG_TOKEN_NONE && gguf->token_types && gguf->token_types[id] == GGUF_TOKEN_CONTROL)
            add_end(&ends, id);
    }
    return ends;
}

static LigStatus check_wrap(LigContext *ctx, const LigGgufTokenizer *gguf)
{
    if (gguf->add_bos && gguf->bos == LIG_TOKEN_NONE)
        return lig_fail(ctx, LIG_ERR_INVALID, LIG_FILE_LOC(gguf->path),
                        "tokenizer.ggml.add_bos_token is true, but there is no tokenizer.ggml.bos_token_id");
    if (gguf->add_eos && gguf->eos == LIG_TOKEN_NONE)
        return lig_fail(ctx, LIG_ERR_INVALID, LIG_FILE_LOC(gguf->path),
                        "tokenizer.ggml.add_eos_token is true, but there is no tokenizer.ggml.eos_token_id");
    return LIG_OK;
}

static LigStatus find_splits(LigContext *ctx, const LigGgufTokenizer *gguf, LigTokenizerSpec *spec)
{
    LigStr pre = gguf->pre.length > 0 ? gguf->pre : LIG_STR("gpt-2");
    if (lig_pattern_find_named(pre, &spec->splits, &spec->split_count, &spec->flags)) return LIG_OK;
    return lig_fail(ctx, LIG_ERR_UNSUPPORTED, LIG_FILE_LOC(gguf->path),
                    "tokenizer.ggml.pre is '%.*s', supported are %s", LIG_STR_ARG(pre), lig_pattern_names());
}

static LigStatus build(LigVocabulary *v, const LigGgufTokenizer *gguf, LigImageBytes *out)
{
    static const LigRuleSpec nfc = {.kind = LIG_NORMALISE_NFC};
    LigTokenizerSpec spec = {.model = LIG_TEXT_BYTE_BPE};
    LIG_TRY(find_splits(v->ctx, gguf, &spec));
    LIG_TRY(check_wrap(v->ctx, gguf));
    LIG_TRY(load_tokens(v, gguf));
    EndIds ends = collect_ends(v, gguf);
    int32_t wrap[3];
    size_t wrap_count = 0;
    if (gguf->add_bos) wrap[wrap_count++] = gguf->bos;
    wrap[wrap_count++] = LIG_IMAGE_SEQUENCE;
    if (gguf->add_eos) wrap[wrap_count++] = gguf->eos;
    if (gguf->add_space_prefix) spec.flags |= LIG_TEXT_PREFIX_SPACE;
    if (lig_str_is(gguf->pre, "qwen2")) {
        spec.normalisers = &nfc;
        spec.normaliser_count = 1;
    }
    spec.bos = gguf->bos;
    spec.eos = gguf->eos;
    spec.unk =
        LIG_TOKEN_NONE; // ggml names one for every model, but byte-level BPE leaves out what it can't write
    spec.pad = gguf->pad;
    spec.tokens = v->tokens;
    spec.token_count = v->token_count;
    spec.merges = v->merges.data;
    spec.merge_count = v->merges.count;
    spec.added = v->added.data;
    spec.added_count = v->added.count;
    spec.wrap = wrap;
    spec.wrap_count = wrap_count;
    spec.end_ids = ends.ids;
    spec.end_count = ends.count;
    spec.chat_template = gguf->chat_template;
    return lig_image_build(v->ctx, &spec, out);
}

LigStatus lig_tokenizer_from_gguf(LigContext *ctx, const LigGgufTokenizer *gguf, LigImageBytes *out)
{
    *out = (LigImageBytes){0};
    LIG_TRY(check_kind(ctx, gguf));
    LigVocabulary v = {.ctx = ctx, .arena = lig_arena_create(), .path = gguf->path};
    if (!v.arena) return lig_no_memory(ctx);
    LigStatus status = build(&v, gguf, out);
    lig_arena_destroy(v.arena);
    return status;
}

// The tokenizer of a GGUF.
#include "frontend/import.h"

#include "frontend/tokenizer_gguf.h"

static LigStatus get_id(LigContext *ctx, const LigGguf *gguf, const char *key, int32_t *out)
{
    int64_t id = LIG_TOKEN_NONE;
    LIG_TRY(lig_gguf_get_i64(ctx, gguf, lig_str(key), &id));
    if (id < LIG_TOKEN_NONE || id > INT32_MAX) {
        return lig_fail(ctx, LIG_ERR_INVALID, LIG_FILE_LOC(lig_gguf_path(gguf)),
                        "%s is %lld, which is no token id", key, (long long)id);
    }
    *out = (int32_t)id;
    return LIG_OK;
}

static LigStatus read_ids(LigContext *ctx, const LigGguf *gguf, LigGgufTokenizer *t)
{
    LIG_TRY(get_id(ctx, gguf, "tokenizer.ggml.bos_token_id", &t->bos));
    LIG_TRY(get_id(ctx, gguf, "tokenizer.ggml.eos_token_id", &t->eos));
    LIG_TRY(get_id(ctx, gguf, "tokenizer.ggml.unknown_token_id", &t->unk));
    LIG_TRY(get_id(ctx, gguf, "tokenizer.ggml.padding_token_id", &t->pad));
    LIG_TRY(get_id(ctx, gguf, "tokenizer.ggml.seperator_token_id", &t->sep)); // spelled so in files
    LIG_TRY(get_id(ctx, gguf, "tokenizer.ggml.eot_token_id", &t->eot));
    return get_id(ctx, gguf, "tokenizer.ggml.eom_token_id", &t->eom);
}

static LigStatus get_setting(LigContext *ctx, const LigGguf *gguf, const char *key, LigGgufSetting *out)
{
    bool value = false;
    *out = LIG_GGUF_UNSAID;
    if (!lig_gguf_find(gguf, lig_str(key))) return LIG_OK;
    LIG_TRY(lig_gguf_get_bool(ctx, gguf, lig_str(key), &value));
    *out = value ? LIG_GGUF_YES : LIG_GGUF_NO;
    return LIG_OK;
}

static LigStatus read_settings(LigContext *ctx, const LigGguf *gguf, LigGgufTokenizer *t)
{
    LIG_TRY(get_setting(ctx, gguf, "tokenizer.ggml.add_bos_token", &t->add_bos));
    LIG_TRY(get_setting(ctx, gguf, "tokenizer.ggml.add_eos_token", &t->add_eos));
    LIG_TRY(get_setting(ctx, gguf, "tokenizer.ggml.add_sep_token", &t->add_sep));
    LIG_TRY(get_setting(ctx, gguf, "tokenizer.ggml.add_space_prefix", &t->add_space_prefix));
    return get_setting(ctx, gguf, "tokenizer.ggml.remove_extra_whitespaces", &t->remove_extra_whitespaces);
}

// An array of bytes, as it lies in the file.
static LigStatus read_charsmap(LigContext *ctx, const LigGguf *gguf, LigStr *out)
{
    const LigGgufValue *value = lig_gguf_find(gguf, LIG_STR("tokenizer.ggml.precompiled_charsmap"));
    if (!value) return LIG_OK;
    if (!value->is_array || (value->kind != LIG_GGUF_U8 && value->kind != LIG_GGUF_I8))
        return lig_fail(ctx, LIG_ERR_INVALID, LIG_FILE_LOC(lig_gguf_path(gguf)),
                        "tokenizer.ggml.precompiled_charsmap is no array of bytes");
    *out = (LigStr){(const char *)value->data, value->count};
    return LIG_OK;
}

static LigStatus check_count(LigContext *ctx, const LigGguf *gguf, const char *key, size_t count, size_t tokens)
{
    if (count == tokens) return LIG_OK;
    return lig_fail(ctx, LIG_ERR_INVALID, LIG_FILE_LOC(lig_gguf_path(gguf)),
                    "%s has %zu entries, expected one for each of the %zu tokens", key, count, tokens);
}

static LigStatus read_vocabulary(LigContext *ctx, const LigGguf *gguf, LigArena *arena, LigGgufTokenizer *t)
{
    const LigGgufArrayRequest types = {arena, LIG_STR("tokenizer.ggml.token_type")};
    const LigGgufArrayRequest scores = {arena, LIG_STR("tokenizer.ggml.scores")};
    size_t type_count = 0;
    size_t score_count = 0;
    LIG_TRY(lig_gguf_get_strings(ctx, gguf, LIG_STR("tokenizer.ggml.tokens"), &t->tokens, &t->token_count));
    LIG_TRY(lig_gguf_get_strings(ctx, gguf, LIG_STR("tokenizer.ggml.merges"), &t->merges, &t->merge_count));
    LIG_TRY(lig_gguf_get_i32_array(ctx, gguf, types, &t->token_types, &type_count));
    LIG_TRY(lig_gguf_get_f32_array(ctx, gguf, scores, &t->scores, &score_count));
    if (t->token_types) LIG_TRY(check_count(ctx, gguf, types.key.data, type_count, t->token_count));
    return t->scores ? check_count(ctx, gguf, scores.key.data, score_count, t->token_count) : LIG_OK;
}

static LigStatus read_tokenizer(LigContext *ctx, const LigGguf *gguf, LigArena *arena, LigGgufTokenizer *t)
{
    *t = (LigGgufTokenizer){.path = lig_gguf_path(gguf)};
    LIG_TRY(lig_gguf_get_str(ctx, gguf, LIG_STR("tokenizer.ggml.model"), &t->model));
    LIG_TRY(lig_gguf_get_str(ctx, gguf, LIG_STR("tokenizer.ggml.pre"), &t->pre));
    LIG_TRY(lig_gguf_get_str(ctx, gguf, LIG_STR("tokenizer.chat_template"), &t->chat_template));
    LIG_TRY(read_vocabulary(ctx, gguf, arena, t));
    LIG_TRY(read_settings(ctx, gguf, t));
    LIG_TRY(read_charsmap(ctx, gguf, &t->charsmap));
    return read_ids(ctx, gguf, t);
}

LigStatus lig_import_gguf_tokenizer(LigContext *ctx, const LigGguf *gguf, LigImageBytes *out)
{
    *out = (LigImageBytes){0};
    LigStr model = LIG_STR("no_vocab");
    LIG_TRY(lig_gguf_get_str(ctx, gguf, LIG_STR("tokenizer.ggml.model"), &model));
    if (lig_str_is(model, "no_vocab") || lig_str_is(model, "none")) return LIG_OK;
    LigArena *arena = lig_arena_create();
    if (!arena) return lig_no_memory(ctx);
    LigGgufTokenizer tokenizer;
    LigStatus status = read_tokenizer(ctx, gguf, arena, &tokenizer);
    if (status == LIG_OK) status = lig_tokenizer_from_gguf(ctx, &tokenizer, out);
    lig_arena_destroy(arena);
    return status;
}

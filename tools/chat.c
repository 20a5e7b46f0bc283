// Messages go through the template as text, so what people wrote can't be told apart afterwards. Special tokens
// in it are therefore replaced by placeholders first, U+FDD0 number U+FDD1 (noncharacters: no text means
// anything by them), and put back when the template's own special tokens have been found.
#include "tools/chat.h"

#include <string.h>

#define PLACEHOLDER_OPEN LIG_STR("\xEF\xB7\x90")
#define PLACEHOLDER_CLOSE LIG_STR("\xEF\xB7\x91")

LigStatus lig_chat_open(LigContext *ctx, const LigTokenizer *tokenizer, LigChat *out)
{
    const LigImage *image = lig_tokenizer_image(tokenizer);
    if (image->chat_template.length == 0) {
        return lig_fail(ctx, LIG_ERR_NOT_FOUND, LIG_NOWHERE,
                        "the model brings no chat template: leave --chat out and give -p");
    }
    *out = (LigChat){.ctx = ctx, .tokenizer = tokenizer, .arena = lig_arena_create()};
    if (!out->arena || !lig_variant_new_list(out->arena, &out->messages)) return lig_no_memory(ctx);
    return lig_template_parse(ctx, NULL, image->chat_template, &out->layout);
}

void lig_chat_close(LigChat *chat)
{
    lig_template_destroy(chat->layout);
    lig_arena_destroy(chat->arena);
    *chat = (LigChat){0};
}

// The next special token in `text` from `from` on.
static bool find_special(const LigChat *chat, bool normalized, LigStr text, size_t from, LigAddedMatch *match)
{
    while (lig_tokenizer_find_added(chat->tokenizer, normalized, text, from, match)) {
        if (lig_tokenizer_is_special(chat->tokenizer, match->id)) return true;
        from = match->end;
    }
    return false;
}

static LigStatus protect(LigChat *chat, bool normalized, LigStr text, LigText *out)
{
    size_t from = 0;
    LigAddedMatch match;
    while (find_special(chat, normalized, text, from, &match)) {
        LigStr literal = lig_str_copy(chat->arena, (LigStr){text.data + match.begin, match.end - match.begin});
        if (!literal.data) return lig_no_memory(chat->ctx);
        if (!LIG_VEC_PUSH(chat->arena, &chat->literal, literal)) return lig_no_memory(chat->ctx);
        lig_text_append(out, (LigStr){text.data + from, match.begin - from});
        lig_text_append(out, PLACEHOLDER_OPEN);
        lig_text_printf(out, "%zu", chat->literal.count - 1);
        lig_text_append(out, PLACEHOLDER_CLOSE);
        from = match.end;
    }
    lig_text_append(out, lig_str_skip(text, from));
    return out->failed ? lig_no_memory(chat->ctx) : LIG_OK;
}

// The special token that a placeholder at `text` stands for, and how many bytes the placeholder takes.
static bool read_placeholder(const LigChat *chat, LigStr text, LigStr *literal, size_t *bytes)
{
    if (!lig_str_starts_with(text, PLACEHOLDER_OPEN)) return false;
    const char *end = memmem(text.data, text.length, PLACEHOLDER_CLOSE.data, PLACEHOLDER_CLOSE.length);
    if (!end) return false;
    LigStr digits = {text.data + PLACEHOLDER_OPEN.length, (size_t)(end - text.data) - PLACEHOLDER_OPEN.length};
    int64_t number;
    if (!lig_str_to_i64(digits, &number) || number < 0 || (uint64_t)number >= chat->literal.count) return false;
    *literal = chat->literal.data[number];
    *bytes = (size_t)(end - text.data) + PLACEHOLDER_CLOSE.length;
    return true;
}

static void restore(const LigChat *chat, LigStr text, LigText *out)
{
    while (text.length > 0) {
        LigStr literal;
        size_t bytes;
        if (read_placeholder(chat, text, &literal, &bytes)) {
            lig_text_append(out, literal);
            text = lig_str_skip(text, bytes);
        } else {
            lig_text_append_char(out, text.data[0]);
            text = lig_str_skip(text, 1);
        }
    }
}

// Valid UTF-8, special tokens replaced.
static LigStatus protect_all(LigChat *chat, LigStr content, LigStr *out)
{
    LigText once = {0}, twice = {0};
    LigStatus status = protect(chat, false, content, &once);
    if (status == LIG_OK) status = protect(chat, true, lig_text_view(&once), &twice);
    if (status == LIG_OK) *out = lig_str_copy(chat->arena, lig_text_view(&twice));
    lig_text_free(&once);
    lig_text_free(&twice);
    return status == LIG_OK && !out->data ? lig_no_memory(chat->ctx) : status;
}

LigStatus lig_chat_add(LigChat *chat, const char *role, LigStr content)
{
    LigStr kept;
    LIG_TRY(protect_all(chat, content, &kept));
    LigVariant message;
    bool added = lig_variant_new_map(chat->arena, &message) &&
                 lig_variant_put(chat->arena, &message, LIG_STR("role"), lig_variant_string(lig_str(role))) &&
                 lig_variant_put(chat->arena, &message, LIG_STR("content"), lig_variant_string(kept)) &&
                 lig_variant_push(chat->arena, &chat->messages, message);
    return added ? LIG_OK : lig_no_memory(chat->ctx);
}

static LigVariant token_text(const LigChat *chat, int32_t id)
{
    return lig_variant_string(id < 0 ? LIG_STR("") : lig_tokenizer_token(chat->tokenizer, id));
}

static LigStatus render(LigChat *chat, LigArena *arena, LigText *out)
{
    const LigImageInfo *info = lig_tokenizer_image(chat->tokenizer)->info;
    const struct {
        const char *name;
        LigVariant value;
    } variables[] = {{"messages", chat->messages},
                     {"add_generation_prompt", lig_variant_bool(true)},
                     {"bos_token", token_text(chat, info->bos)},
                     {"eos_token", token_text(chat, info->eos)}};
    LigVariant map;
    if (!lig_variant_new_map(arena, &map)) return lig_no_memory(chat->ctx);
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        if (!lig_variant_put(arena, &map, lig_str(variables[i].name), variables[i].value))
            return lig_no_memory(chat->ctx);
    }
    LIG_TRY(lig_template_render(chat->ctx, chat->layout, arena, &map, out));
    return out->failed ? lig_no_memory(chat->ctx) : LIG_OK;
}

static LigStatus encode_letters(LigChat *chat, LigStr text, LigTokenIds *out)
{
    LigText restored = {0};
    restore(chat, text, &restored);
    LigStatus status = restored.failed
                           ? lig_no_memory(chat->ctx)
                           : lig_tokenizer_encode(chat->ctx, chat->tokenizer, lig_text_view(&restored),
                                                  (LigEncodeOptions){0}, out);
    lig_text_free(&restored);
    return status;
}

// The template's special tokens are found with the placeholders in their places; what lies between them is
// letters.
static LigStatus encode_between(LigChat *chat, LigStr text, LigTokenIds *out)
{
    size_t from = 0;
    LigAddedMatch match;
    while (find_special(chat, false, text, from, &match)) {
        LIG_TRY(encode_letters(chat, (LigStr){text.data + from, match.begin - from}, out));
        LIG_TRY(lig_token_ids_append(chat->ctx, out, &match.id, 1));
        from = match.end;
    }
    return encode_letters(chat, lig_str_skip(text, from), out);
}

LigStatus lig_chat_encode(LigChat *chat, LigTokenIds *out)
{
    LigArena *arena = lig_arena_create();
    LigText text = {0};
    LigStatus status = arena ? render(chat, arena, &text) : lig_no_memory(chat->ctx);
    if (status == LIG_OK && chat->literal.count > 0) {
        status = encode_between(chat, lig_text_view(&text), out);
    } else if (status == LIG_OK) {
        const LigEncodeOptions options = {.parse_special = true};
        status = lig_tokenizer_encode(chat->ctx, chat->tokenizer, lig_text_view(&text), options, out);
    }
    lig_text_free(&text);
    lig_arena_destroy(arena);
    return status;
}

// Any bytes as a chat template: refused with a message, or rendered within its bounds, or its rendering
// refused.
#include "runtime/text/template.h"

#include "tests/unit/temp_file.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t bytes);

static void render(LigContext *ctx, const LigTemplate *chat)
{
    LigArena *arena = lig_arena_create();
    const LigVariant text = lig_variant_string(LIG_STR("Hi\n there"));
    LigVariant messages, variables, message;
    static const char *const roles[] = {"system", "user", "assistant"};
    bool made = lig_variant_new_list(arena, &messages) && lig_variant_new_map(arena, &variables);
    for (size_t i = 0; made && i < sizeof roles / sizeof *roles; i++) {
        made = lig_variant_new_map(arena, &message) &&
               lig_variant_put(arena, &message, LIG_STR("role"), lig_variant_string(lig_str(roles[i]))) &&
               lig_variant_put(arena, &message, LIG_STR("content"), text) &&
               lig_variant_push(arena, &messages, message);
    }
    made = made && lig_variant_put(arena, &variables, LIG_STR("messages"), messages) &&
           lig_variant_put(arena, &variables, LIG_STR("bos_token"), text);
    LigText out = {0};
    if (!made) abort();
    if (lig_template_render(ctx, chat, arena, &variables, &out) != LIG_OK && !lig_context_diagnostic_count(ctx))
        abort();
    lig_text_free(&out);
    lig_arena_destroy(arena);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t bytes)
{
    LigContext *ctx = lig_context_create();
    LigTemplate *chat;
    if (lig_template_parse(ctx, "fuzzed", (LigStr){(const char *)data, bytes}, &chat) == LIG_OK) {
        render(ctx, chat);
        lig_template_destroy(chat);
    } else if (lig_context_diagnostic_count(ctx) == 0) {
        abort();
    }
    lig_context_destroy(ctx);
    return 0;
}

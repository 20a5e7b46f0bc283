// A conversation in the model's own template.
//
// Special tokens in the template count; those in what people write are letters like any other.
#ifndef LIG_TOOLS_CHAT_H
#define LIG_TOOLS_CHAT_H

#include "ir/base/vec.h"
#include "runtime/text/template.h"
#include "runtime/text/tokenizer.h"

typedef struct LigChat {
    LigContext *ctx;
    LigArena *arena;
    const LigTokenizer *tokenizer; // borrowed
    LigTemplate *layout;
    LigVariant messages;
    LIG_VEC(LigStr) literal; // special tokens that people wrote, by the number of their placeholder
} LigChat;

// Zero-initialise `out`; lig_chat_close whatever is returned. Errors: NOT_FOUND (the model has no template),
// those of parsing it.
LigStatus lig_chat_open(LigContext *ctx, const LigTokenizer *tokenizer, LigChat *out) LIG_MUST_CHECK;
void lig_chat_close(LigChat *chat);
// `role`: a literal, "system", "user" or "assistant"; `content` is copied.
LigStatus lig_chat_add(LigChat *chat, const char *role, LigStr content) LIG_MUST_CHECK;
// Appends the ids of the whole conversation, up to where the answer begins.
LigStatus lig_chat_encode(LigChat *chat, LigTokenIds *out) LIG_MUST_CHECK;

#endif

#include "runtime/text/word_piece.h"

#include "runtime/text/trie.h"
#include "runtime/text/utf8.h"

static uint32_t walk(const LigImage *image, uint32_t node, LigStr text)
{
    for (size_t i = 0; i < text.length && node != LIG_TRIE_NONE; i++)
        node = lig_trie_step(image->nodes, image->node_count, node, (uint8_t)text.data[i]);
    return node;
}

// The longest token that `text` begins with behind `node`; its bytes of the text in *bytes (0: there is none).
static int32_t longest(const LigImage *image, uint32_t node, LigStr text, size_t *bytes)
{
    int32_t found = LIG_TOKEN_NONE;
    *bytes = 0;
    for (size_t i = 0; i < text.length && node != LIG_TRIE_NONE; i++) {
        node = lig_trie_step(image->nodes, image->node_count, node, (uint8_t)text.data[i]);
        if (node == LIG_TRIE_NONE || image->nodes[node].id == LIG_TOKEN_NONE) continue;
        found = image->nodes[node].id;
        *bytes = i + 1;
    }
    return found;
}

static LigStatus write_unknown(LigContext *ctx, const LigImage *image, LigTokenIds *out)
{
    const int32_t unk = image->info->unk;
    return unk == LIG_TOKEN_NONE ? LIG_OK : lig_token_ids_append(ctx, out, &unk, 1);
}

LigStatus lig_word_piece_encode(LigContext *ctx, const LigImage *image, LigStr word, LigTokenIds *out)
{
    const size_t before = out->count;
    if (word.length > image->info->max_word_chars && lig_utf8_count(word) > image->info->max_word_chars)
        return write_unknown(ctx, image, out);
    uint32_t node = 0;
    for (LigStr rest = word; rest.length > 0;) {
        size_t bytes;
        const int32_t id = longest(image, node, rest, &bytes);
        if (id == LIG_TOKEN_NONE) {
            out->count = before;
            return write_unknown(ctx, image, out);
        }
        LIG_TRY(lig_token_ids_append(ctx, out, &id, 1));
        rest = lig_str_skip(rest, bytes);
        node = walk(image, 0, image->subword_prefix);
    }
    return LIG_OK;
}

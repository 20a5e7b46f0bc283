// Any bytes as a tokenizer image: refused with a message, or run without harm on any text. The first two bytes say
// how many of the others are text; what is left is the image.
#include "runtime/text/tokenizer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t bytes);

static void use(LigContext *ctx, const LigTokenizer *tokenizer, LigStr text)
{
    const LigEncodeOptions options = {true, true};
    const uint32_t known = lig_tokenizer_image(tokenizer)->info->token_count;
    LigTokenIds ids = {0};
    LigText back = {0};
    if (lig_tokenizer_encode(ctx, tokenizer, text, options, &ids) == LIG_OK) {
        for (size_t i = 0; i < ids.count; i++)
            if (ids.data[i] < 0 || (uint32_t)ids.data[i] >= known) abort();
        if (lig_tokenizer_decode(ctx, tokenizer, ids.data, ids.count, true, &back) != LIG_OK) abort();
    }
    lig_text_free(&back);
    lig_token_ids_free(&ids);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t bytes)
{
    if (bytes < 2) return 0;
    const size_t wanted = data[0] | (size_t)(data[1] & 1) << 8;
    const size_t length = wanted < bytes - 2 ? wanted : bytes - 2;
    const LigStr text = {(const char *)data + 2, length};
    const size_t size = bytes - 2 - length;
    LigContext *ctx = lig_context_create();
    unsigned char *image = malloc(size + 1); // aligned
    if (!ctx || !image) abort();
    memcpy(image, data + 2 + length, size);
    LigTokenizer *tokenizer;
    if (lig_tokenizer_open(ctx, image, size, &tokenizer) == LIG_OK) {
        use(ctx, tokenizer, text);
        lig_tokenizer_destroy(tokenizer);
    } else if (lig_context_diagnostic_count(ctx) == 0) {
        abort();
    }
    free(image);
    lig_context_destroy(ctx);
    return 0;
}

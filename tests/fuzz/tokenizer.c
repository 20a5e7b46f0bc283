// Any bytes as tokenizer.json: refused with a message, or a tokenizer whose ids are its own.
#include "runtime/text/tokenizer.h"
#include "frontend/tokenizer_json.h"

#include "tests/unit/temp_file.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t bytes);

// The tokenizer's own file is the text: it is full of its tokens.
static void use(LigContext *ctx, const LigTokenizer *tokenizer, LigStr text)
{
    LigTokenIds ids = {0};
    LigText back = {0};
    if (text.length > 512) text.length = 512;
    const LigEncodeOptions options = {true, true};
    if (lig_tokenizer_encode(ctx, tokenizer, text, options, &ids) == LIG_OK) {
        for (size_t i = 0; i < ids.count; i++) {
            if (ids.data[i] < 0) abort();
        }
        if (lig_tokenizer_decode(ctx, tokenizer, ids.data, ids.count, true, &back) != LIG_OK) abort();
    }
    lig_text_free(&back);
    lig_token_ids_free(&ids);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t bytes)
{
    LigContext *ctx = lig_context_create();
    const LigStr text = {(const char *)data, bytes};
    const LigTokenizerExtras extras = {0};
    LigImageBytes image;
    LigTokenizer *tokenizer;
    if (lig_tokenizer_from_json(ctx, "tokenizer.json", text, &extras, &image) == LIG_OK) {
        if (lig_tokenizer_open(ctx, image.data, image.size, &tokenizer) == LIG_OK) {
            use(ctx, tokenizer, text);
            lig_tokenizer_destroy(tokenizer);
        }
        lig_image_free(&image);
    } else if (lig_context_diagnostic_count(ctx) == 0) {
        abort();
    }
    lig_context_destroy(ctx);
    return 0;
}

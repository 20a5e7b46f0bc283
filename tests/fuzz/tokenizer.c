// Any bytes as tokenizer.json or a SentencePiece model: refused with a message, or a tokenizer whose ids are its
// own.
#include "runtime/text/tokenizer.h"
#include "frontend/tokenizer_model_file.h"

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

typedef LigStatus (*ReadFn)(LigContext *ctx, const char *path, LigStr bytes, const LigTokenizerExtras *extras,
                            LigImageBytes *out);

static void read_and_use(LigStr bytes, ReadFn read)
{
    LigContext *ctx = lig_context_create();
    const LigTokenizerExtras extras = {0};
    LigImageBytes image;
    LigTokenizer *tokenizer;
    if (read(ctx, "tokenizer", bytes, &extras, &image) == LIG_OK) {
        if (lig_tokenizer_open(ctx, image.data, image.size, &tokenizer) == LIG_OK) {
            use(ctx, tokenizer, bytes);
            lig_tokenizer_destroy(tokenizer);
        }
        lig_image_free(&image);
    } else if (lig_context_diagnostic_count(ctx) == 0) {
        abort();
    }
    lig_context_destroy(ctx);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t bytes)
{
    const LigStr text = {(const char *)data, bytes};
    const bool is_json = bytes > 0 && data[0] == '{';
    read_and_use(text, is_json ? lig_tokenizer_from_json : lig_tokenizer_from_model_file);
    return 0;
}

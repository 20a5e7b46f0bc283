#include "tools/tokenizer_open.h"

#include "frontend/detect.h"
#include "frontend/import.h"
#include "frontend/tokenizer_json.h"
#include "frontend/tokenizer_model_file.h"
#include "ir/base/file.h"

typedef LigStatus (*ReadFn)(LigContext *ctx, const char *path, LigStr bytes, const LigTokenizerExtras *extras,
                            LigImageBytes *out);

static LigStatus image_from_file(LigContext *ctx, const char *path, ReadFn read, LigImageBytes *out)
{
    LigMappedFile *file = NULL;
    LIG_TRY(lig_file_map(ctx, path, &file));
    const LigTokenizerExtras extras = {0};
    LigStatus status = read(ctx, path, (LigStr){(const char *)file->data, file->size}, &extras, out);
    lig_file_unmap(file);
    return status;
}

static LigStatus image_from_gguf(LigContext *ctx, const char *path, LigImageBytes *out)
{
    LigGguf *gguf = NULL;
    LIG_TRY(lig_gguf_open(ctx, path, &gguf));
    LigStatus status = lig_import_gguf_tokenizer(ctx, gguf, out);
    lig_gguf_close(gguf);
    return status;
}

static LigStatus read_image(LigContext *ctx, const char *path, LigImageBytes *out)
{
    // A directory need not hold a model for its tokenizer to be of use.
    if (lig_path_is_directory(path)) return lig_import_hf_tokenizer(ctx, path, out);
    LigModelKind kind = LIG_MODEL_KIND_COUNT;
    LIG_TRY(lig_model_detect(ctx, path, &kind));
    if (kind == LIG_MODEL_TOKENIZER_JSON) return image_from_file(ctx, path, lig_tokenizer_from_json, out);
    if (kind == LIG_MODEL_SENTENCE_PIECE) return image_from_file(ctx, path, lig_tokenizer_from_model_file, out);
    if (kind == LIG_MODEL_GGUF) return image_from_gguf(ctx, path, out);
    return lig_fail(
        ctx, LIG_ERR_NOT_FOUND, LIG_FILE_LOC(path),
        "%s has no tokenizer: give a tokenizer.json, a SentencePiece model, or a model that has one",
        lig_model_kind_name(kind));
}

LigStatus lig_open_tokenizer(LigOpenTokenizer *open, LigContext *ctx, const char *path)
{
    LIG_TRY(read_image(ctx, path, &open->image));
    if (open->image.size == 0) {
        return lig_fail(
            ctx, LIG_ERR_NOT_FOUND, LIG_FILE_LOC(path),
            "brings no tokenizer: give a tokenizer.json, a SentencePiece model, or a model that has one");
    }
    return lig_tokenizer_open(ctx, open->image.data, open->image.size, &open->tokenizer);
}

void lig_open_tokenizer_close(LigOpenTokenizer *open)
{
    lig_tokenizer_destroy(open->tokenizer);
    lig_image_free(&open->image);
    *open = (LigOpenTokenizer){0};
}

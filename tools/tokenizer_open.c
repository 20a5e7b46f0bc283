#include "tools/tokenizer_open.h"

#include "frontend/model_file.h"
#include "frontend/tokenizer_json.h"
#include "ir/base/alloc.h"
#include "ir/base/file.h"

#include <string.h>

// A tokenizer.json is a JSON object; no model file begins with a brace.
static bool is_json(const LigMappedFile *file)
{
    size_t i = 0;
    while (i < file->size && memchr(" \t\r\n", file->data[i], 4)) i++;
    return i < file->size && file->data[i] == '{';
}

static LigStatus image_from_json(LigOpenTokenizer *open, LigContext *ctx, const LigMappedFile *file)
{
    const LigTokenizerExtras extras = {0};
    const LigStr text = {(const char *)file->data, file->size};
    return lig_tokenizer_from_json(ctx, file->path, text, &extras, &open->image);
}

// The image is copied, so that the model need not stay open.
static LigStatus image_from_model(LigOpenTokenizer *open, LigContext *ctx, const char *path)
{
    LigModelFile *model = NULL;
    LIG_TRY(lig_model_file_open(ctx, path, NULL, &model));
    LigStr image = lig_model_file_tokenizer(model);
    LigStatus status = LIG_OK;
    if (image.length == 0) {
        status = lig_fail(ctx, LIG_ERR_NOT_FOUND, LIG_FILE_LOC(path),
                          "brings no tokenizer: give a tokenizer.json, or a model that has one");
    } else {
        open->image = (LigImageBytes){lig_alloc(image.length), image.length};
        if (open->image.data) memcpy(open->image.data, image.data, image.length);
        if (!open->image.data) status = lig_no_memory(ctx);
    }
    lig_model_file_close(model);
    return status;
}

static LigStatus read_image(LigOpenTokenizer *open, LigContext *ctx, const char *path)
{
    if (lig_path_is_directory(path)) return image_from_model(open, ctx, path);
    LigMappedFile *file = NULL;
    LIG_TRY(lig_file_map(ctx, path, &file));
    LigStatus status = is_json(file) ? image_from_json(open, ctx, file) : image_from_model(open, ctx, path);
    lig_file_unmap(file);
    return status;
}

LigStatus lig_open_tokenizer(LigOpenTokenizer *open, LigContext *ctx, const char *path)
{
    LIG_TRY(read_image(open, ctx, path));
    return lig_tokenizer_open(ctx, open->image.data, open->image.size, &open->tokenizer);
}

void lig_open_tokenizer_close(LigOpenTokenizer *open)
{
    lig_tokenizer_destroy(open->tokenizer);
    lig_image_free(&open->image);
    *open = (LigOpenTokenizer){0};
}

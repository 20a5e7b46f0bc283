// Any bytes as a model in GGUF: refused with messages that name the file, or its tensors can be made in either
// format.
#include "frontend/export_gguf.h"

#include "ir/base/alloc.h"
#include "tests/unit/temp_file.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t bytes);

enum { MOST_ROW_BYTES = 1 << 16, MOST_WHOLE = 1 << 20 };

// Some rows of a tensor; false when they can't be made (which is an answer too).
static void make_rows(LigContext *ctx, const LigExportTensor *tensor)
{
    size_t row_bytes = lig_export_row_bytes(tensor);
    if (tensor->dtype == LIG_DTYPE_COUNT || row_bytes > MOST_ROW_BYTES ||
        tensor->rows * tensor->columns > MOST_WHOLE)
        return;
    float *whole = NULL;
    if (lig_export_whole(ctx, tensor, &whole) != LIG_OK) abort();
    void *scratch = malloc(lig_export_scratch_bytes(tensor)), *out = malloc(row_bytes * 2);
    int64_t rows = tensor->rows < 2 ? tensor->rows : 2;
    bool held = lig_export_rows(tensor, whole, tensor->rows - rows, rows, scratch, out);
    (void)held;
    free(scratch);
    free(out);
    lig_free(whole);
}

static void plan(LigModelFile *file, LigExportFormat format, LigDtype dtype)
{
    LigExportPlan plan = {0};
    LigContext *ctx = lig_model_file_context(file);
    LigGgufMetadata metadata = {0};
    size_t alignment;
    if (lig_export_plan(file, format, &plan) == LIG_OK) {
        lig_export_retype(&plan, dtype);
        for (size_t i = 0; i < plan.count; i++) make_rows(ctx, &plan.tensors[i]);
        if (format == LIG_EXPORT_GGUF && lig_export_gguf_metadata(&plan, &metadata, &alignment) != LIG_OK)
            abort();
    } else if (lig_context_diagnostic_count(ctx) == 0) {
        abort();
    }
    lig_gguf_metadata_free(&metadata);
    lig_export_free(&plan);
    lig_context_clear(ctx);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t bytes)
{
    LigContext *ctx = lig_context_create();
    TempFile file = temp_file(data, bytes);
    LigModelFile *model;
    if (lig_model_file_open(ctx, file.path, NULL, &model) == LIG_OK) {
        plan(model, LIG_EXPORT_GGUF, LIG_Q4_K);
        plan(model, LIG_EXPORT_HF, LIG_BF16);
        lig_model_file_close(model);
    } else if (lig_context_diagnostic_count(ctx) == 0) {
        abort();
    }
    unlink(file.path);
    lig_context_destroy(ctx);
    return 0;
}

// The numbers of a tensor on its way into another file.
#include "frontend/export.h"

#include "frontend/quantise.h"
#include "ir/base/alloc.h"
#include "ir/type.h"

#include <string.h>

int64_t lig_export_row_count(const LigExportTensor *tensor) { return tensor->rows; }
size_t lig_export_row_bytes(const LigExportTensor *tensor) { return tensor->out.bytes / (size_t)tensor->rows; }

// A row in f64, as ir gives it, then one in f32.
size_t lig_export_scratch_bytes(const LigExportTensor *tensor)
{
    return (size_t)tensor->columns * (sizeof(double) + sizeof(float));
}

static LigShape row_shape(LigDtype dtype, int64_t columns)
{
    return (LigShape){.dtype = dtype, .rank = 1, .dims = {columns}};
}

static LigDtype dtype_of(const LigFileTensor *tensor)
{
    LigDtype dtype = LIG_DTYPE_COUNT;
    return lig_dtype_find(lig_str(tensor->type_name), &dtype) ? dtype : LIG_DTYPE_COUNT;
}

static void widen(LigDtype dtype, const void *bytes, int64_t columns, double *wide, float *out)
{
    if (dtype == LIG_F32) {
        memcpy(out, bytes, (size_t)columns * sizeof *out);
        return;
    }
    const LigShape shape = row_shape(dtype, columns);
    lig_shape_get_row(&shape, bytes, 0, wide);
    for (int64_t i = 0; i < columns; i++) out[i] = (float)wide[i];
}

// The row of the source that becomes row `row`.
static int64_t source_row(const LigExportTensor *t, int64_t row)
{
    if (t->rearrange != LIG_REARRANGE_TO_PAIRS && t->rearrange != LIG_REARRANGE_TO_HALVES)
        return t->first_row + row;
    int64_t head = t->rows / t->heads, half = head / 2, first = row / head * head, i = row % head;
    int64_t from = t->rearrange == LIG_REARRANGE_TO_PAIRS ? i / 2 + i % 2 * half : i % half * 2 + i / half;
    return t->first_row + first + from;
}

static const unsigned char *source_bytes(const LigExportTensor *t, int64_t row)
{
    const LigFileTensor *source = t->source;
    size_t elements = 1;
    for (int i = 0; i < source->rank; i++) elements *= (size_t)source->dims[i];
    size_t row_bytes = source->bytes / (elements / (size_t)t->columns);
    return (const unsigned char *)source->data + (size_t)row * row_bytes;
}

LigStatus lig_export_whole(LigContext *ctx, const LigExportTensor *tensor, float **out)
{
    *out = NULL;
    if (tensor->rearrange != LIG_REARRANGE_TRANSPOSE) return LIG_OK;
    size_t rows = (size_t)tensor->columns, columns = (size_t)tensor->rows; // of the source
    float *whole = lig_alloc(rows * columns * sizeof *whole);
    double *wide = lig_alloc(columns * sizeof *wide);
    if (whole && wide) {
        size_t row_bytes = tensor->source->bytes / rows;
        const unsigned char *bytes = tensor->source->data;
        for (size_t r = 0; r < rows; r++)
            widen(dtype_of(tensor->source), bytes + r * row_bytes, (int64_t)columns, wide, whole + r * columns);
        *out = whole;
    } else {
        lig_free(whole);
    }
    lig_free(wide);
    return *out ? LIG_OK : lig_no_memory(ctx);
}

void lig_export_ideal_row(const LigExportTensor *tensor, const float *whole, int64_t row, void *scratch,
                          float *out)
{
    int64_t columns = tensor->columns;
    if (tensor->values) {
        memcpy(out, tensor->values + row * columns, (size_t)columns * sizeof *out);
    } else if (whole) {
        for (int64_t c = 0; c < columns; c++) out[c] = whole[c * tensor->rows + row];
    } else {
        widen(dtype_of(tensor->source), source_bytes(tensor, source_row(tensor, row)), columns, scratch, out);
    }
    for (int64_t c = 0; tensor->add != 0 && c < columns; c++) out[c] += tensor->add;
}

// Whether rows are the source's, byte for byte.
static bool is_copied(const LigExportTensor *t)
{
    return t->source && t->rearrange != LIG_REARRANGE_TRANSPOSE && t->add == 0 &&
           strcmp(t->source->type_name, t->out.type_name) == 0;
}

bool lig_export_rows(const LigExportTensor *tensor, const float *whole, int64_t first, int64_t count,
                     void *scratch, void *out)
{
    size_t row_bytes = lig_export_row_bytes(tensor);
    unsigned char *to = out;
    float *ideal = (float *)((double *)scratch + tensor->columns);
    for (int64_t row = first; row < first + count; row++, to += row_bytes) {
        if (is_copied(tensor)) {
            memcpy(to, source_bytes(tensor, source_row(tensor, row)), row_bytes);
            continue;
        }
        lig_export_ideal_row(tensor, whole, row, scratch, ideal);
        if (!lig_quantise_row(tensor->dtype, ideal, (size_t)tensor->columns, to)) return false;
    }
    return true;
}

void lig_export_read_row(const LigExportTensor *tensor, const void *bytes, void *scratch, float *out)
{
    widen(tensor->dtype, bytes, tensor->columns, scratch, out);
}

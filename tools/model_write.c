#include "tools/model_write.h"

#include "frontend/export_gguf.h"
#include "frontend/export_hf.h"
#include "frontend/safetensors.h"
#include "ir/base/alloc.h"
#include "runtime/rt/threads.h"
#include "tools/interrupt.h"
#include "tools/progress.h"

#include <string.h>

enum { PIECE_BYTES = 8 << 20, ROWS_PER_TILE = 4, MIB = 1 << 20 };

bool lig_write_kind_of(const char *path, LigWriteKind *out)
{
    LigStr name = lig_str(path);
    const char *slash = strrchr(path, '/');
    bool folder = lig_path_is_directory(path) || !strchr(slash ? slash : path, '.');
    *out = LIG_WRITE_HF;
    if (lig_str_ends_with(name, LIG_STR(".gguf")) || lig_str_is(name, "-"))
        *out = LIG_WRITE_GGUF;
    else if (lig_str_ends_with(name, LIG_STR(".safetensors")))
        *out = LIG_WRITE_SAFETENSORS;
    else
        return folder;
    return true;
}

LigExportFormat lig_write_format(LigWriteKind kind)
{
    return kind == LIG_WRITE_GGUF ? LIG_EXPORT_GGUF : LIG_EXPORT_HF;
}

// ---- the numbers of one tensor ----

typedef struct Writer {
    LigOptions *options;
    const LigModelWrite *write;
    LigFileTensor *tensors; // [plan->count] as the writers of formats take them
    LigPool *pool;
    LigProgress progress;
    size_t done; // bytes
} Writer;

// Some rows of a tensor, made on all threads.
typedef struct Piece {
    const LigExportTensor *tensor;
    const float *whole;
    int64_t first, count; // rows
    unsigned char *bytes; // [count] rows
    unsigned char *scratch;
    size_t scratch_bytes;   // of a thread
    LigTensorError *errors; // [count], or NULL
    bool *failed;           // [threads]
} Piece;

// Scratch of a thread: what rows need, then the ideal row and the one that is read back.
static size_t scratch_bytes(const LigExportTensor *tensor)
{
    return lig_export_scratch_bytes(tensor) + 2 * (size_t)tensor->columns * sizeof(float);
}

static void measure_row(const Piece *piece, int64_t index, unsigned char *scratch)
{
    const LigExportTensor *t = piece->tensor;
    float *ideal = (float *)(void *)(scratch + lig_export_scratch_bytes(t)), *got = ideal + t->columns;
    LigTensorError error = {.count = t->columns};
    lig_export_ideal_row(t, piece->whole, piece->first + index, scratch, ideal);
    lig_export_read_row(t, piece->bytes + (size_t)index * lig_export_row_bytes(t), scratch, got);
    for (int64_t c = 0; c < t->columns; c++) {
        double off = (double)got[c] - (double)ideal[c];
        error.squares += off * off;
        error.numbers += (double)ideal[c] * (double)ideal[c];
    }
    piece->errors[index] = error;
}

static void make_rows(void *user, int thread, int64_t begin, int64_t end)
{
    const Piece *piece = user;
    unsigned char *scratch = piece->scratch + (size_t)thread * piece->scratch_bytes;
    int64_t first = begin * ROWS_PER_TILE;
    int64_t last = end * ROWS_PER_TILE < piece->count ? end * ROWS_PER_TILE : piece->count;
    unsigned char *out = piece->bytes + (size_t)first * lig_export_row_bytes(piece->tensor);
    if (!lig_export_rows(piece->tensor, piece->whole, piece->first + first, last - first, scratch, out))
        piece->failed[thread] = true;
    for (int64_t row = first; piece->errors && row < last; row++) measure_row(piece, row, scratch);
}

static LigStatus make_piece(const Writer *w, Piece *piece)
{
    LigContext *ctx = w->options->ctx;
    bool failed = false;
    lig_pool_run(w->pool, (piece->count + ROWS_PER_TILE - 1) / ROWS_PER_TILE, make_rows, piece);
    for (int i = 0; i < lig_pool_threads(w->pool); i++) failed |= piece->failed[i];
    if (failed) {
        return lig_fail(
            ctx, LIG_ERR_INVALID, LIG_FILE_LOC(lig_model_file_path(w->write->plan->file)),
            "tensor '%.*s' holds numbers that %s can't: infinities, NaN, or beyond 65504; choose bf16 "
            "or f32",
            LIG_NAME_ARG(piece->tensor->out.name), lig_dtype_name(piece->tensor->dtype));
    }
    if (!lig_interrupted()) return LIG_OK;
    return lig_fail(ctx, LIG_ERR_IO, LIG_FILE_LOC(w->write->path), "interrupted: nothing was written");
}

static void add_errors(const Writer *w, size_t index, const Piece *piece)
{
    LigTensorError *sum = &w->write->errors[index];
    for (int64_t i = 0; i < piece->count; i++) {
        sum->squares += piece->errors[i].squares;
        sum->numbers += piece->errors[i].numbers;
        sum->count += piece->errors[i].count;
    }
}

// Rows of a piece: as many as PIECE_BYTES hold, at least one.
static int64_t piece_rows(const LigExportTensor *tensor)
{
    int64_t rows = PIECE_BYTES / (int64_t)(lig_export_row_bytes(tensor) + 1) + 1;
    return rows < tensor->rows ? rows : tensor->rows;
}

static LigStatus write_pieces(Writer *w, size_t index, Piece *piece, LigTensorSink *sink)
{
    const LigExportTensor *t = piece->tensor;
    int64_t most = piece_rows(t);
    for (; piece->first < t->rows; piece->first += piece->count) {
        piece->count = t->rows - piece->first < most ? t->rows - piece->first : most;
        LIG_TRY(make_piece(w, piece));
        if (piece->errors && w->write->errors) add_errors(w, index, piece);
        size_t bytes = (size_t)piece->count * lig_export_row_bytes(t);
        lig_tensor_sink_write(sink, piece->bytes, bytes);
        w->done += bytes;
        lig_progress_step(&w->progress, (int64_t)(w->done / MIB));
    }
    return LIG_OK;
}

static LigStatus write_tensor(void *user, size_t index, LigTensorSink *sink)
{
    Writer *w = user;
    const LigExportTensor *t = &w->write->plan->tensors[index];
    bool measured = w->write->errors && t->dtype != LIG_DTYPE_COUNT;
    size_t threads = (size_t)lig_pool_threads(w->pool), rows = (size_t)piece_rows(t);
    float *whole = NULL;
    LIG_TRY(lig_export_whole(w->options->ctx, t, &whole));
    Piece piece = {.tensor = t,
                   .whole = whole,
                   .bytes = lig_alloc(rows * lig_export_row_bytes(t) + 1),
                   .scratch_bytes = (scratch_bytes(t) + 63) / 64 * 64,
                   .errors = measured ? lig_alloc_zero(rows * sizeof *piece.errors + 1) : NULL,
                   .failed = lig_alloc_zero(threads)};
    piece.scratch = lig_alloc(threads * piece.scratch_bytes);
    bool got = piece.bytes && piece.scratch && piece.failed && (piece.errors || !measured);
    LigStatus status = got ? write_pieces(w, index, &piece, sink) : lig_no_memory(w->options->ctx);
    lig_free(piece.failed);
    lig_free(piece.errors);
    lig_free(piece.scratch);
    lig_free(piece.bytes);
    lig_free(whole);
    if (t->source) lig_file_release(t->source->data, t->source->bytes);
    return status;
}

// ---- the files ----

static LigStatus write_gguf(Writer *w)
{
    const LigExportPlan *plan = w->write->plan;
    LigGgufMetadata metadata = {0};
    LigGgufContent content = {
        .metadata = &metadata, .tensors = w->tensors, .count = plan->count, .write = write_tensor, .user = w};
    LigStatus status = lig_export_gguf_metadata(plan, &metadata, &content.alignment);
    if (status == LIG_OK) status = lig_gguf_write(w->options->ctx, w->write->path, &content);
    lig_gguf_metadata_free(&metadata);
    return status;
}

static LigStatus write_safetensors(Writer *w, const char *path)
{
    const LigSafetensorsPair format = {LIG_STR("format"), LIG_STR("pt")};
    const LigSafetensorsContent content = {.tensors = w->tensors,
                                           .count = w->write->plan->count,
                                           .metadata = &format,
                                           .metadata_count = 1,
                                           .write = write_tensor,
                                           .user = w};
    return lig_safetensors_write(w->options->ctx, path, &content);
}

static LigStatus write_weights_of_folder(void *user, const char *path) { return write_safetensors(user, path); }

static LigStatus write_kind(Writer *w)
{
    switch (w->write->kind) {
    case LIG_WRITE_GGUF:
        return write_gguf(w);
    case LIG_WRITE_SAFETENSORS:
        return write_safetensors(w, w->write->path);
    case LIG_WRITE_HF:
        return lig_export_hf_folder(w->write->plan, w->write->path, write_weights_of_folder, w);
    case LIG_WRITE_KINDS:
        break;
    }
    return LIG_ERR_INTERNAL;
}

LigStatus lig_model_write(LigOptions *options, const LigModelWrite *write)
{
    Writer w = {.options = options, .write = write};
    const LigExportPlan *plan = write->plan;
    size_t total = 0;
    w.tensors = LIG_NEW_ARRAY(plan->arena, LigFileTensor, plan->count);
    if (!w.tensors) return lig_no_memory(options->ctx);
    for (size_t i = 0; i < plan->count; i++) {
        w.tensors[i] = plan->tensors[i].out;
        total += plan->tensors[i].out.bytes;
    }
    LIG_TRY(lig_pool_create(options->ctx, (int)lig_option_integer(options, LIG_OPT_THREADS), &w.pool));
    w.progress = lig_progress_start(options, options->command->name, "MiB", (int64_t)(total / MIB));
    lig_interrupts_defer();
    LigStatus status = write_kind(&w);
    lig_progress_end(&w.progress);
    lig_interrupts_allow();
    lig_pool_destroy(w.pool);
    return status;
}

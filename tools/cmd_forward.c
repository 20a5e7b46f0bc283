// liga forward: a dense batch of token ids to logits and hidden states.
//
// Rows of the batch are sequences of their own; padded positions are computed too, as in Transformers. As many
// whole rows go through @forward at once as its bounds allow; a row that is longer than one call takes goes
// through in chunks, the keys of the earlier ones in the cache. A query at position p sees the keys j <= p that
// lie below the row's count of ones. Encoders have no cache: a row must fit into one call, and all its keys
// below the count of ones are seen.
#include "runtime/forward.h"
#include "tools/model_open.h"
#include "tools/progress.h"
#include "tools/tensor_io.h"
#include "tools/time_report.h"

#include <string.h>

static const char *const output_names[LIG_FORWARD_OUTPUTS] = {"hidden", "logits"};

typedef struct Forward {
    LigOptions *options;
    LigContext *ctx;
    LigOpenModel model;
    LigSafetensors *inputs;
    const int32_t *ids;   // [batch, length]
    const int32_t *types; // [batch, length]; NULL: all 0
    int32_t *ones;        // [batch]: keys of each row
    int64_t batch, length;
    LigForwardShape shape; // of one call
    LigForward *forward;
    LigForwardRow *rows;                          // of one call
    LigTensorMemory results[LIG_FORWARD_OUTPUTS]; // [batch * length, …]
    LigShape result_shapes[LIG_FORWARD_OUTPUTS];
    size_t result_count;
} Forward;

// One call: `rows` rows from `row` on, tokens begin <= t < begin + length of each.
typedef struct Piece {
    int64_t row, rows, begin, length;
} Piece;

static LigStatus read_ids(Forward *f)
{
    LigTensor ids;
    LIG_TRY(lig_inputs_get(f->options, f->inputs, LIG_STR("input_ids"), LIG_I32, &ids));
    if (ids.shape.rank != 2 || ids.shape.dims[0] < 1 || ids.shape.dims[1] < 1) {
        return lig_fail(f->ctx, LIG_ERR_SHAPE, LIG_FILE_LOC(lig_option_text(f->options, LIG_OPT_INPUTS)),
                        "'input_ids' must be [rows, tokens], with at least one of each");
    }
    f->ids = ids.data;
    f->batch = ids.shape.dims[0];
    f->length = ids.shape.dims[1];
    return LIG_OK;
}

// The count of ones of a row; -1 when they are not all at its beginning.
static int64_t count_ones(const int32_t *mask, int64_t length)
{
    int64_t ones = 0;
    while (ones < length && mask[ones] == 1) ones++;
    for (int64_t i = ones; i < length; i++) {
        if (mask[i] != 0) return -1;
    }
    return ones;
}

static LigStatus read_mask(Forward *f)
{
    f->ones = LIG_NEW_ARRAY(f->options->arena, int32_t, (size_t)f->batch);
    if (!f->ones) return lig_no_memory(f->ctx);
    for (int64_t r = 0; r < f->batch; r++) f->ones[r] = (int32_t)f->length;
    const LigStr name = LIG_STR("attention_mask");
    if (!lig_inputs_have(f->inputs, name)) return LIG_OK;
    LigTensor mask;
    LIG_TRY(lig_inputs_get(f->options, f->inputs, name, LIG_I32, &mask));
    const LigLoc file = LIG_FILE_LOC(lig_option_text(f->options, LIG_OPT_INPUTS));
    if (mask.shape.rank != 2 || mask.shape.dims[0] != f->batch || mask.shape.dims[1] != f->length) {
        return lig_fail(f->ctx, LIG_ERR_SHAPE, file, "'attention_mask' must have the shape of 'input_ids'");
    }
    for (int64_t r = 0; r < f->batch; r++) {
        int64_t ones = count_ones((const int32_t *)mask.data + r * f->length, f->length);
        if (ones < 0) {
            return lig_fail(f->ctx, LIG_ERR_UNSUPPORTED, file,
                            "row %lld of 'attention_mask' is not ones, then zeros: other masks are not "
                            "supported yet: pad on the right",
                            (long long)r);
        }
        f->ones[r] = (int32_t)ones;
    }
    return LIG_OK;
}

static LigStatus read_types(Forward *f)
{
    const LigStr name = LIG_STR("token_type_ids");
    if (!lig_inputs_have(f->inputs, name)) return LIG_OK;
    LigTensor types;
    LIG_TRY(lig_inputs_get(f->options, f->inputs, name, LIG_I32, &types));
    if (types.shape.rank != 2 || types.shape.dims[0] != f->batch || types.shape.dims[1] != f->length) {
        return lig_fail(f->ctx, LIG_ERR_SHAPE, LIG_FILE_LOC(lig_option_text(f->options, LIG_OPT_INPUTS)),
                        "'token_type_ids' must have the shape of 'input_ids'");
    }
    f->types = types.data;
    return LIG_OK;
}

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

// How much goes into one call: as many whole rows as it takes.
static LigStatus choose_sizes(Forward *f, const LigModule *module)
{
    LIG_TRY(lig_forward_describe(module, &f->shape));
    if (f->length > f->shape.context) {
        return lig_fail(f->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(lig_option_text(f->options, LIG_OPT_INPUTS)),
                        "'input_ids' has rows of %lld tokens, but the context of a call holds %lld: cut them",
                        (long long)f->length, (long long)f->shape.context);
    }
    int64_t rows = smaller(smaller(f->shape.rows, f->batch), f->shape.tokens / f->length);
    f->shape.rows = rows > 0 ? rows : 1;
    f->shape.context = f->length;
    f->rows = LIG_NEW_ARRAY(f->options->arena, LigForwardRow, (size_t)f->shape.rows);
    return f->rows ? LIG_OK : lig_no_memory(f->ctx);
}

static void fill_rows(Forward *f, const Piece *piece)
{
    for (int64_t r = 0; r < piece->rows; r++) {
        int64_t from = (piece->row + r) * f->length + piece->begin;
        f->rows[r] = (LigForwardRow){.ids = f->ids + from,
                                     .types = f->types ? f->types + from : NULL,
                                     .begin = piece->begin,
                                     .count = piece->length,
                                     .keys = smaller(f->ones[piece->row + r], piece->begin + piece->length)};
    }
}

// Memory for all rows, once the first call has told how wide the outputs are: [batch,length,…] of those that
// have a row a token, [batch,…] of those that have one a sequence.
static LigStatus allocate_results(Forward *f, const LigForwardOutput outputs[LIG_FORWARD_OUTPUTS])
{
    for (size_t i = 0; i < LIG_FORWARD_OUTPUTS && outputs[i].data; i++) {
        const LigShape dense = {.dtype = LIG_F32, .rank = 3, .dims = {f->batch, f->length, outputs[i].width}};
        const LigShape pooled = {.dtype = LIG_F32, .rank = 2, .dims = {f->batch, outputs[i].width}};
        f->result_shapes[i] = outputs[i].by_row ? pooled : dense;
        LIG_TRY(lig_tensor_memory_get(f->ctx, &f->result_shapes[i], &f->results[i]));
        f->result_count++;
    }
    return LIG_OK;
}

// The rows of a call's output to their places among all.
static void keep_output(Forward *f, const Piece *piece, size_t index, const LigForwardOutput *output)
{
    int64_t first = output->by_row ? piece->row : piece->row * f->length + piece->begin;
    int64_t count = output->by_row ? piece->rows : piece->rows * piece->length;
    size_t bytes = (size_t)output->width * sizeof(float);
    memcpy((char *)f->results[index].data + (size_t)first * bytes, output->data, (size_t)count * bytes);
}

static LigStatus run_piece(Forward *f, const Piece *piece)
{
    LigForwardOutput outputs[LIG_FORWARD_OUTPUTS];
    fill_rows(f, piece);
    LIG_TRY(lig_forward_run(f->forward, f->rows, piece->rows, outputs));
    if (f->result_count == 0) LIG_TRY(allocate_results(f, outputs));
    for (size_t i = 0; i < f->result_count; i++) keep_output(f, piece, i, &outputs[i]);
    return LIG_OK;
}

static LigStatus run_all(Forward *f)
{
    LigProgress progress = lig_progress_start(f->options, "forward", "tokens", f->batch * f->length);
    LigStatus status = LIG_OK;
    for (int64_t row = 0; status == LIG_OK && row < f->batch; row += f->shape.rows) {
        int64_t rows = smaller(f->shape.rows, f->batch - row);
        for (int64_t at = 0; status == LIG_OK && at < f->length; at += f->shape.tokens) {
            const Piece piece = {row, rows, at, smaller(f->shape.tokens, f->length - at)};
            status = run_piece(f, &piece);
            lig_progress_step(&progress, row * f->length + rows * (at + piece.length));
        }
    }
    lig_progress_end(&progress);
    return status;
}

static LigStatus write_results(const Forward *f)
{
    LigNamedTensor tensors[LIG_FORWARD_OUTPUTS] = {0};
    for (size_t i = 0; i < f->result_count && i < LIG_FORWARD_OUTPUTS; i++) {
        tensors[i] = (LigNamedTensor){lig_str(output_names[i]), {f->result_shapes[i], f->results[i].data}};
    }
    return lig_outputs_write(f->options, tensors, f->result_count);
}

static LigStatus compile(Forward *f)
{
    LigModule *module;
    LIG_TRY(lig_open_model_build(&f->model, "forward", &module));
    LigStatus status = choose_sizes(f, module);
    if (status != LIG_OK) {
        lig_module_destroy(module);
        return status;
    }
    return lig_open_model_compile(&f->model, module);
}

static LigStatus forward(Forward *f)
{
    LIG_TRY(lig_outputs_check(f->options));
    LIG_TRY(lig_inputs_open(f->options, &f->inputs));
    LIG_TRY(read_ids(f));
    LIG_TRY(read_mask(f));
    LIG_TRY(read_types(f));
    LIG_TRY(lig_open_model_file(&f->model, f->options));
    LIG_TRY(compile(f));
    LIG_TRY(lig_forward_create(f->model.executable, &f->shape, &f->forward));
    LIG_TRY(run_all(f));
    lig_memory_report(f->options, f->model.executable);
    lig_time_report(f->options, f->model.executable);
    return write_results(f);
}

LigStatus lig_cmd_forward(LigOptions *options)
{
    Forward f = {.options = options, .ctx = options->ctx};
    LigStatus status = forward(&f);
    for (size_t i = 0; i < LIG_FORWARD_OUTPUTS; i++) lig_tensor_memory_free(&f.results[i]);
    lig_forward_destroy(f.forward);
    lig_open_model_close(&f.model);
    lig_safetensors_close(f.inputs);
    return status;
}

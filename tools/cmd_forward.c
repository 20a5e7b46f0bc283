// liga forward: a dense batch of token ids to logits and hidden states.
//
// Rows of the batch are sequences of their own; padded positions are computed too, as in Transformers. As many
// whole rows go through @forward at once as its bounds allow; a row that is longer than one call takes goes
// through in chunks, the keys of the earlier ones in the cache. A query at position p sees the keys j <= p that
// lie below the row's count of ones.
#include "tools/model_open.h"
#include "tools/progress.h"
#include "tools/tensor_io.h"
#include "tools/time_report.h"

#include <string.h>

enum { IN_IDS, IN_POS, IN_START, IN_SLOT, IN_KV_LEN, IN_COUNT };
static const char *const input_names[IN_COUNT] = {"ids", "pos", "start", "slot", "kv_len"};
enum { OUT_HIDDEN, OUT_LOGITS, OUT_COUNT };
static const char *const output_names[OUT_COUNT] = {"hidden", "logits"};

typedef struct Forward {
    LigOptions *options;
    LigContext *ctx;
    LigOpenModel model;
    LigSafetensors *inputs;
    const int32_t *ids; // [batch, length]
    int32_t *ones;      // [batch]: keys of each row
    int64_t batch, length;
    int64_t most_tokens, rows; // of one call
    int64_t symbols[LIG_MAX_SYMBOLS];
    LigBound *bound;
    LigTensorMemory *states;
    void **state_addresses;
    size_t state_count;
    int32_t *call_inputs[IN_COUNT];
    LigTensorMemory call_outputs[OUT_COUNT];
    LigTensorMemory results[OUT_COUNT]; // [batch * length, …]
    LigShape result_shapes[OUT_COUNT];
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

static LigStatus find_symbol(Forward *f, const LigModule *module, const char *name, size_t *index)
{
    for (size_t i = 0; i < lig_dims_symbol_count(module->dims); i++) {
        *index = i;
        if (lig_str_is(lig_dims_symbol(module->dims, i)->name, name)) return LIG_OK;
    }
    return lig_fail(f->ctx, LIG_ERR_NOT_FOUND, LIG_NOWHERE,
                    "the module declares no dim %s: forward needs N R C S: run other graphs with liga eval",
                    name);
}

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

// How much goes into one call, and how large the caches are.
static LigStatus choose_sizes(Forward *f, const LigModule *module)
{
    size_t n = 0, r = 0, c = 0, s = 0;
    LIG_TRY(find_symbol(f, module, "N", &n));
    LIG_TRY(find_symbol(f, module, "R", &r));
    LIG_TRY(find_symbol(f, module, "C", &c));
    LIG_TRY(find_symbol(f, module, "S", &s));
    int64_t context = lig_dims_symbol(module->dims, c)->high;
    if (f->length > context) {
        return lig_fail(f->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(lig_option_text(f->options, LIG_OPT_INPUTS)),
                        "'input_ids' has rows of %lld tokens, but the context holds %lld: cut them",
                        (long long)f->length, (long long)context);
    }
    f->most_tokens = lig_dims_symbol(module->dims, n)->high;
    int64_t rows = smaller(lig_dims_symbol(module->dims, r)->high, lig_dims_symbol(module->dims, s)->high);
    rows = smaller(smaller(rows, f->batch), f->most_tokens / f->length);
    f->rows = rows > 0 ? rows : 1;
    for (size_t i = 0; i < LIG_MAX_SYMBOLS; i++) f->symbols[i] = -1;
    f->symbols[c] = smaller((f->length + 15) / 16 * 16, context);
    f->symbols[s] = f->rows;
    return LIG_OK;
}

static LigStatus check_function(Forward *f)
{
    LIG_TRY(lig_bound_create(f->model.executable, LIG_STR("forward"), &f->bound));
    bool fits = lig_bound_input_count(f->bound) == IN_COUNT && lig_bound_output_count(f->bound) == OUT_COUNT;
    for (size_t i = 0; fits && i < IN_COUNT; i++) {
        const LigValue *input = lig_bound_input(f->bound, i);
        fits = lig_str_is(input->name, input_names[i]) && input->type.dtype == LIG_I32 && input->type.rank == 1;
    }
    if (fits) return LIG_OK;
    return lig_fail(f->ctx, LIG_ERR_INVALID, LIG_NOWHERE,
                    "@forward must take i32 %%ids, %%pos, %%start, %%slot, %%kv_len and give hidden states and "
                    "logits: run other graphs with liga eval");
}

static LigStatus allocate_states(Forward *f)
{
    f->state_count = lig_executable_module(f->model.executable)->states.count;
    f->states = LIG_NEW_ARRAY(f->options->arena, LigTensorMemory, f->state_count);
    f->state_addresses = LIG_NEW_ARRAY(f->options->arena, void *, f->state_count);
    if (!f->states || !f->state_addresses) return lig_no_memory(f->ctx);
    for (size_t i = 0; i < f->state_count; i++) {
        LigShape shape;
        LIG_TRY(lig_executable_state_shape(f->model.executable, i, f->symbols, &shape));
        LIG_TRY(lig_tensor_memory_get(f->ctx, &shape, &f->states[i]));
        f->state_addresses[i] = f->states[i].data;
    }
    return LIG_OK;
}

static LigStatus allocate_inputs(Forward *f)
{
    const int64_t counts[IN_COUNT] = {f->most_tokens, f->most_tokens, f->rows + 1, f->rows, f->rows};
    for (size_t i = 0; i < IN_COUNT; i++) {
        f->call_inputs[i] = LIG_NEW_ARRAY(f->options->arena, int32_t, (size_t)counts[i]);
        if (!f->call_inputs[i]) return lig_no_memory(f->ctx);
    }
    return LIG_OK;
}

static void fill_inputs(Forward *f, const Piece *piece, LigTensor inputs[IN_COUNT])
{
    int64_t tokens = piece->rows * piece->length;
    const int64_t counts[IN_COUNT] = {tokens, tokens, piece->rows + 1, piece->rows, piece->rows};
    for (int64_t r = 0; r < piece->rows; r++) {
        const int32_t *row = f->ids + (piece->row + r) * f->length + piece->begin;
        f->call_inputs[IN_START][r] = (int32_t)(r * piece->length);
        f->call_inputs[IN_SLOT][r] = (int32_t)r;
        f->call_inputs[IN_KV_LEN][r] = (int32_t)smaller(f->ones[piece->row + r], piece->begin + piece->length);
        for (int64_t t = 0; t < piece->length; t++) {
            f->call_inputs[IN_IDS][r * piece->length + t] = row[t];
            f->call_inputs[IN_POS][r * piece->length + t] = (int32_t)(piece->begin + t);
        }
    }
    f->call_inputs[IN_START][piece->rows] = (int32_t)tokens;
    for (size_t i = 0; i < IN_COUNT; i++) {
        inputs[i] =
            (LigTensor){.shape = {.dtype = LIG_I32, .rank = 1, .dims = {counts[i]}}, .data = f->call_inputs[i]};
    }
}

// Memory for all rows, once the first call has told how wide the outputs are.
static LigStatus allocate_outputs(Forward *f, const LigShape shapes[OUT_COUNT], int64_t tokens)
{
    for (size_t i = 0; i < OUT_COUNT; i++) {
        if (shapes[i].rank != 2 || shapes[i].dtype != LIG_F32 || shapes[i].dims[0] != tokens) {
            return lig_fail(f->ctx, LIG_ERR_SHAPE, LIG_NOWHERE,
                            "@forward must give f32[N,width], f32[N,vocab]");
        }
        f->result_shapes[i] =
            (LigShape){.dtype = LIG_F32, .rank = 3, .dims = {f->batch, f->length, shapes[i].dims[1]}};
        LIG_TRY(lig_tensor_memory_get(f->ctx, &f->result_shapes[i], &f->results[i]));
        LIG_TRY(lig_tensor_memory_get(f->ctx, &shapes[i], &f->call_outputs[i]));
    }
    return LIG_OK;
}

static LigStatus run_piece(Forward *f, const Piece *piece)
{
    LigTensor inputs[IN_COUNT];
    LigShape shapes[OUT_COUNT];
    int64_t tokens = piece->rows * piece->length;
    fill_inputs(f, piece, inputs);
    LIG_TRY(lig_bound_bind(f->bound, inputs, f->symbols, shapes));
    // The first piece is the largest.
    if (!f->results[0].data) LIG_TRY(allocate_outputs(f, shapes, tokens));
    void *const outputs[OUT_COUNT] = {f->call_outputs[0].data, f->call_outputs[1].data};
    LIG_TRY(lig_bound_run(f->bound, inputs, f->state_addresses, outputs));
    int64_t first = piece->row * f->length + piece->begin;
    for (size_t i = 0; i < OUT_COUNT; i++) {
        size_t row_bytes = (size_t)f->result_shapes[i].dims[2] * sizeof(float);
        memcpy((char *)f->results[i].data + (size_t)first * row_bytes, outputs[i], (size_t)tokens * row_bytes);
    }
    return LIG_OK;
}

static LigStatus run_all(Forward *f)
{
    LigProgress progress = lig_progress_start(f->options, "forward", "tokens", f->batch * f->length);
    LigStatus status = LIG_OK;
    for (int64_t row = 0; status == LIG_OK && row < f->batch; row += f->rows) {
        int64_t rows = smaller(f->rows, f->batch - row);
        for (int64_t at = 0; status == LIG_OK && at < f->length; at += f->most_tokens) {
            const Piece piece = {row, rows, at, smaller(f->most_tokens, f->length - at)};
            status = run_piece(f, &piece);
            lig_progress_step(&progress, row * f->length + rows * (at + piece.length));
        }
    }
    lig_progress_end(&progress);
    return status;
}

static LigStatus write_results(const Forward *f)
{
    LigNamedTensor tensors[OUT_COUNT];
    for (size_t i = 0; i < OUT_COUNT; i++) {
        tensors[i] = (LigNamedTensor){lig_str(output_names[i]), {f->result_shapes[i], f->results[i].data}};
    }
    return lig_outputs_write(f->options, tensors, OUT_COUNT);
}

static LigStatus compile(Forward *f)
{
    LigModule *module;
    LIG_TRY(lig_open_model_build(&f->model, &module));
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
    LIG_TRY(lig_open_model_file(&f->model, f->options));
    LIG_TRY(compile(f));
    LIG_TRY(check_function(f));
    LIG_TRY(allocate_states(f));
    LIG_TRY(allocate_inputs(f));
    LIG_TRY(run_all(f));
    lig_memory_report(f->options, f->model.executable);
    lig_time_report(f->options, f->model.executable);
    return write_results(f);
}

LigStatus lig_cmd_forward(LigOptions *options)
{
    Forward f = {.options = options, .ctx = options->ctx};
    LigStatus status = forward(&f);
    for (size_t i = 0; f.states && i < f.state_count; i++) lig_tensor_memory_free(&f.states[i]);
    for (size_t i = 0; i < OUT_COUNT; i++) {
        lig_tensor_memory_free(&f.results[i]);
        lig_tensor_memory_free(&f.call_outputs[i]);
    }
    lig_open_model_close(&f.model);
    lig_safetensors_close(f.inputs);
    return status;
}

// liga forward: a dense batch of token ids to logits and hidden states.
//
// Rows of the batch are sequences of their own; padded positions are computed too, as in Transformers. As many
// whole rows go through @forward at once as its bounds allow; a row that is longer than one call takes goes
// through in chunks, the keys of the earlier ones in the cache. A query at position p sees the keys j <= p that
// lie below the row's count of ones. Encoders have no cache: a row must fit into one call, and all its keys
// below the count of ones are seen.
#include "tools/model_open.h"
#include "tools/progress.h"
#include "tools/tensor_io.h"
#include "tools/time_report.h"

#include <string.h>

enum { IN_IDS, IN_POS, IN_START, IN_SLOT, IN_KV_LEN, IN_TYPES, IN_COUNT };
static const char *const input_names[IN_COUNT] = {"ids", "pos", "start", "slot", "kv_len", "types"};
enum { OUT_HIDDEN, OUT_LOGITS, OUT_COUNT };
static const char *const output_names[OUT_COUNT] = {"hidden", "logits"};

typedef struct Forward {
    LigOptions *options;
    LigContext *ctx;
    LigOpenModel model;
    LigSafetensors *inputs;
    const int32_t *ids;   // [batch, length]
    const int32_t *types; // [batch, length]; NULL: all 0
    int32_t *ones;        // [batch]: keys of each row
    int64_t batch, length;
    int64_t most_tokens, rows; // of one call
    int64_t symbols[LIG_MAX_SYMBOLS];
    LigBound *bound;
    size_t input_count, output_count;
    size_t input_kinds[IN_COUNT]; // of input i of @forward, its index in input_names
    bool by_row[OUT_COUNT];       // of its outputs: a vector a sequence, not a token
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

// The symbol of this name, or NULL; its index.
static const LigSymbol *find_symbol(const LigModule *module, const char *name, size_t *index)
{
    for (size_t i = 0; i < lig_dims_symbol_count(module->dims); i++) {
        *index = i;
        if (lig_str_is(lig_dims_symbol(module->dims, i)->name, name)) return lig_dims_symbol(module->dims, i);
    }
    return NULL;
}

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

static LigStatus fail_length(const Forward *f, int64_t most)
{
    return lig_fail(f->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(lig_option_text(f->options, LIG_OPT_INPUTS)),
                    "'input_ids' has rows of %lld tokens, but the context of a call holds %lld: cut them",
                    (long long)f->length, (long long)most);
}

// The caches, where there are any.
static LigStatus choose_cache(Forward *f, const LigModule *module)
{
    size_t c_index = 0, s_index = 0;
    const LigSymbol *c = find_symbol(module, "C", &c_index), *s = find_symbol(module, "S", &s_index);
    if (!c || !s) return f->length > f->most_tokens ? fail_length(f, f->most_tokens) : LIG_OK;
    if (f->length > c->high) return fail_length(f, c->high);
    f->rows = smaller(f->rows, s->high);
    f->symbols[c_index] = smaller((f->length + 15) / 16 * 16, c->high);
    f->symbols[s_index] = f->rows;
    return LIG_OK;
}

static void find_outputs_by_row(Forward *f, const LigModule *module)
{
    const LigFunc *func = lig_module_find_func(module, LIG_STR("forward"));
    LigDim rows = lig_dims_find(module->dims, LIG_STR("R"));
    for (size_t i = 0; func && i < func->outputs.count && i < OUT_COUNT; i++) {
        const LigType *type = &func->outputs.data[i]->type;
        f->by_row[i] = type->rank == 2 && lig_dim_equal(module->dims, type->dims[0], rows) == LIG_YES;
    }
}

// How much goes into one call, and how large the caches are.
static LigStatus choose_sizes(Forward *f, const LigModule *module)
{
    size_t index;
    const LigSymbol *n = find_symbol(module, "N", &index), *r = find_symbol(module, "R", &index);
    if (!n || !r) {
        return lig_fail(f->ctx, LIG_ERR_NOT_FOUND, LIG_NOWHERE,
                        "the module declares no dims N and R: run other graphs with liga eval");
    }
    f->most_tokens = n->high;
    int64_t rows = smaller(smaller(r->high, f->batch), f->most_tokens / f->length);
    f->rows = rows > 0 ? rows : 1;
    for (size_t i = 0; i < LIG_MAX_SYMBOLS; i++) f->symbols[i] = -1;
    find_outputs_by_row(f, module);
    return choose_cache(f, module);
}

static bool match_input(Forward *f, size_t index)
{
    const LigValue *input = lig_bound_input(f->bound, index);
    if (input->type.dtype != LIG_I32 || input->type.rank != 1) return false;
    for (size_t kind = 0; kind < IN_COUNT; kind++) {
        f->input_kinds[index] = kind;
        if (lig_str_is(input->name, input_names[kind])) return true;
    }
    return false;
}

static LigStatus check_function(Forward *f)
{
    LIG_TRY(lig_bound_create(f->model.executable, LIG_STR("forward"), &f->bound));
    f->input_count = lig_bound_input_count(f->bound);
    f->output_count = lig_bound_output_count(f->bound);
    bool fits = f->input_count <= IN_COUNT && f->output_count >= 1 && f->output_count <= OUT_COUNT;
    for (size_t i = 0; fits && i < f->input_count; i++) fits = match_input(f, i);
    if (fits) return LIG_OK;
    return lig_fail(
        f->ctx, LIG_ERR_INVALID, LIG_NOWHERE,
        "@forward must take i32 vectors among %%ids, %%pos, %%start, %%slot, %%kv_len, %%types and give "
        "hidden states, or these and logits: run other graphs with liga eval");
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
    const int64_t counts[IN_COUNT] = {f->most_tokens, f->most_tokens, f->rows + 1,
                                      f->rows,        f->rows,        f->most_tokens};
    for (size_t i = 0; i < IN_COUNT; i++) {
        f->call_inputs[i] = LIG_NEW_ARRAY(f->options->arena, int32_t, (size_t)counts[i]);
        if (!f->call_inputs[i]) return lig_no_memory(f->ctx);
    }
    return LIG_OK;
}

static void fill_row(Forward *f, const Piece *piece, int64_t r)
{
    int64_t from = (piece->row + r) * f->length + piece->begin, to = r * piece->length;
    f->call_inputs[IN_START][r] = (int32_t)to;
    f->call_inputs[IN_SLOT][r] = (int32_t)r;
    f->call_inputs[IN_KV_LEN][r] = (int32_t)smaller(f->ones[piece->row + r], piece->begin + piece->length);
    for (int64_t t = 0; t < piece->length; t++) {
        f->call_inputs[IN_IDS][to + t] = f->ids[from + t];
        f->call_inputs[IN_POS][to + t] = (int32_t)(piece->begin + t);
        f->call_inputs[IN_TYPES][to + t] = f->types ? f->types[from + t] : 0;
    }
}

static void fill_inputs(Forward *f, const Piece *piece, LigTensor inputs[IN_COUNT])
{
    int64_t tokens = piece->rows * piece->length;
    const int64_t counts[IN_COUNT] = {tokens, tokens, piece->rows + 1, piece->rows, piece->rows, tokens};
    for (int64_t r = 0; r < piece->rows; r++) fill_row(f, piece, r);
    f->call_inputs[IN_START][piece->rows] = (int32_t)tokens;
    for (size_t i = 0; i < f->input_count; i++) {
        size_t kind = f->input_kinds[i];
        inputs[i] = (LigTensor){.shape = {.dtype = LIG_I32, .rank = 1, .dims = {counts[kind]}},
                                .data = f->call_inputs[kind]};
    }
}

// Memory for all rows, once the first call has told how wide the outputs are: [batch,length,…] of those that
// have a row a token, [batch,…] of those that have one a sequence.
static LigStatus allocate_outputs(Forward *f, const LigShape shapes[OUT_COUNT], const Piece *piece)
{
    for (size_t i = 0; i < f->output_count; i++) {
        const LigShape *shape = &shapes[i];
        int64_t vectors = f->by_row[i] ? piece->rows : piece->rows * piece->length;
        if (shape->rank != 2 || shape->dims[0] != vectors || shape->dtype != LIG_F32) {
            return lig_fail(f->ctx, LIG_ERR_SHAPE, LIG_NOWHERE,
                            "@forward must give f32[N,width], and f32[N,vocab] or f32[R,labels]");
        }
        LigShape dense = {.dtype = LIG_F32, .rank = 3, .dims = {f->batch, f->length, shape->dims[1]}};
        LigShape pooled = {.dtype = LIG_F32, .rank = 2, .dims = {f->batch, shape->dims[1]}};
        f->result_shapes[i] = f->by_row[i] ? pooled : dense;
        LIG_TRY(lig_tensor_memory_get(f->ctx, &f->result_shapes[i], &f->results[i]));
        LIG_TRY(lig_tensor_memory_get(f->ctx, shape, &f->call_outputs[i]));
    }
    return LIG_OK;
}

// The rows of a call's output to their places among all.
static void keep_output(Forward *f, const Piece *piece, size_t index)
{
    const LigShape *shape = &f->result_shapes[index];
    bool by_row = f->by_row[index];
    int64_t first = by_row ? piece->row : piece->row * f->length + piece->begin;
    int64_t count = by_row ? piece->rows : piece->rows * piece->length;
    size_t bytes = (size_t)shape->dims[shape->rank - 1] * sizeof(float);
    memcpy((char *)f->results[index].data + (size_t)first * bytes, f->call_outputs[index].data,
           (size_t)count * bytes);
}

static LigStatus run_piece(Forward *f, const Piece *piece)
{
    LigTensor inputs[IN_COUNT];
    LigShape shapes[OUT_COUNT];
    fill_inputs(f, piece, inputs);
    LIG_TRY(lig_bound_bind(f->bound, inputs, f->symbols, shapes));
    // The first piece is the largest.
    if (!f->results[0].data) LIG_TRY(allocate_outputs(f, shapes, piece));
    void *const outputs[OUT_COUNT] = {f->call_outputs[0].data, f->call_outputs[1].data};
    LIG_TRY(lig_bound_run(f->bound, inputs, f->state_addresses, outputs));
    for (size_t i = 0; i < f->output_count; i++) keep_output(f, piece, i);
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
    LIG_ASSERT(f->output_count <= OUT_COUNT);
    for (size_t i = 0; i < f->output_count; i++) {
        tensors[i] = (LigNamedTensor){lig_str(output_names[i]), {f->result_shapes[i], f->results[i].data}};
    }
    return lig_outputs_write(f->options, tensors, f->output_count);
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
    LIG_TRY(read_types(f));
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

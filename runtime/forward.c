#include "runtime/forward.h"

#include "ir/base/alloc.h"

enum { IN_IDS, IN_POS, IN_START, IN_SLOT, IN_KV_LEN, IN_TYPES, IN_COUNT };
static const char *const input_names[IN_COUNT] = {"ids", "pos", "start", "slot", "kv_len", "types"};

typedef struct Memory {
    void *pages;
    size_t bytes;
} Memory;

struct LigForward {
    LigExecutable *executable;
    LigContext *ctx;
    LigForwardShape shape;
    LigBound *bound;
    int64_t symbols[LIG_MAX_SYMBOLS]; // -1 but for those of the caches
    size_t input_count, output_count, state_count;
    size_t input_kinds[IN_COUNT]; // of input i of @forward, its index in input_names
    int32_t *inputs[IN_COUNT];    // room for the largest call
    Memory *states;
    void **state_addresses;
    Memory outputs[LIG_FORWARD_OUTPUTS]; // grow with the calls
};

static const LigSymbol *find_symbol(const LigModule *module, const char *name, size_t *index)
{
    LigDim dim = lig_dims_find(module->dims, lig_str(name));
    if (!dim) return NULL;
    *index = (size_t)lig_dim_as_symbol(dim);
    return lig_dims_symbol(module->dims, *index);
}

static void find_outputs_by_row(const LigModule *module, LigForwardShape *shape)
{
    const LigFunc *func = lig_module_find_func(module, LIG_STR("forward"));
    LigDim rows = lig_dims_find(module->dims, LIG_STR("R"));
    for (size_t i = 0; func && i < func->outputs.count && i < LIG_FORWARD_OUTPUTS; i++) {
        const LigType *type = &func->outputs.data[i]->type;
        shape->by_row[i] = type->rank == 2 && lig_dim_equal(module->dims, type->dims[0], rows) == LIG_YES;
    }
}

LigStatus lig_forward_describe(const LigModule *module, LigForwardShape *out)
{
    size_t index;
    const LigSymbol *n = find_symbol(module, "N", &index), *r = find_symbol(module, "R", &index);
    const LigSymbol *c = find_symbol(module, "C", &index), *s = find_symbol(module, "S", &index);
    if (!n || !r) {
        return lig_fail(module->ctx, LIG_ERR_NOT_FOUND, LIG_NOWHERE,
                        "the module declares no dims N and R: run other graphs with liga eval");
    }
    *out = (LigForwardShape){.tokens = n->high, .rows = r->high, .context = n->high};
    find_outputs_by_row(module, out);
    if (!c || !s) return LIG_OK;
    out->context = c->high;
    if (out->rows > s->high) out->rows = s->high;
    return LIG_OK;
}

static bool match_input(LigForward *f, size_t index)
{
    const LigValue *input = lig_bound_input(f->bound, index);
    if (input->type.dtype != LIG_I32 || input->type.rank != 1) return false;
    for (size_t kind = 0; kind < IN_COUNT; kind++) {
        f->input_kinds[index] = kind;
        if (lig_str_is(input->name, input_names[kind])) return true;
    }
    return false;
}

static LigStatus check_function(LigForward *f)
{
    LIG_TRY(lig_bound_create(f->executable, LIG_STR("forward"), &f->bound));
    f->input_count = lig_bound_input_count(f->bound);
    f->output_count = lig_bound_output_count(f->bound);
    bool fits = f->input_count <= IN_COUNT && f->output_count >= 1 && f->output_count <= LIG_FORWARD_OUTPUTS;
    for (size_t i = 0; fits && i < f->input_count; i++) fits = match_input(f, i);
    if (fits) return LIG_OK;
    return lig_fail(
        f->ctx, LIG_ERR_INVALID, LIG_NOWHERE,
        "@forward must take i32 vectors among %%ids, %%pos, %%start, %%slot, %%kv_len, %%types and give "
        "hidden states, or these and logits: run other graphs with liga eval");
}

// The caches, where there are any, hold whole vectors of keys.
static void choose_cache(LigForward *f, const LigModule *module)
{
    size_t c_index = 0, s_index = 0;
    const LigSymbol *c = find_symbol(module, "C", &c_index), *s = find_symbol(module, "S", &s_index);
    if (!c || !s) return;
    int64_t whole = (f->shape.context + 15) / 16 * 16;
    f->symbols[c_index] = whole < c->high ? whole : c->high;
    f->symbols[s_index] = f->shape.rows;
}

static LigStatus allocate_states(LigForward *f)
{
    f->state_count = lig_executable_module(f->executable)->states.count;
    f->states = lig_alloc_zero((f->state_count + 1) * sizeof *f->states);
    f->state_addresses = lig_alloc_zero((f->state_count + 1) * sizeof *f->state_addresses);
    if (!f->states || !f->state_addresses) return lig_no_memory(f->ctx);
    for (size_t i = 0; i < f->state_count; i++) {
        LigShape shape;
        size_t bytes;
        LIG_TRY(lig_executable_state_shape(f->executable, i, f->symbols, &shape));
        if (!lig_shape_bytes(&shape, &bytes)) return lig_no_memory(f->ctx);
        f->states[i] = (Memory){lig_alloc_sparse_pages(bytes), bytes};
        if (!f->states[i].pages) return lig_no_memory(f->ctx);
        f->state_addresses[i] = f->states[i].pages;
    }
    return LIG_OK;
}

static LigStatus allocate_inputs(LigForward *f)
{
    int64_t tokens = f->shape.tokens, rows = f->shape.rows;
    const int64_t counts[IN_COUNT] = {tokens, tokens, rows + 1, rows, rows, tokens};
    for (size_t i = 0; i < IN_COUNT; i++) {
        f->inputs[i] = lig_alloc_zero((size_t)counts[i] * sizeof(int32_t));
        if (!f->inputs[i]) return lig_no_memory(f->ctx);
    }
    return LIG_OK;
}

static LigStatus fill(LigForward *f)
{
    for (size_t i = 0; i < LIG_MAX_SYMBOLS; i++) f->symbols[i] = -1;
    LIG_TRY(check_function(f));
    choose_cache(f, lig_executable_module(f->executable));
    LIG_TRY(allocate_states(f));
    return allocate_inputs(f);
}

LigStatus lig_forward_create(LigExecutable *executable, const LigForwardShape *shape, LigForward **out)
{
    LigContext *ctx = lig_executable_module(executable)->ctx;
    LigForward *forward = lig_alloc_zero(sizeof *forward);
    if (!forward) return lig_no_memory(ctx);
    forward->executable = executable;
    forward->ctx = ctx;
    forward->shape = *shape;
    LigStatus status = fill(forward);
    if (status != LIG_OK) {
        lig_forward_destroy(forward);
        return status;
    }
    *out = forward;
    return LIG_OK;
}

static void free_all(Memory *memory, size_t count)
{
    for (size_t i = 0; memory && i < count; i++) lig_free_pages(memory[i].pages, memory[i].bytes);
}

void lig_forward_destroy(LigForward *forward)
{
    if (!forward) return;
    free_all(forward->states, forward->state_count);
    free_all(forward->outputs, LIG_FORWARD_OUTPUTS);
    for (size_t i = 0; i < IN_COUNT; i++) lig_free(forward->inputs[i]);
    lig_free(forward->states);
    lig_free(forward->state_addresses);
    lig_free(forward);
}

// A call.

static LigStatus fill_row(LigForward *f, const LigForwardRow *row, int64_t r, int64_t *tokens)
{
    int64_t at = *tokens;
    if (row->count < 1 || row->count > f->shape.tokens - at || row->begin + row->count > f->shape.context) {
        return lig_fail(f->ctx, LIG_ERR_INVALID, LIG_NOWHERE,
                        "a row of %lld tokens does not fit: a call takes 1 to %lld in all, and a row %lld",
                        (long long)row->count, (long long)f->shape.tokens, (long long)f->shape.context);
    }
    f->inputs[IN_START][r] = (int32_t)at;
    f->inputs[IN_SLOT][r] = (int32_t)r;
    f->inputs[IN_KV_LEN][r] = (int32_t)row->keys;
    for (int64_t i = 0; i < row->count; i++) {
        f->inputs[IN_IDS][at + i] = row->ids[i];
        f->inputs[IN_POS][at + i] = (int32_t)(row->begin + i);
        f->inputs[IN_TYPES][at + i] = row->types ? row->types[i] : 0;
    }
    *tokens += row->count;
    f->inputs[IN_START][r + 1] = (int32_t)*tokens;
    return LIG_OK;
}

static void name_inputs(const LigForward *f, int64_t tokens, int64_t rows, LigTensor inputs[IN_COUNT])
{
    const int64_t counts[IN_COUNT] = {tokens, tokens, rows + 1, rows, rows, tokens};
    for (size_t i = 0; i < f->input_count; i++) {
        size_t kind = f->input_kinds[i];
        inputs[i] = (LigTensor){.shape = {.dtype = LIG_I32, .rank = 1, .dims = {counts[kind]}},
                                .data = f->inputs[kind]};
    }
}

// Memory for an output of this shape, kept for the next call.
static LigStatus grow_output(LigForward *f, size_t index, const LigShape *shape)
{
    Memory *memory = &f->outputs[index];
    size_t bytes;
    if (shape->rank != 2 || shape->dtype != LIG_F32) {
        return lig_fail(f->ctx, LIG_ERR_SHAPE, LIG_NOWHERE,
                        "@forward must give f32[N,width], and f32[N,vocab] or f32[R,labels]");
    }
    if (!lig_shape_bytes(shape, &bytes)) return lig_no_memory(f->ctx);
    if (bytes <= memory->bytes) return LIG_OK;
    lig_free_pages(memory->pages, memory->bytes);
    *memory = (Memory){lig_alloc_pages(bytes), bytes};
    if (memory->pages) return LIG_OK;
    memory->bytes = 0;
    return lig_no_memory(f->ctx);
}

static LigStatus name_outputs(LigForward *f, const LigShape *shapes,
                              LigForwardOutput outputs[LIG_FORWARD_OUTPUTS])
{
    for (size_t i = 0; i < LIG_FORWARD_OUTPUTS; i++) {
        outputs[i] = (LigForwardOutput){0};
        if (i >= f->output_count) continue;
        LIG_TRY(grow_output(f, i, &shapes[i]));
        outputs[i] = (LigForwardOutput){f->outputs[i].pages, shapes[i].dims[1], f->shape.by_row[i]};
    }
    return LIG_OK;
}

LigStatus lig_forward_run(LigForward *f, const LigForwardRow *rows, int64_t row_count,
                          LigForwardOutput outputs[LIG_FORWARD_OUTPUTS])
{
    if (row_count < 1 || row_count > f->shape.rows) {
        return lig_fail(f->ctx, LIG_ERR_INVALID, LIG_NOWHERE, "a call takes 1 to %lld rows",
                        (long long)f->shape.rows);
    }
    int64_t tokens = 0;
    for (int64_t r = 0; r < row_count; r++) LIG_TRY(fill_row(f, &rows[r], r, &tokens));
    LigTensor inputs[IN_COUNT];
    LigShape shapes[LIG_FORWARD_OUTPUTS];
    name_inputs(f, tokens, row_count, inputs);
    LIG_TRY(lig_bound_bind(f->bound, inputs, f->symbols, shapes));
    LIG_TRY(name_outputs(f, shapes, outputs));
    void *const results[LIG_FORWARD_OUTPUTS] = {f->outputs[0].pages, f->outputs[1].pages};
    return lig_bound_run(f->bound, inputs, f->state_addresses, results);
}

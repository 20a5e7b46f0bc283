#include "tests/property/call.h"
#include "ir/layout_block.h"
#include "tests/property/generate.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 1 << 24 };

// ---- sizes ----

static bool facts_hold(const LigModule *module, const int64_t *symbols)
{
    for (size_t i = 0; i < lig_dims_fact_count(module->dims); i++) {
        const LigFact *fact = lig_dims_fact(module->dims, i);
        int64_t left, right;
        if (!lig_dim_eval(fact->left, symbols, &left) || !lig_dim_eval(fact->right, symbols, &right))
            return false;
        if (fact->relation == LIG_REL_LE ? left > right : left != right) return false;
    }
    return true;
}

bool call_choose_sizes(const LigModule *module, uint64_t seed, int sample, int64_t *symbols)
{
    Random random = random_begin(seed + (uint64_t)sample * 77);
    size_t count = lig_dims_symbol_count(module->dims);
    for (int tries = 0; tries < 200; tries++) {
        for (size_t i = 0; i < LIG_MAX_SYMBOLS; i++) symbols[i] = -1;
        for (size_t i = 0; i < count; i++) {
            const LigSymbol *symbol = lig_dims_symbol(module->dims, i);
            int64_t high = symbol->high < symbol->low + 64 ? symbol->high : symbol->low + 64;
            symbols[i] = random_between(&random, symbol->low, high);
            if (lig_str_is(symbol->name, "N") && sample == 0) symbols[i] = symbol->low;
        }
        if (facts_hold(module, symbols)) return true;
    }
    return false;
}

// ---- contents ----

LigTensor call_tensor(const LigShape *shape)
{
    LigTensor tensor = {.shape = *shape};
    size_t bytes;
    if (!lig_shape_bytes(shape, &bytes) || bytes > MOST_BYTES) return tensor;
    tensor.data = aligned_alloc(64, bytes / 64 * 64 + 64);
    if (tensor.data) memset(tensor.data, 0, bytes / 64 * 64 + 64);
    return tensor;
}

// Rows of quantised blocks with scales and mins of ordinary size.
static void fill_blocks(const LigShape *shape, void *data, Random *random)
{
    size_t bytes, block = (size_t)lig_dtype_block_bytes(shape->dtype);
    unsigned char *at = data;
    if (!lig_shape_bytes(shape, &bytes)) return;
    for (size_t i = 0; i < bytes; i++) at[i] = (unsigned char)random_below(random, 256);
    for (size_t i = 0; i < bytes; i += block) {
        uint16_t halves[2] = {lig_f64_to_f16(random_real(random, -0.02, 0.02)),
                              lig_f64_to_f16(random_real(random, -1, 1))};
        bool has_min = lig_block_facts(shape->dtype)->min_sign != 0; // behind the scale in blocks of 32
        memcpy(at + i, halves, has_min ? 4 : 2);
    }
}

// Integers are small, so that most of them are good indices too.
static void fill(const LigTensor *tensor, LigStr name, uint64_t seed)
{
    Random random = random_begin(seed ^ lig_str_hash(name));
    const LigShape *shape = &tensor->shape;
    int64_t count;
    if (lig_dtype_is_quantised(shape->dtype)) {
        fill_blocks(shape, tensor->data, &random);
        return;
    }
    if (!lig_shape_count(shape, &count)) return;
    for (int64_t i = 0; i < count; i++) {
        if (lig_dtype_is_float(shape->dtype))
            lig_shape_set(shape, tensor->data, i, random_real(&random, -2, 2));
        else
            lig_shape_set_integer(shape, tensor->data, i,
                                  random_below(&random, shape->dtype == LIG_BOOL ? 2 : 3));
    }
}

static int32_t *integers(const Call *call, const LigFunc *func, const char *name, int64_t *count)
{
    for (size_t i = 0; i < func->inputs.count; i++) {
        const LigTensor *input = &call->inputs[i];
        if (!lig_str_is(func->inputs.data[i]->name, name) || input->shape.dtype != LIG_I32 ||
            input->shape.rank != 1)
            continue;
        *count = input->shape.dims[0];
        return input->data;
    }
    return NULL;
}

// pos, start, slot and kv_len: the N tokens in R rows, after a few tokens that each slot holds already.
static void fill_rows(const Call *call, const LigFunc *func, uint64_t seed)
{
    Random random = random_begin(seed + 5);
    int64_t tokens = 0, edges = 0, rows = 0, lengths = 0;
    int32_t *pos = integers(call, func, "pos", &tokens), *start = integers(call, func, "start", &edges);
    int32_t *slot = integers(call, func, "slot", &rows), *kv_len = integers(call, func, "kv_len", &lengths);
    if (!pos || !start || !slot || !kv_len || edges != rows + 1 || lengths != rows || tokens < rows) return;
    start[0] = 0;
    for (int64_t r = 0; r < rows; r++) {
        int64_t left = tokens - start[r], last = r == rows - 1;
        int64_t count = last ? left : random_between(&random, 1, left - (rows - 1 - r));
        int32_t before = (int32_t)random_below(&random, 8);
        start[r + 1] = start[r] + (int32_t)count;
        slot[r] = (int32_t)(rows - 1 - r);
        kv_len[r] = before + (int32_t)count;
        for (int64_t i = 0; i < count; i++) pos[start[r] + i] = before + (int32_t)i;
    }
}

bool call_bind_params(LigModule *module, uint64_t seed)
{
    for (size_t i = 0; i < module->params.count; i++) {
        LigValue *param = module->params.data[i];
        LigShape shape;
        size_t bytes;
        for (int k = 0; k < param->type.rank; k++) {
            if (lig_dim_symbols(param->type.dims[k])) return false;
        }
        if (!lig_type_bind(&param->type, NULL, &shape) || !lig_shape_bytes(&shape, &bytes)) return false;
        LigTensor tensor = {shape, lig_arena_alloc(module->arena, bytes)};
        if (!tensor.data) return false;
        fill(&tensor, param->name, seed);
        param->data = tensor.data;
    }
    return true;
}

static bool make(const LigValue *value, const Call *call, uint64_t seed, LigTensor *tensor)
{
    LigShape shape;
    if (!lig_type_bind(&value->type, call->symbols, &shape)) return false;
    *tensor = call_tensor(&shape);
    if (!tensor->data) return false;
    fill(tensor, value->name, seed);
    return true;
}

bool call_begin(const LigModule *module, const LigFunc *func, uint64_t seed, Call *call)
{
    call->input_count = call->state_count = call->output_count = 0;
    if (func->inputs.count > CALL_MOST || module->states.count > CALL_MOST || func->outputs.count > CALL_MOST)
        return false;
    bool made = true;
    for (size_t i = 0; made && i < func->inputs.count; i++) {
        call->inputs[i] = (LigTensor){0};
        call->input_count++;
        made = make(func->inputs.data[i], call, seed, &call->inputs[i]);
    }
    for (size_t i = 0; made && i < module->states.count; i++) {
        call->states[i] = (LigTensor){0};
        call->state_count++;
        made = make(module->states.data[i], call, seed, &call->states[i]);
    }
    if (made)
        fill_rows(call, func, seed);
    else
        call_end(call);
    return made;
}

void call_end(Call *call)
{
    for (size_t i = 0; i < call->input_count; i++) free(call->inputs[i].data);
    for (size_t i = 0; i < call->state_count; i++) free(call->states[i].data);
    for (size_t i = 0; i < call->output_count; i++) free(call->outputs[i].data);
    call->input_count = call->state_count = call->output_count = 0;
}

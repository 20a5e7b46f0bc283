#include "runtime/example_call.h"

#include "ir/base/random.h"
#include "runtime/guard.h"

enum { SAMPLES = 2, SPREAD = 4, TRIES = 200, MOST_BYTES = 1 << 28 };

typedef struct Maker {
    LigModule *module;
    LigArena *arena;
    LigGuards guards;
    uint64_t seed, drawn; // numbers drawn so far
} Maker;

static uint32_t draw(Maker *m)
{
    uint64_t at = m->drawn++;
    return lig_random_block(m->seed, at / 4, 0).word[at % 4];
}

// 0 <= … < limit
static int64_t draw_below(Maker *m, int64_t limit)
{
    return limit > 1 ? (int64_t)(draw(m) % (uint64_t)limit) : 0;
}

static double draw_real(Maker *m) { return 2.0 * (double)lig_random_unit_f32(draw(m)) - 1.0; }

// ---- sizes ----

static bool facts_hold(const LigDimTable *dims, const int64_t *symbols)
{
    for (size_t i = 0; i < lig_dims_fact_count(dims); i++) {
        const LigFact *fact = lig_dims_fact(dims, i);
        int64_t left, right;
        if (!lig_dim_eval(fact->left, symbols, &left) || !lig_dim_eval(fact->right, symbols, &right))
            return false;
        if (fact->relation == LIG_REL_LE ? left > right : left != right) return false;
    }
    return true;
}

// What a symbol may be in a function: a variant binds some more narrowly.
static LigSymbol symbol_in(const Maker *m, const LigFunc *func, size_t index)
{
    LigSymbol symbol = *lig_dims_symbol(m->module->dims, index);
    for (size_t i = 0; i < func->bindings.count; i++) {
        const LigBinding *binding = &func->bindings.data[i];
        if (binding->symbol != index) continue;
        symbol.low = binding->low > symbol.low ? binding->low : symbol.low;
        symbol.high = binding->high < symbol.high ? binding->high : symbol.high;
    }
    return symbol;
}

// The first sample has the lowest sizes, where facts allow; others are a little above.
static bool choose_sizes(Maker *m, const LigFunc *func, int sample, int64_t *symbols)
{
    size_t count = lig_dims_symbol_count(m->module->dims);
    for (int tries = 0; tries < TRIES; tries++) {
        for (size_t i = 0; i < LIG_MAX_SYMBOLS; i++) symbols[i] = -1;
        for (size_t i = 0; i < count; i++) {
            const LigSymbol symbol = symbol_in(m, func, i);
            int64_t most = sample || tries ? SPREAD * (1 + tries / 20) : 0;
            int64_t room = symbol.high - symbol.low < most ? symbol.high - symbol.low : most;
            symbols[i] = symbol.low + draw_below(m, room + 1);
        }
        if (facts_hold(m->module->dims, symbols)) return true;
    }
    return false;
}

// ---- contents ----

// NULL data: too large, or memory is out.
static LigTensor new_tensor(LigArena *arena, const LigType *type, const int64_t *symbols)
{
    LigTensor tensor = {0};
    size_t bytes;
    bool fits = lig_type_bind(type, symbols, &tensor.shape);
    tensor.shape.layout = (LigLayout){0};
    if (fits && lig_shape_bytes(&tensor.shape, &bytes) && bytes <= MOST_BYTES)
        tensor.data = lig_arena_alloc(arena, bytes);
    return tensor;
}

// Bytes of a block whose pairs are small finite halves wherever they stand, for scales do at no one place.
static void fill_blocks(Maker *m, const LigTensor *tensor)
{
    unsigned char *bytes = tensor->data;
    size_t count = 0;
    if (!lig_shape_bytes(&tensor->shape, &count)) return;
    for (size_t i = 0; i < count; i++) bytes[i] = (unsigned char)(draw(m) & 0xaf);
}

// Integers are 0 or 1: flags, masks, counts.
static void fill(Maker *m, const LigTensor *tensor)
{
    const LigShape *shape = &tensor->shape;
    int64_t count = 0;
    if (lig_dtype_is_quantised(shape->dtype)) fill_blocks(m, tensor);
    if (lig_dtype_is_quantised(shape->dtype) || !lig_shape_count(shape, &count)) return;
    for (int64_t i = 0; i < count; i++) {
        if (lig_dtype_is_float(shape->dtype))
            lig_shape_set(shape, tensor->data, i, draw_real(m));
        else
            lig_shape_set_integer(shape, tensor->data, i, draw_below(m, 2));
    }
}

static void fill_starts(Maker *m, const LigTensor *tensor, int64_t count, int64_t bound)
{
    int64_t at = 0;
    for (int64_t i = 0; i < count; i++) {
        lig_shape_set_integer(&tensor->shape, tensor->data, i, at);
        int64_t left = bound - at, rows = count - 2 - i; // after the next
        at = rows <= 0 ? bound : at + (left > rows ? 1 + draw_below(m, left - rows) : draw_below(m, left + 1));
    }
}

static void obey(Maker *m, const LigGuard *guard, const LigTensor *tensor, const int64_t *symbols)
{
    int64_t bound, count;
    if (!lig_dim_eval(guard->bound, symbols, &bound) || !lig_shape_count(&tensor->shape, &count)) return;
    if (guard->kind == LIG_GUARD_STARTS) {
        fill_starts(m, tensor, count, bound);
        return;
    }
    int64_t limit = bound + (guard->kind == LIG_GUARD_LENGTH);
    for (int64_t i = 0; i < count; i++)
        lig_shape_set_integer(&tensor->shape, tensor->data, i, draw_below(m, limit));
}

// Whether another guard of the same input asks for more: the lowest bound holds for all, starts above all.
static bool is_weaker(const LigGuard *guard, const LigGuard *other, const int64_t *symbols)
{
    int64_t bound = 0, lower = 0;
    if (guard->input != other->input || !lig_str_equal(guard->func, other->func)) return false;
    if (guard->kind != other->kind) return other->kind > guard->kind;
    return lig_dim_eval(guard->bound, symbols, &bound) && lig_dim_eval(other->bound, symbols, &lower) &&
           lower < bound;
}

static void obey_guards(Maker *m, const LigFunc *func, size_t input, const LigTensor *tensor,
                        const int64_t *symbols)
{
    const LigGuard *strongest = NULL;
    for (size_t i = 0; i < m->guards.items.count; i++) {
        const LigGuard *guard = &m->guards.items.data[i];
        if (guard->input != input || !lig_str_equal(guard->func, func->name)) continue;
        if (!strongest || is_weaker(strongest, guard, symbols)) strongest = guard;
    }
    if (strongest) obey(m, strongest, tensor, symbols);
}

// ---- calls ----

static bool make_inputs(Maker *m, const LigFunc *func, LigExampleCall *call)
{
    LigTensor *inputs = LIG_NEW_ARRAY(m->arena, LigTensor, func->inputs.count);
    for (size_t i = 0; inputs && i < func->inputs.count; i++) {
        inputs[i] = new_tensor(m->arena, &func->inputs.data[i]->type, call->symbols);
        if (!inputs[i].data) return false;
        fill(m, &inputs[i]);
        obey_guards(m, func, i, &inputs[i], call->symbols);
    }
    call->inputs = inputs;
    return inputs != NULL;
}

static bool make_states(Maker *m, LigExampleCall *call)
{
    LigTensor *states = LIG_NEW_ARRAY(m->arena, LigTensor, m->module->states.count);
    for (size_t i = 0; states && i < m->module->states.count; i++) {
        states[i] = new_tensor(m->arena, &m->module->states.data[i]->type, call->symbols);
        if (!states[i].data) return false;
        fill(m, &states[i]);
    }
    call->states = states;
    return states != NULL;
}

// What does not fit or has no sizes is left out.
static void make_calls(Maker *m, const LigFunc *func, LigExampleCalls *out)
{
    for (int sample = 0; sample < SAMPLES; sample++) {
        LigExampleCall *call = &out->items[out->count];
        call->func = func->kind == LIG_FUNC_VARIANT ? func->variant_of : func->name;
        out->count +=
            choose_sizes(m, func, sample, call->symbols) && make_inputs(m, func, call) && make_states(m, call);
    }
}

// An index that the function computes has no guard; the interpreter checks it.
static LigStatus find_guards(Maker *m)
{
    LigStatus status = lig_guards_find(m->module, &m->guards);
    if (status != LIG_ERR_UNSUPPORTED) return status;
    lig_context_clear(m->module->ctx);
    m->guards = (LigGuards){0};
    return LIG_OK;
}

LigStatus lig_example_calls(LigModule *module, LigArena *arena, uint64_t seed, LigExampleCalls *out)
{
    Maker m = {.module = module, .arena = arena, .seed = seed};
    *out = (LigExampleCalls){LIG_NEW_ARRAY(arena, LigExampleCall, SAMPLES * module->funcs.count), 0};
    if (!out->items) return lig_no_memory(module->ctx);
    LIG_TRY(find_guards(&m));
    for (size_t i = 0; i < module->funcs.count; i++) {
        const LigFunc *func = module->funcs.data[i];
        if (func->kind == LIG_FUNC || func->kind == LIG_FUNC_VARIANT) make_calls(&m, func, out);
    }
    return LIG_OK;
}

LigStatus lig_example_params(LigModule *module, uint64_t seed)
{
    Maker m = {.module = module, .arena = module->arena, .seed = ~seed};
    for (size_t i = 0; i < module->params.count; i++) {
        LigValue *param = module->params.data[i];
        if (param->data) continue;
        LigTensor tensor = new_tensor(module->arena, &param->type, NULL);
        if (!tensor.data)
            return lig_fail(module->ctx, LIG_ERR_SHAPE, param->loc,
                            "param %%%.*s is too large for random contents: give its weights",
                            LIG_STR_ARG(param->name));
        fill(&m, &tensor);
        param->data = tensor.data;
    }
    return LIG_OK;
}

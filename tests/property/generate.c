#include "tests/property/generate.h"

#include <stdio.h>
#include <string.h>

// ---- random numbers ----

static uint64_t random_next(Random *r) // splitmix64
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

// Mixed once, since seeds one apart would give the same stream one number later.
Random random_begin(uint64_t seed)
{
    Random mixed = {seed};
    return (Random){random_next(&mixed)};
}

uint32_t random_below(Random *r, uint32_t limit) { return (uint32_t)((random_next(r) >> 32) * limit >> 32); }

int64_t random_between(Random *r, int64_t low, int64_t high)
{
    return low + (int64_t)(random_next(r) % (uint64_t)(high - low + 1));
}

double random_real(Random *r, double low, double high)
{
    return low + (high - low) * ((double)(random_next(r) >> 11) * 0x1p-53);
}

static bool one_in(Random *r, uint32_t n) { return random_below(r, n) == 0; }

// ---- the generator ----

enum { MAX_POOL = 64 };

typedef struct Generator {
    Random random;
    LigContext *ctx;
    LigModule *module;
    LigFunc *func;
    LigValue *pool[MAX_POOL]; // what ops of the function may read
    size_t count;
    LigValue *rows[4]; // pos, start, slot, kv_len; NULL without rows
    uint32_t written;  // bit i: state i was written
    LigStatus status;  // NO_MEMORY ends everything; other failures of an op mean another op is tried
} Generator;

static LigDim symbol(Generator *g, const char *name) { return lig_dims_find(g->module->dims, lig_str(name)); }

static LigDim random_dim(Generator *g)
{
    static const int64_t constants[] = {1, 2, 3, 7, 8, 16, 32, 33, 64};
    LigDimTable *t = g->module->dims;
    LigDim n = symbol(g, "N"), m = symbol(g, "M");
    switch (random_below(&g->random, 12)) {
    case 0:
        return m;
    case 1:
        return lig_dim_add(t, n, lig_dim_const(t, 1));
    case 2:
        return lig_dim_mul(t, n, lig_dim_const(t, 2));
    case 3:
        return lig_dim_ceildiv(t, n, 4);
    case 4:
        return lig_dim_min(t, n, m);
    case 5:
    case 6:
    case 7:
        return n;
    default:
        return lig_dim_const(t, constants[random_below(&g->random, sizeof constants / sizeof *constants)]);
    }
}

static LigDtype random_dtype(Generator *g)
{
    static const LigDtype others[] = {LIG_F64, LIG_BF16, LIG_F16, LIG_I64, LIG_I32, LIG_I8, LIG_U8, LIG_BOOL};
    if (!one_in(&g->random, 4)) return LIG_F32;
    return others[random_below(&g->random, sizeof others / sizeof *others)];
}

static LigType random_type(Generator *g)
{
    LigType type = {.dtype = random_dtype(g), .rank = (int)random_between(&g->random, 1, 3)};
    for (int i = 0; i < type.rank; i++) type.dims[i] = random_dim(g);
    if (one_in(&g->random, 2)) type.dims[0] = symbol(g, "N");
    return type;
}

static void keep(Generator *g, LigValue *value)
{
    if (g->count < MAX_POOL) g->pool[g->count++] = value;
}

static LigValue *add_input(Generator *g, const char *name, LigType type)
{
    char number[16];
    LigValue *value = NULL;
    (void)snprintf(number, sizeof number, "a%zu", g->func->inputs.count);
    LigStatus status = lig_func_add_input(g->module, g->func, lig_str(name ? name : number), type, &value);
    if (status != LIG_OK) g->status = status;
    return value;
}

static LigValue *add_param(Generator *g, LigType type)
{
    char name[24];
    LigValue *value = NULL;
    (void)snprintf(name, sizeof name, "w%zu", g->module->params.count);
    LigStatus status = lig_module_add_param(g->module, lig_str(name), type, lig_str(name), &value);
    if (status != LIG_OK) g->status = status;
    return value;
}

// Late values are likelier, so that chains grow.
static LigValue *pick(Generator *g)
{
    size_t half = g->count / 2;
    if (half && !one_in(&g->random, 3))
        return g->pool[half + random_below(&g->random, (uint32_t)(g->count - half))];
    return g->pool[random_below(&g->random, (uint32_t)g->count)];
}

static LigValue *pick_float(Generator *g)
{
    for (int i = 0; i < 8; i++) {
        LigValue *value = pick(g);
        if (lig_dtype_is_float(value->type.dtype)) return value;
    }
    return NULL;
}

// ---- attributes ----

// Names that an attribute may have as its value.
static LigStr random_name(Generator *g, LigAttrKey key)
{
    bool first = one_in(&g->random, 2);
    if (key == LIG_ATTR_PAIRS) return first ? LIG_STR("adjacent") : LIG_STR("half");
    if (key == LIG_ATTR_FORM) return first ? LIG_STR("erf") : LIG_STR("tanh");
    return first ? LIG_STR("zero") : LIG_STR("nan");
}

static void random_integers(Generator *g, const LigType *x, LigAttr *attr)
{
    int64_t *items = LIG_NEW_ARRAY(g->module->arena, int64_t, LIG_MAX_RANK + 1);
    size_t count = 0;
    if (!items) return;
    attr->value.integers.data = items;
    for (int i = 0; i < x->rank; i++) {
        if (attr->key == LIG_ATTR_PERM || one_in(&g->random, 2)) items[count++] = i;
    }
    for (size_t i = count; attr->key == LIG_ATTR_PERM && i > 1; i--) {
        size_t j = random_below(&g->random, (uint32_t)i);
        int64_t kept = items[i - 1];
        items[i - 1] = items[j];
        items[j] = kept;
    }
    attr->value.integers.count = count;
}

static LigAttr random_attr(Generator *g, LigAttrKey key, const LigType *x)
{
    LigAttr attr = {.key = key};
    int rank = x->rank ? x->rank : 1;
    switch (lig_attr_kind(key)) {
    case LIG_ATTR_FLAG:
        break;
    case LIG_ATTR_INT:
        if (key == LIG_ATTR_AXIS)
            attr.value.integer = random_between(&g->random, -rank, rank - 1);
        else if (key == LIG_ATTR_END)
            attr.value.integer = one_in(&g->random, 2) ? -1 : random_between(&g->random, 1, 3);
        else
            attr.value.integer = random_between(&g->random, key == LIG_ATTR_BEGIN ? 0 : 1, 3);
        break;
    case LIG_ATTR_FLOAT:
        attr.value.real = key == LIG_ATTR_EPS ? 1e-5 : random_real(&g->random, 0.1, 2);
        break;
    case LIG_ATTR_NAME:
        attr.value.name = random_name(g, key);
        break;
    case LIG_ATTR_INTS:
        random_integers(g, x, &attr);
        break;
    }
    return attr;
}

static LigAttrs random_attrs(Generator *g, LigOpCode code, const LigType *x)
{
    const LigOpInfo *info = lig_op_info(code);
    LigAttrs attrs = {0};
    for (LigAttrKey key = 0; key < LIG_ATTR_COUNT; key++) {
        bool required = info->required_attrs >> key & 1, optional = info->optional_attrs >> key & 1;
        if (!required && !(optional && one_in(&g->random, 2))) continue;
        if (!lig_attrs_set(g->module->arena, &attrs, random_attr(g, key, x))) g->status = LIG_ERR_NO_MEMORY;
    }
    return attrs;
}

// ---- ops ----

// False when the shape rule refuses.
static bool try_op(Generator *g, LigOpSpec spec)
{
    LigOp *op;
    LigStatus status = lig_op_create(g->module, g->func, &spec, &op);
    lig_context_clear(g->ctx);
    if (status == LIG_ERR_NO_MEMORY) g->status = status;
    if (status != LIG_OK) return false;
    for (size_t i = 0; i < op->result_count; i++) keep(g, op->results[i]);
    return true;
}

// A type that rules might accept as stated: another dtype, axes joined, or axes added.
static LigType random_stated(Generator *g, LigOpCode code, const LigType *x)
{
    LigType type = *x;
    LigDimTable *t = g->module->dims;
    type.layout = (LigLayout){0};
    if (code == LIG_OP_CAST) {
        type.dtype = random_dtype(g);
    } else if (code == LIG_OP_RESHAPE && type.rank > 1 && one_in(&g->random, 2)) {
        LigDim flat = lig_dim_mul(t, type.dims[type.rank - 2], type.dims[type.rank - 1]);
        int64_t low = 0, high = 0;
        if (flat) lig_dim_range(t, flat, &low, &high);
        if (flat && low < 0) return type; // N * (ceildiv(N, 4) - 1): the verifier can't tell that it is none
        type.dims[type.rank - 2] = flat;
        type.rank--;
    } else if (code == LIG_OP_RESHAPE && type.rank < 4) {
        int64_t last = 0;
        bool even = type.rank && lig_dim_is_const(type.dims[type.rank - 1], &last) && last % 8 == 0;
        type.dims[type.rank++] = lig_dim_const(t, even ? 8 : 1);
        if (even) type.dims[type.rank - 2] = lig_dim_const(t, last / 8);
    } else if (code == LIG_OP_BROADCAST && type.rank < 4) {
        for (int i = type.rank++; i > 0; i--) type.dims[i] = type.dims[i - 1];
        type.dims[0] = random_dim(g);
    } else if (code == LIG_OP_IOTA) {
        type = random_type(g);
    }
    return type;
}

// Any op whose operands may be any values.
static bool any_op(Generator *g, LigOpCode code)
{
    size_t least, most;
    LigValue *operands[4];
    lig_op_operand_range(code, &least, &most);
    if (most > 4) most = 3;
    if (least > most || most > 4) return false;
    size_t count = least + random_below(&g->random, (uint32_t)(most - least + 1));
    for (size_t i = 0; i < count; i++) operands[i] = pick(g);
    const LigType some = {.rank = 1}, *x = count ? &operands[0]->type : &some;
    LigType stated = random_stated(g, code, x);
    for (int i = 0; i < stated.rank; i++) {
        if (!stated.dims[i]) return false;
    }
    LigOpSpec spec = {.code = code, .operands = operands, .operand_count = count, .stated = &stated};
    spec.attrs = random_attrs(g, code, code == LIG_OP_IOTA ? &stated : x);
    bool views =
        code == LIG_OP_CAST || code == LIG_OP_RESHAPE || code == LIG_OP_BROADCAST || code == LIG_OP_IOTA;
    if (!views) spec.stated = NULL;
    return try_op(g, spec);
}

static bool constant_op(Generator *g)
{
    LigType type = {.dtype = LIG_F32, .rank = (int)random_below(&g->random, 3)};
    if (one_in(&g->random, 4)) type.dtype = one_in(&g->random, 2) ? LIG_I32 : LIG_BF16;
    for (int i = 0; i < type.rank; i++)
        type.dims[i] = lig_dim_const(g->module->dims, random_between(&g->random, 1, 8));
    if (!try_op(g, (LigOpSpec){.code = LIG_OP_CONSTANT, .stated = &type})) return false;
    LigValue *value = g->pool[g->count - 1];
    LigShape shape;
    size_t bytes;
    int64_t count;
    if (!lig_type_bind(&type, NULL, &shape) || !lig_shape_bytes(&shape, &bytes) ||
        !lig_shape_count(&shape, &count))
        return false;
    void *data = lig_arena_alloc(g->module->arena, bytes);
    static const double neutral[] = {0.0, -0.0, 1.0, -1.0, 2.0}; // of some op, which simplify then removes
    bool is_neutral = one_in(&g->random, 2);
    double number = neutral[random_below(&g->random, 5)];
    for (int64_t i = 0; data && i < count; i++) {
        double other = (double)random_between(&g->random, -8, 8) / 4;
        lig_shape_set(&shape, data, i, is_neutral ? number : other);
    }
    value->data = data;
    return data != NULL;
}

// The constant size of x's last axis; 0 when it varies.
static int64_t columns_of(const LigValue *x)
{
    int64_t columns = 0;
    if (!x || !x->type.rank || !lig_dim_is_const(x->type.dims[x->type.rank - 1], &columns)) return 0;
    return columns;
}

static bool linear_op(Generator *g)
{
    static const LigDtype dtypes[] = {LIG_F32,  LIG_F32,  LIG_BF16, LIG_F16, LIG_Q8_0,
                                      LIG_Q4_0, LIG_Q4_1, LIG_Q5_0, LIG_Q5_1};
    static const int64_t widths[] = {1, 5, 8, 16, 32, 33, 64};
    LigValue *x = pick_float(g);
    int64_t columns = columns_of(x);
    if (!columns) return false;
    LigDtype dtype = dtypes[random_below(&g->random, columns % 32 ? 4 : sizeof dtypes / sizeof *dtypes)];
    int64_t dims[2] = {widths[random_below(&g->random, sizeof widths / sizeof *widths)], columns};
    LigValue *operands[2] = {x, add_param(g, lig_type_const(g->module->dims, dtype, 2, dims))};
    return operands[1] &&
           try_op(g, (LigOpSpec){.code = LIG_OP_LINEAR, .operands = operands, .operand_count = 2});
}

static bool norm_op(Generator *g, LigOpCode code)
{
    LigValue *x = pick_float(g);
    int64_t columns = columns_of(x);
    if (!columns) return false;
    LigType type = lig_type_const(g->module->dims, LIG_F32, 1, &columns);
    LigValue *operands[3] = {x, add_param(g, type), NULL};
    size_t count = 2;
    if (code == LIG_OP_LAYER_NORM && one_in(&g->random, 2)) operands[count++] = add_param(g, type);
    if (g->status != LIG_OK) return false;
    LigOpSpec spec = {.code = code, .operands = operands, .operand_count = count};
    spec.attrs = random_attrs(g, code, &x->type);
    return try_op(g, spec);
}

static bool gather_op(Generator *g)
{
    static const LigDtype dtypes[] = {LIG_F32, LIG_BF16, LIG_Q8_0, LIG_Q4_1, LIG_Q5_1};
    int64_t dims[2] = {random_between(&g->random, 3, 40), 32};
    LigValue *ids = NULL;
    for (int i = 0; i < 8 && !ids; i++) {
        ids = pick(g);
        if (ids->type.dtype != LIG_I32 || ids->kind != LIG_VALUE_INPUT) ids = NULL;
    }
    if (!ids) return false;
    LigValue *operands[2] = {pick(g), ids};
    if (!one_in(&g->random, 3)) {
        LigDtype dtype = dtypes[random_below(&g->random, sizeof dtypes / sizeof *dtypes)];
        operands[0] = add_param(g, lig_type_const(g->module->dims, dtype, 2, dims));
    }
    if (!operands[0]) return false;
    LigOpSpec spec = {.code = LIG_OP_GATHER, .operands = operands, .operand_count = 2};
    spec.attrs = random_attrs(g, LIG_OP_GATHER, &operands[0]->type);
    return try_op(g, spec);
}

// ---- rows: rope, append, attention ----

enum { POS, START, SLOT, KV_LEN, HEADS = 2, HEAD = 8 };

static void add_rows(Generator *g)
{
    LigDimTable *t = g->module->dims;
    LigDim n = symbol(g, "N"), r = symbol(g, "R");
    const LigDim sizes[4] = {n, lig_dim_add(t, r, lig_dim_const(t, 1)), r, r};
    static const char *const names[4] = {"pos", "start", "slot", "kv_len"};
    for (int i = 0; i < 4; i++)
        g->rows[i] = add_input(g, names[i], (LigType){.dtype = LIG_I32, .rank = 1, .dims = {sizes[i]}});
}

// x[N,heads*HEAD] made from any float, viewed as heads.
static LigValue *heads_of(Generator *g, int64_t heads)
{
    for (int i = 0; i < 6; i++) {
        LigValue *x = pick_float(g);
        int64_t columns = columns_of(x);
        if (!columns || x->type.rank != 2 || x->type.dims[0] != symbol(g, "N") || x->type.dtype != LIG_F32)
            continue;
        const int64_t dims[2] = {heads * HEAD, columns};
        LigValue *operands[2] = {x, add_param(g, lig_type_const(g->module->dims, LIG_F32, 2, dims))};
        LigType viewed = {.dtype = LIG_F32, .rank = 3, .dims = {symbol(g, "N")}};
        viewed.dims[1] = lig_dim_const(g->module->dims, heads);
        viewed.dims[2] = lig_dim_const(g->module->dims, HEAD);
        if (!operands[1]) return NULL;
        if (!try_op(g, (LigOpSpec){.code = LIG_OP_LINEAR, .operands = operands, .operand_count = 2}))
            return NULL;
        LigOpSpec spec = {
            .code = LIG_OP_RESHAPE, .operands = &g->pool[g->count - 1], .operand_count = 1, .stated = &viewed};
        return try_op(g, spec) ? g->pool[g->count - 1] : NULL;
    }
    return NULL;
}

static LigValue *rope_op(Generator *g, LigValue *x)
{
    LigType type = {.dtype = LIG_F32, .rank = 1};
    type.dims[0] = lig_dim_const(g->module->dims, one_in(&g->random, 3) ? 3 : 4);
    LigValue *operands[3] = {x, g->rows[POS], add_param(g, type)};
    LigOpSpec spec = {.code = LIG_OP_ROPE, .operands = operands, .operand_count = 3};
    spec.attrs = random_attrs(g, LIG_OP_ROPE, &x->type);
    return operands[2] && try_op(g, spec) ? g->pool[g->count - 1] : x;
}

static LigValue *append_op(Generator *g, LigValue *x)
{
    size_t states = g->module->states.count;
    for (size_t i = 0; i < states; i++) {
        if (g->written >> i & 1) continue;
        LigValue *operands[5] = {g->module->states.data[i], x, g->rows[SLOT], g->rows[START], g->rows[POS]};
        if (!try_op(g, (LigOpSpec){.code = LIG_OP_APPEND, .operands = operands, .operand_count = 5}))
            return NULL;
        g->written |= UINT32_C(1) << i;
        return g->pool[--g->count]; // a cache is no operand for just any op
    }
    return NULL;
}

// Writes a state that is not written yet; what goes in may be another state.
static bool state_op(Generator *g, LigOpCode code)
{
    size_t least, most, states = g->module->states.count;
    LigValue *operands[4];
    lig_op_operand_range(code, &least, &most);
    if (!states || !least || least > 4) return false;
    size_t first = random_below(&g->random, (uint32_t)states);
    if (g->written >> first & 1) return false;
    operands[0] = g->module->states.data[first];
    for (size_t i = 1; i < least; i++) {
        size_t other = random_below(&g->random, (uint32_t)states);
        bool stateful = other != first && !(g->written >> other & 1) && one_in(&g->random, 2);
        operands[i] = stateful ? g->module->states.data[other] : pick(g);
    }
    LigOpSpec spec = {.code = code, .operands = operands, .operand_count = least};
    spec.attrs = random_attrs(g, code, &operands[0]->type);
    if (!try_op(g, spec)) return false;
    g->written |= UINT32_C(1) << first;
    g->count--; // as for caches
    return true;
}

static bool attention_op(Generator *g)
{
    if (!g->rows[0] || g->count + 8 > MAX_POOL) return false;
    LigValue *q = heads_of(g, one_in(&g->random, 2) ? HEADS : 2 * HEADS), *x = q ? heads_of(g, HEADS) : NULL;
    if (!x) return false;
    q = rope_op(g, q);
    LigValue *k = append_op(g, rope_op(g, x)), *v = k ? append_op(g, x) : NULL;
    if (!v) return false;
    LigValue *operands[7] = {q, k, v, g->rows[POS], g->rows[START], g->rows[SLOT], g->rows[KV_LEN]};
    LigOpSpec spec = {.code = LIG_OP_ATTENTION, .operands = operands, .operand_count = 7};
    spec.attrs = random_attrs(g, LIG_OP_ATTENTION, &q->type);
    return try_op(g, spec);
}

// ---- functions and the module ----

// The op of some value once more, on that value or on the same operands in another order.
static bool repeated_op(Generator *g)
{
    const LigValue *value = pick(g);
    if (!value || value->kind != LIG_VALUE_RESULT) return false;
    const LigOp *op = value->op;
    LigOpClass class = lig_op_info(op->code)->class;
    bool simple = class == LIG_OPS_ELEMENTWISE || class == LIG_OPS_VIEW;
    if (!simple || op->operand_count == 0 || op->operand_count > 3) return false;
    LigValue *operands[3];
    for (size_t i = 0; i < op->operand_count; i++) operands[i] = op->operands[op->operand_count - 1 - i];
    if (one_in(&g->random, 2)) operands[random_below(&g->random, (uint32_t)op->operand_count)] = op->results[0];
    LigOpSpec spec = {.code = op->code,
                      .operands = operands,
                      .operand_count = op->operand_count,
                      .attrs = op->attrs,
                      .stated = &op->results[0]->type};
    return try_op(g, spec);
}

static bool random_op(Generator *g)
{
    if (one_in(&g->random, 8) && repeated_op(g)) return true;
    LigOpCode code = (LigOpCode)random_below(&g->random, LIG_OP_COUNT);
    switch ((int)code) {
    case LIG_OP_CALL:
    case LIG_OP_PACK:
        return false; // of later stages
    case LIG_OP_CONSTANT:
        return constant_op(g);
    case LIG_OP_RMS_NORM:
    case LIG_OP_LAYER_NORM:
        return norm_op(g, code);
    case LIG_OP_LINEAR:
        return linear_op(g);
    case LIG_OP_GATHER:
        return gather_op(g);
    case LIG_OP_ROPE:
    case LIG_OP_APPEND:
    case LIG_OP_ATTENTION:
        return attention_op(g);
    default:
        break;
    }
    return lig_op_info(code)->class == LIG_OPS_STATE ? state_op(g, code) : any_op(g, code);
}

static void add_outputs(Generator *g)
{
    size_t wanted = 1 + random_below(&g->random, 3), inputs = g->func->inputs.count;
    for (size_t i = 0; i < wanted && g->status == LIG_OK; i++) {
        LigValue *value = i == 0 ? g->pool[g->count - 1] : pick(g);
        bool again = false;
        for (size_t k = 0; k < g->func->outputs.count; k++) again |= g->func->outputs.data[k] == value;
        if (!again && (value->kind == LIG_VALUE_RESULT || inputs == g->count))
            g->status = lig_func_add_output(g->module, g->func, value);
    }
}

static void add_function(Generator *g, size_t index)
{
    char name[24];
    (void)snprintf(name, sizeof name, "f%zu", index);
    g->status = lig_module_add_func(g->module, LIG_FUNC, lig_str(name), &g->func);
    if (g->status != LIG_OK) return;
    g->count = 0;
    g->written = 0;
    memset(g->rows, 0, sizeof g->rows);
    size_t inputs = 1 + random_below(&g->random, 3), ops = 1 + random_below(&g->random, 10);
    for (size_t i = 0; i < inputs; i++) keep(g, add_input(g, NULL, random_type(g)));
    const LigDim n = symbol(g, "N");
    if (one_in(&g->random, 3)) keep(g, add_input(g, NULL, (LigType){.dtype = LIG_I32, .rank = 1, .dims = {n}}));
    if (one_in(&g->random, 3)) {
        keep(g, add_input(
                    g, NULL,
                    (LigType){.dtype = LIG_F32, .rank = 2, .dims = {n, lig_dim_const(g->module->dims, 32)}}));
        add_rows(g);
    }
    for (int tries = 0; tries < 400 && ops && g->status == LIG_OK; tries++) ops -= random_op(g);
    if (g->status == LIG_OK) add_outputs(g);
    lig_func_renumber(g->func);
}

static LigStatus declare_dims(Generator *g)
{
    static const LigSymbol symbols[] = {
        {{"N", 1}, 1, 24}, {{"R", 1}, 1, 3}, {{"M", 1}, 2, 9}, {{"C", 1}, 48, 64}, {{"S", 1}, 3, 4}};
    LigDim dim;
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++)
        LIG_TRY(lig_dims_declare(g->ctx, g->module->dims, LIG_NOWHERE, symbols[i], &dim));
    const LigFact fact = {symbol(g, "R"), symbol(g, "N"), LIG_REL_LE};
    return lig_dims_add_fact(g->module->dims, fact) ? LIG_OK : lig_no_memory(g->ctx);
}

static LigStatus add_states(Generator *g)
{
    LigDimTable *t = g->module->dims;
    LigType type = {.dtype = one_in(&g->random, 2) ? LIG_F32 : LIG_BF16, .rank = 4};
    type.dims[0] = symbol(g, "S");
    type.dims[1] = lig_dim_const(t, HEADS);
    type.dims[2] = symbol(g, "C");
    type.dims[3] = lig_dim_const(t, HEAD);
    for (int i = 0; i < 4; i++) {
        char name[16];
        LigValue *state;
        (void)snprintf(name, sizeof name, "s%d", i);
        LIG_TRY(lig_module_add_state(g->module, lig_str(name), type, &state));
    }
    return LIG_OK;
}

static LigStatus fill_module(Generator *g)
{
    LIG_TRY(declare_dims(g));
    if (one_in(&g->random, 2)) LIG_TRY(add_states(g));
    size_t functions = 1 + random_below(&g->random, 2);
    for (size_t i = 0; i < functions && g->status == LIG_OK; i++) add_function(g, i);
    return g->status;
}

LigStatus generate_module(LigContext *ctx, uint64_t seed, LigModule **out)
{
    Generator g = {.random = random_begin(seed), .ctx = ctx};
    LIG_TRY(lig_module_create(ctx, LIG_STR("random"), &g.module));
    LigStatus status = fill_module(&g);
    if (status == LIG_OK)
        *out = g.module;
    else
        lig_module_destroy(g.module);
    return status;
}

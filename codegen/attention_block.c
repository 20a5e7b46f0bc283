// One block of keys against a few query rows: scores, running maximum and sum, weighted values.
//
// What one row goes through is the same sequence of operations whatever the number of rows: each score is one
// chain over d ascending, each output element one chain over keys ascending. So bits do not depend on how
// queries are grouped. Source: Milakov & Gimelshein 2018 (running softmax), Dao et al. 2022 (blocks).
#include "codegen/body.h"
#include "codegen/emit_attention.h"
#include "codegen/math.h"

enum { MAX_VECTORS = 16 };

typedef struct Block {
    const LigAttention *a;
    LigEmitter *e;
    int rows;
    bool partial;
    LLVMValueRef query, key, value, state, from, to;
} Block;

static LLVMValueRef query_row(const Block *b, int row)
{
    const LigAttentionSizes *s = &b->a->sizes;
    int64_t index = row / s->heads_at_once * s->heads + row % s->heads_at_once;
    return lig_emit_offset_by(b->e, b->query, index * s->width * (int64_t)sizeof(float));
}

static LLVMValueRef state_row(const Block *b, int row, int64_t offset)
{
    return lig_emit_offset_by(b->e, b->state, row * b->a->sizes.state_bytes + offset);
}

static LLVMValueRef bytes_of(LigEmitter *e, LLVMValueRef count, int64_t bytes)
{
    return LLVMBuildMul(e->builder, count, lig_i64(e, bytes), "");
}

static LLVMValueRef load_splat(const Block *b, LLVMValueRef pointer, LLVMValueRef index)
{
    LLVMValueRef address = lig_emit_offset(b->e, pointer, bytes_of(b->e, index, sizeof(float)));
    return lig_emit_splat(b->e, lig_emit_load(b->e, b->e->f32, address, sizeof(float)), b->a->sizes.lanes);
}

static LLVMTypeRef vector_type(const Block *b) { return lig_lanes(b->e->f32, b->a->sizes.lanes); }

// The most vectors beside each other so that rows * vectors accumulators, the vectors and one more fit in
// registers.
static int vectors_at_once(const Block *b)
{
    int registers = b->e->target->vector_registers, vectors = 1;
    while (b->rows * 2 * vectors + 2 * vectors + 1 <= registers && vectors < 4) vectors *= 2;
    return vectors;
}

// ---- scores: panels of keys ----

// `count` vectors of keys from `first` (a pointer at d = 0) against all rows; sums of row r, vector v at
// sums[r * count + v]. `strides` are the bytes from the first vector to each.
static void score_vectors(const Block *b, LLVMValueRef first, const int64_t *strides, int count,
                          LLVMValueRef *sums)
{
    LigEmitter *e = b->e;
    const LigType *type = b->a->key_type;
    int64_t step = type->layout.n * lig_dtype_block_bytes(type->dtype);
    for (int i = 0; i < b->rows * count; i++) sums[i] = LLVMConstNull(vector_type(b));
    LigLoop loop;
    LigRange range = {lig_i64(e, 0), lig_i64(e, b->a->sizes.width), lig_i64(e, 1)};
    lig_loop_begin(e, &loop, range, sums, b->rows * count);
    LLVMValueRef keys[MAX_VECTORS], at = lig_emit_offset(e, first, bytes_of(e, loop.index, step));
    for (int v = 0; v < count; v++)
        keys[v] = lig_body_load(e, lig_emit_offset_by(e, at, strides[v]), type->dtype, b->a->sizes.lanes, NULL);
    for (int r = 0; r < b->rows; r++) {
        LLVMValueRef q = load_splat(b, query_row(b, r), loop.index);
        for (int v = 0; v < count; v++)
            sums[r * count + v] = lig_emit_fma(e, q, keys[v], loop.carried[r * count + v]);
    }
    lig_loop_end(e, &loop, sums);
    for (int i = 0; i < b->rows * count; i++) sums[i] = loop.carried[i];
}

// Bytes from the block's first key to the vector of keys `key`, a multiple of lanes.
static int64_t panel_offset(const Block *b, int64_t key)
{
    const LigType *type = b->a->key_type;
    int64_t n = type->layout.n;
    return (key / n * n * b->a->sizes.width + key % n) * lig_dtype_block_bytes(type->dtype);
}

static void score_panels(const Block *b)
{
    int lanes = b->a->sizes.lanes, count = vectors_at_once(b);
    LLVMValueRef sums[LIG_MAX_CARRIED];
    for (int first = 0; first < LIG_ATTENTION_KEYS; first += count * lanes) {
        int64_t strides[MAX_VECTORS];
        for (int v = 0; v < count; v++) strides[v] = panel_offset(b, first + v * lanes);
        score_vectors(b, b->key, strides, count, sums);
        for (int i = 0; i < b->rows * count; i++) {
            int64_t offset = b->a->sizes.scores + (first + i % count * lanes) * (int64_t)sizeof(float);
            lig_emit_store(b->e, sums[i], state_row(b, i / count, offset), sizeof(float));
        }
    }
}

// Only the vectors that hold a key in from .. to: those beyond may lie outside the cache.
static void score_some_panels(const Block *b)
{
    LigEmitter *e = b->e;
    const LigType *type = b->a->key_type;
    LLVMValueRef lanes = lig_i64(e, b->a->sizes.lanes), n = lig_i64(e, type->layout.n), sums[LIG_MAX_CARRIED];
    LLVMValueRef begin = LLVMBuildSub(e->builder, b->from, LLVMBuildURem(e->builder, b->from, lanes, ""), "");
    LigLoop loop;
    lig_loop_begin(e, &loop, (LigRange){begin, b->to, lanes}, NULL, 0);
    LLVMValueRef inside = LLVMBuildURem(e->builder, loop.index, n, "");
    LLVMValueRef panel = LLVMBuildSub(e->builder, loop.index, inside, "");
    LLVMValueRef at = LLVMBuildAdd(e->builder, bytes_of(e, panel, b->a->sizes.width), inside, "");
    LLVMValueRef first = lig_emit_offset(e, b->key, bytes_of(e, at, lig_dtype_block_bytes(type->dtype)));
    const int64_t none = 0;
    score_vectors(b, first, &none, 1, sums);
    for (int r = 0; r < b->rows; r++) {
        LLVMValueRef scores = state_row(b, r, b->a->sizes.scores);
        lig_emit_store(e, sums[r], lig_emit_offset(e, scores, bytes_of(e, loop.index, sizeof(float))),
                       sizeof(float));
    }
    lig_loop_end(e, &loop, NULL);
}

// ---- scores: rows of keys ----

static LLVMValueRef width_mask(const Block *b, int vector)
{
    int64_t left = b->a->sizes.width - (int64_t)vector * b->a->sizes.lanes;
    return left >= b->a->sizes.lanes ? NULL : lig_emit_tail_mask(b->e, b->a->sizes.lanes, lig_i64(b->e, left));
}

// Vector `vector` of a row of D elements at `pointer`.
static LLVMValueRef load_width(const Block *b, LLVMValueRef pointer, LigDtype dtype, int vector)
{
    int64_t bytes = (int64_t)vector * b->a->sizes.lanes * lig_dtype_block_bytes(dtype);
    LLVMValueRef address = lig_emit_offset_by(b->e, pointer, bytes);
    return lig_body_load(b->e, address, dtype, b->a->sizes.lanes, width_mask(b, vector));
}

// Lane i sums d = i, i + lanes, …; then the lanes are halved.
static void score_rows(const Block *b)
{
    LigEmitter *e = b->e;
    const LigAttentionSizes *s = &b->a->sizes;
    LigDtype dtype = b->a->key_type->dtype;
    LigLoop loop;
    lig_loop_begin(e, &loop, (LigRange){b->from, b->to, lig_i64(e, 1)}, NULL, 0);
    LLVMValueRef key =
        lig_emit_offset(e, b->key, bytes_of(e, loop.index, s->stride * lig_dtype_block_bytes(dtype)));
    LLVMValueRef sums[LIG_MAX_CARRIED];
    for (int r = 0; r < b->rows; r++) sums[r] = LLVMConstNull(vector_type(b));
    for (int v = 0; v < s->width_vectors; v++) {
        LLVMValueRef part = load_width(b, key, dtype, v);
        for (int r = 0; r < b->rows; r++)
            sums[r] = lig_emit_fma(e, load_width(b, query_row(b, r), LIG_F32, v), part, sums[r]);
    }
    for (int r = 0; r < b->rows; r++) {
        LLVMValueRef scores = state_row(b, r, s->scores);
        LLVMValueRef score = lig_emit_offset(e, scores, bytes_of(e, loop.index, sizeof(float)));
        lig_emit_store(e, lig_emit_sum_lanes(e, sums[r]), score, sizeof(float));
    }
    lig_loop_end(e, &loop, NULL);
}

// ---- weights: one row ----

// Scaled and capped scores of vector `vector`, -inf where a key is not seen.
static LLVMValueRef final_scores(const Block *b, LLVMValueRef scores, int vector)
{
    LigEmitter *e = b->e;
    int lanes = b->a->sizes.lanes;
    LigAttrs attrs = b->a->op->attrs;
    LLVMValueRef address = lig_emit_offset_by(e, scores, (int64_t)vector * lanes * (int64_t)sizeof(float));
    LLVMValueRef x = lig_emit_load(e, vector_type(b), address, sizeof(float));
    double cap = lig_attrs_float(attrs, LIG_ATTR_SOFTCAP, 0), scale = lig_attrs_float(attrs, LIG_ATTR_SCALE, 1);
    x = LLVMBuildFMul(e->builder, x, lig_float_like(LLVMTypeOf(x), cap != 0 ? scale / cap : scale), "");
    if (cap != 0) x = LLVMBuildFMul(e->builder, lig_emit_tanh(e, x), lig_float_like(LLVMTypeOf(x), cap), "");
    LLVMValueRef numbers[LIG_MAX_LANES];
    for (int i = 0; i < lanes; i++) numbers[i] = lig_i32(e, vector * lanes + i);
    LLVMValueRef key = LLVMConstVector(numbers, (unsigned)lanes);
    LLVMValueRef from = lig_emit_splat(e, LLVMBuildTrunc(e->builder, b->from, e->i32, ""), lanes);
    LLVMValueRef to = lig_emit_splat(e, LLVMBuildTrunc(e->builder, b->to, e->i32, ""), lanes);
    LLVMValueRef after = LLVMBuildICmp(e->builder, LLVMIntSGE, key, from, "");
    LLVMValueRef before = LLVMBuildICmp(e->builder, LLVMIntSLT, key, to, "");
    LLVMValueRef hidden = lig_float_like(LLVMTypeOf(x), -__builtin_inf());
    return LLVMBuildSelect(e->builder, LLVMBuildAnd(e->builder, after, before, ""), x, hidden, "");
}

static LLVMTypeRef weigh_type(const LigEmitter *e)
{
    LLVMTypeRef params[] = {e->ptr, e->i64, e->i64};
    return LLVMFunctionType(e->nothing, params, 3, false);
}

// x[0] op x[1], x[2] op x[3], … until one is left; count is a power of two. The inputs are kept.
static LLVMValueRef combine(const Block *b, const LLVMValueRef *inputs, int count, bool sum)
{
    LLVMValueRef x[MAX_VECTORS] = {inputs[0]};
    for (int i = 1; i < count; i++) x[i] = inputs[i];
    for (; count > 1; count /= 2) {
        for (int i = 0; i < count / 2; i++) {
            LLVMValueRef left = x[2 * i], right = x[2 * i + 1];
            x[i] = sum ? LLVMBuildFAdd(b->e->builder, left, right, "") : lig_emit_max(b->e, left, right);
        }
    }
    return x[0];
}

// Turns scores into weights exp(score - maximum) and updates maximum and sum. `state` is the row's.
static void weigh_row(const Block *b, LLVMValueRef state)
{
    LigEmitter *e = b->e;
    LLVMBuilderRef builder = e->builder;
    const LigAttentionSizes *s = &b->a->sizes;
    int count = LIG_ATTENTION_KEYS / s->lanes;
    LIG_ASSERT(count > 0 && count <= MAX_VECTORS);
    LLVMValueRef scores = lig_emit_offset_by(e, state, s->scores), x[MAX_VECTORS];
    LLVMValueRef maximum = lig_emit_offset_by(e, state, s->maximum), sum = lig_emit_offset_by(e, state, s->sum);
    for (int i = 0; i < count; i++) x[i] = final_scores(b, scores, i);
    LLVMValueRef old = lig_emit_load(e, e->f32, maximum, sizeof(float));
    LLVMValueRef most = lig_emit_max(e, lig_emit_max_lanes(e, combine(b, x, count, false)), old);
    // Where every score is -inf, weights are zero, not NaN.
    LLVMValueRef nothing =
        LLVMBuildFCmp(builder, LLVMRealOEQ, most, LLVMConstReal(e->f32, -__builtin_inf()), "");
    LLVMValueRef center = LLVMBuildSelect(builder, nothing, lig_f32(e, 0), most, "");
    LLVMValueRef rescale = lig_emit_exp(e, LLVMBuildFSub(builder, old, center, ""));
    LLVMValueRef centers = lig_emit_splat(e, center, s->lanes);
    for (int i = 0; i < count; i++) {
        x[i] = lig_emit_exp(e, LLVMBuildFSub(builder, x[i], centers, ""));
        lig_emit_store(e, x[i], lig_emit_offset_by(e, scores, (int64_t)i * s->lanes * (int64_t)sizeof(float)),
                       sizeof(float));
    }
    LLVMValueRef total = lig_emit_load(e, vector_type(b), sum, sizeof(float));
    total = lig_emit_fma(e, total, lig_emit_splat(e, rescale, s->lanes), combine(b, x, count, true));
    lig_emit_store(e, total, sum, sizeof(float));
    lig_emit_store(e, most, maximum, sizeof(float));
    lig_emit_store(e, rescale, lig_emit_offset_by(e, state, s->rescale), sizeof(float));
}

// Calls weigh_row's function for each row.
static void weigh_rows(const Block *b)
{
    LigLoop loop;
    lig_loop_begin(b->e, &loop, (LigRange){lig_i64(b->e, 0), lig_i64(b->e, b->rows), lig_i64(b->e, 1)}, NULL,
                   0);
    LLVMValueRef state = lig_emit_offset(b->e, b->state, bytes_of(b->e, loop.index, b->a->sizes.state_bytes));
    LLVMValueRef args[] = {state, b->from, b->to};
    LLVMBuildCall2(b->e->builder, weigh_type(b->e), b->a->weigh, args, 3, "");
    lig_loop_end(b->e, &loop, NULL);
}

// ---- values ----

// Vectors first .. first + count of every row's output: rescaled, plus weights times values, keys ascending.
static void add_values(const Block *b, int first, int count)
{
    LigEmitter *e = b->e;
    const LigAttentionSizes *s = &b->a->sizes;
    LigDtype dtype = b->a->value_type->dtype;
    LLVMValueRef sums[LIG_MAX_CARRIED], parts[MAX_VECTORS];
    for (int i = 0; i < b->rows * count; i++) {
        int64_t offset = s->out + (first + i % count) * s->lanes * (int64_t)sizeof(float);
        LLVMValueRef rescale = load_splat(b, state_row(b, i / count, s->rescale), lig_i64(e, 0));
        sums[i] = lig_emit_load(e, vector_type(b), state_row(b, i / count, offset), sizeof(float));
        sums[i] = LLVMBuildFMul(e->builder, sums[i], rescale, "");
    }
    LigLoop loop;
    lig_loop_begin(e, &loop, (LigRange){b->from, b->to, lig_i64(e, 1)}, sums, b->rows * count);
    LLVMValueRef value =
        lig_emit_offset(e, b->value, bytes_of(e, loop.index, s->stride * lig_dtype_block_bytes(dtype)));
    for (int v = 0; v < count; v++) parts[v] = load_width(b, value, dtype, first + v);
    for (int r = 0; r < b->rows; r++) {
        LLVMValueRef weight = load_splat(b, state_row(b, r, s->scores), loop.index);
        for (int v = 0; v < count; v++)
            sums[r * count + v] = lig_emit_fma(e, weight, parts[v], loop.carried[r * count + v]);
    }
    lig_loop_end(e, &loop, sums);
    for (int i = 0; i < b->rows * count; i++) {
        int64_t offset = s->out + (first + i % count) * s->lanes * (int64_t)sizeof(float);
        lig_emit_store(e, loop.carried[i], state_row(b, i / count, offset), sizeof(float));
    }
}

LLVMTypeRef lig_attention_block_type(const LigEmitter *e)
{
    LLVMTypeRef params[] = {e->ptr, e->ptr, e->ptr, e->ptr, e->i64, e->i64};
    return LLVMFunctionType(e->nothing, params, 6, false);
}

static void emit_block(const Block *b)
{
    bool panels = b->a->key_type->layout.kind == LIG_LAYOUT_PANEL;
    if (!panels)
        score_rows(b);
    else if (b->partial)
        score_some_panels(b);
    else
        score_panels(b);
    weigh_rows(b);
    int at_once = vectors_at_once(b), vectors = b->a->sizes.width_vectors;
    for (int first = 0; first < vectors; first += at_once)
        add_values(b, first, vectors - first < at_once ? vectors - first : at_once);
    LLVMBuildRetVoid(b->e->builder);
}

// Where emission of the caller goes on.
typedef struct Caller {
    LLVMValueRef function;
    LLVMBasicBlockRef place;
} Caller;

static Caller leave(const LigEmitter *e) { return (Caller){e->function, LLVMGetInsertBlock(e->builder)}; }

static void come_back(LigEmitter *e, Caller caller)
{
    LLVMSetLinkage(e->function, LLVMInternalLinkage);
    e->function = caller.function;
    LLVMPositionBuilderAtEnd(e->builder, caller.place);
}

LLVMValueRef lig_attention_weigh(LigAttention *a)
{
    LigEmitter *e = a->k->e;
    Caller caller = leave(e);
    LLVMTypeRef params[] = {e->ptr, e->i64, e->i64};
    LLVMValueRef function = lig_emit_function(e, "weigh_row", e->nothing, params, 3);
    Block block = {.a = a, .e = e, .from = LLVMGetParam(function, 1), .to = LLVMGetParam(function, 2)};
    weigh_row(&block, LLVMGetParam(function, 0));
    LLVMBuildRetVoid(e->builder);
    come_back(e, caller);
    return function;
}

LLVMValueRef lig_attention_block(LigAttention *a, const char *name, int tokens, bool partial)
{
    LigEmitter *e = a->k->e;
    Caller caller = leave(e);
    LLVMTypeRef params[] = {e->ptr, e->ptr, e->ptr, e->ptr, e->i64, e->i64};
    LLVMValueRef function = lig_emit_function(e, name, e->nothing, params, 6);
    Block block = {.a = a, .e = e, .rows = tokens * a->sizes.heads_at_once, .partial = partial};
    block.query = LLVMGetParam(function, 0);
    block.key = LLVMGetParam(function, 1);
    block.value = LLVMGetParam(function, 2);
    block.state = LLVMGetParam(function, 3);
    block.from = partial ? LLVMGetParam(function, 4) : lig_i64(e, 0);
    block.to = partial ? LLVMGetParam(function, 5) : lig_i64(e, LIG_ATTENTION_KEYS);
    emit_block(&block);
    come_back(e, caller);
    return function;
}

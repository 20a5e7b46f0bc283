// One run of keys against a few query rows: scores, weights, weighted values, and what they add to the state.
//
// What one row goes through is the same sequence of operations whatever the number of rows: each score is one
// chain over d ascending, each weighted value one chain over keys ascending. Keys that one token of the group
// sees and another does not are folded in under a mask, so that what lies in unseen keys does not matter.
// Source: Dao et al. 2022 (blocks of keys).
#include "codegen/body.h"
#include "codegen/emit_attention.h"

enum { QUERY, KEYS, VALUES, SEEN, STATE, WORK, FIRST };
enum { MAX_VECTORS = 4 };

// Keys from <= j < to of the run, i64.
typedef struct Span {
    LLVMValueRef from, to;
} Span;

typedef struct Block {
    const LigAttention *a;
    LigEmitter *e;
    LLVMValueRef function;
    int tokens, rows;
    Span seen[LIG_ATTENTION_ROWS]; // by token; RUN, 0 when it sees none
    Span any, all;                 // keys that some token sees, and that all see (which may be none)
} Block;

static LLVMValueRef param(const Block *b, int index) { return LLVMGetParam(b->function, (unsigned)index); }

static LLVMValueRef times(const Block *b, LLVMValueRef value, int64_t by)
{
    return LLVMBuildMul(b->e->builder, value, lig_i64(b->e, by), "");
}

static LLVMValueRef query_row(const Block *b, int row)
{
    const LigAttentionSizes *s = &b->a->sizes;
    int64_t index = row / s->heads_at_once * s->heads + row % s->heads_at_once;
    return lig_emit_offset_by(b->e, param(b, QUERY), index * s->width * (int64_t)sizeof(float));
}

static LLVMValueRef state_row(const Block *b, int row)
{
    return lig_emit_offset_by(b->e, param(b, STATE), row * b->a->sizes.state_bytes);
}

static LLVMValueRef work_row(const Block *b, int row)
{
    return lig_emit_offset_by(b->e, param(b, WORK), row * b->a->sizes.work_bytes);
}

static LLVMValueRef load_splat(const Block *b, LLVMValueRef pointer, LLVMValueRef index)
{
    LLVMValueRef address = lig_emit_offset(b->e, pointer, times(b, index, sizeof(float)));
    return lig_emit_splat(b->e, lig_emit_load(b->e, b->e->f32, address, sizeof(float)), b->a->sizes.lanes);
}

static LLVMTypeRef vector_type(const Block *b) { return lig_lanes(b->e->f32, b->a->sizes.lanes); }

// The most vectors beside each other so that rows * vectors accumulators, the vectors and one more fit in
// registers.
static int vectors_at_once(const Block *b)
{
    int registers = b->e->target->vector_registers, vectors = 1;
    while (b->rows * 2 * vectors + 2 * vectors + 1 <= registers && vectors < MAX_VECTORS) vectors *= 2;
    return vectors;
}

// ---- what is seen ----

static LLVMValueRef into_run(const Block *b, LLVMValueRef key)
{
    LigKernelEmitter *k = b->a->k;
    key = LLVMBuildSub(b->e->builder, key, param(b, FIRST), "");
    return lig_kernel_least(k, lig_kernel_greatest(k, key, lig_i64(b->e, 0)), lig_i64(b->e, LIG_ATTENTION_RUN));
}

static Span seen_by(const Block *b, int token)
{
    LigEmitter *e = b->e;
    LLVMValueRef at = lig_emit_offset_by(e, param(b, SEEN), (int64_t)token * 2 * (int64_t)sizeof(int64_t));
    LLVMValueRef from = into_run(b, lig_emit_load(e, e->i64, at, sizeof(int64_t)));
    LLVMValueRef end = lig_emit_offset_by(e, at, sizeof(int64_t));
    LLVMValueRef to = into_run(b, lig_emit_load(e, e->i64, end, sizeof(int64_t)));
    LLVMValueRef some = LLVMBuildICmp(e->builder, LLVMIntSLT, from, to, "");
    return (Span){LLVMBuildSelect(e->builder, some, from, lig_i64(e, LIG_ATTENTION_RUN), ""),
                  LLVMBuildSelect(e->builder, some, to, lig_i64(e, 0), "")};
}

static void find_spans(Block *b)
{
    LigKernelEmitter *k = b->a->k;
    for (int i = 0; i < b->tokens; i++) {
        Span s = b->seen[i] = seen_by(b, i);
        b->any.from = i == 0 ? s.from : lig_kernel_least(k, b->any.from, s.from);
        b->any.to = i == 0 ? s.to : lig_kernel_greatest(k, b->any.to, s.to);
        b->all.from = i == 0 ? s.from : lig_kernel_greatest(k, b->all.from, s.from);
        b->all.to = i == 0 ? s.to : lig_kernel_least(k, b->all.to, s.to);
    }
    // Inside of `any`, and not backwards.
    b->all.from = lig_kernel_least(k, b->all.from, b->any.to);
    b->all.to = lig_kernel_greatest(k, b->all.to, b->all.from);
}

static LLVMValueRef sees_some(const Block *b, int row)
{
    const Span *seen = &b->seen[row / b->a->sizes.heads_at_once];
    return LLVMBuildICmp(b->e->builder, LLVMIntSLT, seen->from, seen->to, "");
}

// ---- scores ----

// Bytes from the first to the vector of keys `key`, a multiple of lanes, inside a panel or at a panel's begin.
static int64_t panel_offset(const Block *b, int64_t key)
{
    const LigAttentionSizes *s = &b->a->sizes;
    return (key / s->panel * s->panel * s->width + key % s->panel) * lig_dtype_block_bytes(s->panel_dtype);
}

// `count` vectors of keys from `first` (a pointer at d = 0) against all rows; sums of row r, vector v at
// sums[r * count + v].
static void score_vectors(const Block *b, LLVMValueRef first, int count, LLVMValueRef *sums)
{
    LigEmitter *e = b->e;
    const LigAttentionSizes *s = &b->a->sizes;
    int64_t step = s->panel * lig_dtype_block_bytes(s->panel_dtype);
    for (int i = 0; i < b->rows * count; i++) sums[i] = LLVMConstNull(vector_type(b));
    LigLoop loop;
    LigRange range = {lig_i64(e, 0), lig_i64(e, s->width), lig_i64(e, 1)};
    lig_loop_begin(e, &loop, range, sums, b->rows * count);
    LLVMValueRef keys[MAX_VECTORS], at = lig_emit_offset(e, first, times(b, loop.index, step));
    for (int v = 0; v < count; v++) {
        LLVMValueRef address = lig_emit_offset_by(e, at, panel_offset(b, (int64_t)v * s->lanes));
        keys[v] = lig_body_load(e, address, s->panel_dtype, s->lanes, NULL);
    }
    for (int r = 0; r < b->rows; r++) {
        LLVMValueRef q = load_splat(b, query_row(b, r), loop.index);
        for (int v = 0; v < count; v++)
            sums[r * count + v] = lig_emit_fma(e, q, keys[v], loop.carried[r * count + v]);
    }
    lig_loop_end(e, &loop, sums);
    for (int i = 0; i < b->rows * count; i++) sums[i] = loop.carried[i];
}

// Scores of keys from <= j < to, `count` vectors at a time; both are multiples of as many keys.
static void score_span(const Block *b, Span span, int count)
{
    LigEmitter *e = b->e;
    const LigAttentionSizes *s = &b->a->sizes;
    LLVMValueRef sums[LIG_MAX_CARRIED], panel = lig_i64(e, s->panel);
    LigLoop loop;
    lig_loop_begin(e, &loop, (LigRange){span.from, span.to, lig_i64(e, (int64_t)count * s->lanes)}, NULL, 0);
    LLVMValueRef inside = LLVMBuildURem(e->builder, loop.index, panel, "");
    LLVMValueRef whole = LLVMBuildSub(e->builder, loop.index, inside, "");
    LLVMValueRef at = LLVMBuildAdd(e->builder, times(b, whole, s->width), inside, "");
    int64_t bytes = lig_dtype_block_bytes(s->panel_dtype);
    score_vectors(b, lig_emit_offset(e, param(b, KEYS), times(b, at, bytes)), count, sums);
    LLVMValueRef offset = times(b, loop.index, sizeof(float));
    for (int i = 0; i < b->rows * count; i++) {
        LLVMValueRef row = lig_emit_offset(e, work_row(b, i / count), offset);
        int64_t vector = (int64_t)(i % count) * s->lanes * (int64_t)sizeof(float);
        lig_emit_store(e, sums[i], lig_emit_offset_by(e, row, vector), sizeof(float));
    }
    lig_loop_end(e, &loop, NULL);
}

static LLVMValueRef floor_to(const Block *b, LLVMValueRef value, int64_t multiple)
{
    LLVMValueRef rest = LLVMBuildURem(b->e->builder, value, lig_i64(b->e, multiple), "");
    return LLVMBuildSub(b->e->builder, value, rest, "");
}

// Of all vectors that hold a key which some token sees: in wide steps, then vector by vector. Vectors beyond
// are not read: they may lie outside the cache.
static void score(const Block *b)
{
    LigEmitter *e = b->e;
    const LigAttentionSizes *s = &b->a->sizes;
    int count = vectors_at_once(b);
    int64_t wide = (int64_t)count * s->lanes, aligned = wide < s->panel ? wide : s->panel;
    LLVMValueRef from = floor_to(b, b->any.from, aligned);
    LLVMValueRef to = LLVMBuildAdd(e->builder, b->any.to, lig_i64(e, s->lanes - 1), "");
    to = floor_to(b, to, s->lanes);
    LLVMValueRef steps = floor_to(b, LLVMBuildSub(e->builder, to, from, ""), wide);
    LLVMValueRef middle = LLVMBuildAdd(e->builder, from, steps, "");
    score_span(b, (Span){from, middle}, count);
    if (count > 1) score_span(b, (Span){middle, to}, 1);
}

// ---- weights ----

static void weigh_row(const Block *b, int row)
{
    LigEmitter *e = b->e;
    Span seen = b->seen[row / b->a->sizes.heads_at_once];
    LLVMValueRef args[] = {work_row(b, row), state_row(b, row), seen.from, seen.to};
    LLVMValueRef width = LLVMBuildSub(e->builder, seen.to, seen.from, "");
    LigIf branch;
    lig_if_begin(e, &branch, LLVMBuildICmp(e->builder, LLVMIntEQ, width, lig_i64(e, LIG_ATTENTION_RUN), ""));
    lig_attention_call(e, b->a->weigh_all, args, 2, 2);
    lig_if_else(e, &branch, NULL, 0);
    lig_attention_call(e, b->a->weigh_some, args, 2, 2);
    lig_if_end(e, &branch, NULL, NULL);
}

// ---- values ----

static LLVMValueRef width_mask(const Block *b, int vector)
{
    int64_t left = b->a->sizes.width - (int64_t)vector * b->a->sizes.lanes;
    return left >= b->a->sizes.lanes ? NULL : lig_emit_tail_mask(b->e, b->a->sizes.lanes, lig_i64(b->e, left));
}

// Vectors first .. first + count of the row of values at `key`.
static void load_values(const Block *b, LLVMValueRef key, int first, int count, LLVMValueRef *values)
{
    const LigAttentionSizes *s = &b->a->sizes;
    LigDtype dtype = b->a->value_type->dtype;
    int64_t bytes = lig_dtype_block_bytes(dtype);
    LLVMValueRef row = lig_emit_offset(b->e, param(b, VALUES), times(b, key, s->stride * bytes));
    for (int v = 0; v < count; v++) {
        LLVMValueRef at = lig_emit_offset_by(b->e, row, (int64_t)(first + v) * s->lanes * bytes);
        values[v] = lig_body_load(b->e, at, dtype, s->lanes, width_mask(b, first + v));
    }
}

// Whether the token of a row sees key `key`, in every lane.
static LLVMValueRef sees(const Block *b, int row, LLVMValueRef key)
{
    LLVMBuilderRef builder = b->e->builder;
    const Span *seen = &b->seen[row / b->a->sizes.heads_at_once];
    LLVMValueRef after = LLVMBuildICmp(builder, LLVMIntSGE, key, seen->from, "");
    LLVMValueRef before = LLVMBuildICmp(builder, LLVMIntSLT, key, seen->to, "");
    return lig_emit_splat(b->e, LLVMBuildAnd(builder, after, before, ""), b->a->sizes.lanes);
}

// sums[r * count + v] += weight * value for the keys of a span; where `masked`, of those that a row sees.
static void add_span(const Block *b, Span span, int first, int count, bool masked, LLVMValueRef *sums)
{
    LigEmitter *e = b->e;
    int total = b->rows * count;
    LLVMValueRef values[MAX_VECTORS], next[LIG_MAX_CARRIED];
    LigLoop loop;
    lig_loop_begin(e, &loop, (LigRange){span.from, span.to, lig_i64(e, 1)}, sums, total);
    load_values(b, loop.index, first, count, values);
    for (int r = 0; r < b->rows; r++) {
        LLVMValueRef weight = load_splat(b, work_row(b, r), loop.index);
        LLVMValueRef mask = masked ? sees(b, r, loop.index) : NULL;
        for (int i = r * count; i < (r + 1) * count; i++) {
            next[i] = lig_emit_fma(e, weight, values[i % count], loop.carried[i]);
            if (masked) next[i] = LLVMBuildSelect(e->builder, mask, next[i], loop.carried[i], "");
        }
    }
    lig_loop_end(e, &loop, next);
    for (int i = 0; i < total; i++) sums[i] = loop.carried[i];
}

// The run's weighted values into the state's, where the row's token sees any of its keys.
static void merge_values(const Block *b, int row, int first, int count, const LLVMValueRef *sums)
{
    LigEmitter *e = b->e;
    const LigAttentionSizes *s = &b->a->sizes;
    LLVMValueRef zero = lig_i64(e, 0);
    LLVMValueRef keep = load_splat(b, lig_emit_offset_by(e, work_row(b, row), s->keep), zero);
    LLVMValueRef add = load_splat(b, lig_emit_offset_by(e, work_row(b, row), s->add), zero);
    for (int v = 0; v < count; v++) {
        int64_t bytes = (int64_t)(first + v) * s->lanes * (int64_t)sizeof(float);
        LLVMValueRef at = lig_emit_offset_by(e, state_row(b, row), bytes);
        LLVMValueRef old = lig_emit_load(e, vector_type(b), at, sizeof(float));
        lig_emit_store(e, lig_attention_merge_values(e, (LLVMValueRef[]){old, keep, sums[v], add}), at,
                       sizeof(float));
    }
}

static void add_values(const Block *b, int first, int count)
{
    LLVMValueRef sums[LIG_MAX_CARRIED];
    for (int i = 0; i < b->rows * count; i++) sums[i] = LLVMConstNull(vector_type(b));
    if (b->tokens > 1) add_span(b, (Span){b->any.from, b->all.from}, first, count, true, sums);
    add_span(b, b->all, first, count, false, sums);
    if (b->tokens > 1) add_span(b, (Span){b->all.to, b->any.to}, first, count, true, sums);
    for (int r = 0; r < b->rows; r++) {
        LigIf branch;
        if (b->tokens > 1) lig_if_begin(b->e, &branch, sees_some(b, r));
        merge_values(b, r, first, count, &sums[r * count]);
        if (b->tokens > 1) lig_if_else(b->e, &branch, NULL, 0);
        if (b->tokens > 1) lig_if_end(b->e, &branch, NULL, NULL);
    }
}

LLVMValueRef lig_attention_merge_values(LigEmitter *e, const LLVMValueRef parts[4])
{
    return lig_emit_fma(e, parts[2], parts[3], LLVMBuildFMul(e->builder, parts[0], parts[1], ""));
}

static void emit_block(const Block *b)
{
    score(b);
    for (int r = 0; r < b->rows; r++) weigh_row(b, r);
    int at_once = vectors_at_once(b), vectors = b->a->sizes.width_vectors;
    for (int first = 0; first < vectors; first += at_once)
        add_values(b, first, vectors - first < at_once ? vectors - first : at_once);
}

LLVMValueRef lig_attention_block(LigAttention *a, const char *name, int tokens)
{
    LigEmitter *e = a->k->e;
    LigAttentionCaller caller;
    Block b = {.a = a, .e = e, .tokens = tokens, .rows = tokens * a->sizes.heads_at_once};
    b.function =
        lig_attention_begin(e, name, LIG_ATTENTION_BLOCK_POINTERS, LIG_ATTENTION_BLOCK_INTEGERS, &caller);
    find_spans(&b);
    LigIf branch;
    lig_if_begin(e, &branch, LLVMBuildICmp(e->builder, LLVMIntSLT, b.any.from, b.any.to, ""));
    emit_block(&b);
    lig_if_else(e, &branch, NULL, 0);
    lig_if_end(e, &branch, NULL, NULL);
    lig_attention_end(e, caller);
    return b.function;
}

// Scores of one query row against a run of keys to weights: 2^(score * factor - maximum), in base two so that
// one fused multiply-add takes both scale and maximum. Weights are summed vector by vector ascending, so that
// vectors of which no key is seen may be left out.
// Source: Milakov & Gimelshein 2018 (running softmax).
#include "codegen/emit_attention.h"
#include "codegen/math.h"

enum { MAX_VECTORS = LIG_ATTENTION_RUN / 4 };
static const double log2_e = 1.4426950408889634;

typedef struct Weigh {
    const LigAttention *a;
    LigEmitter *e;
    LLVMTypeRef vector;
    LLVMValueRef work, state, from, to;
    double scale, cap, factor; // weight = 2^(prepared score * factor - maximum); factor > 0
} Weigh;

// A score before it is compared: with a cap, or a scale that would turn the order round, it is computed here.
static LLVMValueRef prepare(const Weigh *w, LLVMValueRef score)
{
    LLVMBuilderRef b = w->e->builder;
    if (w->cap != 0) {
        LLVMValueRef share = LLVMBuildFMul(b, score, lig_float_like(w->vector, w->scale / w->cap), "");
        return lig_emit_tanh(w->e, share);
    }
    return w->scale > 0 ? score : LLVMBuildFMul(b, score, lig_float_like(w->vector, w->scale), "");
}

static bool prepares(const Weigh *w) { return w->cap != 0 || w->scale <= 0; }

static LLVMValueRef address(const Weigh *w, LLVMValueRef key)
{
    LLVMValueRef bytes = LLVMBuildMul(w->e->builder, key, lig_i64(w->e, sizeof(float)), "");
    return lig_emit_offset(w->e, w->work, bytes);
}

// Scores from key `key` on, -inf where a key is not seen.
static LLVMValueRef seen_scores(const Weigh *w, LLVMValueRef score, LLVMValueRef key)
{
    LigEmitter *e = w->e;
    int lanes = w->a->sizes.lanes;
    LLVMValueRef numbers[LIG_MAX_LANES];
    for (int i = 0; i < lanes; i++) numbers[i] = lig_i32(e, i);
    LLVMValueRef lane = LLVMConstVector(numbers, (unsigned)lanes), limits[2] = {w->from, w->to};
    for (int i = 0; i < 2; i++) {
        LLVMValueRef left = LLVMBuildSub(e->builder, limits[i], key, "");
        limits[i] = lig_emit_splat(e, LLVMBuildTrunc(e->builder, left, e->i32, ""), lanes);
    }
    LLVMValueRef after = LLVMBuildICmp(e->builder, LLVMIntSGE, lane, limits[0], "");
    LLVMValueRef before = LLVMBuildICmp(e->builder, LLVMIntSLT, lane, limits[1], "");
    LLVMValueRef hidden = lig_float_like(w->vector, -__builtin_inf());
    return LLVMBuildSelect(e->builder, LLVMBuildAnd(e->builder, after, before, ""), score, hidden, "");
}

// The maximum times the factor; 0 where every score is -inf, so that weights are zero, not NaN.
static LLVMValueRef center_of(const Weigh *w, LLVMValueRef maximum)
{
    LigEmitter *e = w->e;
    LLVMValueRef lowest = LLVMConstReal(e->f32, -__builtin_inf());
    LLVMValueRef nothing = LLVMBuildFCmp(e->builder, LLVMRealOEQ, maximum, lowest, "");
    return LLVMBuildSelect(e->builder, nothing, lig_f32(e, 0), maximum, "");
}

static LLVMValueRef weight_of(const Weigh *w, LLVMValueRef score, LLVMValueRef minus_center)
{
    return lig_emit_exp2(w->e, lig_emit_fma(w->e, score, lig_float_like(w->vector, w->factor), minus_center));
}

static LLVMValueRef scaled_maximum(const Weigh *w, LLVMValueRef vector)
{
    LigEmitter *e = w->e;
    LLVMValueRef factor = LLVMConstReal(e->f32, w->factor);
    return LLVMBuildFMul(e->builder, lig_emit_max_lanes(e, vector), factor, "");
}

static LLVMValueRef minus_center(const Weigh *w, LLVMValueRef maximum)
{
    LLVMValueRef minus = LLVMBuildFNeg(w->e->builder, center_of(w, maximum), "");
    return lig_emit_splat(w->e, minus, w->a->sizes.lanes);
}

// All keys of the run, in registers. Gives the maximum, and the sum's lanes.
static LLVMValueRef weigh_all(const Weigh *w, LLVMValueRef *sum)
{
    LigEmitter *e = w->e;
    int lanes = w->a->sizes.lanes, count = LIG_ATTENTION_RUN / lanes;
    LLVMValueRef x[MAX_VECTORS], most[2] = {0};
    for (int i = 0; i < count; i++) {
        LLVMValueRef at = lig_emit_offset_by(e, w->work, (int64_t)i * lanes * (int64_t)sizeof(float));
        x[i] = prepare(w, lig_emit_load(e, w->vector, at, sizeof(float)));
        most[i % 2] = i < 2 ? x[i] : lig_emit_max(e, x[i], most[i % 2]);
    }
    LLVMValueRef maximum = scaled_maximum(w, lig_emit_max(e, most[0], most[1]));
    LLVMValueRef center = minus_center(w, maximum);
    *sum = LLVMConstNull(w->vector);
    for (int i = 0; i < count; i++) {
        LLVMValueRef at = lig_emit_offset_by(e, w->work, (int64_t)i * lanes * (int64_t)sizeof(float));
        x[i] = weight_of(w, x[i], center);
        lig_emit_store(e, x[i], at, sizeof(float));
        *sum = LLVMBuildFAdd(e->builder, *sum, x[i], "");
    }
    return maximum;
}

static LLVMValueRef load_seen(const Weigh *w, LLVMValueRef key)
{
    return seen_scores(w, lig_emit_load(w->e, w->vector, address(w, key), sizeof(float)), key);
}

// The vectors that hold a key from <= j < to.
static LLVMValueRef weigh_some(const Weigh *w, LLVMValueRef *sum)
{
    LigEmitter *e = w->e;
    LLVMValueRef lanes = lig_i64(e, w->a->sizes.lanes);
    LLVMValueRef first = LLVMBuildSub(e->builder, w->from, LLVMBuildURem(e->builder, w->from, lanes, ""), "");
    LLVMValueRef lowest = lig_float_like(w->vector, -__builtin_inf());
    LigLoop loop;
    lig_loop_begin(e, &loop, (LigRange){first, w->to, lanes}, &lowest, 1);
    LLVMValueRef x = lig_emit_load(e, w->vector, address(w, loop.index), sizeof(float));
    x = prepare(w, x);
    if (prepares(w)) lig_emit_store(e, x, address(w, loop.index), sizeof(float));
    LLVMValueRef most = lig_emit_max(e, seen_scores(w, x, loop.index), loop.carried[0]);
    lig_loop_end(e, &loop, &most);
    LLVMValueRef maximum = scaled_maximum(w, loop.carried[0]), center = minus_center(w, maximum);
    *sum = LLVMConstNull(w->vector);
    lig_loop_begin(e, &loop, (LigRange){first, w->to, lanes}, sum, 1);
    x = weight_of(w, load_seen(w, loop.index), center);
    lig_emit_store(e, x, address(w, loop.index), sizeof(float));
    LLVMValueRef next = LLVMBuildFAdd(e->builder, loop.carried[0], x, "");
    lig_loop_end(e, &loop, &next);
    *sum = loop.carried[0];
    return maximum;
}

static LigAttentionSum load_state(const Weigh *w)
{
    LigEmitter *e = w->e;
    LLVMValueRef maximum = lig_emit_offset_by(e, w->state, w->a->sizes.maximum);
    LLVMValueRef sum = lig_emit_offset_by(e, w->state, w->a->sizes.sum);
    return (LigAttentionSum){lig_emit_load(e, e->f32, maximum, sizeof(float)),
                             lig_emit_load(e, e->f32, sum, sizeof(float))};
}

static void store_state(const Weigh *w, LigAttentionSum state)
{
    LigEmitter *e = w->e;
    lig_emit_store(e, state.maximum, lig_emit_offset_by(e, w->state, w->a->sizes.maximum), sizeof(float));
    lig_emit_store(e, state.sum, lig_emit_offset_by(e, w->state, w->a->sizes.sum), sizeof(float));
}

// Takes a run's maximum and sum into the state, and leaves the factors of the state's values and of the run's.
static void merge(const Weigh *w, LigAttentionSum run)
{
    LigEmitter *e = w->e;
    LigAttentionMerge merge = lig_attention_merge(e, load_state(w), run);
    store_state(w, merge.state);
    lig_emit_store(e, merge.keep, lig_emit_offset_by(e, w->work, w->a->sizes.keep), sizeof(float));
    lig_emit_store(e, merge.add, lig_emit_offset_by(e, w->work, w->a->sizes.add), sizeof(float));
}

// 2^(x - center) of one number.
static LLVMValueRef power_of(LigEmitter *e, LLVMValueRef x, LLVMValueRef center)
{
    return lig_emit_exp2(e, LLVMBuildFSub(e->builder, x, center, ""));
}

LigAttentionMerge lig_attention_merge(LigEmitter *e, LigAttentionSum state, LigAttentionSum run)
{
    LLVMBuilderRef b = e->builder;
    Weigh w = {.e = e};
    LLVMValueRef maximum = lig_emit_max(e, run.maximum, state.maximum);
    LLVMValueRef center = center_of(&w, maximum);
    LigAttentionMerge m = {.keep = power_of(e, state.maximum, center), .add = power_of(e, run.maximum, center)};
    m.state.sum = lig_emit_fma(e, run.sum, m.add, LLVMBuildFMul(b, state.sum, m.keep, ""));
    m.state.maximum = maximum;
    return m;
}

static Weigh describe(const LigAttention *a, LLVMValueRef function, bool all)
{
    LigEmitter *e = a->k->e;
    LigAttrs attrs = a->op->attrs;
    Weigh w = {.a = a, .e = e, .vector = lig_lanes(e->f32, a->sizes.lanes)};
    w.work = LLVMGetParam(function, 0);
    w.state = LLVMGetParam(function, 1);
    w.from = all ? lig_i64(e, 0) : LLVMGetParam(function, 2);
    w.to = all ? lig_i64(e, LIG_ATTENTION_RUN) : LLVMGetParam(function, 3);
    w.cap = lig_attrs_float(attrs, LIG_ATTR_SOFTCAP, 0);
    w.scale = lig_attrs_float(attrs, LIG_ATTR_SCALE, 1);
    w.factor = w.cap != 0 ? w.cap : w.scale > 0 ? w.scale : 1;
    w.factor *= log2_e;
    return w;
}

LLVMValueRef lig_attention_weigh(LigAttention *a, const char *name, bool all)
{
    LigEmitter *e = a->k->e;
    LigAttentionCaller caller;
    LLVMValueRef function = lig_attention_begin(e, name, 2, 2, &caller), lanes;
    Weigh w = describe(a, function, all);
    LLVMValueRef maximum = all ? weigh_all(&w, &lanes) : weigh_some(&w, &lanes);
    merge(&w, (LigAttentionSum){maximum, lig_emit_sum_lanes(e, lanes)});
    lig_attention_end(e, caller);
    return function;
}

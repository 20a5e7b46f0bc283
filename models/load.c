// load: what is made of params once. Files keep their form; transposing, taking apart what they fuse, widening
// narrow vectors and cutting tables are ops, so that gradients go back through them into the file's form.
#include "models/block.h"

// The result of one op on one value, named after it: "0.wo" with ending ".t" gives "0.wo.t".
static LigValue *derive(LigBuilder *b, LigValue *x, const char *ending, LigOpSpec spec)
{
    if (!x) return NULL;
    spec.name = lig_str_format(b->module->arena, "%.*s%s", LIG_STR_ARG(x->name), ending);
    spec.operands = &x;
    spec.operand_count = 1;
    if (spec.name.data) return lig_build(b, spec);
    if (b->status == LIG_OK) b->status = lig_no_memory(b->module->ctx);
    return NULL;
}

static LigValue *transpose(LigBuilder *b, LigValue *x)
{
    static const int64_t swapped[] = {1, 0};
    LigAttr perm = {.key = LIG_ATTR_PERM, .value.integers = {swapped, 2}};
    return derive(b, x, ".t", (LigOpSpec){.code = LIG_OP_TRANSPOSE, .attrs = {&perm, 1}});
}

// x as f32, itself when it is.
static LigValue *widen(LigBuilder *b, LigValue *x)
{
    if (!x || x->type.dtype == LIG_F32) return x;
    LigType type = x->type;
    type.dtype = LIG_F32;
    return derive(b, x, ".f32", (LigOpSpec){.code = LIG_OP_CAST, .stated = &type});
}

// Indices begin … begin + count - 1 of an axis.
typedef struct Cut {
    int axis;
    int64_t begin, count;
} Cut;

static LigValue *cut(LigBuilder *b, LigStr name, LigValue *x, Cut c)
{
    LigAttr attrs[] = {{.key = LIG_ATTR_AXIS, .value.integer = c.axis},
                       {.key = LIG_ATTR_BEGIN, .value.integer = c.begin},
                       {.key = LIG_ATTR_END, .value.integer = c.begin + c.count}};
    return lig_build(
        b, (LigOpSpec){
               .code = LIG_OP_SLICE, .name = name, .operands = &x, .operand_count = 1, .attrs = {attrs, 3}});
}

// ---- fused tensors ----

// The parts of a fused tensor [rows,…], by role, with their rows.
typedef struct Parts {
    LigRole roles[3];
    int64_t rows[3];
    int count;
} Parts;

static void split_in_turn(LigDraft *d, LigBuilder *b, int64_t layer, LigValue *fused, const Parts *parts)
{
    int64_t begin = 0;
    for (int i = 0; i < parts->count; i++) {
        LigStr name = lig_weight_name(d->module->arena, &lig_names_param, parts->roles[i], layer, 0);
        d->layers[layer].weights[parts->roles[i]] = cut(b, name, fused, (Cut){0, begin, parts->rows[i]});
        begin += parts->rows[i];
    }
}

static LigValue *reshape(LigBuilder *b, const char *name, LigValue *x, int rank, const int64_t *sizes)
{
    LigDim dims[LIG_MAX_RANK] = {0};
    for (int i = 0; i < rank; i++) dims[i] = lig_dim_const(b->module->dims, sizes[i]);
    return lig_build_reshape(b, name, x, rank, dims);
}

// Queries, keys and values of each head one after another: heads x 3 x head rows.
static void split_per_head(LigDraft *d, LigBuilder *b, int64_t layer, LigValue *fused, const Parts *parts)
{
    const LigAttentionSpec *a = &d->layers[layer].block->attention;
    int tail = fused->type.rank > 1 ? 1 : 0; // a weight has columns, a bias has none
    const int64_t grouped[] = {a->heads, 3, a->head, d->spec->width};
    const int64_t joined[] = {a->heads * a->head, d->spec->width};
    LigStr name = lig_str_format(d->module->arena, "%.*s.heads", LIG_STR_ARG(fused->name));
    LigValue *heads = reshape(b, name.data, fused, 3 + tail, grouped);
    for (int i = 0; i < parts->count; i++) {
        LigStr part = lig_weight_name(d->module->arena, &lig_names_param, parts->roles[i], layer, 0);
        name = lig_str_format(d->module->arena, "%.*s.heads", LIG_STR_ARG(part));
        LigValue *own = cut(b, name, heads, (Cut){1, i, 1});
        d->layers[layer].weights[parts->roles[i]] = reshape(b, part.data, own, 1 + tail, joined);
    }
}

static void split_qkv(LigDraft *d, LigBuilder *b, int64_t layer)
{
    const LigAttentionSpec *a = &d->layers[layer].block->attention;
    int64_t q = a->heads * a->head, kv = a->kv_heads * a->head;
    const Parts weights = {{LIG_ROLE_WQ, LIG_ROLE_WK, LIG_ROLE_WV}, {q, kv, kv}, 3};
    const Parts biases = {{LIG_ROLE_BQ, LIG_ROLE_BK, LIG_ROLE_BV}, {q, kv, kv}, 3};
    LigValue *const *w = d->layers[layer].weights;
    bool per_head = d->names->qkv == LIG_QKV_PER_HEAD;
    if (w[LIG_ROLE_WQKV]) (per_head ? split_per_head : split_in_turn)(d, b, layer, w[LIG_ROLE_WQKV], &weights);
    if (w[LIG_ROLE_BQKV]) (per_head ? split_per_head : split_in_turn)(d, b, layer, w[LIG_ROLE_BQKV], &biases);
}

static void split_gate_up(LigDraft *d, LigBuilder *b, int64_t layer)
{
    int64_t m = d->layers[layer].block->mlp.width;
    const Parts weights = {{LIG_ROLE_GATE, LIG_ROLE_UP}, {m, m}, 2};
    const Parts biases = {{LIG_ROLE_GATE_BIAS, LIG_ROLE_UP_BIAS}, {m, m}, 2};
    LigValue *const *w = d->layers[layer].weights;
    if (w[LIG_ROLE_GATE_UP]) split_in_turn(d, b, layer, w[LIG_ROLE_GATE_UP], &weights);
    if (w[LIG_ROLE_GATE_UP_BIAS]) split_in_turn(d, b, layer, w[LIG_ROLE_GATE_UP_BIAS], &biases);
}

// ---- the whole of load ----

// Norms and biases compute in f32: those stored narrower are cast once.
static void widen_vectors(LigBuilder *b, LigValue **weights)
{
    for (size_t role = 0; role < LIG_ROLE_COUNT; role++) {
        if (weights[role] && weights[role]->type.rank == 1) weights[role] = widen(b, weights[role]);
    }
}

static void load_layer(LigDraft *d, LigBuilder *b, int64_t layer)
{
    static const LigRole linear[] = {LIG_ROLE_WQKV,    LIG_ROLE_WQ,   LIG_ROLE_WK, LIG_ROLE_WV,  LIG_ROLE_WO,
                                     LIG_ROLE_GATE_UP, LIG_ROLE_GATE, LIG_ROLE_UP, LIG_ROLE_DOWN};
    LigValue **weights = d->layers[layer].weights;
    for (size_t i = 0; d->names->transposed && i < sizeof linear / sizeof *linear; i++) {
        if (weights[linear[i]]) weights[linear[i]] = transpose(b, weights[linear[i]]);
    }
    if (b->status == LIG_OK) split_qkv(d, b, layer);
    split_gate_up(d, b, layer);
    widen_vectors(b, weights);
    d->layers[layer].freq = d->freq[d->layers[layer].block - d->spec->blocks];
}

// The rows of the table of positions that positions take, and the one of padding.
static void cut_positions(LigDraft *d, LigBuilder *b)
{
    const LigPositionSpec *p = &d->spec->position;
    LigValue *table = d->weights[LIG_ROLE_POSITIONS];
    if (!table || !p->offset) return;
    d->weights[LIG_ROLE_POSITIONS] =
        cut(b, LIG_STR("tok.pos.from"), table, (Cut){0, p->offset, d->spec->context});
    if (p->from_pad == LIG_NO_PAD) return;
    d->pad_position = widen(b, cut(b, LIG_STR("tok.pos.pad"), table, (Cut){0, p->from_pad, 1}));
}

static LigValue *build_frequencies(LigDraft *d, LigBuilder *b, const LigBlockSpec *block, const char *name)
{
    const LigRopeSpec *rope = lig_spec_rope(d->spec, block);
    int64_t pairs = lig_rope_pairs(rope, block->attention.head);
    float *freq = LIG_NEW_ARRAY(d->module->arena, float, (size_t)pairs);
    LigType type = lig_type_const(d->module->dims, LIG_F32, 1, &pairs);
    if (!freq || !type.dims[0]) {
        if (b->status == LIG_OK) b->status = lig_no_memory(d->module->ctx);
        return NULL;
    }
    lig_rope_frequencies(rope, block->attention.head, freq);
    LigStr full =
        lig_str_format(d->module->arena, "%s%s", name, rope->scaling == LIG_ROPE_FACTORS ? ".plain" : "");
    if (!full.data) {
        if (b->status == LIG_OK) b->status = lig_no_memory(d->module->ctx);
        return NULL;
    }
    LigValue *plain = lig_build_constant(b, full.data, &type, freq, (size_t)pairs * sizeof *freq);
    if (rope->scaling != LIG_ROPE_FACTORS) return plain;
    return lig_build_binary(b, LIG_OP_DIV, name, plain, d->weights[LIG_ROLE_ROPE_FACTORS]);
}

// One constant a distinct rope: %freq of the model's own, %BLOCK.freq of others.
static void load_frequencies(LigDraft *d, LigBuilder *b)
{
    for (size_t i = 0; i < d->spec->block_count; i++) {
        const LigBlockSpec *block = &d->spec->blocks[i];
        const LigRopeSpec *rope = lig_spec_rope(d->spec, block);
        if (!rope) continue;
        for (size_t j = 0; j < i && !d->freq[i]; j++) {
            const LigBlockSpec *other = &d->spec->blocks[j];
            bool same = lig_spec_rope(d->spec, other) == rope && other->attention.head == block->attention.head;
            if (same) d->freq[i] = d->freq[j];
        }
        if (d->freq[i]) continue;
        LigStr name = LIG_STR("freq");
        if (i) name = lig_str_format(d->module->arena, "%.*s.freq", LIG_STR_ARG(block->name));
        d->freq[i] = build_frequencies(d, b, block, name.data);
    }
}

LigStatus lig_draft_load(LigDraft *d)
{
    LigFunc *load;
    LIG_TRY(lig_module_add_func(d->module, LIG_FUNC_LOAD, (LigStr){0}, &load));
    LigBuilder b = lig_builder(d->module, load);
    cut_positions(d, &b);
    widen_vectors(&b, d->weights);
    load_frequencies(d, &b);
    for (int64_t i = 0; i < d->layer_count && b.status == LIG_OK; i++) load_layer(d, &b, i);
    return lig_builder_status(&b);
}

// The params and states of a decoder: which tensors the spec calls for, with which shapes, and what load makes
// of them.
#include "models/block.h"

// A tensor as the spec needs it: a vector [rows] when columns is 0, else a matrix [rows,columns].
typedef struct Needed {
    LigRole role;
    bool present;
    int64_t rows, columns;
} Needed;

static LigStatus fail_shape(const LigDecoder *d, LigStr name, const LigType *found, const Needed *needed)
{
    LigText text = {0};
    lig_type_print(&text, d->module->dims, found);
    lig_text_printf(&text, ", but the spec needs [%lld", (long long)needed->rows);
    if (needed->columns) lig_text_printf(&text, ",%lld", (long long)needed->columns);
    LigStatus status = lig_fail(d->module->ctx, LIG_ERR_SHAPE, LIG_NOWHERE,
                                "tensor %.*s is %.*s]: the file and its configuration disagree",
                                LIG_STR_ARG(name), LIG_STR_ARG(lig_text_view(&text)));
    lig_text_free(&text);
    return status;
}

// Vectors are cast to f32, so they must be float; matrices may be block-quantised.
static LigStatus check_tensor(const LigDecoder *d, LigStr name, const LigTensorInfo *info, const Needed *needed)
{
    int rank = needed->columns ? 2 : 1;
    bool fits =
        info->rank == rank && info->dims[0] == needed->rows && (rank == 1 || info->dims[1] == needed->columns);
    if (!fits) {
        LigType found = lig_type_const(d->module->dims, info->dtype, info->rank, info->dims);
        for (int i = 0; i < found.rank; i++) {
            if (!found.dims[i]) return lig_no_memory(d->module->ctx);
        }
        return fail_shape(d, name, &found, needed);
    }
    bool stored = lig_dtype_is_float(info->dtype) || (rank == 2 && lig_dtype_is_quantised(info->dtype));
    if (!stored)
        return lig_fail(d->module->ctx, LIG_ERR_DTYPE, LIG_NOWHERE, "tensor %.*s is %s, but %s must be %s",
                        LIG_STR_ARG(name), lig_dtype_name(info->dtype), rank == 1 ? "a vector" : "a matrix",
                        rank == 1 ? "float" : "float or block-quantised");
    return LIG_OK;
}

static LigStatus declare_param(LigDecoder *d, const Needed *needed, int64_t layer, LigValue **out)
{
    LigArena *arena = d->module->arena;
    LigStr source = lig_weight_name(arena, d->names, needed->role, layer);
    LigStr name = lig_weight_name(arena, &lig_names_param, needed->role, layer);
    if (!source.data || !name.data) return lig_no_memory(d->module->ctx);
    LigTensorInfo info = {0};
    if (!d->source.find(d->source.data, source, &info))
        return lig_fail(d->module->ctx, LIG_ERR_NOT_FOUND, LIG_NOWHERE,
                        "tensor %.*s is missing: the configuration of \"%.*s\" calls for it",
                        LIG_STR_ARG(source), LIG_STR_ARG(d->spec->name));
    if (info.rank < 0 || info.rank > LIG_MAX_RANK || info.dtype >= LIG_DTYPE_COUNT)
        return lig_fail(d->module->ctx, LIG_ERR_SHAPE, LIG_NOWHERE,
                        "tensor %.*s has rank %d, it must be 1 or 2", LIG_STR_ARG(source), info.rank);
    LIG_TRY(check_tensor(d, source, &info, needed));
    LigType type = lig_type_const(d->module->dims, info.dtype, info.rank, info.dims);
    for (int i = 0; i < type.rank; i++) {
        if (!type.dims[i]) return lig_no_memory(d->module->ctx);
    }
    return lig_module_add_param(d->module, name, type, source, out);
}

static LigStatus declare_all(LigDecoder *d, const Needed *needed, size_t count, int64_t layer, LigValue **out)
{
    for (size_t i = 0; i < count; i++) {
        if (needed[i].present) LIG_TRY(declare_param(d, &needed[i], layer, &out[needed[i].role]));
    }
    return LIG_OK;
}

static LigStatus declare_state(LigDecoder *d, const char *name, int64_t layer, LigValue **out)
{
    LigDimTable *dims = d->module->dims;
    LigType type = {.dtype = d->options.cache_dtype,
                    .rank = 4,
                    .dims = {d->s, lig_dim_const(dims, d->spec->attention.kv_heads), d->c,
                             lig_dim_const(dims, d->spec->attention.head)}};
    LigStr full = lig_str_format(d->module->arena, "%lld.%s", (long long)layer, name);
    if (!full.data || !type.dims[1] || !type.dims[3]) return lig_no_memory(d->module->ctx);
    return lig_module_add_state(d->module, full, type, out);
}

static LigStatus declare_layer(LigDecoder *d, int64_t index)
{
    const LigSpec *s = d->spec;
    const LigAttentionSpec *a = &s->attention;
    int64_t w = s->width, q = a->heads * a->head, kv = a->kv_heads * a->head, m = s->mlp.width;
    bool gated = s->mlp.gated, bias = s->mlp.bias;
    const Needed needed[] = {
        {LIG_ROLE_ATTENTION_NORM, true, w, 0},
        {LIG_ROLE_WQ, true, q, w},
        {LIG_ROLE_BQ, a->bias_q, q, 0},
        {LIG_ROLE_WK, true, kv, w},
        {LIG_ROLE_BK, a->bias_k, kv, 0},
        {LIG_ROLE_WV, true, kv, w},
        {LIG_ROLE_BV, a->bias_v, kv, 0},
        {LIG_ROLE_Q_NORM, a->qk_norm, a->head, 0},
        {LIG_ROLE_K_NORM, a->qk_norm, a->head, 0},
        {LIG_ROLE_WO, true, w, q},
        {LIG_ROLE_BO, a->bias_o, w, 0},
        {LIG_ROLE_MLP_NORM, true, w, 0},
        {LIG_ROLE_GATE, gated, m, w},
        {LIG_ROLE_GATE_BIAS, gated && bias, m, 0},
        {LIG_ROLE_UP, true, m, w},
        {LIG_ROLE_UP_BIAS, bias, m, 0},
        {LIG_ROLE_DOWN, true, w, m},
        {LIG_ROLE_DOWN_BIAS, bias, w, 0},
    };
    LigLayer *layer = &d->layers[index];
    LIG_TRY(declare_all(d, needed, sizeof needed / sizeof *needed, index, layer->weights));
    LIG_TRY(declare_state(d, "k", index, &layer->k_cache));
    return declare_state(d, "v", index, &layer->v_cache);
}

// Norms and biases compute in f32: those stored narrower are cast once, in load.
static void widen_vectors(LigDecoder *d, LigBuilder *b, LigValue **weights)
{
    for (size_t role = 0; role < LIG_ROLE_COUNT; role++) {
        LigValue *weight = weights[role];
        if (!weight || weight->type.rank != 1 || weight->type.dtype == LIG_F32) continue;
        LigStr name = lig_str_format(d->module->arena, "%.*s.f32", LIG_STR_ARG(weight->name));
        if (name.data)
            weights[role] = lig_build_cast(b, name.data, weight, LIG_F32);
        else
            b->status = lig_no_memory(d->module->ctx);
    }
}

static LigValue *build_frequencies(LigDecoder *d, LigBuilder *b)
{
    int64_t pairs = lig_rope_pairs(d->spec);
    float *freq = LIG_NEW_ARRAY(d->module->arena, float, (size_t)pairs);
    LigType type = lig_type_const(d->module->dims, LIG_F32, 1, &pairs);
    if (!freq || !type.dims[0]) {
        b->status = lig_no_memory(d->module->ctx);
        return NULL;
    }
    lig_rope_frequencies(d->spec, freq);
    return lig_build_constant(b, "freq", &type, freq, (size_t)pairs * sizeof *freq);
}

static LigStatus build_load(LigDecoder *d)
{
    LigFunc *load;
    LIG_TRY(lig_module_add_func(d->module, LIG_FUNC_LOAD, (LigStr){0}, &load));
    LigBuilder b = lig_builder(d->module, load);
    d->freq = build_frequencies(d, &b);
    if (d->spec->embedding_scale != 0) {
        float scale = (float)d->spec->embedding_scale;
        LigType scalar = {.dtype = LIG_F32};
        d->embedding_scale = lig_build_constant(&b, "tok_scale", &scalar, &scale, sizeof scale);
    }
    widen_vectors(d, &b, d->weights);
    for (int64_t i = 0; i < d->spec->layers; i++) widen_vectors(d, &b, d->layers[i].weights);
    return lig_builder_status(&b);
}

LigStatus lig_decoder_declare(LigDecoder *d)
{
    const LigSpec *s = d->spec;
    d->layers = LIG_NEW_ARRAY(d->module->arena, LigLayer, (size_t)s->layers);
    if (!d->layers) return lig_no_memory(d->module->ctx);
    const Needed first = {LIG_ROLE_TOKENS, true, s->vocab, s->width};
    const Needed last[] = {
        {LIG_ROLE_FINAL_NORM, true, s->width, 0},
        {LIG_ROLE_HEAD, !s->tie, s->vocab, s->width},
    };
    LIG_TRY(declare_all(d, &first, 1, 0, d->weights));
    for (int64_t i = 0; i < s->layers; i++) LIG_TRY(declare_layer(d, i));
    LIG_TRY(declare_all(d, last, sizeof last / sizeof *last, 0, d->weights));
    if (s->tie) d->weights[LIG_ROLE_HEAD] = d->weights[LIG_ROLE_TOKENS];
    return build_load(d);
}

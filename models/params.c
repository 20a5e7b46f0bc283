// The params and states of a model: which tensors the spec calls for, and with which shapes.
#include "models/block.h"

// A tensor as the spec needs it: a vector [rows] when columns is 0, else a matrix [rows,columns].
typedef struct Needed {
    LigRole role;
    bool present;
    int64_t rows, columns;
    bool linear; // a matrix that the naming scheme may have transposed
} Needed;

#define VECTOR(role_, present_, rows_) {.role = LIG_ROLE_##role_, .present = (present_), .rows = (rows_)}
#define MATRIX(role_, present_, rows_, columns_)                                                               \
    {.role = LIG_ROLE_##role_, .present = (present_), .rows = (rows_), .columns = (columns_)}
#define LINEAR(role_, present_, rows_, columns_)                                                               \
    {.role = LIG_ROLE_##role_, .present = (present_), .rows = (rows_), .columns = (columns_), .linear = true}
#define NORM(role_, present_, bias_, size_)                                                                    \
    VECTOR(role_, present_, size_), VECTOR(role_##_BIAS, (present_) && (bias_), size_)
#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

// Where the spec's text has the block that calls for the tensor, or the model.
static LigLoc place_of(const LigDraft *d, LigRole role, int64_t layer)
{
    bool of_layer = lig_names_param.pattern[role][0] == '%';
    LigStr block = of_layer ? d->layers[layer].block->name : LIG_STR("");
    return lig_spec_place(d->spec, block, LIG_STR(""));
}

static LigStatus fail_shape(const LigDraft *d, LigStr name, LigLoc loc, const LigType *found,
                            const Needed *needed)
{
    LigText text = {0};
    lig_type_print(&text, d->module->dims, found);
    lig_text_printf(&text, ", but the spec needs [%lld", (long long)needed->rows);
    if (needed->columns) lig_text_printf(&text, ",%lld", (long long)needed->columns);
    LigStatus status = lig_fail(d->module->ctx, LIG_ERR_SHAPE, loc,
                                "tensor %.*s is %.*s]: correct the knobs that tell its sizes, or give the "
                                "weights of this model",
                                LIG_STR_ARG(name), LIG_STR_ARG(lig_text_view(&text)));
    lig_text_free(&text);
    return status;
}

static bool has_shape(const LigTensorInfo *info, const Needed *needed)
{
    if (!needed->columns) return info->rank == 1 && info->dims[0] == needed->rows;
    return info->rank == 2 && info->dims[0] == needed->rows && info->dims[1] == needed->columns;
}

// A tensor that the file has.
typedef struct Found {
    LigStr name;
    LigLoc loc; // of what calls for it
    LigTensorInfo info;
} Found;

// Vectors are cast to f32, so they must be float; matrices may be block-quantised.
static LigStatus check_tensor(const LigDraft *d, const Found *found, const Needed *needed)
{
    const LigTensorInfo *info = &found->info;
    if (info->rank < 0 || info->rank > LIG_MAX_RANK || info->dtype >= LIG_DTYPE_COUNT)
        return lig_fail(d->module->ctx, LIG_ERR_SHAPE, found->loc, "tensor %.*s has rank %d, it must be 1 or 2",
                        LIG_STR_ARG(found->name), info->rank);
    int rank = needed->columns ? 2 : 1;
    if (!has_shape(info, needed)) {
        LigType type = lig_type_const(d->module->dims, info->dtype, info->rank, info->dims);
        for (int i = 0; i < type.rank; i++) {
            if (!type.dims[i]) return lig_no_memory(d->module->ctx);
        }
        return fail_shape(d, found->name, found->loc, &type, needed);
    }
    bool stored = lig_dtype_is_float(info->dtype) || (rank == 2 && lig_dtype_is_quantised(info->dtype));
    if (!stored)
        return lig_fail(d->module->ctx, LIG_ERR_DTYPE, found->loc, "tensor %.*s is %s, but %s must be %s",
                        LIG_STR_ARG(found->name), lig_dtype_name(info->dtype),
                        rank == 1 ? "a vector" : "a matrix", rank == 1 ? "float" : "float or block-quantised");
    return LIG_OK;
}

// Whether the layer's queries, keys and values are one tensor.
static LigStatus find_fused(const LigDraft *d, int64_t layer, bool *fused)
{
    *fused = d->names->pattern[LIG_ROLE_WQKV] != NULL;
    if (!*fused || !d->names->pattern[LIG_ROLE_WQ]) return LIG_OK;
    *fused = false;
    if (!d->source.find) return LIG_OK;
    LigTensorInfo info;
    LigStr name = lig_weight_name(d->module->arena, d->names, LIG_ROLE_WQKV, layer, 0);
    if (!name.data) return lig_no_memory(d->module->ctx);
    *fused = d->source.find(d->source.data, name, &info);
    const LigAttentionSpec *a = &d->layers[layer].block->attention;
    if (!*fused || (a->bias_q == a->bias_k && a->bias_q == a->bias_v)) return LIG_OK;
    return lig_fail(
        d->module->ctx, LIG_ERR_INVALID, LIG_NOWHERE,
        "model \"%.*s\": knob attention.bias must have all of q, k and v or none: %.*s holds all three",
        LIG_STR_ARG(d->spec->name), LIG_STR_ARG(name));
}

// The tensor of a role under whichever form of its name the file has; without a file, as one would have it.
static LigStatus find_tensor(const LigDraft *d, const Needed *needed, int64_t layer, Found *out)
{
    LigArena *arena = d->module->arena;
    LigContext *ctx = d->module->ctx;
    out->loc = place_of(d, needed->role, layer);
    if (!d->names->pattern[needed->role]) {
        LigStr param = lig_weight_name(arena, &lig_names_param, needed->role, layer, 0);
        return lig_fail(ctx, LIG_ERR_UNSUPPORTED, out->loc,
                        "model \"%.*s\" calls for %%%.*s, for which names = %s has no tensor: change the knob "
                        "that calls for it, or names",
                        LIG_STR_ARG(d->spec->name), LIG_STR_ARG(param), lig_naming_name(d->spec->names));
    }
    for (int form = 0; form < LIG_NAME_FORMS && d->source.find; form++) {
        out->name = lig_weight_name(arena, d->names, needed->role, layer, form);
        if (!out->name.data) return lig_no_memory(ctx);
        if (d->source.find(d->source.data, out->name, &out->info)) return LIG_OK;
    }
    out->name = lig_weight_name(arena, d->names, needed->role, layer, 0);
    if (!out->name.data) return lig_no_memory(ctx);
    out->info = (LigTensorInfo){LIG_F32, needed->columns ? 2 : 1, {needed->rows, needed->columns}};
    if (!d->source.find) return LIG_OK;
    return lig_fail(ctx, LIG_ERR_NOT_FOUND, out->loc,
                    "tensor %.*s is missing: model \"%.*s\" with names = %s calls for it",
                    LIG_STR_ARG(out->name), LIG_STR_ARG(d->spec->name), lig_naming_name(d->spec->names));
}

static LigStatus declare_param(LigDraft *d, Needed needed, int64_t layer, LigValue **out)
{
    LigStr name = lig_weight_name(d->module->arena, &lig_names_param, needed.role, layer, 0);
    if (!name.data) return lig_no_memory(d->module->ctx);
    if (needed.linear && d->names->transposed) {
        int64_t rows = needed.rows;
        needed.rows = needed.columns;
        needed.columns = rows;
    }
    Found found = {0};
    LIG_TRY(find_tensor(d, &needed, layer, &found));
    LIG_TRY(check_tensor(d, &found, &needed));
    LigType type = lig_type_const(d->module->dims, found.info.dtype, found.info.rank, found.info.dims);
    for (int i = 0; i < type.rank; i++) {
        if (!type.dims[i]) return lig_no_memory(d->module->ctx);
    }
    return lig_module_add_param(d->module, name, type, found.name, out);
}

static LigStatus declare_all(LigDraft *d, const Needed *needed, size_t count, int64_t layer, LigValue **out)
{
    for (size_t i = 0; i < count; i++) {
        if (needed[i].present) LIG_TRY(declare_param(d, needed[i], layer, &out[needed[i].role]));
    }
    return LIG_OK;
}

static LigStatus declare_state(LigDraft *d, const char *name, int64_t index, LigValue **out)
{
    const LigAttentionSpec *a = &d->layers[index].block->attention;
    LigDimTable *dims = d->module->dims;
    LigType type = {.dtype = d->options.cache_dtype,
                    .rank = 4,
                    .dims = {d->s, lig_dim_const(dims, a->kv_heads), d->c, lig_dim_const(dims, a->head)}};
    LigStr full = lig_str_format(d->module->arena, "%lld.%s", (long long)index, name);
    if (!type.dims[1] || !type.dims[3] || !full.data) return lig_no_memory(d->module->ctx);
    return lig_module_add_state(d->module, full, type, out);
}

static LigStatus declare_attention(LigDraft *d, int64_t index)
{
    const LigBlockSpec *block = d->layers[index].block;
    const LigAttentionSpec *a = &block->attention;
    int64_t w = d->spec->width, q = a->heads * a->head, kv = a->kv_heads * a->head;
    bool fused, bias = d->spec->norm.bias;
    LIG_TRY(find_fused(d, index, &fused));
    bool before = block->place != LIG_NORM_POST && block->norm_attention;
    bool after = block->place != LIG_NORM_PRE && block->norm_attention;
    const Needed needed[] = {
        NORM(ATTENTION_NORM, before, bias, w),
        LINEAR(WQKV, fused, q + 2 * kv, w),
        VECTOR(BQKV, fused && a->bias_q, q + 2 * kv),
        LINEAR(WQ, !fused, q, w),
        VECTOR(BQ, !fused && a->bias_q, q),
        LINEAR(WK, !fused, kv, w),
        VECTOR(BK, !fused && a->bias_k, kv),
        LINEAR(WV, !fused, kv, w),
        VECTOR(BV, !fused && a->bias_v, kv),
        NORM(Q_NORM, a->qk_norm == LIG_QK_NORM_HEAD, bias, a->head),
        NORM(K_NORM, a->qk_norm == LIG_QK_NORM_HEAD, bias, a->head),
        LINEAR(WO, true, w, q),
        VECTOR(BO, a->bias_o, w),
        NORM(ATTENTION_OUT_NORM, after, bias, w),
    };
    return declare_all(d, needed, COUNT_OF(needed), index, d->layers[index].weights);
}

static LigStatus declare_mlp(LigDraft *d, int64_t index)
{
    const LigBlockSpec *block = d->layers[index].block;
    int64_t w = d->spec->width, m = block->mlp.width;
    bool gated = block->mlp.form == LIG_MLP_GATED, bias = block->mlp.bias, norm_bias = d->spec->norm.bias;
    bool fused = gated && d->names->pattern[LIG_ROLE_GATE_UP] != NULL;
    bool own_norm = block->norm_mlp && block->branching != LIG_BRANCH_ONE_NORM;
    const Needed needed[] = {
        NORM(MLP_NORM, own_norm && block->place != LIG_NORM_POST, norm_bias, w),
        LINEAR(GATE_UP, fused, 2 * m, w),
        VECTOR(GATE_UP_BIAS, fused && bias, 2 * m),
        LINEAR(GATE, gated && !fused, m, w),
        VECTOR(GATE_BIAS, gated && !fused && bias, m),
        LINEAR(UP, !fused, m, w),
        VECTOR(UP_BIAS, !fused && bias, m),
        LINEAR(DOWN, true, w, m),
        VECTOR(DOWN_BIAS, bias, w),
        NORM(MLP_OUT_NORM, own_norm && block->place != LIG_NORM_PRE, norm_bias, w),
    };
    return declare_all(d, needed, COUNT_OF(needed), index, d->layers[index].weights);
}

static LigStatus declare_layer(LigDraft *d, int64_t index)
{
    d->layers[index].block = lig_spec_block(d->spec, index);
    LIG_TRY(declare_attention(d, index));
    LIG_TRY(declare_mlp(d, index));
    if (d->spec->family != LIG_FAMILY_DECODER) return LIG_OK;
    LIG_TRY(declare_state(d, "k", index, &d->layers[index].k_cache));
    return declare_state(d, "v", index, &d->layers[index].v_cache);
}

static LigStatus declare_embedding(LigDraft *d)
{
    const LigSpec *s = d->spec;
    const LigPositionSpec *p = &s->position;
    bool factors = p->kind == LIG_POSITION_ROPE && p->rope.scaling == LIG_ROPE_FACTORS;
    const Needed needed[] = {
        MATRIX(TOKENS, true, s->vocab, s->width),
        MATRIX(POSITIONS, p->kind == LIG_POSITION_LEARNED, p->offset + s->context, s->width),
        MATRIX(TYPES, s->embedding.types > 0, s->embedding.types, s->width),
        NORM(EMBEDDING_NORM, s->embedding.norm, s->norm.bias, s->width),
        VECTOR(ROPE_FACTORS, factors, lig_rope_pairs(&p->rope, s->blocks[0].attention.head)),
    };
    return declare_all(d, needed, COUNT_OF(needed), 0, d->weights);
}

static LigStatus declare_head(LigDraft *d)
{
    const LigSpec *s = d->spec;
    const LigHeadSpec *h = &s->head;
    int64_t w = s->width;
    bool logits = h->kind == LIG_HEAD_LOGITS, labels = h->kind == LIG_HEAD_CLASSIFY;
    bool dense = h->transform != LIG_ACT_NONE, bias = dense && h->transform_bias;
    bool norm = dense && h->transform_norm;
    const Needed needed[] = {
        NORM(FINAL_NORM, s->norm.final, s->norm.bias, w),
        MATRIX(HEAD_DENSE, logits && dense, w, w),
        VECTOR(HEAD_DENSE_BIAS, logits && bias, w),
        NORM(HEAD_NORM, logits && norm, s->norm.bias, w),
        MATRIX(HEAD, logits && !s->embedding.tie, s->vocab, w),
        VECTOR(HEAD_BIAS, logits && h->bias, s->vocab),
        MATRIX(LABELS_DENSE, labels && dense, w, w),
        VECTOR(LABELS_DENSE_BIAS, labels && bias, w),
        NORM(LABELS_NORM, labels && norm, s->norm.bias, w),
        MATRIX(LABELS, labels, h->labels, w),
        VECTOR(LABELS_BIAS, labels && h->bias, h->labels),
    };
    return declare_all(d, needed, COUNT_OF(needed), 0, d->weights);
}

LigStatus lig_draft_declare(LigDraft *d)
{
    d->layer_count = lig_spec_layers(d->spec);
    d->layers = LIG_NEW_ARRAY(d->module->arena, LigLayer, (size_t)d->layer_count);
    if (!d->layers) return lig_no_memory(d->module->ctx);
    LIG_TRY(declare_embedding(d));
    for (int64_t i = 0; i < d->layer_count; i++) LIG_TRY(declare_layer(d, i));
    LIG_TRY(declare_head(d));
    if (d->spec->head.kind == LIG_HEAD_LOGITS && d->spec->embedding.tie)
        d->weights[LIG_ROLE_HEAD] = d->weights[LIG_ROLE_TOKENS];
    return LIG_OK;
}

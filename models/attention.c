#include "models/block.h"

// f32[N,heads·head] as f32[N,heads,head]
static LigValue *split_heads(LigDraft *d, LigStep *step, const char *name, LigValue *x, int64_t heads,
                             int64_t head)
{
    LigDimTable *dims = d->module->dims;
    LigDim shape[] = {d->n, lig_dim_const(dims, heads), lig_dim_const(dims, head)};
    return lig_build_reshape(&step->b, name, x, 3, shape);
}

static LigValue *rotate(LigDraft *d, LigStep *step, const LigLayer *layer, const char *name, LigValue *x)
{
    const LigRopeSpec *rope = lig_spec_rope(d->spec, layer->block);
    if (!rope) return x;
    const char *pairs = rope->pairs == LIG_PAIRS_HALF ? "half" : "adjacent";
    return lig_build_rope(&step->b, name, x, step->pos, layer->freq, pairs);
}

// The cache with the new keys or values written in; without one, these alone.
static LigValue *append(LigStep *step, const char *name, LigValue *cache, LigValue *x)
{
    if (!cache) return x;
    LigValue *operands[] = {cache, x, step->slot, step->start, step->pos};
    return lig_build(&step->b, (LigOpSpec){.code = LIG_OP_APPEND,
                                           .name = lig_str(name),
                                           .operands = operands,
                                           .operand_count = sizeof operands / sizeof *operands});
}

static LigValue *attend(LigDraft *d, LigStep *step, const LigAttentionSpec *a, LigValue *const *qkv)
{
    LigValue *operands[] = {qkv[0], qkv[1], qkv[2], step->pos, step->start, step->kv_len, step->slot};
    LigAttr attrs[4] = {0};
    size_t count = 0;
    if (d->spec->family == LIG_FAMILY_DECODER) attrs[count++] = (LigAttr){.key = LIG_ATTR_CAUSAL};
    attrs[count++] = (LigAttr){.key = LIG_ATTR_SCALE, .value.real = lig_attention_scale(a)};
    if (a->window) attrs[count++] = (LigAttr){.key = LIG_ATTR_WINDOW, .value.integer = a->window};
    if (a->softcap != 0) attrs[count++] = (LigAttr){.key = LIG_ATTR_SOFTCAP, .value.real = a->softcap};
    return lig_build(&step->b, (LigOpSpec){.code = LIG_OP_ATTENTION,
                                           .name = LIG_STR("attn"),
                                           .operands = operands,
                                           .operand_count = step->slot ? 7 : 6,
                                           .attrs = {attrs, count}});
}

LigValue *lig_draft_attention(LigDraft *d, LigStep *step, const LigLayer *layer, LigValue *x)
{
    const LigAttentionSpec *a = &layer->block->attention;
    LigValue *const *w = layer->weights;
    LigValue *q = lig_draft_linear(step, "q", x, w[LIG_ROLE_WQ], w[LIG_ROLE_BQ]);
    LigValue *k = lig_draft_linear(step, "k_new", x, w[LIG_ROLE_WK], w[LIG_ROLE_BK]);
    LigValue *v = lig_draft_linear(step, "v_new", x, w[LIG_ROLE_WV], w[LIG_ROLE_BV]);
    q = split_heads(d, step, "q_heads", q, a->heads, a->head);
    k = split_heads(d, step, "k_heads", k, a->kv_heads, a->head);
    v = split_heads(d, step, "v_heads", v, a->kv_heads, a->head);
    if (a->qk_norm == LIG_QK_NORM_HEAD) {
        q = lig_draft_norm(d, step, "q_normed", q, w, LIG_ROLE_Q_NORM);
        k = lig_draft_norm(d, step, "k_normed", k, w, LIG_ROLE_K_NORM);
    }
    q = rotate(d, step, layer, "q_rot", q);
    k = rotate(d, step, layer, "k_rot", k);
    k = append(step, "k_all", layer->k_cache, k);
    v = append(step, "v_all", layer->v_cache, v);
    LigValue *heads = attend(d, step, a, (LigValue *const[]){q, k, v});
    LigDim flat[] = {d->n, lig_dim_const(d->module->dims, a->heads * a->head)};
    LigValue *joined = lig_build_reshape(&step->b, "attn_flat", heads, 2, flat);
    return lig_draft_linear(step, "attn_out", joined, w[LIG_ROLE_WO], w[LIG_ROLE_BO]);
}

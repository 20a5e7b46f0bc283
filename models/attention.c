#include "models/block.h"

// f32[N,heads·head] as f32[N,heads,head]
static LigValue *split_heads(LigDecoder *d, LigStep *step, const char *name, LigValue *x, int64_t heads)
{
    LigDimTable *dims = d->module->dims;
    LigDim shape[] = {d->n, lig_dim_const(dims, heads), lig_dim_const(dims, d->spec->attention.head)};
    return lig_build_reshape(&step->b, name, x, 3, shape);
}

static LigValue *rotate(LigDecoder *d, LigStep *step, const char *name, LigValue *x)
{
    const char *pairs = d->spec->rope.pairs == LIG_PAIRS_HALF ? "half" : "adjacent";
    return lig_build_rope(&step->b, name, x, step->pos, d->freq, pairs);
}

// The cache with the new keys or values written in.
static LigValue *append(LigStep *step, const char *name, LigValue *cache, LigValue *x)
{
    LigValue *operands[] = {cache, x, step->slot, step->start, step->pos};
    return lig_build(&step->b, (LigOpSpec){.code = LIG_OP_APPEND,
                                           .name = lig_str(name),
                                           .operands = operands,
                                           .operand_count = sizeof operands / sizeof *operands});
}

static LigValue *attend(LigDecoder *d, LigStep *step, LigValue *q, LigValue *k, LigValue *v)
{
    LigValue *operands[] = {q, k, v, step->pos, step->start, step->kv_len, step->slot};
    LigAttr attrs[] = {
        {.key = LIG_ATTR_CAUSAL},
        {.key = LIG_ATTR_SCALE, .value.real = lig_attention_scale(d->spec)},
        {.key = LIG_ATTR_WINDOW, .value.integer = d->spec->attention.window},
    };
    return lig_build(&step->b, (LigOpSpec){.code = LIG_OP_ATTENTION,
                                           .name = LIG_STR("attn"),
                                           .operands = operands,
                                           .operand_count = sizeof operands / sizeof *operands,
                                           .attrs = {attrs, d->spec->attention.window ? 3 : 2}});
}

LigValue *lig_decoder_attention(LigDecoder *d, LigStep *step, const LigLayer *layer, LigValue *x)
{
    const LigAttentionSpec *a = &d->spec->attention;
    LigValue *const *w = layer->weights;
    LigValue *q = lig_decoder_linear(step, "q", x, w[LIG_ROLE_WQ], w[LIG_ROLE_BQ]);
    LigValue *k = lig_decoder_linear(step, "k_new", x, w[LIG_ROLE_WK], w[LIG_ROLE_BK]);
    LigValue *v = lig_decoder_linear(step, "v_new", x, w[LIG_ROLE_WV], w[LIG_ROLE_BV]);
    q = split_heads(d, step, "q_heads", q, a->heads);
    k = split_heads(d, step, "k_heads", k, a->kv_heads);
    v = split_heads(d, step, "v_heads", v, a->kv_heads);
    if (a->qk_norm) {
        q = lig_decoder_norm(d, step, "q_normed", q, w[LIG_ROLE_Q_NORM]);
        k = lig_decoder_norm(d, step, "k_normed", k, w[LIG_ROLE_K_NORM]);
    }
    q = rotate(d, step, "q_rot", q);
    k = rotate(d, step, "k_rot", k);
    k = append(step, "k_all", layer->k_cache, k);
    v = append(step, "v_all", layer->v_cache, v);
    LigValue *heads = attend(d, step, q, k, v);
    LigDim flat[] = {d->n, lig_dim_const(d->module->dims, a->heads * a->head)};
    LigValue *joined = lig_build_reshape(&step->b, "attn_flat", heads, 2, flat);
    return lig_decoder_linear(step, "attn_out", joined, w[LIG_ROLE_WO], w[LIG_ROLE_BO]);
}

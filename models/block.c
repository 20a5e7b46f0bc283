#include "models/block.h"

LigValue *lig_draft_scalar(LigStep *step, const char *name, LigDtype dtype, double value)
{
    LigType type = {.dtype = dtype};
    float real = (float)value;
    int32_t whole = (int32_t)value;
    LIG_ASSERT(dtype == LIG_F32 || dtype == LIG_I32);
    const void *data = dtype == LIG_F32 ? (const void *)&real : (const void *)&whole;
    return lig_build_constant(&step->b, name, &type, data, 4);
}

LigValue *lig_draft_norm(LigDraft *d, LigStep *step, const char *name, LigValue *x, LigValue *const *weights,
                         LigRole weight)
{
    // The role of a norm's bias follows that of its weight.
    LigValue *operands[] = {x, weights[weight], weights[weight + 1]};
    const LigNormSpec *norm = &d->spec->norm;
    bool rms = norm->kind == LIG_NORM_RMS;
    LigAttr attrs[] = {{.key = LIG_ATTR_EPS, .value.real = norm->eps}, {.key = LIG_ATTR_UNIT_OFFSET}};
    return lig_build(&step->b, (LigOpSpec){.code = rms ? LIG_OP_RMS_NORM : LIG_OP_LAYER_NORM,
                                           .name = lig_str(name),
                                           .operands = operands,
                                           .operand_count = !rms && norm->bias ? 3 : 2,
                                           .attrs = {attrs, rms && norm->unit_offset ? 2 : 1}});
}

LigValue *lig_draft_linear(LigStep *step, const char *name, LigValue *x, LigValue *weight, LigValue *bias)
{
    if (!bias) return lig_build_linear(&step->b, name, x, weight);
    LigStr product = lig_str_format(step->b.module->arena, "%s_mul", name);
    if (!product.data) {
        if (step->b.status == LIG_OK) step->b.status = lig_no_memory(step->b.module->ctx);
        return NULL;
    }
    return lig_build_binary(&step->b, LIG_OP_ADD, name, lig_build_linear(&step->b, product.data, x, weight),
                            bias);
}

static LigValue *add(LigStep *step, const char *name, LigValue *x, LigValue *y)
{
    return lig_build_binary(&step->b, LIG_OP_ADD, name, x, y);
}

// x normed by the layer's norm of this role; x itself where the spec has none there.
static LigValue *normed(LigDraft *d, LigStep *step, const LigLayer *layer, const char *name, LigValue *x,
                        LigRole role)
{
    return layer->weights[role] ? lig_draft_norm(d, step, name, x, layer->weights, role) : x;
}

// Attention, then the mlp, each with the norms that the place gives it.
static LigValue *branches_in_turn(LigDraft *d, LigStep *step, const LigLayer *layer, LigValue *x)
{
    bool after = layer->block->place == LIG_NORM_POST; // of the sum, else of the branch
    LigValue *h = normed(d, step, layer, "attn_in", x, LIG_ROLE_ATTENTION_NORM);
    h = lig_draft_attention(d, step, layer, h);
    if (!after) h = normed(d, step, layer, "attn_normed", h, LIG_ROLE_ATTENTION_OUT_NORM);
    x = add(step, after ? "x_attn" : "x_mid", x, h);
    if (after) x = normed(d, step, layer, "x_mid", x, LIG_ROLE_ATTENTION_OUT_NORM);
    h = normed(d, step, layer, "mlp_in", x, LIG_ROLE_MLP_NORM);
    h = lig_draft_mlp(step, layer, h);
    if (!after) h = normed(d, step, layer, "mlp_normed", h, LIG_ROLE_MLP_OUT_NORM);
    x = add(step, after ? "x_mlp" : "x_out", x, h);
    return after ? normed(d, step, layer, "x_out", x, LIG_ROLE_MLP_OUT_NORM) : x;
}

static LigValue *branches_parallel(LigDraft *d, LigStep *step, const LigLayer *layer, LigValue *x)
{
    LigValue *attention_in = normed(d, step, layer, "attn_in", x, LIG_ROLE_ATTENTION_NORM);
    bool shared = layer->block->branching == LIG_BRANCH_ONE_NORM;
    LigValue *mlp_in = shared ? attention_in : normed(d, step, layer, "mlp_in", x, LIG_ROLE_MLP_NORM);
    LigValue *attention = lig_draft_attention(d, step, layer, attention_in);
    LigValue *mlp = lig_draft_mlp(step, layer, mlp_in);
    return add(step, "x_out", add(step, "x_mid", x, attention), mlp);
}

LigValue *lig_draft_block(LigDraft *d, LigStep *step, int64_t index, LigValue *x)
{
    const LigLayer *layer = &d->layers[index];
    step->b.scope = lig_str_format(d->module->arena, "%lld.", (long long)index);
    if (!step->b.scope.data) {
        if (step->b.status == LIG_OK) step->b.status = lig_no_memory(d->module->ctx);
        return NULL;
    }
    bool parallel = layer->block->branching != LIG_BRANCH_IN_TURN;
    x = parallel ? branches_parallel(d, step, layer, x) : branches_in_turn(d, step, layer, x);
    step->b.scope = (LigStr){0};
    return x;
}

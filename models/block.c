#include "models/block.h"

LigValue *lig_decoder_norm(LigDecoder *d, LigStep *step, const char *name, LigValue *x, LigValue *weight)
{
    return lig_build_rms_norm(&step->b, name, x, weight, d->spec->norm.eps, d->spec->norm.unit_offset);
}

LigValue *lig_decoder_linear(LigStep *step, const char *name, LigValue *x, LigValue *weight, LigValue *bias)
{
    if (!bias) return lig_build_linear(&step->b, name, x, weight);
    LigStr product = lig_str_format(step->b.module->arena, "%s_mul", name);
    if (!product.data) {
        step->b.status = lig_no_memory(step->b.module->ctx);
        return NULL;
    }
    return lig_build_binary(&step->b, LIG_OP_ADD, name, lig_build_linear(&step->b, product.data, x, weight),
                            bias);
}

// Pre-norm: x + attention(norm(x)), then x + mlp(norm(x)).
LigValue *lig_decoder_block(LigDecoder *d, LigStep *step, int64_t index, LigValue *x)
{
    const LigLayer *layer = &d->layers[index];
    step->b.scope = lig_str_format(d->module->arena, "%lld.", (long long)index);
    if (!step->b.scope.data) {
        step->b.status = lig_no_memory(d->module->ctx);
        return NULL;
    }
    LigValue *h = lig_decoder_norm(d, step, "attn_in", x, layer->weights[LIG_ROLE_ATTENTION_NORM]);
    h = lig_decoder_attention(d, step, layer, h);
    x = lig_build_binary(&step->b, LIG_OP_ADD, "x_mid", x, h);
    h = lig_decoder_norm(d, step, "mlp_in", x, layer->weights[LIG_ROLE_MLP_NORM]);
    h = lig_decoder_mlp(d, step, layer, h);
    x = lig_build_binary(&step->b, LIG_OP_ADD, "x_out", x, h);
    step->b.scope = (LigStr){0};
    return x;
}

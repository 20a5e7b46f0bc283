#include "models/block.h"

static LigValue *activate(LigStep *step, const char *name, LigActivation act, LigValue *x)
{
    LigAttr form = {.key = LIG_ATTR_FORM, .value.name = lig_str(act == LIG_ACT_GELU_ERF ? "erf" : "tanh")};
    LigOpSpec spec = {.code = LIG_OP_GELU, .name = lig_str(name), .operands = &x, .operand_count = 1};
    switch (act) {
    case LIG_ACT_SILU:
        spec.code = LIG_OP_SILU;
        break;
    case LIG_ACT_RELU:
        spec.code = LIG_OP_RELU;
        break;
    case LIG_ACT_GELU_ERF:
    case LIG_ACT_GELU_TANH:
        spec.attrs = (LigAttrs){&form, 1};
        break;
    }
    return lig_build(&step->b, spec);
}

LigValue *lig_decoder_mlp(LigDecoder *d, LigStep *step, const LigLayer *layer, LigValue *x)
{
    const LigMlpSpec *mlp = &d->spec->mlp;
    LigValue *const *w = layer->weights;
    LigValue *mid;
    if (mlp->gated) {
        LigValue *gate = lig_decoder_linear(step, "gate", x, w[LIG_ROLE_GATE], w[LIG_ROLE_GATE_BIAS]);
        LigValue *up = lig_decoder_linear(step, "up", x, w[LIG_ROLE_UP], w[LIG_ROLE_UP_BIAS]);
        LigValue *act = activate(step, "gate_act", mlp->act, gate);
        mid = lig_build_binary(&step->b, LIG_OP_MUL, "mlp_mid", act, up);
    } else {
        LigValue *up = lig_decoder_linear(step, "up", x, w[LIG_ROLE_UP], w[LIG_ROLE_UP_BIAS]);
        mid = activate(step, "mlp_mid", mlp->act, up);
    }
    return lig_decoder_linear(step, "mlp_out", mid, w[LIG_ROLE_DOWN], w[LIG_ROLE_DOWN_BIAS]);
}

#include "models/block.h"

LigValue *lig_draft_activate(LigStep *step, const char *name, LigActivation act, LigValue *x)
{
    static const LigOpCode codes[] = {
        [LIG_ACT_SILU] = LIG_OP_SILU, [LIG_ACT_GELU_ERF] = LIG_OP_GELU, [LIG_ACT_GELU_TANH] = LIG_OP_GELU,
        [LIG_ACT_RELU] = LIG_OP_RELU, [LIG_ACT_TANH] = LIG_OP_TANH,
    };
    LigAttr form = {.key = LIG_ATTR_FORM, .value.name = lig_str(act == LIG_ACT_GELU_ERF ? "erf" : "tanh")};
    bool has_form = act == LIG_ACT_GELU_ERF || act == LIG_ACT_GELU_TANH;
    LIG_ASSERT(act != LIG_ACT_NONE);
    return lig_build(&step->b, (LigOpSpec){.code = codes[act],
                                           .name = lig_str(name),
                                           .operands = &x,
                                           .operand_count = 1,
                                           .attrs = {&form, has_form ? 1 : 0}});
}

LigValue *lig_draft_mlp(LigStep *step, const LigLayer *layer, LigValue *x)
{
    const LigMlpSpec *mlp = &layer->block->mlp;
    LigValue *const *w = layer->weights;
    LigValue *mid;
    if (mlp->form == LIG_MLP_GATED) {
        LigValue *gate = lig_draft_linear(step, "gate", x, w[LIG_ROLE_GATE], w[LIG_ROLE_GATE_BIAS]);
        LigValue *up = lig_draft_linear(step, "up", x, w[LIG_ROLE_UP], w[LIG_ROLE_UP_BIAS]);
        LigValue *act = lig_draft_activate(step, "gate_act", mlp->act, gate);
        mid = lig_build_binary(&step->b, LIG_OP_MUL, "mlp_mid", act, up);
    } else {
        LigValue *up = lig_draft_linear(step, "up", x, w[LIG_ROLE_UP], w[LIG_ROLE_UP_BIAS]);
        mid = lig_draft_activate(step, "mlp_mid", mlp->act, up);
    }
    return lig_draft_linear(step, "mlp_out", mid, w[LIG_ROLE_DOWN], w[LIG_ROLE_DOWN_BIAS]);
}

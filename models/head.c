#include "models/block.h"

// norm(act(dense(x))), or x where the spec has no transform. `dense`: the role of its matrix; its bias and norm
// follow.
static LigValue *transform(LigDraft *d, LigStep *step, LigValue *x, LigRole dense, LigRole norm)
{
    const LigHeadSpec *head = &d->spec->head;
    if (head->transform == LIG_ACT_NONE) return x;
    x = lig_draft_linear(step, "head_dense", x, d->weights[dense], d->weights[dense + 1]);
    x = lig_draft_activate(step, "head_act", head->transform, x);
    return head->transform_norm ? lig_draft_norm(d, step, "head_normed", x, d->weights, norm) : x;
}

static LigValue *cap(LigDraft *d, LigStep *step, LigValue *x)
{
    LigBuilder *b = &step->b;
    LigValue *softcap = lig_draft_scalar(step, "logit_cap", LIG_F32, d->spec->head.softcap);
    LigValue *shrunk = lig_build_unary(b, LIG_OP_TANH, "logits_tanh",
                                       lig_build_binary(b, LIG_OP_DIV, "logits_part", x, softcap));
    return lig_build_binary(b, LIG_OP_MUL, "logits", shrunk, softcap);
}

LigValue *lig_draft_logits(LigDraft *d, LigStep *step, LigValue *hidden)
{
    bool capped = d->spec->head.softcap != 0;
    LigValue *x = transform(d, step, hidden, LIG_ROLE_HEAD_DENSE, LIG_ROLE_HEAD_NORM);
    x = lig_draft_linear(step, capped ? "logits_free" : "logits", x, d->weights[LIG_ROLE_HEAD],
                         d->weights[LIG_ROLE_HEAD_BIAS]);
    return capped ? cap(d, step, x) : x;
}

// The first token of row r is token start[r].
static LigValue *first_tokens(LigStep *step, LigValue *hidden)
{
    LigAttr attrs[] = {
        {.key = LIG_ATTR_AXIS}, {.key = LIG_ATTR_BEGIN}, {.key = LIG_ATTR_END, .value.integer = -1}};
    LigValue *first = lig_build(&step->b, (LigOpSpec){.code = LIG_OP_SLICE,
                                                      .name = LIG_STR("first"),
                                                      .operands = &step->start,
                                                      .operand_count = 1,
                                                      .attrs = {attrs, 3}});
    return lig_build_gather(&step->b, "pooled", hidden, first);
}

LigValue *lig_draft_classify(LigDraft *d, LigStep *step, LigValue *hidden)
{
    LigValue *x = first_tokens(step, hidden);
    x = transform(d, step, x, LIG_ROLE_LABELS_DENSE, LIG_ROLE_LABELS_NORM);
    return lig_draft_linear(step, "logits", x, d->weights[LIG_ROLE_LABELS], d->weights[LIG_ROLE_LABELS_BIAS]);
}

// Shape rules of losses and their gradients.
#include "ir/infer_check.h"

// Per-token values: f32, or f64 of f64.
static LigType per_token(const LigType *x)
{
    return (LigType){.dtype = x->dtype == LIG_F64 ? LIG_F64 : LIG_F32, .rank = 1, .dims = {x->dims[0]}};
}

static LigStatus check_logits(const LigInfer *infer)
{
    LIG_TRY(lig_infer_expect_kind(infer, 0, LIG_INFER_FLOAT));
    LIG_TRY(lig_infer_expect_rank(infer, 0, 2, "[N,V]"));
    return lig_infer_expect_i32_vector(infer, 1, lig_infer_type(infer, 0)->dims[0], "[N]");
}

static LigStatus check_head(const LigInfer *infer)
{
    LIG_TRY(lig_infer_expect_kind(infer, 0, LIG_INFER_FLOAT));
    LIG_TRY(lig_infer_expect_rank(infer, 0, 2, "[N,K]"));
    LIG_TRY(lig_infer_expect_kind(infer, 1, LIG_INFER_FLOAT));
    LIG_TRY(lig_infer_expect_rank(infer, 1, 2, "[V,K]"));
    LIG_TRY(lig_infer_expect_equal_dim(infer, (LigInferDimPair){1, 1, 0, 1}));
    return lig_infer_expect_i32_vector(infer, 2, lig_infer_type(infer, 0)->dims[0], "[N]");
}

// The gradient of per-token values, [N].
static LigStatus check_token_grad(const LigInfer *infer, size_t operand)
{
    LIG_TRY(lig_infer_expect_kind(infer, operand, LIG_INFER_FLOAT));
    LIG_TRY(lig_infer_expect_rank(infer, operand, 1, "[N]"));
    return lig_infer_expect_equal_dim(infer, (LigInferDimPair){operand, 0, 0, 0});
}

LigStatus lig_infer_cross_entropy(LigInfer *infer)
{
    LIG_TRY(check_logits(infer));
    *infer->result = per_token(lig_infer_type(infer, 0));
    return LIG_OK;
}

LigStatus lig_infer_linear_cross_entropy(LigInfer *infer)
{
    LIG_TRY(check_head(infer));
    *infer->result = per_token(lig_infer_type(infer, 0));
    return LIG_OK;
}

LigStatus lig_infer_cross_entropy_grad(LigInfer *infer)
{
    LIG_TRY(check_logits(infer));
    LIG_TRY(check_token_grad(infer, 2));
    *infer->result = *lig_infer_type(infer, 0);
    return LIG_OK;
}

LigStatus lig_infer_linear_cross_entropy_grad(LigInfer *infer)
{
    LIG_TRY(check_head(infer));
    LIG_TRY(check_token_grad(infer, 3));
    for (size_t i = 0; i < 2; i++) infer->result[i] = *lig_infer_type(infer, i);
    return LIG_OK;
}

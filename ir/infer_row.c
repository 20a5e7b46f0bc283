// Shape rules of ops along the last axis, and of their gradients.
#include "ir/infer_check.h"

LigStatus lig_infer_same_row(LigInfer *infer)
{
    LIG_TRY(lig_infer_expect_kind(infer, 0, LIG_INFER_FLOAT));
    LIG_TRY(lig_infer_expect_least_rank(infer, 0, 1));
    *infer->result = *lig_infer_type(infer, 0);
    return LIG_OK;
}

// The weight or bias of a norm: a vector along x's last axis, in f32 or x's dtype.
static LigStatus check_norm_vector(const LigInfer *infer, size_t operand)
{
    const LigType *x = lig_infer_type(infer, 0), *vector = lig_infer_type(infer, operand);
    if (vector->dtype != LIG_F32) LIG_TRY(lig_infer_expect_same_dtype(infer, operand, 0));
    LIG_TRY(lig_infer_expect_rank(infer, operand, 1, "[K]"));
    return lig_infer_expect_equal_dim(infer, (LigInferDimPair){operand, 0, 0, x->rank - 1});
}

LigStatus lig_infer_norm(LigInfer *infer)
{
    LIG_TRY(lig_infer_expect_kind(infer, 0, LIG_INFER_FLOAT));
    LIG_TRY(lig_infer_expect_least_rank(infer, 0, 1));
    for (size_t i = 1; i < infer->op->operand_count; i++) LIG_TRY(check_norm_vector(infer, i));
    *infer->result = *lig_infer_type(infer, 0);
    return LIG_OK;
}

// y and dy alike: the gradient has their type.
LigStatus lig_infer_row_grad(LigInfer *infer)
{
    LIG_TRY(lig_infer_same_row(infer));
    LIG_TRY(lig_infer_expect_same_dtype(infer, 1, 0));
    return lig_infer_expect_same_dims(infer, 1, 0);
}

// x, weight, dy give the gradients of x, of weight and, of layer_norm, of its bias, like weight.
LigStatus lig_infer_norm_grad(LigInfer *infer)
{
    LIG_TRY(lig_infer_same_row(infer));
    LIG_TRY(check_norm_vector(infer, 1));
    LIG_TRY(lig_infer_expect_same_dtype(infer, 2, 0));
    LIG_TRY(lig_infer_expect_same_dims(infer, 2, 0));
    for (size_t i = 1; i < infer->op->result_count; i++) infer->result[i] = *lig_infer_type(infer, 1);
    return LIG_OK;
}

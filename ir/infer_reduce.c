// Shape rules of reductions and norms.
#include "ir/infer_check.h"

// The axes attribute as a mask of axes counted from the front. Errors: outside the rank, named twice.
static LigStatus axes_mask(const LigInfer *infer, int rank, uint32_t *mask)
{
    const LigAttr *axes = lig_attrs_get(infer->op->attrs, LIG_ATTR_AXES);
    *mask = 0;
    for (size_t i = 0; i < axes->value.integers.count; i++) {
        int axis;
        LIG_TRY(lig_infer_axis(infer, axes->value.integers.data[i], rank, &axis));
        if (*mask >> axis & 1)
            return lig_infer_fail(infer, LIG_ERR_INVALID, "axes names axis %d twice: name it once", axis);
        *mask |= UINT32_C(1) << axis;
    }
    return LIG_OK;
}

LigStatus lig_infer_reduce(LigInfer *infer)
{
    LIG_TRY(lig_infer_expect_kind(infer, 0, LIG_INFER_NUMBER));
    const LigType *x = lig_infer_type(infer, 0);
    uint32_t mask;
    LIG_TRY(axes_mask(infer, x->rank, &mask));
    bool keep = lig_attrs_flag(infer->op->attrs, LIG_ATTR_KEEP);
    LigType *result = infer->result;
    *result = (LigType){.dtype = x->dtype};
    for (int axis = 0; axis < x->rank; axis++) {
        bool reduced = mask >> axis & 1;
        if (!reduced)
            result->dims[result->rank++] = x->dims[axis];
        else if (keep)
            result->dims[result->rank++] = lig_dim_const(infer->module->dims, 1);
    }
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

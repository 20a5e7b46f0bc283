// Shape rules of reductions.
#include "ir/infer_check.h"

static LigStatus fold_axes(LigInfer *infer)
{
    const LigType *x = lig_infer_type(infer, 0);
    uint32_t mask;
    LIG_TRY(lig_infer_axes(infer, LIG_ATTR_AXES, x->rank, &mask));
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

LigStatus lig_infer_reduce(LigInfer *infer)
{
    LIG_TRY(lig_infer_expect_kind(infer, 0, LIG_INFER_NUMBER));
    return fold_axes(infer);
}

LigStatus lig_infer_reduce_bool(LigInfer *infer)
{
    LIG_TRY(lig_infer_expect_dtype(infer, 0, LIG_BOOL));
    return fold_axes(infer);
}

LigStatus lig_infer_arg(LigInfer *infer)
{
    LIG_TRY(lig_infer_expect_kind(infer, 0, LIG_INFER_NUMBER));
    const LigType *x = lig_infer_type(infer, 0);
    int axis;
    LIG_TRY(lig_infer_axis(infer, lig_attrs_int(infer->op->attrs, LIG_ATTR_AXIS, 0), x->rank, &axis));
    bool keep = lig_attrs_flag(infer->op->attrs, LIG_ATTR_KEEP);
    *infer->result = (LigType){.dtype = LIG_I32};
    for (int i = 0; i < x->rank; i++) {
        LigDim size = i == axis ? lig_dim_const(infer->module->dims, 1) : x->dims[i];
        if (i != axis || keep) infer->result->dims[infer->result->rank++] = size;
    }
    return LIG_OK;
}

LigStatus lig_infer_cumsum(LigInfer *infer)
{
    LIG_TRY(lig_infer_expect_kind(infer, 0, LIG_INFER_NUMBER));
    const LigType *x = lig_infer_type(infer, 0);
    int axis;
    LIG_TRY(lig_infer_axis(infer, lig_attrs_int(infer->op->attrs, LIG_ATTR_AXIS, 0), x->rank, &axis));
    *infer->result = *x;
    return LIG_OK;
}

LigStatus lig_infer_top_k(LigInfer *infer)
{
    LIG_TRY(lig_infer_expect_kind(infer, 0, LIG_INFER_NUMBER));
    LIG_TRY(lig_infer_expect_least_rank(infer, 0, 1));
    const LigType *x = lig_infer_type(infer, 0);
    LigDim k = lig_dim_const(infer->module->dims, lig_attrs_int(infer->op->attrs, LIG_ATTR_K, 1));
    if (k && lig_dim_less_equal(infer->module->dims, k, x->dims[x->rank - 1]) != LIG_YES)
        return lig_infer_reject(
            infer, LIG_ERR_SHAPE, 0,
            "its last dim must certainly be %s or more, the k taken: lower k, or raise the bound of the dim",
            lig_infer_dim_text(infer, k));
    infer->result[0] = *x;
    infer->result[0].dims[x->rank - 1] = k;
    infer->result[1] = infer->result[0];
    infer->result[1].dtype = LIG_I32;
    return LIG_OK;
}

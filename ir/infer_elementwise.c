// Shape rules of elementwise ops: NumPy's broadcasting, equal dtypes.
#include "ir/infer_check.h"

// The dim that a and b broadcast to; NULL when they do not.
static LigDim broadcast_dim(const LigDimTable *table, LigDim a, LigDim b, LigVerdict *verdict)
{
    int64_t one;
    *verdict = lig_dim_equal(table, a, b);
    if (*verdict == LIG_YES) return a;
    if (lig_dim_is_const(b, &one) && one == 1) return a;
    if (lig_dim_is_const(a, &one) && one == 1) return b;
    return NULL;
}

static LigStatus fail_broadcast(const LigInfer *infer, LigDim found, LigDim other, LigVerdict verdict)
{
    const char *y = lig_infer_dim_text(infer, found), *x = lig_infer_dim_text(infer, other);
    const char *x_type = lig_infer_type_text(infer, lig_infer_type(infer, 0));
    if (verdict == LIG_NO)
        return lig_infer_reject(infer, LIG_ERR_SHAPE, 1,
                                "it does not broadcast with x %s: %s and %s are neither equal nor 1", x_type, y,
                                x);
    return lig_infer_reject(infer, LIG_ERR_SHAPE, 1,
                            "whether it broadcasts with x %s is undecided: state it as `fact %s == %s` if so",
                            x_type, y, x);
}

static LigStatus broadcast_pair(LigInfer *infer)
{
    LIG_TRY(lig_infer_expect_same_dtype(infer, 1, 0));
    const LigType *x = lig_infer_type(infer, 0), *y = lig_infer_type(infer, 1);
    const LigType *longer = x->rank >= y->rank ? x : y, *shorter = longer == x ? y : x;
    int shift = longer->rank - shorter->rank;
    *infer->result = *longer;
    for (int i = 0; i < shorter->rank; i++) {
        LigVerdict verdict;
        LigDim a = longer->dims[shift + i], b = shorter->dims[i];
        infer->result->dims[shift + i] = broadcast_dim(infer->module->dims, a, b, &verdict);
        if (!infer->result->dims[shift + i])
            return longer == x ? fail_broadcast(infer, b, a, verdict) : fail_broadcast(infer, a, b, verdict);
    }
    return LIG_OK;
}

static LigStatus infer_of_kind(LigInfer *infer, LigInferKind kind)
{
    for (size_t i = 0; i < infer->op->operand_count; i++) LIG_TRY(lig_infer_expect_kind(infer, i, kind));
    if (infer->op->operand_count == 2) return broadcast_pair(infer);
    *infer->result = *lig_infer_type(infer, 0);
    return LIG_OK;
}

LigStatus lig_infer_same(LigInfer *infer) { return infer_of_kind(infer, LIG_INFER_NUMBER); }

LigStatus lig_infer_same_float(LigInfer *infer)
{
    LIG_TRY(infer_of_kind(infer, LIG_INFER_FLOAT));
    if (infer->op->code == LIG_OP_SOFTMAX) LIG_TRY(lig_infer_expect_least_rank(infer, 0, 1));
    return LIG_OK;
}

LigStatus lig_infer_cast(LigInfer *infer)
{
    const LigType *stated;
    LIG_TRY(lig_infer_need_stated(infer, &stated));
    const LigType *x = lig_infer_type(infer, 0);
    if (lig_dtype_is_quantised(stated->dtype))
        return lig_infer_fail(infer, LIG_ERR_DTYPE, "a cast gives no quantised dtype, but %s is stated",
                              lig_infer_type_text(infer, stated));
    if (lig_dtype_is_quantised(x->dtype) && !lig_dtype_is_float(stated->dtype))
        return lig_infer_reject(infer, LIG_ERR_DTYPE, 0,
                                "quantised values are cast to a float dtype, not to %s",
                                lig_dtype_name(stated->dtype));
    *infer->result = *x;
    infer->result->dtype = stated->dtype;
    return LIG_OK;
}

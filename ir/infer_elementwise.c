// Shape rules of elementwise ops: NumPy's broadcasting, equal dtypes.
#include "ir/infer_check.h"

// The dim that a and b broadcast to; NULL when they do not.
static LigDim broadcast_dim(const LigDimTable *table, LigDim a, LigDim b)
{
    int64_t one;
    if (lig_dim_equal(table, a, b) == LIG_YES) return a;
    if (lig_dim_is_const(b, &one) && one == 1) return a;
    if (lig_dim_is_const(a, &one) && one == 1) return b;
    return NULL;
}

static LigStatus fail_broadcast(const LigInfer *infer, size_t operand, LigDim found, LigDim other)
{
    LigVerdict verdict = lig_dim_equal(infer->module->dims, found, other);
    const char *y = lig_infer_dim_text(infer, found), *x = lig_infer_dim_text(infer, other);
    const char *so_far = lig_infer_type_text(infer, infer->result);
    const char *before = operand == 1 ? lig_infer_operand_text(infer, 0) : "those before it,";
    if (verdict == LIG_NO)
        return lig_infer_reject(
            infer, LIG_ERR_SHAPE, operand,
            "it does not broadcast with %s %s: %s and %s are neither equal nor 1, reshape or slice one", before,
            so_far, y, x);
    return lig_infer_reject(infer, LIG_ERR_SHAPE, operand,
                            "whether it broadcasts with %s %s is undecided: state it as `fact %s == %s` if so",
                            before, so_far, y, x);
}

// Widens the result's shape to what it and operand `operand` broadcast to.
static LigStatus broadcast_with(LigInfer *infer, size_t operand)
{
    const LigType *y = lig_infer_type(infer, operand);
    const LigType x = *infer->result, *longer = x.rank >= y->rank ? &x : y;
    LigType both = {.dtype = x.dtype, .rank = longer->rank};
    for (int i = 0; i < both.rank; i++) {
        int x_axis = i - (both.rank - x.rank), y_axis = i - (both.rank - y->rank);
        both.dims[i] = longer->dims[i];
        if (x_axis < 0 || y_axis < 0) continue;
        both.dims[i] = broadcast_dim(infer->module->dims, x.dims[x_axis], y->dims[y_axis]);
        if (!both.dims[i]) return fail_broadcast(infer, operand, y->dims[y_axis], x.dims[x_axis]);
    }
    *infer->result = both;
    return LIG_OK;
}

// Every operand after the first has its dtype, and all broadcast.
static LigStatus broadcast_all(LigInfer *infer)
{
    *infer->result = *lig_infer_type(infer, 0);
    for (size_t i = 1; i < infer->op->operand_count; i++) {
        LIG_TRY(lig_infer_expect_same_dtype(infer, i, 0));
        LIG_TRY(broadcast_with(infer, i));
    }
    return LIG_OK;
}

static LigStatus infer_of_kind(LigInfer *infer, LigInferKind kind)
{
    for (size_t i = 0; i < infer->op->operand_count; i++) LIG_TRY(lig_infer_expect_kind(infer, i, kind));
    return broadcast_all(infer);
}

LigStatus lig_infer_same(LigInfer *infer) { return infer_of_kind(infer, LIG_INFER_NUMBER); }
LigStatus lig_infer_same_float(LigInfer *infer) { return infer_of_kind(infer, LIG_INFER_FLOAT); }

LigStatus lig_infer_is_nan(LigInfer *infer)
{
    LIG_TRY(infer_of_kind(infer, LIG_INFER_FLOAT));
    infer->result->dtype = LIG_BOOL;
    return LIG_OK;
}

// Two bools are equal or not; what is ordered is numbers.
LigStatus lig_infer_compare(LigInfer *infer)
{
    LigOpCode code = infer->op->code;
    bool ordered = code == LIG_OP_LT || code == LIG_OP_LE;
    bool bools = !ordered && lig_infer_type(infer, 0)->dtype == LIG_BOOL;
    LIG_TRY(bools ? broadcast_all(infer) : infer_of_kind(infer, LIG_INFER_NUMBER));
    infer->result->dtype = LIG_BOOL;
    return LIG_OK;
}

LigStatus lig_infer_logic(LigInfer *infer)
{
    bool bools = lig_infer_type(infer, 0)->dtype == LIG_BOOL;
    return bools ? broadcast_all(infer) : infer_of_kind(infer, LIG_INFER_INTEGER);
}

LigStatus lig_infer_select(LigInfer *infer)
{
    enum { CONDITION, X, Y };
    LIG_TRY(lig_infer_expect_dtype(infer, CONDITION, LIG_BOOL));
    if (lig_infer_type(infer, X)->dtype != LIG_BOOL) LIG_TRY(lig_infer_expect_kind(infer, X, LIG_INFER_NUMBER));
    LIG_TRY(lig_infer_expect_same_dtype(infer, Y, X));
    *infer->result = *lig_infer_type(infer, CONDITION);
    LIG_TRY(broadcast_with(infer, X));
    LIG_TRY(broadcast_with(infer, Y));
    infer->result->dtype = lig_infer_type(infer, X)->dtype;
    return LIG_OK;
}

LigStatus lig_infer_cast(LigInfer *infer)
{
    const LigType *stated;
    LIG_TRY(lig_infer_need_stated(infer, &stated));
    const LigType *x = lig_infer_type(infer, 0);
    if (lig_dtype_is_quantised(stated->dtype))
        return lig_infer_fail(
            infer, LIG_ERR_DTYPE,
            "a cast gives no quantised dtype, but %s is stated: quantize gives q8a, others come from files",
            lig_infer_type_text(infer, stated));
    if (lig_dtype_is_quantised(x->dtype) && !lig_dtype_is_float(stated->dtype))
        return lig_infer_reject(infer, LIG_ERR_DTYPE, 0,
                                "quantised values are cast to a float dtype, not to %s: cast to f32 first",
                                lig_dtype_name(stated->dtype));
    *infer->result = *x;
    infer->result->dtype = stated->dtype;
    return LIG_OK;
}

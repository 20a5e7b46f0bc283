// Shape rules of ops that draw random numbers.
#include "ir/infer_check.h"

// One integer, the number of the step, and the attributes that make the counter.
static LigStatus check_counter(const LigInfer *infer, size_t step)
{
    LIG_TRY(lig_infer_expect_kind(infer, step, LIG_INFER_INTEGER));
    LIG_TRY(lig_infer_expect_single(infer, step));
    return lig_infer_expect_limits(infer, LIG_ATTR_OP, (LigInferLimits){0, 65535});
}

LigStatus lig_infer_random(LigInfer *infer)
{
    const LigType *stated;
    LIG_TRY(check_counter(infer, 0));
    LIG_TRY(lig_infer_need_stated(infer, &stated));
    if (!lig_dtype_is_float(stated->dtype) || stated->layout.kind != LIG_LAYOUT_ROWS)
        return lig_infer_fail(infer, LIG_ERR_DTYPE, "its result is stated as %s: it must be floats in rows",
                              lig_infer_type_text(infer, stated));
    *infer->result = *stated;
    return LIG_OK;
}

LigStatus lig_infer_dropout(LigInfer *infer)
{
    LIG_TRY(lig_infer_expect_kind(infer, 0, LIG_INFER_FLOAT));
    LIG_TRY(check_counter(infer, 1));
    double rate = lig_attrs_float(infer->op->attrs, LIG_ATTR_RATE, 0.0);
    if (!(rate >= 0.0 && rate < 1.0))
        return lig_infer_fail(infer, LIG_ERR_INVALID, "rate is %g, but it must be 0 or more and below 1", rate);
    *infer->result = *lig_infer_type(infer, 0);
    return LIG_OK;
}

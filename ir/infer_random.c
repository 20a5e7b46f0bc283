// Shape rules of ops that draw random numbers.
#include "ir/infer_check.h"

// One integer, the number of the step, and the attributes that make the counter.
static LigStatus check_counter(const LigInfer *infer, size_t step)
{
    LIG_TRY(lig_infer_expect_kind(infer, step, LIG_INFER_INTEGER));
    return lig_infer_expect_single(infer, step);
}

LigStatus lig_infer_random(LigInfer *infer)
{
    const LigType *stated;
    LIG_TRY(check_counter(infer, 0));
    LIG_TRY(lig_infer_need_stated(infer, &stated));
    if (!lig_dtype_is_float(stated->dtype) || stated->layout.kind != LIG_LAYOUT_ROWS)
        return lig_infer_fail(infer, LIG_ERR_DTYPE,
                              "its result is stated as %s, but must be floats in rows: state such a type",
                              lig_infer_type_text(infer, stated));
    *infer->result = *stated;
    return LIG_OK;
}

LigStatus lig_infer_dropout(LigInfer *infer)
{
    LIG_TRY(lig_infer_expect_kind(infer, 0, LIG_INFER_FLOAT));
    LIG_TRY(check_counter(infer, 1));
    *infer->result = *lig_infer_type(infer, 0);
    return LIG_OK;
}

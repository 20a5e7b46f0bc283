// Shape rules of ops that give the new value of a state, and of clip_norm.
#include "ir/infer_check.h"

LigStatus lig_infer_append(LigInfer *infer)
{
    enum { STATE, X, SLOT, START, POS };
    LigDimTable *dims = infer->module->dims;
    LIG_TRY(lig_infer_expect_kind(infer, STATE, LIG_INFER_FLOAT));
    LIG_TRY(lig_infer_expect_kind(infer, X, LIG_INFER_FLOAT));
    LIG_TRY(lig_infer_expect_rank(infer, STATE, 4, "[S,H,C,D]"));
    LIG_TRY(lig_infer_expect_rank(infer, X, 3, "[N,H,D]"));
    LIG_TRY(lig_infer_expect_equal_dim(infer, (LigInferDimPair){X, 1, STATE, 1}));
    LIG_TRY(lig_infer_expect_equal_dim(infer, (LigInferDimPair){X, 2, STATE, 3}));
    LIG_TRY(lig_infer_expect_rank(infer, SLOT, 1, "[R]"));
    LigDim tokens = lig_infer_type(infer, X)->dims[0], rows = lig_infer_type(infer, SLOT)->dims[0];
    LIG_TRY(lig_infer_expect_i32_vector(infer, SLOT, rows, "[R]"));
    LIG_TRY(
        lig_infer_expect_i32_vector(infer, START, lig_dim_add(dims, rows, lig_dim_const(dims, 1)), "[R+1]"));
    LIG_TRY(lig_infer_expect_i32_vector(infer, POS, tokens, "[N]"));
    *infer->result = *lig_infer_type(infer, STATE);
    return LIG_OK;
}

LigStatus lig_infer_assign(LigInfer *infer)
{
    const LigType *state = lig_infer_type(infer, 0);
    if (lig_dtype_is_quantised(state->dtype))
        return lig_infer_reject(infer, LIG_ERR_DTYPE, 0,
                                "quantised values are not assigned: make the state a float dtype");
    if (lig_dtype_is_float(state->dtype))
        LIG_TRY(lig_infer_expect_kind(infer, 1, LIG_INFER_FLOAT));
    else
        LIG_TRY(lig_infer_expect_same_dtype(infer, 1, 0));
    LIG_TRY(lig_infer_expect_same_dims(infer, 1, 0));
    *infer->result = *state;
    return LIG_OK;
}

LigStatus lig_infer_adamw(LigInfer *infer)
{
    enum { WEIGHT, M, V, GRAD, RATE, STEP };
    for (size_t i = WEIGHT; i <= RATE; i++) LIG_TRY(lig_infer_expect_kind(infer, i, LIG_INFER_FLOAT));
    for (size_t i = M; i <= GRAD; i++) LIG_TRY(lig_infer_expect_same_dims(infer, i, WEIGHT));
    LIG_TRY(lig_infer_expect_single(infer, RATE));
    LIG_TRY(lig_infer_expect_kind(infer, STEP, LIG_INFER_INTEGER));
    LIG_TRY(lig_infer_expect_single(infer, STEP));
    for (size_t i = WEIGHT; i <= V; i++) infer->result[i] = *lig_infer_type(infer, i);
    return LIG_OK;
}

LigStatus lig_infer_clip_norm(LigInfer *infer)
{
    for (size_t i = 0; i < infer->op->operand_count; i++)
        LIG_TRY(lig_infer_expect_kind(infer, i, LIG_INFER_FLOAT));
    for (size_t i = 0; i < 2; i++) infer->result[i] = (LigType){.dtype = LIG_F32};
    return LIG_OK;
}

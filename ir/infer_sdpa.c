// Shape rules of dense attention and its gradient.
#include "ir/infer_check.h"

enum { Q, K, V };

// q[B,H,S,D], k[B,Hkv,T,D], v[B,Hkv,T,E].
static LigStatus check_dense_attention(const LigInfer *infer)
{
    for (size_t i = Q; i <= V; i++) LIG_TRY(lig_infer_expect_kind(infer, i, LIG_INFER_FLOAT));
    LIG_TRY(lig_infer_expect_rank(infer, Q, 4, "[B,H,S,D]"));
    LIG_TRY(lig_infer_expect_rank(infer, K, 4, "[B,Hkv,T,D]"));
    LIG_TRY(lig_infer_expect_rank(infer, V, 4, "[B,Hkv,T,E]"));
    LIG_TRY(lig_infer_expect_equal_dim(infer, (LigInferDimPair){K, 0, Q, 0}));
    LIG_TRY(lig_infer_expect_equal_dim(infer, (LigInferDimPair){K, 3, Q, 3}));
    for (int axis = 0; axis < 3; axis++)
        LIG_TRY(lig_infer_expect_equal_dim(infer, (LigInferDimPair){V, axis, K, axis}));
    int64_t heads, kv_heads;
    bool known = lig_dim_is_const(lig_infer_type(infer, Q)->dims[1], &heads) &&
                 lig_dim_is_const(lig_infer_type(infer, K)->dims[1], &kv_heads);
    if (known && kv_heads > 0 && heads % kv_heads == 0) return LIG_OK;
    return lig_infer_reject(
        infer, LIG_ERR_SHAPE, K,
        "its dim 1, the key heads, must be a constant that divides the heads of q: change one of the two");
}

// The mask broadcasts to the scores, [B,H,S,T].
static LigStatus check_mask(const LigInfer *infer, size_t operand)
{
    const LigType *mask = lig_infer_type(infer, operand), *q = lig_infer_type(infer, Q);
    LigDim scores[4] = {q->dims[0], q->dims[1], q->dims[2], lig_infer_type(infer, K)->dims[2]};
    LIG_TRY(lig_infer_expect_kind(infer, operand, LIG_INFER_FLOAT));
    bool fits = mask->rank <= 4;
    for (int i = 0; fits && i < mask->rank; i++) {
        int64_t one;
        fits = (lig_dim_is_const(mask->dims[i], &one) && one == 1) ||
               lig_dim_equal(infer->module->dims, mask->dims[i], scores[4 - mask->rank + i]) == LIG_YES;
    }
    if (fits) return LIG_OK;
    LigType type = {.dtype = mask->dtype, .rank = 4, .dims = {scores[0], scores[1], scores[2], scores[3]}};
    return lig_infer_reject(infer, LIG_ERR_SHAPE, operand, "it must broadcast to the scores, %s: reshape it",
                            lig_infer_type_text(infer, &type));
}

LigStatus lig_infer_sdpa(LigInfer *infer)
{
    LIG_TRY(check_dense_attention(infer));
    if (infer->op->operand_count == 4) LIG_TRY(check_mask(infer, 3));
    *infer->result = *lig_infer_type(infer, Q);
    infer->result->dims[3] = lig_infer_type(infer, V)->dims[3];
    return LIG_OK;
}

LigStatus lig_infer_sdpa_grad(LigInfer *infer)
{
    enum { DY = 3, MASK };
    LIG_TRY(check_dense_attention(infer));
    LIG_TRY(lig_infer_expect_kind(infer, DY, LIG_INFER_FLOAT));
    LIG_TRY(lig_infer_expect_rank(infer, DY, 4, "[B,H,S,E]"));
    for (int axis = 0; axis < 3; axis++)
        LIG_TRY(lig_infer_expect_equal_dim(infer, (LigInferDimPair){DY, axis, Q, axis}));
    LIG_TRY(lig_infer_expect_equal_dim(infer, (LigInferDimPair){DY, 3, V, 3}));
    if (infer->op->operand_count == 5) LIG_TRY(check_mask(infer, MASK));
    for (size_t i = Q; i <= V; i++) infer->result[i] = *lig_infer_type(infer, i);
    return LIG_OK;
}

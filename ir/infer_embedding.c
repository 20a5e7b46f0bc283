// Shape rules between tokens and vectors: embedding, pool, quantize, relative_bias and alibi.
#include "ir/infer_check.h"

LigStatus lig_infer_embedding(LigInfer *infer)
{
    const LigType *table = lig_infer_type(infer, 0), *ids = lig_infer_type(infer, 1);
    LIG_TRY(lig_infer_expect_rank(infer, 0, 2, "[V,W]"));
    LIG_TRY(lig_infer_expect_kind(infer, 1, LIG_INFER_INTEGER));
    bool is_quantised = lig_dtype_is_quantised(table->dtype);
    if (!is_quantised) LIG_TRY(lig_infer_expect_kind(infer, 0, LIG_INFER_FLOAT));
    if (ids->rank == LIG_MAX_RANK)
        return lig_infer_reject(infer, LIG_ERR_SHAPE, 1,
                                "the result would have more than %d axes: reshape it to fewer first",
                                LIG_MAX_RANK);
    *infer->result = *ids;
    infer->result->dtype = is_quantised ? LIG_F32 : table->dtype;
    infer->result->dims[infer->result->rank++] = table->dims[1];
    return LIG_OK;
}

LigStatus lig_infer_pool(LigInfer *infer)
{
    LigDimTable *dims = infer->module->dims;
    const LigType *x = lig_infer_type(infer, 0), *start = lig_infer_type(infer, 1);
    LIG_TRY(lig_infer_expect_kind(infer, 0, LIG_INFER_FLOAT));
    LIG_TRY(lig_infer_expect_rank(infer, 0, 2, "[N,W]"));
    LIG_TRY(lig_infer_expect_dtype(infer, 1, LIG_I32));
    LIG_TRY(lig_infer_expect_rank(infer, 1, 1, "[R+1]"));
    LigDim one = lig_dim_const(dims, 1);
    if (one && lig_dim_less_equal(dims, one, start->dims[0]) != LIG_YES)
        return lig_infer_reject(
            infer, LIG_ERR_SHAPE, 1,
            "it must certainly have an element, R+1 edges of R rows: raise its lower bound");
    *infer->result = *x;
    infer->result->dims[0] = lig_dim_sub(dims, start->dims[0], one);
    return LIG_OK;
}

LigStatus lig_infer_quantize(LigInfer *infer)
{
    const LigType *x = lig_infer_type(infer, 0);
    int64_t columns, block = lig_dtype_block(LIG_Q8A);
    const LigAttr *attr = lig_attrs_get(infer->op->attrs, LIG_ATTR_BLOCK);
    LIG_TRY(lig_infer_expect_kind(infer, 0, LIG_INFER_FLOAT));
    LIG_TRY(lig_infer_expect_least_rank(infer, 0, 1));
    if (attr && (attr->value.integers.count != 1 || attr->value.integers.data[0] != block))
        return lig_infer_fail(infer, LIG_ERR_INVALID, "block must be [%lld], that of q8a", (long long)block);
    if (!lig_dim_is_const(x->dims[x->rank - 1], &columns) || columns % block != 0)
        return lig_infer_reject(infer, LIG_ERR_SHAPE, 0,
                                "its last dim must be a constant multiple of %lld: pad it", (long long)block);
    *infer->result = *x;
    infer->result->dtype = LIG_Q8A;
    return LIG_OK;
}

// i32 positions [Q] and [K] as the last two axes of a bias with `heads` before.
static LigStatus bias_shape(LigInfer *infer, size_t q_pos, LigDim heads)
{
    for (size_t i = q_pos; i <= q_pos + 1; i++) {
        LIG_TRY(lig_infer_expect_dtype(infer, i, LIG_I32));
        LIG_TRY(lig_infer_expect_rank(infer, i, 1, i == q_pos ? "[Q]" : "[K]"));
    }
    LigDim q = lig_infer_type(infer, q_pos)->dims[0], k = lig_infer_type(infer, q_pos + 1)->dims[0];
    *infer->result = (LigType){.dtype = LIG_F32, .rank = 3, .dims = {heads, q, k}};
    return LIG_OK;
}

LigStatus lig_infer_relative_bias(LigInfer *infer)
{
    const LigType *table = lig_infer_type(infer, 0);
    int64_t buckets;
    LIG_TRY(lig_infer_expect_kind(infer, 0, LIG_INFER_FLOAT));
    LIG_TRY(lig_infer_expect_rank(infer, 0, 2, "[buckets,H]"));
    if (!lig_dim_is_const(table->dims[0], &buckets) || buckets < 4 || buckets % 4 != 0 || buckets > INT32_MAX)
        return lig_infer_reject(infer, LIG_ERR_SHAPE, 0,
                                "its buckets must be a constant multiple of 4: pad it");
    LIG_TRY(
        lig_infer_expect_limits(infer, LIG_ATTR_MAX_DISTANCE, (LigInferLimits){buckets / 2 + 1, INT32_MAX}));
    LIG_TRY(bias_shape(infer, 1, table->dims[1]));
    infer->result->dtype = table->dtype;
    return LIG_OK;
}

LigStatus lig_infer_alibi(LigInfer *infer)
{
    int64_t heads = lig_attrs_int(infer->op->attrs, LIG_ATTR_HEADS, 1);
    return bias_shape(infer, 0, lig_dim_const(infer->module->dims, heads));
}

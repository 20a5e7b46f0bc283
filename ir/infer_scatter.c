// Shape rules of gather_nd, scatter, scatter_add and pad.
#include "ir/infer_check.h"

static LigStatus expect_plain(const LigInfer *infer, size_t operand)
{
    if (!lig_dtype_is_quantised(lig_infer_type(infer, operand)->dtype)) return LIG_OK;
    return lig_infer_reject(infer, LIG_ERR_DTYPE, operand, "quantised values are not moved: cast it first");
}

// x[A..,B..], ids[I..,D] with A the D axes that a tuple indexes: [I..,B..].
LigStatus lig_infer_gather_nd(LigInfer *infer)
{
    const LigType *x = lig_infer_type(infer, 0), *ids = lig_infer_type(infer, 1);
    int64_t depth;
    LIG_TRY(expect_plain(infer, 0));
    LIG_TRY(lig_infer_expect_kind(infer, 1, LIG_INFER_INTEGER));
    LIG_TRY(lig_infer_expect_least_rank(infer, 1, 1));
    if (!lig_dim_is_const(ids->dims[ids->rank - 1], &depth) || depth < 1 || depth > x->rank)
        return lig_infer_reject(infer, LIG_ERR_SHAPE, 1,
                                "its last dim must be a constant in 1..%d: it indexes leading axes of x",
                                x->rank);
    int rank = ids->rank - 1 + x->rank - (int)depth;
    if (rank > LIG_MAX_RANK)
        return lig_infer_reject(infer, LIG_ERR_SHAPE, 1, "the result would have rank %d, beyond %d", rank,
                                LIG_MAX_RANK);
    *infer->result = (LigType){.dtype = x->dtype};
    for (int i = 0; i < ids->rank - 1; i++) infer->result->dims[infer->result->rank++] = ids->dims[i];
    for (int i = (int)depth; i < x->rank; i++) infer->result->dims[infer->result->rank++] = x->dims[i];
    return LIG_OK;
}

// x[A..,L,B..], ids[I..], values[A..,I..,B..]: what gather along `axis` would take from the result.
LigStatus lig_infer_scatter(LigInfer *infer)
{
    enum { X, IDS, VALUES };
    const LigType *x = lig_infer_type(infer, X), *ids = lig_infer_type(infer, IDS);
    int axis;
    LIG_TRY(infer->op->code == LIG_OP_SCATTER ? expect_plain(infer, X)
                                              : lig_infer_expect_kind(infer, X, LIG_INFER_NUMBER));
    LIG_TRY(lig_infer_expect_kind(infer, IDS, LIG_INFER_INTEGER));
    LIG_TRY(lig_infer_expect_same_dtype(infer, VALUES, X));
    LIG_TRY(lig_infer_axis(infer, lig_attrs_int(infer->op->attrs, LIG_ATTR_AXIS, 0), x->rank, &axis));
    LIG_TRY(lig_infer_expect_rank(infer, VALUES, x->rank - 1 + ids->rank, "the axes of ids for that of x"));
    for (int i = 0; i < ids->rank; i++)
        LIG_TRY(lig_infer_expect_equal_dim(infer, (LigInferDimPair){VALUES, axis + i, IDS, i}));
    for (int i = 0; i < x->rank; i++) {
        int at = i < axis ? i : i + ids->rank - 1;
        if (i != axis) LIG_TRY(lig_infer_expect_equal_dim(infer, (LigInferDimPair){VALUES, at, X, i}));
    }
    *infer->result = *x;
    return LIG_OK;
}

static LigStatus check_margins(const LigInfer *infer, LigAttrKey key, const int64_t **out)
{
    const LigAttr *attr = lig_attrs_get(infer->op->attrs, key);
    int rank = lig_infer_type(infer, 0)->rank;
    if (attr->value.integers.count != (size_t)rank)
        return lig_infer_reject(infer, LIG_ERR_INVALID, 0, "%s has %zu entries: it must have one an axis",
                                lig_attr_name(key), attr->value.integers.count);
    *out = attr->value.integers.data;
    for (int i = 0; i < rank; i++) {
        if ((*out)[i] < 0)
            return lig_infer_fail(infer, LIG_ERR_INVALID,
                                  "%s of axis %d is %lld, but it must be 0 or more: slice cuts",
                                  lig_attr_name(key), i, (long long)(*out)[i]);
    }
    return LIG_OK;
}

LigStatus lig_infer_pad(LigInfer *infer)
{
    LigDimTable *dims = infer->module->dims;
    const int64_t *low = NULL, *high = NULL;
    LIG_TRY(expect_plain(infer, 0));
    LIG_TRY(check_margins(infer, LIG_ATTR_LOW, &low));
    LIG_TRY(check_margins(infer, LIG_ATTR_HIGH, &high));
    LIG_ASSERT(low && high); // required attributes
    *infer->result = *lig_infer_type(infer, 0);
    for (int i = 0; i < infer->result->rank; i++) {
        LigDim margin = lig_dim_add(dims, lig_dim_const(dims, low[i]), lig_dim_const(dims, high[i]));
        infer->result->dims[i] = lig_dim_add(dims, infer->result->dims[i], margin);
    }
    return LIG_OK;
}

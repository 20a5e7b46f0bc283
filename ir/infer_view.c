// Shape rules of views: the same elements under other indices.
#include "ir/infer_check.h"

static LigDim count_elements(LigDimTable *table, const LigType *type)
{
    LigDim count = lig_dim_const(table, 1);
    for (int i = 0; i < type->rank; i++) count = lig_dim_mul(table, count, type->dims[i]);
    return count;
}

// A view takes its type from the text: x's dtype, in rows, and whole blocks of a quantised one.
static LigStatus stated_view(const LigInfer *infer, const LigType **out)
{
    LIG_TRY(lig_infer_need_stated(infer, out));
    const LigType *x = lig_infer_type(infer, 0), *stated = *out;
    if (stated->dtype != x->dtype)
        return lig_infer_reject(infer, LIG_ERR_DTYPE, 0,
                                "its result is stated as %s, but a view keeps the dtype: cast it first",
                                lig_infer_type_text(infer, stated));
    if (stated->layout.kind != LIG_LAYOUT_ROWS)
        return lig_infer_fail(infer, LIG_ERR_INVALID,
                              "its result is stated as %s, but only pack changes a layout: drop the layout",
                              lig_infer_type_text(infer, stated));
    return LIG_OK;
}

// Blocks of a quantised dtype lie along the last axis; a view that cuts or moves it would need to split them.
static LigStatus keep_blocks(const LigInfer *infer, const LigType *result)
{
    int64_t last, block = lig_dtype_block(result->dtype);
    if (block == 1) return LIG_OK;
    if (result->rank && lig_dim_is_const(result->dims[result->rank - 1], &last) && last % block == 0)
        return LIG_OK;
    return lig_infer_reject(
        infer, LIG_ERR_SHAPE, 0,
        "the last dim of %s must be a constant multiple of %lld, the block of %s: cast it first",
        lig_infer_type_text(infer, result), (long long)block, lig_dtype_name(result->dtype));
}

LigStatus lig_infer_reshape(LigInfer *infer)
{
    const LigType *stated;
    LIG_TRY(stated_view(infer, &stated));
    LIG_TRY(keep_blocks(infer, stated));
    LigDimTable *dims = infer->module->dims;
    LigDim before = count_elements(dims, lig_infer_type(infer, 0)), after = count_elements(dims, stated);
    if (!before || !after)
        return lig_infer_fail(infer, LIG_ERR_SHAPE,
                              "the number of elements overflows 64 bits, or memory is out: lower its sizes");
    LigVerdict verdict = lig_dim_equal(dims, before, after);
    if (verdict != LIG_YES)
        return lig_infer_reject(
            infer, LIG_ERR_SHAPE, 0,
            "its %s elements %s the %s of %s: a reshape keeps their number, state a shape of as many",
            lig_infer_dim_text(infer, before), verdict == LIG_NO ? "are not" : "can't be shown to equal",
            lig_infer_dim_text(infer, after), lig_infer_type_text(infer, stated));
    *infer->result = *stated;
    return LIG_OK;
}

LigStatus lig_infer_transpose(LigInfer *infer)
{
    const LigType *x = lig_infer_type(infer, 0);
    const LigAttr *perm = lig_attrs_get(infer->op->attrs, LIG_ATTR_PERM);
    if (perm->value.integers.count != (size_t)x->rank)
        return lig_infer_reject(infer, LIG_ERR_SHAPE, 0,
                                "perm has %zu entries, but it needs one an axis: write as many",
                                perm->value.integers.count);
    uint32_t seen = 0;
    *infer->result = *x;
    for (int i = 0; i < x->rank; i++) {
        int axis;
        LIG_TRY(lig_infer_axis(infer, perm->value.integers.data[i], x->rank, &axis));
        if (seen >> axis & 1)
            return lig_infer_fail(infer, LIG_ERR_INVALID, "perm names axis %d twice: it must name each once",
                                  axis);
        seen |= UINT32_C(1) << axis;
        infer->result->dims[i] = x->dims[axis];
        if (i == x->rank - 1 && axis != i && lig_dtype_is_quantised(x->dtype))
            return lig_infer_reject(infer, LIG_ERR_DTYPE, 0,
                                    "the last axis, along which its blocks lie, must stay: cast it first");
    }
    return LIG_OK;
}

// begin and end as dims, end counted from the front; checks 0 <= begin <= end <= dim.
static LigStatus slice_bounds(const LigInfer *infer, LigDim dim, LigDim *begin, LigDim *end)
{
    LigDimTable *dims = infer->module->dims;
    int64_t first = lig_attrs_int(infer->op->attrs, LIG_ATTR_BEGIN, 0);
    int64_t last = lig_attrs_int(infer->op->attrs, LIG_ATTR_END, 0);
    *begin = lig_dim_const(dims, first);
    *end = lig_dim_const(dims, last);
    if (last < 0) *end = lig_dim_add(dims, dim, *end);
    if (!*begin || !*end)
        return lig_infer_fail(infer, LIG_ERR_SHAPE, "its bounds overflow 64 bits, or memory is out");
    bool inside = first >= 0 && lig_dim_less_equal(dims, *begin, *end) == LIG_YES &&
                  lig_dim_less_equal(dims, *end, dim) == LIG_YES;
    if (inside) return LIG_OK;
    return lig_infer_reject(infer, LIG_ERR_SHAPE, 0,
                            "begin=%lld, end=%lld of an axis of size %s: 0 <= begin <= end <= size must be "
                            "certain, change these or bound the size",
                            (long long)first, (long long)last, lig_infer_dim_text(infer, dim));
}

LigStatus lig_infer_slice(LigInfer *infer)
{
    const LigType *x = lig_infer_type(infer, 0);
    LigDimTable *dims = infer->module->dims;
    int axis;
    LigDim begin, end;
    LIG_TRY(lig_infer_axis(infer, lig_attrs_int(infer->op->attrs, LIG_ATTR_AXIS, 0), x->rank, &axis));
    LIG_TRY(slice_bounds(infer, x->dims[axis], &begin, &end));
    int64_t step = lig_attrs_int(infer->op->attrs, LIG_ATTR_STEP, 1);
    int64_t first = lig_attrs_int(infer->op->attrs, LIG_ATTR_BEGIN, 0), block = lig_dtype_block(x->dtype);
    if (axis == x->rank - 1 && block > 1 && (step != 1 || first % block))
        return lig_infer_reject(infer, LIG_ERR_SHAPE, 0,
                                "a slice of its last axis must take whole blocks of %lld: cast it first",
                                (long long)block);
    *infer->result = *x;
    infer->result->dims[axis] = lig_dim_ceildiv(dims, lig_dim_sub(dims, end, begin), step);
    if (!infer->result->dims[axis]) return lig_no_memory(infer->module->ctx);
    return keep_blocks(infer, infer->result);
}

LigStatus lig_infer_broadcast(LigInfer *infer)
{
    const LigType *stated, *x = lig_infer_type(infer, 0);
    LIG_TRY(stated_view(infer, &stated));
    int shift = stated->rank - x->rank;
    bool fits = shift >= 0 && !lig_dtype_is_quantised(x->dtype);
    for (int i = 0; fits && i < x->rank; i++) {
        int64_t size;
        fits = (lig_dim_is_const(x->dims[i], &size) && size == 1) ||
               lig_dim_equal(infer->module->dims, x->dims[i], stated->dims[shift + i]) == LIG_YES;
    }
    if (!fits)
        return lig_infer_reject(infer, LIG_ERR_SHAPE, 0,
                                "it does not broadcast to %s: aligned at the last axis, each dim must be 1 or "
                                "equal, reshape it first",
                                lig_infer_type_text(infer, stated));
    *infer->result = *stated;
    return LIG_OK;
}

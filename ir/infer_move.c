// Shape rules of gather, concat, iota, constant, rope, pack and call.
#include "ir/infer_check.h"

// The leading axes that table and ids share stand before the one taken from.
static LigStatus check_batch(const LigInfer *infer, int64_t batch, int axis)
{
    if (batch < 0 || batch > axis || batch > lig_infer_type(infer, 1)->rank)
        return lig_infer_fail(
            infer, LIG_ERR_INVALID,
            "batch is %lld, but it must be in 0..%d: leading axes of table, before axis, and of ids",
            (long long)batch, axis);
    for (int i = 0; i < batch; i++) LIG_TRY(lig_infer_expect_equal_dim(infer, (LigInferDimPair){1, i, 0, i}));
    return LIG_OK;
}

LigStatus lig_infer_gather(LigInfer *infer)
{
    const LigType *table = lig_infer_type(infer, 0), *ids = lig_infer_type(infer, 1);
    LIG_TRY(lig_infer_expect_kind(infer, 1, LIG_INFER_INTEGER));
    LIG_TRY(lig_infer_expect_least_rank(infer, 0, 1));
    int axis;
    LIG_TRY(lig_infer_axis(infer, lig_attrs_int(infer->op->attrs, LIG_ATTR_AXIS, 0), table->rank, &axis));
    if (table->layout.kind != LIG_LAYOUT_ROWS && (axis != 0 || table->rank != 2))
        return lig_infer_reject(infer, LIG_ERR_UNSUPPORTED, 0,
                                "only rows of a matrix, axis=0, are read from panels: drop the layout");
    bool is_quantised = lig_dtype_is_quantised(table->dtype);
    if (is_quantised && axis == table->rank - 1)
        return lig_infer_reject(
            infer, LIG_ERR_SHAPE, 0,
            "its blocks lie along the axis taken from: take from another, or cast it first");
    int64_t batch = lig_attrs_int(infer->op->attrs, LIG_ATTR_BATCH, 0);
    LIG_TRY(check_batch(infer, batch, axis));
    if (table->rank + ids->rank - 1 - batch > LIG_MAX_RANK)
        return lig_infer_reject(infer, LIG_ERR_SHAPE, 1,
                                "the result would have rank %lld, beyond %d: reshape it to fewer first",
                                (long long)(table->rank + ids->rank - 1 - batch), LIG_MAX_RANK);
    LigType *result = infer->result;
    *result = (LigType){.dtype = is_quantised ? LIG_F32 : table->dtype};
    for (int i = 0; i < axis; i++) result->dims[result->rank++] = table->dims[i];
    for (int i = (int)batch; i < ids->rank; i++) result->dims[result->rank++] = ids->dims[i];
    for (int i = axis + 1; i < table->rank; i++) result->dims[result->rank++] = table->dims[i];
    return LIG_OK;
}

// Operand `index` must be like the first in all but `axis`.
static LigStatus check_joins(const LigInfer *infer, size_t index, int axis)
{
    const LigType *first = lig_infer_type(infer, 0);
    LIG_TRY(lig_infer_expect_same_dtype(infer, index, 0));
    LIG_TRY(lig_infer_expect_rank(infer, index, first->rank, "that of the first"));
    for (int i = 0; i < first->rank; i++) {
        if (i != axis) LIG_TRY(lig_infer_expect_equal_dim(infer, (LigInferDimPair){index, i, 0, i}));
    }
    return LIG_OK;
}

LigStatus lig_infer_concat(LigInfer *infer)
{
    if (!infer->op->operand_count)
        return lig_infer_fail(infer, LIG_ERR_INVALID, "it has no operands: it joins one or more");
    const LigType *first = lig_infer_type(infer, 0);
    int axis;
    LIG_TRY(lig_infer_axis(infer, lig_attrs_int(infer->op->attrs, LIG_ATTR_AXIS, 0), first->rank, &axis));
    *infer->result = *first;
    LigDim *size = &infer->result->dims[axis];
    for (size_t i = 1; i < infer->op->operand_count; i++) {
        LIG_TRY(check_joins(infer, i, axis));
        *size = lig_dim_add(infer->module->dims, *size, lig_infer_type(infer, i)->dims[axis]);
    }
    return LIG_OK;
}

// iota and constant: the type stands in the text, in rows.
static LigStatus take_stated(LigInfer *infer)
{
    const LigType *stated;
    LIG_TRY(lig_infer_need_stated(infer, &stated));
    if (stated->layout.kind != LIG_LAYOUT_ROWS)
        return lig_infer_fail(infer, LIG_ERR_INVALID,
                              "its result is stated as %s, but must lie in rows: drop the layout",
                              lig_infer_type_text(infer, stated));
    *infer->result = *stated;
    return LIG_OK;
}

LigStatus lig_infer_iota(LigInfer *infer)
{
    LIG_TRY(take_stated(infer));
    int axis;
    if (!lig_dtype_is_integer(infer->result->dtype) && !lig_dtype_is_float(infer->result->dtype))
        return lig_infer_fail(
            infer, LIG_ERR_DTYPE,
            "its result is stated as %s, but indices are integers or floats: state such a dtype",
            lig_infer_type_text(infer, infer->result));
    return lig_infer_axis(infer, lig_attrs_int(infer->op->attrs, LIG_ATTR_AXIS, 0), infer->result->rank, &axis);
}

// The values stand in the text too, so that every dim is a constant.
LigStatus lig_infer_stated(LigInfer *infer)
{
    LIG_TRY(take_stated(infer));
    for (int i = 0; i < infer->result->rank; i++) {
        int64_t size;
        if (!lig_dim_is_const(infer->result->dims[i], &size))
            return lig_infer_fail(
                infer, LIG_ERR_SHAPE,
                "its result is stated as %s, but every dim must be a number: broadcast gives it others",
                lig_infer_type_text(infer, infer->result));
    }
    return LIG_OK;
}

LigStatus lig_infer_rope(LigInfer *infer)
{
    LigDimTable *dims = infer->module->dims;
    LIG_TRY(lig_infer_expect_kind(infer, 0, LIG_INFER_FLOAT));
    LIG_TRY(lig_infer_expect_rank(infer, 0, 3, "[N,H,D]"));
    const LigType *x = lig_infer_type(infer, 0), *freq = lig_infer_type(infer, 2);
    LIG_TRY(lig_infer_expect_i32_vector(infer, 1, x->dims[0], "[N]"));
    LIG_TRY(lig_infer_expect_dtype(infer, 2, LIG_F32));
    LIG_TRY(lig_infer_expect_rank(infer, 2, 1, "[F]"));
    LigDim rotated = lig_dim_mul(dims, lig_dim_const(dims, 2), freq->dims[0]);
    if (!rotated) return lig_no_memory(infer->module->ctx);
    if (lig_dim_less_equal(dims, rotated, x->dims[2]) != LIG_YES)
        return lig_infer_reject(infer, LIG_ERR_SHAPE, 2,
                                "twice its size must be at most %s, the last dim of x %s: shorten it",
                                lig_infer_dim_text(infer, x->dims[2]), lig_infer_type_text(infer, x));
    *infer->result = *x;
    return LIG_OK;
}

LigStatus lig_infer_pack(LigInfer *infer)
{
    const LigType *stated;
    LIG_TRY(lig_infer_need_stated(infer, &stated));
    *infer->result = *lig_infer_type(infer, 0);
    infer->result->layout = stated->layout;
    int64_t columns = 0;
    if (stated->rank) (void)lig_dim_is_const(stated->dims[stated->rank - 1], &columns);
    const char *problem = lig_layout_problem(stated->layout, stated->dtype, stated->rank, columns);
    if (!problem) return LIG_OK;
    return lig_infer_fail(infer, LIG_ERR_SHAPE, "its result is stated as %s, but %s; state another layout",
                          lig_infer_type_text(infer, stated), problem);
}

static LigStatus check_argument(const LigInfer *infer, size_t index)
{
    const LigFunc *callee = infer->op->callee;
    const LigType *formal = &callee->inputs.data[index]->type, *given = lig_infer_type(infer, index);
    LigVerdict verdict = lig_type_equal(infer->module->dims, formal, given);
    if (verdict == LIG_YES) return LIG_OK;
    return lig_infer_fail(infer, LIG_ERR_SHAPE, "operand %%%.*s is %s, but @%.*s takes %%%.*s: %s%s",
                          LIG_STR_ARG(infer->op->operands[index]->name), lig_infer_type_text(infer, given),
                          LIG_STR_ARG(callee->name), LIG_STR_ARG(callee->inputs.data[index]->name),
                          lig_infer_type_text(infer, formal),
                          verdict == LIG_NO
                              ? "; pass such a value"
                              : "; whether these are equal is undecided, state a fact that says so");
}

LigStatus lig_infer_call(LigInfer *infer)
{
    const LigFunc *callee = infer->op->callee;
    if (!callee) return lig_infer_fail(infer, LIG_ERR_INVALID, "it names no kernel: write call @kernel(%%x)");
    if (callee->inputs.count != infer->op->operand_count || callee->outputs.count != infer->op->result_count)
        return lig_infer_fail(infer, LIG_ERR_INVALID,
                              "%zu operands and %zu results, but @%.*s has %zu and %zu: give as many",
                              infer->op->operand_count, infer->op->result_count, LIG_STR_ARG(callee->name),
                              callee->inputs.count, callee->outputs.count);
    for (size_t i = 0; i < callee->inputs.count; i++) LIG_TRY(check_argument(infer, i));
    for (size_t i = 0; i < callee->outputs.count; i++) infer->result[i] = callee->outputs.data[i]->type;
    return LIG_OK;
}

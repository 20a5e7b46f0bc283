#include "ir/infer_check.h"

#include <stdarg.h>

LigStatus lig_infer_fail(const LigInfer *infer, LigStatus status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    LigStr message = lig_str_vformat(infer->module->arena, format, args);
    va_end(args);
    if (!message.data) return lig_no_memory(infer->module->ctx);
    return lig_fail(infer->module->ctx, status, infer->op->loc, "%s%s: %s", infer->rule ? infer->rule : "",
                    lig_op_info(infer->op->code)->name, message.data);
}

// A zero-terminated copy of the text in the module's arena; releases the text.
static const char *keep_text(const LigInfer *infer, LigText *text)
{
    LigStr copy = lig_str_copy(infer->module->arena, lig_text_view(text));
    bool whole = !text->failed && copy.data;
    lig_text_free(text);
    return whole ? copy.data : "?";
}

const char *lig_infer_type_text(const LigInfer *infer, const LigType *type)
{
    LigText text = {0};
    lig_type_print(&text, infer->module->dims, type);
    return keep_text(infer, &text);
}

const char *lig_infer_dim_text(const LigInfer *infer, LigDim dim)
{
    LigText text = {0};
    lig_dim_print(&text, infer->module->dims, dim);
    return keep_text(infer, &text);
}

const char *lig_infer_operand_text(const LigInfer *infer, size_t operand)
{
    LigStr name = lig_str_copy(infer->module->arena, lig_op_operand_name(infer->op->code, operand));
    return name.data ? name.data : "?";
}

LigStatus lig_infer_reject(const LigInfer *infer, LigStatus status, size_t operand, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    LigStr message = lig_str_vformat(infer->module->arena, format, args);
    va_end(args);
    LigStr name = lig_op_operand_name(infer->op->code, operand);
    return lig_infer_fail(infer, status, "operand %.*s is %s, but %s", LIG_STR_ARG(name),
                          lig_infer_type_text(infer, lig_infer_type(infer, operand)),
                          message.data ? message.data : "it does not fit");
}

LigStatus lig_infer_expect_kind(const LigInfer *infer, size_t operand, LigInferKind kind)
{
    static const char *const wanted[] = {"a float dtype (f64, f32, bf16, f16)", "a float or integer dtype",
                                         "an integer dtype (i64, i32, i8, u8)"};
    LigDtype dtype = lig_infer_type(infer, operand)->dtype;
    bool is_float = lig_dtype_is_float(dtype), is_integer = lig_dtype_is_integer(dtype);
    bool fits = (is_float && kind != LIG_INFER_INTEGER) || (is_integer && kind != LIG_INFER_FLOAT);
    if (fits) return LIG_OK;
    return lig_infer_reject(infer, LIG_ERR_DTYPE, operand, "it must have %s: cast it first", wanted[kind]);
}

LigStatus lig_infer_expect_dtype(const LigInfer *infer, size_t operand, LigDtype dtype)
{
    if (lig_infer_type(infer, operand)->dtype == dtype) return LIG_OK;
    return lig_infer_reject(infer, LIG_ERR_DTYPE, operand, "its dtype must be %s: cast it first",
                            lig_dtype_name(dtype));
}

LigStatus lig_infer_expect_same_dtype(const LigInfer *infer, size_t operand, size_t as)
{
    const LigType *other = lig_infer_type(infer, as);
    if (lig_infer_type(infer, operand)->dtype == other->dtype) return LIG_OK;
    return lig_infer_reject(infer, LIG_ERR_DTYPE, operand,
                            "its dtype must be %s, that of %.*s %s: cast one of them",
                            lig_dtype_name(other->dtype), LIG_STR_ARG(lig_op_operand_name(infer->op->code, as)),
                            lig_infer_type_text(infer, other));
}

LigStatus lig_infer_expect_rank(const LigInfer *infer, size_t operand, int rank, const char *form)
{
    int found = lig_infer_type(infer, operand)->rank;
    if (found == rank) return LIG_OK;
    return lig_infer_reject(infer, LIG_ERR_SHAPE, operand, "it must have rank %d, %s, not %d: reshape it", rank,
                            form, found);
}

LigStatus lig_infer_expect_least_rank(const LigInfer *infer, size_t operand, int rank)
{
    int found = lig_infer_type(infer, operand)->rank;
    if (found >= rank) return LIG_OK;
    return lig_infer_reject(infer, LIG_ERR_SHAPE, operand, "it must have rank %d or more, not %d: reshape it",
                            rank, found);
}

const char *lig_infer_axis_text(const LigInfer *infer, const LigType *type, int axis)
{
    if (axis == type->rank - 1) return type->rank == 1 ? "the dim" : "the last dim";
    LigStr text = lig_str_format(infer->module->arena, "dim %d", axis);
    return text.data ? text.data : "a dim";
}

// Why two dims are not known to be equal, and what to do.
static const char *difference(const LigInfer *infer, LigDim a, LigDim b, LigVerdict verdict)
{
    const char *left = lig_infer_dim_text(infer, a), *right = lig_infer_dim_text(infer, b);
    LigStr text =
        verdict == LIG_NO
            ? lig_str_format(infer->module->arena, "%s is not %s, change one of the two", left, right)
            : lig_str_format(infer->module->arena,
                             "whether %s equals %s is undecided, state it as `fact %s == %s` if it does", left,
                             right, left, right);
    return text.data ? text.data : "they differ";
}

LigStatus lig_infer_expect_equal_dim(const LigInfer *infer, LigInferDimPair pair)
{
    const LigType *type = lig_infer_type(infer, pair.operand), *as = lig_infer_type(infer, pair.as);
    LigDim found = type->dims[pair.axis], wanted = as->dims[pair.as_axis];
    LigVerdict verdict = lig_dim_equal(infer->module->dims, found, wanted);
    if (verdict == LIG_YES) return LIG_OK;
    const char *axis = lig_infer_axis_text(infer, type, pair.axis);
    return lig_infer_reject(infer, LIG_ERR_SHAPE, pair.operand, "its %s must equal %s, %s of %.*s %s: %s",
                            axis + (axis[0] == 't' ? 4 : 0), lig_infer_dim_text(infer, wanted),
                            lig_infer_axis_text(infer, as, pair.as_axis),
                            LIG_STR_ARG(lig_op_operand_name(infer->op->code, pair.as)),
                            lig_infer_type_text(infer, as), difference(infer, found, wanted, verdict));
}

LigStatus lig_infer_expect_same_dims(const LigInfer *infer, size_t operand, size_t as)
{
    const LigType *other = lig_infer_type(infer, as);
    LIG_TRY(lig_infer_expect_rank(infer, operand, other->rank, lig_infer_type_text(infer, other)));
    for (int i = 0; i < other->rank; i++)
        LIG_TRY(lig_infer_expect_equal_dim(infer, (LigInferDimPair){operand, i, as, i}));
    return LIG_OK;
}

LigStatus lig_infer_expect_single(const LigInfer *infer, size_t operand)
{
    int64_t one = 1;
    const LigType *type = lig_infer_type(infer, operand);
    if (type->rank == 0 || (type->rank == 1 && lig_dim_is_const(type->dims[0], &one) && one == 1))
        return LIG_OK;
    return lig_infer_reject(infer, LIG_ERR_SHAPE, operand,
                            "it must be a single number, shape [] or [1]: slice or reshape it");
}

LigStatus lig_infer_expect_limits(const LigInfer *infer, LigAttrKey key, LigInferLimits limits)
{
    int64_t value = lig_attrs_int(infer->op->attrs, key, limits.low);
    if (value >= limits.low && value <= limits.high) return LIG_OK;
    return lig_infer_fail(infer, LIG_ERR_INVALID, "%s is %lld, but it must be in %lld..%lld",
                          lig_attr_name(key), (long long)value, (long long)limits.low, (long long)limits.high);
}

LigStatus lig_infer_axes(const LigInfer *infer, LigAttrKey key, int rank, uint32_t *mask)
{
    const LigAttr *axes = lig_attrs_get(infer->op->attrs, key);
    *mask = 0;
    for (size_t i = 0; axes && i < axes->value.integers.count; i++) {
        int axis = 0;
        LIG_TRY(lig_infer_axis(infer, axes->value.integers.data[i], rank, &axis));
        if (*mask >> axis & 1)
            return lig_infer_fail(infer, LIG_ERR_INVALID, "%s names axis %d twice: name it once",
                                  lig_attr_name(key), axis);
        *mask |= UINT32_C(1) << axis;
    }
    return LIG_OK;
}

LigStatus lig_infer_expect_i32_vector(const LigInfer *infer, size_t operand, LigDim count,
                                      const char *count_text)
{
    LIG_TRY(lig_infer_expect_dtype(infer, operand, LIG_I32));
    LIG_TRY(lig_infer_expect_rank(infer, operand, 1, count_text));
    if (!count) return lig_no_memory(infer->module->ctx);
    LigDim found = lig_infer_type(infer, operand)->dims[0];
    LigVerdict verdict = lig_dim_equal(infer->module->dims, found, count);
    if (verdict == LIG_YES) return LIG_OK;
    return lig_infer_reject(infer, LIG_ERR_SHAPE, operand, "it must be i32%s, here i32[%s]: %s", count_text,
                            lig_infer_dim_text(infer, count), difference(infer, found, count, verdict));
}

LigStatus lig_infer_axis(const LigInfer *infer, int64_t axis, int rank, int *out)
{
    if (axis < -rank || axis >= rank)
        return lig_infer_fail(infer, LIG_ERR_SHAPE, "axis %lld is outside the rank, %d: it must be in %d..%d",
                              (long long)axis, rank, -rank, rank - 1);
    *out = (int)(axis < 0 ? axis + rank : axis);
    return LIG_OK;
}

LigStatus lig_infer_need_stated(const LigInfer *infer, const LigType **out)
{
    if (!infer->stated)
        return lig_infer_fail(infer, LIG_ERR_INVALID,
                              "the result's type must be stated, as in `: f32[N,9,64]`");
    *out = infer->stated;
    return LIG_OK;
}

// Reductions over axes, norms and softmax along the last axis. All in double, rounded once.
#include "ir/eval_kernel.h"

#include <math.h>
#include <string.h>

// For element `flat` of x, the element of the result it folds into: the axes reduced contribute nothing.
static int64_t folded_index(const LigShape *x, LigAttrs attrs, int64_t flat)
{
    const LigAttr *axes = lig_attrs_get(attrs, LIG_ATTR_AXES);
    int64_t at[LIG_MAX_RANK], index = 0;
    uint32_t reduced = 0;
    for (size_t i = 0; i < axes->value.integers.count; i++)
        reduced |= UINT32_C(1) << lig_eval_axis(axes->value.integers.data[i], x->rank);
    lig_eval_coordinates(x, flat, at);
    for (int i = 0; i < x->rank; i++) {
        if (!(reduced >> i & 1)) index = index * x->dims[i] + at[i];
    }
    return index;
}

static LigStatus sum_integers(LigEvalArgs *args)
{
    const LigTensor *x = &args->operands[0], *z = &args->results[0];
    int64_t n = lig_eval_count(z), bits = 8 * lig_dtype_block_bytes(z->shape.dtype);
    uint64_t *sums = LIG_NEW_ARRAY(args->scratch, uint64_t, (size_t)n);
    if (!sums) return lig_no_memory(args->module->ctx);
    for (int64_t i = 0, count = lig_eval_count(x); i < count; i++)
        sums[folded_index(&x->shape, args->op->attrs, i)] +=
            (uint64_t)lig_shape_get_integer(&x->shape, x->data, i);
    for (int64_t i = 0; i < n; i++) {
        uint64_t high = sums[i] << (64 - bits);
        bool is_unsigned = z->shape.dtype == LIG_U8;
        int64_t wrapped = is_unsigned ? (int64_t)(high >> (64 - bits)) : (int64_t)high >> (64 - bits);
        lig_shape_set_integer(&z->shape, z->data, i, wrapped);
    }
    return LIG_OK;
}

// x summed over `axes` (kept as size 1 with `keep`). Integers wrap to their width.
LigStatus lig_eval_sum(LigEvalArgs *args)
{
    const LigTensor *x = &args->operands[0], *z = &args->results[0];
    if (lig_dtype_is_integer(z->shape.dtype)) return sum_integers(args);
    double *sums;
    LIG_TRY(lig_eval_doubles(args, lig_eval_count(z), &sums));
    for (int64_t i = 0, n = lig_eval_count(x); i < n; i++)
        sums[folded_index(&x->shape, args->op->attrs, i)] += lig_shape_get(&x->shape, x->data, i);
    for (int64_t i = 0, n = lig_eval_count(z); i < n; i++) lig_shape_set(&z->shape, z->data, i, sums[i]);
    return LIG_OK;
}

static LigStatus max_of_integers(LigEvalArgs *args)
{
    const LigTensor *x = &args->operands[0], *z = &args->results[0];
    int64_t n = lig_eval_count(z), count = lig_eval_count(x);
    if (n && !count) return lig_eval_fail(args, LIG_ERR_SHAPE, "no integers to take the maximum of");
    for (int64_t i = 0; i < n; i++) lig_shape_set_integer(&z->shape, z->data, i, INT64_MIN);
    for (int64_t i = 0; i < count; i++) {
        int64_t at = folded_index(&x->shape, args->op->attrs, i);
        int64_t value = lig_shape_get_integer(&x->shape, x->data, i);
        if (value > lig_shape_get_integer(&z->shape, z->data, at))
            lig_shape_set_integer(&z->shape, z->data, at, value);
    }
    return LIG_OK;
}

// The maximum over `axes`; NaN when any is; -inf of no floats. Errors: SHAPE, of no integers.
LigStatus lig_eval_reduce_max(LigEvalArgs *args)
{
    const LigTensor *x = &args->operands[0], *z = &args->results[0];
    if (lig_dtype_is_integer(z->shape.dtype)) return max_of_integers(args);
    double *best;
    int64_t n = lig_eval_count(z);
    LIG_TRY(lig_eval_doubles(args, n, &best));
    for (int64_t i = 0; i < n; i++) best[i] = -HUGE_VAL;
    for (int64_t i = 0, count = lig_eval_count(x); i < count; i++) {
        double value = lig_shape_get(&x->shape, x->data, i);
        double *at = &best[folded_index(&x->shape, args->op->attrs, i)];
        if (isnan(value) || value > *at) *at = value;
    }
    for (int64_t i = 0; i < n; i++) lig_shape_set(&z->shape, z->data, i, best[i]);
    return LIG_OK;
}

// x[..,K], weight[K] -> x / sqrt(mean(x^2) + eps) * weight, or * (1 + weight) with unit_offset.
// Zhang and Sennrich, arXiv:1910.07467.
LigStatus lig_eval_rms_norm(LigEvalArgs *args)
{
    const LigTensor *x = &args->operands[0], *z = &args->results[0];
    int64_t columns = lig_eval_columns(x), rows = lig_eval_rows(x);
    double eps = lig_attrs_float(args->op->attrs, LIG_ATTR_EPS, 0.0), *row, *weight;
    double offset = lig_attrs_flag(args->op->attrs, LIG_ATTR_UNIT_OFFSET) ? 1.0 : 0.0;
    LIG_TRY(lig_eval_doubles(args, columns, &row));
    LIG_TRY(lig_eval_doubles(args, columns, &weight));
    lig_shape_get_row(&args->operands[1].shape, args->operands[1].data, 0, weight);
    for (int64_t r = 0; r < rows; r++) {
        lig_shape_get_row(&x->shape, x->data, r, row);
        double scale = 1.0 / sqrt(lig_eval_dot(row, row, columns) / (double)columns + eps);
        for (int64_t c = 0; c < columns; c++)
            lig_shape_set(&z->shape, z->data, r * columns + c, row[c] * scale * (weight[c] + offset));
    }
    return LIG_OK;
}

// Subtracts the mean of the row and returns the variance (over K, not K - 1).
static double center(double *row, int64_t columns)
{
    double sum = 0.0;
    for (int64_t c = 0; c < columns; c++) sum += row[c];
    for (int64_t c = 0; c < columns; c++) row[c] -= sum / (double)columns;
    return lig_eval_dot(row, row, columns) / (double)columns;
}

// x[..,K], weight[K], bias?[K] -> (x - mean) / sqrt(var + eps) * weight + bias. Ba et al., arXiv:1607.06450.
LigStatus lig_eval_layer_norm(LigEvalArgs *args)
{
    const LigTensor *x = &args->operands[0], *z = &args->results[0];
    int64_t columns = lig_eval_columns(x), rows = lig_eval_rows(x);
    double eps = lig_attrs_float(args->op->attrs, LIG_ATTR_EPS, 0.0), *row, *weight, *bias;
    LIG_TRY(lig_eval_doubles(args, columns, &row));
    LIG_TRY(lig_eval_doubles(args, columns, &weight));
    LIG_TRY(lig_eval_doubles(args, columns, &bias));
    lig_shape_get_row(&args->operands[1].shape, args->operands[1].data, 0, weight);
    if (args->op->operand_count == 3)
        lig_shape_get_row(&args->operands[2].shape, args->operands[2].data, 0, bias);
    for (int64_t r = 0; r < rows; r++) {
        lig_shape_get_row(&x->shape, x->data, r, row);
        double scale = 1.0 / sqrt(center(row, columns) + eps);
        for (int64_t c = 0; c < columns; c++)
            lig_shape_set(&z->shape, z->data, r * columns + c, row[c] * scale * weight[c] + bias[c]);
    }
    return LIG_OK;
}

// exp(x) / sum(exp(x)) in place. A row of only -inf (or of nothing) gives `empty`.
static void softmax_row(double *row, int64_t columns, double empty)
{
    double highest = -HUGE_VAL, sum = 0.0;
    for (int64_t c = 0; c < columns; c++) highest = isnan(row[c]) || row[c] > highest ? row[c] : highest;
    for (int64_t c = 0; c < columns; c++) {
        row[c] = highest == -HUGE_VAL ? empty : exp(row[c] - highest);
        sum += row[c];
    }
    if (highest == -HUGE_VAL) return;
    for (int64_t c = 0; c < columns; c++) row[c] /= sum;
}

// x[..,K] -> softmax along K. A row of only -inf gives zeros with empty=zero, else NaN.
// Errors: INVALID, an `empty` of another name.
LigStatus lig_eval_softmax(LigEvalArgs *args)
{
    const LigTensor *x = &args->operands[0], *z = &args->results[0];
    int64_t columns = lig_eval_columns(x), rows = lig_eval_rows(x);
    LigStr empty = lig_attrs_name(args->op->attrs, LIG_ATTR_EMPTY, LIG_STR("nan"));
    bool is_zero = lig_str_is(empty, "zero");
    if (!is_zero && !lig_str_is(empty, "nan"))
        return lig_eval_fail(args, LIG_ERR_INVALID, "empty is %.*s, but it must be zero or nan",
                             LIG_STR_ARG(empty));
    double *row;
    LIG_TRY(lig_eval_doubles(args, columns, &row));
    for (int64_t r = 0; r < rows; r++) {
        lig_shape_get_row(&x->shape, x->data, r, row);
        softmax_row(row, columns, is_zero ? 0.0 : (double)NAN);
        for (int64_t c = 0; c < columns; c++) lig_shape_set(&z->shape, z->data, r * columns + c, row[c]);
    }
    return LIG_OK;
}

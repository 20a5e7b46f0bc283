// Norms and softmax along the last axis. All in double, rounded once.
#include "ir/eval_kernel.h"

#include <math.h>

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
        double scale = 1.0 / sqrt(lig_eval_inner_product(row, row, columns) / (double)columns + eps);
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
    return lig_eval_inner_product(row, row, columns) / (double)columns;
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

// x[..,K] -> x - log(sum(exp(x))) along K, with the maximum taken out first; NaN for a row of only -inf.
LigStatus lig_eval_log_softmax(LigEvalArgs *args)
{
    const LigTensor *x = &args->operands[0], *z = &args->results[0];
    int64_t columns = lig_eval_columns(x), rows = lig_eval_rows(x);
    double *row;
    LIG_TRY(lig_eval_doubles(args, columns, &row));
    for (int64_t r = 0; r < rows; r++) {
        lig_shape_get_row(&x->shape, x->data, r, row);
        double sum = lig_eval_log_sum(row, columns);
        for (int64_t c = 0; c < columns; c++) lig_shape_set(&z->shape, z->data, r * columns + c, row[c] - sum);
    }
    return LIG_OK;
}

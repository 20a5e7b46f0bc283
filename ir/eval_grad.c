// Gradients of activations, softmax and norms: the vector-Jacobian products of the ops they are named after, in
// double, rounded once.
#include "ir/eval_kernel.h"

#include <math.h>

// ---- elementwise: dy f'(x) ----

static LigStatus scale_by_slope(LigEvalArgs *args, double (*slope)(double x))
{
    const LigTensor *x = &args->operands[0], *dy = &args->operands[1], *z = &args->results[0];
    for (int64_t i = 0, n = lig_eval_count(z); i < n; i++) {
        double at = lig_shape_get(&x->shape, x->data, lig_eval_broadcast_index(&x->shape, &z->shape, i));
        double by = lig_shape_get(&dy->shape, dy->data, lig_eval_broadcast_index(&dy->shape, &z->shape, i));
        lig_shape_set(&z->shape, z->data, i, by * slope(at));
    }
    return LIG_OK;
}

// s (1 + x (1 - s)) with s = sigmoid(x); x (1 - s) is taken as x s(-x), which does not cancel.
static double silu_slope(double x)
{
    double s = 1.0 / (1.0 + exp(-x)), rest = 1.0 / (1.0 + exp(x));
    return s * (1.0 + x * rest);
}

static double relu_slope(double x) { return x > 0.0 ? 1.0 : 0.0; }

// Phi(x) + x phi(x)
static double gelu_erf_slope(double x)
{
    double density = exp(-0.5 * x * x) / sqrt(2.0 * M_PI);
    return 0.5 * erfc(-x * M_SQRT1_2) + x * density;
}

// With t = tanh(u): (1 + t) / 2 + x (1 - t^2) u' / 2
static double gelu_tanh_slope(double x)
{
    double root = sqrt(2.0 / M_PI), t = tanh(root * (x + 0.044715 * x * x * x));
    double inner = root * (1.0 + 3.0 * 0.044715 * x * x);
    return 0.5 * (1.0 + t) + 0.5 * x * (1.0 - t * t) * inner;
}

// x, dy -> dy silu'(x); NaN where x is infinite, as of gelu_grad.
LigStatus lig_eval_silu_grad(LigEvalArgs *args) { return scale_by_slope(args, silu_slope); }

// x, dy -> dy where x > 0, else 0; any floats.
LigStatus lig_eval_relu_grad(LigEvalArgs *args) { return scale_by_slope(args, relu_slope); }

// x, dy -> dy gelu'(x), of the form named.
LigStatus lig_eval_gelu_grad(LigEvalArgs *args)
{
    bool is_tanh = lig_str_is(lig_attrs_name(args->op->attrs, LIG_ATTR_FORM, LIG_STR("erf")), "tanh");
    return scale_by_slope(args, is_tanh ? gelu_tanh_slope : gelu_erf_slope);
}

// ---- rows ----

// One row of several operands, and what all rows add to the gradients of weight and bias.
typedef struct Rows {
    int64_t count, columns;
    double *x, *dy, *weight, *dweight, *dbias;
} Rows;

static LigStatus new_rows(const LigEvalArgs *args, Rows *rows)
{
    *rows = (Rows){.count = lig_eval_rows(&args->operands[0]), .columns = lig_eval_columns(&args->operands[0])};
    double **vectors[] = {&rows->x, &rows->dy, &rows->weight, &rows->dweight, &rows->dbias};
    for (size_t i = 0; i < sizeof vectors / sizeof *vectors; i++)
        LIG_TRY(lig_eval_doubles(args, rows->columns, vectors[i]));
    return LIG_OK;
}

static void read_row(const LigTensor *tensor, int64_t r, double *out)
{
    lig_shape_get_row(&tensor->shape, tensor->data, r, out);
}

// y = softmax(x), dy -> y (dy - sum(y dy))
LigStatus lig_eval_softmax_grad(LigEvalArgs *args)
{
    const LigTensor *z = &args->results[0];
    Rows rows;
    LIG_TRY(new_rows(args, &rows));
    for (int64_t r = 0; r < rows.count; r++) {
        read_row(&args->operands[0], r, rows.x);
        read_row(&args->operands[1], r, rows.dy);
        double sum = lig_eval_inner_product(rows.x, rows.dy, rows.columns);
        for (int64_t c = 0; c < rows.columns; c++)
            lig_shape_set(&z->shape, z->data, r * rows.columns + c, rows.x[c] * (rows.dy[c] - sum));
    }
    return LIG_OK;
}

// y = log_softmax(x), dy -> dy - exp(y) sum(dy)
LigStatus lig_eval_log_softmax_grad(LigEvalArgs *args)
{
    const LigTensor *z = &args->results[0];
    Rows rows;
    LIG_TRY(new_rows(args, &rows));
    for (int64_t r = 0; r < rows.count; r++) {
        double sum = 0.0;
        read_row(&args->operands[0], r, rows.x);
        read_row(&args->operands[1], r, rows.dy);
        for (int64_t c = 0; c < rows.columns; c++) sum += rows.dy[c];
        for (int64_t c = 0; c < rows.columns; c++)
            lig_shape_set(&z->shape, z->data, r * rows.columns + c, rows.dy[c] - exp(rows.x[c]) * sum);
    }
    return LIG_OK;
}

static void store_vector(const LigTensor *z, const double *values)
{
    for (int64_t c = 0, n = lig_eval_count(z); c < n; c++) lig_shape_set(&z->shape, z->data, c, values[c]);
}

// The norm of a row is n = (x - mean) f with f = 1 / sqrt(mean square + eps), mean = 0 in rms_norm. With g = dy
// times the weight: dx = f (g - mean(g) - n mean(g n)), mean(g) left out in rms_norm; dweight adds dy n, dbias
// dy.
static void differentiate_norm(const LigEvalArgs *args, const Rows *rows, int64_t r, bool centered)
{
    const LigTensor *z = &args->results[0];
    double eps = lig_attrs_float(args->op->attrs, LIG_ATTR_EPS, 0.0), count = (double)rows->columns;
    double mean = 0.0, mean_g = 0.0, mean_gn = 0.0;
    for (int64_t c = 0; centered && c < rows->columns; c++) mean += rows->x[c] / count;
    for (int64_t c = 0; c < rows->columns; c++) rows->x[c] -= mean;
    double f = 1.0 / sqrt(lig_eval_inner_product(rows->x, rows->x, rows->columns) / count + eps);
    for (int64_t c = 0; c < rows->columns; c++) {
        rows->dbias[c] += rows->dy[c];
        rows->dweight[c] += rows->dy[c] * rows->x[c] * f;
        rows->dy[c] *= rows->weight[c];
        mean_gn += rows->dy[c] * rows->x[c] * f / count;
        if (centered) mean_g += rows->dy[c] / count;
    }
    for (int64_t c = 0; c < rows->columns; c++)
        lig_shape_set(&z->shape, z->data, r * rows->columns + c,
                      f * (rows->dy[c] - mean_g - rows->x[c] * f * mean_gn));
}

static LigStatus norm_grad(LigEvalArgs *args, bool centered)
{
    bool offset = lig_attrs_flag(args->op->attrs, LIG_ATTR_UNIT_OFFSET);
    Rows rows;
    LIG_TRY(new_rows(args, &rows));
    read_row(&args->operands[1], 0, rows.weight);
    for (int64_t c = 0; offset && c < rows.columns; c++) rows.weight[c] += 1.0;
    for (int64_t r = 0; r < rows.count; r++) {
        read_row(&args->operands[0], r, rows.x);
        read_row(&args->operands[2], r, rows.dy);
        differentiate_norm(args, &rows, r, centered);
    }
    store_vector(&args->results[1], rows.dweight);
    if (centered) store_vector(&args->results[2], rows.dbias);
    return LIG_OK;
}

// x[..,K], weight[K], dy[..,K] -> dx[..,K], dweight[K]
LigStatus lig_eval_rms_norm_grad(LigEvalArgs *args) { return norm_grad(args, false); }
// x[..,K], weight[K], dy[..,K] -> dx[..,K], dweight[K], dbias[K]
LigStatus lig_eval_layer_norm_grad(LigEvalArgs *args) { return norm_grad(args, true); }

// Ops that give the new value of a state, in the state's own bytes; and the norm that updates are clipped by.
#include "ir/eval_kernel.h"

#include <math.h>

enum { STATE, X, SLOT, START, POS };

static LigStatus append_token(const LigEvalArgs *args, int64_t token, int64_t slot)
{
    const LigTensor *x = &args->operands[X], *pos = &args->operands[POS], *z = &args->results[0];
    int64_t heads = z->shape.dims[1], capacity = z->shape.dims[2], width = z->shape.dims[3];
    int64_t at = lig_shape_get_integer(&pos->shape, pos->data, token);
    if (at < 0 || at >= capacity)
        return lig_eval_fail(args, LIG_ERR_INVALID, "pos[%lld] is %lld, but the cache holds positions 0..%lld",
                             (long long)token, (long long)at, (long long)capacity - 1);
    for (int64_t i = 0; i < heads * width; i++) {
        int64_t h = i / width, d = i % width;
        double value = lig_shape_get(&x->shape, x->data, token * heads * width + i);
        lig_shape_set(&z->shape, z->data, ((slot * heads + h) * capacity + at) * width + d, value);
    }
    return LIG_OK;
}

// state[S,H,C,D], x[N,H,D], slot[R], start[R+1], pos[N] -> state with x[t], in the state's dtype, written at
// [slot of t's row, :, pos[t], :]; a later token wins over an earlier one at the same place. Tokens of no row
// are not written. Errors: INVALID, a slot, start or position out of range.
LigStatus lig_eval_append(LigEvalArgs *args)
{
    LigEvalRows rows;
    LIG_TRY(lig_eval_rows_read(args, START, SLOT, &rows));
    for (int64_t r = 0; r < rows.count; r++) {
        for (int64_t t = rows.start[r]; t < rows.start[r + 1]; t++)
            LIG_TRY(append_token(args, t, rows.slot[r]));
    }
    return LIG_OK;
}

// state, x of its shape -> x, rounded to the state's dtype.
LigStatus lig_eval_assign(LigEvalArgs *args)
{
    const LigTensor *x = &args->operands[1], *z = &args->results[0];
    bool same = x->shape.dtype == z->shape.dtype;
    for (int64_t i = 0, n = lig_eval_count(z); i < n; i++) {
        if (same)
            lig_eval_copy_element(x, i, z, i);
        else
            lig_shape_set(&z->shape, z->data, i, lig_shape_get(&x->shape, x->data, i));
    }
    return LIG_OK;
}

static double single(const LigTensor *tensor) { return lig_shape_get(&tensor->shape, tensor->data, 0); }

// weight, m, v, grad of one shape, rate and step single numbers -> weight, m, v after step `step`, counted from
// 1:
//   m = beta1 m + (1 - beta1) grad            v = beta2 v + (1 - beta2) grad^2
//   weight -= rate (m / (1 - beta1^step) / (sqrt(v / (1 - beta2^step)) + eps) + decay weight)
// Loshchilov and Hutter, arXiv:1711.05101. Errors: INVALID, a step below 1.
LigStatus lig_eval_adamw(LigEvalArgs *args)
{
    enum { WEIGHT, M, V, GRAD, RATE, STEP };
    const LigTensor *operands = args->operands, *results = args->results;
    LigAttrs attrs = args->op->attrs;
    double beta1 = lig_attrs_float(attrs, LIG_ATTR_BETA1, 0.0),
           beta2 = lig_attrs_float(attrs, LIG_ATTR_BETA2, 0.0);
    double eps = lig_attrs_float(attrs, LIG_ATTR_EPS, 0.0), decay = lig_attrs_float(attrs, LIG_ATTR_DECAY, 0.0);
    double rate = single(&operands[RATE]), step = single(&operands[STEP]);
    if (step < 1.0) return lig_eval_fail(args, LIG_ERR_INVALID, "step is %g, but steps count from 1", step);
    for (int64_t i = 0, n = lig_eval_count(&results[WEIGHT]); i < n; i++) {
        double grad = lig_shape_get(&operands[GRAD].shape, operands[GRAD].data, i);
        double weight = lig_shape_get(&operands[WEIGHT].shape, operands[WEIGHT].data, i);
        double m = beta1 * lig_shape_get(&operands[M].shape, operands[M].data, i) + (1.0 - beta1) * grad;
        double v = beta2 * lig_shape_get(&operands[V].shape, operands[V].data, i) + (1.0 - beta2) * grad * grad;
        double size = m / (1.0 - pow(beta1, step)) / (sqrt(v / (1.0 - pow(beta2, step))) + eps);
        lig_shape_set(&results[WEIGHT].shape, results[WEIGHT].data, i, weight - rate * (size + decay * weight));
        lig_shape_set(&results[M].shape, results[M].data, i, m);
        lig_shape_set(&results[V].shape, results[V].data, i, v);
    }
    return LIG_OK;
}

// Any tensors -> f32 scalars min(1, limit / norm) and norm, the root of the sum of all their squares. A norm
// that is not finite gives a scale of NaN or 0, so that it is seen.
LigStatus lig_eval_clip_norm(LigEvalArgs *args)
{
    double limit = lig_attrs_float(args->op->attrs, LIG_ATTR_LIMIT, 0.0), sum = 0.0;
    for (size_t o = 0; o < args->op->operand_count; o++) {
        const LigTensor *x = &args->operands[o];
        for (int64_t i = 0, n = lig_eval_count(x); i < n; i++) {
            double value = lig_shape_get(&x->shape, x->data, i);
            sum += value * value;
        }
    }
    double norm = sqrt(sum), scale = norm <= limit ? 1.0 : limit / norm;
    lig_shape_set(&args->results[0].shape, args->results[0].data, 0, scale);
    lig_shape_set(&args->results[1].shape, args->results[1].data, 0, norm);
    return LIG_OK;
}

// Losses per token, and their gradients. Labels are classes 0..V-1, or -100 for a token without a loss. All in
// double, rounded once.
#include "ir/eval_kernel.h"

#include <math.h>
#include <string.h>

enum { IGNORED = -100 };

static LigStatus read_label(const LigEvalArgs *args, size_t operand, int64_t token, int64_t *out)
{
    const LigTensor *labels = &args->operands[operand];
    bool is_head = operand == 2; // of a linear_…: classes are rows of the weight
    int64_t classes = args->operands[is_head ? 1 : 0].shape.dims[is_head ? 0 : 1];
    *out = lig_shape_get_integer(&labels->shape, labels->data, token);
    if (*out == IGNORED || (*out >= 0 && *out < classes)) return LIG_OK;
    return lig_eval_fail(args, LIG_ERR_INVALID,
                         "labels[%lld] is %lld, but it must be in 0..%lld, or %d for no loss", (long long)token,
                         (long long)*out, (long long)classes - 1, IGNORED);
}

// Turns logits into d loss / d logits = softmax - onehot(label), times dy; zeros where the label is ignored.
static void differentiate(double *logits, int64_t classes, int64_t label, double dy)
{
    double sum = lig_eval_log_sum(logits, classes);
    for (int64_t c = 0; c < classes; c++) {
        double share = exp(logits[c] - sum) - (c == label ? 1.0 : 0.0);
        logits[c] = label == IGNORED ? 0.0 : share * dy;
    }
}

// logits[N,V], labels[N] -> [N]: log(sum(exp(logits))) - logits[label]; 0 where ignored. Errors: INVALID, a
// label out of range.
LigStatus lig_eval_cross_entropy(LigEvalArgs *args)
{
    const LigTensor *logits = &args->operands[0], *z = &args->results[0];
    int64_t classes = logits->shape.dims[1], label;
    double *row;
    LIG_TRY(lig_eval_doubles(args, classes, &row));
    for (int64_t t = 0; t < z->shape.dims[0]; t++) {
        LIG_TRY(read_label(args, 1, t, &label));
        lig_shape_get_row(&logits->shape, logits->data, t, row);
        double loss = label == IGNORED ? 0.0 : lig_eval_log_sum(row, classes) - row[label];
        lig_shape_set(&z->shape, z->data, t, loss);
    }
    return LIG_OK;
}

// logits[N,V], labels[N], dy[N] -> d loss / d logits, [N,V].
LigStatus lig_eval_cross_entropy_grad(LigEvalArgs *args)
{
    const LigTensor *logits = &args->operands[0], *dy = &args->operands[2], *z = &args->results[0];
    int64_t classes = logits->shape.dims[1], label;
    double *row;
    LIG_TRY(lig_eval_doubles(args, classes, &row));
    for (int64_t t = 0; t < z->shape.dims[0]; t++) {
        LIG_TRY(read_label(args, 1, t, &label));
        lig_shape_get_row(&logits->shape, logits->data, t, row);
        differentiate(row, classes, label, lig_shape_get(&dy->shape, dy->data, t));
        for (int64_t c = 0; c < classes; c++) lig_shape_set(&z->shape, z->data, t * classes + c, row[c]);
    }
    return LIG_OK;
}

// x[N,K] and weight[V,K] as doubles, and room for one token's logits.
typedef struct Head {
    int64_t tokens, width, classes;
    double *x, *weight, *logits;
} Head;

static LigStatus read_head(const LigEvalArgs *args, Head *h)
{
    const LigTensor *x = &args->operands[0], *weight = &args->operands[1];
    *h = (Head){.tokens = x->shape.dims[0], .width = x->shape.dims[1], .classes = weight->shape.dims[0]};
    LIG_TRY(lig_eval_read_all(args, 0, &h->x));
    LIG_TRY(lig_eval_read_all(args, 1, &h->weight));
    return lig_eval_doubles(args, h->classes, &h->logits);
}

static void compute_logits(const Head *h, int64_t token)
{
    const double *x = h->x + token * h->width;
    for (int64_t c = 0; c < h->classes; c++)
        h->logits[c] = lig_eval_inner_product(x, h->weight + c * h->width, h->width);
}

// x[N,K], weight[V,K], labels[N] -> [N]: cross_entropy of x weight^T, whose logits are not rounded. Errors:
// INVALID, a label out of range.
LigStatus lig_eval_linear_cross_entropy(LigEvalArgs *args)
{
    const LigTensor *z = &args->results[0];
    int64_t label;
    Head h;
    LIG_TRY(read_head(args, &h));
    for (int64_t t = 0; t < h.tokens; t++) {
        LIG_TRY(read_label(args, 2, t, &label));
        compute_logits(&h, t);
        double loss = label == IGNORED ? 0.0 : lig_eval_log_sum(h.logits, h.classes) - h.logits[label];
        lig_shape_set(&z->shape, z->data, t, loss);
    }
    return LIG_OK;
}

// x[N,K], weight[V,K], labels[N], dy[N] -> dx[N,K] and dweight[V,K].
LigStatus lig_eval_linear_cross_entropy_grad(LigEvalArgs *args)
{
    const LigTensor *dy = &args->operands[3], *dx = &args->results[0], *dweight = &args->results[1];
    double *sums;
    int64_t label;
    Head h;
    LIG_TRY(read_head(args, &h));
    LIG_TRY(lig_eval_doubles(args, h.classes * h.width, &sums));
    for (int64_t t = 0; t < h.tokens; t++) {
        LIG_TRY(read_label(args, 2, t, &label));
        compute_logits(&h, t);
        differentiate(h.logits, h.classes, label, lig_shape_get(&dy->shape, dy->data, t));
        for (int64_t i = 0; i < h.width; i++) {
            double sum = 0.0;
            for (int64_t c = 0; c < h.classes; c++) {
                sum += h.logits[c] * h.weight[c * h.width + i];
                sums[c * h.width + i] += h.logits[c] * h.x[t * h.width + i];
            }
            lig_shape_set(&dx->shape, dx->data, t * h.width + i, sum);
        }
    }
    for (int64_t i = 0; i < h.classes * h.width; i++) lig_shape_set(&dweight->shape, dweight->data, i, sums[i]);
    return LIG_OK;
}

// Between tokens and vectors: embedding, pool, quantize, and biases of positions.
#include "ir/eval_kernel.h"

#include <math.h>
#include <string.h>

// table[V,W], ids[..] -> [..,W]: rows of the table; f32 of a quantised one. Errors: INVALID, an id outside
// 0..V-1.
LigStatus lig_eval_embedding(LigEvalArgs *args)
{
    const LigTensor *table = &args->operands[0], *ids = &args->operands[1], *z = &args->results[0];
    int64_t rows = table->shape.dims[0], width = table->shape.dims[1];
    for (int64_t i = 0, n = lig_eval_count(ids); i < n; i++) {
        int64_t id = lig_shape_get_integer(&ids->shape, ids->data, i);
        if (id < 0 || id >= rows)
            return lig_eval_fail(args, LIG_ERR_INVALID,
                                 "element %lld of %%%.*s is %lld, but %%%.*s has 0..%lld", (long long)i,
                                 LIG_STR_ARG(args->op->operands[1]->name), (long long)id,
                                 LIG_STR_ARG(args->op->operands[0]->name), (long long)rows - 1);
        for (int64_t c = 0; c < width; c++) lig_eval_copy_element(table, id * width + c, z, i * width + c);
    }
    return LIG_OK;
}

// x[N,W], start[R+1] -> [R,W]: of the tokens start[r] .. start[r+1]-1 the mean, the first (cls) or the last;
// zeros of no token. Errors: INVALID, starts out of order or range.
LigStatus lig_eval_pool(LigEvalArgs *args)
{
    const LigTensor *x = &args->operands[0], *z = &args->results[0];
    int64_t width = x->shape.dims[1], rows = z->shape.dims[0];
    const int64_t *start = NULL;
    LigStr form = lig_attrs_name(args->op->attrs, LIG_ATTR_POOL, LIG_STR("mean"));
    LIG_TRY(lig_eval_edges(args, 1, x->shape.dims[0], &start));
    for (int64_t i = 0; i < rows * width; i++) {
        int64_t first = start[i / width], end = start[i / width + 1];
        if (lig_str_is(form, "cls") && end > first) end = first + 1;
        if (lig_str_is(form, "last") && end > first) first = end - 1;
        double sum = 0.0;
        for (int64_t t = first; t < end; t++) sum += lig_shape_get(&x->shape, x->data, t * width + i % width);
        lig_shape_set(&z->shape, z->data, i, end > first ? sum / (double)(end - first) : 0.0);
    }
    return LIG_OK;
}

// One block of q8a, in f32: scale = max|x| / 127, q = x * (127 / max|x|) to the nearest, halves to even, and the
// sums of q and of its first half. A block with NaN or inf has that for its scale and q = 0, so that it reads back as NaN. One whose
// numbers are all below 2^-120, where 127 / max|x| is no number any more, is zero.
static void quantize_block(const double *x, unsigned char *out)
{
    enum { BLOCK = 32, SCALE = 32, SUM = 36, HALF_SUM = 40 };
    float highest = 0.0F;
    int32_t sum = 0, half_sum = 0;
    for (int i = 0; i < BLOCK; i++) {
        float magnitude = fabsf((float)x[i]);
        highest = isnan(magnitude) || magnitude > highest ? magnitude : highest;
    }
    bool usable = isfinite(highest) && highest >= 0x1p-120F;
    float scale = usable || !isfinite(highest) ? highest / 127.0F : 0.0F;
    float inverse = usable ? 127.0F / highest : 0.0F;
    for (int i = 0; i < BLOCK; i++) {
        int8_t q = usable ? (int8_t)rintf((float)x[i] * inverse) : 0;
        memcpy(out + i, &q, 1);
        sum += q;
        if (i < BLOCK / 2) half_sum += q;
    }
    memcpy(out + SCALE, &scale, sizeof scale);
    memcpy(out + SUM, &sum, sizeof sum);
    memcpy(out + HALF_SUM, &half_sum, sizeof half_sum);
}

// x[..,K] -> q8a[..,K], K a multiple of 32.
LigStatus lig_eval_quantize(LigEvalArgs *args)
{
    const LigTensor *x = &args->operands[0], *z = &args->results[0];
    int64_t columns = lig_eval_columns(x), block = lig_dtype_block(LIG_Q8A);
    unsigned char *bytes = z->data;
    double *row;
    LIG_TRY(lig_eval_doubles(args, columns, &row));
    for (int64_t r = 0, rows = lig_eval_rows(x); r < rows; r++) {
        lig_shape_get_row(&x->shape, x->data, r, row);
        for (int64_t c = 0; c < columns; c += block)
            quantize_block(row + c, bytes + lig_shape_byte(&z->shape, r * columns + c));
    }
    return LIG_OK;
}

// ---- biases of positions ----

typedef struct Buckets {
    int64_t count, max_distance;
    bool bidirectional;
} Buckets;

// T5's bucket of a distance key - query: half of the buckets are one distance each, the others grow by powers
// up to max_distance. In f32, as its source. Raffel et al., arXiv:1910.10683.
static int64_t bucket_of(const Buckets *b, int64_t distance)
{
    int64_t count = b->bidirectional ? b->count / 2 : b->count, exact = count / 2;
    int64_t base = b->bidirectional && distance > 0 ? count : 0;
    int64_t apart = distance < 0 ? -distance : b->bidirectional ? distance : 0;
    if (apart < exact) return base + apart;
    float range = (float)log((double)b->max_distance / (double)exact);
    float share = (float)log((double)((float)apart / (float)exact)) / range;
    int64_t far = exact + (int64_t)(share * (float)(count - exact));
    return base + (far < count - 1 ? far : count - 1);
}

// table[buckets,H], q_pos[Q], k_pos[K] -> [H,Q,K]: table[bucket of k_pos[j] - q_pos[i], h].
LigStatus lig_eval_relative_bias(LigEvalArgs *args)
{
    const LigTensor *table = &args->operands[0], *q = &args->operands[1], *k = &args->operands[2];
    const LigTensor *z = &args->results[0];
    Buckets buckets = {.count = table->shape.dims[0],
                       .max_distance = lig_attrs_int(args->op->attrs, LIG_ATTR_MAX_DISTANCE, 0),
                       .bidirectional = lig_attrs_flag(args->op->attrs, LIG_ATTR_BIDIRECTIONAL)};
    int64_t heads = z->shape.dims[0], queries = z->shape.dims[1], keys = z->shape.dims[2];
    for (int64_t i = 0, n = lig_eval_count(z); i < n; i++) {
        int64_t distance = lig_shape_get_integer(&k->shape, k->data, i % keys) -
                           lig_shape_get_integer(&q->shape, q->data, i / keys % queries);
        int64_t head = i / keys / queries;
        lig_eval_copy_element(table, bucket_of(&buckets, distance) * heads + head, z, i);
    }
    return LIG_OK;
}

// Of a power of two of heads 2^(-8 (h + 1) / heads); else those of the power below, then every other one of the
// power above. Press et al., arXiv:2108.12409, and its code.
static double alibi_slope(int64_t head, int64_t heads)
{
    int64_t power = 1;
    while (2 * power <= heads) power *= 2;
    if (head < power) return exp2(-8.0 * (double)(head + 1) / (double)power);
    return exp2(-4.0 * (double)(2 * (head - power) + 1) / (double)power);
}

// q_pos[Q], k_pos[K] -> f32[heads,Q,K]: -slope |q_pos[i] - k_pos[j]|.
LigStatus lig_eval_alibi(LigEvalArgs *args)
{
    const LigTensor *q = &args->operands[0], *k = &args->operands[1], *z = &args->results[0];
    int64_t heads = z->shape.dims[0], queries = z->shape.dims[1], keys = z->shape.dims[2];
    for (int64_t i = 0, n = lig_eval_count(z); i < n; i++) {
        int64_t apart = lig_shape_get_integer(&k->shape, k->data, i % keys) -
                        lig_shape_get_integer(&q->shape, q->data, i / keys % queries);
        double slope = alibi_slope(i / keys / queries, heads);
        lig_shape_set(&z->shape, z->data, i, -slope * fabs((double)apart));
    }
    return LIG_OK;
}

// Dense attention and its gradient, all in double, rounded once.
#include "ir/eval_kernel.h"

#include <math.h>

// Sizes of q[B,H,S,D], k[B,Hkv,T,D], v[B,Hkv,T,E], and the operands as doubles.
typedef struct Dense {
    const LigEvalArgs *args;
    const LigTensor *mask; // NULL: none
    LigShape score_shape;  // [B,H,S,T]
    int64_t heads, kv_heads, queries, keys, width, value_width;
    double scale;
    double *q, *k, *v, *shares;
} Dense;

static LigStatus new_dense(const LigEvalArgs *args, size_t mask, Dense *d)
{
    const LigShape *q = &args->operands[0].shape, *v = &args->operands[2].shape;
    *d = (Dense){.args = args,
                 .mask = args->op->operand_count > mask ? &args->operands[mask] : NULL,
                 .heads = q->dims[1],
                 .kv_heads = v->dims[1],
                 .queries = q->dims[2],
                 .keys = v->dims[2],
                 .width = q->dims[3],
                 .value_width = v->dims[3],
                 .scale = lig_attrs_float(args->op->attrs, LIG_ATTR_SCALE, 1.0)};
    d->score_shape = *q;
    d->score_shape.dims[3] = d->keys;
    LIG_TRY(lig_eval_read_all(args, 0, &d->q));
    LIG_TRY(lig_eval_read_all(args, 1, &d->k));
    LIG_TRY(lig_eval_read_all(args, 2, &d->v));
    return lig_eval_doubles(args, d->keys, &d->shares);
}

// The first key, in rows of k and v, that query row `query` (over B, H, S) attends to.
static int64_t first_key(const Dense *d, int64_t query)
{
    int64_t head = query / d->queries % d->heads, batch = query / d->queries / d->heads;
    return (batch * d->kv_heads + head / (d->heads / d->kv_heads)) * d->keys;
}

// softmax(scale q k + mask) of one query into d->shares; zeros where no score is above -inf.
static void weigh(const Dense *d, int64_t query)
{
    double highest = -HUGE_VAL, sum = 0.0;
    for (int64_t j = 0; j < d->keys; j++) {
        const double *key = d->k + (first_key(d, query) + j) * d->width;
        double score = d->scale * lig_eval_inner_product(d->q + query * d->width, key, d->width);
        if (d->mask) {
            int64_t at = lig_eval_broadcast_index(&d->mask->shape, &d->score_shape, query * d->keys + j);
            score += lig_shape_get(&d->mask->shape, d->mask->data, at);
        }
        d->shares[j] = score;
        highest = isnan(score) || score > highest ? score : highest;
    }
    for (int64_t j = 0; j < d->keys; j++)
        sum += d->shares[j] = highest == -HUGE_VAL ? 0.0 : exp(d->shares[j] - highest);
    for (int64_t j = 0; j < d->keys && highest != -HUGE_VAL; j++) d->shares[j] /= sum;
}

// q[B,H,S,D], k[B,Hkv,T,D], v[B,Hkv,T,E], mask? -> softmax(scale q k^T + mask) v, [B,H,S,E] in q's dtype; head
// h reads head h / (H / Hkv) of k and v. The mask broadcasts to [B,H,S,T]. A query without keys gives zeros.
// Vaswani et al., arXiv:1706.03762.
LigStatus lig_eval_sdpa(LigEvalArgs *args)
{
    const LigTensor *z = &args->results[0];
    Dense d;
    LIG_TRY(new_dense(args, 3, &d));
    for (int64_t query = 0, rows = lig_eval_rows(z); query < rows; query++) {
        weigh(&d, query);
        for (int64_t e = 0; e < d.value_width; e++) {
            double sum = 0.0;
            for (int64_t j = 0; j < d.keys; j++)
                sum += d.shares[j] * d.v[(first_key(&d, query) + j) * d.value_width + e];
            lig_shape_set(&z->shape, z->data, query * d.value_width + e, sum);
        }
    }
    return LIG_OK;
}

typedef struct DenseGrad {
    Dense d;
    double *dy, *dq, *dk, *dv, *dshares;
} DenseGrad;

// With p = softmax(s), y = p v:  dv = p dy,  dp = dy v,  ds = p (dp - sum(p dp)),  dq = scale ds k, dk = scale
// ds q.
static void add_query(const DenseGrad *g, int64_t query)
{
    const Dense *d = &g->d;
    const double *dy = g->dy + query * d->value_width;
    double mean = 0.0;
    weigh(d, query);
    for (int64_t j = 0; j < d->keys; j++) {
        int64_t key = first_key(d, query) + j;
        g->dshares[j] = lig_eval_inner_product(dy, d->v + key * d->value_width, d->value_width);
        mean += d->shares[j] * g->dshares[j];
        for (int64_t e = 0; e < d->value_width; e++) g->dv[key * d->value_width + e] += d->shares[j] * dy[e];
    }
    for (int64_t j = 0; j < d->keys; j++) {
        int64_t key = first_key(d, query) + j;
        double ds = d->scale * d->shares[j] * (g->dshares[j] - mean);
        for (int64_t i = 0; i < d->width; i++) {
            g->dq[query * d->width + i] += ds * d->k[key * d->width + i];
            g->dk[key * d->width + i] += ds * d->q[query * d->width + i];
        }
    }
}

// q, k, v, dy[B,H,S,E], mask? -> dq, dk, dv in the types of q, k, v; heads that share a key add up.
LigStatus lig_eval_sdpa_grad(LigEvalArgs *args)
{
    DenseGrad g;
    LIG_TRY(new_dense(args, 4, &g.d));
    LIG_TRY(lig_eval_read_all(args, 3, &g.dy));
    LIG_TRY(lig_eval_doubles(args, lig_eval_count(&args->results[0]), &g.dq));
    LIG_TRY(lig_eval_doubles(args, lig_eval_count(&args->results[1]), &g.dk));
    LIG_TRY(lig_eval_doubles(args, lig_eval_count(&args->results[2]), &g.dv));
    LIG_TRY(lig_eval_doubles(args, g.d.keys, &g.dshares));
    for (int64_t query = 0, rows = lig_eval_rows(&args->operands[0]); query < rows; query++)
        add_query(&g, query);
    lig_eval_store_all(&args->results[0], g.dq);
    lig_eval_store_all(&args->results[1], g.dk);
    lig_eval_store_all(&args->results[2], g.dv);
    return LIG_OK;
}

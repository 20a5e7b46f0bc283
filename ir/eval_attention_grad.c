// The gradient of attention over the keys of the same call, in double, rounded once.
#include "ir/eval_kernel.h"

#include <math.h>

enum { DY, Q, K, V, POS, START, KV_LEN, SLOT };

// Operands as doubles, what adds up to the results, and scratch of one query: an entry a key of its row.
typedef struct AttentionGrad {
    const LigEvalArgs *args;
    int64_t heads, kv_heads, width;
    LigEvalWindow window;
    double scale, softcap; // softcap 0: none
    double *dy, *q, *k, *v, *dq, *dk, *dv;
    double *shares, *slopes, *dshares;
} AttentionGrad;

// One query: its vector in q, the vector of its row's key 0 in k, and the keys first .. end - 1 that it sees.
typedef struct Query {
    int64_t vector, key, first, end;
} Query;

static LigStatus new_vectors(AttentionGrad *a)
{
    const LigEvalArgs *args = a->args;
    int64_t keys = args->operands[K].shape.dims[0];
    double **read[] = {[DY] = &a->dy, [Q] = &a->q, [K] = &a->k, [V] = &a->v};
    double **results[] = {&a->dq, &a->dk, &a->dv}, **scratch[] = {&a->shares, &a->slopes, &a->dshares};
    for (size_t i = DY; i <= V; i++) LIG_TRY(lig_eval_read_all(args, i, read[i]));
    for (size_t i = 0; i < 3; i++) {
        LIG_TRY(lig_eval_doubles(args, lig_eval_count(&args->results[i]), results[i]));
        LIG_TRY(lig_eval_doubles(args, keys, scratch[i]));
    }
    return LIG_OK;
}

static LigStatus new_attention_grad(const LigEvalArgs *args, AttentionGrad *a)
{
    const LigShape *q = &args->operands[Q].shape, *k = &args->operands[K].shape;
    LigAttrs attrs = args->op->attrs;
    *a = (AttentionGrad){.args = args,
                         .heads = q->dims[1],
                         .kv_heads = k->dims[1],
                         .width = q->dims[2],
                         .window = lig_eval_window(args),
                         .scale = lig_attrs_float(attrs, LIG_ATTR_SCALE, 1.0),
                         .softcap = lig_attrs_float(attrs, LIG_ATTR_SOFTCAP, 0.0)};
    return new_vectors(a);
}

// Where key j of the query's row lies in k, v and their gradients.
static int64_t key_place(const AttentionGrad *a, const Query *query, int64_t j)
{
    return (query->key + j * a->kv_heads) * a->width;
}

// The softmax of the scores, and the slope of each score's softcap.
static void weigh(const AttentionGrad *a, const Query *query)
{
    const double *q = a->q + query->vector * a->width;
    double highest = -HUGE_VAL, total = 0.0;
    for (int64_t j = query->first; j < query->end; j++) {
        double score = a->scale * lig_eval_inner_product(q, a->k + key_place(a, query, j), a->width);
        double capped = a->softcap != 0.0 ? tanh(score / a->softcap) : 0.0;
        a->slopes[j] = 1.0 - capped * capped;
        a->shares[j] = a->softcap != 0.0 ? a->softcap * capped : score;
        highest = isnan(score) || a->shares[j] > highest ? a->shares[j] : highest;
    }
    for (int64_t j = query->first; j < query->end; j++) total += a->shares[j] = exp(a->shares[j] - highest);
    for (int64_t j = query->first; j < query->end; j++) a->shares[j] /= total;
}

// With p = softmax(s), y = p v:  dv = p dy,  dp = dy v,  ds = p (dp - sum(p dp)) times the slope of the cap,
// dq = scale ds k,  dk = scale ds q.
static void add_query(const AttentionGrad *a, const Query *query)
{
    int64_t at = query->vector * a->width;
    double mean = 0.0;
    weigh(a, query);
    for (int64_t j = query->first; j < query->end; j++) {
        int64_t key = key_place(a, query, j);
        a->dshares[j] = lig_eval_inner_product(a->dy + at, a->v + key, a->width);
        mean += a->shares[j] * a->dshares[j];
        for (int64_t d = 0; d < a->width; d++) a->dv[key + d] += a->shares[j] * a->dy[at + d];
    }
    for (int64_t j = query->first; j < query->end; j++) {
        int64_t key = key_place(a, query, j);
        double ds = a->scale * a->slopes[j] * a->shares[j] * (a->dshares[j] - mean);
        for (int64_t d = 0; d < a->width; d++) {
            a->dq[at + d] += ds * a->k[key + d];
            a->dk[key + d] += ds * a->q[at + d];
        }
    }
}

// All heads of token `token` in a row whose keys are those of tokens start .. start + kv_len - 1.
static LigStatus add_token(const AttentionGrad *a, int64_t token, int64_t start, int64_t kv_len)
{
    const LigTensor *pos = &a->args->operands[POS];
    int64_t place = lig_shape_get_integer(&pos->shape, pos->data, token);
    if (place < 0)
        return lig_eval_fail(a->args, LIG_ERR_INVALID, "pos[%lld] is %lld, but positions start at 0",
                             (long long)token, (long long)place);
    Query query = {0};
    lig_eval_visible(a->window, place, kv_len, &query.first, &query.end);
    for (int64_t h = 0; h < a->heads; h++) {
        query.vector = token * a->heads + h;
        query.key = start * a->kv_heads + h / (a->heads / a->kv_heads);
        add_query(a, &query);
    }
    return LIG_OK;
}

static LigStatus add_row(const AttentionGrad *a, const LigEvalRows *rows, int64_t r)
{
    const LigTensor *lengths = &a->args->operands[KV_LEN];
    int64_t start = rows->start[r], end = rows->start[r + 1];
    int64_t kv_len = lig_shape_get_integer(&lengths->shape, lengths->data, r);
    if (kv_len < 0)
        return lig_eval_fail(a->args, LIG_ERR_INVALID, "kv_len[%lld] is %lld, but it must be 0 or more",
                             (long long)r, (long long)kv_len);
    if (kv_len > end - start) kv_len = end - start;
    for (int64_t t = start; t < end; t++) LIG_TRY(add_token(a, t, start, kv_len));
    return LIG_OK;
}

// dy q[N,H,D], k v[N,Hkv,D], pos[N], start[R+1], kv_len[R] -> dq, dk, dv in the types of q, k, v, of attention
// without slot; heads that share a key add up. Queries without keys and tokens of no row give zeros. Errors:
// INVALID, a start, position or length out of range.
LigStatus lig_eval_attention_grad(LigEvalArgs *args)
{
    AttentionGrad a;
    LigEvalRows rows;
    LIG_TRY(lig_eval_rows_read(args, START, SLOT, &rows));
    LIG_TRY(new_attention_grad(args, &a));
    for (int64_t r = 0; r < rows.count; r++) LIG_TRY(add_row(&a, &rows, r));
    lig_eval_store_all(&args->results[0], a.dq);
    lig_eval_store_all(&args->results[1], a.dk);
    lig_eval_store_all(&args->results[2], a.dv);
    return LIG_OK;
}

// Shape rules of linear and attention.
#include "ir/infer_check.h"

// f32, or x's own dtype where the text says so; q8a activations give f32 only.
static LigDtype linear_dtype(const LigInfer *infer, LigDtype x)
{
    if (x == LIG_Q8A || (infer->stated && infer->stated->dtype == LIG_F32)) return LIG_F32;
    return x;
}

LigStatus lig_infer_linear(LigInfer *infer)
{
    const LigType *x = lig_infer_type(infer, 0), *weight = lig_infer_type(infer, 1);
    if (x->dtype != LIG_Q8A) LIG_TRY(lig_infer_expect_kind(infer, 0, LIG_INFER_FLOAT));
    LIG_TRY(lig_infer_expect_least_rank(infer, 0, 1));
    bool is_storage = lig_dtype_is_float(weight->dtype) || lig_dtype_is_quantised(weight->dtype);
    if (!is_storage || weight->dtype == LIG_Q8A)
        return lig_infer_reject(infer, LIG_ERR_DTYPE, 1, "a weight must be float or block-quantised storage");
    LIG_TRY(lig_infer_expect_rank(infer, 1, 2, "[N,K]"));
    LIG_TRY(lig_infer_expect_equal_dim(infer, (LigInferDimPair){1, 1, 0, x->rank - 1}));
    *infer->result = *x;
    infer->result->dtype = linear_dtype(infer, x->dtype);
    infer->result->dims[x->rank - 1] = weight->dims[0];
    return LIG_OK;
}

enum { Q, K, V, POS, START, KV_LEN, SLOT };

// H, the heads of the queries, must be a multiple of the heads of the keys: each of those serves a group.
static LigStatus check_head_groups(const LigInfer *infer)
{
    int64_t heads, kv_heads;
    const LigType *q = lig_infer_type(infer, Q), *k = lig_infer_type(infer, K);
    if (!lig_dim_is_const(q->dims[1], &heads) || !lig_dim_is_const(k->dims[1], &kv_heads))
        return lig_infer_reject(infer, LIG_ERR_SHAPE, K, "the numbers of heads must be constants");
    if (kv_heads > 0 && heads % kv_heads == 0) return LIG_OK;
    return lig_infer_reject(infer, LIG_ERR_SHAPE, K,
                            "its dim 1, the key heads, must divide %lld, the heads of q %s", (long long)heads,
                            lig_infer_type_text(infer, q));
}

static LigStatus check_rows(const LigInfer *infer, bool cached)
{
    LIG_TRY(lig_infer_expect_rank(infer, KV_LEN, 1, "[R]"));
    LigDimTable *dims = infer->module->dims;
    LigDim tokens = lig_infer_type(infer, Q)->dims[0], rows = lig_infer_type(infer, KV_LEN)->dims[0];
    LigDim edges = lig_dim_add(dims, rows, lig_dim_const(dims, 1));
    LIG_TRY(lig_infer_expect_i32_vector(infer, POS, tokens, "[N]"));
    LIG_TRY(lig_infer_expect_i32_vector(infer, START, edges, "[R+1]"));
    LIG_TRY(lig_infer_expect_i32_vector(infer, KV_LEN, rows, "[R]"));
    return cached ? lig_infer_expect_i32_vector(infer, SLOT, rows, "[R]") : LIG_OK;
}

// Keys and values of a cache [S,Hkv,C,D], or, without slots, of the call's own tokens [N,Hkv,D].
static LigStatus check_keys(const LigInfer *infer, bool cached)
{
    int rank = cached ? 4 : 3;
    const char *form = cached ? "[S,Hkv,C,D]" : "[N,Hkv,D], as no slot is given";
    LIG_TRY(lig_infer_expect_rank(infer, K, rank, form));
    LIG_TRY(lig_infer_expect_rank(infer, V, rank, form));
    LIG_TRY(lig_infer_expect_equal_dim(infer, (LigInferDimPair){K, rank - 1, Q, 2}));
    if (!cached) LIG_TRY(lig_infer_expect_equal_dim(infer, (LigInferDimPair){K, 0, Q, 0}));
    for (int axis = 0; axis < rank; axis++)
        LIG_TRY(lig_infer_expect_equal_dim(infer, (LigInferDimPair){V, axis, K, axis}));
    return check_head_groups(infer);
}

LigStatus lig_infer_attention(LigInfer *infer)
{
    bool cached = infer->op->operand_count > SLOT;
    for (size_t i = Q; i <= V; i++) LIG_TRY(lig_infer_expect_kind(infer, i, LIG_INFER_FLOAT));
    LIG_TRY(lig_infer_expect_rank(infer, Q, 3, "[N,H,D]"));
    LIG_TRY(check_keys(infer, cached));
    LIG_TRY(check_rows(infer, cached));
    int64_t window = lig_attrs_int(infer->op->attrs, LIG_ATTR_WINDOW, 1);
    if (window < 1)
        return lig_infer_fail(infer, LIG_ERR_INVALID,
                              "window is %lld, but a query sees at least one key: itself", (long long)window);
    *infer->result = *lig_infer_type(infer, Q);
    return LIG_OK;
}

// Shape rules of contractions.
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
        return lig_infer_reject(infer, LIG_ERR_DTYPE, 1,
                                "a weight must be float or block-quantised storage: cast it first");
    LIG_TRY(lig_infer_expect_rank(infer, 1, 2, "[N,K]"));
    LIG_TRY(lig_infer_expect_equal_dim(infer, (LigInferDimPair){1, 1, 0, x->rank - 1}));
    *infer->result = *x;
    infer->result->dtype = linear_dtype(infer, x->dtype);
    infer->result->dims[x->rank - 1] = weight->dims[0];
    return LIG_OK;
}

// A pair of lists that names the same number of axes, with equal sizes one by one.
static LigStatus check_paired_axes(const LigInfer *infer, LigAttrKey x_key, LigAttrKey y_key)
{
    const LigAttr *xs = lig_attrs_get(infer->op->attrs, x_key), *ys = lig_attrs_get(infer->op->attrs, y_key);
    size_t count = xs ? xs->value.integers.count : 0, other = ys ? ys->value.integers.count : 0;
    if (count != other)
        return lig_infer_fail(infer, LIG_ERR_INVALID, "%s names %zu axes, but %s %zu: they go in pairs",
                              lig_attr_name(x_key), count, lig_attr_name(y_key), other);
    for (size_t i = 0; i < count; i++) {
        LigInferDimPair pair = {.operand = 1, .as = 0};
        LIG_TRY(
            lig_infer_axis(infer, xs->value.integers.data[i], lig_infer_type(infer, 0)->rank, &pair.as_axis));
        LIG_TRY(lig_infer_axis(infer, ys->value.integers.data[i], lig_infer_type(infer, 1)->rank, &pair.axis));
        LIG_TRY(lig_infer_expect_equal_dim(infer, pair));
    }
    return LIG_OK;
}

// The axes of an operand that are neither batch nor contracting, behind those of the result so far.
static LigStatus add_free_axes(LigInfer *infer, size_t operand, LigAttrKey batch, LigAttrKey contract)
{
    const LigType *type = lig_infer_type(infer, operand);
    uint32_t batch_mask, contract_mask;
    LIG_TRY(lig_infer_axes(infer, batch, type->rank, &batch_mask));
    LIG_TRY(lig_infer_axes(infer, contract, type->rank, &contract_mask));
    if ((batch_mask & contract_mask) != 0)
        return lig_infer_reject(infer, LIG_ERR_INVALID, operand,
                                "%s and %s name the same axis: name it in one of them", lig_attr_name(batch),
                                lig_attr_name(contract));
    for (int i = 0; i < type->rank; i++) {
        if ((batch_mask | contract_mask) >> i & 1) continue;
        if (infer->result->rank == LIG_MAX_RANK)
            return lig_infer_reject(infer, LIG_ERR_SHAPE, operand,
                                    "the result would have more than %d axes: reshape it to fewer first",
                                    LIG_MAX_RANK);
        infer->result->dims[infer->result->rank++] = type->dims[i];
    }
    return LIG_OK;
}

LigStatus lig_infer_dot(LigInfer *infer)
{
    const LigType *x = lig_infer_type(infer, 0);
    LIG_TRY(lig_infer_expect_kind(infer, 0, LIG_INFER_FLOAT));
    LIG_TRY(lig_infer_expect_same_dtype(infer, 1, 0));
    LIG_TRY(check_paired_axes(infer, LIG_ATTR_X_CONTRACT, LIG_ATTR_Y_CONTRACT));
    LIG_TRY(check_paired_axes(infer, LIG_ATTR_X_BATCH, LIG_ATTR_Y_BATCH));
    *infer->result = (LigType){.dtype = linear_dtype(infer, x->dtype)};
    const LigAttr *batch = lig_attrs_get(infer->op->attrs, LIG_ATTR_X_BATCH);
    for (size_t i = 0; batch && i < batch->value.integers.count; i++) {
        int axis;
        LIG_TRY(lig_infer_axis(infer, batch->value.integers.data[i], x->rank, &axis));
        infer->result->dims[infer->result->rank++] = x->dims[axis];
    }
    LIG_TRY(add_free_axes(infer, 0, LIG_ATTR_X_BATCH, LIG_ATTR_X_CONTRACT));
    return add_free_axes(infer, 1, LIG_ATTR_Y_BATCH, LIG_ATTR_Y_CONTRACT);
}

LigStatus lig_infer_conv1d(LigInfer *infer)
{
    LigDimTable *dims = infer->module->dims;
    const LigType *x = lig_infer_type(infer, 0), *weight = lig_infer_type(infer, 1);
    LigAttrs attrs = infer->op->attrs;
    for (size_t i = 0; i < 2; i++) LIG_TRY(lig_infer_expect_kind(infer, i, LIG_INFER_FLOAT));
    if (x->rank != 3) LIG_TRY(lig_infer_expect_rank(infer, 0, 2, "[T,Cin] or [B,T,Cin]"));
    LIG_TRY(lig_infer_expect_rank(infer, 1, 3, "[Cout,Cin,K]"));
    LIG_TRY(lig_infer_expect_equal_dim(infer, (LigInferDimPair){1, 1, 0, x->rank - 1}));
    LigDim padding = lig_dim_const(dims, 2 * lig_attrs_int(attrs, LIG_ATTR_PADDING, 0));
    LigDim padded = lig_dim_add(dims, x->dims[x->rank - 2], padding);
    if (padded && lig_dim_less_equal(dims, weight->dims[2], padded) != LIG_YES)
        return lig_infer_reject(infer, LIG_ERR_SHAPE, 0,
                                "with padding its T must certainly be %s or more, K of weight: raise the lower "
                                "bound of T, or padding",
                                lig_infer_dim_text(infer, weight->dims[2]));
    LigDim places = lig_dim_floordiv(dims, lig_dim_sub(dims, padded, weight->dims[2]),
                                     lig_attrs_int(attrs, LIG_ATTR_STRIDE, 1));
    *infer->result = *x;
    infer->result->dtype = linear_dtype(infer, x->dtype);
    infer->result->dims[x->rank - 2] = lig_dim_add(dims, places, lig_dim_const(dims, 1));
    infer->result->dims[x->rank - 1] = weight->dims[0];
    return LIG_OK;
}

LigStatus lig_infer_grouped_linear(LigInfer *infer)
{
    LigDimTable *dims = infer->module->dims;
    const LigType *x = lig_infer_type(infer, 0), *weight = lig_infer_type(infer, 1);
    for (size_t i = 0; i < 2; i++) LIG_TRY(lig_infer_expect_kind(infer, i, LIG_INFER_FLOAT));
    LIG_TRY(lig_infer_expect_rank(infer, 0, 2, "[N,K]"));
    LIG_TRY(lig_infer_expect_rank(infer, 1, 3, "[E,M,K]"));
    LIG_TRY(lig_infer_expect_equal_dim(infer, (LigInferDimPair){1, 2, 0, 1}));
    LigDim edges = lig_dim_add(dims, weight->dims[0], lig_dim_const(dims, 1));
    LIG_TRY(lig_infer_expect_i32_vector(infer, 2, edges, "[E+1]"));
    *infer->result = *x;
    infer->result->dtype = linear_dtype(infer, x->dtype);
    infer->result->dims[1] = weight->dims[1];
    return LIG_OK;
}

// Operands of attention, counted from q, which is operand `first` of the op: 0, or 1 behind
// the gradient's dy.
enum { Q, K, V, POS, START, KV_LEN, SLOT };

// H, the heads of the queries, must be a multiple of the heads of the keys: each of those serves a group.
static LigStatus check_head_groups(const LigInfer *infer, size_t first)
{
    int64_t heads, kv_heads;
    const LigType *q = lig_infer_type(infer, first + Q), *k = lig_infer_type(infer, first + K);
    if (!lig_dim_is_const(q->dims[1], &heads) || !lig_dim_is_const(k->dims[1], &kv_heads))
        return lig_infer_reject(infer, LIG_ERR_SHAPE, first + K,
                                "the numbers of heads must be constants: write them as numbers");
    if (kv_heads > 0 && heads % kv_heads == 0) return LIG_OK;
    return lig_infer_reject(
        infer, LIG_ERR_SHAPE, first + K,
        "its dim 1, the key heads, must divide %lld, the heads of q %s: change one of the two",
        (long long)heads, lig_infer_type_text(infer, q));
}

static LigStatus check_rows(const LigInfer *infer, size_t first, bool cached)
{
    LIG_TRY(lig_infer_expect_rank(infer, first + KV_LEN, 1, "[R]"));
    LigDimTable *dims = infer->module->dims;
    LigDim tokens = lig_infer_type(infer, first + Q)->dims[0];
    LigDim rows = lig_infer_type(infer, first + KV_LEN)->dims[0];
    LigDim edges = lig_dim_add(dims, rows, lig_dim_const(dims, 1));
    LIG_TRY(lig_infer_expect_i32_vector(infer, first + POS, tokens, "[N]"));
    LIG_TRY(lig_infer_expect_i32_vector(infer, first + START, edges, "[R+1]"));
    LIG_TRY(lig_infer_expect_i32_vector(infer, first + KV_LEN, rows, "[R]"));
    return cached ? lig_infer_expect_i32_vector(infer, first + SLOT, rows, "[R]") : LIG_OK;
}

// Keys and values of a cache [S,Hkv,C,D], or, without slots, of the call's own tokens [N,Hkv,D].
static LigStatus check_keys(const LigInfer *infer, size_t first, bool cached)
{
    int rank = cached ? 4 : 3;
    size_t q = first + Q, k = first + K, v = first + V;
    const char *form = cached ? "[S,Hkv,C,D]" : "[N,Hkv,D], as no slot is given";
    LIG_TRY(lig_infer_expect_rank(infer, k, rank, form));
    LIG_TRY(lig_infer_expect_rank(infer, v, rank, form));
    LIG_TRY(lig_infer_expect_equal_dim(infer, (LigInferDimPair){k, rank - 1, q, 2}));
    if (!cached) LIG_TRY(lig_infer_expect_equal_dim(infer, (LigInferDimPair){k, 0, q, 0}));
    for (int axis = 0; axis < rank; axis++)
        LIG_TRY(lig_infer_expect_equal_dim(infer, (LigInferDimPair){v, axis, k, axis}));
    return check_head_groups(infer, first);
}

static LigStatus check_attention(const LigInfer *infer, size_t first, bool cached)
{
    for (size_t i = Q; i <= V; i++) LIG_TRY(lig_infer_expect_kind(infer, first + i, LIG_INFER_FLOAT));
    LIG_TRY(lig_infer_expect_rank(infer, first + Q, 3, "[N,H,D]"));
    LIG_TRY(check_keys(infer, first, cached));
    return check_rows(infer, first, cached);
}

LigStatus lig_infer_attention(LigInfer *infer)
{
    LIG_TRY(check_attention(infer, 0, infer->op->operand_count > SLOT));
    *infer->result = *lig_infer_type(infer, Q);
    return LIG_OK;
}

LigStatus lig_infer_attention_grad(LigInfer *infer)
{
    enum { DY, FIRST };
    LIG_TRY(check_attention(infer, FIRST, false));
    LIG_TRY(lig_infer_expect_kind(infer, DY, LIG_INFER_FLOAT));
    LIG_TRY(lig_infer_expect_same_dims(infer, DY, FIRST + Q));
    for (size_t i = Q; i <= V; i++) infer->result[i] = *lig_infer_type(infer, FIRST + i);
    return LIG_OK;
}

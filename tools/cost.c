#include "tools/cost.h"

static double type_bytes(const LigModule *module, const LigType *type)
{
    LigShape shape;
    size_t bytes;
    bool known = lig_type_bind_upper(module->dims, type, &shape) && lig_shape_bytes(&shape, &bytes);
    return known ? (double)bytes : 0;
}

static double constant_dim(LigDim dim)
{
    int64_t value;
    return lig_dim_is_const(dim, &value) ? (double)value : 0;
}

// Whether the rows of this value are all tokens, not only those whose logits are wanted.
static bool has_all_tokens(const LigModule *module, const LigValue *value)
{
    int symbol = lig_dim_as_symbol(value->type.dims[0]);
    return symbol >= 0 && lig_str_is(lig_dims_symbol(module->dims, (size_t)symbol)->name, "N");
}

static void add_linear(const LigModule *module, const LigOp *op, LigCost *cost)
{
    const LigType *weight = &op->operands[1]->type;
    double flops = 2 * constant_dim(weight->dims[0]) * constant_dim(weight->dims[1]);
    cost->weight_bytes += type_bytes(module, weight);
    if (has_all_tokens(module, op->results[0])) {
        cost->body_flops += flops;
    } else {
        cost->head_flops += flops;
    }
}

// q is [N,heads,head], the cache [slots,kv heads,capacity,head].
static void add_attention(const LigOp *op, double keys, LigCost *cost)
{
    const LigType *q = &op->operands[0]->type;
    const LigType *k = &op->operands[1]->type;
    double key_bytes = (double)lig_dtype_block_bytes(k->dtype) / (double)lig_dtype_block(k->dtype);
    cost->body_flops += 4 * keys * constant_dim(q->dims[1]) * constant_dim(q->dims[2]);
    cost->cache_bytes += 2 * keys * constant_dim(k->dims[1]) * constant_dim(k->dims[3]) * key_bytes;
}

LigCost lig_cost_of(const LigModule *module, const char *name, double keys)
{
    LigCost cost = {0};
    const LigFunc *func = lig_module_find_func(module, lig_str(name));
    for (size_t i = 0; func && i < func->ops.count; i++) {
        const LigOp *op = func->ops.data[i];
        if (op->code == LIG_OP_LINEAR) add_linear(module, op, &cost);
        if (op->code == LIG_OP_ATTENTION) add_attention(op, keys, &cost);
    }
    return cost;
}

#include "ir/build.h"

LigBuilder lig_builder(LigModule *module, LigFunc *func)
{
    return (LigBuilder){.module = module, .func = func, .status = LIG_OK};
}

LigStatus lig_builder_status(const LigBuilder *b) { return b->status; }

static LigValue *give_up(LigBuilder *b, LigStatus status)
{
    if (b->status == LIG_OK) b->status = status;
    return NULL;
}

static bool is_taken(const LigBuilder *b, LigStr name)
{
    if (lig_module_find_value(b->module, name)) return true;
    for (size_t i = 0; i < b->func->inputs.count; i++) {
        if (lig_str_equal(b->func->inputs.data[i]->name, name)) return true;
    }
    for (size_t i = 0; i < b->func->ops.count; i++) {
        const LigOp *op = b->func->ops.data[i];
        for (size_t r = 0; r < op->result_count; r++) {
            if (lig_str_equal(op->results[r]->name, name)) return true;
        }
    }
    return false;
}

// The name inside the scope; an empty one stays empty, for a number.
static LigStatus scoped_name(LigBuilder *b, LigStr name, LigStr *out)
{
    *out = name;
    if (!name.length) return LIG_OK;
    *out = lig_str_format(b->module->arena, "%.*s%.*s", LIG_STR_ARG(b->scope), LIG_STR_ARG(name));
    if (!out->data) return lig_no_memory(b->module->ctx);
    if (!is_taken(b, *out)) return LIG_OK;
    return lig_fail(b->module->ctx, LIG_ERR_INVALID, LIG_NOWHERE,
                    "%%%.*s: @%.*s sees a value of this name already; choose another", LIG_STR_ARG(*out),
                    LIG_STR_ARG(b->func->name));
}

LigValue *lig_build(LigBuilder *b, LigOpSpec spec)
{
    if (b->status != LIG_OK) return NULL;
    for (size_t i = 0; i < spec.operand_count; i++) {
        if (!spec.operands[i])
            return give_up(b, lig_fail(b->module->ctx, LIG_ERR_INVALID, LIG_NOWHERE,
                                       "%s: operand %zu of %%%.*s%.*s is no value: give one",
                                       lig_op_info(spec.code)->name, i, LIG_STR_ARG(b->scope),
                                       LIG_STR_ARG(spec.name)));
    }
    LigStatus status = scoped_name(b, spec.name, &spec.name);
    LigOp *op = NULL;
    if (status == LIG_OK) status = lig_op_create(b->module, b->func, &spec, &op);
    if (status != LIG_OK) return give_up(b, status);
    return op->result_count ? op->results[0] : NULL;
}

LigValue *lig_build_unary(LigBuilder *b, LigOpCode code, const char *name, LigValue *x)
{
    return lig_build(b, (LigOpSpec){.code = code, .name = lig_str(name), .operands = &x, .operand_count = 1});
}

LigValue *lig_build_binary(LigBuilder *b, LigOpCode code, const char *name, LigValue *x, LigValue *y)
{
    LigValue *operands[] = {x, y};
    return lig_build(
        b, (LigOpSpec){.code = code, .name = lig_str(name), .operands = operands, .operand_count = 2});
}

LigValue *lig_build_cast(LigBuilder *b, const char *name, LigValue *x, LigDtype dtype)
{
    if (!x) return lig_build_unary(b, LIG_OP_CAST, name, NULL);
    LigType type = x->type;
    type.dtype = dtype;
    return lig_build(
        b,
        (LigOpSpec){
            .code = LIG_OP_CAST, .name = lig_str(name), .operands = &x, .operand_count = 1, .stated = &type});
}

LigValue *lig_build_linear(LigBuilder *b, const char *name, LigValue *x, LigValue *weight)
{
    return lig_build_binary(b, LIG_OP_LINEAR, name, x, weight);
}

LigValue *lig_build_rms_norm(LigBuilder *b, const char *name, LigValue *x, LigValue *weight, double eps,
                             bool unit_offset)
{
    LigValue *operands[] = {x, weight};
    LigAttr attrs[] = {{.key = LIG_ATTR_EPS, .value.real = eps}, {.key = LIG_ATTR_UNIT_OFFSET}};
    return lig_build(b, (LigOpSpec){.code = LIG_OP_RMS_NORM,
                                    .name = lig_str(name),
                                    .operands = operands,
                                    .operand_count = 2,
                                    .attrs = {attrs, unit_offset ? 2 : 1}});
}

LigValue *lig_build_reshape(LigBuilder *b, const char *name, LigValue *x, int rank, const LigDim *dims)
{
    if (!x) return lig_build_unary(b, LIG_OP_RESHAPE, name, NULL);
    LIG_ASSERT(rank >= 0 && rank <= LIG_MAX_RANK);
    LigType type = {.dtype = x->type.dtype, .rank = rank};
    for (int i = 0; i < rank; i++) {
        if (!dims[i]) return give_up(b, lig_no_memory(b->module->ctx));
        type.dims[i] = dims[i];
    }
    return lig_build(b, (LigOpSpec){.code = LIG_OP_RESHAPE,
                                    .name = lig_str(name),
                                    .operands = &x,
                                    .operand_count = 1,
                                    .stated = &type});
}

LigValue *lig_build_gather(LigBuilder *b, const char *name, LigValue *table, LigValue *ids)
{
    LigValue *operands[] = {table, ids};
    LigAttr axis = {.key = LIG_ATTR_AXIS};
    return lig_build(b, (LigOpSpec){.code = LIG_OP_GATHER,
                                    .name = lig_str(name),
                                    .operands = operands,
                                    .operand_count = 2,
                                    .attrs = {&axis, 1}});
}

LigValue *lig_build_rope(LigBuilder *b, const char *name, LigValue *x, LigValue *pos, LigValue *freq,
                         const char *pairs)
{
    LigValue *operands[] = {x, pos, freq};
    LigAttr attr = {.key = LIG_ATTR_PAIRS, .value.name = lig_str(pairs)};
    return lig_build(b, (LigOpSpec){.code = LIG_OP_ROPE,
                                    .name = lig_str(name),
                                    .operands = operands,
                                    .operand_count = 3,
                                    .attrs = {&attr, 1}});
}

LigValue *lig_build_constant(LigBuilder *b, const char *name, const LigType *type, const void *data,
                             size_t bytes)
{
    LigValue *value = lig_build(b, (LigOpSpec){.code = LIG_OP_CONSTANT, .name = lig_str(name), .stated = type});
    if (!value) return NULL;
    LigShape shape;
    size_t needed;
    if (!lig_type_bind_upper(b->module->dims, type, &shape) || !lig_shape_bytes(&shape, &needed) ||
        needed != bytes)
        return give_up(b, lig_fail(b->module->ctx, LIG_ERR_INVALID, LIG_NOWHERE,
                                   "constant: %zu bytes are not what the type of %%%.*s needs", bytes,
                                   LIG_STR_ARG(value->name)));
    value->data = lig_arena_copy(b->module->arena, data, bytes);
    return value->data ? value : give_up(b, lig_no_memory(b->module->ctx));
}

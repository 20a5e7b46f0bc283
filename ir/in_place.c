#include "ir/in_place.h"

static bool has_known_class(const LigFunc *kernel)
{
    LigStr class = lig_attrs_name(kernel->attrs, LIG_ATTR_CLASS, LIG_STR(""));
    return lig_str_is(class, "elementwise") || lig_str_is(class, "row") || lig_str_is(class, "contract");
}

static bool keeps_places(LigOpCode code)
{
    static const LigOpCode codes[] = {LIG_OP_RMS_NORM, LIG_OP_LAYER_NORM, LIG_OP_SOFTMAX, LIG_OP_LINEAR,
                                      LIG_OP_RESHAPE,  LIG_OP_BROADCAST,  LIG_OP_CONSTANT};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (code == codes[i]) return true;
    }
    return lig_op_info(code)->lowering.kind == LIG_LOWER_BODY;
}

static bool is_read_by_linear(const LigOp *op, const LigValue *value)
{
    for (size_t i = 0; op->code == LIG_OP_LINEAR && i < op->operand_count; i++) {
        if (op->operands[i] == value) return true;
    }
    return false;
}

static bool reads_in_place(const LigFunc *kernel, const LigValue *formal)
{
    for (size_t i = 0; i < kernel->ops.count; i++) {
        const LigOp *op = kernel->ops.data[i];
        if (!keeps_places(op->code) || is_read_by_linear(op, formal)) return false;
    }
    return true;
}

static bool is_plain(const LigType *type)
{
    return type->layout.kind == LIG_LAYOUT_ROWS && !lig_dtype_is_quantised(type->dtype);
}

static LigDim count_of(const LigModule *module, const LigType *type)
{
    LigDim count = lig_dim_const(module->dims, 1);
    for (int i = 0; i < type->rank; i++) count = lig_dim_mul(module->dims, count, type->dims[i]);
    return count;
}

static bool same_elements(const LigModule *module, const LigType *a, const LigType *b)
{
    if (!is_plain(a) || !is_plain(b) || lig_dtype_block_bytes(a->dtype) != lig_dtype_block_bytes(b->dtype))
        return false;
    return lig_dim_equal(module->dims, count_of(module, a), count_of(module, b)) == LIG_YES;
}

bool lig_may_overwrite(const LigModule *module, const LigFunc *kernel, size_t formal, size_t result)
{
    const LigValue *input = kernel->inputs.data[formal];
    for (size_t i = 0; i < kernel->outputs.count; i++) {
        if (!is_plain(&kernel->outputs.data[i]->type)) return false;
    }
    return has_known_class(kernel) && reads_in_place(kernel, input) &&
           same_elements(module, &input->type, &kernel->outputs.data[result]->type);
}

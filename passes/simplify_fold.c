// Constants: what is known of them, and ops computed of them alone.
#include "ir/eval.h"
#include "passes/simplify.h"

#include <math.h>

static LigEvalKernel *const kernels[LIG_OP_COUNT] = {
#define LIG_OP(ID, name, ...) [LIG_OP_##ID] = lig_eval_##name,
#include "ir/ops.def"
#undef LIG_OP
};

// A folded constant stands in the text: one of this many elements may grow from smaller operands, others not.
enum { MAY_GROW_TO = 16, MOST_ELEMENTS = 4096 };

static bool is_constant(const LigValue *value)
{
    return value->kind == LIG_VALUE_RESULT && value->op->code == LIG_OP_CONSTANT && value->data;
}

static bool tensor_of(const LigValue *value, LigTensor *out, int64_t *count)
{
    *out = (LigTensor){.data = (void *)(uintptr_t)value->data}; // operands are read only
    return lig_type_bind(&value->type, NULL, &out->shape) && lig_shape_count(&out->shape, count);
}

bool lig_is_constant_number(const LigValue *value, double number)
{
    LigTensor tensor;
    int64_t count;
    if (!is_constant(value) || !tensor_of(value, &tensor, &count) || count == 0) return false;
    for (int64_t i = 0; i < count; i++) {
        double element = lig_dtype_is_float(tensor.shape.dtype)
                             ? lig_shape_get(&tensor.shape, tensor.data, i)
                             : (double)lig_shape_get_integer(&tensor.shape, tensor.data, i);
        if (element != number || signbit(element) != signbit(number)) return false;
    }
    return true;
}

// Ops that can't fail on operands of the right types; gathers check indices.
static bool may_fold(const LigOp *op)
{
    const LigOpInfo *info = lig_op_info(op->code);
    if (op->operand_count == 0 || op->result_count != 1) return false;
    if (lig_dtype_is_quantised(op->results[0]->type.dtype)) return false;
    return info->class == LIG_OPS_ELEMENTWISE || info->class == LIG_OPS_VIEW || info->class == LIG_OPS_REDUCE ||
           op->code == LIG_OP_CONCAT || op->code == LIG_OP_PAD;
}

// Fills the tensors of the operands; false when one is not constant, or the result is too large to write out.
static bool read_operands(const LigOp *op, LigTensor *operands, const LigTensor *result)
{
    int64_t given = 0, made;
    for (size_t i = 0; i < op->operand_count; i++) {
        int64_t count;
        if (!is_constant(op->operands[i]) || !tensor_of(op->operands[i], &operands[i], &count)) return false;
        given += count;
    }
    if (!lig_shape_count(&result->shape, &made) || made > MOST_ELEMENTS) return false;
    return made <= given || made <= MAY_GROW_TO;
}

LigRuleResult lig_rule_fold(LigRuleMatch *m)
{
    LigOp *op = m->op;
    LigTensor result = {0};
    size_t bytes;
    if (!may_fold(op) || !is_constant(op->operands[0])) return LIG_RULE_NO;
    if (!lig_type_bind(&op->results[0]->type, NULL, &result.shape)) return LIG_RULE_NO;
    LigTensor *operands = LIG_NEW_ARRAY(m->scratch, LigTensor, op->operand_count);
    if (!operands) return LIG_RULE_NO_MEMORY;
    if (!read_operands(op, operands, &result) || !lig_shape_bytes(&result.shape, &bytes)) return LIG_RULE_NO;
    result.data = lig_arena_alloc(m->module->arena, bytes);
    if (!result.data) return LIG_RULE_NO_MEMORY;
    LigEvalArgs args = {m->module, op, NULL, operands, &result, m->scratch};
    if (kernels[op->code](&args) != LIG_OK) return LIG_RULE_NO_MEMORY; // nothing else fails: may_fold
    op->code = LIG_OP_CONSTANT;
    op->attrs = (LigAttrs){0};
    op->operand_count = 0;
    op->results[0]->data = result.data;
    return LIG_RULE_EDITED;
}

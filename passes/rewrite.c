#include "passes/rewrite.h"

#include <string.h>

LigReplacements lig_replacements(LigArena *scratch, LigModule *module, const LigFunc *func)
{
    return (LigReplacements){module, LIG_NEW_ARRAY(scratch, LigValue *, func->value_count)};
}

LigValue *lig_replaced(const LigReplacements *replacements, LigValue *value)
{
    bool local = value->kind == LIG_VALUE_INPUT || value->kind == LIG_VALUE_RESULT;
    if (!local || lig_value_is_resident(replacements->module, value)) return value;
    LigValue *other = replacements->by_id[value->id];
    return other ? other : value;
}

void lig_replace_operands(const LigReplacements *replacements, LigOp *op)
{
    for (size_t i = 0; i < op->operand_count; i++)
        op->operands[i] = lig_replaced(replacements, op->operands[i]);
}

void lig_replace_outputs(const LigReplacements *replacements, LigFunc *func)
{
    for (size_t i = 0; i < func->outputs.count; i++) {
        func->outputs.data[i] = lig_replaced(replacements, func->outputs.data[i]);
    }
}

static bool same_constant(const LigOp *a, const LigOp *b)
{
    if (a->code != LIG_OP_CONSTANT) return true;
    LigShape shape;
    size_t bytes;
    if (!lig_type_bind(&a->results[0]->type, NULL, &shape) || !lig_shape_bytes(&shape, &bytes)) return false;
    return memcmp(a->results[0]->data, b->results[0]->data, bytes) == 0;
}

// Ops that give the same bits with their operands the other way round; max and min of 0.0 and -0.0 do not.
static bool commutes(LigOpCode code)
{
    static const LigOpCode codes[] = {LIG_OP_ADD, LIG_OP_MUL, LIG_OP_EQ, LIG_OP_NE,
                                      LIG_OP_AND, LIG_OP_OR,  LIG_OP_XOR};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        if (codes[i] == code) return true;
    }
    return false;
}

static bool same_operands(const LigOp *a, const LigOp *b)
{
    if (commutes(a->code) && a->operands[0] == b->operands[1] && a->operands[1] == b->operands[0]) return true;
    for (size_t i = 0; i < a->operand_count; i++) {
        if (a->operands[i] != b->operands[i]) return false;
    }
    return true;
}

bool lig_op_computes_same(const LigModule *module, const LigOp *a, const LigOp *b)
{
    if (a->code != b->code || a->callee != b->callee || a->operand_count != b->operand_count ||
        a->result_count != b->result_count || !lig_attrs_equal(a->attrs, b->attrs)) {
        return false;
    }
    if (lig_op_info(a->code)->class == LIG_OPS_STATE || a->callee) return false;
    if (!same_operands(a, b)) return false;
    for (size_t i = 0; i < a->result_count; i++) {
        if (lig_type_equal(module->dims, &a->results[i]->type, &b->results[i]->type) != LIG_YES) return false;
    }
    return same_constant(a, b);
}

static bool names_value(const LigModule *module, const LigFunc *func, LigStr name, const LigOp *except)
{
    for (size_t i = 0; i < func->inputs.count; i++) {
        if (lig_str_equal(func->inputs.data[i]->name, name)) return true;
    }
    for (size_t i = 0; i < func->ops.count; i++) {
        const LigOp *op = func->ops.data[i];
        if (op == except || (except && lig_op_computes_same(module, op, except))) continue;
        for (size_t r = 0; r < op->result_count; r++) {
            if (lig_str_equal(op->results[r]->name, name)) return true;
        }
    }
    return false;
}

static bool is_name_taken(const LigModule *module, LigStr name, const LigOp *except)
{
    if (lig_module_find_value(module, name)) return true;
    for (size_t i = 0; i < module->funcs.count; i++) {
        const LigFunc *func = module->funcs.data[i];
        if (func->kind != LIG_FUNC_KERNEL && names_value(module, func, name, except)) return true;
    }
    return false;
}

LigStr lig_fresh_value_name(LigModule *module, LigStr base, const LigOp *except)
{
    LigStr name = base;
    for (int i = 2; name.data && is_name_taken(module, name, except); i++) {
        name = lig_str_format(module->arena, "%.*s.%d", LIG_STR_ARG(base), i);
    }
    return name;
}

// Making an op: its operands and attributes copied, its result types inferred, its results named.
#include "ir/infer.h"

static bool name_is_taken(const LigModule *module, const LigFunc *func, LigStr name)
{
    if (lig_module_find_value(module, name)) return true;
    for (size_t i = 0; i < func->inputs.count; i++) {
        if (lig_str_equal(func->inputs.data[i]->name, name)) return true;
    }
    for (size_t i = 0; i < func->ops.count; i++) {
        const LigOp *op = func->ops.data[i];
        for (size_t r = 0; r < op->result_count; r++) {
            if (lig_str_equal(op->results[r]->name, name)) return true;
        }
    }
    return false;
}

static bool is_result_before(const LigOp *op, size_t index, LigStr name)
{
    for (size_t i = 0; i < index; i++) {
        if (lig_str_equal(op->results[i]->name, name)) return true;
    }
    return false;
}

// The first number from the value's id on that no value of the function has as its name, nor an earlier result.
static LigStr number_name(LigModule *module, const LigFunc *func, const LigOp *op, size_t index)
{
    for (size_t number = func->value_count;; number++) {
        LigStr name = lig_str_format(module->arena, "%zu", number);
        if (!name.data) return name;
        if (!is_result_before(op, index, name) && !name_is_taken(module, func, name)) return name;
    }
}

static LigStr result_name(LigModule *module, const LigFunc *func, const LigOpSpec *spec, const LigOp *op,
                          size_t index)
{
    if (spec->names) return lig_str_copy(module->arena, spec->names[index]);
    if (!spec->name.length) return number_name(module, func, op, index);
    if (!index) return lig_str_copy(module->arena, spec->name);
    return lig_str_format(module->arena, "%.*s.%zu", LIG_STR_ARG(spec->name), index);
}

static LigOp *copy_spec(LigModule *module, const LigOpSpec *spec)
{
    LigOp *op = LIG_NEW(module->arena, LigOp);
    if (!op) return NULL;
    int results = lig_op_info(spec->code)->results;
    op->code = spec->code;
    op->callee = spec->callee;
    op->loc = spec->loc;
    op->operand_count = spec->operand_count;
    op->operands = LIG_NEW_ARRAY(module->arena, LigValue *, spec->operand_count);
    op->result_count = results >= 0 ? (size_t)results : spec->callee ? spec->callee->outputs.count : 0;
    op->results = LIG_NEW_ARRAY(module->arena, LigValue *, op->result_count);
    if (!op->operands || !op->results) return NULL;
    for (size_t i = 0; i < spec->operand_count; i++) op->operands[i] = spec->operands[i];
    for (size_t i = 0; i < spec->attrs.count; i++) {
        if (!lig_attrs_set(module->arena, &op->attrs, spec->attrs.items[i])) return NULL;
    }
    return op;
}

static LigStatus add_result(LigModule *module, LigFunc *func, LigOp *op, size_t index, LigValue value)
{
    LigValue *result = LIG_NEW(module->arena, LigValue);
    if (!result || !value.name.data) return lig_no_memory(module->ctx);
    *result = value;
    if (func->kind == LIG_FUNC_LOAD) {
        if (lig_module_find_value(module, value.name))
            return lig_fail(
                module->ctx, LIG_ERR_INVALID, op->loc,
                "%%%.*s: the module has a value of this name already; name the result of load otherwise",
                LIG_STR_ARG(value.name));
        if (!lig_map_put(module->arena, &module->values, result->name, result))
            return lig_no_memory(module->ctx);
    }
    op->results[index] = result;
    func->value_count++;
    return LIG_OK;
}

LigStatus lig_op_create(LigModule *module, LigFunc *func, const LigOpSpec *spec, LigOp **out)
{
    LigOp *op = copy_spec(module, spec);
    if (!op) return lig_no_memory(module->ctx);
    LigType *types = LIG_NEW_ARRAY(module->arena, LigType, op->result_count);
    if (!types) return lig_no_memory(module->ctx);
    LigInfer infer = {.module = module, .op = op, .stated = spec->stated, .result = types};
    LIG_TRY(lig_op_infer(&infer));
    for (size_t i = 0; i < op->result_count; i++) {
        LigValue value = {.name = result_name(module, func, spec, op, i),
                          .type = types[i],
                          .kind = LIG_VALUE_RESULT,
                          .id = (uint32_t)func->value_count,
                          .op = op,
                          .index = (uint32_t)i,
                          .loc = spec->loc};
        LIG_TRY(add_result(module, func, op, i, value));
    }
    if (!LIG_VEC_PUSH(module->arena, &func->ops, op)) return lig_no_memory(module->ctx);
    *out = op;
    return LIG_OK;
}

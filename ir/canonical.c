#include "ir/canonical.h"

#include "ir/text.h"

static void append_attrs(LigText *text, LigAttrs attrs)
{
    for (size_t i = 0; i < attrs.count; i++) {
        lig_text_append_char(text, ' ');
        lig_print_attr(text, &attrs.items[i]);
    }
}

static void append_value(LigText *text, const LigValue *value)
{
    lig_text_append(text, LIG_STR(" %"));
    lig_text_append_i64(text, value->id);
}

static void append_type(LigText *text, const LigModule *module, const LigType *type)
{
    lig_text_append_char(text, ' ');
    lig_type_print(text, module->dims, type);
}

static void append_constant(LigText *text, const LigValue *value)
{
    LigShape shape;
    int64_t count;
    if (!lig_type_bind(&value->type, NULL, &shape) || !lig_shape_count(&shape, &count)) return;
    for (int64_t i = 0; i < count; i++) {
        lig_text_append_char(text, ' ');
        lig_text_append_f64(text, lig_shape_get(&shape, value->data, i));
    }
}

static void append_op(LigText *text, const LigModule *module, const LigOp *op)
{
    lig_text_append(text, lig_str(lig_op_info(op->code)->name));
    if (op->callee) lig_text_printf(text, " @%.*s", LIG_STR_ARG(op->callee->name));
    for (size_t i = 0; i < op->operand_count; i++) append_value(text, op->operands[i]);
    append_attrs(text, op->attrs);
    for (size_t i = 0; i < op->result_count; i++) append_type(text, module, &op->results[i]->type);
    if (op->code == LIG_OP_CONSTANT) append_constant(text, op->results[0]);
    lig_text_append_char(text, '\n');
}

void lig_canonical_func(LigText *text, const LigModule *module, const LigFunc *func)
{
    for (size_t i = 0; i < func->inputs.count; i++) append_type(text, module, &func->inputs.data[i]->type);
    append_attrs(text, func->attrs);
    lig_text_append_char(text, '\n');
    for (size_t i = 0; i < func->ops.count; i++) append_op(text, module, func->ops.data[i]);
    for (size_t i = 0; i < func->outputs.count; i++) append_value(text, func->outputs.data[i]);
    lig_text_append_char(text, '\n');
}

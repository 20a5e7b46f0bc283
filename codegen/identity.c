// The identity of a kernel: a hash over everything its code depends on, in a text where values are numbers.
#include "codegen/codegen.h"

// Raised when emitters change what they generate for the same kernel.
#define GENERATOR_VERSION "1"

static void print_attr(LigText *text, const LigAttr *attr)
{
    lig_text_printf(text, " %s=", lig_attr_name(attr->key));
    switch (lig_attr_kind(attr->key)) {
    case LIG_ATTR_INT:
        lig_text_printf(text, "%lld", (long long)attr->value.integer);
        break;
    case LIG_ATTR_FLOAT:
        lig_text_append_f64(text, attr->value.real);
        break;
    case LIG_ATTR_FLAG:
        break;
    case LIG_ATTR_NAME:
        lig_text_append(text, attr->value.name);
        break;
    case LIG_ATTR_INTS:
        for (size_t i = 0; i < attr->value.integers.count; i++)
            lig_text_printf(text, "%lld,", (long long)attr->value.integers.data[i]);
        break;
    }
}

static void print_attrs(LigText *text, LigAttrs attrs)
{
    for (size_t i = 0; i < attrs.count; i++) print_attr(text, &attrs.items[i]);
}

static void print_value(LigText *text, const LigModule *module, const LigValue *value)
{
    lig_text_printf(text, " %%%u:", value->id);
    lig_type_print(text, module->dims, &value->type);
}

static void print_constant(LigText *text, const LigModule *module, const LigValue *value)
{
    LigShape shape;
    size_t bytes;
    if (!lig_type_bind_upper(module->dims, &value->type, &shape) || !lig_shape_bytes(&shape, &bytes)) return;
    const unsigned char *data = value->data;
    for (size_t i = 0; i < bytes && data != NULL; i++) lig_text_printf(text, "%02x", data[i]);
}

static void print_op(LigText *text, const LigModule *module, const LigOp *op)
{
    lig_text_printf(text, "%s", lig_op_info(op->code)->name);
    for (size_t i = 0; i < op->operand_count; i++) lig_text_printf(text, " %%%u", op->operands[i]->id);
    print_attrs(text, op->attrs);
    lig_text_printf(text, " ->");
    for (size_t i = 0; i < op->result_count; i++) print_value(text, module, op->results[i]);
    if (op->code == LIG_OP_CONSTANT) print_constant(text, module, op->results[0]);
    lig_text_append_char(text, '\n');
}

// Symbols are read by their index, so names and indices belong together.
static void print_symbols(LigText *text, const LigModule *module)
{
    for (size_t i = 0; i < lig_dims_symbol_count(module->dims); i++)
        lig_text_printf(text, "%.*s ", LIG_STR_ARG(lig_dims_symbol(module->dims, i)->name));
    lig_text_append_char(text, '\n');
}

static void print_kernel(LigText *text, const LigModule *module, const LigFunc *kernel)
{
    print_attrs(text, kernel->attrs);
    for (size_t i = 0; i < kernel->inputs.count; i++) print_value(text, module, kernel->inputs.data[i]);
    lig_text_append_char(text, '\n');
    for (size_t i = 0; i < kernel->ops.count; i++) print_op(text, module, kernel->ops.data[i]);
    for (size_t i = 0; i < kernel->outputs.count; i++)
        lig_text_printf(text, "%%%u ", kernel->outputs.data[i]->id);
}

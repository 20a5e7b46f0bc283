// Modules as text. Every value, attribute and type is printed in full, in an order that depends on the module
// alone; ir/README.md has the grammar.
#include "ir/lex.h"
#include "ir/text.h"

enum { VALUES_INLINE = 256, VALUES_A_LINE = 8 };

static void print_name(LigText *text, char sigil, LigStr name)
{
    lig_text_append_char(text, sigil);
    lig_text_append(text, name);
}

// The shortest decimal that lig_shape_set turns into the same element again.
static void print_element(LigText *text, const LigShape *shape, const void *data, int64_t flat)
{
    if (!lig_dtype_is_float(shape->dtype)) {
        lig_text_printf(text, "%lld", (long long)lig_shape_get_integer(shape, data, flat));
        return;
    }
    const double value = lig_shape_get(shape, data, flat);
    const LigShape single = {.dtype = shape->dtype};
    for (int digits = 1; digits < 17; digits++) {
        size_t start = text->length;
        double element = 0, back = 0;
        lig_text_printf(text, "%.*g", digits, value);
        if (text->failed) return;
        LigStr printed = lig_str_skip(lig_text_view(text), start);
        if (lig_str_to_f64(printed, &back)) {
            lig_shape_set(&single, &element, 0, back);
            if (lig_shape_get(&single, &element, 0) == value) return;
        }
        text->length = start;
        text->data[start] = '\0';
    }
    lig_text_append_f64(text, value);
}

static void print_values(LigText *text, const LigValue *value)
{
    LigShape shape;
    int64_t count;
    if (value->data == NULL || !lig_type_bind(&value->type, NULL, &shape) || !lig_shape_count(&shape, &count))
        return;
    lig_text_append(text, LIG_STR(" {values=["));
    for (int64_t i = 0; i < count; i++) {
        if (i > 0) lig_text_append(text, LIG_STR(","));
        if (count > VALUES_INLINE && i % VALUES_A_LINE == 0)
            lig_text_append(text, LIG_STR("\n      "));
        else if (i > 0)
            lig_text_append_char(text, ' ');
        print_element(text, &shape, value->data, i);
    }
    lig_text_append(text, LIG_STR("]}"));
}

void lig_print_attr(LigText *text, const LigAttr *attr)
{
    lig_text_append(text, lig_str(lig_attr_name(attr->key)));
    if (lig_attr_kind(attr->key) == LIG_ATTR_FLAG) return;
    lig_text_append_char(text, '=');
    switch (lig_attr_kind(attr->key)) {
    case LIG_ATTR_FLAG:
        break;
    case LIG_ATTR_INT:
        lig_text_printf(text, "%lld", (long long)attr->value.integer);
        break;
    case LIG_ATTR_FLOAT:
        lig_text_append_f64(text, attr->value.real);
        break;
    case LIG_ATTR_NAME:
        lig_text_append(text, attr->value.name);
        break;
    case LIG_ATTR_INTS:
        lig_text_append_char(text, '[');
        for (size_t i = 0; i < attr->value.integers.count; i++)
            lig_text_printf(text, i > 0 ? ", %lld" : "%lld", (long long)attr->value.integers.data[i]);
        lig_text_append_char(text, ']');
        break;
    }
}

// Without braces; `first` tells if anything stands before in them.
static void print_attrs(LigText *text, LigAttrs attrs, bool first)
{
    for (size_t i = 0; i < attrs.count; i++) {
        if (!first || i > 0) lig_text_append(text, LIG_STR(", "));
        lig_print_attr(text, &attrs.items[i]);
    }
}

static void print_place(LigText *text, const LigPlace *place)
{
    switch (place->kind) {
    case LIG_PLACE_NONE:
        return;
    case LIG_PLACE_ARENA:
        lig_text_printf(text, " at 0x%llx", (unsigned long long)place->offset);
        return;
    case LIG_PLACE_OVER:
        lig_text_append(text, LIG_STR(" over "));
        print_name(text, '%', place->over->name);
        return;
    }
}

static void print_names(LigText *text, LigValue *const *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0) lig_text_append(text, LIG_STR(", "));
        print_name(text, '%', values[i]->name);
    }
}

void lig_print_op(LigText *text, const LigModule *module, const LigOp *op)
{
    print_names(text, op->results, op->result_count);
    lig_text_printf(text, "%s%s", op->result_count > 0 ? " = " : "", lig_op_info(op->code)->name);
    if (op->callee != NULL) {
        lig_text_append_char(text, ' ');
        print_name(text, '@', op->callee->name);
        lig_text_append_char(text, '(');
        print_names(text, op->operands, op->operand_count);
        lig_text_append_char(text, ')');
    } else if (op->operand_count > 0) {
        lig_text_append_char(text, ' ');
        print_names(text, op->operands, op->operand_count);
    }
    if (op->code == LIG_OP_CONSTANT) print_values(text, op->results[0]);
    if (op->attrs.count > 0) {
        lig_text_append(text, LIG_STR(" {"));
        print_attrs(text, op->attrs, true);
        lig_text_append_char(text, '}');
    }
    for (size_t i = 0; i < op->result_count; i++) {
        lig_text_append(text, i > 0 ? LIG_STR(", ") : LIG_STR(" : "));
        lig_type_print(text, module->dims, &op->results[i]->type);
        print_place(text, &op->results[i]->place);
    }
}

static void print_bindings(LigText *text, const LigModule *module, const LigFunc *func)
{
    if (func->bindings.count + func->attrs.count == 0) return;
    lig_text_append(text, LIG_STR(" {"));
    for (size_t i = 0; i < func->bindings.count; i++) {
        const LigBinding *binding = &func->bindings.data[i];
        if (i > 0) lig_text_append(text, LIG_STR(", "));
        lig_text_append(text, lig_dims_symbol(module->dims, binding->symbol)->name);
        if (binding->low == binding->high)
            lig_text_printf(text, " = %lld", (long long)binding->low);
        else
            lig_text_printf(text, " in %lld..%lld", (long long)binding->low, (long long)binding->high);
    }
    print_attrs(text, func->attrs, func->bindings.count == 0);
    lig_text_append_char(text, '}');
}

static void print_signature(LigText *text, const LigModule *module, const LigFunc *func)
{
    lig_text_append_char(text, '(');
    for (size_t i = 0; i < func->inputs.count; i++) {
        if (i > 0) lig_text_append(text, LIG_STR(", "));
        print_name(text, '%', func->inputs.data[i]->name);
        lig_text_append(text, LIG_STR(": "));
        lig_type_print(text, module->dims, &func->inputs.data[i]->type);
    }
    lig_text_append_char(text, ')');
    for (size_t i = 0; i < func->outputs.count; i++) {
        lig_text_append(text, i > 0 ? LIG_STR(", ") : LIG_STR(" -> "));
        lig_type_print(text, module->dims, &func->outputs.data[i]->type);
    }
}

static void print_header(LigText *text, const LigModule *module, const LigFunc *func)
{
    static const char *const keywords[] = {[LIG_FUNC] = "func ",
                                           [LIG_FUNC_LOAD] = "load",
                                           [LIG_FUNC_KERNEL] = "kernel ",
                                           [LIG_FUNC_VARIANT] = "variant "};
    lig_text_printf(text, "  %s", keywords[func->kind]);
    if (func->kind == LIG_FUNC_LOAD) return;
    print_name(text, '@', func->name);
    if (func->kind == LIG_FUNC_VARIANT) {
        lig_text_append(text, LIG_STR(" of "));
        print_name(text, '@', func->variant_of);
        print_bindings(text, module, func);
    }
    print_signature(text, module, func);
    if (func->kind == LIG_FUNC_VARIANT || func->attrs.count == 0) return;
    lig_text_append(text, LIG_STR("\n         {"));
    print_attrs(text, func->attrs, true);
    lig_text_append_char(text, '}');
}

void lig_print_func(LigText *text, const LigModule *module, const LigFunc *func)
{
    print_header(text, module, func);
    lig_text_append(text, LIG_STR(" {\n"));
    for (size_t i = 0; i < func->ops.count; i++) {
        lig_text_append(text, LIG_STR("    "));
        lig_print_op(text, module, func->ops.data[i]);
        lig_text_append_char(text, '\n');
    }
    if (func->kind != LIG_FUNC_LOAD) {
        lig_text_append(text, func->outputs.count > 0 ? LIG_STR("    return ") : LIG_STR("    return"));
        print_names(text, func->outputs.data, func->outputs.count);
        lig_text_append_char(text, '\n');
    }
    lig_text_append(text, LIG_STR("  }\n"));
}

static void print_dims(LigText *text, const LigDimTable *dims)
{
    for (size_t i = 0; i < lig_dims_symbol_count(dims); i++) {
        const LigSymbol *symbol = lig_dims_symbol(dims, i);
        lig_text_printf(text, "  dim %.*s in %lld..%lld\n", LIG_STR_ARG(symbol->name), (long long)symbol->low,
                        (long long)symbol->high);
    }
    for (size_t i = 0; i < lig_dims_fact_count(dims); i++) {
        const LigFact *fact = lig_dims_fact(dims, i);
        lig_text_append(text, LIG_STR("  fact "));
        lig_dim_print(text, dims, fact->left);
        lig_text_append(text, fact->relation == LIG_REL_LE ? LIG_STR(" <= ") : LIG_STR(" == "));
        lig_dim_print(text, dims, fact->right);
        lig_text_append_char(text, '\n');
    }
}

static void print_value_line(LigText *text, const LigModule *module, const char *keyword, const LigValue *value)
{
    lig_text_printf(text, "  %s ", keyword);
    print_name(text, '%', value->name);
    lig_text_append(text, LIG_STR(" : "));
    lig_type_print(text, module->dims, &value->type);
    if (value->source.length > 0) {
        lig_text_append_char(text, ' ');
        lig_text_append_quoted(text, value->source);
    }
    lig_text_append_char(text, '\n');
}

void lig_print_module(LigText *text, const LigModule *module)
{
    lig_text_append(text, LIG_STR("module "));
    lig_text_append_quoted(text, module->name);
    lig_text_append(text, LIG_STR(" {\n"));
    if (module->stage != LIG_STAGE_MODEL) lig_text_printf(text, "  stage %s\n", lig_stage_name(module->stage));
    if (module->weights_path.length > 0) {
        lig_text_append(text, LIG_STR("  weights "));
        lig_text_append_quoted(text, module->weights_path);
        lig_text_append_char(text, '\n');
    }
    print_dims(text, module->dims);
    for (size_t i = 0; i < module->params.count; i++)
        print_value_line(text, module, "param", module->params.data[i]);
    for (size_t i = 0; i < module->states.count; i++)
        print_value_line(text, module, "state", module->states.data[i]);
    for (size_t i = 0; i < module->funcs.count; i++) {
        lig_text_append_char(text, '\n');
        lig_print_func(text, module, module->funcs.data[i]);
    }
    lig_text_append(text, LIG_STR("}\n"));
}

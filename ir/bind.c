// Dims from shapes, in three steps: take what is given, solve input sizes for the symbols left until nothing
// moves, then check every size, bound and fact against the values found.
#include "ir/bind.h"

#include <string.h>

typedef struct Binder {
    const LigModule *module;
    const LigFunc *func;
    const LigShape *inputs;
    int64_t *values;
} Binder;

static LigStatus check_form(const Binder *b, size_t i)
{
    const LigValue *input = b->func->inputs.data[i];
    const LigShape *given = &b->inputs[i];
    bool fits = given->dtype == input->type.dtype && given->rank == input->type.rank &&
                lig_layout_equal(given->layout, input->type.layout);
    if (fits) return LIG_OK;
    LigText text = {0};
    lig_text_append(&text, LIG_STR("it must be "));
    lig_type_print(&text, b->module->dims, &input->type);
    lig_text_append(&text, LIG_STR(", but is given as "));
    lig_shape_print(&text, given);
    LigStatus status =
        lig_fail(b->module->ctx, LIG_ERR_SHAPE, input->loc, "input %%%.*s of @%.*s: %.*s",
                 LIG_STR_ARG(input->name), LIG_STR_ARG(b->func->name), LIG_STR_ARG(lig_text_view(&text)));
    lig_text_free(&text);
    return status;
}

static uint32_t unknown_symbols(const Binder *b, LigDim dim)
{
    uint32_t unknown = 0;
    for (size_t i = 0; i < lig_dims_symbol_count(b->module->dims); i++) {
        if ((lig_dim_symbols(dim) >> i & 1) && b->values[i] < 0) unknown |= UINT32_C(1) << i;
    }
    return unknown;
}

static bool solve_input(const Binder *b, size_t i)
{
    const LigType *type = &b->func->inputs.data[i]->type;
    bool moved = false;
    for (int axis = 0; axis < type->rank; axis++) {
        uint32_t unknown = unknown_symbols(b, type->dims[axis]);
        if (unknown == 0 || (unknown & (unknown - 1)) != 0) continue;
        size_t symbol = (size_t)__builtin_ctz(unknown);
        int64_t value;
        if (!lig_dim_solve(type->dims[axis], b->values, symbol, b->inputs[i].dims[axis], &value)) continue;
        b->values[symbol] = value;
        moved = true;
    }
    return moved;
}

static LigStatus check_size(const Binder *b, size_t i, int axis)
{
    const LigValue *input = b->func->inputs.data[i];
    LigDim dim = input->type.dims[axis];
    int64_t expected, given = b->inputs[i].dims[axis];
    bool known = lig_dim_eval(dim, b->values, &expected);
    if (known && expected == given) return LIG_OK;
    LigText text = {0};
    lig_dim_print(&text, b->module->dims, dim);
    if (!known)
        lig_text_append(&text, LIG_STR(", which has no whole solution"));
    else if (lig_dim_symbols(dim) != 0)
        lig_text_printf(&text, " = %lld", (long long)expected);
    LigStatus status =
        lig_fail(b->module->ctx, LIG_ERR_SHAPE, input->loc,
                 "input %%%.*s of @%.*s: axis %d is %lld, but must be %.*s", LIG_STR_ARG(input->name),
                 LIG_STR_ARG(b->func->name), axis, (long long)given, LIG_STR_ARG(lig_text_view(&text)));
    lig_text_free(&text);
    return status;
}

static LigStatus check_bounds(const Binder *b, size_t symbol, int64_t low, int64_t high)
{
    int64_t value = b->values[symbol];
    if (value < 0 || (low <= value && value <= high)) return LIG_OK;
    LigStr name = lig_dims_symbol(b->module->dims, symbol)->name;
    return lig_fail(b->module->ctx, LIG_ERR_SHAPE, b->func->loc,
                    "@%.*s: %.*s is %lld for these inputs, but must be in %lld..%lld",
                    LIG_STR_ARG(b->func->name), LIG_STR_ARG(name), (long long)value, (long long)low,
                    (long long)high);
}

static LigStatus check_fact(const Binder *b, const LigFact *fact)
{
    int64_t left, right;
    if ((unknown_symbols(b, fact->left) | unknown_symbols(b, fact->right)) != 0) return LIG_OK;
    bool known = lig_dim_eval(fact->left, b->values, &left) && lig_dim_eval(fact->right, b->values, &right);
    bool equality = fact->relation == LIG_REL_EQ;
    if (known && (equality ? left == right : left <= right)) return LIG_OK;
    LigText text = {0};
    lig_dim_print(&text, b->module->dims, fact->left);
    lig_text_append(&text, equality ? LIG_STR(" == ") : LIG_STR(" <= "));
    lig_dim_print(&text, b->module->dims, fact->right);
    LigStatus status = lig_fail(b->module->ctx, LIG_ERR_SHAPE, b->func->loc,
                                "@%.*s: the fact %.*s does not hold for the sizes of these inputs",
                                LIG_STR_ARG(b->func->name), LIG_STR_ARG(lig_text_view(&text)));
    lig_text_free(&text);
    return status;
}

static LigStatus check_all(const Binder *b)
{
    const LigDimTable *dims = b->module->dims;
    for (size_t i = 0; i < b->func->inputs.count; i++) {
        for (int axis = 0; axis < b->inputs[i].rank; axis++) LIG_TRY(check_size(b, i, axis));
    }
    for (size_t i = 0; i < lig_dims_symbol_count(dims); i++) {
        const LigSymbol *symbol = lig_dims_symbol(dims, i);
        LIG_TRY(check_bounds(b, i, symbol->low, symbol->high));
    }
    for (size_t i = 0; i < b->func->bindings.count; i++) {
        const LigBinding *binding = &b->func->bindings.data[i];
        LIG_TRY(check_bounds(b, binding->symbol, binding->low, binding->high));
    }
    for (size_t i = 0; i < lig_dims_fact_count(dims); i++) LIG_TRY(check_fact(b, lig_dims_fact(dims, i)));
    return LIG_OK;
}

LigStatus lig_bind_dims(const LigModule *module, const LigFunc *func, const LigShape *inputs,
                        const int64_t *symbols, int64_t *values)
{
    const Binder binder = {module, func, inputs, values};
    for (size_t i = 0; i < lig_dims_symbol_count(module->dims); i++)
        values[i] = symbols != NULL ? symbols[i] : -1;
    for (size_t i = 0; i < func->bindings.count; i++) {
        const LigBinding *binding = &func->bindings.data[i];
        if (binding->low == binding->high && values[binding->symbol] < 0)
            values[binding->symbol] = binding->low;
    }
    for (size_t i = 0; i < func->inputs.count; i++) LIG_TRY(check_form(&binder, i));
    for (bool moved = true; moved;) {
        moved = false;
        for (size_t i = 0; i < func->inputs.count; i++) moved |= solve_input(&binder, i);
    }
    return check_all(&binder);
}

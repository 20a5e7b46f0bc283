// hoist: moves what depends on params and constants alone into `load`, which is evaluated once.
//
//   func @step(…) {                                    load {
//     %freq = constant {values=[…]} : f32[32]    =>      %freq = constant {values=[…]} : f32[32]
//
// Requires  stage model.
// Ensures  no op of a function has all its operands outside the function; equal hoisted ops are one.
#include "passes/clone.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

typedef struct Hoister {
    LigPass *pass;
    LigModule *module;
    LigFunc *load;
} Hoister;

static bool is_constant(const Hoister *h, const LigOp *op)
{
    if (lig_op_info(op->code)->class == LIG_OPS_STATE) return false;
    for (size_t i = 0; i < op->operand_count; i++) {
        const LigValue *value = op->operands[i];
        if (value->kind != LIG_VALUE_PARAM && !lig_value_is_resident(h->module, value)) return false;
    }
    for (size_t i = 0; i < op->result_count; i++) {
        LigShape shape;
        if (!lig_type_bind(&op->results[i]->type, NULL, &shape)) return false;
    }
    return true;
}

static LigValue *find_equal(const Hoister *h, const LigOp *op)
{
    for (size_t i = 0; h->load && i < h->load->ops.count; i++) {
        if (lig_op_computes_same(h->module, h->load->ops.data[i], op)) return h->load->ops.data[i]->results[0];
    }
    return NULL;
}

static LigStatus hoist_op(Hoister *h, const LigOp *op, LigValue **out)
{
    *out = find_equal(h, op);
    if (*out) return LIG_OK;
    if (!h->load) LIG_TRY(lig_module_add_func(h->module, LIG_FUNC_LOAD, (LigStr){0}, &h->load));
    LigStr name = lig_fresh_value_name(h->module, op->results[0]->name, op);
    if (!name.data) return lig_no_memory(h->pass->ctx);
    LigOpSpec spec = {.code = op->code,
                      .name = name,
                      .operands = op->operands,
                      .operand_count = op->operand_count,
                      .attrs = op->attrs,
                      .stated = &op->results[0]->type,
                      .loc = op->loc};
    LigOp *copy;
    LIG_TRY(lig_op_create(h->module, h->load, &spec, &copy));
    copy->results[0]->data = op->results[0]->data;
    *out = copy->results[0];
    lig_func_renumber(h->load);
    return LIG_OK;
}

static LigStatus hoist_from(Hoister *h, LigFunc *func)
{
    LigReplacements replacements = lig_replacements(h->pass->scratch, h->module, func);
    if (!replacements.by_id) return lig_no_memory(h->pass->ctx);
    size_t kept = 0;
    for (size_t i = 0; i < func->ops.count; i++) {
        LigOp *op = func->ops.data[i];
        lig_replace_operands(&replacements, op);
        if (op->result_count == 1 && is_constant(h, op)) {
            LIG_TRY(hoist_op(h, op, &replacements.by_id[op->results[0]->id]));
        } else {
            func->ops.data[kept++] = op;
        }
    }
    func->ops.count = kept;
    lig_replace_outputs(&replacements, func);
    lig_func_renumber(func);
    return LIG_OK;
}

LigStatus lig_pass_hoist(LigPass *pass, LigModule *module)
{
    Hoister hoister = {.pass = pass, .module = module, .load = lig_module_load(module)};
    size_t count = module->funcs.count;
    for (size_t i = 0; i < count; i++) {
        LigFunc *func = module->funcs.data[i];
        if (func->kind == LIG_FUNC) LIG_TRY(hoist_from(&hoister, func));
    }
    lig_module_sort_funcs(module);
    return LIG_OK;
}

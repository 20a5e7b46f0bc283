// decompose: replaces composites that have no code of their own by ops that have.
//
//   %y = log_softmax %x       =>       %1 = reduce_max %x {axes=[-1], keep}
//                                      %2 = sub %x, %1
//                                      %3 = exp %2
//                                      %4 = sum %3 {axes=[-1], keep}
//                                      %5 = log %4
//                                      %y = sub %2, %5
//
// Requires  stage model.
// Ensures  no op of a function is declared DECOMPOSE (ir/ops.def).
// Reassociates: the parts round where the whole does not. Runs first, so that simplify and fuse see the parts.
#include "ir/decomposition.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

// Appends what stands for `op` to the function; the value that computes its result takes its name, unless it
// has one of its own already.
static LigStatus expand(LigModule *module, LigFunc *func, const LigOp *op, LigReplacements *replacements)
{
    LigBuilder builder = lig_builder(module, func);
    size_t before = func->ops.count;
    LigValue *value = lig_decompose_rule(op->code)(&builder, op, op->operands);
    LIG_TRY(lig_builder_status(&builder));
    LIG_ASSERT(value && op->result_count == 1);
    if (func->ops.count > before) value->name = op->results[0]->name;
    for (size_t i = before; i < func->ops.count; i++) func->ops.data[i]->loc = op->loc;
    replacements->by_id[op->results[0]->id] = value;
    return LIG_OK;
}

static LigStatus decompose_func(LigPass *pass, LigModule *module, LigFunc *func)
{
    size_t count = func->ops.count;
    LigReplacements replacements = lig_replacements(pass->scratch, module, func);
    LigOp **ops = LIG_NEW_ARRAY(pass->scratch, LigOp *, count);
    if (!replacements.by_id || !ops) return lig_no_memory(pass->ctx);
    for (size_t i = 0; i < count; i++) ops[i] = func->ops.data[i];
    func->ops.count = 0;
    for (size_t i = 0; i < count; i++) {
        lig_replace_operands(&replacements, ops[i]);
        if (lig_decompose_rule(ops[i]->code))
            LIG_TRY(expand(module, func, ops[i], &replacements));
        else if (!LIG_VEC_PUSH(module->arena, &func->ops, ops[i]))
            return lig_no_memory(pass->ctx);
    }
    lig_replace_outputs(&replacements, func);
    lig_func_renumber(func);
    return LIG_OK;
}

LigStatus lig_pass_decompose(LigPass *pass, LigModule *module)
{
    for (size_t i = 0; i < module->funcs.count; i++) {
        LigFunc *func = module->funcs.data[i];
        if (func->kind == LIG_FUNC) LIG_TRY(decompose_func(pass, module, func));
    }
    return LIG_OK;
}

// simplify: removes ops that need not be there.
//
//   %a = reshape %x : f32[N,9,64]                dead ops (no result is read, no state is written)
//   %b = reshape %a : f32[N,576]         =>      reshapes of reshapes; reshapes and casts to the same type
//   %c = add %b, %y                              ops that compute what an earlier one computed
//
// Requires  stage model. Ensures  idempotent: simplifying again changes nothing.
// Exact: only ops that compute the same bits stand in for each other.
#include "passes/pass.h"
#include "passes/rewrite.h"

static bool same_type(const LigModule *module, const LigValue *a, const LigValue *b)
{
    return lig_type_equal(module->dims, &a->type, &b->type) == LIG_YES;
}

// Reads through a chain of reshapes.
static void skip_reshapes(LigOp *op)
{
    while (op->operands[0]->kind == LIG_VALUE_RESULT && op->operands[0]->op->code == LIG_OP_RESHAPE) {
        op->operands[0] = op->operands[0]->op->operands[0];
    }
}

static const LigOp *find_equal(const LigModule *module, const LigOp *op, LigOp *const *earlier, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (lig_op_computes_same(module, earlier[i], op)) return earlier[i];
    }
    return NULL;
}

// Notes what stands for the op's results, and tells whether something does.
static bool replace_op(LigOp *op, LigOp *const *earlier, size_t count, LigReplacements *replacements)
{
    const LigModule *module = replacements->module;
    if (op->code == LIG_OP_RESHAPE) skip_reshapes(op);
    bool renames = op->code == LIG_OP_RESHAPE || op->code == LIG_OP_CAST;
    if (renames && same_type(module, op->operands[0], op->results[0])) {
        replacements->by_id[op->results[0]->id] = op->operands[0];
        return true;
    }
    const LigOp *equal = find_equal(module, op, earlier, count);
    for (size_t i = 0; equal && i < op->result_count; i++)
        replacements->by_id[op->results[i]->id] = equal->results[i];
    return equal != NULL;
}

static LigStatus merge_equal(LigPass *pass, LigModule *module, LigFunc *func)
{
    LigReplacements replacements = lig_replacements(pass->scratch, module, func);
    if (!replacements.by_id) return lig_no_memory(pass->ctx);
    size_t kept = 0;
    for (size_t i = 0; i < func->ops.count; i++) {
        LigOp *op = func->ops.data[i];
        lig_replace_operands(&replacements, op);
        if (!replace_op(op, func->ops.data, kept, &replacements)) func->ops.data[kept++] = op;
    }
    func->ops.count = kept;
    lig_replace_outputs(&replacements, func);
    return LIG_OK;
}

static void mark_read(const LigModule *module, bool *read, LigValue *const *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (values[i]->kind == LIG_VALUE_RESULT && !lig_value_is_resident(module, values[i]))
            read[values[i]->id] = true;
    }
}

static bool is_needed(const LigOp *op, const bool *read)
{
    if (lig_op_info(op->code)->class == LIG_OPS_STATE) return true;
    for (size_t i = 0; i < op->result_count; i++) {
        if (read[op->results[i]->id]) return true;
    }
    return false;
}

static LigStatus remove_dead(LigPass *pass, LigModule *module, LigFunc *func)
{
    bool *read = LIG_NEW_ARRAY(pass->scratch, bool, func->value_count);
    if (!read) return lig_no_memory(pass->ctx);
    mark_read(module, read, func->outputs.data, func->outputs.count);
    size_t kept = func->ops.count; // needed ops gather at the end of the list
    for (size_t i = func->ops.count; i-- > 0;) {
        LigOp *op = func->ops.data[i];
        if (!is_needed(op, read)) continue;
        mark_read(module, read, op->operands, op->operand_count);
        func->ops.data[--kept] = op;
    }
    size_t count = func->ops.count - kept;
    for (size_t i = 0; i < count; i++) func->ops.data[i] = func->ops.data[kept + i];
    func->ops.count = count;
    return LIG_OK;
}

LigStatus lig_pass_simplify(LigPass *pass, LigModule *module)
{
    for (size_t i = 0; i < module->funcs.count; i++) {
        LigFunc *func = module->funcs.data[i];
        if (func->kind != LIG_FUNC) continue;
        LIG_TRY(merge_equal(pass, module, func));
        LIG_TRY(remove_dead(pass, module, func));
        lig_func_renumber(func);
    }
    return LIG_OK;
}

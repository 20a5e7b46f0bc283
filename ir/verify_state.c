// V04: states and the order of reading and writing them.
//
// A cell is what may be written: a state, or in a kernel a formal. A call writes the states that it passes for
// the formals its kernel appends to. A reshape is another name of its operand's bytes, so reading it is reading those.
#include "ir/verify_rule.h"

// The index of `value` among the cells of the function looked at; -1 when it is none.
static int64_t cell_index(const LigVerifier *v, const LigValue *value)
{
    LigValueKind kind = v->func->kind == LIG_FUNC_KERNEL ? LIG_VALUE_INPUT : LIG_VALUE_STATE;
    if (value->kind != kind) return -1;
    return kind == LIG_VALUE_INPUT ? value->index : value->id;
}

static bool is_target(const LigOp *op, size_t operand)
{
    return lig_op_info(op->code)->class == LIG_OPS_STATE && operand < op->result_count;
}

static bool kernel_writes(const LigFunc *kernel, size_t formal)
{
    for (size_t i = 0; i < kernel->ops.count; i++) {
        const LigOp *op = kernel->ops.data[i];
        for (size_t k = 0; k < op->operand_count; k++) {
            if (is_target(op, k) && op->operands[k] == kernel->inputs.data[formal]) return true;
        }
    }
    return false;
}

static bool op_writes(const LigOp *op, size_t operand)
{
    if (op->code == LIG_OP_CALL) return kernel_writes(op->callee, operand);
    return is_target(op, operand);
}

static bool names_twice(const LigOp *op, size_t operand)
{
    for (size_t i = 0; i < op->operand_count; i++) {
        if (i != operand && op->operands[i] == op->operands[operand]) return true;
    }
    return false;
}

// The value whose bytes a value names.
static const LigValue *named_bytes(const LigValue *value)
{
    while (value->kind == LIG_VALUE_RESULT && value->op->code == LIG_OP_RESHAPE) value = value->op->operands[0];
    return value;
}

static void check_read(LigVerifier *v, const LigValue *value, const bool *written, LigLoc loc)
{
    const LigValue *bytes = named_bytes(value);
    int64_t cell = cell_index(v, bytes);
    if (cell < 0 || !written[cell]) return;
    if (bytes != value) {
        lig_verify_break(v, "V04", loc,
                         "%%%.*s, another name of %%%.*s, is read in %s after that was written: read it before",
                         LIG_STR_ARG(value->name), LIG_STR_ARG(bytes->name), lig_verify_func_name(v));
        return;
    }
    lig_verify_break(v, "V04", loc,
                     "%%%.*s is read in %s after it was written: use the value that the write gave",
                     LIG_STR_ARG(value->name), lig_verify_func_name(v));
}

static void check_write(LigVerifier *v, const LigOp *op, size_t operand, bool *written)
{
    const LigValue *value = op->operands[operand];
    int64_t cell = cell_index(v, value);
    if (cell < 0) {
        lig_verify_break(v, "V04", op->loc,
                         "%s in %s writes %%%.*s, which is no %s: a write names what it changes",
                         lig_op_info(op->code)->name, lig_verify_func_name(v), LIG_STR_ARG(value->name),
                         v->func->kind == LIG_FUNC_KERNEL ? "formal" : "state");
        return;
    }
    if (names_twice(op, operand))
        lig_verify_break(
            v, "V04", op->loc,
            "%s in %s writes %%%.*s and takes it as another operand too: give it another value there",
            lig_op_info(op->code)->name, lig_verify_func_name(v), LIG_STR_ARG(value->name));
    written[cell] = true;
}

void lig_verify_states(LigVerifier *v)
{
    size_t cells = v->func->kind == LIG_FUNC_KERNEL ? v->func->inputs.count : v->module->states.count;
    bool *written = LIG_NEW_ARRAY(v->scratch, bool, cells);
    if (!written) {
        v->status = lig_no_memory(v->module->ctx);
        return;
    }
    for (size_t i = 0; i < v->func->ops.count; i++) {
        const LigOp *op = v->func->ops.data[i];
        for (size_t k = 0; k < op->operand_count; k++) {
            check_read(v, op->operands[k], written, op->loc);
            if (v->func->kind == LIG_FUNC_LOAD && op->operands[k]->kind == LIG_VALUE_STATE)
                lig_verify_break(v, "V04", op->loc,
                                 "load reads state %%%.*s, which has no value yet: read it in a function",
                                 LIG_STR_ARG(op->operands[k]->name));
        }
        for (size_t k = 0; k < op->operand_count; k++) {
            if (op_writes(op, k)) check_write(v, op, k, written);
        }
    }
    for (size_t i = 0; i < v->func->outputs.count; i++)
        check_read(v, v->func->outputs.data[i], written, v->func->loc);
}

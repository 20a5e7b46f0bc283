// Places, loads and stores of bodies. Which operand lies where is decided in body_leaf.c, the ops are in
// body_op.c, conversions between memory and registers in body_type.c.
#include "codegen/body.h"

#include <string.h>

LigStatus lig_body_create(LigKernelEmitter *k, const LigType *space, LigBody *out)
{
    size_t count = k->kernel->value_count;
    *out = (LigBody){.k = k, .space = *space};
    out->held = LIG_NEW_ARRAY(k->arena, LLVMValueRef, count);
    out->leaves = LIG_NEW_ARRAY(k->arena, LigBodyLeaf, count);
    if (out->held == NULL || out->leaves == NULL) return lig_no_memory(k->e->ctx);
    out->columns = lig_kernel_dims(k, space, space->rank > 0 ? space->rank - 1 : 0, space->rank);
    return lig_body__find_leaves(out);
}

static void forget(LigBody *body) { memset(body->held, 0, body->k->kernel->value_count * sizeof *body->held); }

void lig_body_row(LigBody *body, LLVMValueRef row)
{
    body->row = row;
    for (size_t id = 0; id < body->k->kernel->value_count; id++) {
        if (body->leaves[id].pointer != NULL) lig_body__enter_row(body, &body->leaves[id]);
    }
    forget(body);
}

void lig_body_place(LigBody *body, LLVMValueRef column, int lanes, LLVMValueRef mask)
{
    body->column = column;
    body->lanes = lanes;
    body->mask = mask;
    forget(body);
}

void lig_body_seed(LigBody *body, const LigValue *value, LLVMValueRef vector)
{
    body->held[value->id] = vector;
}

static LLVMValueRef leaf_address(LigBody *body, const LigBodyLeaf *leaf)
{
    LigKernelEmitter *k = body->k;
    LLVMValueRef index = leaf->row_base;
    if (!leaf->splat) index = LLVMBuildAdd(k->e->builder, index, body->column, "");
    return lig_kernel_element(k, leaf->pointer, index, leaf->type->dtype);
}

static LLVMValueRef load_leaf(LigBody *body, const LigBodyLeaf *leaf)
{
    LIG_ASSERT(leaf->pointer != NULL);
    LLVMValueRef address = leaf_address(body, leaf);
    if (!leaf->splat) return lig_body_load(body->k->e, address, leaf->type->dtype, body->lanes, body->mask);
    LLVMValueRef one = lig_body_load(body->k->e, address, leaf->type->dtype, 1, NULL);
    return lig_emit_splat(body->k->e, one, body->lanes);
}

static LLVMValueRef compute(LigBody *body, const LigOp *op)
{
    LLVMValueRef operands[LIG_BODY_MAX_OPERANDS];
    LIG_ASSERT(op->operand_count <= LIG_BODY_MAX_OPERANDS);
    for (size_t i = 0; i < op->operand_count; i++) operands[i] = lig_body_value(body, op->operands[i]);
    return lig_body_op(body->k->e, op, operands);
}

LLVMValueRef lig_body_value(LigBody *body, const LigValue *value)
{
    LLVMValueRef *held = &body->held[value->id];
    if (*held != NULL) return *held;
    LLVMValueRef vector;
    if (lig_body_is_leaf(value))
        vector = load_leaf(body, &body->leaves[value->id]);
    else if (lig_op_info(value->op->code)->lowering.kind == LIG_LOWER_BODY)
        vector = compute(body, value->op);
    else if (lig_body_is_transparent(value->op))
        vector = lig_body_value(body, value->op->operands[0]);
    else
        vector = body->source(body, value, body->user);
    return *held = vector;
}

static LLVMValueRef output_address(LigBody *body, size_t index)
{
    LigKernelEmitter *k = body->k;
    LLVMValueRef first = LLVMBuildMul(k->e->builder, body->row, body->columns, "");
    LLVMValueRef at = LLVMBuildAdd(k->e->builder, first, body->column, "");
    return lig_kernel_element(k, k->outputs[index], at, k->kernel->outputs.data[index]->type.dtype);
}

void lig_body_prefetch(LigBody *body)
{
    const LigFunc *kernel = body->k->kernel;
    for (size_t id = 0; id < kernel->value_count; id++) {
        const LigBodyLeaf *leaf = &body->leaves[id];
        if (leaf->pointer && !leaf->frame) lig_emit_prefetch(body->k->e, leaf_address(body, leaf), false);
    }
    for (size_t i = 0; i < kernel->outputs.count; i++)
        lig_emit_prefetch(body->k->e, output_address(body, i), true);
}

void lig_body_store_output(LigBody *body, size_t index)
{
    LigKernelEmitter *k = body->k;
    const LigValue *value = k->kernel->outputs.data[index];
    LLVMValueRef vector = lig_body_value(body, value);
    lig_body_save(k->e, vector, output_address(body, index), value->type.dtype, body->mask);
}

void lig_body_store_outputs(LigBody *body)
{
    // All values first: an output may lie over an operand that another output still reads.
    for (size_t i = 0; i < body->k->kernel->outputs.count; i++)
        lig_body_value(body, body->k->kernel->outputs.data[i]);
    for (size_t i = 0; i < body->k->kernel->outputs.count; i++) lig_body_store_output(body, i);
}

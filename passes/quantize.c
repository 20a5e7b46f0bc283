// quantize: activations in 8 bits where a block-quantised weight reads them, so that products are integers.
//
//   %q = linear %h, %wq               %h.q8a = quantize %h : q8a[N,576]
//   %k = linear %h, %wk        =>     %q = linear %h.q8a, %wq
//                                     %k = linear %h.q8a, %wk
//
// Requires  stage model, and the option: without it nothing changes.
// Ensures  each activation is quantised once, before its first reader; linear ops over other weights read what
// they did.
// Changes meaning: of each 32 numbers every one is moved to a multiple of the largest / 127.
// A weight is read in 8-bit arithmetic when pack will lay it out in panels: every use of it is as the weight of a
// linear or the table of a gather. It runs after simplify, so that equal activations are one, and before fuse, so
// that the kernel that makes an activation can quantise it.
#include "passes/pass.h"
#include "passes/rewrite.h"

typedef struct Quantizer {
    LigPass *pass;
    LigModule *module;
    LigFunc *func;
    LigValue **quantised; // by id of the activation; NULL: not yet
    LigOp **order;        // of the rewritten function
    size_t placed;
} Quantizer;

static bool is_panel_use(const LigFunc *func, const LigOp *op, size_t index)
{
    if (func->kind == LIG_FUNC_LOAD) return false;
    return (op->code == LIG_OP_LINEAR && index == 1) || (op->code == LIG_OP_GATHER && index == 0);
}

static bool has_only_panel_uses(const LigFunc *func, const LigValue *weight)
{
    for (size_t i = 0; i < func->ops.count; i++) {
        const LigOp *op = func->ops.data[i];
        for (size_t j = 0; j < op->operand_count; j++) {
            if (op->operands[j] == weight && !is_panel_use(func, op, j)) return false;
        }
    }
    for (size_t i = 0; i < func->outputs.count; i++) {
        if (func->outputs.data[i] == weight) return false;
    }
    return true;
}

static bool is_packed_weight(const LigModule *module, const LigValue *weight)
{
    if (weight->kind != LIG_VALUE_PARAM || !lig_dtype_has_integer_dot(weight->type.dtype)) return false;
    for (size_t i = 0; i < module->funcs.count; i++) {
        if (!has_only_panel_uses(module->funcs.data[i], weight)) return false;
    }
    return true;
}

// Values from outside the function are made once, in load, where nothing is quantised.
static bool takes(const Quantizer *q, const LigOp *op)
{
    if (op->code != LIG_OP_LINEAR) return false;
    const LigValue *x = op->operands[0];
    int64_t columns;
    bool local =
        (x->kind == LIG_VALUE_RESULT || x->kind == LIG_VALUE_INPUT) && !lig_value_is_resident(q->module, x);
    return local && x->type.dtype == LIG_F32 && op->results[0]->type.dtype == LIG_F32 &&
           lig_dim_is_const(x->type.dims[x->type.rank - 1], &columns) &&
           is_packed_weight(q->module, op->operands[1]);
}

static LigStatus make_quantised(Quantizer *q, LigValue *x, LigLoc loc)
{
    LigStr name = lig_str_format(q->module->arena, "%.*s.q8a", LIG_STR_ARG(x->name));
    if (name.data) name = lig_fresh_value_name(q->module, name, NULL);
    if (!name.data) return lig_no_memory(q->pass->ctx);
    LigOpSpec spec = {.code = LIG_OP_QUANTIZE, .name = name, .operands = &x, .operand_count = 1, .loc = loc};
    LigOp *op;
    LIG_TRY(lig_op_create(q->module, q->func, &spec, &op)); // at the function's end, for the time being
    q->quantised[x->id] = op->results[0];
    q->order[q->placed++] = op;
    return LIG_OK;
}

static LigStatus quantize_operand(Quantizer *q, LigOp *linear)
{
    LigValue *x = linear->operands[0];
    if (!q->quantised[x->id]) LIG_TRY(make_quantised(q, x, linear->loc));
    linear->operands[0] = q->quantised[x->id];
    return LIG_OK;
}

static LigStatus quantize_func(Quantizer *q)
{
    LigFunc *func = q->func;
    size_t count = func->ops.count;
    q->order = LIG_NEW_ARRAY(q->pass->scratch, LigOp *, 2 * count + 1); // an op more for each at most
    q->quantised = LIG_NEW_ARRAY(q->pass->scratch, LigValue *, func->value_count + 1);
    if (!q->order || !q->quantised) return lig_no_memory(q->pass->ctx);
    for (size_t i = 0; i < count; i++) {
        LigOp *op = func->ops.data[i];
        if (takes(q, op)) LIG_TRY(quantize_operand(q, op));
        q->order[q->placed++] = op;
    }
    for (size_t i = 0; i < q->placed; i++) func->ops.data[i] = q->order[i];
    lig_func_renumber(func);
    return LIG_OK;
}

LigStatus lig_pass_quantize(LigPass *pass, LigModule *module)
{
    if (pass->options->activations != LIG_ACTIVATIONS_I8) return LIG_OK;
    for (size_t i = 0; i < module->funcs.count; i++) {
        Quantizer quantizer = {.pass = pass, .module = module, .func = module->funcs.data[i]};
        if (quantizer.func->kind == LIG_FUNC) LIG_TRY(quantize_func(&quantizer));
    }
    return LIG_OK;
}

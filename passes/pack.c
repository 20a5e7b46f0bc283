// pack: gives each weight and each key cache its one resident layout.
//
//   param %0.wq : q4_1[576,576] "q"     =>   load { %0.wq.panel = pack %0.wq : q4_1[576,576]@panel(n=32,k=32) }
//   %q = call @linear(%h, %0.wq)        =>   %q = call @linear(%h, %0.wq.panel)
//
// Requires  stage fused.
// Ensures  stage packed: no weight is read in two layouts.
// A param is packed when load does not read it and every use of it is as the weight of a linear or the table of
// a gather (so a tied embedding keeps one copy), and the dtype has a panel form. A state is laid out in panels
// when it is read as the keys of attention: a panel holds 16 positions, so that a vector of scores needs no sum
// across lanes.
#include "passes/clone.h"
#include "passes/pass.h"
#include "passes/prune.h"
#include "passes/rewrite.h"

enum { WEIGHT_PANEL_ROWS = 32, KEY_PANEL_ROWS = 16 };

typedef enum Use { USE_NONE, USE_WEIGHT, USE_TABLE, USE_KEYS, USE_CACHE, USE_OTHER } Use;

// How an op reads its operand number `index`.
static Use use_in_op(const LigOp *op, size_t index)
{
    if (op->code == LIG_OP_LINEAR && index == 1) return USE_WEIGHT;
    if (op->code == LIG_OP_GATHER && index == 0) return USE_TABLE;
    if (op->code == LIG_OP_ATTENTION && index == 1) return USE_KEYS;
    if (op->code == LIG_OP_APPEND && index == 0) return USE_CACHE;
    return USE_OTHER;
}

// Combines two uses of one value: OTHER wins; WEIGHT wins over TABLE, KEYS over CACHE.
static Use join(Use a, Use b)
{
    if (a == USE_NONE || a == b) return b;
    if (b == USE_NONE) return a;
    if ((a == USE_WEIGHT && b == USE_TABLE) || (a == USE_TABLE && b == USE_WEIGHT)) return USE_WEIGHT;
    if ((a == USE_KEYS && b == USE_CACHE) || (a == USE_CACHE && b == USE_KEYS)) return USE_KEYS;
    return USE_OTHER;
}

static Use use_of(const LigFunc *func, const LigValue *value);

// A value that comes out of append is the same cache, so its uses count too.
static Use use_by(const LigFunc *func, const LigOp *op, size_t index)
{
    if (op->callee) {
        Use use = use_of(op->callee, op->callee->inputs.data[index]);
        bool is_append =
            op->callee->ops.count == 1 && op->callee->ops.data[0]->code == LIG_OP_APPEND && index == 0;
        return is_append ? join(use, use_of(func, op->results[0])) : use;
    }
    return use_in_op(op, index);
}

static Use use_of(const LigFunc *func, const LigValue *value)
{
    Use use = USE_NONE;
    for (size_t i = 0; i < func->ops.count; i++) {
        const LigOp *op = func->ops.data[i];
        for (size_t j = 0; j < op->operand_count; j++) {
            if (op->operands[j] == value) use = join(use, use_by(func, op, j));
        }
    }
    for (size_t i = 0; i < func->outputs.count; i++) {
        if (func->outputs.data[i] == value) use = join(use, USE_OTHER);
    }
    return use;
}

static Use use_in_module(const LigModule *module, const LigValue *value)
{
    Use use = USE_NONE;
    for (size_t i = 0; i < module->funcs.count; i++) {
        const LigFunc *func = module->funcs.data[i];
        if (func->kind == LIG_FUNC_KERNEL) continue;
        Use here = use_of(func, value);
        // What load computes from a param once, it reads from the file's rows.
        if (func->kind == LIG_FUNC_LOAD && here != USE_NONE) here = USE_OTHER;
        use = join(use, here);
    }
    return use;
}

// The panel a weight of this type is read in; false when rows serve it better (or are all there is).
static bool weight_panel(const LigPass *pass, const LigType *type, LigLayout *out)
{
    int64_t columns;
    bool fits = type->rank == 2 && lig_dim_is_const(type->dims[1], &columns);
    if (!fits || (pass->options->onednn && type->dtype == LIG_F32)) return false;
    int32_t k = (int32_t)lig_dtype_block(type->dtype);
    if (!lig_dtype_is_float(type->dtype) && !lig_dtype_is_quantised(type->dtype)) return false;
    if (type->dtype == LIG_F64 || !lig_dtype_has_panel(type->dtype) || columns % k != 0) return false;
    *out = (LigLayout){.kind = LIG_LAYOUT_PANEL, .n = WEIGHT_PANEL_ROWS, .k = k};
    return true;
}

typedef struct Packer {
    LigPass *pass;
    LigModule *module;
    LigFunc *load;
    LigValue **packed; // by param id: its packed form, or NULL
    LigKernelSet kernels;
} Packer;

static LigStatus pack_param(Packer *p, LigValue *param)
{
    LigType type = param->type;
    if (use_in_module(p->module, param) != USE_WEIGHT || !weight_panel(p->pass, &type, &type.layout))
        return LIG_OK;
    if (!p->load) LIG_TRY(lig_module_add_func(p->module, LIG_FUNC_LOAD, (LigStr){0}, &p->load));
    LigStr name = lig_str_format(p->module->arena, "%.*s.panel", LIG_STR_ARG(param->name));
    if (name.data) name = lig_fresh_value_name(p->module, name, NULL);
    if (!name.data) return lig_no_memory(p->pass->ctx);
    LigOpSpec spec = {.code = LIG_OP_PACK,
                      .name = name,
                      .operands = &param,
                      .operand_count = 1,
                      .stated = &type,
                      .loc = param->loc};
    LigOp *op;
    LIG_TRY(lig_op_create(p->module, p->load, &spec, &op));
    p->packed[param->id] = op->results[0];
    return LIG_OK;
}

static void pack_state(Packer *p, LigValue *state)
{
    const LigType *type = &state->type;
    bool plain = type->layout.kind == LIG_LAYOUT_ROWS && type->rank == 4 && lig_dtype_is_float(type->dtype);
    if (!plain || use_in_module(p->module, state) != USE_KEYS) return;
    state->type.layout = (LigLayout){.kind = LIG_LAYOUT_PANEL, .n = KEY_PANEL_ROWS, .k = 1};
}

// Points the operands of a call at packed forms, and the call at a kernel that takes them.
static LigStatus retype_call(Packer *p, LigOp *op)
{
    LigType *types = LIG_NEW_ARRAY(p->pass->scratch, LigType, op->operand_count);
    if (!types) return lig_no_memory(p->pass->ctx);
    for (size_t i = 0; i < op->operand_count; i++) {
        LigValue *value = op->operands[i];
        if (value->kind == LIG_VALUE_PARAM && p->packed[value->id]) op->operands[i] = p->packed[value->id];
        types[i] = op->operands[i]->type;
    }
    LigRetype retype = {.input_types = types, .kernels = &p->kernels};
    LIG_TRY(lig_retype_kernel(p->module, op->callee, &retype, &op->callee));
    for (size_t i = 0; i < op->result_count; i++) op->results[i]->type = op->callee->outputs.data[i]->type;
    return LIG_OK;
}

static LigStatus retype_calls(Packer *p)
{
    size_t count = p->module->funcs.count; // retyped kernels are added behind
    for (size_t i = 0; i < count; i++) {
        const LigFunc *func = p->module->funcs.data[i];
        if (func->kind != LIG_FUNC && func->kind != LIG_FUNC_VARIANT) continue;
        for (size_t j = 0; j < func->ops.count; j++) {
            if (func->ops.data[j]->callee) LIG_TRY(retype_call(p, func->ops.data[j]));
        }
    }
    return LIG_OK;
}

LigStatus lig_pass_pack(LigPass *pass, LigModule *module)
{
    Packer packer = {
        .pass = pass, .module = module, .load = lig_module_load(module), .kernels = {.arena = pass->scratch}};
    packer.packed = LIG_NEW_ARRAY(pass->scratch, LigValue *, module->params.count);
    if (!packer.packed) return lig_no_memory(pass->ctx);
    for (size_t i = 0; i < module->params.count; i++) LIG_TRY(pack_param(&packer, module->params.data[i]));
    for (size_t i = 0; i < module->states.count; i++) pack_state(&packer, module->states.data[i]);
    if (packer.load) lig_func_renumber(packer.load);
    LIG_TRY(retype_calls(&packer));
    return lig_prune_kernels(pass, module);
}

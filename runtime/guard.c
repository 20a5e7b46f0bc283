#include "runtime/guard.h"

// Which operand of an op is an index, and into which axis of which operand.
typedef struct IndexRule {
    LigOpCode code;
    size_t operand;
    LigGuardKind kind;
    size_t of;
    int axis;
} IndexRule;

static const IndexRule rules[] = {
    {LIG_OP_GATHER, 1, LIG_GUARD_INDEX, 0, 0},     {LIG_OP_EMBEDDING, 1, LIG_GUARD_INDEX, 0, 0},
    {LIG_OP_APPEND, 2, LIG_GUARD_INDEX, 0, 0},     {LIG_OP_APPEND, 3, LIG_GUARD_STARTS, 1, 0},
    {LIG_OP_APPEND, 4, LIG_GUARD_INDEX, 0, 2},     {LIG_OP_ATTENTION, 4, LIG_GUARD_STARTS, 0, 0},
    {LIG_OP_ATTENTION, 5, LIG_GUARD_LENGTH, 1, 2}, {LIG_OP_ATTENTION, 6, LIG_GUARD_INDEX, 1, 0},
};

// The input behind an index, itself or through a slice, of which `guard` then keeps the ends; NULL when the
// index is computed in another way.
static const LigValue *find_input(const LigValue *index, LigGuard *guard)
{
    guard->begin = 0;
    guard->end = INT64_MAX;
    if (index->kind == LIG_VALUE_INPUT) return index;
    bool slice = index->kind == LIG_VALUE_RESULT && index->op->code == LIG_OP_SLICE && index->type.rank == 1;
    if (!slice || index->op->operands[0]->kind != LIG_VALUE_INPUT) return NULL;
    guard->begin = lig_attrs_int(index->op->attrs, LIG_ATTR_BEGIN, 0);
    guard->end = lig_attrs_int(index->op->attrs, LIG_ATTR_END, INT64_MAX);
    return index->op->operands[0];
}

// The op of this code that computes `value`; NULL when another does.
static const LigOp *made_by(const LigValue *value, LigOpCode code)
{
    return value->kind == LIG_VALUE_RESULT && value->op->code == code ? value->op : NULL;
}

// Starts that are counted, as pass raise does: 0, S, 2 S .. the bound, which is right whatever the inputs are. They
// are the first column of [E,S] numbered through, where (E - 1) S is the bound.
static bool is_counted(const LigModule *module, const LigValue *starts, LigDim bound)
{
    const LigOp *flat = made_by(starts, LIG_OP_RESHAPE);
    const LigOp *column = flat ? made_by(flat->operands[0], LIG_OP_SLICE) : NULL;
    const LigOp *grid = column ? made_by(column->operands[0], LIG_OP_RESHAPE) : NULL;
    if (!grid || !made_by(grid->operands[0], LIG_OP_IOTA) || grid->operands[0]->type.rank != 1) return false;
    const LigType *type = &grid->results[0]->type, *taken = &column->results[0]->type;
    bool is_first = type->rank == 2 && lig_attrs_int(column->attrs, LIG_ATTR_BEGIN, 0) == 0;
    if (!is_first || taken->dims[0] != type->dims[0]) return false; // along the second axis
    LigDim rows = lig_dim_sub(module->dims, type->dims[0], lig_dim_const(module->dims, 1));
    LigDim end = lig_dim_mul(module->dims, rows, type->dims[1]);
    int64_t width;
    return end && lig_dim_is_const(taken->dims[1], &width) && width == 1 &&
           lig_dim_equal(module->dims, end, bound) == LIG_YES;
}

// Gather's axis stands in its attributes.
static LigDim guarded_dim(const LigOp *op, const IndexRule *rule)
{
    const LigType *type = &op->operands[rule->of]->type;
    int64_t axis = lig_attrs_int(op->attrs, LIG_ATTR_AXIS, rule->axis);
    return type->dims[axis < 0 ? axis + type->rank : axis];
}

// What an index op inside a kernel reads, seen from the call: the operand that stands for the kernel's input.
static const LigValue *seen_from_call(const LigOp *call, const LigValue *value)
{
    bool formal = call && value->kind == LIG_VALUE_INPUT;
    return formal ? call->operands[value->index] : value;
}

// `call`: the op of `func` whose callee holds `op`; NULL when `op` is in `func` itself.
static LigStatus add_guard(LigModule *module, const LigFunc *func, const LigOp *call, const LigOp *op,
                           const IndexRule *rule, LigGuards *guards)
{
    const LigValue *read = op->operands[rule->operand], *index = seen_from_call(call, read);
    LigGuard guard = {.func = func->name, .kind = rule->kind, .bound = guarded_dim(op, rule)};
    if (!call && rule->kind == LIG_GUARD_STARTS && is_counted(module, index, guard.bound)) return LIG_OK;
    const LigValue *input = call && read == index ? NULL : find_input(index, &guard);
    if (!input || (input != index && rule->kind != LIG_GUARD_INDEX)) {
        return lig_fail(
            module->ctx, LIG_ERR_UNSUPPORTED, op->loc,
            "%s: the index %%%.*s is computed by the function, so it can't be checked before it is used as an "
            "address: make it an input, or use --interpret",
            lig_op_info(op->code)->name, LIG_STR_ARG(index->name));
    }
    guard.input = input->index;
    return LIG_VEC_PUSH(module->arena, &guards->items, guard) ? LIG_OK : lig_no_memory(module->ctx);
}

// Attention without slots reads its own tokens, and no length leads out of these.
static bool applies(const LigOp *op, const IndexRule *rule)
{
    if (rule->code != op->code || rule->operand >= op->operand_count) return false;
    return rule->kind != LIG_GUARD_LENGTH || rule->axis < op->operands[rule->of]->type.rank - 1;
}

static LigStatus find_in_op(LigModule *module, const LigFunc *func, const LigOp *call, const LigOp *op,
                            LigGuards *guards)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (applies(op, &rules[i])) LIG_TRY(add_guard(module, func, call, op, &rules[i], guards));
    }
    return LIG_OK;
}

static LigStatus find_in_func(LigModule *module, const LigFunc *func, LigGuards *guards)
{
    for (size_t i = 0; i < func->ops.count; i++) {
        const LigOp *op = func->ops.data[i];
        LIG_TRY(find_in_op(module, func, NULL, op, guards));
        for (size_t j = 0; op->callee && j < op->callee->ops.count; j++) {
            LIG_TRY(find_in_op(module, func, op, op->callee->ops.data[j], guards));
        }
    }
    return LIG_OK;
}

static bool is_known(const LigGuards *guards, const LigGuard *guard, size_t before)
{
    for (size_t i = 0; i < before; i++) {
        const LigGuard *other = &guards->items.data[i];
        bool same = other->input == guard->input && other->kind == guard->kind &&
                    other->bound == guard->bound && other->begin == guard->begin && other->end == guard->end;
        if (same && lig_str_equal(other->func, guard->func)) return true;
    }
    return false;
}

// Thirty layers use the same inputs as the same indices.
static void remove_repeated(LigGuards *guards)
{
    size_t kept = 0;
    for (size_t i = 0; i < guards->items.count; i++) {
        LigGuard guard = guards->items.data[i];
        if (!is_known(guards, &guard, kept)) guards->items.data[kept++] = guard;
    }
    guards->items.count = kept;
}

LigStatus lig_guards_find(LigModule *module, LigGuards *out)
{
    *out = (LigGuards){0};
    for (size_t i = 0; i < module->funcs.count; i++) {
        const LigFunc *func = module->funcs.data[i];
        bool callable = func->kind == LIG_FUNC || func->kind == LIG_FUNC_VARIANT;
        if (callable) LIG_TRY(find_in_func(module, func, out));
    }
    remove_repeated(out);
    return LIG_OK;
}

static bool holds(LigGuardKind kind, const LigTensor *tensor, int64_t i, int64_t count, int64_t bound)
{
    int64_t x = lig_shape_get_integer(&tensor->shape, tensor->data, i);
    switch (kind) {
    case LIG_GUARD_INDEX:
        return x >= 0 && x < bound;
    case LIG_GUARD_LENGTH:
        return x >= 0 && x <= bound;
    case LIG_GUARD_STARTS:
        break;
    }
    if (i == 0) return x == 0;
    int64_t previous = lig_shape_get_integer(&tensor->shape, tensor->data, i - 1);
    return x >= previous && x <= bound && (i + 1 < count || x == bound);
}

static const char *expectation(LigGuardKind kind)
{
    switch (kind) {
    case LIG_GUARD_INDEX:
        return "an index below";
    case LIG_GUARD_LENGTH:
        return "a length of at most";
    case LIG_GUARD_STARTS:
        break;
    }
    return "starts that rise from 0 to";
}

static LigStatus check_guard(const LigGuard *guard, const LigModule *module, const LigFunc *func,
                             const LigTensor *tensor, const int64_t *dims)
{
    int64_t bound, count;
    if (!lig_dim_eval(guard->bound, dims, &bound) || !lig_shape_count(&tensor->shape, &count)) {
        return lig_fail(module->ctx, LIG_ERR_SHAPE, func->loc, "@%.*s: a dim overflows",
                        LIG_STR_ARG(func->name));
    }
    int64_t end = guard->end < 0 ? count + guard->end : guard->end < count ? guard->end : count;
    for (int64_t i = guard->begin; i < end; i++) {
        if (holds(guard->kind, tensor, i, count, bound)) continue;
        return lig_fail(module->ctx, LIG_ERR_INVALID, func->loc,
                        "input %%%.*s of @%.*s: element %lld is %lld, expected %s %lld",
                        LIG_STR_ARG(func->inputs.data[guard->input]->name), LIG_STR_ARG(guard->func),
                        (long long)i, (long long)lig_shape_get_integer(&tensor->shape, tensor->data, i),
                        expectation(guard->kind), (long long)bound);
    }
    return LIG_OK;
}

LigStatus lig_guards_check(const LigGuards *guards, const LigModule *module, const LigFunc *func, LigStr name,
                           const LigTensor *inputs, const int64_t *dims)
{
    for (size_t i = 0; i < guards->items.count; i++) {
        const LigGuard *guard = &guards->items.data[i];
        if (!lig_str_equal(guard->func, name) && !lig_str_equal(guard->func, func->name)) continue;
        LIG_TRY(check_guard(guard, module, func, &inputs[guard->input], dims));
    }
    return LIG_OK;
}

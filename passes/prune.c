#include "passes/prune.h"

// `name` without its parts that are numbers: linear.3.one and linear.one are both "linear.one".
static LigStr without_numbers(LigArena *arena, LigStr name)
{
    char *kept = lig_arena_alloc(arena, name.length + 1);
    size_t length = 0;
    for (size_t at = 0; kept && at < name.length;) {
        size_t end = at + 1;
        while (end < name.length && name.data[end] != '.') end++;
        size_t digit = name.data[at] == '.' ? at + 1 : at;
        while (digit < end && name.data[digit] >= '0' && name.data[digit] <= '9') digit++;
        bool is_number = at > 0 && digit == end;
        for (; !is_number && at < end; at++) kept[length++] = name.data[at];
        at = end;
    }
    return (LigStr){kept, kept ? length : 0};
}

// Kernels that were replaced on the way leave gaps in the numbers of names: the kept ones are numbered afresh,
// in order.
static LigStatus renumber_names(LigPass *pass, LigModule *module)
{
    LigMap taken = {0};
    for (size_t i = 0; i < module->funcs.count; i++) {
        LigFunc *func = module->funcs.data[i];
        bool entered = func->kind == LIG_FUNC_KERNEL || lig_map_put(pass->scratch, &taken, func->name, func);
        if (!entered) return lig_no_memory(pass->ctx);
    }
    for (size_t i = 0; i < module->funcs.count; i++) {
        LigFunc *func = module->funcs.data[i];
        if (func->kind != LIG_FUNC_KERNEL) continue;
        LigStr base = without_numbers(module->arena, func->name);
        func->name = base;
        for (int n = 2; func->name.data && lig_map_get(&taken, func->name); n++) {
            func->name = lig_str_format(module->arena, "%.*s.%d", LIG_STR_ARG(base), n);
        }
        if (!func->name.data || !lig_map_put(pass->scratch, &taken, func->name, func))
            return lig_no_memory(pass->ctx);
    }
    return LIG_OK;
}

LigStatus lig_prune_kernels(LigPass *pass, LigModule *module)
{
    bool *keep = LIG_NEW_ARRAY(pass->scratch, bool, module->funcs.count + 1);
    if (!keep) return lig_no_memory(pass->ctx);
    for (size_t i = 0; i < module->funcs.count; i++) {
        const LigFunc *func = module->funcs.data[i];
        if (func->kind == LIG_FUNC_KERNEL) continue;
        keep[i] = true;
        for (size_t j = 0; j < func->ops.count; j++) {
            if (func->ops.data[j]->callee)
                keep[lig_module_func_index(module, func->ops.data[j]->callee)] = true;
        }
    }
    LIG_TRY(lig_module_keep_funcs(module, keep));
    lig_module_sort_funcs(module);
    LIG_TRY(renumber_names(pass, module));
    for (size_t i = 0; i < module->funcs.count; i++) keep[i] = true;
    return lig_module_keep_funcs(module, keep); // enters the new names
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

LigStatus lig_remove_dead_ops(LigPass *pass, LigModule *module, LigFunc *func)
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

#include "ir/graph.h"

const char *lig_stage_name(LigStage stage)
{
    static const char *const names[LIG_STAGE_COUNT] = {"model", "fused", "packed", "planned"};
    LIG_ASSERT(stage < LIG_STAGE_COUNT);
    return names[stage];
}

LigStatus lig_module_create(LigContext *ctx, LigStr name, LigModule **out)
{
    LigArena *arena = lig_arena_create();
    LigModule *module = arena ? LIG_NEW(arena, LigModule) : NULL;
    if (module) {
        module->ctx = ctx;
        module->arena = arena;
        module->name = lig_str_copy(arena, name);
        module->dims = lig_dims_create(arena);
    }
    if (!module || !module->name.data || !module->dims) {
        lig_arena_destroy(arena);
        return lig_no_memory(ctx);
    }
    *out = module;
    return LIG_OK;
}

void lig_module_destroy(LigModule *module)
{
    if (module) lig_arena_destroy(module->arena);
}

// Enters a value under its name among those visible in every function.
static LigStatus declare_value(LigModule *module, LigValue *value)
{
    if (lig_map_get(&module->values, value->name))
        return lig_fail(
            module->ctx, LIG_ERR_INVALID, value->loc,
            "%%%.*s: the module has a param, state or result of load of this name already; choose another",
            LIG_STR_ARG(value->name));
    if (!lig_map_put(module->arena, &module->values, value->name, value)) return lig_no_memory(module->ctx);
    return LIG_OK;
}

static LigStatus new_value(LigModule *module, LigStr name, LigType type, LigValueKind kind, LigValue **out)
{
    if (!name.length)
        return lig_fail(module->ctx, LIG_ERR_INVALID, LIG_NOWHERE, "a value of module \"%.*s\" has no name",
                        LIG_STR_ARG(module->name));
    LigValue *value = LIG_NEW(module->arena, LigValue);
    if (!value) return lig_no_memory(module->ctx);
    value->name = lig_str_copy(module->arena, name);
    if (!value->name.data) return lig_no_memory(module->ctx);
    value->type = type;
    value->kind = kind;
    *out = value;
    return LIG_OK;
}

LigStatus lig_module_add_param(LigModule *module, LigStr name, LigType type, LigStr source, LigValue **out)
{
    LigValue *value;
    LIG_TRY(new_value(module, name, type, LIG_VALUE_PARAM, &value));
    value->id = (uint32_t)module->params.count;
    value->source = lig_str_copy(module->arena, source);
    if (!value->source.data) return lig_no_memory(module->ctx);
    LIG_TRY(declare_value(module, value));
    if (!LIG_VEC_PUSH(module->arena, &module->params, value)) return lig_no_memory(module->ctx);
    *out = value;
    return LIG_OK;
}

LigStatus lig_module_add_state(LigModule *module, LigStr name, LigType type, LigValue **out)
{
    LigValue *value;
    LIG_TRY(new_value(module, name, type, LIG_VALUE_STATE, &value));
    value->id = (uint32_t)module->states.count;
    LIG_TRY(declare_value(module, value));
    if (!LIG_VEC_PUSH(module->arena, &module->states, value)) return lig_no_memory(module->ctx);
    *out = value;
    return LIG_OK;
}

LigStatus lig_func_create(LigModule *module, LigFuncKind kind, LigStr name, LigFunc **out)
{
    LigFunc *func = LIG_NEW(module->arena, LigFunc);
    if (!func) return lig_no_memory(module->ctx);
    func->kind = kind;
    func->name = lig_str_copy(module->arena, name);
    *out = func;
    return func->name.data ? LIG_OK : lig_no_memory(module->ctx);
}

LigStatus lig_module_enter_func(LigModule *module, LigFunc *func)
{
    bool is_load = func->kind == LIG_FUNC_LOAD;
    LigStr name = func->name;
    if (is_load && lig_module_load(module))
        return lig_fail(module->ctx, LIG_ERR_INVALID, LIG_NOWHERE, "a module has one load, this is a second");
    if (!is_load && (!name.length || lig_module_find_func(module, name)))
        return lig_fail(module->ctx, LIG_ERR_INVALID, LIG_NOWHERE, "@%.*s: %s", LIG_STR_ARG(name),
                        name.length ? "a function of this name exists already; choose another"
                                    : "a function needs a name");
    bool entered = is_load || lig_map_put(module->arena, &module->func_names, name, func);
    if (!entered || !LIG_VEC_PUSH(module->arena, &module->funcs, func)) return lig_no_memory(module->ctx);
    return LIG_OK;
}

LigStatus lig_module_add_func(LigModule *module, LigFuncKind kind, LigStr name, LigFunc **out)
{
    LigFunc *func;
    LIG_TRY(lig_func_create(module, kind, name, &func));
    LIG_TRY(lig_module_enter_func(module, func));
    *out = func;
    return LIG_OK;
}

LigFunc *lig_module_find_func(const LigModule *module, LigStr name)
{
    return lig_map_get(&module->func_names, name);
}

LigValue *lig_module_find_value(const LigModule *module, LigStr name)
{
    return lig_map_get(&module->values, name);
}

LigFunc *lig_module_load(const LigModule *module)
{
    for (size_t i = 0; i < module->funcs.count; i++) {
        if (module->funcs.data[i]->kind == LIG_FUNC_LOAD) return module->funcs.data[i];
    }
    return NULL;
}

// Builds both name maps anew from what the module holds.
static LigStatus rebuild_names(LigModule *module)
{
    module->values = module->func_names = (LigMap){0};
    for (size_t i = 0; i < module->params.count; i++) LIG_TRY(declare_value(module, module->params.data[i]));
    for (size_t i = 0; i < module->states.count; i++) LIG_TRY(declare_value(module, module->states.data[i]));
    for (size_t i = 0; i < module->funcs.count; i++) {
        LigFunc *func = module->funcs.data[i];
        if (func->kind == LIG_FUNC_LOAD) continue;
        if (!lig_map_put(module->arena, &module->func_names, func->name, func))
            return lig_no_memory(module->ctx);
    }
    LigFunc *load = lig_module_load(module);
    for (size_t i = 0; load && i < load->ops.count; i++) {
        LigOp *op = load->ops.data[i];
        for (size_t r = 0; r < op->result_count; r++) LIG_TRY(declare_value(module, op->results[r]));
    }
    return LIG_OK;
}

size_t lig_module_func_index(const LigModule *module, const LigFunc *func)
{
    size_t i = 0;
    while (i < module->funcs.count && module->funcs.data[i] != func) i++;
    return i;
}

LigStatus lig_module_keep_funcs(LigModule *module, const bool *keep)
{
    size_t count = 0;
    for (size_t i = 0; i < module->funcs.count; i++) {
        if (keep[i]) module->funcs.data[count++] = module->funcs.data[i];
    }
    module->funcs.count = count;
    return rebuild_names(module);
}

// The place of a kind in the order of funcs.
static int func_rank(LigFuncKind kind) { return kind == LIG_FUNC_LOAD ? 0 : kind == LIG_FUNC_KERNEL ? 1 : 2; }

void lig_module_sort_funcs(LigModule *module)
{
    LigFunc **funcs = module->funcs.data;
    for (size_t i = 1; i < module->funcs.count; i++) {
        LigFunc *func = funcs[i];
        size_t at = i;
        for (; at && func_rank(funcs[at - 1]->kind) > func_rank(func->kind); at--) funcs[at] = funcs[at - 1];
        funcs[at] = func;
    }
}

LigStatus lig_func_add_input(LigModule *module, LigFunc *func, LigStr name, LigType type, LigValue **out)
{
    LigValue *value;
    LIG_TRY(new_value(module, name, type, LIG_VALUE_INPUT, &value));
    value->index = (uint32_t)func->inputs.count;
    value->id = (uint32_t)func->value_count;
    if (!LIG_VEC_PUSH(module->arena, &func->inputs, value)) return lig_no_memory(module->ctx);
    func->value_count++;
    *out = value;
    return LIG_OK;
}

LigStatus lig_func_add_output(LigModule *module, LigFunc *func, LigValue *value)
{
    if (!LIG_VEC_PUSH(module->arena, &func->outputs, value)) return lig_no_memory(module->ctx);
    return LIG_OK;
}

void lig_func_renumber(LigFunc *func)
{
    uint32_t id = 0;
    for (size_t i = 0; i < func->inputs.count; i++) func->inputs.data[i]->id = id++;
    for (size_t i = 0; i < func->ops.count; i++) {
        LigOp *op = func->ops.data[i];
        for (size_t r = 0; r < op->result_count; r++) op->results[r]->id = id++;
    }
    func->value_count = id;
}

bool lig_value_is_resident(const LigModule *module, const LigValue *value)
{
    return value->kind == LIG_VALUE_RESULT && lig_map_get(&module->values, value->name) == value;
}

bool lig_func_bounds(const LigModule *module, const LigFunc *func, LigDimBounds *bounds)
{
    lig_dims_bounds(module->dims, bounds);
    for (size_t i = 0; i < func->bindings.count; i++) {
        const LigBinding *binding = &func->bindings.data[i];
        bounds[binding->symbol] = (LigDimBounds){binding->low, binding->high};
    }
    return lig_dims_sharpen(module->dims, bounds);
}

bool lig_func_bind_upper(const LigModule *module, const LigFunc *func, const LigType *type, LigShape *out)
{
    LigDimBounds bounds[LIG_MAX_SYMBOLS];
    return lig_func_bounds(module, func, bounds) && lig_type_bind_upper_within(module->dims, type, bounds, out);
}

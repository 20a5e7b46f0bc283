// Schedules: which class a kernel has, and the attributes that its class fills in.
#include "codegen/classes.h"

static const LigKernelClass classes[] = {
#define LIG_KERNEL_CLASS(name, meaning)                                                                        \
    {#name, meaning, LIG_CLASS_##name, lig_schedule_##name, lig_tiles_##name},
#include "codegen/classes.def"
#undef LIG_KERNEL_CLASS
};

enum { CLASS_COUNT = sizeof classes / sizeof *classes };

// An op that the table declares without code, whatever class the kernel has; NULL when there is none.
static const LigOp *find_interpreted(const LigFunc *kernel)
{
    for (size_t i = 0; i < kernel->ops.count; i++) {
        LigLoweringKind kind = lig_op_info(kernel->ops.data[i]->code)->lowering.kind;
        if (kind == LIG_LOWER_INTERPRETED || kind == LIG_LOWER_DECOMPOSE) return kernel->ops.data[i];
    }
    return NULL;
}

static LigStatus fail_interpreted(LigContext *ctx, const LigFunc *kernel, const LigOp *op)
{
    const LigOpInfo *info = lig_op_info(op->code);
    bool decomposes = info->lowering.kind == LIG_LOWER_DECOMPOSE;
    return lig_fail(ctx, LIG_ERR_UNSUPPORTED, op->loc,
                    "kernel @%.*s: %s has no generated code: %s; run it with --interpret",
                    LIG_STR_ARG(kernel->name), info->name,
                    decomposes ? "pass decompose replaces it before fusion" : info->lowering.text);
}

LigStatus lig_kernel_class(LigContext *ctx, const LigFunc *kernel, const LigKernelClass **out)
{
    const LigOp *interpreted = find_interpreted(kernel);
    if (interpreted != NULL) return fail_interpreted(ctx, kernel, interpreted);
    LigStr name = lig_attrs_name(kernel->attrs, LIG_ATTR_CLASS, LIG_STR(""));
    for (size_t i = 0; i < CLASS_COUNT; i++) {
        if (!lig_str_is(name, classes[i].name)) continue;
        *out = &classes[i];
        return LIG_OK;
    }
    return lig_fail(
        ctx, LIG_ERR_INVALID, kernel->loc,
        "kernel @%.*s has %s%.*s: give it class=elementwise, row, contract, attention, gather or move",
        LIG_STR_ARG(kernel->name), name.length > 0 ? "the unknown class " : "no class", LIG_STR_ARG(name));
}

int64_t lig_kernel_tile(const LigFunc *kernel)
{
    int64_t tile = lig_attrs_int(kernel->attrs, LIG_ATTR_TILE, 1);
    return tile > 0 ? tile : 1;
}

LigStatus lig_schedule_int(LigScheduling *scheduling, LigAttrKey key, int64_t value)
{
    const LigAttr *given = lig_attrs_get(scheduling->kernel->attrs, key);
    if (given != NULL && key == LIG_ATTR_SCRATCH && given->value.integer < value)
        return lig_fail(scheduling->module->ctx, LIG_ERR_INVALID, scheduling->kernel->loc,
                        "kernel @%.*s: scratch=%lld is less than the %lld bytes it needs: leave it out",
                        LIG_STR_ARG(scheduling->kernel->name), (long long)given->value.integer,
                        (long long)value);
    if (given != NULL) return LIG_OK;
    LigAttr attr = {.key = key, .value.integer = value};
    bool added = lig_attrs_set(scheduling->module->arena, &scheduling->kernel->attrs, attr);
    return added ? LIG_OK : lig_no_memory(scheduling->module->ctx);
}

LigDim lig_schedule_count(const LigModule *module, const LigType *type, int first, int last)
{
    LigDim count = lig_dim_const(module->dims, 1);
    for (int i = first; i < last; i++) count = lig_dim_mul(module->dims, count, type->dims[i]);
    return count;
}

int64_t lig_schedule_rows(const LigModule *module, const LigType *space, int64_t elements)
{
    int64_t low, high;
    lig_dim_range(module->dims, space->dims[space->rank - 1], &low, &high);
    return high > 0 && high < elements ? elements / high : 1;
}

static bool is_onednn(const LigFunc *kernel)
{
    return lig_str_is(lig_attrs_name(kernel->attrs, LIG_ATTR_PROVIDER, LIG_STR("")), "onednn");
}

static LigStatus check_tile(const LigModule *module, const LigFunc *kernel)
{
    const LigAttr *tile = lig_attrs_get(kernel->attrs, LIG_ATTR_TILE);
    if (tile == NULL || (tile->value.integer > 0 && tile->value.integer <= INT32_MAX)) return LIG_OK;
    return lig_kernel_fail(module, kernel, NULL, LIG_ERR_INVALID, "tile must be in 1 .. 2147483647");
}

LigStatus lig_schedule_module(LigModule *module, const LigScheduleOptions *options)
{
    for (size_t i = 0; i < module->funcs.count; i++) {
        LigFunc *kernel = module->funcs.data[i];
        if (kernel->kind != LIG_FUNC_KERNEL || is_onednn(kernel)) continue;
        const LigKernelClass *class;
        LIG_TRY(lig_kernel_class(module->ctx, kernel, &class));
        LIG_TRY(check_tile(module, kernel));
        LigScheduling scheduling = {.module = module, .kernel = kernel, .options = options};
        LIG_TRY(class->schedule(&scheduling));
    }
    return LIG_OK;
}

LigDim lig_kernel_tiles(const LigModule *module, const LigFunc *kernel)
{
    const LigKernelClass *class;
    if (lig_kernel_class(module->ctx, kernel, &class) != LIG_OK) return NULL;
    return class->tiles(module, kernel);
}

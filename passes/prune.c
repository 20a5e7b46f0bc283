#include "passes/prune.h"

static size_t func_index(const LigModule *module, const LigFunc *func)
{
    for (size_t i = 0; i < module->funcs.count; i++) {
        if (module->funcs.data[i] == func) return i;
    }
    return module->funcs.count;
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
            if (func->ops.data[j]->callee) keep[func_index(module, func->ops.data[j]->callee)] = true;
        }
    }
    LIG_TRY(lig_module_keep_funcs(module, keep));
    lig_module_sort_funcs(module);
    return LIG_OK;
}

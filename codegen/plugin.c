#include "codegen/plugin.h"

#include <build_id.h> // made by tools/build_id.cmake from the sources
#include <dlfcn.h>
#include <string.h>

const char *lig_build_id(void) { return LIG_BUILD_ID; }

LigStatus lig_plugin_load(LigContext *ctx, const LigPluginName *name, const LigPluginHead **out)
{
    void *handle = dlopen(name->file, RTLD_NOW | RTLD_LOCAL);
    const LigPluginHead *head = handle ? dlsym(handle, name->symbol) : NULL;
    if (!head) {
        const char *reason = dlerror();
        return lig_fail(ctx, LIG_ERR_NOT_FOUND, LIG_NOWHERE,
                        "%s, needed for %s, can't be loaded: %s: install Ligature anew", name->file, name->use,
                        reason ? reason : "no reason given");
    }
    if (strcmp(head->build, LIG_BUILD_ID) != 0)
        return lig_fail(ctx, LIG_ERR_INVALID, LIG_NOWHERE,
                        "%s, needed for %s, is of another build: install Ligature anew", name->file, name->use);
    *out = head;
    return LIG_OK;
}

bool lig_plugin_is_loaded(const LigPluginName *name)
{
    void *handle = dlopen(name->file, RTLD_NOW | RTLD_NOLOAD);
    if (handle) dlclose(handle); // only the count that the look has added
    return handle != NULL;
}

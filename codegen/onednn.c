#include "codegen/onednn.h"

#include "codegen/onednn_plugin.h"
#include "ir/base/alloc.h"

struct LigOnednn {
    const LigOnednnFunctions *functions;
    LigOnednnContraction *contraction;
};

LigStatus lig_onednn_create(LigContext *ctx, const LigType *x, const LigType *weight, LigOnednn **out)
{
    const LigPluginHead *head;
    LIG_TRY(lig_plugin_load(ctx, &LIG_ONEDNN_PLUGIN, &head));
    const LigOnednnFunctions *functions = (const LigOnednnFunctions *)head;
    LigOnednn *c = lig_alloc_zero(sizeof *c);
    if (!c) return lig_no_memory(ctx);
    c->functions = functions;
    LigStatus status = functions->create(ctx, x, weight, &c->contraction);
    if (status != LIG_OK) {
        lig_free(c);
        return status;
    }
    *out = c;
    return LIG_OK;
}

void lig_onednn_destroy(LigOnednn *c)
{
    if (!c) return;
    c->functions->destroy(c->contraction);
    lig_free(c);
}

size_t lig_onednn_scratch_bytes(const LigOnednn *c) { return c->functions->scratch_bytes(c->contraction); }
LigKernelFn *lig_onednn_function(const LigOnednn *c) { return c->functions->run; }
void *lig_onednn_handle(const LigOnednn *c) { return c->contraction; }

// What the plugin that links oneDNN gives (codegen/onednn_plugin.c, built as lig_onednn.so). Others call
// codegen/onednn.h, which loads it.
#ifndef LIG_CODEGEN_ONEDNN_PLUGIN_H
#define LIG_CODEGEN_ONEDNN_PLUGIN_H

#include "codegen/onednn.h"
#include "codegen/plugin.h"

#define LIG_ONEDNN_PLUGIN ((LigPluginName){"lig_onednn.so", "lig_onednn_functions", "--onednn"})

typedef struct LigOnednnContraction LigOnednnContraction;

typedef struct LigOnednnFunctions {
    LigPluginHead head;
    // As lig_onednn_create, lig_onednn_destroy and lig_onednn_scratch_bytes.
    LigStatus (*create)(LigContext *ctx, const LigType *x, const LigType *weight, LigOnednnContraction **out);
    void (*destroy)(LigOnednnContraction *contraction);
    size_t (*scratch_bytes)(const LigOnednnContraction *contraction);
    LigKernelFn *run;
} LigOnednnFunctions;

#endif

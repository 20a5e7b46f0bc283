// Shared objects that are loaded when they are first needed: LLVM and oneDNN cost tens of milliseconds and
// megabytes, and a run from cached objects needs neither.
//
// They lie in the folders that the program's own RUNPATH names (CMakeLists.txt), share no symbol with it, and
// stay loaded until the process ends. Each gives one table of functions that starts with a LigPluginHead.
#ifndef LIG_CODEGEN_PLUGIN_H
#define LIG_CODEGEN_PLUGIN_H

#include "ir/base/status.h"

typedef struct LigPluginHead {
    const char *build; // lig_build_id() of the sources that it was made from
} LigPluginHead;

typedef struct LigPluginName {
    const char *file, *symbol; // "lig_llvm.so", and the table in it
    const char *use;           // "generating code", for messages
} LigPluginName;

// Loads it unless it is there. Errors: NOT_FOUND when it can't be loaded; INVALID when it is of another build.
LigStatus lig_plugin_load(LigContext *ctx, const LigPluginName *name, const LigPluginHead **out) LIG_MUST_CHECK;
// Whether this process has loaded it.
bool lig_plugin_is_loaded(const LigPluginName *name);

// The digest of the sources of code generation, in hex.
const char *lig_build_id(void);

#endif

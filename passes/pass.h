// Passes: what one is, and the manager that runs, verifies, times and dumps them.
//
// A pass does only its transform. The manager checks the stage before, verifies after (when
// asked), times, and dumps the text.
#ifndef LIG_PASSES_PASS_H
#define LIG_PASSES_PASS_H

#include "ir/graph.h"

typedef enum LigNumerics { LIG_EXACT, LIG_REASSOCIATES, LIG_CHANGES_MEANING } LigNumerics;

// In what products with block-quantised weights are computed.
typedef enum LigActivations { LIG_ACTIVATIONS_F32, LIG_ACTIVATIONS_I8 } LigActivations;

// What passes may ask of the compilation.
typedef struct LigPassOptions {
    bool fuse;   // false: every op is a kernel of its own (--no-fuse)
    bool onednn; // true: f32 weights keep rows, which oneDNN reads, instead of panels
    LigActivations activations;
} LigPassOptions;

// What a pass works with. `scratch` is reset after each pass; what outlives it goes into the module's arena.
typedef struct LigPass {
    LigContext *ctx;
    LigArena *scratch;
    const LigPassOptions *options;
} LigPass;

typedef LigStatus LigPassFunction(LigPass *pass, LigModule *module);

typedef struct LigPassInfo {
    const char *name;
    LigStage from, to;
    LigNumerics numerics;
    const char *summary;
    LigPassFunction *run;
} LigPassInfo;

#define LIG_PASS(ID, name, from, to, numerics, summary) LigPassFunction lig_pass_##name;
#include "passes/passes.def"
#undef LIG_PASS

// The table, in pipeline order.
size_t lig_pass_count(void);
const LigPassInfo *lig_pass_info(size_t index);
const LigPassInfo *lig_pass_find(LigStr name); // NULL when absent

typedef struct LigPassTime {
    const char *name;
    double milliseconds;
} LigPassTime;

typedef struct LigPassManager {
    LigPassOptions options;
    bool verify;                // run the verifier after every pass
    const char *dump_dir;       // NULL, or an existing folder for NN-NAME.lig files
    size_t dump_number;         // of the next file
    LIG_VEC(LigPassTime) times; // in the module's arena
} LigPassManager;

// Dumps the module as "NN-NAME.lig" (nothing when no folder is set). Used for the module as it came, too.
LigStatus lig_pass_dump(LigPassManager *manager, const LigModule *module, const char *name) LIG_MUST_CHECK;
// Runs one pass. Errors: INVALID when the module's stage is not the pass's, those of the pass and of the
// verifier.
LigStatus lig_pass_run(LigPassManager *manager, LigModule *module, const LigPassInfo *pass) LIG_MUST_CHECK;

#endif

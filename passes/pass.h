// Passes: what one is, and the manager that runs, verifies, times and dumps them.
//
// A pass does only its transform. The manager checks the stage before, verifies after (when
// asked), times, and dumps the text.
#ifndef LIG_PASSES_PASS_H
#define LIG_PASSES_PASS_H

#include "ir/base/sha256.h"
#include "ir/graph.h"
#include "passes/fusion.h"

typedef enum LigNumerics { LIG_EXACT, LIG_REASSOCIATES, LIG_CHANGES_MEANING } LigNumerics;
const char *lig_numerics_name(LigNumerics numerics); // exact, reassociates, changes meaning

// In what products with block-quantised weights are computed.
typedef enum LigActivations { LIG_ACTIVATIONS_F32, LIG_ACTIVATIONS_I8 } LigActivations;

// What passes may ask of the compilation.
typedef struct LigPassOptions {
    bool fuse;   // false: every op is a kernel of its own (--no-fuse)
    bool onednn; // true: f32 weights keep rows, which oneDNN reads, instead of panels
    LigActivations activations;
    LigFusionReport *fusion; // NULL, or where fuse notes its decisions (passes/fusion.h)
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
    const char *needs, *keeps; // its contract, in words
    const char *summary;
    LigPassFunction *run;
} LigPassInfo;

#define LIG_PASS(ID, name, from, to, numerics, needs, keeps, summary) LigPassFunction lig_pass_##name;
#include "passes/passes.def"
#undef LIG_PASS

// The table, in pipeline order.
size_t lig_pass_count(void);
const LigPassInfo *lig_pass_info(size_t index);
const LigPassInfo *lig_pass_find(LigStr name); // NULL when absent

typedef struct LigComparison LigComparison;

typedef struct LigPassTime {
    const char *name;
    double milliseconds;
} LigPassTime;

typedef struct LigPassManager {
    LigPassOptions options;
    bool verify;                // run the verifier after every pass
    const char *dump_dir;       // NULL, or an existing folder for NN-NAME.lig files
    size_t dump_number;         // of the next file
    LigStr last_dumped;         // name of the last file that differs from the one before it, without .lig
    LigDigest last_digest;      // of its text
    LIG_VEC(LigPassTime) times; // in the module's arena
    LigComparison *comparison;  // NULL, or what runs the module before and after (passes/compare.h)
} LigPassManager;

// Dumps the module as "NN-NAME.lig" (nothing when no folder is set). Used for the module as it came, too. Each
// file is whole; one whose text is that of an earlier file begins with a comment that names it:
// "# unchanged since 02-hoist".
LigStatus lig_pass_dump(LigPassManager *manager, const LigModule *module, const char *name) LIG_MUST_CHECK;
// Runs one pass: `pass` may be one that is not in the table. Errors: INVALID when the module's stage is not the
// pass's, those of the pass, of the verifier and of the comparison. The module is dumped even when the last two
// refuse it.
LigStatus lig_pass_run(LigPassManager *manager, LigModule *module, const LigPassInfo *pass) LIG_MUST_CHECK;

#endif

// From MODEL and the options to something that runs: file, module, target, pool, executable, tokenizer.
//
// Zero-initialise, take the steps a command needs in this order, close at the end whatever happened.
#ifndef LIG_TOOLS_MODEL_OPEN_H
#define LIG_TOOLS_MODEL_OPEN_H

#include "frontend/model_file.h"
#include "runtime/executable.h"
#include "runtime/text/tokenizer.h"
#include "tools/options.h"

typedef struct LigOpenModel {
    LigOptions *options; // borrowed
    LigModelFile *file;
    LigTarget target;
    LigPool *pool;
    LigParallel parallel;
    LigExecutable *executable;         // owns the module
    LigActivations activations;        // F32 also where no weight is read in 8 bits
    LigTokenizer *tokenizer;           // NULL until asked for
    const LigExampleCall *verify_call; // for --verify, set before compiling: NULL for random calls
    double load_ms;                    // of opening and compiling so far; the caller may add
} LigOpenModel;

// Checks what the options ask of the arithmetic, and opens MODEL. Errors: UNSUPPORTED (an option's value that
// is not there yet), those of the file.
LigStatus lig_open_model_file(LigOpenModel *model, LigOptions *options) LIG_MUST_CHECK;
// The module as built from the file, params bound. The caller owns it.
LigStatus lig_open_model_build(LigOpenModel *model, LigModule **out) LIG_MUST_CHECK;
// The same, but params may lack bytes: to look at or rewrite a graph, weights need not be there.
LigStatus lig_open_model_build_unbound(LigOpenModel *model, LigModule **out) LIG_MUST_CHECK;
// Makes the module runnable; takes it over (also on failure).
LigStatus lig_open_model_compile(LigOpenModel *model, LigModule *module) LIG_MUST_CHECK;
// Errors: NOT_FOUND when the model brings no tokenizer.
LigStatus lig_open_model_tokenizer(LigOpenModel *model) LIG_MUST_CHECK;
bool lig_open_model_has_tokenizer(const LigOpenModel *model);
void lig_open_model_close(LigOpenModel *model);

// A symbol of the module by name, and its index unless `index` is NULL; NULL when undeclared.
const LigSymbol *lig_open_model_symbol(const LigModule *module, const char *name, size_t *index);

// What the arithmetic runs in, as -v and bench tell it.
typedef struct LigArithmetic {
    const char *backend;     // "compiled" or "interpreter"
    const char *dtype, *act; // of sums and products; of the operands of products with quantised weights
} LigArithmetic;
LigArithmetic lig_open_model_arithmetic(const LigOpenModel *model); // once compiled

// --kv; what is not supported was refused before.
LigDtype lig_open_model_kv(const LigOptions *options);
// Passes' options, as --no-fuse, --no-onednn and --deterministic say.
LigPassOptions lig_open_model_passes(const LigOptions *options);
// --dump: makes the folder. NULL when not given. Errors: IO.
LigStatus lig_open_model_dump_dir(LigOptions *options, const char **out) LIG_MUST_CHECK;

#endif

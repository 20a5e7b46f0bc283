// Executables: a module made runnable, compiled or interpreted.
//
// Creating one runs the passes from whatever stage the module is at, up to the plan, and evaluates `load`.
// Variants are compiled when first called. An executable is used by one thread at a time; its parallel-for
// spreads each call.
#ifndef LIG_RUNTIME_EXECUTABLE_H
#define LIG_RUNTIME_EXECUTABLE_H

#include "codegen/compiler.h"
#include "ir/eval.h"
#include "passes/compare.h"
#include "passes/pass.h"
#include "runtime/rt/threads.h"

typedef struct LigExecutableOptions {
    const LigTarget *target;     // instructions that may be generated
    const LigParallel *parallel; // NULL: everything on the calling thread
    LigPassOptions passes;
    bool interpret; // by the interpreter, from the stage the module is at; passes that change meaning run
    bool verify;    // the verifier after every pass, and its numbers by the interpreter (passes/compare.h)
    const LigExampleCall *verify_call; // NULL, or the call to compare; without it, random ones
    uint64_t verify_seed;              // of those
    bool time;                         // count the time of each kernel
    const char *dump_dir;              // NULL, or a folder for the text of every stage
    LigObjectCacheOptions cache;
} LigExecutableOptions;

typedef struct LigExecutable LigExecutable;

// Takes the module over (also on failure); params must be bound. Errors: those of passes, of code generation,
// NO_MEMORY.
LigStatus lig_executable_create(LigModule *module, const LigExecutableOptions *options,
                                LigExecutable **out) LIG_MUST_CHECK;
void lig_executable_destroy(LigExecutable *executable);
const LigModule *lig_executable_module(const LigExecutable *executable);

// The shape of state `index` under values of the symbols (one per symbol; those the state mentions must be
// known).
LigStatus lig_executable_state_shape(const LigExecutable *executable, size_t index, const int64_t *symbols,
                                     LigShape *out) LIG_MUST_CHECK;

// One function bound to sizes: which variant runs, and what it gives. Reusable: binding again to the same sizes
// is cheap.
typedef struct LigBound LigBound;
// Lives as long as the executable. Errors: NOT_FOUND, NO_MEMORY.
LigStatus lig_bound_create(LigExecutable *executable, LigStr func, LigBound **out) LIG_MUST_CHECK;
size_t lig_bound_input_count(const LigBound *bound);
size_t lig_bound_output_count(const LigBound *bound);
// The name and type of input `index`; the name of output `index`.
const LigValue *lig_bound_input(const LigBound *bound, size_t index);
LigStr lig_bound_output_name(const LigBound *bound, size_t index);

// Chooses the variant for these inputs (checked: shapes, bounds, facts, indices) and gives the outputs' shapes.
LigStatus lig_bound_bind(LigBound *bound, const LigTensor *inputs, const int64_t *symbols,
                         LigShape *outputs) LIG_MUST_CHECK;
// Runs what was bound. `states` and `outputs` have the shapes given before; 64-byte aligned.
LigStatus lig_bound_run(LigBound *bound, const LigTensor *inputs, void *const *states,
                        void *const *outputs) LIG_MUST_CHECK;

// What compilation and running cost so far.
typedef struct LigKernelTime {
    LigStr name;
    uint64_t calls, nanoseconds;
} LigKernelTime;
typedef struct LigExecutableFacts {
    const LigPassTime *passes; // "verify", each pass that ran, "schedule"
    size_t pass_count;
    double pass_ms; // the sum of these
    double load_ms;
    LigCompilerFacts compiler;  // all 0 when interpreted
    uint64_t arena_bytes;       // the largest of the variants called so far: what is allocated
    uint64_t resident_bytes;    // packed weights
    size_t verified_calls;      // how many were compared around passes, when options.verify
    const LigMeasure *measures; // of passes that change meaning; live as long as the executable
    size_t measure_count;
    const LigKernelTime *times; // one per kernel of the module, when options.time
    size_t time_count;
} LigExecutableFacts;
LigExecutableFacts lig_executable_facts(const LigExecutable *executable);

#endif

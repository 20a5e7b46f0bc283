// Code generation: from kernels of a module to object code.
//
// One emitter a kernel class (codegen/emit_<class>.c) turns the kernel's body and schedule into LLVM IR. No
// LLVM type appears here. The calling convention of what comes out is LigKernelFn (ir/base/kernel.h).
#ifndef LIG_CODEGEN_CODEGEN_H
#define LIG_CODEGEN_CODEGEN_H

#include "codegen/target.h"
#include "ir/graph.h"

// Fills in the schedule of every kernel that lacks attributes of it: `block`, `tile`, `scratch` (and `provider`
// where the options ask for oneDNN). What the text already gives is kept, so that schedules can be edited by
// hand. Errors: UNSUPPORTED for a body that no emitter takes, naming the kernel and the op.
typedef struct LigScheduleOptions {
    const LigTarget *target;
    bool onednn; // f32 contractions over row-major weights may go to oneDNN
} LigScheduleOptions;
LigStatus lig_schedule_module(LigModule *module, const LigScheduleOptions *options) LIG_MUST_CHECK;

// How many tiles a call of the scheduled kernel has, as a dim over the module's symbols. NULL when memory is
// out.
LigDim lig_kernel_tiles(const LigModule *module, const LigFunc *kernel);

// Identity of a scheduled kernel for a target: equal identities mean equal code. The symbol name of its object
// is "lig_kernel_" and this in hex.
typedef struct LigKernelIdentity {
    uint64_t words[2];
} LigKernelIdentity;
LigKernelIdentity lig_kernel_identity(const LigModule *module, const LigFunc *kernel, const LigTarget *target);

#endif

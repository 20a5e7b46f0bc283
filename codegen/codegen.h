// Code generation: from kernels of a module to object code.
//
// One emitter a kernel class (codegen/emit_<class>.c) turns the kernel's body and schedule into LLVM IR. No
// LLVM type appears here. The calling convention of what comes out is LigKernelFn (ir/base/kernel_call.h).
// A kernel's results must lie apart from its operands, but for the new value of a state, which lies over the
// old, and a result that ir/in_place.h allows over an operand.
#ifndef LIG_CODEGEN_CODEGEN_H
#define LIG_CODEGEN_CODEGEN_H

#include "codegen/object.h"
#include "codegen/target.h"
#include "ir/base/sha256.h"
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
// is "lig_kernel_" and the first half of this in hex.
typedef struct LigKernelIdentity {
    LigDigest digest;
} LigKernelIdentity;
LigStatus lig_kernel_identity(const LigModule *module, const LigFunc *kernel, const LigTarget *target,
                              LigKernelIdentity *out) LIG_MUST_CHECK;
// The symbol's name; data = NULL when memory is out.
LigStr lig_kernel_symbol(LigArena *arena, const LigKernelIdentity *identity);

// The name of its object in a cache: over the identity, this build of the compiler, LLVM's version and the
// triple.
LigDigest lig_kernel_object_key(const LigKernelIdentity *identity);

typedef struct LigCompiledKernel {
    LigKernelIdentity identity;
    LigObject object; // owned by the caller: lig_object_free
    LigCompileTimes times;
} LigCompiledKernel;

// Loads what compiles, which the first compilation does otherwise. Errors: NOT_FOUND, INVALID (another build's).
LigStatus lig_compile_open(LigContext *ctx) LIG_MUST_CHECK;
// Emits a scheduled kernel, verifies it and generates its object. Diagnostics
// go to `ctx`. Reasoning about dims adds to the module's table, so one thread at a time per module. Errors:
// INVALID (no class), UNSUPPORTED (no emitter takes the body), LLVM, NO_MEMORY.
LigStatus lig_compile_kernel(LigContext *ctx, const LigModule *module, const LigFunc *kernel,
                             const LigTarget *target, LigCompiledKernel *out) LIG_MUST_CHECK;
// Appends the kernel's LLVM IR as text, as it is before LLVM sees it.
LigStatus lig_print_kernel(LigContext *ctx, const LigModule *module, const LigFunc *kernel,
                           const LigTarget *target, LigText *text) LIG_MUST_CHECK;

#endif

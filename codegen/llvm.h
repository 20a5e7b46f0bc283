// What emitters write LLVM IR with. Internal to codegen/: the only header here with LLVM types.
//
// Errors are sticky: a helper that fails records the message once, in the emitter's context, and returns poison
// of the right type, so that emitters need not check each call; lig_emitter_compile (codegen/object.h) then
// reports.
//
// Ownership: an emitter owns its LLVM context, module and builder; every value dies with it. Threading: one
// thread at a time; several emitters may work at once, each with its own LigContext.
#ifndef LIG_CODEGEN_LLVM_H
#define LIG_CODEGEN_LLVM_H

#include "codegen/target.h"

#include <llvm-c/Core.h>

enum { LIG_MAX_CARRIED = 64, LIG_MAX_LANES = 64 };

typedef struct LigEmitter {
    LigContext *ctx;
    const LigTarget *target;        // borrowed
    char name[128];                 // of the kernel, for messages
    char *host_cpu, *host_features; // LLVM's own, for the native target; else NULL
    LigStatus status;               // the first failure
    int64_t started_ns;
    LLVMContextRef llvm;
    LLVMModuleRef module;
    LLVMBuilderRef builder;
    LLVMValueRef function; // the one being built
    LLVMTypeRef i1, i8, i16, i32, i64, f32, f64, ptr, nothing;
} LigEmitter;

// `name` names module and messages. The caller destroys *out.
LIG_MUST_CHECK LigStatus lig_emitter_create(LigContext *ctx, const LigTarget *target, const char *name,
                                            LigEmitter **out);
void lig_emitter_destroy(LigEmitter *e);
// The target as LLVM names it.
const char *lig_emitter_cpu(const LigEmitter *e);
const char *lig_emitter_features(const LigEmitter *e);

// Begins a function with external linkage and the target's attributes; the builder stands at its entry.
LLVMValueRef lig_emit_function(LigEmitter *e, const char *name, LLVMTypeRef result, LLVMTypeRef *params,
                               int count);
void lig_emit_attribute(LigEmitter *e, const char *key, const char *value);

// ---- types and constants; lanes = 1 means the scalar ----
LLVMTypeRef lig_lanes(LLVMTypeRef element, int lanes);
int lig_lane_count(LLVMValueRef value);
// The type of `value` with another element type.
LLVMTypeRef lig_same_lanes(LLVMValueRef value, LLVMTypeRef element);
LLVMValueRef lig_i32(LigEmitter *e, int32_t value);
LLVMValueRef lig_i64(LigEmitter *e, int64_t value);
LLVMValueRef lig_f32(LigEmitter *e, float value);
// Constants in every lane of `type`, whose element is an integer or a floating type.
LLVMValueRef lig_int_like(LLVMTypeRef type, int64_t value);
LLVMValueRef lig_float_like(LLVMTypeRef type, double value);
LLVMValueRef lig_emit_splat(LigEmitter *e, LLVMValueRef scalar, int lanes);

// ---- memory: addresses are pointers and byte offsets; alignment is always said ----
LLVMValueRef lig_emit_offset(LigEmitter *e, LLVMValueRef pointer, LLVMValueRef bytes); // bytes: i64
LLVMValueRef lig_emit_offset_by(LigEmitter *e, LLVMValueRef pointer, int64_t bytes);
LLVMValueRef lig_emit_load(LigEmitter *e, LLVMTypeRef type, LLVMValueRef pointer, unsigned align);
void lig_emit_store(LigEmitter *e, LLVMValueRef value, LLVMValueRef pointer, unsigned align);
// Asks for the line of memory at an address, to read or to write; any address is allowed.
void lig_emit_prefetch(LigEmitter *e, LLVMValueRef pointer, bool to_write);
// <lanes x i1>, true below `count` (i64, >= 0).
LLVMValueRef lig_emit_tail_mask(LigEmitter *e, int lanes, LLVMValueRef count);
// Masked-off lanes are not touched in memory; loaded they are zero. The alignment is that of an element.
LLVMValueRef lig_emit_load_masked(LigEmitter *e, LLVMTypeRef type, LLVMValueRef pointer, LLVMValueRef mask);
void lig_emit_store_masked(LigEmitter *e, LLVMValueRef value, LLVMValueRef pointer, LLVMValueRef mask);

// ---- arithmetic, scalars or vectors alike ----
// A call of an intrinsic by its name without type suffixes, overloaded by `overloads`; an unknown name is an
// error.
typedef struct LigIntrinsic {
    const char *name;
    LLVMTypeRef overloads[3];
    int overload_count;
} LigIntrinsic;
LLVMValueRef lig_emit_intrinsic(LigEmitter *e, LigIntrinsic intrinsic, LLVMValueRef *args, int count);
// a * b + c: one rounding where the target has FMA, two where it has not (a call of fmaf per lane is never
// made).
LLVMValueRef lig_emit_fma(LigEmitter *e, LLVMValueRef a, LLVMValueRef b, LLVMValueRef c);
// a > b ? a : b and a < b ? a : b: one instruction; where either is NaN, or both are zero, the result is b. max
// takes signed integers too.
LLVMValueRef lig_emit_max(LigEmitter *e, LLVMValueRef a, LLVMValueRef b);
LLVMValueRef lig_emit_min(LigEmitter *e, LLVMValueRef a, LLVMValueRef b);
// All lanes (a power of two) to one scalar by halving: lane i with lane i + n/2, then n/4, ... 1.
LLVMValueRef lig_emit_sum_lanes(LigEmitter *e, LLVMValueRef vector);
LLVMValueRef lig_emit_max_lanes(LigEmitter *e, LLVMValueRef vector);

// ---- 16-bit floats, held as their bits in i16 lanes (codegen/convert.c) ----
LLVMValueRef lig_emit_f16_to_f32(LigEmitter *e, LLVMValueRef bits);
// Rounds to nearest even; NaN stays NaN; above 65520 infinity; denormals kept.
LLVMValueRef lig_emit_f32_to_f16(LigEmitter *e, LLVMValueRef value);
LLVMValueRef lig_emit_bf16_to_f32(LigEmitter *e, LLVMValueRef bits);
// Rounds to nearest even; NaN stays NaN. With avx512bf16 f32 denormals become zero: the instruction does that.
LLVMValueRef lig_emit_f32_to_bf16(LigEmitter *e, LLVMValueRef value);

// ---- control (codegen/flow.c) ----
// for (index = begin; index < end; index += step): begin, end, step are i64, step > 0. Between begin and end
// the carried values are the phis of this turn; lig_loop_end is given those of the next, and leaves the final
// ones in carried[] (the initial ones when there was no turn). Code between may add blocks.
typedef struct LigLoop {
    LLVMValueRef index;
    LLVMValueRef carried[LIG_MAX_CARRIED];
    int count;
    LLVMValueRef initial[LIG_MAX_CARRIED];
    LLVMValueRef end, step;
    LLVMBasicBlockRef before, body, after;
    bool guarded; // there may be no turn at all
} LigLoop;
typedef struct LigRange {
    LLVMValueRef begin, end, step;
} LigRange;
void lig_loop_begin(LigEmitter *e, LigLoop *loop, LigRange range, const LLVMValueRef *initial, int count);
void lig_loop_end(LigEmitter *e, LigLoop *loop, const LLVMValueRef *next);

// if (condition) { ... } else { ... }, with the values that leave it.
typedef struct LigIf {
    LLVMBasicBlockRef then_end, other, after;
    LLVMValueRef then_values[LIG_MAX_CARRIED];
    int count;
} LigIf;
void lig_if_begin(LigEmitter *e, LigIf *branch, LLVMValueRef condition); // condition: i1
// Ends the first arm, with what it gives.
void lig_if_else(LigEmitter *e, LigIf *branch, const LLVMValueRef *values, int count);
// Ends the second arm; `values` are as many as the first gave; results[i] chooses between them.
void lig_if_end(LigEmitter *e, LigIf *branch, const LLVMValueRef *values, LLVMValueRef *results);

// Registers the code generator with LLVM, once a process, from any thread (codegen/object.c).
void lig_llvm_start(void);

// Records a failure of the emitter.
void lig_emit_fail(LigEmitter *e, LigStatus status, const char *message);

#endif

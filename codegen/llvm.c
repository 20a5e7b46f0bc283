#include "codegen/llvm.h"

#include "ir/base/alloc.h"
#include "ir/base/clock.h"

#include <llvm-c/TargetMachine.h>
#include <stdio.h>
#include <string.h>

static void name_types(LigEmitter *e)
{
    e->i1 = LLVMInt1TypeInContext(e->llvm);
    e->i8 = LLVMInt8TypeInContext(e->llvm);
    e->i16 = LLVMInt16TypeInContext(e->llvm);
    e->i32 = LLVMInt32TypeInContext(e->llvm);
    e->i64 = LLVMInt64TypeInContext(e->llvm);
    e->f32 = LLVMFloatTypeInContext(e->llvm);
    e->f64 = LLVMDoubleTypeInContext(e->llvm);
    e->ptr = LLVMPointerTypeInContext(e->llvm, 0);
    e->nothing = LLVMVoidTypeInContext(e->llvm);
}

LigStatus lig_emitter_create(LigContext *ctx, const LigTarget *target, const char *name, LigEmitter **out)
{
    *out = NULL;
    LigEmitter *e = lig_alloc_zero(sizeof *e);
    if (!e) return lig_no_memory(ctx);
    e->started_ns = lig_clock_ns();
    e->ctx = ctx;
    e->target = target;
    snprintf(e->name, sizeof e->name, "%s", name);
    if (strcmp(target->name, LIG_TARGET_NATIVE) == 0) {
        e->host_cpu = LLVMGetHostCPUName();
        e->host_features = LLVMGetHostCPUFeatures();
    }
    e->llvm = LLVMContextCreate();
    e->module = LLVMModuleCreateWithNameInContext(name, e->llvm);
    e->builder = LLVMCreateBuilderInContext(e->llvm);
    name_types(e);
    *out = e;
    return LIG_OK;
}

void lig_emitter_destroy(LigEmitter *e)
{
    if (!e) return;
    LLVMDisposeBuilder(e->builder);
    LLVMDisposeModule(e->module);
    LLVMContextDispose(e->llvm);
    LLVMDisposeMessage(e->host_cpu);
    LLVMDisposeMessage(e->host_features);
    lig_free(e);
}

const char *lig_emitter_cpu(const LigEmitter *e) { return e->host_cpu ? e->host_cpu : e->target->cpu; }
const char *lig_emitter_features(const LigEmitter *e) { return e->host_features ? e->host_features : ""; }

void lig_emit_fail(LigEmitter *e, LigStatus status, const char *message)
{
    if (e->status == LIG_OK)
        e->status = lig_fail(e->ctx, status, LIG_NOWHERE, "emitting kernel %s: %s", e->name, message);
}

void lig_emit_attribute(LigEmitter *e, const char *key, const char *value)
{
    LLVMAttributeRef attribute =
        LLVMCreateStringAttribute(e->llvm, key, (unsigned)strlen(key), value, (unsigned)strlen(value));
    LLVMAddAttributeAtIndex(e->function, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, attribute);
}

LLVMValueRef lig_emit_function(LigEmitter *e, const char *name, LLVMTypeRef result, LLVMTypeRef *params,
                               int count)
{
    e->function = LLVMAddFunction(e->module, name, LLVMFunctionType(result, params, (unsigned)count, false));
    char width[16];
    snprintf(width, sizeof width, "%d", e->target->vector_bits);
    lig_emit_attribute(e, "target-cpu", lig_emitter_cpu(e));
    if (e->host_features) lig_emit_attribute(e, "target-features", e->host_features);
    lig_emit_attribute(e, "prefer-vector-width", width);
    lig_emit_attribute(e, "min-legal-vector-width", width);
    unsigned nounwind = LLVMGetEnumAttributeKindForName("nounwind", strlen("nounwind"));
    LLVMAddAttributeAtIndex(e->function, (LLVMAttributeIndex)LLVMAttributeFunctionIndex,
                            LLVMCreateEnumAttribute(e->llvm, nounwind, 0));
    LLVMPositionBuilderAtEnd(e->builder, LLVMAppendBasicBlockInContext(e->llvm, e->function, "entry"));
    return e->function;
}

LLVMTypeRef lig_lanes(LLVMTypeRef element, int lanes)
{
    return lanes == 1 ? element : LLVMVectorType(element, (unsigned)lanes);
}

static bool is_vector(LLVMTypeRef type) { return LLVMGetTypeKind(type) == LLVMVectorTypeKind; }

int lig_lane_count(LLVMValueRef value)
{
    LLVMTypeRef type = LLVMTypeOf(value);
    return is_vector(type) ? (int)LLVMGetVectorSize(type) : 1;
}

LLVMTypeRef lig_same_lanes(LLVMValueRef value, LLVMTypeRef element)
{
    return lig_lanes(element, lig_lane_count(value));
}

LLVMValueRef lig_i32(LigEmitter *e, int32_t value)
{
    return LLVMConstInt(e->i32, (unsigned long long)(long long)value, true);
}
LLVMValueRef lig_i64(LigEmitter *e, int64_t value)
{
    return LLVMConstInt(e->i64, (unsigned long long)value, true);
}
LLVMValueRef lig_f32(LigEmitter *e, float value) { return LLVMConstReal(e->f32, (double)value); }

static LLVMValueRef repeat(LLVMTypeRef type, LLVMValueRef scalar)
{
    if (!is_vector(type)) return scalar;
    LLVMValueRef lanes[LIG_MAX_LANES];
    unsigned count = LLVMGetVectorSize(type);
    LIG_ASSERT(count <= LIG_MAX_LANES);
    for (unsigned i = 0; i < count; i++) lanes[i] = scalar;
    return LLVMConstVector(lanes, count);
}

static LLVMTypeRef element_of(LLVMTypeRef type) { return is_vector(type) ? LLVMGetElementType(type) : type; }

LLVMValueRef lig_int_like(LLVMTypeRef type, int64_t value)
{
    return repeat(type, LLVMConstInt(element_of(type), (unsigned long long)value, true));
}

LLVMValueRef lig_float_like(LLVMTypeRef type, double value)
{
    return repeat(type, LLVMConstReal(element_of(type), value));
}

LLVMValueRef lig_emit_splat(LigEmitter *e, LLVMValueRef scalar, int lanes)
{
    if (lanes == 1) return scalar;
    LLVMTypeRef type = lig_lanes(LLVMTypeOf(scalar), lanes);
    LLVMValueRef poison = LLVMGetPoison(type);
    LLVMValueRef first = LLVMBuildInsertElement(e->builder, poison, scalar, lig_i32(e, 0), "");
    return LLVMBuildShuffleVector(e->builder, first, poison, LLVMConstNull(lig_lanes(e->i32, lanes)), "");
}

LLVMValueRef lig_emit_offset(LigEmitter *e, LLVMValueRef pointer, LLVMValueRef bytes)
{
    return LLVMBuildGEP2(e->builder, e->i8, pointer, &bytes, 1, "");
}

LLVMValueRef lig_emit_offset_by(LigEmitter *e, LLVMValueRef pointer, int64_t bytes)
{
    return bytes ? lig_emit_offset(e, pointer, lig_i64(e, bytes)) : pointer;
}

LLVMValueRef lig_emit_load(LigEmitter *e, LLVMTypeRef type, LLVMValueRef pointer, unsigned align)
{
    LLVMValueRef load = LLVMBuildLoad2(e->builder, type, pointer, "");
    LLVMSetAlignment(load, align);
    return load;
}

void lig_emit_store(LigEmitter *e, LLVMValueRef value, LLVMValueRef pointer, unsigned align)
{
    LLVMSetAlignment(LLVMBuildStore(e->builder, value, pointer), align);
}

LLVMValueRef lig_emit_tail_mask(LigEmitter *e, int lanes, LLVMValueRef count)
{
    LLVMValueRef numbers[LIG_MAX_LANES];
    for (int i = 0; i < lanes; i++) numbers[i] = lig_i32(e, i);
    LLVMValueRef all = lig_i64(e, lanes);
    LLVMValueRef fewer = LLVMBuildICmp(e->builder, LLVMIntULT, count, all, "");
    LLVMValueRef clamped = LLVMBuildSelect(e->builder, fewer, count, all, "");
    LLVMValueRef narrow = LLVMBuildTrunc(e->builder, clamped, e->i32, "");
    LLVMValueRef lane = lanes == 1 ? numbers[0] : LLVMConstVector(numbers, (unsigned)lanes);
    return LLVMBuildICmp(e->builder, LLVMIntSLT, lane, lig_emit_splat(e, narrow, lanes), "");
}

static int32_t element_bytes(LLVMTypeRef type)
{
    LLVMTypeRef element = element_of(type);
    switch ((int)LLVMGetTypeKind(element)) {
    case LLVMIntegerTypeKind:
        return (int32_t)(LLVMGetIntTypeWidth(element) / 8);
    case LLVMHalfTypeKind:
    case LLVMBFloatTypeKind:
        return 2;
    case LLVMFloatTypeKind:
        return 4;
    default:
        return 8;
    }
}

LLVMValueRef lig_emit_load_masked(LigEmitter *e, LLVMTypeRef type, LLVMValueRef pointer, LLVMValueRef mask)
{
    LLVMValueRef args[] = {pointer, lig_i32(e, element_bytes(type)), mask, LLVMConstNull(type)};
    return lig_emit_intrinsic(e, (LigIntrinsic){"llvm.masked.load", {type, e->ptr}, 2}, args, 4);
}

void lig_emit_store_masked(LigEmitter *e, LLVMValueRef value, LLVMValueRef pointer, LLVMValueRef mask)
{
    LLVMTypeRef type = LLVMTypeOf(value);
    LLVMValueRef args[] = {value, pointer, lig_i32(e, element_bytes(type)), mask};
    lig_emit_intrinsic(e, (LigIntrinsic){"llvm.masked.store", {type, e->ptr}, 2}, args, 4);
}

LLVMValueRef lig_emit_intrinsic(LigEmitter *e, LigIntrinsic intrinsic, LLVMValueRef *args, int count)
{
    unsigned id = LLVMLookupIntrinsicID(intrinsic.name, strlen(intrinsic.name));
    if (id == 0) {
        char message[128];
        snprintf(message, sizeof message, "LLVM 19 has no intrinsic %s", intrinsic.name);
        lig_emit_fail(e, LIG_ERR_INTERNAL, message);
        return LLVMGetPoison(count > 0 ? LLVMTypeOf(args[0]) : e->i32);
    }
    size_t overloads = (size_t)intrinsic.overload_count;
    LLVMValueRef function = LLVMGetIntrinsicDeclaration(e->module, id, intrinsic.overloads, overloads);
    LLVMTypeRef type = LLVMIntrinsicGetType(e->llvm, id, intrinsic.overloads, overloads);
    return LLVMBuildCall2(e->builder, type, function, args, (unsigned)count, "");
}

void lig_emit_prefetch(LigEmitter *e, LLVMValueRef pointer, bool to_write)
{
    enum { KEEP = 3, DATA = 1 };
    LLVMValueRef args[] = {pointer, lig_i32(e, to_write), lig_i32(e, KEEP), lig_i32(e, DATA)};
    lig_emit_intrinsic(e, (LigIntrinsic){"llvm.prefetch", {e->ptr}, 1}, args, 4);
}

LLVMValueRef lig_emit_fma(LigEmitter *e, LLVMValueRef a, LLVMValueRef b, LLVMValueRef c)
{
    if (!e->target->has_fma) return LLVMBuildFAdd(e->builder, LLVMBuildFMul(e->builder, a, b, ""), c, "");
    LLVMValueRef args[] = {a, b, c};
    return lig_emit_intrinsic(e, (LigIntrinsic){"llvm.fma", {LLVMTypeOf(a)}, 1}, args, 3);
}

LLVMValueRef lig_emit_max(LigEmitter *e, LLVMValueRef a, LLVMValueRef b)
{
    bool is_integer = LLVMGetTypeKind(element_of(LLVMTypeOf(a))) == LLVMIntegerTypeKind;
    LLVMValueRef above = is_integer ? LLVMBuildICmp(e->builder, LLVMIntSGT, a, b, "")
                                    : LLVMBuildFCmp(e->builder, LLVMRealOGT, a, b, "");
    return LLVMBuildSelect(e->builder, above, a, b, "");
}

LLVMValueRef lig_emit_min(LigEmitter *e, LLVMValueRef a, LLVMValueRef b)
{
    return LLVMBuildSelect(e->builder, LLVMBuildFCmp(e->builder, LLVMRealOLT, a, b, ""), a, b, "");
}

static LLVMValueRef half_of(LigEmitter *e, LLVMValueRef vector, int first, int lanes)
{
    LLVMValueRef numbers[LIG_MAX_LANES];
    for (int i = 0; i < lanes; i++) numbers[i] = lig_i32(e, first + i);
    LLVMValueRef poison = LLVMGetPoison(LLVMTypeOf(vector));
    return LLVMBuildShuffleVector(e->builder, vector, poison, LLVMConstVector(numbers, (unsigned)lanes), "");
}

static LLVMValueRef add(LigEmitter *e, LLVMValueRef a, LLVMValueRef b)
{
    return LLVMBuildFAdd(e->builder, a, b, "");
}

typedef LLVMValueRef (*Combine)(LigEmitter *, LLVMValueRef, LLVMValueRef);

static LLVMValueRef fold_lanes(LigEmitter *e, LLVMValueRef vector, Combine combine)
{
    int lanes = lig_lane_count(vector);
    if (lanes == 1) return vector;
    LIG_ASSERT((lanes & (lanes - 1)) == 0);
    for (lanes /= 2; lanes >= 1; lanes /= 2)
        vector = combine(e, half_of(e, vector, 0, lanes), half_of(e, vector, lanes, lanes));
    return LLVMBuildExtractElement(e->builder, vector, lig_i32(e, 0), "");
}

LLVMValueRef lig_emit_sum_lanes(LigEmitter *e, LLVMValueRef vector) { return fold_lanes(e, vector, add); }
LLVMValueRef lig_emit_max_lanes(LigEmitter *e, LLVMValueRef vector)
{
    return fold_lanes(e, vector, lig_emit_max);
}

// Dtypes in memory and in registers: what is held for each, and the conversions between them.
#include "codegen/body.h"

static LLVMTypeRef memory_type(const LigEmitter *e, LigDtype dtype, int lanes)
{
    switch (dtype) {
    case LIG_F64:
        return lig_lanes(e->f64, lanes);
    case LIG_F32:
        return lig_lanes(e->f32, lanes);
    case LIG_I64:
        return lig_lanes(e->i64, lanes);
    case LIG_I32:
        return lig_lanes(e->i32, lanes);
    case LIG_BF16:
    case LIG_F16:
        return lig_lanes(e->i16, lanes);
    case LIG_I8:
    case LIG_U8:
    case LIG_BOOL:
        return lig_lanes(e->i8, lanes);
    case LIG_Q8_0:
    case LIG_Q4_0:
    case LIG_Q4_1:
    case LIG_Q8A:
    case LIG_Q5_0:
    case LIG_Q5_1:
    case LIG_Q2_K:
    case LIG_Q3_K:
    case LIG_Q4_K:
    case LIG_Q5_K:
    case LIG_Q6_K:
    case LIG_DTYPE_COUNT:
        break;
    }
    LIG_ASSERT(false);
    return NULL;
}

LLVMTypeRef lig_body_hold_type(const LigEmitter *e, LigDtype dtype, int lanes)
{
    if (dtype == LIG_BF16 || dtype == LIG_F16) return lig_lanes(e->f32, lanes);
    return memory_type(e, dtype, lanes);
}

// Between f32 and the bits of a 16-bit float.
static LLVMValueRef widen(LigEmitter *e, LLVMValueRef bits, LigDtype dtype)
{
    if (dtype == LIG_BF16) return lig_emit_bf16_to_f32(e, bits);
    return dtype == LIG_F16 ? lig_emit_f16_to_f32(e, bits) : bits;
}

static LLVMValueRef narrow(LigEmitter *e, LLVMValueRef vector, LigDtype dtype)
{
    if (dtype == LIG_BF16) return lig_emit_f32_to_bf16(e, vector);
    return dtype == LIG_F16 ? lig_emit_f32_to_f16(e, vector) : vector;
}

LLVMValueRef lig_body_round(LigEmitter *e, LLVMValueRef vector, LigDtype dtype)
{
    return dtype == LIG_BF16 || dtype == LIG_F16 ? widen(e, narrow(e, vector, dtype), dtype) : vector;
}

LLVMValueRef lig_body_load(LigEmitter *e, LLVMValueRef pointer, LigDtype dtype, int lanes, LLVMValueRef mask)
{
    LLVMTypeRef type = memory_type(e, dtype, lanes);
    LLVMValueRef vector = mask != NULL
                              ? lig_emit_load_masked(e, type, pointer, mask)
                              : lig_emit_load(e, type, pointer, (unsigned)lig_dtype_block_bytes(dtype));
    return widen(e, vector, dtype);
}

void lig_body_save(LigEmitter *e, LLVMValueRef vector, LLVMValueRef pointer, LigDtype dtype, LLVMValueRef mask)
{
    LLVMValueRef stored = narrow(e, vector, dtype);
    if (mask != NULL)
        lig_emit_store_masked(e, stored, pointer, mask);
    else
        lig_emit_store(e, stored, pointer, (unsigned)lig_dtype_block_bytes(dtype));
}

static LLVMValueRef cast_integers(LigEmitter *e, LLVMValueRef vector, LigDtype from, LLVMTypeRef type,
                                  LigDtype to)
{
    if (to == LIG_BOOL) {
        LLVMValueRef set = LLVMBuildICmp(e->builder, LLVMIntNE, vector, LLVMConstNull(LLVMTypeOf(vector)), "");
        return LLVMBuildZExt(e->builder, set, type, "");
    }
    bool is_signed = from != LIG_U8 && from != LIG_BOOL;
    return LLVMBuildIntCast2(e->builder, vector, type, is_signed, "");
}

static LLVMValueRef cast_float_to_integer(LigEmitter *e, LLVMValueRef vector, LLVMTypeRef type, LigDtype to)
{
    if (to == LIG_BOOL) {
        LLVMValueRef set =
            LLVMBuildFCmp(e->builder, LLVMRealUNE, vector, LLVMConstNull(LLVMTypeOf(vector)), "");
        return LLVMBuildZExt(e->builder, set, type, "");
    }
    LigIntrinsic saturate = {
        to == LIG_U8 ? "llvm.fptoui.sat" : "llvm.fptosi.sat", {type, LLVMTypeOf(vector)}, 2};
    return lig_emit_intrinsic(e, saturate, &vector, 1);
}

LLVMValueRef lig_body_cast(LigEmitter *e, LLVMValueRef vector, LigDtype from, LigDtype to)
{
    LLVMTypeRef type = lig_body_hold_type(e, to, lig_lane_count(vector));
    bool from_float = lig_dtype_is_float(from), to_float = lig_dtype_is_float(to);
    if (from == to) return vector;
    if (!from_float && !to_float) return cast_integers(e, vector, from, type, to);
    if (!to_float) return cast_float_to_integer(e, vector, type, to);
    if (!from_float && (from == LIG_U8 || from == LIG_BOOL))
        vector = LLVMBuildUIToFP(e->builder, vector, type, "");
    else if (!from_float)
        vector = LLVMBuildSIToFP(e->builder, vector, type, "");
    else
        vector = LLVMBuildFPCast(e->builder, vector, type, "");
    return lig_body_round(e, vector, to);
}

// 16-bit floats. Where the CPU has no instruction the bits are rounded by integer arithmetic: LLVM would call
// library functions, which generated code has not. All of it takes MXCSR as the C library leaves it (denormals
// kept).
#include "codegen/llvm.h"

static LLVMValueRef and_bits(LigEmitter *e, LLVMValueRef v, int64_t bits)
{
    return LLVMBuildAnd(e->builder, v, lig_int_like(LLVMTypeOf(v), bits), "");
}

static LLVMValueRef or_bits(LigEmitter *e, LLVMValueRef v, int64_t bits)
{
    return LLVMBuildOr(e->builder, v, lig_int_like(LLVMTypeOf(v), bits), "");
}

static LLVMValueRef add_bits(LigEmitter *e, LLVMValueRef v, int64_t bits)
{
    return LLVMBuildAdd(e->builder, v, lig_int_like(LLVMTypeOf(v), bits), "");
}

static LLVMValueRef shift_up(LigEmitter *e, LLVMValueRef v, int64_t by)
{
    return LLVMBuildShl(e->builder, v, lig_int_like(LLVMTypeOf(v), by), "");
}

static LLVMValueRef shift_down(LigEmitter *e, LLVMValueRef v, int64_t by)
{
    return LLVMBuildLShr(e->builder, v, lig_int_like(LLVMTypeOf(v), by), "");
}

// Unsigned v >= bound.
static LLVMValueRef at_least(LigEmitter *e, LLVMValueRef v, int64_t bound)
{
    return LLVMBuildICmp(e->builder, LLVMIntUGE, v, lig_int_like(LLVMTypeOf(v), bound), "");
}

static LLVMValueRef choose(LigEmitter *e, LLVMValueRef condition, LLVMValueRef a, LLVMValueRef b)
{
    return LLVMBuildSelect(e->builder, condition, a, b, "");
}

static LLVMValueRef as_float(LigEmitter *e, LLVMValueRef v)
{
    return LLVMBuildBitCast(e->builder, v, lig_same_lanes(v, e->f32), "");
}

static LLVMValueRef as_bits(LigEmitter *e, LLVMValueRef v)
{
    return LLVMBuildBitCast(e->builder, v, lig_same_lanes(v, e->i32), "");
}

// Exponent and fraction moved to their f32 places, then scaled by 2^112: exact for normals and denormals.
static LLVMValueRef f16_to_f32_by_bits(LigEmitter *e, LLVMValueRef bits)
{
    LLVMValueRef wide = LLVMBuildZExt(e->builder, bits, lig_same_lanes(bits, e->i32), "");
    LLVMValueRef magnitude = and_bits(e, wide, 0x7fff);
    LLVMValueRef moved = shift_up(e, magnitude, 13);
    LLVMValueRef scale = lig_float_like(lig_same_lanes(bits, e->f32), 0x1p112);
    LLVMValueRef finite = as_bits(e, LLVMBuildFMul(e->builder, as_float(e, moved), scale, ""));
    LLVMValueRef infinite = or_bits(e, moved, 0x7f800000);
    LLVMValueRef special = choose(e, at_least(e, magnitude, 0x7c01), or_bits(e, infinite, 0x400000), infinite);
    LLVMValueRef value = choose(e, at_least(e, magnitude, 0x7c00), special, finite);
    return as_float(e, LLVMBuildOr(e->builder, value, shift_up(e, and_bits(e, wide, 0x8000), 16), ""));
}

LLVMValueRef lig_emit_f16_to_f32(LigEmitter *e, LLVMValueRef bits)
{
    if (!e->target->has_f16c) return f16_to_f32_by_bits(e, bits);
    LLVMTypeRef half = lig_same_lanes(bits, LLVMHalfTypeInContext(e->llvm));
    return LLVMBuildFPExt(e->builder, LLVMBuildBitCast(e->builder, bits, half, ""),
                          lig_same_lanes(bits, e->f32), "");
}

static LLVMValueRef f32_to_f16_by_bits(LigEmitter *e, LLVMValueRef value)
{
    LLVMValueRef bits = as_bits(e, value);
    LLVMValueRef magnitude = and_bits(e, bits, 0x7fffffff);
    LLVMValueRef odd = and_bits(e, shift_down(e, magnitude, 13), 1);
    LLVMValueRef rebased =
        add_bits(e, magnitude, 0xfff - 0x38000000); // exponent bias 127 -> 15, half a unit less one
    LLVMValueRef normal = shift_down(e, LLVMBuildAdd(e->builder, rebased, odd, ""), 13);
    // Adding 0.5, whose last place is 2^-24, the unit of f16 denormals, rounds to it.
    LLVMValueRef half = lig_float_like(LLVMTypeOf(value), 0.5);
    LLVMValueRef sum = as_bits(e, LLVMBuildFAdd(e->builder, as_float(e, magnitude), half, ""));
    LLVMValueRef denormal = add_bits(e, sum, -0x3f000000);
    LLVMValueRef finite = choose(e, at_least(e, magnitude, 0x38800000), normal, denormal);
    LLVMValueRef nan = or_bits(e, and_bits(e, shift_down(e, magnitude, 13), 0x3ff), 0x7e00);
    LLVMValueRef infinite = lig_int_like(LLVMTypeOf(bits), 0x7c00);
    LLVMValueRef special = choose(e, at_least(e, magnitude, 0x7f800001), nan, infinite);
    LLVMValueRef result = choose(e, at_least(e, magnitude, 0x47800000), special, finite);
    result = LLVMBuildOr(e->builder, result, and_bits(e, shift_down(e, bits, 16), 0x8000), "");
    return LLVMBuildTrunc(e->builder, result, lig_same_lanes(value, e->i16), "");
}

LLVMValueRef lig_emit_f32_to_f16(LigEmitter *e, LLVMValueRef value)
{
    if (!e->target->has_f16c) return f32_to_f16_by_bits(e, value);
    LLVMTypeRef half = lig_same_lanes(value, LLVMHalfTypeInContext(e->llvm));
    return LLVMBuildBitCast(e->builder, LLVMBuildFPTrunc(e->builder, value, half, ""),
                            lig_same_lanes(value, e->i16), "");
}

LLVMValueRef lig_emit_bf16_to_f32(LigEmitter *e, LLVMValueRef bits)
{
    return as_float(e, shift_up(e, LLVMBuildZExt(e->builder, bits, lig_same_lanes(bits, e->i32), ""), 16));
}

static LLVMValueRef f32_to_bf16_by_bits(LigEmitter *e, LLVMValueRef value)
{
    LLVMValueRef bits = as_bits(e, value);
    LLVMValueRef odd = and_bits(e, shift_down(e, bits, 16), 1);
    LLVMValueRef rounded = shift_down(e, LLVMBuildAdd(e->builder, add_bits(e, bits, 0x7fff), odd, ""), 16);
    LLVMValueRef nan = or_bits(e, shift_down(e, bits, 16), 0x40);
    LLVMValueRef is_nan = LLVMBuildFCmp(e->builder, LLVMRealUNO, value, value, "");
    return LLVMBuildTrunc(e->builder, choose(e, is_nan, nan, rounded), lig_same_lanes(value, e->i16), "");
}

LLVMValueRef lig_emit_f32_to_bf16(LigEmitter *e, LLVMValueRef value)
{
    if (!e->target->has_avx512bf16 || lig_lane_count(value) == 1) return f32_to_bf16_by_bits(e, value);
    LLVMTypeRef bfloat = lig_same_lanes(value, LLVMBFloatTypeInContext(e->llvm));
    return LLVMBuildBitCast(e->builder, LLVMBuildFPTrunc(e->builder, value, bfloat, ""),
                            lig_same_lanes(value, e->i16), "");
}

// Quantised results of row kernels: q8a, 32 columns a block, as ir/eval_embedding.c defines it, bit for bit.
#include "codegen/emit_row.h"

enum { BLOCK = 32, SCALE_BYTE = 32, SUM_BYTE = 36, HALF_SUM_BYTE = 40 };

// 1.5 * 2^23: what is added to it is rounded to the nearest whole number, halves to even, in its low bits.
static const float rounding = 12582912.0F;

bool lig_quantize_has_results(const LigFunc *kernel)
{
    for (size_t i = 0; i < kernel->outputs.count; i++) {
        if (kernel->outputs.data[i]->type.dtype == LIG_Q8A) return true;
    }
    return false;
}

int lig_quantize_vectors(const LigRow *row) { return BLOCK / row->lanes; }

static LLVMValueRef as_bits(LigEmitter *e, LLVMValueRef vector)
{
    return LLVMBuildBitCast(e->builder, vector, lig_same_lanes(vector, e->i32), "");
}

// max|x| of the block; NaN where there is one, since magnitudes are compared by their bits.
static LLVMValueRef highest_magnitude(LigEmitter *e, const LLVMValueRef *x, int count)
{
    LLVMValueRef most = NULL;
    for (int i = 0; i < count; i++) {
        LLVMValueRef bits = as_bits(e, x[i]);
        bits = LLVMBuildAnd(e->builder, bits, lig_int_like(LLVMTypeOf(bits), INT32_MAX), "");
        most = most ? lig_emit_max(e, bits, most) : bits;
    }
    return LLVMBuildBitCast(e->builder, lig_emit_max_lanes(e, most), e->f32, "");
}

// What a block's numbers are divided and multiplied by; both 0 for numbers too small, the inverse alone for those
// that are none.
typedef struct Scale {
    LLVMValueRef scale, inverse;
} Scale;

static Scale scale_of(LigEmitter *e, LLVMValueRef highest)
{
    LLVMBuilderRef b = e->builder;
    LLVMValueRef zero = lig_f32(e, 0), most = lig_f32(e, 127);
    LLVMValueRef small = LLVMBuildFCmp(b, LLVMRealOLT, highest, lig_f32(e, 0x1p-120F), "");
    LLVMValueRef finite = LLVMBuildFCmp(b, LLVMRealOLT, highest, lig_f32(e, __builtin_inff()), "");
    LLVMValueRef usable = LLVMBuildAnd(b, finite, LLVMBuildNot(b, small, ""), "");
    return (Scale){
        .scale = LLVMBuildSelect(b, small, zero, LLVMBuildFDiv(b, highest, most, ""), ""),
        .inverse = LLVMBuildSelect(b, usable, LLVMBuildFDiv(b, most, highest, ""), zero, ""),
    };
}

// x * inverse, rounded, as f32; 0 for x that is no number (its inverse is 0, but not their product).
static LLVMValueRef quanta(LigEmitter *e, LLVMValueRef x, LLVMValueRef inverse)
{
    LLVMBuilderRef b = e->builder;
    LLVMTypeRef type = LLVMTypeOf(x);
    LLVMValueRef factor = lig_emit_splat(e, inverse, lig_lane_count(x));
    LLVMValueRef shifted =
        LLVMBuildFAdd(b, LLVMBuildFMul(b, x, factor, ""), lig_float_like(type, (double)rounding), "");
    LLVMValueRef whole = LLVMBuildFSub(b, shifted, lig_float_like(type, (double)rounding), "");
    LLVMValueRef none = LLVMBuildFCmp(b, LLVMRealOEQ, factor, LLVMConstNull(type), "");
    return LLVMBuildSelect(b, none, LLVMConstNull(type), whole, "");
}

void lig_quantize_store(LigRow *row, size_t output, LLVMValueRef column, const LLVMValueRef *x)
{
    LigKernelEmitter *k = row->body.k;
    LigEmitter *e = k->e;
    LLVMBuilderRef b = e->builder;
    int count = lig_quantize_vectors(row);
    LLVMValueRef flat = LLVMBuildMul(b, row->body.row, row->body.columns, "");
    LLVMValueRef block = LLVMBuildUDiv(b, LLVMBuildAdd(b, flat, column, ""), lig_i64(e, BLOCK), "");
    LLVMValueRef target = lig_kernel_element(k, k->outputs[output], block, LIG_Q8A);
    Scale scale = scale_of(e, highest_magnitude(e, x, count));
    LLVMValueRef sums[2] = {0}; // of the halves
    for (int i = 0; i < count; i++) {
        LLVMValueRef q = quanta(e, x[i], scale.inverse), *sum = &sums[2 * i / count];
        LLVMValueRef bytes = LLVMBuildFPToSI(b, q, lig_same_lanes(q, e->i32), "");
        bytes = LLVMBuildTrunc(b, bytes, lig_same_lanes(q, e->i8), "");
        lig_emit_store(e, bytes, lig_emit_offset_by(e, target, (int64_t)i * row->lanes), 4);
        *sum = *sum ? LLVMBuildFAdd(b, *sum, q, "") : q;
    }
    // Whole numbers below 2^24: these sums are exact.
    LLVMValueRef half = lig_emit_sum_lanes(e, sums[0]);
    LLVMValueRef whole = LLVMBuildFAdd(b, half, lig_emit_sum_lanes(e, sums[1]), "");
    lig_emit_store(e, scale.scale, lig_emit_offset_by(e, target, SCALE_BYTE), 4);
    lig_emit_store(e, LLVMBuildFPToSI(b, whole, e->i32, ""), lig_emit_offset_by(e, target, SUM_BYTE), 4);
    lig_emit_store(e, LLVMBuildFPToSI(b, half, e->i32, ""), lig_emit_offset_by(e, target, HALF_SUM_BYTE), 4);
}

#include "codegen/byte_dot.h"

// How a target adds products of bytes. Pairs of products are i16 in pmaddubsw, which saturates: 2 * 127 times the
// largest weight must fit.
typedef enum Way {
    WAY_VNNI,  // vpdpbusd: four products into an i32 lane
    WAY_PAIRS, // pmaddubsw, weights of up to 4 bits: pairs summed as i16 (eight of them fit)
    WAY_WIDE,  // pmaddubsw, weights of up to 7 bits: each pair widened
    WAY_SIGNS, // pmaddubsw, weights of 8 bits: their magnitude times activations that took their sign
    WAY_WORDS, // pmaddwd on bytes widened to 16 bits: SSE2
} Way;

static Way way_of(const LigEmitter *e, LigByteDot dot)
{
    if (e->target->has_vnni) return WAY_VNNI;
    if (e->target->vector_bits == 128) return WAY_WORDS;
    return dot.bits <= 4 ? WAY_PAIRS : dot.bits <= 7 ? WAY_WIDE : WAY_SIGNS;
}

// Full vectors of narrower lanes.
static LLVMTypeRef bytes_type(LigEmitter *e, LigByteDot dot) { return lig_lanes(e->i8, dot.lanes * 4); }
static LLVMTypeRef words_type(LigEmitter *e, LigByteDot dot) { return lig_lanes(e->i16, dot.lanes * 2); }
static LLVMTypeRef lanes_type(LigEmitter *e, LigByteDot dot) { return lig_lanes(e->i32, dot.lanes); }

static LLVMValueRef as(LigEmitter *e, LLVMValueRef value, LLVMTypeRef type)
{
    return LLVMBuildBitCast(e->builder, value, type, "");
}

static LLVMValueRef add(LigEmitter *e, LLVMValueRef a, LLVMValueRef b)
{
    return LLVMBuildAdd(e->builder, a, b, "");
}

static LLVMValueRef vpdpbusd(LigEmitter *e, LLVMValueRef acc, LLVMValueRef weights, LLVMValueRef activations)
{
    LLVMValueRef args[] = {acc, weights, activations};
    bool wide = e->target->vector_bits == 512;
    const char *name = wide ? "llvm.x86.avx512.vpdpbusd.512" : "llvm.x86.avx512.vpdpbusd.256";
    return lig_emit_intrinsic(e, (LigIntrinsic){.name = name}, args, 3);
}

// Sums of two neighbouring products: unsigned times signed bytes, as saturated i16.
static LLVMValueRef pmaddubsw(LigEmitter *e, LigByteDot dot, LLVMValueRef weights, LLVMValueRef activations)
{
    LLVMValueRef args[] = {as(e, weights, bytes_type(e, dot)), as(e, activations, bytes_type(e, dot))};
    bool wide = e->target->vector_bits == 512;
    const char *name = wide ? "llvm.x86.avx512.pmaddubs.w.512" : "llvm.x86.avx2.pmadd.ub.sw";
    return lig_emit_intrinsic(e, (LigIntrinsic){.name = name}, args, 2);
}

// Sums of two neighbouring products of signed i16, as i32.
static LLVMValueRef pmaddwd(LigEmitter *e, LLVMValueRef a, LLVMValueRef b)
{
    static const char *const names[] = {"llvm.x86.sse2.pmadd.wd", "llvm.x86.avx2.pmadd.wd",
                                        "llvm.x86.avx512.pmaddw.d.512"};
    LLVMValueRef args[] = {a, b};
    return lig_emit_intrinsic(e, (LigIntrinsic){.name = names[e->target->vector_bits / 256]}, args, 2);
}

static LLVMValueRef add_neighbours(LigEmitter *e, LigByteDot dot, LLVMValueRef words)
{
    return pmaddwd(e, words, lig_int_like(words_type(e, dot), 1));
}

// Four products a lane, of magnitudes and of activations negated where the weight is below its zero.
static LLVMValueRef by_signs(LigEmitter *e, LigByteDot dot, LLVMValueRef weights, LLVMValueRef activations)
{
    LLVMBuilderRef b = e->builder;
    LLVMTypeRef type = bytes_type(e, dot);
    LLVMValueRef none = LLVMConstNull(type);
    LLVMValueRef w = LLVMBuildXor(b, as(e, weights, type), lig_int_like(type, 128), "");
    LLVMValueRef a = as(e, activations, type);
    LLVMValueRef below = LLVMBuildICmp(b, LLVMIntSLT, w, none, "");
    LLVMValueRef magnitude = LLVMBuildSelect(b, below, LLVMBuildSub(b, none, w, ""), w, "");
    LLVMValueRef args[] = {a, w};
    LLVMValueRef taken = e->target->vector_bits == 512
                             ? LLVMBuildSelect(b, below, LLVMBuildSub(b, none, a, ""), a, "")
                             : lig_emit_intrinsic(e, (LigIntrinsic){.name = "llvm.x86.avx2.psign.b"}, args, 2);
    return add_neighbours(e, dot, pmaddubsw(e, dot, magnitude, taken));
}

static LLVMValueRef by_words(LigEmitter *e, LigByteDot dot, LLVMValueRef weights, LLVMValueRef activations)
{
    LLVMBuilderRef b = e->builder;
    LLVMTypeRef type = words_type(e, dot);
    LLVMValueRef eight = lig_int_like(type, 8), low = lig_int_like(type, 255);
    LLVMValueRef w = as(e, weights, type), a = as(e, activations, type);
    LLVMValueRef even_a = LLVMBuildAShr(b, LLVMBuildShl(b, a, eight, ""), eight, "");
    LLVMValueRef even = pmaddwd(e, LLVMBuildAnd(b, w, low, ""), even_a);
    LLVMValueRef odd = pmaddwd(e, LLVMBuildLShr(b, w, eight, ""), LLVMBuildAShr(b, a, eight, ""));
    return add(e, even, odd);
}

LLVMValueRef lig_byte_dot_zero(LigEmitter *e, LigByteDot dot)
{
    return LLVMConstNull(way_of(e, dot) == WAY_PAIRS ? words_type(e, dot) : lanes_type(e, dot));
}

LLVMValueRef lig_byte_dot_add(LigEmitter *e, LigByteDot dot, LLVMValueRef acc, LLVMValueRef weights,
                              LLVMValueRef activations)
{
    switch (way_of(e, dot)) {
    case WAY_VNNI:
        return vpdpbusd(e, acc, weights, activations);
    case WAY_PAIRS:
        return add(e, acc, pmaddubsw(e, dot, weights, activations));
    case WAY_WIDE:
        return add(e, acc, add_neighbours(e, dot, pmaddubsw(e, dot, weights, activations)));
    case WAY_SIGNS:
        return add(e, acc, by_signs(e, dot, weights, activations));
    case WAY_WORDS:
        return add(e, acc, by_words(e, dot, weights, activations));
    }
    return acc;
}

LLVMValueRef lig_byte_dot_close(LigEmitter *e, LigByteDot dot, LLVMValueRef acc, LLVMValueRef sum)
{
    Way way = way_of(e, dot);
    if (way == WAY_PAIRS) acc = add_neighbours(e, dot, acc);
    if (dot.zero == 0 || way == WAY_SIGNS) return acc;
    LLVMValueRef shift = lig_int_like(LLVMTypeOf(sum), dot.bits - 1);
    return LLVMBuildSub(e->builder, acc, LLVMBuildShl(e->builder, sum, shift, ""), "");
}

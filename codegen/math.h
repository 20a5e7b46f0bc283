// Elementary functions as vector polynomials, emitted in line. Internal to codegen/.
//
// All take and give f32, scalar or vector of any width. NaN gives NaN; -0 gives -0 where the function is odd.
// Denormal inputs are taken as they are and denormal results are given, unless said. Bounds are the largest
// error in units in the last place of the f32 result that tests/unit/math.c allows, for targets with and
// without FMA.
#ifndef LIG_CODEGEN_MATH_H
#define LIG_CODEGEN_MATH_H

#include "codegen/llvm.h"

// e^x; 1.5 ulp. 0 below -103.98, infinity above 88.72.
LLVMValueRef lig_emit_exp(LigEmitter *e, LLVMValueRef x);
// 2^x for x <= 127; 3 ulp for x >= -126, 0 below -126.5: no denormal results, so a third faster than exp.
LLVMValueRef lig_emit_exp2(LigEmitter *e, LLVMValueRef x);
// Natural logarithm; 1.5 ulp. log(+-0) = -inf, NaN below 0.
LLVMValueRef lig_emit_log(LigEmitter *e, LLVMValueRef x);
// 2 ulp.
LLVMValueRef lig_emit_tanh(LigEmitter *e, LLVMValueRef x);
// 2 ulp.
LLVMValueRef lig_emit_erf(LigEmitter *e, LLVMValueRef x);
// 1 / sqrt(x); 1.5 ulp. NaN below 0, +-inf at +-0.
LLVMValueRef lig_emit_rsqrt(LigEmitter *e, LLVMValueRef x);
// 1 ulp for |x| <= 2^20; to 2^50 an absolute error below |x| * 2^-52 + 1e-7; above that no more than a number
// in -1 .. 1. NaN at infinity.
LLVMValueRef lig_emit_sin(LigEmitter *e, LLVMValueRef x);
LLVMValueRef lig_emit_cos(LigEmitter *e, LLVMValueRef x);
// 1 / (1 + e^-x); 3 ulp.
LLVMValueRef lig_emit_sigmoid(LigEmitter *e, LLVMValueRef x);
// x / (1 + e^-x); 4 ulp for x >= -86, below that an absolute error of at most 2^-142. -0 at -inf.
LLVMValueRef lig_emit_silu(LigEmitter *e, LLVMValueRef x);

#endif

// Dims as LLVM IR: the sums of products of ir/dim_node.h, with symbols read from the kernel's `dims`.
#include "codegen/kernel.h"

#include "ir/dim_node.h"

static LLVMValueRef emit_floordiv(LigKernelEmitter *k, LLVMValueRef value, int64_t by)
{
    // Dims may be negative inside (N - 1 with N = 0), and sdiv rounds toward zero.
    LLVMBuilderRef b = k->e->builder;
    LLVMValueRef divisor = lig_i64(k->e, by), zero = lig_i64(k->e, 0);
    LLVMValueRef quotient = LLVMBuildSDiv(b, value, divisor, "");
    LLVMValueRef rest = LLVMBuildSRem(b, value, divisor, "");
    LLVMValueRef below = LLVMBuildZExt(b, LLVMBuildICmp(b, LLVMIntSLT, rest, zero, ""), LLVMTypeOf(zero), "");
    return LLVMBuildSub(b, quotient, below, "");
}

static LLVMValueRef emit_choice(LigKernelEmitter *k, const LigDimAtom *atom)
{
    LLVMBuilderRef b = k->e->builder;
    LLVMIntPredicate better = atom->kind == LIG_ATOM_MIN ? LLVMIntSLT : LLVMIntSGT;
    LLVMValueRef best = lig_kernel_dim(k, atom->operands[0]);
    for (size_t i = 1; i < atom->count; i++) {
        LLVMValueRef other = lig_kernel_dim(k, atom->operands[i]);
        best = LLVMBuildSelect(b, LLVMBuildICmp(b, better, other, best, ""), other, best, "");
    }
    return best;
}

static LLVMValueRef emit_atom(LigKernelEmitter *k, const LigDimAtom *atom)
{
    switch (atom->kind) {
    case LIG_ATOM_SYMBOL:
        return k->symbols[atom->symbol];
    case LIG_ATOM_FLOORDIV:
        return emit_floordiv(k, lig_kernel_dim(k, atom->operands[0]), atom->by);
    case LIG_ATOM_MIN:
    case LIG_ATOM_MAX:
        return emit_choice(k, atom);
    }
    return NULL;
}

static LLVMValueRef emit_term(LigKernelEmitter *k, const LigDimTerm *term)
{
    LLVMValueRef product = lig_i64(k->e, term->coefficient);
    for (size_t i = 0; i < term->degree; i++)
        product = LLVMBuildMul(k->e->builder, product, emit_atom(k, term->atoms[i]), "");
    return product;
}

LLVMValueRef lig_kernel_dim(LigKernelEmitter *k, LigDim dim)
{
    LLVMValueRef sum = lig_i64(k->e, 0);
    for (size_t i = 0; i < dim->count; i++)
        sum = LLVMBuildAdd(k->e->builder, sum, emit_term(k, &dim->terms[i]), "");
    return sum;
}

LLVMValueRef lig_kernel_dims(LigKernelEmitter *k, const LigType *type, int first, int last)
{
    LLVMValueRef product = lig_i64(k->e, 1);
    for (int i = first; i < last; i++)
        product = LLVMBuildMul(k->e->builder, product, lig_kernel_dim(k, type->dims[i]), "");
    return product;
}

#include "codegen/tokens.h"

LLVMValueRef lig_kernel_load_i32(LigKernelEmitter *k, LLVMValueRef pointer, LLVMValueRef index)
{
    LLVMValueRef place = lig_kernel_element(k, pointer, index, LIG_I32);
    return LLVMBuildSExt(k->e->builder, lig_emit_load(k->e, k->e->i32, place, sizeof(int32_t)), k->e->i64, "");
}

// As many rows lie wholly before the token as starts[1..R] are at most its number.
LigTokenRow lig_kernel_row_of(LigKernelEmitter *k, const LigTokenRows *rows, LLVMValueRef token)
{
    LigEmitter *e = k->e;
    LLVMBuilderRef b = e->builder;
    LLVMValueRef one = lig_i64(e, 1), zero = lig_i64(e, 0);
    LigLoop loop;
    lig_loop_begin(e, &loop, (LigRange){zero, rows->count, one}, &zero, 1);
    LLVMValueRef end = lig_kernel_load_i32(k, rows->start, LLVMBuildAdd(b, loop.index, one, ""));
    LLVMValueRef before = LLVMBuildZExt(b, LLVMBuildICmp(b, LLVMIntSLE, end, token, ""), e->i64, "");
    LLVMValueRef next = LLVMBuildAdd(b, loop.carried[0], before, "");
    lig_loop_end(e, &loop, &next);
    LLVMValueRef row = loop.carried[0];
    LLVMValueRef inside = LLVMBuildICmp(b, LLVMIntSLT, row, rows->count, "");
    LLVMValueRef last = LLVMBuildSub(b, rows->count, one, "");
    row = LLVMBuildSelect(b, inside, row, last, "");
    LLVMValueRef begun = LLVMBuildICmp(b, LLVMIntSLE, lig_kernel_load_i32(k, rows->start, row), token, "");
    return (LigTokenRow){row, LLVMBuildAnd(b, inside, begun, "")};
}

LLVMValueRef lig_kernel_cache_index(LigKernelEmitter *k, const LigType *type, LigCachePlace place)
{
    LLVMBuilderRef b = k->e->builder;
    LLVMValueRef rows = lig_kernel_dim(k, type->dims[type->rank - 2]);
    LLVMValueRef columns = lig_kernel_dim(k, type->dims[type->rank - 1]);
    if (type->layout.kind == LIG_LAYOUT_ROWS) {
        LLVMValueRef row = LLVMBuildAdd(b, LLVMBuildMul(b, place.batch, rows, ""), place.row, "");
        return LLVMBuildAdd(b, LLVMBuildMul(b, row, columns, ""), place.column, "");
    }
    LLVMValueRef n = lig_i64(k->e, type->layout.n), group = lig_i64(k->e, type->layout.k);
    LLVMValueRef round = LLVMBuildAdd(b, rows, lig_i64(k->e, type->layout.n - 1), "");
    LLVMValueRef panel = LLVMBuildMul(b, place.batch, LLVMBuildUDiv(b, round, n, ""), "");
    panel = LLVMBuildAdd(b, panel, LLVMBuildUDiv(b, place.row, n, ""), "");
    LLVMValueRef index = LLVMBuildMul(b, LLVMBuildMul(b, panel, columns, ""), n, "");
    LLVMValueRef first =
        LLVMBuildMul(b, LLVMBuildUDiv(b, place.column, group, ""), LLVMBuildMul(b, n, group, ""), "");
    LLVMValueRef inside = LLVMBuildMul(b, LLVMBuildURem(b, place.row, n, ""), group, "");
    inside = LLVMBuildAdd(b, inside, LLVMBuildURem(b, place.column, group, ""), "");
    return LLVMBuildAdd(b, index, LLVMBuildAdd(b, first, inside, ""), "");
}

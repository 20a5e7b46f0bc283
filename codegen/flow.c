// Loops and branches. Phis are given the block that the builder stands in when an arm ends: the body may have
// added some.
#include "codegen/llvm.h"

static LLVMBasicBlockRef new_block(LigEmitter *e, const char *name)
{
    return LLVMAppendBasicBlockInContext(e->llvm, e->function, name);
}

static bool surely_runs(LigRange range)
{
    return LLVMIsAConstantInt(range.begin) && LLVMIsAConstantInt(range.end) &&
           LLVMConstIntGetSExtValue(range.begin) < LLVMConstIntGetSExtValue(range.end);
}

static void enter_loop(LigEmitter *e, LigLoop *loop, LigRange range)
{
    if (!loop->guarded) {
        LLVMBuildBr(e->builder, loop->body);
        return;
    }
    LLVMValueRef any = LLVMBuildICmp(e->builder, LLVMIntSLT, range.begin, range.end, "");
    LLVMBuildCondBr(e->builder, any, loop->body, loop->after);
}

void lig_loop_begin(LigEmitter *e, LigLoop *loop, LigRange range, const LLVMValueRef *initial, int count)
{
    LIG_ASSERT(count <= LIG_MAX_CARRIED);
    *loop = (LigLoop){.count = count, .end = range.end, .step = range.step, .guarded = !surely_runs(range)};
    loop->before = LLVMGetInsertBlock(e->builder);
    loop->body = new_block(e, "loop");
    loop->after = new_block(e, "after");
    enter_loop(e, loop, range);
    LLVMPositionBuilderAtEnd(e->builder, loop->body);
    loop->index = LLVMBuildPhi(e->builder, e->i64, "index");
    LLVMAddIncoming(loop->index, &range.begin, &loop->before, 1);
    for (int i = 0; i < count; i++) {
        loop->initial[i] = initial[i];
        loop->carried[i] = LLVMBuildPhi(e->builder, LLVMTypeOf(initial[i]), "");
        LLVMAddIncoming(loop->carried[i], &loop->initial[i], &loop->before, 1);
    }
}

void lig_loop_end(LigEmitter *e, LigLoop *loop, const LLVMValueRef *next)
{
    LLVMValueRef index = LLVMBuildAdd(e->builder, loop->index, loop->step, "");
    LLVMValueRef more = LLVMBuildICmp(e->builder, LLVMIntSLT, index, loop->end, "");
    LLVMBasicBlockRef latch = LLVMGetInsertBlock(e->builder);
    LLVMBuildCondBr(e->builder, more, loop->body, loop->after);
    LLVMAddIncoming(loop->index, &index, &latch, 1);
    LLVMMoveBasicBlockAfter(loop->after, latch);
    LLVMPositionBuilderAtEnd(e->builder, loop->after);
    for (int i = 0; i < loop->count; i++) {
        LLVMValueRef value = next[i];
        LLVMAddIncoming(loop->carried[i], &value, &latch, 1);
        LLVMValueRef final = LLVMBuildPhi(e->builder, LLVMTypeOf(value), "");
        LLVMAddIncoming(final, &value, &latch, 1);
        if (loop->guarded) LLVMAddIncoming(final, &loop->initial[i], &loop->before, 1);
        loop->carried[i] = final;
    }
}

void lig_if_begin(LigEmitter *e, LigIf *branch, LLVMValueRef condition)
{
    *branch = (LigIf){0};
    LLVMBasicBlockRef then = new_block(e, "then");
    branch->other = new_block(e, "else");
    branch->after = new_block(e, "join");
    LLVMBuildCondBr(e->builder, condition, then, branch->other);
    LLVMPositionBuilderAtEnd(e->builder, then);
}

void lig_if_else(LigEmitter *e, LigIf *branch, const LLVMValueRef *values, int count)
{
    LIG_ASSERT(count <= LIG_MAX_CARRIED);
    branch->count = count;
    for (int i = 0; i < count; i++) branch->then_values[i] = values[i];
    branch->then_end = LLVMGetInsertBlock(e->builder);
    LLVMBuildBr(e->builder, branch->after);
    LLVMPositionBuilderAtEnd(e->builder, branch->other);
}

void lig_if_end(LigEmitter *e, LigIf *branch, const LLVMValueRef *values, LLVMValueRef *results)
{
    LLVMBasicBlockRef other_end = LLVMGetInsertBlock(e->builder);
    LLVMBuildBr(e->builder, branch->after);
    LLVMMoveBasicBlockAfter(branch->after, other_end);
    LLVMPositionBuilderAtEnd(e->builder, branch->after);
    for (int i = 0; i < branch->count; i++) {
        LLVMValueRef value = values[i];
        results[i] = LLVMBuildPhi(e->builder, LLVMTypeOf(value), "");
        LLVMAddIncoming(results[i], &branch->then_values[i], &branch->then_end, 1);
        LLVMAddIncoming(results[i], &value, &other_end, 1);
    }
}

#include "codegen/jit.h"

#include "codegen/llvm.h"
#include "ir/base/alloc.h"

#include <llvm-c/LLJIT.h>
#include <string.h>
#include <time.h>

struct LigJit {
    LLVMOrcLLJITRef orc;
};

static LigStatus fail_with(LigContext *ctx, LigStatus status, const char *what, const char *name,
                           LLVMErrorRef error)
{
    char *message = LLVMGetErrorMessage(error);
    status = lig_fail(ctx, status, LIG_NOWHERE, "%s %s: %s", what, name, message);
    LLVMDisposeErrorMessage(message);
    return status;
}

// ORC prints what goes wrong to standard error unless told otherwise; each error also comes back from its call.
static void ignore_report(void *unused, LLVMErrorRef error)
{
    (void)unused;
    LLVMConsumeError(error);
}

LigStatus lig_jit_create(LigContext *ctx, const LigTarget *target, LigJit **out)
{
    *out = NULL;
    LIG_TRY(lig_target_check_runs(ctx, target));
    lig_llvm_start();
    LigJit *jit = lig_alloc_zero(sizeof *jit);
    if (!jit) return lig_no_memory(ctx);
    LLVMErrorRef error = LLVMOrcCreateLLJIT(&jit->orc, NULL);
    if (error) {
        lig_free(jit);
        return fail_with(ctx, LIG_ERR_LLVM, "starting the JIT for", target->name, error);
    }
    LLVMOrcExecutionSessionSetErrorReporter(LLVMOrcLLJITGetExecutionSession(jit->orc), ignore_report, NULL);
    *out = jit;
    return LIG_OK;
}

void lig_jit_destroy(LigJit *jit)
{
    if (!jit) return;
    LLVMErrorRef error = LLVMOrcDisposeLLJIT(jit->orc);
    if (error) LLVMConsumeError(error);
    lig_free(jit);
}

LigStatus lig_jit_add_object(LigContext *ctx, LigJit *jit, const char *name, LigObject object)
{
    LLVMMemoryBufferRef buffer =
        LLVMCreateMemoryBufferWithMemoryRangeCopy((const char *)object.data, object.bytes, name);
    LLVMErrorRef error = LLVMOrcLLJITAddObjectFile(jit->orc, LLVMOrcLLJITGetMainJITDylib(jit->orc), buffer);
    return error ? fail_with(ctx, LIG_ERR_LLVM, "adding the object of", name, error) : LIG_OK;
}

LigStatus lig_jit_lookup(LigContext *ctx, LigJit *jit, const char *symbol, void **address,
                         LigCompileTimes *times)
{
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    LLVMOrcExecutorAddress found = 0;
    LLVMErrorRef error = LLVMOrcLLJITLookup(jit->orc, &found, symbol);
    clock_gettime(CLOCK_MONOTONIC, &b);
    times->link_ns += (int64_t)(b.tv_sec - a.tv_sec) * 1000000000 + (b.tv_nsec - a.tv_nsec);
    *address = error ? NULL : (void *)(uintptr_t)found;
    return error ? fail_with(ctx, LIG_ERR_NOT_FOUND, "no code for", symbol, error) : LIG_OK;
}

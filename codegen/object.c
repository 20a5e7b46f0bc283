#include "codegen/object.h"

#include "codegen/llvm.h"
#include "ir/base/alloc.h"
#include "ir/base/clock.h"

#include <llvm-c/Analysis.h>
#include <llvm-c/ErrorHandling.h>
#include <llvm-c/Target.h>
#include <llvm-c/TargetMachine.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

// LLVM's fatal errors are process-wide and end it: its handler takes no argument of ours, so the name of what
// this thread compiles must stand where the handler can find it. The only mutable statics of the folder.
static _Thread_local const char *compiling;
static pthread_once_t started = PTHREAD_ONCE_INIT;

static void write_text(const char *text)
{
    ssize_t written = write(STDERR_FILENO, text, strlen(text));
    (void)written; // the process is about to end: nothing could be done about it
}

static void on_fatal(const char *reason)
{
    write_text("liga: LLVM gave up on kernel ");
    write_text(compiling ? compiling : "(none)");
    write_text(": ");
    write_text(reason);
    write_text("\n");
}

static void start_llvm(void)
{
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInstallFatalErrorHandler(on_fatal);
}

void lig_llvm_start(void) { pthread_once(&started, start_llvm); }

// Records LLVM's message (taken over) against the kernel.
static LigStatus llvm_failure(LigEmitter *e, const char *what, char *message)
{
    LigStatus status = lig_fail(e->ctx, LIG_ERR_LLVM, LIG_NOWHERE, "kernel %s (%s): %s: %s", e->name,
                                e->target->name, what, message ? message : "no reason given");
    LLVMDisposeMessage(message);
    return status;
}

static LigStatus verify(LigEmitter *e)
{
    char *message = NULL;
    if (LLVMVerifyModule(e->module, LLVMReturnStatusAction, &message))
        return llvm_failure(e, "the generated IR is malformed", message);
    LLVMDisposeMessage(message);
    return LIG_OK;
}

static LigStatus create_machine(LigEmitter *e, LLVMTargetMachineRef *out)
{
    char *message = NULL;
    LLVMTargetRef llvm_target;
    LLVMSetTarget(e->module, LIG_TARGET_TRIPLE);
    bool failed = LLVMGetTargetFromTriple(LIG_TARGET_TRIPLE, &llvm_target, &message);
    *out = failed ? NULL
                  : LLVMCreateTargetMachine(llvm_target, LIG_TARGET_TRIPLE, lig_emitter_cpu(e),
                                            lig_emitter_features(e), LLVMCodeGenLevelDefault, LLVMRelocPIC,
                                            LLVMCodeModelSmall);
    if (!*out) return llvm_failure(e, "no code generator", message);
    LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(*out);
    LLVMSetModuleDataLayout(e->module, layout);
    LLVMDisposeTargetData(layout);
    return LIG_OK;
}

static LigStatus copy_object(LigEmitter *e, LLVMMemoryBufferRef buffer, LigObject *out)
{
    size_t bytes = LLVMGetBufferSize(buffer);
    unsigned char *data = lig_alloc(bytes);
    if (data) {
        memcpy(data, LLVMGetBufferStart(buffer), bytes);
        *out = (LigObject){data, bytes};
    }
    LLVMDisposeMemoryBuffer(buffer);
    return data ? LIG_OK : lig_no_memory(e->ctx);
}

static LigStatus generate(LigEmitter *e, LigObject *out)
{
    LLVMTargetMachineRef machine;
    LIG_TRY(create_machine(e, &machine));
    char *message = NULL;
    LLVMMemoryBufferRef buffer = NULL;
    compiling = e->name;
    bool failed = LLVMTargetMachineEmitToMemoryBuffer(machine, e->module, LLVMObjectFile, &message, &buffer);
    compiling = NULL;
    LLVMDisposeTargetMachine(machine);
    if (failed) return llvm_failure(e, "no code", message);
    return copy_object(e, buffer, out);
}

LigStatus lig_emitter_compile(LigEmitter *e, LigObject *out, LigCompileTimes *times)
{
    *out = (LigObject){0};
    LIG_TRY(e->status);
    lig_llvm_start();
    int64_t built = lig_clock_ns();
    LIG_TRY(verify(e));
    int64_t verified = lig_clock_ns();
    LIG_TRY(generate(e, out));
    times->build_ns += built - e->started_ns;
    times->verify_ns += verified - built;
    times->codegen_ns += lig_clock_ns() - verified;
    return LIG_OK;
}

void lig_object_free(LigObject *object)
{
    lig_free(object->data);
    *object = (LigObject){0};
}

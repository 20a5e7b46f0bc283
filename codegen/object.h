// From an emitter's module to the bytes of a relocatable ELF object: the same bytes go to the loader
// (codegen/code.h), to the object cache and into artefacts. The code is position-independent, small code model,
// and calls nothing outside.
#ifndef LIG_CODEGEN_OBJECT_H
#define LIG_CODEGEN_OBJECT_H

#include "ir/base/status.h"

struct LigEmitter; // codegen/llvm.h

typedef struct LigObject {
    unsigned char *data; // owned; lig_object_free
    size_t bytes;
} LigObject;

// Sums over what was compiled, in nanoseconds.
typedef struct LigCompileTimes {
    int64_t build_ns; // from lig_emitter_create to here
    int64_t verify_ns;
    int64_t codegen_ns;
} LigCompileTimes;

// Verifies the module and generates code; the emitter stays the caller's. Adds to *times. Errors: the emitter's
// own failure; LLVM, naming the kernel, for IR that does not verify or code that can't be generated. Where LLVM
// gives up altogether (it then ends the process) the kernel's name is written to standard error first.
LIG_MUST_CHECK LigStatus lig_emitter_compile(struct LigEmitter *emitter, LigObject *out,
                                             LigCompileTimes *times);
void lig_object_free(LigObject *object);

#endif

// A kernel as a module of its own, in text, so that several threads can compile kernels of one module at once:
// reasoning about dims adds to the table of a module, and each thread so has one.
#ifndef LIG_CODEGEN_COMPILE_ALONE_H
#define LIG_CODEGEN_COMPILE_ALONE_H

#include "codegen/codegen.h"

// The text of a module with the dims and facts of `module` and this kernel alone, in the arena; data = NULL when
// memory is out.
LigStr lig_alone_print(LigArena *arena, const LigModule *module, const LigFunc *kernel);
// Compiles the kernel of such a text; any number of threads may. False when that fails: compiling the kernel
// where it stands then tells why.
bool lig_alone_compile(LigStr text, const LigTarget *target, LigCompiledKernel *out) LIG_MUST_CHECK;

#endif

// What was built, from what.
#ifndef LIG_TOOLS_VERSION_H
#define LIG_TOOLS_VERSION_H

#include "codegen/target.h"
#include "ir/base/str.h"

// Appends the lines of `liga --version`: version and commit, LLVM, oneDNN, the CPU as code generation sees it.
// Errors: LLVM (the host's description can't be used).
LigStatus lig_version_describe(LigContext *ctx, LigText *text) LIG_MUST_CHECK;
// Appends "znver4, 512-bit vectors, fma f16c …".
void lig_version_describe_cpu(LigText *text, const LigTarget *target);

#endif

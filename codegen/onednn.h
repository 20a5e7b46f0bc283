// oneDNN as a provider of f32 contractions: result[M,N] = x[M,K] * weight[N,K] transposed, over a row-major
// weight.
//
// Called like any other kernel. A contraction is cut into the tiles of its schedule (columns of the result),
// and each tile into blocks of rows of a few fixed sizes, for which primitives are made once. Each of our
// threads runs its share with one OpenMP thread. The handle of a contraction is passed as an extra buffer
// behind the kernel's own.
#ifndef LIG_CODEGEN_ONEDNN_H
#define LIG_CODEGEN_ONEDNN_H

#include "ir/base/kernel_call.h"
#include "ir/graph.h"

enum { LIG_ONEDNN_COLUMNS = 64 }; // of a tile

typedef struct LigOnednn LigOnednn;

// Primitives for x [.., K] f32 and a row-major weight [N, K] f32 of constant dims; the rows of x follow from
// the dims of the call. Errors: NOT_FOUND (the plugin with oneDNN can't be loaded); UNSUPPORTED when oneDNN
// refuses, or has only its reference implementation; NO_MEMORY.
LigStatus lig_onednn_create(LigContext *ctx, const LigType *x, const LigType *weight,
                            LigOnednn **out) LIG_MUST_CHECK;
void lig_onednn_destroy(LigOnednn *contraction);
// Bytes of scratch a thread needs.
size_t lig_onednn_scratch_bytes(const LigOnednn *contraction);
// What to call, and its fourth buffer, behind x, weight and result.
LigKernelFn *lig_onednn_function(const LigOnednn *contraction);
void *lig_onednn_handle(const LigOnednn *contraction);

#endif

// The calling convention of compiled kernels, shared by code generation, the runtime and artefacts.
#ifndef LIG_BASE_KERNEL_CALL_H
#define LIG_BASE_KERNEL_CALL_H

#include <stdint.h>

// Computes tiles tile_begin <= t < tile_end of one kernel call. Tiles are independent of each other and their
// number and bounds follow from shapes and the schedule alone, so that any thread may take any of them.
//   buffers  the operands in order, then the results in order; 64-byte aligned, but for the caller's own, which
//            are aligned to their element
//   dims     the values of the module's symbols, in the module's order
//   scratch  this thread's scratch memory, 64-byte aligned, as many bytes as the schedule's `scratch` says
typedef void LigKernelFn(void *const *buffers, const int64_t *dims, int64_t tile_begin, int64_t tile_end,
                         void *scratch);

#endif

// Named tensors in and out: safetensors.
#ifndef LIG_TOOLS_TENSOR_IO_H
#define LIG_TOOLS_TENSOR_IO_H

#include "frontend/safetensors.h"
#include "ir/eval.h"
#include "tools/options.h"

// Opens what --inputs says. Errors: INVALID (not given: wrong usage), those of the file. Release by
// lig_safetensors_close, after the tensors are used.
LigStatus lig_inputs_open(LigOptions *options, LigSafetensors **out) LIG_MUST_CHECK;
// Whether there is a tensor `name`, or `in.name`.
bool lig_inputs_have(const LigSafetensors *inputs, LigStr name);
// The tensor `name`, or `in.name`, in `dtype`: integers to integers that hold them, floats to floats. The data
// is the file's or the options' arena's. Errors: NOT_FOUND, DTYPE, INVALID (a number that does not fit),
// SHAPE (too many axes), NO_MEMORY.
LigStatus lig_inputs_get(LigOptions *options, const LigSafetensors *inputs, LigStr name, LigDtype dtype,
                         LigTensor *out) LIG_MUST_CHECK;

typedef struct LigNamedTensor {
    LigStr name;
    LigTensor tensor;
} LigNamedTensor;
// Errors of usage when -o is not given; those of writing.
LigStatus lig_outputs_check(LigOptions *options) LIG_MUST_CHECK;
LigStatus lig_outputs_write(const LigOptions *options, const LigNamedTensor *tensors,
                            size_t count) LIG_MUST_CHECK;

// Zeroed, 64-byte aligned memory for a tensor; at least one byte, so that NULL means out of memory.
typedef struct LigTensorMemory {
    void *data;
    size_t bytes;
} LigTensorMemory;
LigStatus lig_tensor_memory_get(LigContext *ctx, const LigShape *shape, LigTensorMemory *out) LIG_MUST_CHECK;
void lig_tensor_memory_free(LigTensorMemory *memory);

#endif

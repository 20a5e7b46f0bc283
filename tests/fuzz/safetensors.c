// Any bytes as safetensors: refused with a message, or every tensor can be read.
#include "frontend/safetensors.h"

#include "tests/unit/temp_file.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t bytes);

static unsigned touch(const LigTensorSet *set)
{
    unsigned sum = 0;
    for (size_t i = 0; i < set->count; i++) {
        const LigFileTensor *tensor = &set->tensors[i];
        for (size_t j = 0; j < tensor->bytes; j++) sum += ((const unsigned char *)tensor->data)[j];
        sum += tensor == lig_tensor_set_find(set, tensor->name);
    }
    return sum;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t bytes)
{
    LigContext *ctx = lig_context_create();
    TempFile file = temp_file(data, bytes);
    LigSafetensors *tensors;
    if (lig_safetensors_open(ctx, file.path, &tensors) == LIG_OK) {
        volatile unsigned sink = touch(lig_safetensors_tensors(tensors));
        (void)sink;
        lig_safetensors_close(tensors);
    } else if (lig_context_diagnostic_count(ctx) != 1 || !diagnostics_are_clear(ctx, file.path)) {
        abort();
    }
    unlink(file.path);
    lig_context_destroy(ctx);
    return 0;
}

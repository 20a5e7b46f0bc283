// Any bytes as a GGUF: refused with a message, or every tensor and value can be read.
#include "frontend/gguf.h"

#include "tests/unit/temp_file.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t bytes);

static unsigned touch(const LigGguf *gguf)
{
    unsigned sum = 0;
    const LigTensorSet *set = lig_gguf_tensors(gguf);
    for (size_t i = 0; i < set->count; i++) {
        const LigFileTensor *tensor = &set->tensors[i];
        for (size_t j = 0; j < tensor->bytes; j++) sum += ((const unsigned char *)tensor->data)[j];
    }
    for (size_t i = 0; i < lig_gguf_value_count(gguf); i++) {
        const LigGgufValue *value = lig_gguf_value(gguf, i);
        for (size_t j = 0; j < value->count; j++) {
            double number;
            if (value->strings)
                sum += (unsigned)lig_str_hash(value->strings[j]);
            else
                sum += lig_gguf_element_f64(value, j, &number);
        }
    }
    return sum;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t bytes)
{
    LigContext *ctx = lig_context_create();
    TempFile file = temp_file(data, bytes);
    LigGguf *gguf;
    if (lig_gguf_open(ctx, file.path, &gguf) == LIG_OK) {
        volatile unsigned sink = touch(gguf);
        (void)sink;
        lig_gguf_close(gguf);
    } else if (lig_context_diagnostic_count(ctx) != 1 || !diagnostics_are_clear(ctx, file.path)) {
        abort();
    }
    unlink(file.path);
    lig_context_destroy(ctx);
    return 0;
}

#include "frontend/tensor_sink.h"

void lig_tensor_sink_write(LigTensorSink *sink, const void *data, size_t bytes)
{
    lig_output_write(sink->output, data, bytes);
    sink->written += bytes;
}

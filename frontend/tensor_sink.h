// Where the bytes of a tensor go that is written piece by piece: shared by the writers of every format.
#ifndef LIG_FRONTEND_TENSOR_SINK_H
#define LIG_FRONTEND_TENSOR_SINK_H

#include "ir/base/file.h"

typedef struct LigTensorSink {
    LigOutput *output; // borrowed from the writer
    size_t written;    // of this tensor so far
} LigTensorSink;

void lig_tensor_sink_write(LigTensorSink *sink, const void *data, size_t bytes);

#endif

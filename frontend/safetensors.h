// safetensors: one file, or a directory of shards behind model.safetensors.index.json; and the writer.
//
// Tensors point into the mapping, but for those whose place in the file is not a multiple of their element:
// they are copied, so that every LigFileTensor is aligned. Header, offsets and sizes are checked before use.
//
// Source: the format section of the safetensors project's README.
#ifndef LIG_FRONTEND_SAFETENSORS_H
#define LIG_FRONTEND_SAFETENSORS_H

#include "frontend/file_tensor.h"
#include "frontend/tensor_sink.h"
#include "ir/base/file.h"

typedef struct LigSafetensors LigSafetensors;

// A file, or a directory with model.safetensors or model.safetensors.index.json.
// Errors: NOT_FOUND (also a shard, or a tensor of the index that its shard has not), IO, PARSE (the header is
// no JSON), INVALID (lying or cut: names the tensor and the bytes missing), UNSUPPORTED (a dtype), NO_MEMORY.
LigStatus lig_safetensors_open(LigContext *ctx, const char *path, LigSafetensors **out) LIG_MUST_CHECK;
void lig_safetensors_close(LigSafetensors *s);

// Over all shards, those the index names. Order: of the header, or of the index.
const LigTensorSet *lig_safetensors_tensors(const LigSafetensors *s);
// `__metadata__` of the file (of the first shard when there are many); data = NULL when absent.
LigStr lig_safetensors_metadata(const LigSafetensors *s, LigStr key);

// What is to be written. Data is laid out by descending element size (so that all is aligned), else in the
// order given.
typedef struct LigSafetensorsPair {
    LigStr key, value;
} LigSafetensorsPair;
typedef struct LigSafetensorsContent {
    const LigFileTensor *tensors; // [count]; type_name one of f64 f32 f16 bf16 i64 i32 i16 i8 u8 bool
    size_t count;
    const LigSafetensorsPair *metadata; // [metadata_count]
    size_t metadata_count;
    // Writes tensor `index` where its data is NULL: exactly its bytes, by lig_tensor_sink_write. May be NULL
    // when all have data.
    LigStatus (*write)(void *user, size_t index, LigTensorSink *sink);
    void *user;
} LigSafetensorsContent;

// The file appears only when complete. Errors: DTYPE, INVALID (a name, a shape that does not give `bytes`, or a
// writer that gave another number of bytes), IO, NO_MEMORY, and what `write` returns.
LigStatus lig_safetensors_write(LigContext *ctx, const char *path,
                                const LigSafetensorsContent *content) LIG_MUST_CHECK;

// A dtype of safetensors by its name in files ("BF16"); NULL when not known.
typedef struct LigSafetensorsType {
    const char *file_name; // upper case
    const char *type_name; // of LigFileTensor
    size_t bytes;          // of an element
} LigSafetensorsType;
const LigSafetensorsType *lig_safetensors_type(LigStr file_name);
// By the name of LigFileTensor ("bf16"); NULL when safetensors has no such dtype.
const LigSafetensorsType *lig_safetensors_type_of(const LigFileTensor *tensor);
// Bytes of the dims of `tensor` at `type`; false on overflow or a negative dim.
bool lig_safetensors_bytes(const LigFileTensor *tensor, const LigSafetensorsType *type, size_t *out);

#endif

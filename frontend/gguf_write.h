// The writer of GGUF version 3: metadata, then tensors, whose data may be made as it is written.
//
// Source: the GGUF specification of the ggml project (docs/gguf.md).
#ifndef LIG_FRONTEND_GGUF_WRITE_H
#define LIG_FRONTEND_GGUF_WRITE_H

#include "frontend/gguf.h"
#include "frontend/tensor_sink.h"

// Metadata as it will stand in the file. Zero-initialise to start. A failed allocation shows when writing.
typedef struct LigGgufMetadata {
    LigText bytes;
    uint64_t count;
} LigGgufMetadata;

void lig_gguf_put_u32(LigGgufMetadata *metadata, const char *key, uint32_t value);
void lig_gguf_put_f32(LigGgufMetadata *metadata, const char *key, float value);
void lig_gguf_put_bool(LigGgufMetadata *metadata, const char *key, bool value);
void lig_gguf_put_str(LigGgufMetadata *metadata, const char *key, LigStr value);
void lig_gguf_put_strs(LigGgufMetadata *metadata, const char *key, const LigStr *values, size_t count);
void lig_gguf_put_i32s(LigGgufMetadata *metadata, const char *key, const int32_t *values, size_t count);
void lig_gguf_put_f32s(LigGgufMetadata *metadata, const char *key, const float *values, size_t count);
// As another file has it.
void lig_gguf_put_value(LigGgufMetadata *metadata, const LigGgufValue *value);
void lig_gguf_metadata_free(LigGgufMetadata *metadata);

typedef struct LigGgufContent {
    const LigGgufMetadata *metadata;
    const LigFileTensor *tensors; // [count]; type_name one of ggml's
    size_t count;
    size_t alignment; // of tensors; what general.alignment says, or 32
    // Writes tensor `index` where its data is NULL: exactly its bytes. May be NULL when all have data.
    LigStatus (*write)(void *user, size_t index, LigTensorSink *sink);
    void *user;
} LigGgufContent;

// The file appears only when complete. Errors: DTYPE (a type that GGUF has not), INVALID (a name, a shape that
// does not give `bytes`, a writer that gave another number of bytes), IO, NO_MEMORY, and what `write` returns.
LigStatus lig_gguf_write(LigContext *ctx, const char *path, const LigGgufContent *content) LIG_MUST_CHECK;

#endif

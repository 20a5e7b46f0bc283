// A tensor as a model file stores it, and sets of them looked up by name: shared by the readers of every
// format.
//
// Ownership: everything is borrowed from the reader that gave it (the mapping, or its arena).
// Threading: reading a set from several threads is fine.
#ifndef LIG_FRONTEND_FILE_TENSOR_H
#define LIG_FRONTEND_FILE_TENSOR_H

#include "ir/base/map.h"
#include "ir/base/status.h"

enum { LIG_FILE_MAX_RANK = 8, LIG_FILE_MAX_NAME = 65535 };

typedef struct LigFileTensor {
    LigStr name;                     // as in the file; 1 to LIG_FILE_MAX_NAME bytes, no control characters
    const char *type_name;           // "f32", "bf16", "bool", "q4_1", "q6_k", …: the names of ir/dtype.def, and
                                     // GGUF's in lower case for types that ir has not. Static storage
    int rank;                        // 0 to LIG_FILE_MAX_RANK
    int64_t dims[LIG_FILE_MAX_RANK]; // row-major: the last one is contiguous
    const void *data;                // little-endian, aligned to its element; block-quantised: to 2 bytes
    size_t bytes;                    // exactly what dims and type ask for
} LigFileTensor;

// Zero-initialise to start.
typedef struct LigTensorSet {
    LigFileTensor *tensors; // [count], in the order of the file
    size_t count;
    size_t capacity;
    LigMap index_by_name; // values: index + 1
} LigTensorSet;

// Adds a copy of `tensor`. Errors: INVALID (a name that is empty, too long, holds control characters or is
// there already), NO_MEMORY. `path` is named in messages.
LigStatus lig_tensor_set_add(LigContext *ctx, const char *path, LigArena *arena, LigTensorSet *set,
                             const LigFileTensor *tensor) LIG_MUST_CHECK;
// NULL when absent.
const LigFileTensor *lig_tensor_set_find(const LigTensorSet *set, LigStr name);
// INVALID, naming both, when two tensors share bytes. All data must lie in one mapping.
LigStatus lig_tensor_set_check_overlap(LigContext *ctx, const char *path, LigArena *arena,
                                       const LigTensorSet *set) LIG_MUST_CHECK;

// INVALID, saying what `what` is, unless `name` fits the rules of LigFileTensor.name.
LigStatus lig_file_name_check(LigContext *ctx, const char *path, const char *what, LigStr name) LIG_MUST_CHECK;

// For "%.*s" in messages: a hostile name may be long.
#define LIG_NAME_ARG(s) (int)((s).length < 128 ? (s).length : 128), (s).data

#endif

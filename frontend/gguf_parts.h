// Inside of an open GGUF, shared by the reader of one file (gguf.c) and that of split models (gguf_split.c).
#ifndef LIG_FRONTEND_GGUF_PARTS_H
#define LIG_FRONTEND_GGUF_PARTS_H

#include "frontend/gguf.h"
#include "ir/base/vec.h"

struct LigGguf {
    LigMappedFile *file;
    LigArena *arena;
    LigMap values_by_key;
    LIG_VEC(LigGgufValue) values;
    LigTensorSet tensors; // of all parts
    uint32_t version;
    size_t alignment;
    size_t data_begin; // where tensor data starts in the file
    LigGguf **parts;   // [part_count] the parts behind this one, owned
    size_t part_count;
};

// One file, whatever it says about parts.
LigStatus lig_gguf__open_part(LigContext *ctx, const char *path, LigGguf **out) LIG_MUST_CHECK;

#endif

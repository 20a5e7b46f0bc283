#include "frontend/file_tensor.h"

#include "ir/base/vec.h"

#include <stdlib.h>

LigStatus lig_file_name_check(LigContext *ctx, const char *path, const char *what, LigStr name)
{
    if (name.length == 0 || name.length > LIG_FILE_MAX_NAME) {
        return lig_fail(ctx, LIG_ERR_INVALID, LIG_FILE_LOC(path),
                        "the name of %s has %zu bytes, expected 1 to %d: the file is damaged", what,
                        name.length, LIG_FILE_MAX_NAME);
    }
    for (size_t i = 0; i < name.length; i++) {
        unsigned char c = (unsigned char)name.data[i];
        if (c >= 0x20 && c != 0x7f) continue;
        return lig_fail(ctx, LIG_ERR_INVALID, LIG_FILE_LOC(path),
                        "the name of %s holds the control character 0x%02x: the file is damaged", what, c);
    }
    return LIG_OK;
}

static bool push(LigArena *arena, LigTensorSet *set, const LigFileTensor *tensor)
{
    void *index = (void *)(uintptr_t)(set->count + 1);
    if (!lig_vec_grow(arena, (void **)&set->tensors, set->count, &set->capacity, sizeof *set->tensors) ||
        !lig_map_put(arena, &set->index_by_name, tensor->name, index)) {
        return false;
    }
    set->tensors[set->count++] = *tensor;
    return true;
}

LigStatus lig_tensor_set_add(LigContext *ctx, const char *path, LigArena *arena, LigTensorSet *set,
                             const LigFileTensor *tensor)
{
    LIG_TRY(lig_file_name_check(ctx, path, "a tensor", tensor->name));
    if (lig_tensor_set_find(set, tensor->name)) {
        return lig_fail(ctx, LIG_ERR_INVALID, LIG_FILE_LOC(path),
                        "tensor '%.*s' is there twice: names must be unique, write the file again",
                        LIG_NAME_ARG(tensor->name));
    }
    return push(arena, set, tensor) ? LIG_OK : lig_no_memory(ctx);
}

const LigFileTensor *lig_tensor_set_find(const LigTensorSet *set, LigStr name)
{
    uintptr_t index = (uintptr_t)lig_map_get(&set->index_by_name, name);
    return index ? &set->tensors[index - 1] : NULL;
}

static int by_place(const void *left, const void *right)
{
    const LigFileTensor *a = *(const LigFileTensor *const *)left;
    const LigFileTensor *b = *(const LigFileTensor *const *)right;
    if (a->data != b->data) return (uintptr_t)a->data < (uintptr_t)b->data ? -1 : 1;
    return a < b ? -1 : a > b;
}

LigStatus lig_tensor_set_check_overlap(LigContext *ctx, const char *path, LigArena *arena,
                                       const LigTensorSet *set)
{
    const LigFileTensor **sorted = LIG_NEW_ARRAY(arena, const LigFileTensor *, set->count);
    if (!sorted) return lig_no_memory(ctx);
    size_t count = 0;
    for (size_t i = 0; i < set->count; i++) {
        if (set->tensors[i].bytes > 0) sorted[count++] = &set->tensors[i];
    }
    qsort(sorted, count, sizeof(sorted[0]), by_place);
    for (size_t i = 1; i < count; i++) {
        const LigFileTensor *a = sorted[i - 1], *b = sorted[i];
        if ((uintptr_t)b->data - (uintptr_t)a->data >= a->bytes) continue;
        return lig_fail(ctx, LIG_ERR_INVALID, LIG_FILE_LOC(path),
                        "tensors '%.*s' and '%.*s' share bytes: each needs its own, the file is damaged",
                        LIG_NAME_ARG(a->name), LIG_NAME_ARG(b->name));
    }
    return LIG_OK;
}

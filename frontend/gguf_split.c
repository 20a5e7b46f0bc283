// Opening a GGUF: the file itself, and the other parts of a split model.
#include "frontend/gguf_parts.h"

#include <stdio.h>
#include <string.h>

enum { MOST_PARTS = 65535, SUFFIX_BYTES = 32 };

// What a file says about the model it is a part of.
typedef struct Split {
    uint64_t number; // from 0
    uint64_t count;
    uint64_t tensors; // of all parts; 0: not said
} Split;

static LigStatus read_split(LigContext *ctx, const LigGguf *gguf, Split *out)
{
    *out = (Split){.count = 1};
    LIG_TRY(lig_gguf_get_u64(ctx, gguf, LIG_STR("split.no"), &out->number));
    LIG_TRY(lig_gguf_get_u64(ctx, gguf, LIG_STR("split.count"), &out->count));
    LIG_TRY(lig_gguf_get_u64(ctx, gguf, LIG_STR("split.tensors.count"), &out->tensors));
    if (out->count <= 1 || (out->count <= MOST_PARTS && out->number < out->count)) return LIG_OK;
    return lig_fail(ctx, LIG_ERR_INVALID, LIG_FILE_LOC(lig_gguf_path(gguf)),
                    "says it is part %llu (from 0) of %llu, expected at most %d parts: the file is damaged",
                    (unsigned long long)out->number, (unsigned long long)out->count, MOST_PARTS);
}

// "-00002-of-00003.gguf"
static LigStr part_suffix(char *buffer, uint64_t number, uint64_t count)
{
    int length = snprintf(buffer, SUFFIX_BYTES, "-%05llu-of-%05llu.gguf", (unsigned long long)number + 1,
                          (unsigned long long)count);
    return (LigStr){buffer, (size_t)length};
}

static LigStatus check_first(LigContext *ctx, const LigGguf *gguf, const Split *split)
{
    char buffer[SUFFIX_BYTES];
    LigStr suffix = part_suffix(buffer, 0, split->count);
    if (split->number != 0) {
        return lig_fail(ctx, LIG_ERR_INVALID, LIG_FILE_LOC(lig_gguf_path(gguf)),
                        "is part %llu of %llu of a split model: open the first one, which ends in %s",
                        (unsigned long long)split->number + 1, (unsigned long long)split->count, suffix.data);
    }
    if (lig_str_ends_with(lig_str(lig_gguf_path(gguf)), suffix)) return LIG_OK;
    return lig_fail(ctx, LIG_ERR_INVALID, LIG_FILE_LOC(lig_gguf_path(gguf)),
                    "is the first of %llu parts, whose others are found by its name: name it …%s again",
                    (unsigned long long)split->count, suffix.data);
}

static LigStatus check_part(LigContext *ctx, const LigGguf *part, uint64_t number, const Split *first)
{
    Split split;
    LIG_TRY(read_split(ctx, part, &split));
    if (split.number == number && split.count == first->count &&
        (split.tensors == first->tensors || split.tensors == 0))
        return LIG_OK;
    return lig_fail(
        ctx, LIG_ERR_INVALID, LIG_FILE_LOC(lig_gguf_path(part)),
        "says it is part %llu of %llu, expected part %llu of %llu: fetch the parts of one model again",
        (unsigned long long)split.number + 1, (unsigned long long)split.count, (unsigned long long)number + 1,
        (unsigned long long)first->count);
}

static LigStatus open_part(LigContext *ctx, LigGguf *gguf, uint64_t number, const Split *first)
{
    char buffer[SUFFIX_BYTES];
    LigStr path = lig_str(lig_gguf_path(gguf)), suffix = part_suffix(buffer, number, first->count);
    path.length -= suffix.length; // check_first saw that it ends in the first part's, which is as long
    LigStr name = lig_str_format(gguf->arena, "%.*s%s", LIG_STR_ARG(path), suffix.data);
    if (!name.data) return lig_no_memory(ctx);
    if (!lig_path_exists(name.data)) {
        return lig_fail(ctx, LIG_ERR_NOT_FOUND, LIG_FILE_LOC(name.data),
                        "is missing: the model has %llu parts, which must stand in one folder",
                        (unsigned long long)first->count);
    }
    LigGguf *part;
    LIG_TRY(lig_gguf__open_part(ctx, name.data, &part));
    gguf->parts[gguf->part_count++] = part;
    LIG_TRY(check_part(ctx, part, number, first));
    for (size_t i = 0; i < part->tensors.count; i++)
        LIG_TRY(lig_tensor_set_add(ctx, name.data, gguf->arena, &gguf->tensors, &part->tensors.tensors[i]));
    return LIG_OK;
}

static LigStatus open_others(LigContext *ctx, LigGguf *gguf)
{
    Split first;
    LIG_TRY(read_split(ctx, gguf, &first));
    if (first.count <= 1) return LIG_OK;
    LIG_TRY(check_first(ctx, gguf, &first));
    gguf->parts = LIG_NEW_ARRAY(gguf->arena, LigGguf *, (size_t)first.count);
    if (!gguf->parts) return lig_no_memory(ctx);
    for (uint64_t i = 1; i < first.count; i++) LIG_TRY(open_part(ctx, gguf, i, &first));
    if (!first.tensors || first.tensors == gguf->tensors.count) return LIG_OK;
    return lig_fail(ctx, LIG_ERR_INVALID, LIG_FILE_LOC(lig_gguf_path(gguf)),
                    "says the model has %llu tensors, its %llu parts have %zu: fetch them again",
                    (unsigned long long)first.tensors, (unsigned long long)first.count, gguf->tensors.count);
}

LigStatus lig_gguf_open(LigContext *ctx, const char *path, LigGguf **out)
{
    LigGguf *gguf;
    LIG_TRY(lig_gguf__open_part(ctx, path, &gguf));
    LigStatus status = open_others(ctx, gguf);
    if (status != LIG_OK) {
        lig_gguf_close(gguf);
        return status;
    }
    *out = gguf;
    return LIG_OK;
}

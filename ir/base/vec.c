#include "ir/base/vec.h"

#include <string.h>

bool lig_vec_grow(LigArena *arena, void **data, size_t count, size_t *capacity, size_t element_bytes)
{
    if (count < *capacity) return true;
    size_t wanted = *capacity ? *capacity * 2 : 8;
    void *grown = lig_arena_alloc_array(arena, wanted, element_bytes);
    if (!grown) return false;
    if (count) memcpy(grown, *data, count * element_bytes);
    *data = grown;
    *capacity = wanted;
    return true;
}

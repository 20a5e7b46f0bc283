// Growing arrays in an arena, typed by macro.
//
//   LIG_VEC(LigOp *) ops;                        declares { data, count, capacity }
//   LIG_VEC_PUSH(arena, &ops, op)                true, or false when memory is out
//
// Growth doubles into fresh arena memory; the old copy stays until the arena dies (total waste < 2x).
#ifndef LIG_BASE_VEC_H
#define LIG_BASE_VEC_H

#include "ir/base/arena.h"

#include <stdbool.h>

#define LIG_VEC(Type)                                                                                          \
    struct {                                                                                                   \
        Type *data;                                                                                            \
        size_t count;                                                                                          \
        size_t capacity;                                                                                       \
    }

// Makes room for one more element; false when memory is out.
bool lig_vec_grow(LigArena *arena, void **data, size_t count, size_t *capacity, size_t element_bytes);

#define LIG_VEC_PUSH(arena, vec, ...)                                                                          \
    (lig_vec_grow((arena), (void **)&(vec)->data, (vec)->count, &(vec)->capacity, sizeof *(vec)->data)         \
         ? ((vec)->data[(vec)->count++] = (__VA_ARGS__), true)                                                 \
         : false)

#endif

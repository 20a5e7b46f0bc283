// A hash map from strings to pointers, in an arena (open addressing, insertion only).
//
// Keys are borrowed: they must live as long as the map. Zero-initialise to start.
#ifndef LIG_BASE_MAP_H
#define LIG_BASE_MAP_H

#include "ir/base/str.h"

typedef struct LigMapEntry {
    LigStr key;
    void *value;
} LigMapEntry;

typedef struct LigMap {
    LigMapEntry *entries; // capacity is a power of two; key.data = NULL marks a free place
    size_t count;
    size_t capacity;
} LigMap;

// Inserts or replaces; false when memory is out. `value` must not be NULL.
bool lig_map_put(LigArena *arena, LigMap *map, LigStr key, void *value);
// NULL when absent.
void *lig_map_get(const LigMap *map, LigStr key);

#endif

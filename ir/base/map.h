// A hash map from strings to pointers, in an arena (open addressing, insertion only).
//
// Keys are borrowed: they must live as long as the map. Zero-initialise to start.
#ifndef LIG_BASE_MAP_H
#define LIG_BASE_MAP_H

#include "ir/base/str.h"

typedef struct LigMapEntry {
    LigStr key;
    uint64_t hash; // of the key: most other keys differ in it, and growing needs no key
    void *value;
} LigMapEntry;

typedef struct LigMap {
    LigMapEntry *entries; // capacity is a power of two; value = NULL marks a free place
    size_t count;
    size_t capacity;
} LigMap;

// Makes room for `count` keys at once; false when memory is out.
bool lig_map_reserve(LigArena *arena, LigMap *map, size_t count);
// Inserts or replaces; false when memory is out. `value` must not be NULL.
bool lig_map_put(LigArena *arena, LigMap *map, LigStr key, void *value);
// NULL when absent.
void *lig_map_get(const LigMap *map, LigStr key);

#endif

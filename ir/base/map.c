#include "ir/base/map.h"

static LigMapEntry *find_place(LigMapEntry *entries, size_t capacity, LigStr key)
{
    size_t at = (size_t)lig_str_hash(key) & (capacity - 1);
    while (entries[at].value && !lig_str_equal(entries[at].key, key)) at = (at + 1) & (capacity - 1);
    return &entries[at];
}

static bool grow(LigArena *arena, LigMap *map)
{
    size_t capacity = map->capacity ? map->capacity * 2 : 16;
    LigMapEntry *entries = LIG_NEW_ARRAY(arena, LigMapEntry, capacity);
    if (!entries) return false;
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->entries[i].value) *find_place(entries, capacity, map->entries[i].key) = map->entries[i];
    }
    map->entries = entries;
    map->capacity = capacity;
    return true;
}

bool lig_map_put(LigArena *arena, LigMap *map, LigStr key, void *value)
{
    if (map->count * 4 >= map->capacity * 3 && !grow(arena, map)) return false;
    LigMapEntry *place = find_place(map->entries, map->capacity, key);
    if (!place->value) map->count++;
    *place = (LigMapEntry){key, value};
    return true;
}

void *lig_map_get(const LigMap *map, LigStr key)
{
    return map->capacity ? find_place(map->entries, map->capacity, key)->value : NULL;
}

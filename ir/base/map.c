#include "ir/base/map.h"

static LigMapEntry *find_place(const LigMap *map, LigStr key, uint64_t hash)
{
    size_t at = (size_t)hash & (map->capacity - 1);
    for (; map->entries[at].value; at = (at + 1) & (map->capacity - 1)) {
        if (map->entries[at].hash == hash && lig_str_equal(map->entries[at].key, key)) break;
    }
    return &map->entries[at];
}

static void move_entry(LigMap *map, LigMapEntry entry)
{
    size_t at = (size_t)entry.hash & (map->capacity - 1);
    while (map->entries[at].value) at = (at + 1) & (map->capacity - 1);
    map->entries[at] = entry;
}

static bool grow(LigArena *arena, LigMap *map, size_t capacity)
{
    LigMap grown = {.capacity = capacity, .count = map->count};
    grown.entries = LIG_NEW_ARRAY(arena, LigMapEntry, grown.capacity);
    if (!grown.entries) return false;
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->entries[i].value) move_entry(&grown, map->entries[i]);
    }
    *map = grown;
    return true;
}

bool lig_map_reserve(LigArena *arena, LigMap *map, size_t count)
{
    size_t capacity = 16;
    while (capacity / 4 * 3 < count) {
        if (capacity > SIZE_MAX / 2) return false;
        capacity *= 2;
    }
    return capacity <= map->capacity || grow(arena, map, capacity);
}

bool lig_map_put(LigArena *arena, LigMap *map, LigStr key, void *value)
{
    if (map->count * 4 >= map->capacity * 3 && !lig_map_reserve(arena, map, map->count + 1)) return false;
    uint64_t hash = lig_str_hash(key);
    LigMapEntry *place = find_place(map, key, hash);
    if (!place->value) map->count++;
    *place = (LigMapEntry){key, hash, value};
    return true;
}

void *lig_map_get(const LigMap *map, LigStr key)
{
    return map->capacity ? find_place(map, key, lig_str_hash(key))->value : NULL;
}

#include "runtime/text/word_cache.h"

#include "ir/base/alloc.h"

#include <string.h>

enum { BITS = 14 };

LigStatus lig_word_cache_init(LigContext *ctx, LigWordCache *cache)
{
    cache->words = lig_alloc_zero(sizeof *cache->words << BITS);
    return cache->words ? LIG_OK : lig_no_memory(ctx);
}

void lig_word_cache_free(LigWordCache *cache)
{
    lig_free(cache->words);
    *cache = (LigWordCache){0};
}

static uint64_t load(const char *data, size_t bytes)
{
    uint64_t value = 0;
    memcpy(&value, data, bytes);
    return value;
}

// The bytes of a word as two numbers, which overlap unless it has 16: with its length they tell the word.
static void pack(LigStr word, uint64_t *low, uint64_t *high)
{
    const char *end = word.data + word.length;
    if (word.length >= 8) {
        *low = load(word.data, 8);
        *high = load(end - 8, 8);
    } else if (word.length >= 4) {
        *low = load(word.data, 4);
        *high = load(end - 4, 4);
    } else {
        *low = load(word.data, 1);
        *high = load(word.data + word.length / 2, 1) << 8 | load(end - 1, 1);
    }
}

LigCachedWord *lig_word_cache_find(const LigWordCache *cache, LigStr word)
{
    uint64_t low;
    uint64_t high;
    pack(word, &low, &high);
    uint64_t hash = (low ^ word.length) * UINT64_C(0x9E3779B97F4A7C15);
    hash = (hash ^ hash >> 32 ^ high) * UINT64_C(0xD6E8FEB86659FD93);
    LigCachedWord *place = &cache->words[hash >> (64 - BITS)];
    if (place->bytes == word.length && place->low == low && place->high == high) return place;
    *place = (LigCachedWord){.low = low, .high = high};
    return place;
}

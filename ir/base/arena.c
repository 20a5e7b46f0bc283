#include "ir/base/arena.h"

#include "ir/base/alloc.h"

#include <string.h>

enum { BLOCK_BYTES = 64 * 1024, ALIGNMENT = 16 };

typedef struct Block {
    struct Block *next;
    size_t capacity;
    size_t used;
    _Alignas(ALIGNMENT) unsigned char bytes[];
} Block;

struct LigArena {
    Block *head; // the block being filled; older ones follow
    size_t used_bytes;
};

LigArena *lig_arena_create(void) { return lig_alloc_zero(sizeof(LigArena)); }

static void free_blocks(Block *block)
{
    while (block) {
        Block *next = block->next;
        lig_free(block);
        block = next;
    }
}

void lig_arena_destroy(LigArena *arena)
{
    if (!arena) return;
    free_blocks(arena->head);
    lig_free(arena);
}

void lig_arena_reset(LigArena *arena)
{
    if (arena->head) {
        free_blocks(arena->head->next);
        arena->head->next = NULL;
        arena->head->used = 0;
    }
    arena->used_bytes = 0;
}

size_t lig_arena_used_bytes(const LigArena *arena) { return arena->used_bytes; }

static Block *add_block(LigArena *arena, size_t wanted)
{
    size_t capacity = wanted > BLOCK_BYTES ? wanted : BLOCK_BYTES;
    size_t total;
    if (!lig_add_size(capacity, sizeof(Block), &total)) return NULL;
    Block *block = lig_alloc(total);
    if (!block) return NULL;
    *block = (Block){.next = arena->head, .capacity = capacity};
    arena->head = block;
    return block;
}

void *lig_arena_alloc(LigArena *arena, size_t bytes)
{
    if (bytes > SIZE_MAX - ALIGNMENT) return NULL;
    size_t rounded = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    Block *block = arena->head;
    if (!block || block->capacity - block->used < rounded) block = add_block(arena, rounded);
    if (!block) return NULL;
    void *result = block->bytes + block->used;
    block->used += rounded;
    arena->used_bytes += rounded;
    return memset(result, 0, bytes);
}

void *lig_arena_alloc_array(LigArena *arena, size_t count, size_t element_bytes)
{
    size_t bytes;
    return lig_mul_size(count, element_bytes, &bytes) ? lig_arena_alloc(arena, bytes) : NULL;
}

void *lig_arena_copy(LigArena *arena, const void *source, size_t bytes)
{
    void *copy = lig_arena_alloc(arena, bytes);
    return copy && bytes ? memcpy(copy, source, bytes) : copy;
}

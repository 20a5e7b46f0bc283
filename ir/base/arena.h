// Arenas: memory with a stated lifetime, released all at once.
//
// Three rules: (1) an object lives in exactly one arena and dies with it; (2) pointers go from shorter-lived
// to longer-lived arenas only; (3) nothing in an arena is freed singly. Threading: one thread at a time.
#ifndef LIG_BASE_ARENA_H
#define LIG_BASE_ARENA_H

#include <stddef.h>

typedef struct LigArena LigArena;

// NULL when memory is out.
LigArena *lig_arena_create(void);
void lig_arena_destroy(LigArena *arena);
// Forgets everything allocated; keeps one block for reuse.
void lig_arena_reset(LigArena *arena);
// Bytes handed out so far.
size_t lig_arena_used_bytes(const LigArena *arena);

// Zeroed memory aligned to 16 bytes; NULL when memory is out. bytes = 0 gives a valid pointer.
void *lig_arena_alloc(LigArena *arena, size_t bytes);
// As above for `count` elements; NULL also on overflow.
void *lig_arena_alloc_array(LigArena *arena, size_t count, size_t element_bytes);
// A copy of `bytes` bytes; NULL when memory is out.
void *lig_arena_copy(LigArena *arena, const void *source, size_t bytes);

#define LIG_NEW(arena, Type) ((Type *)lig_arena_alloc((arena), sizeof(Type)))
#define LIG_NEW_ARRAY(arena, Type, count) ((Type *)lig_arena_alloc_array((arena), (count), sizeof(Type)))

#endif

// The trie over tokens: which tokens begin at a place of the text, in one step a byte.
//
// A double array: the children of a node lie at its base plus their byte, each naming its parent, so that a
// step is one addition and one comparison. Aoe 1989, "An efficient digital search algorithm by using a
// double-array structure".
#ifndef LIG_TEXT_TRIE_H
#define LIG_TEXT_TRIE_H

#include "runtime/text/image.h"

typedef struct LigTrieKey {
    LigStr bytes; // not empty
    int32_t id;
} LigTrieKey;

typedef struct LigTrie {
    LigImageNode *nodes; // number 0 is the root
    size_t count;
} LigTrie;

// Sorts the keys. Of equal ones the lower id counts. Errors: NO_MEMORY. Released by lig_trie_free.
LigStatus lig_trie_build(LigContext *ctx, LigTrieKey *keys, size_t count, LigTrie *out) LIG_MUST_CHECK;
void lig_trie_free(LigTrie *trie);

#define LIG_TRIE_NONE UINT32_MAX

// The node that `byte` leads to, or LIG_TRIE_NONE. Any nodes do: what they say is checked here.
static inline uint32_t lig_trie_step(const LigImageNode *nodes, size_t count, uint32_t node, uint8_t byte)
{
    const uint64_t next = (uint64_t)nodes[node].base + byte;
    return next < count && nodes[next].parent == node ? (uint32_t)next : LIG_TRIE_NONE;
}

#endif

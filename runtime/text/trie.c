#include "runtime/text/trie.h"

#include "ir/base/alloc.h"

#include <stdlib.h>
#include <string.h>

// A search for a base that fits several children looks at so many free places, then goes to the end.
enum { MAX_TRIES = 256, BYTES = 256 };
#define FREE UINT32_MAX

// Free places are a list in the order of their numbers: `base` is the next one, `id` the one before; the list
// ends at 0, where the root is.
typedef struct Builder {
    LigContext *ctx;
    const LigTrieKey *keys;
    LigImageNode *nodes;
    size_t count, capacity;
} Builder;

// Keys that share their first `depth` bytes, which lead to `node`.
typedef struct Range {
    size_t begin, end;
    size_t depth;
    uint32_t node;
} Range;

typedef struct Children {
    size_t starts[BYTES + 1]; // in the keys
    uint8_t bytes[BYTES];
    size_t count;
} Children;

static int by_bytes(const void *a, const void *b)
{
    const LigTrieKey *left = a;
    const LigTrieKey *right = b;
    const size_t shorter = left->bytes.length < right->bytes.length ? left->bytes.length : right->bytes.length;
    const int order = memcmp(left->bytes.data, right->bytes.data, shorter);
    if (order != 0) return order;
    if (left->bytes.length != right->bytes.length) return left->bytes.length < right->bytes.length ? -1 : 1;
    return left->id < right->id ? -1 : left->id > right->id;
}

// Appends free places up to `count`.
static LigStatus grow(Builder *b, size_t count)
{
    if (count > b->capacity) {
        size_t capacity = b->capacity ? b->capacity : 1024;
        while (capacity < count) capacity *= 2;
        LigImageNode *nodes = lig_realloc(b->nodes, capacity * sizeof *nodes);
        if (!nodes) return lig_no_memory(b->ctx);
        b->nodes = nodes;
        b->capacity = capacity;
    }
    for (; b->count < count; b->count++) {
        const int32_t last = b->count > 1 ? b->nodes[0].id : 0;
        b->nodes[b->count] = (LigImageNode){0, FREE, last};
        b->nodes[last].base = (uint32_t)b->count;
        b->nodes[0].id = (int32_t)b->count;
    }
    return LIG_OK;
}

static void take(Builder *b, uint32_t at, uint32_t parent)
{
    LigImageNode *node = &b->nodes[at];
    b->nodes[node->id].base = node->base;
    b->nodes[node->base].id = node->id;
    *node = (LigImageNode){0, parent, LIG_TOKEN_NONE};
}

static bool fits(const Builder *b, size_t base, const Children *children)
{
    for (size_t i = 0; i < children->count; i++) {
        const size_t at = base + children->bytes[i];
        if (at < b->count && (at == 0 || b->nodes[at].parent != FREE)) return false;
    }
    return true;
}

static size_t find_base(const Builder *b, const Children *children)
{
    const uint8_t first = children->bytes[0];
    uint32_t place = b->nodes[0].base;
    for (int tries = 0; place != 0 && tries < MAX_TRIES; tries++, place = b->nodes[place].base) {
        if (place >= first && fits(b, place - first, children)) return place - first;
    }
    return b->count;
}

static void divide(const Builder *b, Range range, Children *out)
{
    out->count = 0;
    for (size_t i = range.begin; i < range.end; i++) {
        const uint8_t byte = (uint8_t)b->keys[i].bytes.data[range.depth];
        if (out->count > 0 && out->bytes[out->count - 1] == byte) continue;
        out->starts[out->count] = i;
        out->bytes[out->count++] = byte;
    }
    out->starts[out->count] = range.end;
}

// Places the children of `range.node`; gives the first of their places minus its byte.
static LigStatus place_children(Builder *b, uint32_t node, const Children *children, size_t *out_base)
{
    const size_t base = find_base(b, children);
    *out_base = base;
    if (base + BYTES >= INT32_MAX)
        return lig_fail(b->ctx, LIG_ERR_INVALID, LIG_NOWHERE, "tokenizer: the vocabulary is too large");
    const size_t needed = base + children->bytes[children->count - 1] + 1;
    if (needed > b->count) LIG_TRY(grow(b, needed));
    for (size_t i = 0; i < children->count; i++) take(b, (uint32_t)(base + children->bytes[i]), node);
    return LIG_OK;
}

typedef struct Stack {
    Range *ranges;
    size_t count, capacity;
} Stack;

static LigStatus push(Builder *b, Stack *stack, Range range)
{
    if (stack->count == stack->capacity) {
        const size_t capacity = stack->capacity ? 2 * stack->capacity : 256;
        Range *ranges = lig_realloc(stack->ranges, capacity * sizeof *ranges);
        if (!ranges) return lig_no_memory(b->ctx);
        stack->ranges = ranges;
        stack->capacity = capacity;
    }
    stack->ranges[stack->count++] = range;
    return LIG_OK;
}

// The bases of nodes are set apart from the list of free places, which the root's own fields hold until the end.
static LigStatus expand(Builder *b, Stack *stack, Range range, uint32_t *root_base, int32_t *root_id)
{
    const LigTrieKey *first = &b->keys[range.begin];
    if (first->bytes.length == range.depth) {
        *(range.node == 0 ? root_id : &b->nodes[range.node].id) = first->id;
        while (range.begin < range.end && b->keys[range.begin].bytes.length == range.depth) range.begin++;
        if (range.begin == range.end) return LIG_OK;
    }
    Children children;
    size_t base;
    divide(b, range, &children);
    LIG_TRY(place_children(b, range.node, &children, &base));
    *(range.node == 0 ? root_base : &b->nodes[range.node].base) = (uint32_t)base;
    for (size_t i = 0; i < children.count; i++) {
        const Range child = {children.starts[i], children.starts[i + 1], range.depth + 1,
                             (uint32_t)(base + children.bytes[i])};
        LIG_TRY(push(b, stack, child));
    }
    return LIG_OK;
}

// Free places get what a reader takes for no child.
static void clean(Builder *b, uint32_t root_base, int32_t root_id)
{
    for (size_t i = 1; i < b->count; i++)
        if (b->nodes[i].parent == FREE) b->nodes[i] = (LigImageNode){0, FREE, LIG_TOKEN_NONE};
    b->nodes[0] = (LigImageNode){root_base, FREE, root_id};
}

LigStatus lig_trie_build(LigContext *ctx, LigTrieKey *keys, size_t count, LigTrie *out)
{
    *out = (LigTrie){0};
    Builder b = {.ctx = ctx, .keys = keys};
    Stack stack = {0};
    uint32_t root_base = 0;
    int32_t root_id = LIG_TOKEN_NONE;
    if (count > 1) qsort(keys, count, sizeof *keys, by_bytes);
    LigStatus status = grow(&b, 1);
    if (status == LIG_OK && count > 0) status = push(&b, &stack, (Range){0, count, 0, 0});
    while (status == LIG_OK && stack.count > 0)
        status = expand(&b, &stack, stack.ranges[--stack.count], &root_base, &root_id);
    lig_free(stack.ranges);
    if (status != LIG_OK) {
        lig_free(b.nodes);
        return status;
    }
    clean(&b, root_base, root_id);
    *out = (LigTrie){b.nodes, b.count};
    return LIG_OK;
}

void lig_trie_free(LigTrie *trie)
{
    lig_free(trie->nodes);
    *trie = (LigTrie){0};
}

#include "ir/base/alloc.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static _Atomic uint64_t allocation_count;
static _Atomic uint64_t failing_from; // allocations numbered this and above fail; 0 = none

static bool next_allocation_fails(void)
{
    uint64_t number = atomic_fetch_add_explicit(&allocation_count, 1, memory_order_relaxed) + 1;
    uint64_t limit = atomic_load_explicit(&failing_from, memory_order_relaxed);
    return limit != 0 && number >= limit;
}

void lig_alloc_fail_at(uint64_t n)
{
    uint64_t from = n == 0 ? 0 : atomic_load(&allocation_count) + n;
    atomic_store(&failing_from, from);
}

uint64_t lig_alloc_count(void) { return atomic_load(&allocation_count); }

void *lig_alloc(size_t bytes) { return next_allocation_fails() ? NULL : malloc(bytes ? bytes : 1); }

void *lig_alloc_zero(size_t bytes) { return next_allocation_fails() ? NULL : calloc(1, bytes ? bytes : 1); }

void *lig_realloc(void *pointer, size_t bytes)
{
    return next_allocation_fails() ? NULL : realloc(pointer, bytes ? bytes : 1);
}

void lig_free(void *pointer) { free(pointer); }

static const size_t huge_page = (size_t)2 << 20;

static size_t round_up_pages(size_t bytes)
{
    size_t unit = bytes >= huge_page ? huge_page : 4096;
    return (bytes + unit - 1) / unit * unit;
}

// Over-allocates by one huge page and trims, since mmap only promises 4 KiB alignment.
static void *map_huge_aligned(size_t bytes)
{
    size_t padded = bytes + huge_page;
    char *raw = mmap(NULL, padded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (raw == MAP_FAILED) return NULL;
    size_t head = (huge_page - (uintptr_t)raw % huge_page) % huge_page;
    if (head) munmap(raw, head);
    munmap(raw + head + bytes, padded - head - bytes);
    madvise(raw + head, bytes, MADV_HUGEPAGE); // advice: refusal changes speed only
    return raw + head;
}

static void *map_pages(size_t rounded)
{
    void *pages = mmap(NULL, rounded, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return pages == MAP_FAILED ? NULL : pages;
}

void *lig_alloc_pages(size_t bytes)
{
    if (next_allocation_fails() || bytes > SIZE_MAX / 4) return NULL;
    size_t rounded = round_up_pages(bytes ? bytes : 1);
    return rounded >= huge_page ? map_huge_aligned(rounded) : map_pages(rounded);
}

void *lig_alloc_sparse_pages(size_t bytes)
{
    if (next_allocation_fails() || bytes > SIZE_MAX / 4) return NULL;
    size_t rounded = round_up_pages(bytes ? bytes : 1);
    void *pages = map_pages(rounded);
    if (pages) madvise(pages, rounded, MADV_NOHUGEPAGE); // advice: refusal costs memory only
    return pages;
}

void lig_free_pages(void *pointer, size_t bytes)
{
    if (pointer) munmap(pointer, round_up_pages(bytes ? bytes : 1));
}

bool lig_mul_size(size_t a, size_t b, size_t *out) { return !__builtin_mul_overflow(a, b, out); }
bool lig_add_size(size_t a, size_t b, size_t *out) { return !__builtin_add_overflow(a, b, out); }

// The only place that calls malloc, so that memory can be counted and made to fail.
//
// lig_alloc_fail_at(n) makes the n-th allocation from now (1 = the next) and all after it return NULL:
// tests sweep n to walk every error path. The counters are process-wide and atomic.
#ifndef LIG_BASE_ALLOC_H
#define LIG_BASE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LIG_ALIGN_CACHE = 64 };

// `bytes` of uninitialised memory aligned for any type; NULL when out. Released by lig_free.
void *lig_alloc(size_t bytes);
// As lig_alloc, zeroed.
void *lig_alloc_zero(size_t bytes);
// As realloc; on failure the old block stays valid.
void *lig_realloc(void *pointer, size_t bytes);
void lig_free(void *pointer);

// Pages straight from the system, zeroed, 2 MiB aligned with the advice to use huge pages when large enough:
// for memory that will be used whole. NULL when out. Released by lig_free_pages with the same size.
void *lig_alloc_pages(size_t bytes);
// As above without huge pages: for memory of which only the parts that are touched should count (caches with
// room to grow).
void *lig_alloc_sparse_pages(size_t bytes);
void lig_free_pages(void *pointer, size_t bytes);

// a * b and a + b; false on overflow.
bool lig_mul_size(size_t a, size_t b, size_t *out);
bool lig_add_size(size_t a, size_t b, size_t *out);

// From now on the n-th allocation and all after it fail; 0 = never again.
void lig_alloc_fail_at(uint64_t n);
// How many allocations were asked for so far.
uint64_t lig_alloc_count(void);

#endif

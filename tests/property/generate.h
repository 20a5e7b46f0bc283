// Random modules at stage model, every op of the table among theirs, the same for a seed on every machine.
#ifndef LIG_PROPERTY_GENERATE_H
#define LIG_PROPERTY_GENERATE_H

#include "ir/graph.h"

// A stream of random numbers.
typedef struct Random {
    uint64_t state;
} Random;

Random random_begin(uint64_t seed);
uint32_t random_below(Random *r, uint32_t limit); // 0 <= … < limit
int64_t random_between(Random *r, int64_t low, int64_t high);
double random_real(Random *r, double low, double high);

// Symbols: N tokens in R rows, M of anything, C and S of caches. Functions named f0, f1 …; inputs named pos,
// start, slot and kv_len mean rows, as in attention.
LigStatus generate_module(LigContext *ctx, uint64_t seed, LigModule **out);

#endif

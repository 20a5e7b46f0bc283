// Counter-based random numbers: the same bits on every machine, for any order and any number of threads.
//
// Philox4x32-10: a block of four 32-bit words is a pure function of a 128-bit counter and a 64-bit key (the
// seed). There is no state: whoever needs the word at some place asks for it.
//
// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
#ifndef LIG_BASE_RANDOM_H
#define LIG_BASE_RANDOM_H

#include <stdint.h>

typedef struct LigRandomBlock {
    uint32_t word[4];
} LigRandomBlock;

// The block at counter (low, high) under `key`. Counter words, least first: low's low half, low's high half,
// then high's; key words: low half, high half.
LigRandomBlock lig_random_block(uint64_t key, uint64_t counter_low, uint64_t counter_high);

// The word's upper 24 bits as a float in [0, 1), exact.
float lig_random_unit_f32(uint32_t word);
// 53 bits (all of `high`, the upper 21 of `low`) as a double in [0, 1), exact.
double lig_random_unit_f64(uint32_t high, uint32_t low);

#endif

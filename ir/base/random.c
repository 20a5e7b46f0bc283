#include "ir/base/random.h"

enum { PHILOX_ROUNDS = 10 };

static const uint32_t multiplier[2] = {0xD2511F53u, 0xCD9E8D57u};
static const uint32_t key_step[2] = {0x9E3779B9u, 0xBB67AE85u}; // golden ratio, sqrt(3) - 1

static LigRandomBlock philox_round(LigRandomBlock c, const uint32_t key[2])
{
    uint64_t a = (uint64_t)multiplier[0] * c.word[0];
    uint64_t b = (uint64_t)multiplier[1] * c.word[2];
    return (LigRandomBlock){{
        (uint32_t)(b >> 32) ^ c.word[1] ^ key[0],
        (uint32_t)b,
        (uint32_t)(a >> 32) ^ c.word[3] ^ key[1],
        (uint32_t)a,
    }};
}

LigRandomBlock lig_random_block(uint64_t key, uint64_t counter_low, uint64_t counter_high)
{
    LigRandomBlock block = {{(uint32_t)counter_low, (uint32_t)(counter_low >> 32), (uint32_t)counter_high,
                             (uint32_t)(counter_high >> 32)}};
    uint32_t round_key[2] = {(uint32_t)key, (uint32_t)(key >> 32)};
    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        block = philox_round(block, round_key);
        round_key[0] += key_step[0];
        round_key[1] += key_step[1];
    }
    return block;
}

float lig_random_unit_f32(uint32_t word) { return (float)(word >> 8) * 0x1p-24f; }

double lig_random_unit_f64(uint32_t high, uint32_t low)
{
    return (double)(((uint64_t)high << 21) | (low >> 11)) * 0x1p-53;
}

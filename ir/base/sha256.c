#include "ir/base/sha256.h"

#include <string.h>

// FIPS 180-4, 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64 primes.
static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

bool lig_digest_equal(const LigDigest *a, const LigDigest *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

void lig_digest_hex(const LigDigest *digest, char out[LIG_SHA256_HEX_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    for (int i = 0; i < LIG_SHA256_BYTES; i++) {
        out[2 * i] = digits[digest->bytes[i] >> 4];
        out[2 * i + 1] = digits[digest->bytes[i] & 15];
    }
    out[LIG_SHA256_HEX_BYTES - 1] = '\0';
}

static uint32_t rotate(uint32_t x, int n) { return x >> n | x << (32 - n); }

static void read_words(const unsigned char *block, uint32_t words[64])
{
    for (int i = 0; i < 16; i++) {
        const unsigned char *at = block + 4 * i;
        words[i] = (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
    }
    for (int i = 16; i < 64; i++) {
        uint32_t a = words[i - 15], b = words[i - 2];
        words[i] = words[i - 16] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) + words[i - 7] +
                   (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
    }
}

// The letters are those of FIPS 180-4, 6.2.2: s[0] = a … s[7] = h.
static void add_block(uint32_t state[8], const unsigned char *block)
{
    uint32_t words[64], s[8];
    read_words(block, words);
    memcpy(s, state, sizeof s);
    for (int i = 0; i < 64; i++) {
        uint32_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
        uint32_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
        uint32_t first = s[7] + (rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25)) + choice +
                         round_constants[i] + words[i];
        uint32_t second = (rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22)) + majority;
        memmove(s + 1, s, 7 * sizeof *s);
        s[4] += first;
        s[0] = first + second;
    }
    for (int i = 0; i < 8; i++) state[i] += s[i];
}

// 5.3.3: the first 32 bits of the fractional parts of the square roots of the first 8 primes.
LigSha256 lig_sha256_begin(void)
{
    return (LigSha256){.state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
                                 0x1f83d9ab, 0x5be0cd19}};
}

void lig_sha256_add(LigSha256 *sha, const void *data, size_t bytes)
{
    const unsigned char *at = data;
    size_t held = sha->bytes % LIG_SHA256_BLOCK_BYTES;
    sha->bytes += bytes;
    while (bytes > 0) {
        if (held == 0 && bytes >= LIG_SHA256_BLOCK_BYTES) {
            add_block(sha->state, at);
            at += LIG_SHA256_BLOCK_BYTES;
            bytes -= LIG_SHA256_BLOCK_BYTES;
            continue;
        }
        size_t room = LIG_SHA256_BLOCK_BYTES - held, part = bytes < room ? bytes : room;
        memcpy(sha->block + held, at, part);
        held = (held + part) % LIG_SHA256_BLOCK_BYTES;
        if (held == 0) add_block(sha->state, sha->block);
        at += part;
        bytes -= part;
    }
}

void lig_sha256_add_str(LigSha256 *sha, LigStr piece)
{
    uint64_t length = piece.length;
    lig_sha256_add(sha, &length, sizeof length);
    lig_sha256_add(sha, piece.data, piece.length);
}

LigDigest lig_sha256_end(LigSha256 *sha)
{
    static const unsigned char padding[LIG_SHA256_BLOCK_BYTES] = {0x80};
    uint64_t bits = sha->bytes * 8;
    size_t held = sha->bytes % LIG_SHA256_BLOCK_BYTES, end = LIG_SHA256_BLOCK_BYTES - sizeof bits;
    lig_sha256_add(sha, padding, held < end ? end - held : LIG_SHA256_BLOCK_BYTES + end - held);
    unsigned char length[8];
    for (int i = 0; i < 8; i++) length[i] = (unsigned char)(bits >> (56 - 8 * i));
    lig_sha256_add(sha, length, sizeof length);
    LigDigest digest;
    for (int i = 0; i < LIG_SHA256_BYTES; i++)
        digest.bytes[i] = (unsigned char)(sha->state[i / 4] >> (24 - i % 4 * 8));
    return digest;
}

LigDigest lig_sha256(const void *data, size_t bytes)
{
    LigSha256 sha = lig_sha256_begin();
    lig_sha256_add(&sha, data, bytes);
    return lig_sha256_end(&sha);
}

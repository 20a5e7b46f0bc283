// SHA-256: names of cached objects, and the check that files are whole.
//
// Source: FIPS 180-4.
#ifndef LIG_BASE_SHA256_H
#define LIG_BASE_SHA256_H

#include "ir/base/str.h"

#include <stdint.h>

enum { LIG_SHA256_BYTES = 32, LIG_SHA256_HEX_BYTES = 65, LIG_SHA256_BLOCK_BYTES = 64 };

typedef struct LigDigest {
    unsigned char bytes[LIG_SHA256_BYTES];
} LigDigest;

bool lig_digest_equal(const LigDigest *a, const LigDigest *b);
// In lower-case hex, zero-terminated.
void lig_digest_hex(const LigDigest *digest, char out[LIG_SHA256_HEX_BYTES]);

// The digest of bytes that come in pieces.
typedef struct LigSha256 {
    uint32_t state[8];
    uint64_t bytes; // so far
    unsigned char block[LIG_SHA256_BLOCK_BYTES];
} LigSha256;

LigSha256 lig_sha256_begin(void);
void lig_sha256_add(LigSha256 *sha, const void *data, size_t bytes);
// A piece with its length before it, so that two pieces are never taken for two others that join to the same.
void lig_sha256_add_str(LigSha256 *sha, LigStr piece);
LigDigest lig_sha256_end(LigSha256 *sha);

// The digest of one piece.
LigDigest lig_sha256(const void *data, size_t bytes);

#endif

// Inside of reading config.json: import_hf.c (keys, the head, the whole), import_hf_rope.c and
// import_hf_layers.c.
#ifndef LIG_FRONTEND_IMPORT_HF_H
#define LIG_FRONTEND_IMPORT_HF_H

#include "frontend/architectures.h"
#include "frontend/json.h"

// A number that a key gave.
typedef struct LigHfClaim {
    LigJsonKey by;
    size_t offset; // of the field in LigHfConfig
    double value;
} LigHfClaim;

enum { LIG_HF_CLAIMS = 64 };

typedef struct LigHfReader {
    const LigJson *json; // the whole file
    LigHfConfig *config; // what it says so far
    LigHfClaim claims[LIG_HF_CLAIMS];
    size_t claim_count;
    LigJson scaling, parameters, full, sliding; // objects about rope; claims refer to them
} LigHfReader;

// Records that a key gives the field at `offset` this value. INVALID, naming both keys and their values, when
// another key gave it another.
LigStatus lig_hf__claim(LigHfReader *r, LigJsonKey by, size_t offset, double value) LIG_MUST_CHECK;
// Reads a number into the field at `offset`, if the key is there. `use`: one of the numbers of LigConfigUse, which
// tells the range. Errors: INVALID (range, or a claim), each naming key and value.
LigStatus lig_hf__number(LigHfReader *r, LigJsonKey from, LigConfigUse use, size_t offset) LIG_MUST_CHECK;

// rope_scaling and rope_parameters.
LigStatus lig_hf__ropes(LigHfReader *r) LIG_MUST_CHECK;
// Blocks and runs of the spec, from the pattern of all blocks and what says which layers have a window.
LigStatus lig_hf__layers(LigHfReader *r) LIG_MUST_CHECK;

#endif

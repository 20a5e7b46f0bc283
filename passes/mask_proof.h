// What an additive mask of dense attention lets through, proven from the graph.
#ifndef LIG_PASSES_MASK_PROOF_H
#define LIG_PASSES_MASK_PROOF_H

#include "ir/graph.h"

// Key j of query i in batch b is seen iff j <= i (when causal) and j < lengths[b] (when there are lengths).
typedef struct LigMaskProof {
    bool causal;
    LigValue *lengths; // i32[B]; NULL: every key
} LigMaskProof;

// Whether `mask`, which broadcasts to scores [B,H,S,T], is 0 where a key is seen and -inf where not, with seen as
// above for some `out`. False where that is not shown: a mask from data may have holes.
bool lig_mask_prove(LigValue *mask, LigMaskProof *out);

#endif

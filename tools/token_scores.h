// How likely given tokens are: natural logarithms of their probabilities, by a decoder's session.
#ifndef LIG_TOOLS_TOKEN_SCORES_H
#define LIG_TOOLS_TOKEN_SCORES_H

#include "runtime/rt/threads.h"
#include "runtime/session.h"

typedef struct LigTokenScorer {
    LigContext *ctx;
    LigSession *session; // slot 0 is used
    const LigParallel *parallel;
    float *logits; // [most wanted, vocabulary]
} LigTokenScorer;

// Errors: NO_MEMORY. Release by lig_token_scorer_close, whatever is returned.
LigStatus lig_token_scorer_open(LigTokenScorer *scorer) LIG_MUST_CHECK;
void lig_token_scorer_close(LigTokenScorer *scorer);

// Feeds ids[0 .. count-1) after what the slot holds, and gives scores[i - first] = log p(ids[i] | all before it) for
// first <= i < count. `first` is at least 1: something must come before. The head is computed for those tokens
// alone. Errors: those of a step.
LigStatus lig_token_scores(const LigTokenScorer *scorer, const int32_t *ids, int64_t count, int64_t first,
                           double *scores) LIG_MUST_CHECK;

#endif

// Choosing the next token from a row of logits.
//
// The steps, in order: repetition penalty; greedy when temperature is 0; temperature; softmax; then the
// candidates in falling order of probability are cut by top_k, top_p and min_p, and one is drawn in proportion.
// All arithmetic after the logits is in double precision and uses no libm: the same logits, options and seed
// choose the same token on every machine.
//
// Ownership: a sampler owns scratch memory for one vocabulary size. Threading: one thread at a time.
#ifndef LIG_RT_SAMPLE_H
#define LIG_RT_SAMPLE_H

#include "ir/base/status.h"

typedef struct LigSampling {
    float temperature;        // 0 = greedy (the largest logit, the first at ties); 1 = as the model says
    int32_t top_k;            // keep this many; 0 = all
    float top_p;              // keep the shortest prefix whose probabilities sum to this; 1 = all; in (0, 1]
    float min_p;              // drop what is below this times the largest probability; 0 = none; in [0, 1]
    float repetition_penalty; // of tokens in the history: positive logits are divided by it, others multiplied;
                              // 1 = off
    uint64_t seed;
} LigSampling;

#define LIG_SAMPLING_GREEDY ((LigSampling){.top_p = 1, .repetition_penalty = 1})

// What is chosen from. `position` counts the tokens chosen in this sequence: it is the counter of the random
// number.
typedef struct LigSampleInput {
    const float *logits; // as many as the sampler's vocabulary; -inf means "never"
    const int32_t *history;
    size_t history_count; // ids outside the vocabulary are ignored
    uint64_t position;
} LigSampleInput;

typedef struct LigSampler LigSampler;

// Errors: INVALID for a vocabulary below 1, NO_MEMORY.
LIG_MUST_CHECK LigStatus lig_sampler_create(LigContext *ctx, int32_t vocabulary, LigSampler **out);
void lig_sampler_destroy(LigSampler *sampler);

// INVALID, with the option's name, where one is outside its range.
LIG_MUST_CHECK LigStatus lig_sampling_check(LigContext *ctx, const LigSampling *options);

// Errors: INVALID for options out of range, for a logit that is NaN or +inf (naming the token), or where all
// are -inf.
LIG_MUST_CHECK LigStatus lig_sample(LigContext *ctx, LigSampler *sampler, const LigSampling *options,
                                    const LigSampleInput *input, int32_t *token);

#endif

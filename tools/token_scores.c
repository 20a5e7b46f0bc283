#include "tools/token_scores.h"

#include "ir/base/alloc.h"

#include <math.h>

LigStatus lig_token_scorer_open(LigTokenScorer *scorer)
{
    size_t rows = (size_t)lig_session_most_wanted(scorer->session);
    scorer->logits = lig_alloc(rows * (size_t)lig_session_vocabulary(scorer->session) * sizeof(float));
    return scorer->logits ? LIG_OK : lig_no_memory(scorer->ctx);
}

void lig_token_scorer_close(LigTokenScorer *scorer) { lig_free(scorer->logits); }

static double log_probability(const float *logits, int64_t vocabulary, int32_t id)
{
    float most = logits[0];
    for (int64_t i = 1; i < vocabulary; i++) most = logits[i] > most ? logits[i] : most;
    double sum = 0;
    for (int64_t i = 0; i < vocabulary; i++) sum += (double)expf(logits[i] - most);
    return (double)logits[id] - (double)most - log(sum);
}

// Rows of logits and the tokens that follow them.
typedef struct Rows {
    const LigTokenScorer *scorer;
    const int32_t *next;
    double *scores;
} Rows;

static void score_rows(void *user, int thread, int64_t begin, int64_t end)
{
    (void)thread;
    const Rows *rows = user;
    int64_t vocabulary = lig_session_vocabulary(rows->scorer->session);
    for (int64_t i = begin; i < end; i++) {
        rows->scores[i] = log_probability(rows->scorer->logits + i * vocabulary, vocabulary, rows->next[i]);
    }
}

LigStatus lig_token_scores(const LigTokenScorer *scorer, const int32_t *ids, int64_t count, int64_t first,
                           double *scores)
{
    LIG_ASSERT(first >= 1 && first <= count);
    // The logits at a token are about the next one.
    if (first > 1) LIG_TRY(lig_session_feed(scorer->session, 0, ids, first - 1, NULL));
    int64_t most = lig_session_most_wanted(scorer->session);
    for (int64_t at = first - 1; at < count - 1;) {
        int64_t piece = count - 1 - at < most ? count - 1 - at : most;
        const LigRow row = {.slot = 0, .ids = ids + at, .count = piece, .wanted = piece};
        LIG_TRY(lig_session_step(scorer->session, &row, 1, scorer->logits));
        Rows rows = {scorer, ids + at + 1, scores + (at - (first - 1))};
        scorer->parallel->run(scorer->parallel->self, piece, score_rows, &rows);
        at += piece;
    }
    return LIG_OK;
}

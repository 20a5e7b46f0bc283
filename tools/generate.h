// From a prompt to an answer: feed, choose, show, until an end.
#ifndef LIG_TOOLS_GENERATE_H
#define LIG_TOOLS_GENERATE_H

#include "runtime/rt/sample.h"
#include "runtime/session.h"
#include "runtime/text/tokenizer.h"
#include "tools/stop_text.h"

typedef enum LigFinish {
    LIG_FINISH_LENGTH,      // as many tokens as asked for, or as the context holds
    LIG_FINISH_END,         // the end token
    LIG_FINISH_STOP,        // a stop text
    LIG_FINISH_INTERRUPTED, // Ctrl-C
} LigFinish;
const char *lig_finish_name(LigFinish finish); // length end stop interrupted

// Shows a piece of the answer: whole characters.
typedef LigStatus (*LigShowFn)(void *user, LigStr text);

typedef struct LigGenerator {
    LigContext *ctx;
    LigSession *session;           // slot 0 is used
    const LigTokenizer *tokenizer; // NULL: ids only
    LigSampling sampling;
    int64_t limit;   // tokens at most
    bool ignore_eos; // go on after the end token
    const char *const *stops;
    size_t stop_count;
    LigShowFn show;
    void *show_user;
    LigSampler *sampler; // made by lig_generator_prepare
    float *logits;
    LigTokenIds history; // every id chosen or fed, in order; the last may not be in the session yet
} LigGenerator;

typedef struct LigAnswer {
    LigTokenIds tokens; // the end token included
    LigText text;       // without it
    double prefill_ms, decode_ms;
    LigFinish finish;
} LigAnswer;

// Allocates for the session's vocabulary. Errors: INVALID (sampling out of range), NO_MEMORY.
LigStatus lig_generator_prepare(LigGenerator *generator) LIG_MUST_CHECK;
// Feeds `count` ids after what the session holds, and answers. `answer` is zeroed by the caller, and released
// by lig_answer_free whatever is returned.
LigStatus lig_generate(LigGenerator *generator, const int32_t *ids, size_t count,
                       LigAnswer *answer) LIG_MUST_CHECK;
void lig_answer_free(LigAnswer *answer);
void lig_generator_release(LigGenerator *generator);

#endif

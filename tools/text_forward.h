// Texts through an encoder (or a decoder's @forward), several at once: what embed and classify share.
//
// Texts are the operands after MODEL; else the lines of standard input, or with --jsonl its objects' "text".
#ifndef LIG_TOOLS_TEXT_FORWARD_H
#define LIG_TOOLS_TEXT_FORWARD_H

#include "runtime/forward.h"
#include "tools/json_lines.h"
#include "tools/model_open.h"

// What the model makes of one text.
typedef struct LigTextVectors {
    int64_t tokens;
    const float *hidden; // [tokens, hidden_width]
    int64_t hidden_width;
    const float *logits; // [logits_width] where the model gives one vector a text; else NULL
    int64_t logits_width;
} LigTextVectors;

typedef LigStatus (*LigTextVectorsFn)(void *user, const LigTextVectors *vectors);

typedef struct LigTextForward {
    LigOptions *options;
    int64_t max_tokens; // of a text; 0 = as many as the model takes. Longer ones are cut, with a word
    LigTextVectorsFn take;
    void *user;
    LigCommandOutput output; // for `take`; flushed after each call of the model
} LigTextForward;

// Opens the model and the output, and gives `take` the vectors of each text, in order. Errors: those of opening, of
// reading, of `take`.
LigStatus lig_text_forward(LigTextForward *work) LIG_MUST_CHECK;

#endif

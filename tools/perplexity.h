// How well a decoder foretells a text, in windows.
#ifndef LIG_TOOLS_PERPLEXITY_H
#define LIG_TOOLS_PERPLEXITY_H

#include "tools/options.h"

typedef struct LigPerplexity {
    double mean_nll; // of a token, in nats; its exponential is the perplexity
    int64_t tokens;  // that were scored
} LigPerplexity;

// Of the model that the operand names, over the text in the file `text`, by --window, --stride and --tokens. Errors:
// those of opening and running a model, UNSUPPORTED (no decoder), NOT_FOUND (no tokenizer), INVALID (too short a
// text).
LigStatus lig_perplexity_measure(LigOptions *options, const char *text, LigPerplexity *out) LIG_MUST_CHECK;

#endif

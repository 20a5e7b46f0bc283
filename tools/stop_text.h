// Texts that end an answer: what may be the beginning of one is held back until it is clear.
#ifndef LIG_TOOLS_STOP_TEXT_H
#define LIG_TOOLS_STOP_TEXT_H

#include "ir/base/str.h"

typedef struct LigStopText {
    const char *const *stops; // borrowed; empty ones are ignored
    size_t count;
    LigText held;
    size_t shown; // bytes of `held` that were given out
} LigStopText;

// Takes new text. `*ready` is what may be shown now: valid until the next call. True when a stop was met:
// `*ready` is then what came before the first one, and nothing is held.
bool lig_stop_text_feed(LigStopText *stop, LigStr text, LigStr *ready);
// The end: what is still held back.
LigStr lig_stop_text_flush(LigStopText *stop);
void lig_stop_text_free(LigStopText *stop);

#endif

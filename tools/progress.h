// How far a long piece of work is: rate and time left, on one line that rewrites itself.
//
// Shown only on a terminal that nothing else writes to, or with --progress (then a line now and then, when not
// on a terminal); never with -q.
#ifndef LIG_TOOLS_PROGRESS_H
#define LIG_TOOLS_PROGRESS_H

#include "tools/options.h"

typedef struct LigProgress {
    bool shown, on_terminal;
    const char *what, *unit; // "forward", "tokens"
    int64_t total;
    double began, printed; // seconds
} LigProgress;

LigProgress lig_progress_start(const LigOptions *options, const char *what, const char *unit, int64_t total);
void lig_progress_step(LigProgress *progress, int64_t done);
// Wipes the line.
void lig_progress_end(LigProgress *progress);

// Seconds of a clock that only goes forward.
double lig_seconds(void);

#endif

#include "tools/progress.h"

#include "ir/base/clock.h"

#include <stdio.h>
#include <unistd.h>

double lig_seconds(void) { return (double)lig_clock_ns() * 1e-9; }

LigProgress lig_progress_start(const LigOptions *options, const char *what, const char *unit, int64_t total)
{
    bool on_terminal = isatty(STDERR_FILENO) != 0;
    bool asked = lig_option_given(options, LIG_OPT_PROGRESS);
    bool quiet = lig_option_given(options, LIG_OPT_QUIET);
    double now = lig_seconds();
    return (LigProgress){.shown = !quiet && (asked || on_terminal),
                         .on_terminal = on_terminal,
                         .what = what,
                         .unit = unit,
                         .total = total,
                         .began = now,
                         .printed = now};
}

void lig_progress_step(LigProgress *progress, int64_t done)
{
    if (!progress->shown) return;
    double now = lig_seconds();
    if (now - progress->printed < (progress->on_terminal ? 0.1 : 1.0)) return;
    progress->printed = now;
    double rate = (double)done / (now - progress->began);
    double left = rate > 0 ? (double)(progress->total - done) / rate : 0;
    fprintf(stderr, "%s%s: %lld of %lld %s, %.1f/s, %.0f s left%s", progress->on_terminal ? "\r" : "",
            progress->what, (long long)done, (long long)progress->total, progress->unit, rate, left,
            progress->on_terminal ? "\033[K" : "\n");
    fflush(stderr);
}

void lig_progress_end(LigProgress *progress)
{
    if (progress->shown && progress->on_terminal) fputs("\r\033[K", stderr);
    progress->shown = false;
}

// Where the time and the memory went, for people.
#ifndef LIG_TOOLS_TIME_REPORT_H
#define LIG_TOOLS_TIME_REPORT_H

#include "runtime/executable.h"
#include "tools/options.h"

// With --time: a line per kernel on standard error, the dearest first: calls, time, share.
void lig_time_report(const LigOptions *options, const LigExecutable *executable);
// With -v: what compiling cost, and the memory.
void lig_memory_report(const LigOptions *options, const LigExecutable *executable);

#endif

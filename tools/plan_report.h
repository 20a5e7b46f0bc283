// What plans take in memory.
#ifndef LIG_TOOLS_PLAN_REPORT_H
#define LIG_TOOLS_PLAN_REPORT_H

#include "ir/graph.h"
#include "tools/options.h"

// A line a variant of a planned module on standard error, with -v: its arena, and what is alive at once.
void lig_plan_report(const LigOptions *options, const LigModule *module);

#endif

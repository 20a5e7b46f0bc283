// What --verify found: how many calls passes were held to, and how far those that change meaning moved them.
#ifndef LIG_TOOLS_VERIFY_REPORT_H
#define LIG_TOOLS_VERIFY_REPORT_H

#include "passes/compare.h"
#include "tools/options.h"

// On standard error: a word where nothing could be compared, with -v how many calls were, and a line a measure.
void lig_verify_report(const LigOptions *options, size_t calls, const LigMeasure *measures, size_t count);

#endif

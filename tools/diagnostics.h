// What a person reads on standard error: `liga: FILE: WHAT is wrong: WHAT to do`, one line each.
#ifndef LIG_TOOLS_DIAGNOSTICS_H
#define LIG_TOOLS_DIAGNOSTICS_H

#include "tools/options.h"

// Prints the context's diagnostics, at most LIG_MAX_DIAGNOSTICS lines; the last one tells how many more there
// were. `file` is named where a diagnostic names none; NULL = nothing is. In colour only on a terminal.
void lig_diagnostics_print(const LigContext *ctx, const char *file);

// A line for the curious (-v), and one for everybody who is not told to be quiet.
void lig_tell_verbose(const LigOptions *options, const char *format, ...) LIG_PRINTF(2, 3);
void lig_tell(const LigOptions *options, const char *format, ...) LIG_PRINTF(2, 3);

#endif

// Standard input, whole or by lines.
#ifndef LIG_TOOLS_STANDARD_INPUT_H
#define LIG_TOOLS_STANDARD_INPUT_H

#include "ir/base/str.h"

// Appends all of it. Errors: IO, NO_MEMORY.
LigStatus lig_stdin_read_all(LigContext *ctx, LigText *out) LIG_MUST_CHECK;

typedef struct LigStdinLine {
    LigText text;    // the line, without its end
    uint32_t number; // from 1
} LigStdinLine;

// The next line into `line`; *more is false at the end of input (or when an interrupt came). Errors: IO,
// NO_MEMORY.
LigStatus lig_stdin_read_line(LigContext *ctx, LigStdinLine *line, bool *more) LIG_MUST_CHECK;

#endif

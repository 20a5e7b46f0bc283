// Where a command's data goes: -o FILE, or standard output.
#ifndef LIG_TOOLS_COMMAND_OUTPUT_H
#define LIG_TOOLS_COMMAND_OUTPUT_H

#include "ir/base/file.h"
#include "tools/options.h"

typedef struct LigCommandOutput {
    LigContext *ctx;
    LigOutput *file; // NULL: standard output
    LigText waiting; // for standard output
} LigCommandOutput;

// Opens what -o says. Until a file is closed, an interrupt waits (tools/interrupt.h).
LigStatus lig_command_output_open(const LigOptions *options, LigCommandOutput *out) LIG_MUST_CHECK;
void lig_command_output_write(LigCommandOutput *output, LigStr text);
// Sends what was written on its way, when a reader may be waiting; drops it when an interrupt comes while the
// reader is not. Errors: IO, NO_MEMORY.
LigStatus lig_command_output_flush(LigCommandOutput *output) LIG_MUST_CHECK;
// Completes the output when `status` is LIG_OK and no interrupt came, else drops it. Returns `status`, or what
// went wrong now.
LigStatus lig_command_output_close(LigCommandOutput *output, LigStatus status) LIG_MUST_CHECK;

// All of it at once. `text->failed` is looked at; frees `text`.
LigStatus lig_command_output_text(const LigOptions *options, LigText *text) LIG_MUST_CHECK;

#endif

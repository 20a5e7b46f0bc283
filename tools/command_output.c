#include "tools/command_output.h"

#include "tools/interrupt.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

LigStatus lig_command_output_open(const LigOptions *options, LigCommandOutput *out)
{
    const char *path = lig_option_text(options, LIG_OPT_OUTPUT);
    if (!path) path = "-";
    *out = (LigCommandOutput){.ctx = options->ctx, .is_stdout = strcmp(path, "-") == 0};
    if (!out->is_stdout) lig_interrupts_defer();
    LigStatus status = lig_output_open(options->ctx, path, &out->output);
    if (status != LIG_OK) lig_interrupts_allow();
    return status;
}

void lig_command_output_write(LigCommandOutput *output, LigStr text)
{
    lig_output_write(output->output, text.data, text.length);
}

LigStatus lig_command_output_flush(LigCommandOutput *output)
{
    if (!output->is_stdout || fflush(stdout) == 0) return LIG_OK;
    return lig_fail(output->ctx, LIG_ERR_IO, LIG_FILE_LOC("standard output"), "can't be written: %s",
                    strerror(errno));
}

LigStatus lig_command_output_close(LigCommandOutput *output, LigStatus status)
{
    if (status == LIG_OK && !lig_interrupted()) {
        status = lig_output_close(output->ctx, output->output);
    } else {
        lig_output_discard(output->output);
    }
    output->output = NULL;
    lig_interrupts_allow();
    return status;
}

LigStatus lig_command_output_text(const LigOptions *options, LigText *text)
{
    LigCommandOutput output;
    LigStatus status = text->failed ? lig_no_memory(options->ctx) : lig_command_output_open(options, &output);
    if (status == LIG_OK) {
        lig_command_output_write(&output, lig_text_view(text));
        status = lig_command_output_close(&output, LIG_OK);
    }
    lig_text_free(text);
    return status;
}

// Standard output is written without stdio, so that a write that an interrupt cuts short is known to the byte.
#include "tools/command_output.h"

#include "tools/interrupt.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

LigStatus lig_command_output_open(const LigOptions *options, LigCommandOutput *out)
{
    const char *path = lig_option_text(options, LIG_OPT_OUTPUT);
    *out = (LigCommandOutput){.ctx = options->ctx};
    if (!path || strcmp(path, "-") == 0) return LIG_OK;
    lig_interrupts_defer();
    LigStatus status = lig_output_open(options->ctx, path, &out->file);
    if (status != LIG_OK) lig_interrupts_allow();
    return status;
}

void lig_command_output_write(LigCommandOutput *output, LigStr text)
{
    if (output->file) {
        lig_output_write(output->file, text.data, text.length);
    } else {
        lig_text_append(&output->waiting, text);
    }
}

// True when all was written, or an interrupt came.
static bool write_all(LigStr text)
{
    while (text.length > 0) {
        ssize_t bytes = write(STDOUT_FILENO, text.data, text.length);
        if (bytes < 0 && errno != EINTR) return false;
        if (bytes < 0 && lig_interrupted()) return true;
        if (bytes > 0) text = lig_str_skip(text, (size_t)bytes);
    }
    return true;
}

LigStatus lig_command_output_flush(LigCommandOutput *output)
{
    if (output->file) return LIG_OK;
    if (output->waiting.failed) return lig_no_memory(output->ctx);
    bool written = write_all(lig_text_view(&output->waiting));
    lig_text_clear(&output->waiting);
    if (written) return LIG_OK;
    return lig_fail(output->ctx, LIG_ERR_IO, LIG_FILE_LOC("standard output"), "can't be written: %s",
                    strerror(errno));
}

LigStatus lig_command_output_close(LigCommandOutput *output, LigStatus status)
{
    bool is_whole = status == LIG_OK && !lig_interrupted();
    if (!output->file) {
        if (is_whole) status = lig_command_output_flush(output);
        lig_text_free(&output->waiting);
        return status;
    }
    if (is_whole) {
        status = lig_output_close(output->ctx, output->file);
    } else {
        lig_output_discard(output->file);
    }
    output->file = NULL;
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

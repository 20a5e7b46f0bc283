#include "tools/standard_input.h"

#include "tools/interrupt.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static LigStatus fail_read(LigContext *ctx)
{
    return lig_fail(ctx, LIG_ERR_IO, LIG_FILE_LOC("standard input"), "can't be read: %s", strerror(errno));
}

LigStatus lig_stdin_read_all(LigContext *ctx, LigText *out)
{
    char piece[1 << 16];
    size_t bytes;
    while ((bytes = fread(piece, 1, sizeof piece, stdin)) > 0) lig_text_append(out, (LigStr){piece, bytes});
    if (out->failed) return lig_no_memory(ctx);
    return ferror(stdin) && !lig_interrupted() ? fail_read(ctx) : LIG_OK;
}

LigStatus lig_stdin_read_line(LigContext *ctx, LigStdinLine *line, bool *more)
{
    lig_text_clear(&line->text);
    line->number++;
    int c;
    bool any = false;
    while ((c = getc(stdin)) != EOF) {
        any = true;
        if (c == '\n') break;
        lig_text_append_char(&line->text, (char)c);
    }
    *more = any && !lig_interrupted();
    if (line->text.failed) return lig_no_memory(ctx);
    if (c == EOF && ferror(stdin) && !lig_interrupted()) return fail_read(ctx);
    return LIG_OK;
}

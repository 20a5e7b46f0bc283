#include "tools/diagnostics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool is_coloured(void)
{
    const char *terminal = getenv("TERM");
    return isatty(STDERR_FILENO) && !getenv("NO_COLOR") && terminal && strcmp(terminal, "dumb") != 0;
}

static void add_place(LigText *line, const LigLoc *loc, const char *file)
{
    const char *name = loc->file ? loc->file : file;
    if (!name) return;
    lig_text_append_visible(line, lig_str(name));
    lig_text_append_char(line, ':');
    if (loc->line > 0) lig_text_printf(line, "%u:", (unsigned)loc->line);
    if (loc->line > 0 && loc->column > 0) lig_text_printf(line, "%u:", (unsigned)loc->column);
    lig_text_append_char(line, ' ');
}

// Names of files and tensors come from whoever made them, and must not command the terminal.
static void print_diagnostic(const LigDiagnostic *diagnostic, const char *file)
{
    LigText line = {0};
    add_place(&line, &diagnostic->loc, file);
    lig_text_append_visible(&line, lig_str(diagnostic->message));
    LigStr whole = line.failed ? LIG_STR("out of memory") : lig_text_view(&line);
    fwrite(whole.data, 1, whole.length, stderr);
    fputc('\n', stderr);
    lig_text_free(&line);
}

void lig_diagnostics_print(const LigContext *ctx, const char *file)
{
    const char *name = is_coloured() ? "\033[1;31mliga:\033[0m " : "liga: ";
    size_t count = lig_context_diagnostic_count(ctx), dropped = lig_context_dropped_count(ctx);
    if (dropped > 0 && count == LIG_MAX_DIAGNOSTICS) {
        count--; // its line says how many there were
        dropped++;
    }
    for (size_t i = 0; i < count; i++) {
        fputs(name, stderr);
        print_diagnostic(lig_context_diagnostic(ctx, i), file);
    }
    if (dropped > 0) fprintf(stderr, "%sand %zu more: mend these first\n", name, dropped);
}

LIG_PRINTF(1, 0) static void tell(const char *format, va_list args)
{
    fputs("liga: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

void lig_tell_verbose(const LigOptions *options, const char *format, ...)
{
    if (!lig_option_given(options, LIG_OPT_VERBOSE) || lig_option_given(options, LIG_OPT_QUIET)) return;
    va_list args;
    va_start(args, format);
    tell(format, args);
    va_end(args);
}

void lig_tell(const LigOptions *options, const char *format, ...)
{
    if (lig_option_given(options, LIG_OPT_QUIET)) return;
    va_list args;
    va_start(args, format);
    tell(format, args);
    va_end(args);
}

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

static void print_place(const LigLoc *loc, const char *file)
{
    const char *name = loc->file ? loc->file : file;
    if (!name) return;
    fprintf(stderr, "%s:", name);
    if (loc->line > 0) fprintf(stderr, "%u:", (unsigned)loc->line);
    if (loc->line > 0 && loc->column > 0) fprintf(stderr, "%u:", (unsigned)loc->column);
    fputc(' ', stderr);
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
        const LigDiagnostic *diagnostic = lig_context_diagnostic(ctx, i);
        fputs(name, stderr);
        print_place(&diagnostic->loc, file);
        fprintf(stderr, "%s\n", diagnostic->message);
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

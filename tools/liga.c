// liga: the command. Finds the subcommand, reads its options, runs it, and tells how it went.
//
// Exit codes: 0 done; 1 it could not be done; 2 wrong usage.
#include "ir/near.h"
#include "tools/command_output.h"
#include "tools/diagnostics.h"
#include "tools/interrupt.h"
#include "tools/option_table.h"
#include "tools/version.h"

#include <stdio.h>
#include <string.h>

enum { DONE = 0, FAILED = 1, MISUSED = 2 };

static void print_commands(FILE *stream)
{
    fputs("liga COMMAND [options]\n"
          "  compiles transformer language models to native code, and runs them\n\nCommands:\n",
          stream);
    for (size_t i = 0; i < LIG_COMMAND_COUNT; i++) {
        fprintf(stream, "  %-10s %s\n", lig_command(i)->name, lig_command(i)->summary);
    }
    fprintf(stream,
            "\nExample:\n  %s\n\nliga COMMAND --help tells a command's options; liga --version what was "
            "built.\n",
            lig_command(0)->example);
}

static LigStatus print_text(LigOptions *options, LigText *text)
{
    options->values[LIG_OPT_OUTPUT].text = NULL;
    return lig_command_output_text(options, text);
}

static LigStatus print_version(LigOptions *options)
{
    LigText text = {0};
    LigStatus status = lig_version_describe(options->ctx, &text);
    if (status == LIG_OK) return print_text(options, &text);
    lig_text_free(&text);
    return status;
}

static LigStatus print_help(LigOptions *options)
{
    LigText text = {0};
    lig_options_help(&text, options->command);
    return print_text(options, &text);
}

static LigStatus run_command(LigOptions *options, int argc, char **argv)
{
    LIG_TRY(lig_options_parse(options, argc, argv));
    if (lig_option_given(options, LIG_OPT_HELP)) return print_help(options);
    if (lig_option_given(options, LIG_OPT_VERSION)) return print_version(options);
    return options->command->run(options);
}

static int finish(const LigOptions *options, LigStatus status)
{
    if (status == LIG_OK) return DONE;
    lig_diagnostics_print(options->ctx, lig_options_operand(options));
    return options->misused ? MISUSED : FAILED;
}

static LigStatus unknown_command(LigOptions *options, const char *name)
{
    LigNear near = lig_near(lig_str(name));
    for (size_t i = 0; i < LIG_COMMAND_COUNT; i++) lig_near_offer(&near, lig_str(lig_command(i)->name));
    options->misused = true;
    if (near.best.length == 0) {
        return lig_fail(options->ctx, LIG_ERR_INVALID, LIG_NOWHERE,
                        "unknown command '%s': liga --help lists them", name);
    }
    return lig_fail(options->ctx, LIG_ERR_INVALID, LIG_NOWHERE,
                    "unknown command '%s': did you mean '%.*s'? (liga --help lists them)", name,
                    LIG_STR_ARG(near.best));
}

static int dispatch(LigOptions *options, int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    bool is_help = strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0;
    options->command = lig_command_find(is_help && argc > 2 ? argv[2] : name);
    if (is_help && options->command) return finish(options, print_help(options));
    if (is_help && argc > 2) return finish(options, unknown_command(options, argv[2]));
    if (is_help) {
        print_commands(stdout);
        return fflush(stdout) == 0 ? DONE : FAILED;
    }
    if (strcmp(name, "--version") == 0) return finish(options, print_version(options));
    if (options->command) return finish(options, run_command(options, argc - 2, argv + 2));
    if (argc > 1) return finish(options, unknown_command(options, name));
    print_commands(stderr);
    return MISUSED;
}

int main(int argc, char **argv)
{
    lig_interrupts_install();
    LigContext *ctx = lig_context_create();
    LigArena *arena = lig_arena_create();
    int code = FAILED;
    if (ctx && arena) {
        LigOptions options = {.ctx = ctx, .arena = arena};
        code = dispatch(&options, argc, argv);
    } else {
        fputs("liga: out of memory\n", stderr);
    }
    lig_arena_destroy(arena);
    lig_context_destroy(ctx);
    return code;
}

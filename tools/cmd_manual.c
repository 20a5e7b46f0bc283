// liga manual: the manual page, made from the tables that --help is made from.
#include "tools/command_output.h"
#include "tools/option_table.h"

#include <string.h>

// Text in which roff sees no requests, escapes or hyphens that may break.
static void append_roff(LigText *text, const char *s)
{
    for (const char *c = s; *c; c++) {
        if (*c == '\\') {
            lig_text_append(text, LIG_STR("\\e"));
        } else if (*c == '-') {
            lig_text_append(text, LIG_STR("\\-"));
        } else if ((*c == '.' || *c == '\'') && c == s) {
            lig_text_append(text, LIG_STR("\\&"));
            lig_text_append_char(text, *c);
        } else {
            lig_text_append_char(text, *c);
        }
    }
}

static void append_option(LigText *text, const LigOptionInfo *info)
{
    lig_text_append(text, LIG_STR(".TP\n"));
    if (info->letter) lig_text_printf(text, "\\fB\\-%c\\fR, ", info->letter);
    lig_text_append(text, LIG_STR("\\fB\\-\\-"));
    append_roff(text, info->name);
    lig_text_append(text, LIG_STR("\\fR"));
    if (info->value) {
        lig_text_append(text, LIG_STR(" \\fI"));
        append_roff(text, info->value);
        lig_text_append(text, LIG_STR("\\fR"));
    }
    lig_text_append_char(text, '\n');
    append_roff(text, info->help);
    if (info->fallback) {
        lig_text_append(text, LIG_STR(" (default: "));
        append_roff(text, info->fallback);
        lig_text_append_char(text, ')');
    }
    lig_text_append_char(text, '\n');
}

static bool is_of_all(const LigOptionInfo *info) { return info->commands == UINT32_MAX; }

static void append_command(LigText *text, const LigCommand *command)
{
    lig_text_append(text, LIG_STR(".SS liga "));
    append_roff(text, command->name);
    lig_text_append_char(text, ' ');
    append_roff(text, command->operands);
    lig_text_append_char(text, '\n');
    append_roff(text, command->summary);
    lig_text_append(text, LIG_STR(".\n.PP\n.nf\n"));
    append_roff(text, command->example);
    lig_text_append(text, LIG_STR("\n.fi\n"));
    for (size_t i = 0; i < LIG_OPTION_COUNT; i++) {
        const LigOptionInfo *info = lig_option_info(i);
        if (lig_option_is_of(command, info) && !is_of_all(info)) append_option(text, info);
    }
}

LigStatus lig_cmd_manual(LigOptions *options)
{
    LigText text = {0};
    lig_text_append(&text,
                    LIG_STR(".TH LIGA 1 \"\" \"Ligature " LIG_VERSION "\" \"User Commands\"\n"
                            ".SH NAME\n"
                            "liga \\- compiles transformer language models to native code, and runs them\n"
                            ".SH SYNOPSIS\n"
                            "\\fBliga\\fR \\fICOMMAND\\fR [\\fIoptions\\fR]\n"
                            ".SH DESCRIPTION\n"
                            "MODEL is a Hugging Face directory, a GGUF file, or a graph or spec as text or in "
                            "binary; which, is told from its content.\n"
                            ".SH OPTIONS OF EVERY COMMAND\n"));
    for (size_t i = 0; i < LIG_OPTION_COUNT; i++) {
        if (is_of_all(lig_option_info(i))) append_option(&text, lig_option_info(i));
    }
    lig_text_append(&text, LIG_STR(".SH COMMANDS\n"));
    for (size_t i = 0; i < LIG_COMMAND_COUNT; i++) append_command(&text, lig_command(i));
    lig_text_append(
        &text, LIG_STR(".SH EXIT STATUS\n"
                       "0: done. 1: it could not be done; standard error says why, a line an error. 2: wrong "
                       "usage. Outputs are whole or absent.\n"
                       ".SH ENVIRONMENT\n"
                       "XDG_CACHE_HOME: compiled kernels are kept in its folder ligature, else in "
                       "~/.cache/ligature.\n"));
    return lig_command_output_text(options, &text);
}

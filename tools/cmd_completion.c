// liga completion: what makes a shell complete commands, options and choices.
#include "tools/command_output.h"
#include "tools/option_table.h"

#include <string.h>

// The words of "a|b|c", with spaces between.
static void append_choices(LigText *text, const char *choices)
{
    for (const char *c = choices; *c; c++) lig_text_append_char(text, *c == '|' ? ' ' : *c);
}

static void append_commands(LigText *text)
{
    for (size_t i = 0; i < LIG_COMMAND_COUNT; i++) {
        lig_text_printf(text, "%s%s", i > 0 ? " " : "", lig_command(i)->name);
    }
}

// bash: one case a command for its options, one an option for its choices; files otherwise.

static void append_bash_options(LigText *text, const LigCommand *command)
{
    lig_text_printf(text, "    %s) options=\"", command->name);
    for (size_t i = 0; i < LIG_OPTION_COUNT; i++) {
        const LigOptionInfo *info = lig_option_info(i);
        if (lig_option_is_of(command, info)) lig_text_printf(text, "--%s ", info->name);
    }
    lig_text_append(text, LIG_STR("\" ;;\n"));
}

static void append_bash_choices(LigText *text, const LigOptionInfo *info)
{
    lig_text_printf(text, "    --%s) COMPREPLY=($(compgen -W \"", info->name);
    append_choices(text, info->value);
    lig_text_append(text, LIG_STR("\" -- \"$word\")); return ;;\n"));
}

static void append_bash(LigText *text)
{
    lig_text_append(
        text, LIG_STR("# bash completion for liga: eval \"$(liga completion bash)\"\n"
                      "_liga() {\n"
                      "  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} options=\n"
                      "  if ((COMP_CWORD == 1)); then\n"
                      "    COMPREPLY=($(compgen -W \""));
    append_commands(text);
    lig_text_append(text, LIG_STR(" --help --version\" -- \"$word\"))\n"
                                  "    return\n"
                                  "  fi\n"
                                  "  case $before in\n"));
    for (size_t i = 0; i < LIG_OPTION_COUNT; i++) {
        const LigOptionInfo *info = lig_option_info(i);
        if (info->kind == LIG_OPTION_CHOICE) append_bash_choices(text, info);
    }
    lig_text_append(text, LIG_STR("  esac\n"
                                  "  case ${COMP_WORDS[1]} in\n"));
    for (size_t i = 0; i < LIG_COMMAND_COUNT; i++) append_bash_options(text, lig_command(i));
    lig_text_append(text, LIG_STR("  esac\n"
                                  "  [[ $word == -* ]] && COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
                                  "}\n"
                                  "complete -o default -F _liga liga\n"));
}

// zsh: _arguments with a help for each option.

// Quoted for a single-quoted word of _arguments, whose own syntax takes brackets and colons.
static void append_zsh_help(LigText *text, const char *help)
{
    for (const char *c = help; *c; c++) {
        if (*c == '\'') {
            lig_text_append(text, LIG_STR("'\\''"));
        } else {
            if (strchr("[]:\\", *c)) lig_text_append_char(text, '\\');
            lig_text_append_char(text, *c);
        }
    }
}

static void append_zsh_option(LigText *text, const LigOptionInfo *info)
{
    const bool repeats = info->kind == LIG_OPTION_LIST;
    lig_text_printf(text, "        '%s--%s[", repeats ? "*" : "", info->name);
    append_zsh_help(text, info->help);
    lig_text_append_char(text, ']');
    if (info->kind == LIG_OPTION_CHOICE) {
        lig_text_printf(text, ":%s:(", info->name);
        append_choices(text, info->value);
        lig_text_append_char(text, ')');
    } else if (info->kind != LIG_OPTION_FLAG) {
        const bool is_path =
            !strcmp(info->value, "FILE") || !strcmp(info->value, "DIR") || !strcmp(info->value, "PATH");
        lig_text_printf(text, ":%s:%s", info->name, is_path ? "_files" : "");
    }
    lig_text_append(text, LIG_STR("' \\\n"));
}

static void append_zsh_command(LigText *text, const LigCommand *command)
{
    lig_text_printf(text, "      %s)\n        _arguments \\\n", command->name);
    for (size_t i = 0; i < LIG_OPTION_COUNT; i++) {
        if (lig_option_is_of(command, lig_option_info(i))) append_zsh_option(text, lig_option_info(i));
    }
    lig_text_append(text, LIG_STR("        '*:file:_files' ;;\n"));
}

static void append_zsh(LigText *text)
{
    lig_text_append(text, LIG_STR("#compdef liga\n"
                                  "_liga() {\n"
                                  "  local state\n"
                                  "  local -a commands=(\n"));
    for (size_t i = 0; i < LIG_COMMAND_COUNT; i++) {
        lig_text_printf(text, "    '%s:", lig_command(i)->name);
        append_zsh_help(text, lig_command(i)->summary);
        lig_text_append(text, LIG_STR("'\n"));
    }
    lig_text_append(text, LIG_STR("  )\n"
                                  "  _arguments '1: :->command' '*:: :->rest'\n"
                                  "  case $state in\n"
                                  "    command) _describe command commands ;;\n"
                                  "    rest) case $words[1] in\n"));
    for (size_t i = 0; i < LIG_COMMAND_COUNT; i++) append_zsh_command(text, lig_command(i));
    lig_text_append(text, LIG_STR("      esac ;;\n"
                                  "  esac\n"
                                  "}\n"
                                  "compdef _liga liga\n"));
}

LigStatus lig_cmd_completion(LigOptions *options)
{
    const char *shell = lig_options_operand(options);
    LigText text = {0};
    if (strcmp(shell, "bash") == 0) {
        append_bash(&text);
    } else if (strcmp(shell, "zsh") == 0) {
        append_zsh(&text);
    } else {
        return lig_options_misused(options, "'%s' is no shell that is known: bash and zsh are", shell);
    }
    return lig_command_output_text(options, &text);
}

// The tables of options and commands (tools/options.def, tools/commands.def) as data: what parsing, the help, the manual
// page and the shells' completions are made from.
#ifndef LIG_TOOLS_OPTION_TABLE_H
#define LIG_TOOLS_OPTION_TABLE_H

#include "tools/command.h"

typedef enum LigOptionKind {
    LIG_OPTION_FLAG,
    LIG_OPTION_TEXT,
    LIG_OPTION_LIST,
    LIG_OPTION_INTEGER,
    LIG_OPTION_REAL,
    LIG_OPTION_CHOICE,
} LigOptionKind;

typedef struct LigOptionInfo {
    const char *name;
    char letter; // 0: none
    LigOptionKind kind;
    const char *value; // as in the help; of a CHOICE "a|b|c"; NULL for flags
    double least, most;
    const char *fallback; // NULL: none
    uint32_t commands;    // a bit each
    const char *help;
} LigOptionInfo;

// By LigOptionId.
const LigOptionInfo *lig_option_info(size_t id);
bool lig_option_is_of(const LigCommand *command, const LigOptionInfo *info);

// By LigCommandId.
const LigCommand *lig_command(size_t id);
const LigCommand *lig_command_find(const char *name); // NULL when there is none

#endif

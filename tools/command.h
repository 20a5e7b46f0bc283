// The table of subcommands (tools/commands.def), as data and as functions.
#ifndef LIG_TOOLS_COMMAND_H
#define LIG_TOOLS_COMMAND_H

#include "ir/base/status.h"

#include <stddef.h>

typedef enum LigCommandId {
#define LIG_COMMAND(ID, ...) LIG_CMD_##ID,
#include "tools/commands.def"
#undef LIG_COMMAND
    LIG_COMMAND_COUNT
} LigCommandId;

typedef struct LigOptions LigOptions;

// Does the work. Messages are left in options->ctx; wrong usage that shows only here goes through
// lig_options_misused.
typedef LigStatus LigCommandFunction(LigOptions *options);

typedef struct LigCommand {
    LigCommandId id;
    const char *name;
    const char *operands; // as written in the usage line
    size_t least, most;   // how many operands
    const char *summary;
    const char *example;
    LigCommandFunction *run;
} LigCommand;

#define LIG_COMMAND(ID, name, ...) LigCommandFunction lig_cmd_##name;
#include "tools/commands.def"
#undef LIG_COMMAND

#endif

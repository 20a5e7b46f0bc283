#include "tools/option_table.h"

#include "tools/options.h"

#include <string.h>

#define C(ID) (1u << LIG_CMD_##ID)
#define ALL UINT32_MAX
#define COMPILES (C(RUN) | C(FORWARD) | C(EVAL) | C(BENCH) | C(PERPLEXITY) | C(SCORE) | C(EMBED) | C(CLASSIFY))
#define WRITES (C(COMPILE) | C(QUANTIZE))
static const LigOptionInfo options[LIG_OPTION_COUNT] = {
#define LIG_OPTION(ID, name, letter, kind, value, least, most, fallback, commands, help)                       \
    {name, letter, LIG_OPTION_##kind, value, (double)(least), (double)(most), fallback, commands, help},
#include "tools/options.def"
#undef LIG_OPTION
};

_Static_assert(LIG_COMMAND_COUNT <= 32, "a command has one bit of LigOptionInfo.commands");
static const LigCommand commands[] = {
#define LIG_COMMAND(ID, name, operands, least, most, summary, example)                                         \
    {LIG_CMD_##ID, #name, operands, least, most, summary, example, lig_cmd_##name},
#include "tools/commands.def"
#undef LIG_COMMAND
};

const LigOptionInfo *lig_option_info(size_t id) { return &options[id]; }

bool lig_option_is_of(const LigCommand *command, const LigOptionInfo *info)
{
    return (info->commands >> command->id & 1) != 0;
}

const LigCommand *lig_command(size_t id) { return &commands[id]; }

const LigCommand *lig_command_find(const char *name)
{
    for (size_t i = 0; i < LIG_COMMAND_COUNT; i++) {
        if (strcmp(commands[i].name, name) == 0) return &commands[i];
    }
    return NULL;
}

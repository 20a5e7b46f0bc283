// Command lines, from one table (tools/options.def): parsing, checking, the help, the nearest name.
//
// Forms: `--opt=value`, `--opt value`, `-o value`, `-ovalue`, flags joined as `-vq`; `--` ends the options;
// options and operands may be mixed; the last of a repeated option counts, but for lists.
#ifndef LIG_TOOLS_OPTIONS_H
#define LIG_TOOLS_OPTIONS_H

#include "ir/base/arena.h"
#include "ir/base/str.h"
#include "ir/base/vec.h"
#include "tools/command.h"

typedef enum LigOptionId {
#define LIG_OPTION(ID, ...) LIG_OPT_##ID,
#include "tools/options.def"
#undef LIG_OPTION
    LIG_OPTION_COUNT
} LigOptionId;

typedef struct LigOptionValue {
    bool given;       // on the command line
    const char *text; // as written, or the default; NULL when neither
    int64_t integer;
    double real;
    LIG_VEC(const char *) all; // LIST
} LigOptionValue;

struct LigOptions {
    LigContext *ctx;
    LigArena *arena; // of the whole invocation
    const LigCommand *command;
    LigOptionValue values[LIG_OPTION_COUNT];
    LIG_VEC(const char *) operands;
    bool misused; // the error is one of usage: exit 2
};

// Reads argv (without the program and the command) into options->values. Errors: INVALID, with the nearest name
// for an option that does not exist; those are errors of usage.
LigStatus lig_options_parse(LigOptions *options, int argc, char *const *argv) LIG_MUST_CHECK;

bool lig_option_given(const LigOptions *options, LigOptionId id);
const char *lig_option_text(const LigOptions *options, LigOptionId id); // NULL when neither given nor default
int64_t lig_option_integer(const LigOptions *options, LigOptionId id);
double lig_option_real(const LigOptions *options, LigOptionId id);
// Whether the value is exactly `text`.
bool lig_option_is(const LigOptions *options, LigOptionId id, const char *text);

// The first operand; NULL when there is none.
const char *lig_options_operand(const LigOptions *options);

// Records an error of usage and returns INVALID.
LigStatus lig_options_misused(LigOptions *options, const char *format, ...) LIG_PRINTF(2, 3);

// Appends the help of a command, with its example.
void lig_options_help(LigText *text, const LigCommand *command);

#endif

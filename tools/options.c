#include "tools/options.h"

#include "tools/option_table.h"

#include "ir/near.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

LigStatus lig_options_misused(LigOptions *options, const char *format, ...)
{
    options->misused = true;
    va_list args;
    va_start(args, format);
    LigStr message = lig_str_vformat(options->arena, format, args);
    va_end(args);
    if (!message.data) return lig_no_memory(options->ctx);
    return lig_fail(options->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(options->command->name),
                    "%s (liga %s --help tells the options)", message.data, options->command->name);
}

static LigStatus unknown_option(LigOptions *options, LigStr name)
{
    LigNear near = lig_near(name);
    for (size_t i = 0; i < LIG_OPTION_COUNT; i++) {
        if (lig_option_is_of(options->command, lig_option_info(i)))
            lig_near_offer(&near, lig_str(lig_option_info(i)->name));
    }
    if (near.best.length > 0) {
        return lig_options_misused(options, "unknown option '--%.*s': did you mean '--%.*s'?",
                                   LIG_STR_ARG(name), LIG_STR_ARG(near.best));
    }
    return lig_options_misused(options, "unknown option '--%.*s'", LIG_STR_ARG(name));
}

// The index of an option of this command; LIG_OPTION_COUNT when it has none of this name.
static size_t find_long(const LigCommand *command, LigStr name)
{
    size_t i = 0;
    while (i < LIG_OPTION_COUNT &&
           !(lig_option_is_of(command, lig_option_info(i)) && lig_str_is(name, lig_option_info(i)->name)))
        i++;
    return i;
}

static size_t find_letter(const LigCommand *command, char letter)
{
    size_t i = 0;
    while (i < LIG_OPTION_COUNT &&
           !(lig_option_is_of(command, lig_option_info(i)) && lig_option_info(i)->letter == letter))
        i++;
    return i;
}

// Whether `text` is one of the words of "a|b|c".
static bool is_choice(const char *choices, LigStr text)
{
    for (LigStr rest = lig_str(choices);;) {
        const char *bar = memchr(rest.data, '|', rest.length);
        LigStr word = {rest.data, bar ? (size_t)(bar - rest.data) : rest.length};
        if (lig_str_equal(word, text)) return true;
        if (!bar) return false;
        rest = lig_str_skip(rest, word.length + 1);
    }
}

static LigStatus set_integer(LigOptions *options, const LigOptionInfo *info, LigOptionValue *value)
{
    if (!lig_str_to_i64(lig_str(value->text), &value->integer)) {
        return lig_options_misused(options, "--%s '%s': a whole number is expected", info->name, value->text);
    }
    if ((double)value->integer >= info->least && (double)value->integer <= info->most) return LIG_OK;
    return lig_options_misused(options, "--%s %s: must lie between %.0f and %.0f", info->name, value->text,
                               info->least, info->most);
}

static LigStatus set_real(LigOptions *options, const LigOptionInfo *info, LigOptionValue *value)
{
    if (!lig_str_to_f64(lig_str(value->text), &value->real)) {
        return lig_options_misused(options, "--%s '%s': a number is expected", info->name, value->text);
    }
    if (value->real >= info->least && value->real <= info->most) return LIG_OK;
    return lig_options_misused(options, "--%s %s: must lie between %g and %g", info->name, value->text,
                               info->least, info->most);
}

static LigStatus set_value(LigOptions *options, size_t index, const char *text)
{
    const LigOptionInfo *info = lig_option_info(index);
    LigOptionValue *value = &options->values[index];
    value->text = text;
    switch (info->kind) {
    case LIG_OPTION_FLAG:
    case LIG_OPTION_TEXT:
        return LIG_OK;
    case LIG_OPTION_LIST:
        return LIG_VEC_PUSH(options->arena, &value->all, text) ? LIG_OK : lig_no_memory(options->ctx);
    case LIG_OPTION_INTEGER:
        return set_integer(options, info, value);
    case LIG_OPTION_REAL:
        return set_real(options, info, value);
    case LIG_OPTION_CHOICE:
        break;
    }
    if (is_choice(info->value, lig_str(text))) return LIG_OK;
    return lig_options_misused(options, "--%s '%s': one of %s is expected", info->name, text, info->value);
}

// The words not read yet.
typedef struct Words {
    char *const *next;
    int count;
} Words;

// `attached`: the value written in the same word, or NULL.
static LigStatus take_option(LigOptions *options, size_t index, const char *attached, Words *words)
{
    const LigOptionInfo *info = lig_option_info(index);
    options->values[index].given = true;
    if (info->kind == LIG_OPTION_FLAG) {
        if (!attached) return LIG_OK;
        return lig_options_misused(options, "--%s takes no value, but '%s' is given", info->name, attached);
    }
    if (!attached && words->count == 0) {
        return lig_options_misused(options, "--%s needs a value: --%s %s", info->name, info->name, info->value);
    }
    if (!attached) {
        attached = *words->next++;
        words->count--;
    }
    return set_value(options, index, attached);
}

static LigStatus take_long(LigOptions *options, const char *word, Words *words)
{
    const char *equals = strchr(word, '=');
    LigStr name = {word, equals ? (size_t)(equals - word) : strlen(word)};
    size_t index = find_long(options->command, name);
    if (index == LIG_OPTION_COUNT) return unknown_option(options, name);
    return take_option(options, index, equals ? equals + 1 : NULL, words);
}

// `-vq`, `-n5`, `-n 5`: flags may be joined; the first letter with a value takes the rest of the word.
static LigStatus take_letters(LigOptions *options, const char *letters, Words *words)
{
    for (; *letters; letters++) {
        size_t index = find_letter(options->command, *letters);
        if (index == LIG_OPTION_COUNT) {
            return lig_options_misused(options, "unknown option '-%c'", *letters);
        }
        bool is_flag = lig_option_info(index)->kind == LIG_OPTION_FLAG;
        LIG_TRY(take_option(options, index, is_flag || !letters[1] ? NULL : letters + 1, words));
        if (!is_flag) break;
    }
    return LIG_OK;
}

static LigStatus set_defaults(LigOptions *options)
{
    for (size_t i = 0; i < LIG_OPTION_COUNT; i++) {
        if (lig_option_info(i)->fallback) LIG_TRY(set_value(options, i, lig_option_info(i)->fallback));
    }
    return LIG_OK;
}

static LigStatus check_operands(LigOptions *options)
{
    const LigCommand *command = options->command;
    size_t count = options->operands.count;
    if (lig_option_given(options, LIG_OPT_HELP) || lig_option_given(options, LIG_OPT_VERSION)) return LIG_OK;
    if (count < command->least) return lig_options_misused(options, "%s is missing", command->operands);
    if (count <= command->most) return LIG_OK;
    return lig_options_misused(options, "'%s' is one operand too many: write %s %s %s",
                               options->operands.data[command->most], "liga", command->name, command->operands);
}

LigStatus lig_options_parse(LigOptions *options, int argc, char *const *argv)
{
    LIG_TRY(set_defaults(options));
    Words words = {argv, argc};
    bool are_options = true;
    while (words.count > 0) {
        const char *word = *words.next++;
        words.count--;
        if (are_options && strcmp(word, "--") == 0) {
            are_options = false;
        } else if (are_options && word[0] == '-' && word[1] == '-') {
            LIG_TRY(take_long(options, word + 2, &words));
        } else if (are_options && word[0] == '-' && word[1]) {
            LIG_TRY(take_letters(options, word + 1, &words));
        } else if (!LIG_VEC_PUSH(options->arena, &options->operands, word)) {
            return lig_no_memory(options->ctx);
        }
    }
    return check_operands(options);
}

bool lig_option_given(const LigOptions *options, LigOptionId id) { return options->values[id].given; }
const char *lig_option_text(const LigOptions *options, LigOptionId id) { return options->values[id].text; }
int64_t lig_option_integer(const LigOptions *options, LigOptionId id) { return options->values[id].integer; }
double lig_option_real(const LigOptions *options, LigOptionId id) { return options->values[id].real; }

bool lig_option_is(const LigOptions *options, LigOptionId id, const char *text)
{
    return options->values[id].text && strcmp(options->values[id].text, text) == 0;
}

const char *lig_options_operand(const LigOptions *options)
{
    return options->operands.count > 0 ? options->operands.data[0] : NULL;
}

enum { HELP_COLUMN = 28 };

static void describe_option(LigText *text, const LigOptionInfo *info)
{
    size_t start = text->length;
    lig_text_printf(text, "  %c%c%s --%s", info->letter ? '-' : ' ', info->letter ? info->letter : ' ',
                    info->letter ? "," : " ", info->name);
    if (info->value) lig_text_printf(text, " %s", info->value);
    size_t width = text->length - start;
    if (width >= HELP_COLUMN) {
        lig_text_append_char(text, '\n');
        width = 0;
    }
    lig_text_printf(text, "%*s  %s", (int)(HELP_COLUMN - width), "", info->help);
    if (info->fallback) lig_text_printf(text, " (default: %s)", info->fallback);
    lig_text_append_char(text, '\n');
}

void lig_options_help(LigText *text, const LigCommand *command)
{
    lig_text_printf(text, "liga %s %s [options]\n  %s\n\nExample:\n  %s\n\nOptions:\n", command->name,
                    command->operands, command->summary, command->example);
    for (size_t i = 0; i < LIG_OPTION_COUNT; i++) {
        if (lig_option_is_of(command, lig_option_info(i))) describe_option(text, lig_option_info(i));
    }
}

#include "ir/lex.h"
#include "models/knobs.h"

#include <math.h>
#include <string.h>

static unsigned enum_at(const char *base, const LigKnob *knob)
{
    unsigned value;
    memcpy(&value, base + knob->offset, sizeof value);
    return value;
}

static bool flag_at(const char *base, size_t offset)
{
    bool value;
    memcpy(&value, base + offset, sizeof value);
    return value;
}

// Whole numbers as people write them: 100000, not 1e+05.
static void print_real(LigText *text, double value)
{
    if (value == trunc(value) && fabs(value) < 1e15)
        lig_text_printf(text, "%.0f", value);
    else
        lig_text_append_f64(text, value);
}

static LigStr text_at(const char *base, const LigKnob *knob)
{
    LigStr value;
    memcpy(&value, base + knob->offset, sizeof value);
    return value;
}

static void print_number(LigText *text, const char *base, const LigKnob *knob)
{
    int64_t integer = 0;
    double real = 0;
    bool whole = knob->kind == LIG_KNOB_INT;
    if (whole)
        memcpy(&integer, base + knob->offset, sizeof integer);
    else
        memcpy(&real, base + knob->offset, sizeof real);
    bool none = whole ? integer == knob->none_value : real == (double)knob->none_value;
    if (knob->none && none)
        lig_text_printf(text, "%s", knob->none);
    else if (whole)
        lig_text_printf(text, "%lld", (long long)integer);
    else
        print_real(text, real);
}

static void print_set(LigText *text, const char *base, const LigKnob *knob)
{
    const char *separator = "";
    lig_text_append_char(text, '{');
    for (size_t i = 0; knob->words[i]; i++) {
        if (!flag_at(base, knob->offset + i)) continue;
        lig_text_printf(text, "%s%s", separator, knob->words[i]);
        separator = ", ";
    }
    lig_text_append_char(text, '}');
}

static void print_value(LigText *text, const char *base, const LigKnob *knob);

static void print_part(LigText *text, const char *base, const LigKnob *knob)
{
    unsigned chosen = knob->words ? enum_at(base, knob) : 0;
    const LigKnob *inner = knob->parts[chosen];
    if (knob->words) lig_text_printf(text, "%s%s", knob->words[chosen], inner ? " " : "");
    if (!inner) return;
    const char *separator = "{ ";
    for (; inner->name; inner++) {
        lig_text_printf(text, "%s%s = ", separator, inner->name);
        print_value(text, base, inner);
        separator = ", ";
    }
    lig_text_append(text, LIG_STR(" }"));
}

static void print_value(LigText *text, const char *base, const LigKnob *knob)
{
    switch (knob->kind) {
    case LIG_KNOB_INT:
    case LIG_KNOB_REAL:
        print_number(text, base, knob);
        break;
    case LIG_KNOB_FLAG:
        lig_text_printf(text, "%s", flag_at(base, knob->offset) ? "true" : "false");
        break;
    case LIG_KNOB_TEXT:
        lig_text_append_quoted(text, text_at(base, knob));
        break;
    case LIG_KNOB_WORD:
        lig_text_printf(text, "%s", knob->words[enum_at(base, knob)]);
        break;
    case LIG_KNOB_SET:
        print_set(text, base, knob);
        break;
    case LIG_KNOB_PART:
        print_part(text, base, knob);
        break;
    }
}

// One knob a line.
static void print_lines(LigText *text, const char *indent, const void *base, const LigKnob *knobs)
{
    for (; knobs->name; knobs++) {
        if (knobs->kind == LIG_KNOB_TEXT && !text_at(base, knobs).length) continue;
        lig_text_printf(text, "%s%-9s = ", indent, knobs->name);
        print_value(text, base, knobs);
        lig_text_append_char(text, '\n');
    }
}

static void print_runs(LigText *text, const LigSpec *spec)
{
    lig_text_append(text, LIG_STR("  layers    = ["));
    for (size_t i = 0; i < spec->run_count; i++) {
        const LigLayerRun *run = &spec->runs[i];
        lig_text_printf(text, "%s%lld of %.*s", i ? ", " : " ", (long long)run->count,
                        LIG_STR_ARG(spec->blocks[run->block].name));
    }
    lig_text_append(text, LIG_STR(" ]\n"));
}

void lig_spec_print(LigText *text, const LigSpec *spec)
{
    lig_text_append(text, LIG_STR("model "));
    lig_text_append_quoted(text, spec->name);
    lig_text_append(text, LIG_STR(" {\n"));
    print_lines(text, "  ", spec, lig_spec_knobs);
    print_runs(text, spec);
    for (size_t i = 0; i < spec->block_count; i++) {
        lig_text_printf(text, "  block %.*s {\n", LIG_STR_ARG(spec->blocks[i].name));
        print_lines(text, "    ", &spec->blocks[i], lig_block_knobs);
        lig_text_append(text, LIG_STR("  }\n"));
    }
    lig_text_append(text, LIG_STR("}\n"));
}

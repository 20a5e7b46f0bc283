// Reads the text of a spec by the table of knobs. It stops at the first error.
#include "ir/base/vec.h"
#include "ir/lex.h"
#include "ir/near.h"
#include "models/knobs.h"

#include <stdarg.h>
#include <string.h>

enum { MAX_KNOBS = 64, MAX_PATH = 128 };

typedef struct Parser {
    LigContext *ctx;
    LigArena *arena;
    LigSpec *spec;
    LigLexer lexer;
    LigToken token, next;
    LigToken run_blocks[LIG_MAX_RUNS]; // the names in `layers`, looked up once all blocks are read
    LIG_VEC(LigKnobPlace) places;
    LigStr block;        // being read; empty outside
    char path[MAX_PATH]; // of the knob being read
    size_t path_length;
} Parser;

static void advance(Parser *p)
{
    p->token = p->next;
    p->next = lig_lexer_next(&p->lexer);
}

static LigStatus fail(Parser *p, LigToken token, const char *format, ...) LIG_PRINTF(3, 4);
static LigStatus fail(Parser *p, LigToken token, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    LigStr message = lig_str_vformat(p->arena, format, args);
    va_end(args);
    if (!message.data) return lig_no_memory(p->ctx);
    return lig_fail(p->ctx, LIG_ERR_PARSE, token.loc, "%s", message.data);
}

static LigStatus expected(Parser *p, const char *what)
{
    if (p->token.kind == LIG_TOKEN_END) return fail(p, p->token, "expected %s, but the text ends here", what);
    return fail(p, p->token, "expected %s, but found `%.*s`", what, LIG_STR_ARG(p->token.text));
}

static bool is(const Parser *p, const char *text)
{
    bool word = p->token.kind == LIG_TOKEN_NAME || p->token.kind == LIG_TOKEN_SYMBOL;
    return word && lig_str_is(p->token.text, text);
}

static LigStatus expect(Parser *p, const char *text)
{
    if (!is(p, text)) {
        LigStr quoted = lig_str_format(p->arena, "`%s`", text);
        return quoted.data ? expected(p, quoted.data) : lig_no_memory(p->ctx);
    }
    advance(p);
    return LIG_OK;
}

static LigStatus expect_name(Parser *p, const char *what, LigToken *out)
{
    if (p->token.kind != LIG_TOKEN_NAME) return expected(p, what);
    *out = p->token;
    advance(p);
    return LIG_OK;
}

// `1/sqrt` is three tokens.
static bool accept_none(Parser *p, const LigKnob *knob)
{
    if (!knob->none) return false;
    if (is(p, knob->none)) {
        advance(p);
        return true;
    }
    if (strcmp(knob->none, "1/sqrt") != 0 || !lig_str_is(p->token.text, "1") || !lig_str_is(p->next.text, "/"))
        return false;
    advance(p);
    advance(p);
    if (!is(p, "sqrt")) return false;
    advance(p);
    return true;
}

// Numbers of a spec are decimal. A leading zero would make one octal to some readers.
static bool is_decimal(LigToken token)
{
    if (token.kind != LIG_TOKEN_NUMBER) return false;
    const char *second = token.text.data + 1;
    return token.text.length < 2 || token.text.data[0] != '0' || *second == '.' || *second == 'e' ||
           *second == 'E';
}

static bool whole_number(LigToken token, int64_t *out)
{
    return is_decimal(token) && lig_str_to_i64(token.text, out);
}

static LigStatus expected_number(Parser *p, const LigKnob *knob)
{
    const char *what = knob->kind == LIG_KNOB_INT ? "a whole number like 12" : "a number like 0.5";
    LigStr text = lig_str_format(p->arena, "%s%s%s%s", what, knob->none ? " (or `" : "",
                                 knob->none ? knob->none : "", knob->none ? "`)" : "");
    return text.data ? expected(p, text.data) : lig_no_memory(p->ctx);
}

static LigStatus read_number(Parser *p, const LigKnob *knob, char *base)
{
    bool whole = knob->kind == LIG_KNOB_INT;
    int64_t integer = knob->none_value;
    double real = (double)knob->none_value;
    if (!accept_none(p, knob)) {
        bool fits = whole ? whole_number(p->token, &integer)
                          : is_decimal(p->token) && lig_str_to_f64(p->token.text, &real);
        if (!fits) return expected_number(p, knob);
        if (knob->none && (whole ? integer == knob->none_value : real == (double)knob->none_value))
            return fail(p, p->token, "knob %s can't be %.*s: write `%s`", knob->name,
                        LIG_STR_ARG(p->token.text), knob->none);
        advance(p);
    }
    if (whole)
        memcpy(base + knob->offset, &integer, sizeof integer);
    else
        memcpy(base + knob->offset, &real, sizeof real);
    return LIG_OK;
}

// The index of the word that comes next.
static LigStatus read_word(Parser *p, const LigKnob *knob, unsigned *out)
{
    for (unsigned i = 0; knob->words[i]; i++) {
        if (!is(p, knob->words[i])) continue;
        *out = i;
        advance(p);
        return LIG_OK;
    }
    LigText words = {0};
    for (unsigned i = 0; knob->words[i]; i++) lig_text_printf(&words, "%s%s", i ? ", " : "", knob->words[i]);
    LigStatus status = fail(p, p->token, "knob %s can't be `%.*s`: it is one of %s", knob->name,
                            LIG_STR_ARG(p->token.text), words.data ? words.data : "?");
    lig_text_free(&words);
    return status;
}

static LigStatus read_set(Parser *p, const LigKnob *knob, char *base)
{
    const bool yes = true, no = false;
    for (size_t i = 0; knob->words[i]; i++) memcpy(base + knob->offset + i, &no, sizeof no);
    LIG_TRY(expect(p, "{"));
    while (!is(p, "}")) {
        unsigned chosen = 0;
        LIG_TRY(read_word(p, knob, &chosen));
        memcpy(base + knob->offset + chosen, &yes, sizeof yes);
        if (!is(p, "}")) LIG_TRY(expect(p, ","));
    }
    return expect(p, "}");
}

static LigStatus read_flag(Parser *p, const LigKnob *knob, char *base)
{
    bool value = is(p, "true");
    if (!value && !is(p, "false")) return expected(p, "`true` or `false`");
    advance(p);
    memcpy(base + knob->offset, &value, sizeof value);
    return LIG_OK;
}

static LigStatus read_text(Parser *p, const LigKnob *knob, char *base)
{
    if (p->token.kind != LIG_TOKEN_STRING) return expected(p, "a text in quotes");
    const LigStr value = lig_token_string(p->arena, p->token);
    if (!value.data) return lig_no_memory(p->ctx);
    if (memchr(value.data, '\0', value.length))
        return fail(p, p->token, "knob %s holds a zero byte", knob->name);
    advance(p);
    memcpy(base + knob->offset, &value, sizeof value);
    return LIG_OK;
}

static LigStatus read_knobs(Parser *p, const LigKnob *knobs, char *base);

static LigStatus read_value(Parser *p, const LigKnob *knob, char *base)
{
    unsigned chosen = 0;
    switch (knob->kind) {
    case LIG_KNOB_INT:
    case LIG_KNOB_REAL:
        return read_number(p, knob, base);
    case LIG_KNOB_FLAG:
        return read_flag(p, knob, base);
    case LIG_KNOB_TEXT:
        return read_text(p, knob, base);
    case LIG_KNOB_SET:
        return read_set(p, knob, base);
    case LIG_KNOB_WORD:
    case LIG_KNOB_PART:
        break;
    }
    if (knob->words) {
        LIG_TRY(read_word(p, knob, &chosen));
        memcpy(base + knob->offset, &chosen, sizeof chosen);
    }
    if (knob->kind == LIG_KNOB_WORD || !knob->parts[chosen]) return LIG_OK;
    LIG_TRY(expect(p, "{"));
    LIG_TRY(read_knobs(p, knob->parts[chosen], base));
    return expect(p, "}");
}

static LigStatus unknown_knob(Parser *p, const LigKnob *knobs)
{
    LigNear near = lig_near(p->token.text);
    LigText known = {0};
    for (const LigKnob *knob = knobs; knob->name; knob++) {
        lig_near_offer(&near, lig_str(knob->name));
        lig_text_printf(&known, "%s%s", knob == knobs ? "" : ", ", knob->name);
    }
    LigStatus status;
    if (near.best.length)
        status = fail(p, p->token, "unknown knob `%.*s`: did you mean `%.*s`?", LIG_STR_ARG(p->token.text),
                      LIG_STR_ARG(near.best));
    else
        status = fail(p, p->token, "unknown knob `%.*s`: the knobs here are %s", LIG_STR_ARG(p->token.text),
                      known.data ? known.data : "?");
    lig_text_free(&known);
    return status;
}

// The place of the knob whose path stands in p->path: the token that comes next.
static LigStatus keep_place(Parser *p, LigLoc loc)
{
    const LigStr knob = lig_str_copy(p->arena, (LigStr){p->path, p->path_length});
    bool kept = knob.data && LIG_VEC_PUSH(p->arena, &p->places, (LigKnobPlace){p->block, knob, loc});
    return kept ? LIG_OK : lig_no_memory(p->ctx);
}

// Appends a name to the path; gives the length to go back to.
static size_t enter(Parser *p, const char *name)
{
    size_t before = p->path_length, length = strlen(name);
    LIG_ASSERT(before + 1 + length <= MAX_PATH);
    if (before) p->path[p->path_length++] = '.';
    memcpy(p->path + p->path_length, name, length);
    p->path_length += length;
    return before;
}

// One `name = value`; `given` marks the knobs read.
static LigStatus read_knob(Parser *p, const LigKnob *knobs, char *base, bool *given)
{
    size_t i = 0;
    if (p->token.kind != LIG_TOKEN_NAME) return expected(p, "a knob");
    while (knobs[i].name && !is(p, knobs[i].name)) i++;
    if (!knobs[i].name) return unknown_knob(p, knobs);
    if (given[i]) return fail(p, p->token, "knob %s is given twice", knobs[i].name);
    given[i] = true;
    advance(p);
    LIG_TRY(expect(p, "="));
    size_t before = enter(p, knobs[i].name);
    LIG_TRY(keep_place(p, p->token.loc));
    LIG_TRY(read_value(p, &knobs[i], base));
    p->path_length = before;
    return LIG_OK;
}

static LigStatus check_given(Parser *p, const LigKnob *knobs, const bool *given)
{
    for (size_t i = 0; knobs[i].name; i++) {
        if (knobs[i].required && !given[i]) return fail(p, p->token, "knob %s is missing here", knobs[i].name);
    }
    return LIG_OK;
}

// Knobs up to a closing brace, commas between them where one likes.
static LigStatus read_knobs(Parser *p, const LigKnob *knobs, char *base)
{
    bool given[MAX_KNOBS] = {false};
    while (!is(p, "}")) {
        LIG_TRY(read_knob(p, knobs, base, given));
        if (is(p, ",")) advance(p);
    }
    return check_given(p, knobs, given);
}

// [ 1 of first, 2 of local ]
static LigStatus read_runs(Parser *p)
{
    LigSpec *spec = p->spec;
    if (spec->run_count) return fail(p, p->token, "layers are given twice");
    advance(p);
    LIG_TRY(expect(p, "="));
    size_t before = enter(p, "layers");
    LIG_TRY(keep_place(p, p->token.loc));
    p->path_length = before;
    LIG_TRY(expect(p, "["));
    do {
        LigLayerRun *run = &spec->runs[spec->run_count];
        if (spec->run_count == LIG_MAX_RUNS) return fail(p, p->token, "more than %d runs", LIG_MAX_RUNS);
        if (!whole_number(p->token, &run->count)) return expected(p, "the number of layers, like 12");
        advance(p);
        LIG_TRY(expect(p, "of"));
        LIG_TRY(expect_name(p, "the name of a block", &p->run_blocks[spec->run_count++]));
        if (!is(p, "]")) LIG_TRY(expect(p, ","));
    } while (!is(p, "]"));
    return expect(p, "]");
}

static bool find_block(const LigSpec *spec, LigStr name, size_t *out)
{
    for (*out = 0; *out < spec->block_count; (*out)++) {
        if (lig_str_equal(spec->blocks[*out].name, name)) return true;
    }
    return false;
}

static LigStatus read_block(Parser *p)
{
    LigToken name = {0};
    size_t before = 0;
    advance(p);
    LIG_TRY(expect_name(p, "the block's name", &name));
    if (find_block(p->spec, name.text, &before))
        return fail(p, name, "block %.*s is given twice", LIG_STR_ARG(name.text));
    if (p->spec->block_count == LIG_MAX_BLOCKS) return fail(p, name, "more than %d blocks", LIG_MAX_BLOCKS);
    LigBlockSpec *block = &p->spec->blocks[p->spec->block_count];
    lig_block_defaults(block);
    block->name = lig_str_copy(p->arena, name.text);
    if (!block->name.data) return lig_no_memory(p->ctx);
    p->block = block->name;
    LIG_TRY(keep_place(p, name.loc));
    LIG_TRY(expect(p, "{"));
    LIG_TRY(read_knobs(p, lig_block_knobs, (char *)block));
    LIG_TRY(expect(p, "}"));
    p->block = LIG_STR("");
    p->spec->block_count++;
    return LIG_OK;
}

static LigStatus resolve_runs(Parser *p)
{
    if (!p->spec->run_count) return fail(p, p->token, "knob layers is missing here");
    for (size_t i = 0; i < p->spec->run_count; i++) {
        LigToken name = p->run_blocks[i];
        if (!find_block(p->spec, name.text, &p->spec->runs[i].block))
            return fail(p, name, "there is no block %.*s: write `block %.*s { … }`", LIG_STR_ARG(name.text),
                        LIG_STR_ARG(name.text));
    }
    return LIG_OK;
}

static LigStatus read_model(Parser *p)
{
    bool given[MAX_KNOBS] = {false};
    LIG_TRY(keep_place(p, p->token.loc));
    LIG_TRY(expect(p, "model"));
    if (p->token.kind != LIG_TOKEN_STRING) return expected(p, "the model's name in quotes");
    p->spec->name = lig_token_string(p->arena, p->token);
    if (!p->spec->name.data) return lig_no_memory(p->ctx);
    advance(p);
    LIG_TRY(expect(p, "{"));
    while (!is(p, "}")) {
        if (is(p, "layers"))
            LIG_TRY(read_runs(p));
        else if (is(p, "block"))
            LIG_TRY(read_block(p));
        else
            LIG_TRY(read_knob(p, lig_spec_knobs, (char *)p->spec, given));
        if (is(p, ",")) advance(p);
    }
    LIG_TRY(check_given(p, lig_spec_knobs, given));
    LIG_TRY(resolve_runs(p));
    LIG_TRY(expect(p, "}"));
    p->spec->places = p->places.data;
    p->spec->place_count = p->places.count;
    return p->token.kind == LIG_TOKEN_END ? LIG_OK : expected(p, "the end of the text");
}

LigStatus lig_spec_parse(LigContext *ctx, const char *path, LigStr source, LigArena *arena, LigSpec *out)
{
    Parser *p = LIG_NEW(arena, Parser);
    if (!p) return lig_no_memory(ctx);
    lig_spec_defaults(out);
    *p = (Parser){
        .ctx = ctx, .arena = arena, .spec = out, .block = LIG_STR(""), .lexer = lig_lexer(path, source)};
    advance(p);
    advance(p);
    return read_model(p);
}

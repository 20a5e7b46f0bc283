#define PCRE2_CODE_UNIT_WIDTH 8
#include "runtime/text/pretokenize.h"

#include "ir/base/alloc.h"
#include "runtime/text/utf8.h"

#include <pcre2.h>

typedef struct Step {
    LigSplitKind kind;
    pcre2_code *code;
} Step;

struct LigPretokenizer {
    pcre2_general_context *memory;
    Step steps[LIG_IMAGE_MAX_RULES];
    size_t step_count;
};

typedef struct Run {
    LigContext *ctx;
    const LigPretokenizer *pretokenizer;
    pcre2_match_data *match; // one for all steps: a match's place is copied out before the next step runs
    LigPieceFn each;
    void *user;
} Run;

static void *pcre_alloc(size_t bytes, void *unused)
{
    (void)unused;
    return lig_alloc(bytes);
}

static void pcre_free(void *pointer, void *unused)
{
    (void)unused;
    lig_free(pointer);
}

static LigStatus compile(LigContext *ctx, LigPretokenizer *pretokenizer, LigStr pattern, pcre2_code **out)
{
    pcre2_compile_context *settings = pcre2_compile_context_create(pretokenizer->memory);
    if (!settings) return lig_no_memory(ctx);
    int error = 0;
    PCRE2_SIZE at = 0;
    *out = pcre2_compile((PCRE2_SPTR)pattern.data, pattern.length,
                         PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &error, &at, settings);
    pcre2_compile_context_free(settings);
    if (*out) {
        // Without machine code (no memory for it, or another processor) the pattern is interpreted: same
        // matches.
        (void)pcre2_jit_compile(*out, PCRE2_JIT_COMPLETE);
        return LIG_OK;
    }
    if (error == PCRE2_ERROR_HEAP_FAILED) return lig_no_memory(ctx);
    PCRE2_UCHAR message[256] = {0};
    pcre2_get_error_message(error, message, sizeof message);
    return lig_fail(
        ctx, LIG_ERR_INVALID, LIG_NOWHERE,
        "tokenizer: the pre-tokenizer's pattern '%.*s' is not a regular expression of PCRE2: %s at byte %zu",
        LIG_STR_ARG(pattern), (const char *)message, (size_t)at);
}

LigStatus lig_pretokenizer_create(LigContext *ctx, const LigImage *image, LigPretokenizer **out)
{
    *out = NULL;
    LigPretokenizer *pretokenizer = lig_alloc_zero(sizeof *pretokenizer);
    if (!pretokenizer) return lig_no_memory(ctx);
    pretokenizer->memory = pcre2_general_context_create(pcre_alloc, pcre_free, NULL);
    LigStatus status = pretokenizer->memory ? LIG_OK : lig_no_memory(ctx);
    for (size_t i = 0; i < image->split_count && status == LIG_OK; i++) {
        Step *step = &pretokenizer->steps[i];
        step->kind = (LigSplitKind)image->splits[i].kind;
        status = compile(ctx, pretokenizer, lig_image_rule_text(image, &image->splits[i]), &step->code);
        pretokenizer->step_count = i + 1;
    }
    if (status != LIG_OK) {
        lig_pretokenizer_destroy(pretokenizer);
        return status;
    }
    *out = pretokenizer;
    return LIG_OK;
}

void lig_pretokenizer_destroy(LigPretokenizer *pretokenizer)
{
    if (!pretokenizer) return;
    for (size_t i = 0; i < pretokenizer->step_count; i++) pcre2_code_free(pretokenizer->steps[i].code);
    pcre2_general_context_free(pretokenizer->memory);
    lig_free(pretokenizer);
}

// The next match of `code` at or after `from`; *out_begin = SIZE_MAX when there is none.
static LigStatus find(Run *run, const pcre2_code *code, LigStr text, size_t from, size_t *out_begin,
                      size_t *out_end)
{
    PCRE2_SPTR subject = (PCRE2_SPTR)text.data;
    int found = pcre2_match(code, subject, text.length, from, PCRE2_NO_UTF_CHECK, run->match, NULL);
    if (found == PCRE2_ERROR_JIT_STACKLIMIT) // the interpreter keeps its stack on the heap
        found =
            pcre2_match(code, subject, text.length, from, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, run->match, NULL);
    *out_begin = SIZE_MAX;
    if (found == PCRE2_ERROR_NOMATCH) return LIG_OK;
    if (found == PCRE2_ERROR_NOMEMORY) return lig_no_memory(run->ctx);
    if (found < 0)
        return lig_fail(
            run->ctx, LIG_ERR_INVALID, LIG_NOWHERE,
            "tokenizer: the pre-tokenizer's pattern needs too many steps on this text (PCRE2 error %d); "
            "divide the text",
            found);
    const PCRE2_SIZE *places = pcre2_get_ovector_pointer(run->match);
    *out_begin = places[0];
    *out_end = places[1] < places[0] ? places[0] : places[1]; // \K in a lookahead can turn them round
    return LIG_OK;
}

static LigStatus run_step(Run *run, size_t index, LigStr text);

static LigStatus emit(Run *run, size_t index, LigStr text, size_t begin, size_t end)
{
    if (begin >= end) return LIG_OK;
    return run_step(run, index + 1, (LigStr){text.data + begin, end - begin});
}

// Recursion is as deep as there are steps.
static LigStatus run_step(Run *run, size_t index, LigStr text)
{
    if (index == run->pretokenizer->step_count) return run->each(run->user, text);
    const Step *step = &run->pretokenizer->steps[index];
    size_t done = 0; // up to here everything was given on
    size_t from = 0;
    while (from <= text.length) {
        size_t begin;
        size_t end = 0;
        LIG_TRY(find(run, step->code, text, from, &begin, &end));
        if (begin == SIZE_MAX) break;
        if (step->kind != LIG_SPLIT_KEEP) LIG_TRY(emit(run, index, text, done, begin));
        if (step->kind != LIG_SPLIT_REMOVE) LIG_TRY(emit(run, index, text, begin < done ? done : begin, end));
        done = end > done ? end : done;
        // An empty match (or one that \K moved back): the next search starts a character later.
        if (end > from)
            from = end;
        else
            from += from < text.length ? lig_utf8_next(lig_str_skip(text, from)).bytes : 1;
    }
    return step->kind == LIG_SPLIT_KEEP ? LIG_OK : emit(run, index, text, done, text.length);
}

LigStatus lig_pretokenizer_run(LigContext *ctx, const LigPretokenizer *pretokenizer, LigStr text,
                               LigPieceFn each, void *user)
{
    if (text.length == 0) return LIG_OK;
    Run run = {.ctx = ctx, .pretokenizer = pretokenizer, .each = each, .user = user};
    run.match = pcre2_match_data_create(1, pretokenizer->memory);
    if (!run.match) return lig_no_memory(ctx);
    LigStatus status = run_step(&run, 0, text);
    pcre2_match_data_free(run.match);
    return status;
}

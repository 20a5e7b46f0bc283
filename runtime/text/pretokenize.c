#include "runtime/text/pretokenize.h"

#include "ir/base/alloc.h"
#include "runtime/text/matcher.h"
#include "runtime/text/utf8.h"

typedef struct Step {
    LigImageRule rule;
    LigStr text, with;
    LigMatcher matcher;
    LigText changed; // the piece as the step changed it, while the steps after it run
} Step;

struct LigPretokenizer {
    Step steps[LIG_IMAGE_MAX_RULES];
    size_t count;
};

typedef struct Run {
    LigContext *ctx;
    LigPretokenizer *pretokenizer;
    LigPieces pieces;
} Run;

// Where a step cuts one piece: what it has seen but not given on yet.
typedef struct Cutting {
    Run *run;
    size_t step;
    LigStr text;
    bool is_first;
    bool is_pending, was_match;
    size_t begin, end;
} Cutting;

static LigStatus init_step(LigContext *ctx, const LigImage *image, const LigImageRule *rule, Step *step)
{
    step->rule = *rule;
    step->text = lig_image_rule_text(image, rule);
    step->with = lig_image_rule_with(image, rule);
    if (rule->kind <= LIG_SPLIT_MERGE_NEXT) return lig_matcher_init(ctx, step->text, &step->matcher);
    if (step->text.length == 0 || !lig_utf8_is_valid(step->text) || !lig_utf8_is_valid(step->with))
        return lig_fail(ctx, LIG_ERR_INVALID, LIG_NOWHERE,
                        "tokenizer: a pre-tokenizer's text is empty or not UTF-8");
    step->matcher = lig_matcher_literal(step->text);
    return LIG_OK;
}

LigStatus lig_pretokenizer_create(LigContext *ctx, const LigImage *image, LigPretokenizer **out)
{
    *out = NULL;
    LigPretokenizer *pretokenizer = lig_alloc_zero(sizeof *pretokenizer);
    if (!pretokenizer) return lig_no_memory(ctx);
    LigStatus status = LIG_OK;
    for (size_t i = 0; i < image->split_count && status == LIG_OK; i++)
        status = init_step(ctx, image, &image->splits[i], &pretokenizer->steps[pretokenizer->count++]);
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
    for (size_t i = 0; i < pretokenizer->count; i++) {
        lig_matcher_free(&pretokenizer->steps[i].matcher);
        lig_text_free(&pretokenizer->steps[i].changed);
    }
    lig_free(pretokenizer);
}

static LigStatus run_step(Run *run, size_t index, LigStr text, bool is_first);

static LigStatus give(const Cutting *c, size_t begin, size_t end)
{
    if (begin >= end) return LIG_OK;
    const LigStr piece = {c->text.data + begin, end - begin};
    if (c->step + 1 == c->run->pretokenizer->count) return c->run->pieces.each(c->run->pieces.user, piece);
    return run_step(c->run, c->step + 1, piece, c->is_first && begin == 0);
}

static LigStatus flush(Cutting *c)
{
    const bool was_pending = c->is_pending;
    c->is_pending = false;
    return was_pending ? give(c, c->begin, c->end) : LIG_OK;
}

// Whether a stretch belongs to the one before it.
static bool joins(const Cutting *c, LigSplitKind kind, bool is_match)
{
    if (!c->is_pending) return false;
    if (kind == LIG_SPLIT_CONTIGUOUS) return c->was_match == is_match;
    if (kind == LIG_SPLIT_MERGE_PREVIOUS) return is_match && !c->was_match;
    return kind == LIG_SPLIT_MERGE_NEXT && c->was_match && !is_match;
}

// The stretches of a piece arrive one after another, each a match or what lies between two.
static LigStatus add_stretch(Cutting *c, size_t begin, size_t end, bool is_match)
{
    const LigImageRule *rule = &c->run->pretokenizer->steps[c->step].rule;
    const LigSplitKind kind = (LigSplitKind)rule->kind;
    if (begin >= end) return LIG_OK;
    if (rule->flags & LIG_RULE_INVERT) is_match = !is_match;
    if (kind == LIG_SPLIT_ISOLATE) return give(c, begin, end);
    if (kind == LIG_SPLIT_REMOVE) return is_match ? LIG_OK : give(c, begin, end);
    if (joins(c, kind, is_match)) {
        c->end = end;
    } else {
        LIG_TRY(flush(c));
        c->is_pending = true;
        c->begin = begin;
        c->end = end;
    }
    c->was_match = is_match;
    return LIG_OK;
}

static LigStatus cut(Run *run, size_t index, LigStr text, bool is_first)
{
    const Step *step = &run->pretokenizer->steps[index];
    Cutting c = {.run = run, .step = index, .text = text, .is_first = is_first};
    size_t done = 0; // up to here everything was seen
    for (size_t from = 0; from <= text.length;) {
        size_t begin;
        size_t end = 0;
        LIG_TRY(lig_matcher_find(run->ctx, &step->matcher, text, from, &begin, &end));
        if (begin == SIZE_MAX) break;
        if (begin < done) begin = done; // \K in a lookahead can move it back
        LIG_TRY(add_stretch(&c, done, begin, false));
        LIG_TRY(add_stretch(&c, begin, end, true));
        done = end > begin ? end : begin;
        from = lig_matcher_next(text, from, end);
    }
    LIG_TRY(add_stretch(&c, done, text.length, false));
    return flush(&c);
}

static LigStatus replace(Run *run, size_t index, LigStr text, bool is_first)
{
    Step *step = &run->pretokenizer->steps[index];
    lig_text_clear(&step->changed);
    size_t done = 0;
    for (;;) {
        size_t begin;
        size_t end = 0;
        LIG_TRY(lig_matcher_find(run->ctx, &step->matcher, text, done, &begin, &end));
        if (begin == SIZE_MAX) break;
        lig_text_append(&step->changed, (LigStr){text.data + done, begin - done});
        lig_text_append(&step->changed, step->with);
        done = end;
    }
    if (done == 0) return run_step(run, index + 1, text, is_first);
    lig_text_append(&step->changed, lig_str_skip(text, done));
    if (step->changed.failed) return lig_no_memory(run->ctx);
    return run_step(run, index + 1, lig_text_view(&step->changed), is_first);
}

static LigStatus prepend(Run *run, size_t index, LigStr text, bool is_first)
{
    Step *step = &run->pretokenizer->steps[index];
    if (lig_str_starts_with(text, step->text) || (step->rule.flags & LIG_RULE_FIRST && !is_first))
        return run_step(run, index + 1, text, is_first);
    lig_text_clear(&step->changed);
    lig_text_append(&step->changed, step->text);
    lig_text_append(&step->changed, text);
    if (step->changed.failed) return lig_no_memory(run->ctx);
    return run_step(run, index + 1, lig_text_view(&step->changed), is_first);
}

// Recursion is as deep as there are steps.
static LigStatus run_step(Run *run, size_t index, LigStr text, bool is_first)
{
    if (text.length == 0) return LIG_OK;
    if (index == run->pretokenizer->count) return run->pieces.each(run->pieces.user, text);
    const uint32_t kind = run->pretokenizer->steps[index].rule.kind;
    if (kind == LIG_SPLIT_PREPEND) return prepend(run, index, text, is_first);
    if (kind == LIG_SPLIT_REPLACE) return replace(run, index, text, is_first);
    return cut(run, index, text, is_first);
}

LigStatus lig_pretokenizer_run(LigContext *ctx, LigPretokenizer *pretokenizer, LigStr text, LigPieces pieces)
{
    Run run = {.ctx = ctx, .pretokenizer = pretokenizer, .pieces = pieces};
    return run_step(&run, 0, text, pieces.is_first);
}

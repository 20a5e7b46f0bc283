#include "runtime/text/normalise.h"

#include "ir/base/alloc.h"
#include "runtime/text/charsmap.h"
#include "runtime/text/matcher.h"
#include "runtime/text/normalise_rules.h"
#include "runtime/text/utf8.h"

typedef struct Step {
    LigImageRule rule;
    LigStr text, with;
    LigMatcher matcher;   // of REPLACE
    LigCharsmap charsmap; // of CHARSMAP
} Step;

struct LigNormaliser {
    Step steps[LIG_IMAGE_MAX_RULES];
    size_t count;
    LigText stages[2]; // each step reads one and writes the other
};

LigStatus lig_normaliser_create(LigContext *ctx, const LigImage *image, LigNormaliser **out)
{
    *out = NULL;
    LigNormaliser *normaliser = lig_alloc_zero(sizeof *normaliser);
    if (!normaliser) return lig_no_memory(ctx);
    LigStatus status = LIG_OK;
    for (size_t i = 0; i < image->normaliser_count && status == LIG_OK; i++) {
        Step *step = &normaliser->steps[normaliser->count++];
        step->rule = image->normalisers[i];
        step->text = lig_image_rule_text(image, &step->rule);
        step->with = lig_image_rule_with(image, &step->rule);
        if (!lig_utf8_is_valid(step->with) ||
            (step->rule.kind == LIG_NORMALISE_PREPEND && !lig_utf8_is_valid(step->text)))
            status = lig_fail(ctx, LIG_ERR_INVALID, LIG_NOWHERE, "tokenizer: a normaliser's text is not UTF-8");
        else if (step->rule.kind == LIG_NORMALISE_REPLACE)
            status = lig_matcher_init(ctx, step->text, &step->matcher);
        else if (step->rule.kind == LIG_NORMALISE_CHARSMAP)
            status = lig_charsmap_init(ctx, step->text, &step->charsmap);
    }
    if (status != LIG_OK) {
        lig_normaliser_destroy(normaliser);
        return status;
    }
    *out = normaliser;
    return LIG_OK;
}

void lig_normaliser_destroy(LigNormaliser *normaliser)
{
    if (!normaliser) return;
    for (size_t i = 0; i < normaliser->count; i++) lig_matcher_free(&normaliser->steps[i].matcher);
    lig_text_free(&normaliser->stages[0]);
    lig_text_free(&normaliser->stages[1]);
    lig_free(normaliser);
}

static LigStatus replace(LigContext *ctx, const Step *step, LigStr text, LigText *out)
{
    size_t done = 0;
    for (size_t from = 0; from <= text.length;) {
        size_t begin;
        size_t end = 0;
        LIG_TRY(lig_matcher_find(ctx, &step->matcher, text, from, &begin, &end));
        if (begin == SIZE_MAX) break;
        if (begin > done) lig_text_append(out, (LigStr){text.data + done, begin - done});
        lig_text_append(out, step->with);
        if (end > done) done = end;
        from = lig_matcher_next(text, from, end);
    }
    lig_text_append(out, lig_str_skip(text, done));
    return LIG_OK;
}

// Whether the rule leaves all ASCII as it is.
static bool keeps_ascii(uint32_t kind)
{
    return kind <= LIG_NORMALISE_NFKD || kind == LIG_NORMALISE_DROP_MARKS ||
           kind == LIG_NORMALISE_DROP_NONSPACING || kind == LIG_NORMALISE_SPACE_CHINESE;
}

static LigStatus apply(LigContext *ctx, const Step *step, LigStr text, LigText *out)
{
    switch ((LigNormaliserKind)step->rule.kind) {
    case LIG_NORMALISE_NFC:
    case LIG_NORMALISE_NFD:
    case LIG_NORMALISE_NFKC:
    case LIG_NORMALISE_NFKD:
        return lig_normalise_form(ctx, (LigNormaliserKind)step->rule.kind, text, out);
    case LIG_NORMALISE_LOWERCASE:
        lig_normalise_lowercase(text, out);
        return LIG_OK;
    case LIG_NORMALISE_DROP_MARKS:
        lig_normalise_drop(LIG_CHAR_MARK, text, out);
        return LIG_OK;
    case LIG_NORMALISE_DROP_NONSPACING:
        lig_normalise_drop(LIG_CHAR_NONSPACING, text, out);
        return LIG_OK;
    case LIG_NORMALISE_CLEAN:
        lig_normalise_clean(text, out);
        return LIG_OK;
    case LIG_NORMALISE_SPACE_CHINESE:
        lig_normalise_space_chinese(text, out);
        return LIG_OK;
    case LIG_NORMALISE_STRIP:
        lig_text_append(out, lig_normalise_strip(step->rule.flags, text));
        return LIG_OK;
    case LIG_NORMALISE_REPLACE:
        return replace(ctx, step, text, out);
    case LIG_NORMALISE_PREPEND:
        lig_text_append(out, step->text);
        lig_text_append(out, text);
        return LIG_OK;
    case LIG_NORMALISE_CHARSMAP:
        if (step->rule.flags & LIG_RULE_GRAPHEMES)
            lig_charsmap_apply_graphemes(&step->charsmap, text, out);
        else
            lig_charsmap_apply_longest(&step->charsmap, text, out);
        return LIG_OK;
    case LIG_NORMALISE_COLLAPSE_SPACES:
        lig_normalise_collapse_spaces(text, out);
        return LIG_OK;
    case LIG_NORMALISE_NMT:
        lig_normalise_nmt(text, out);
        return LIG_OK;
    }
    return LIG_OK;
}

// No table of Unicode's makes a text 32 times as long, but rules of a hostile file could, one after another.
static bool is_blown_up(size_t from, size_t to)
{
    enum { TIMES = 32, SHORT = 1 << 16 };
    return to > SHORT && to / TIMES > from;
}

LigStatus lig_normaliser_run(LigContext *ctx, LigNormaliser *normaliser, LigStr text, LigStr *out)
{
    LigStr now = text;
    size_t stage = 0;
    for (size_t i = 0; i < normaliser->count && now.length > 0; i++) {
        const Step *step = &normaliser->steps[i];
        if (keeps_ascii(step->rule.kind) && lig_str_is_ascii(now)) continue;
        LigText *next = &normaliser->stages[stage];
        stage ^= 1;
        lig_text_clear(next);
        LIG_TRY(apply(ctx, step, now, next));
        if (next->failed) {
            lig_text_free(next);
            return lig_no_memory(ctx);
        }
        now = lig_text_view(next);
        if (is_blown_up(text.length, now.length))
            return lig_fail(ctx, LIG_ERR_INVALID, LIG_NOWHERE,
                            "tokenizer: the normalisers make more than 32 times as much of the text");
    }
    *out = now;
    return LIG_OK;
}

#include "tools/perplexity.h"

#include "tools/interrupt.h"
#include "tools/model_open.h"
#include "tools/progress.h"
#include "tools/time_report.h"
#include "tools/token_scores.h"

typedef struct Perplexity {
    LigOptions *options;
    const char *text; // path
    LigContext *ctx;
    LigOpenModel model;
    LigTokenIds ids;
    int64_t window, stride;
    LigSession *session;
    LigTokenScorer scorer;
    double *scores; // of one window
    double sum;     // of all
    int64_t scored;
} Perplexity;

static LigStatus check_windows(Perplexity *p)
{
    p->window = lig_option_integer(p->options, LIG_OPT_WINDOW);
    p->stride = lig_option_given(p->options, LIG_OPT_STRIDE) ? lig_option_integer(p->options, LIG_OPT_STRIDE)
                                                             : p->window;
    if (p->stride <= p->window) return LIG_OK;
    return lig_options_misused(p->options,
                               "--stride %lld is above --window %lld: tokens between would be left out",
                               (long long)p->stride, (long long)p->window);
}

static LigStatus read_text(Perplexity *p)
{
    const char *path = p->text;
    LigMappedFile *file = NULL;
    LIG_TRY(lig_file_map(p->ctx, path, &file));
    const LigStr text = {(const char *)file->data, file->size};
    const LigEncodeOptions how = {.add_special = true};
    LigStatus status = lig_tokenizer_encode(p->ctx, p->model.tokenizer, text, how, &p->ids);
    lig_file_unmap(file);
    LIG_TRY(status);
    if (lig_option_given(p->options, LIG_OPT_FIRST_TOKENS)) {
        size_t most = (size_t)lig_option_integer(p->options, LIG_OPT_FIRST_TOKENS);
        if (p->ids.count > most) p->ids.count = most;
    }
    if (p->ids.count >= 2) return LIG_OK;
    return lig_fail(p->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(path),
                    "has %zu token: the first is context only, so give at least two", p->ids.count);
}

static LigStatus open_session(Perplexity *p)
{
    LigModule *module;
    LIG_TRY(lig_open_model_build(&p->model, &module));
    if (!lig_module_find_func(module, LIG_STR("step"))) {
        lig_module_destroy(module);
        return lig_fail(p->ctx, LIG_ERR_UNSUPPORTED, LIG_FILE_LOC(lig_options_operand(p->options)),
                        "is no decoder: only models that go on from a text have a perplexity");
    }
    LIG_TRY(lig_open_model_compile(&p->model, module));
    const LigSessionOptions size = {.context = p->window, .slots = 1};
    LIG_TRY(lig_session_create(p->model.executable, &size, &p->session));
    p->scorer = (LigTokenScorer){.ctx = p->ctx, .session = p->session, .parallel = &p->model.parallel};
    p->scores = LIG_NEW_ARRAY(p->options->arena, double, (size_t)p->window);
    if (!p->scores) return lig_no_memory(p->ctx);
    return lig_token_scorer_open(&p->scorer);
}

// Scores what lies in the window from `begin` on and was in no window before it.
static LigStatus score_window(Perplexity *p, int64_t begin, int64_t end, int64_t scored_to)
{
    int64_t first = scored_to > begin ? scored_to - begin : 1;
    lig_session_reset(p->session, 0);
    LIG_TRY(lig_token_scores(&p->scorer, p->ids.data + begin, end - begin, first, p->scores));
    for (int64_t i = 0; i < end - begin - first; i++) p->sum += p->scores[i];
    p->scored += end - begin - first;
    return LIG_OK;
}

static LigStatus interrupted(const Perplexity *p)
{
    return lig_fail(p->ctx, LIG_ERR_IO, LIG_NOWHERE, "interrupted after %lld tokens", (long long)p->scored);
}

static LigStatus score_all(Perplexity *p)
{
    int64_t count = (int64_t)p->ids.count, scored_to = 0;
    LigProgress progress = lig_progress_start(p->options, "perplexity", "tokens", count);
    LigStatus status = LIG_OK;
    for (int64_t begin = 0; status == LIG_OK && scored_to < count; begin += p->stride) {
        int64_t end = begin + p->window < count ? begin + p->window : count;
        status = lig_interrupted() ? interrupted(p) : score_window(p, begin, end, scored_to);
        scored_to = end;
        lig_progress_step(&progress, end);
    }
    lig_progress_end(&progress);
    return status;
}

static LigStatus measure(Perplexity *p)
{
    LIG_TRY(check_windows(p));
    LIG_TRY(lig_open_model_file(&p->model, p->options));
    LIG_TRY(lig_open_model_tokenizer(&p->model));
    LIG_TRY(read_text(p));
    LIG_TRY(open_session(p));
    LIG_TRY(score_all(p));
    lig_time_report(p->options, p->model.executable);
    return LIG_OK;
}

LigStatus lig_perplexity_measure(LigOptions *options, const char *text, LigPerplexity *out)
{
    Perplexity p = {.options = options, .text = text, .ctx = options->ctx};
    LigStatus status = measure(&p);
    if (status == LIG_OK) *out = (LigPerplexity){-p.sum / (double)p.scored, p.scored};
    lig_token_scorer_close(&p.scorer);
    lig_session_destroy(p.session);
    lig_token_ids_free(&p.ids);
    lig_open_model_close(&p.model);
    return status;
}

// liga score: how likely each of some choices is after a context.
#include "tools/json_lines.h"
#include "tools/json_output.h"
#include "tools/model_open.h"
#include "tools/token_scores.h"

#include <string.h>

typedef struct Score {
    LigOptions *options;
    LigContext *ctx;
    LigOpenModel model;
    LigSession *session;
    LigTokenScorer scorer;
    LigJsonReader reader;
    LigCommandOutput output;
    LigTokenIds context, whole; // of the line, of the choice
    double *scores;             // of one choice: as many as the context holds
} Score;

static LigStatus open_session(Score *s)
{
    LigModule *module;
    LIG_TRY(lig_open_model_build(&s->model, "step", &module));
    if (!lig_module_find_func(module, LIG_STR("step"))) {
        lig_module_destroy(module);
        return lig_fail(s->ctx, LIG_ERR_UNSUPPORTED, LIG_FILE_LOC(lig_options_operand(s->options)),
                        "is no decoder: only models that go on from a text score choices");
    }
    LIG_TRY(lig_open_model_compile(&s->model, module));
    const LigSessionOptions size = {.slots = 1};
    LIG_TRY(lig_session_create(s->model.executable, &size, &s->session));
    s->scorer = (LigTokenScorer){.ctx = s->ctx, .session = s->session, .parallel = &s->model.parallel};
    s->scores = LIG_NEW_ARRAY(s->options->arena, double, (size_t)lig_session_context(s->session));
    if (!s->scores) return lig_no_memory(s->ctx);
    return lig_token_scorer_open(&s->scorer);
}

static LigStatus encode(const Score *s, LigStr text, LigTokenIds *ids)
{
    const LigEncodeOptions how = {.parse_special = true, .add_special = true};
    ids->count = 0;
    return lig_tokenizer_encode(s->ctx, s->model.tokenizer, text, how, ids);
}

// The tokens that context and whole text begin with in common: a choice may merge with the context's last token,
// which then is the choice's. At least one token comes before the choice, or the model has none that begins a text.
static LigStatus split(const Score *s, size_t *before)
{
    size_t common = 0, most = s->context.count < s->whole.count ? s->context.count : s->whole.count;
    while (common < most && s->context.data[common] == s->whole.data[common]) common++;
    *before = common < s->whole.count ? common : s->whole.count > 0 ? s->whole.count - 1 : 0;
    if (s->whole.count == s->context.count && common == s->whole.count) {
        return lig_json_reader_fail(&s->reader, "has an empty choice: there is nothing to score");
    }
    if (*before > 0) return LIG_OK;
    return lig_json_reader_fail(&s->reader, "has no token before its choices: give a context");
}

// Keeps of what the session holds the tokens that this text begins with, too, and feeds the rest.
static LigStatus score_choice(Score *s, LigStr text, double *sum, size_t *tokens)
{
    LIG_TRY(encode(s, text, &s->whole));
    size_t before;
    LIG_TRY(split(s, &before));
    if ((int64_t)s->whole.count > lig_session_context(s->session)) {
        return lig_json_reader_fail(&s->reader, "is longer than the model's context: shorten it");
    }
    // What the session holds is the beginning of the context.
    int64_t held = lig_session_length(s->session, 0);
    if (held > (int64_t)before - 1) held = (int64_t)before - 1;
    lig_session_rewind(s->session, 0, held);
    const int32_t *rest = s->whole.data + held;
    int64_t count = (int64_t)s->whole.count - held, first = (int64_t)before - held;
    LIG_TRY(lig_token_scores(&s->scorer, rest, count, first, s->scores));
    *tokens = s->whole.count - before;
    *sum = 0;
    for (size_t i = 0; i < *tokens; i++) *sum += s->scores[i];
    lig_session_rewind(s->session, 0, (int64_t)before - 1);
    return LIG_OK;
}

typedef struct Answer {
    json_t *sums, *counts;
    size_t best;
    double most;
} Answer;

static LigStatus answer_choice(Score *s, LigStr context, const json_t *choice, size_t index, Answer *answer)
{
    if (!json_is_string(choice)) return lig_json_reader_fail(&s->reader, "has a choice that is no text");
    LigText text = {0};
    lig_text_append(&text, context);
    lig_text_append(&text, (LigStr){json_string_value(choice), json_string_length(choice)});
    double sum = 0;
    size_t tokens = 0;
    LigStatus status =
        text.failed ? lig_no_memory(s->ctx) : score_choice(s, lig_text_view(&text), &sum, &tokens);
    lig_text_free(&text);
    LIG_TRY(status);
    if (index == 0 || sum > answer->most) {
        answer->best = index;
        answer->most = sum;
    }
    bool kept = json_array_append_new(answer->sums, json_real(sum)) == 0 &&
                json_array_append_new(answer->counts, json_integer((json_int_t)tokens)) == 0;
    return kept ? LIG_OK : lig_no_memory(s->ctx);
}

static LigStatus answer_choices(Score *s, const json_t *object, Answer *answer)
{
    LigStr context;
    LIG_TRY(lig_json_reader_text(&s->reader, "context", &context));
    const json_t *choices = json_object_get(object, "choices");
    if (!json_is_array(choices) || json_array_size(choices) == 0) {
        return lig_json_reader_fail(&s->reader,
                                    "has no choices: write {\"context\":\"…\",\"choices\":[\"…\"]}");
    }
    LIG_TRY(encode(s, context, &s->context));
    lig_session_reset(s->session, 0);
    for (size_t i = 0; i < json_array_size(choices); i++) {
        LIG_TRY(answer_choice(s, context, json_array_get(choices, i), i, answer));
    }
    return LIG_OK;
}

static LigStatus answer_line(Score *s, const json_t *object)
{
    Answer answer = {.sums = json_array(), .counts = json_array()};
    LigStatus status =
        answer.sums && answer.counts ? answer_choices(s, object, &answer) : lig_no_memory(s->ctx);
    if (status != LIG_OK) {
        json_decref(answer.sums);
        json_decref(answer.counts);
        return status;
    }
    LIG_TRY(lig_json_write_line(&s->output, json_pack("{s:o,s:o,s:I}", "loglikelihoods", answer.sums, "tokens",
                                                      answer.counts, "best", (json_int_t)answer.best)));
    return lig_command_output_flush(&s->output);
}

static LigStatus answer_lines(Score *s)
{
    const json_t *object;
    LIG_TRY(lig_json_reader_next(&s->reader, &object));
    while (object) {
        LIG_TRY(answer_line(s, object));
        LIG_TRY(lig_json_reader_next(&s->reader, &object));
    }
    return LIG_OK;
}

static LigStatus open_and_answer(Score *s)
{
    LIG_TRY(lig_open_model_file(&s->model, s->options));
    LIG_TRY(lig_open_model_tokenizer(&s->model));
    LIG_TRY(open_session(s));
    LIG_TRY(lig_command_output_open(s->options, &s->output));
    return lig_command_output_close(&s->output, answer_lines(s));
}

LigStatus lig_cmd_score(LigOptions *options)
{
    Score s = {.options = options, .ctx = options->ctx, .reader = {.ctx = options->ctx}};
    LigStatus status = open_and_answer(&s);
    lig_json_reader_free(&s.reader);
    lig_token_scorer_close(&s.scorer);
    lig_session_destroy(s.session);
    lig_token_ids_free(&s.context);
    lig_token_ids_free(&s.whole);
    lig_open_model_close(&s.model);
    return status;
}

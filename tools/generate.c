#include "tools/generate.h"

#include "ir/base/alloc.h"
#include "runtime/text/stream.h"
#include "tools/interrupt.h"
#include "tools/progress.h"

const char *lig_finish_name(LigFinish finish)
{
    static const char *const names[] = {"length", "end", "stop", "interrupted"};
    return names[finish];
}

LigStatus lig_generator_prepare(LigGenerator *g)
{
    int64_t vocabulary = lig_session_vocabulary(g->session);
    LIG_TRY(lig_sampling_check(g->ctx, &g->sampling));
    LIG_TRY(lig_sampler_create(g->ctx, (int32_t)vocabulary, &g->sampler));
    g->logits = lig_alloc((size_t)vocabulary * sizeof(float));
    return g->logits ? LIG_OK : lig_no_memory(g->ctx);
}

void lig_generator_release(LigGenerator *g)
{
    lig_sampler_destroy(g->sampler);
    lig_free(g->logits);
    lig_token_ids_free(&g->history);
}

void lig_answer_free(LigAnswer *answer)
{
    lig_token_ids_free(&answer->tokens);
    lig_text_free(&answer->text);
}

// The text of one answer on its way out.
typedef struct Speech {
    LigTextStream stream;
    LigStopText stop;
    LigText piece;
} Speech;

static LigStatus say(LigGenerator *g, LigAnswer *answer, LigStr text)
{
    lig_text_append(&answer->text, text);
    if (answer->text.failed) return lig_no_memory(g->ctx);
    return text.length > 0 && g->show ? g->show(g->show_user, text) : LIG_OK;
}

// True in *met when a stop text ends the answer.
static LigStatus hear(LigGenerator *g, Speech *speech, int32_t id, LigAnswer *answer, bool *met)
{
    lig_text_clear(&speech->piece);
    lig_text_stream_feed(&speech->stream, id, &speech->piece);
    LigStr ready;
    *met = lig_stop_text_feed(&speech->stop, lig_text_view(&speech->piece), &ready);
    if (speech->piece.failed || speech->stop.held.failed) return lig_no_memory(g->ctx);
    return say(g, answer, ready);
}

static LigStatus hear_end(LigGenerator *g, Speech *speech, LigAnswer *answer)
{
    lig_text_clear(&speech->piece);
    lig_text_stream_flush(&speech->stream, &speech->piece);
    LigStr ready;
    bool met = lig_stop_text_feed(&speech->stop, lig_text_view(&speech->piece), &ready);
    if (speech->piece.failed || speech->stop.held.failed) return lig_no_memory(g->ctx);
    LIG_TRY(say(g, answer, ready));
    return met ? LIG_OK : say(g, answer, lig_stop_text_flush(&speech->stop));
}

static LigStatus choose(LigGenerator *g, LigAnswer *answer, int32_t *id)
{
    const LigSampleInput input = {.logits = g->logits,
                                  .history = g->history.data,
                                  .history_count = g->history.count,
                                  .position = answer->tokens.count};
    LIG_TRY(lig_sample(g->ctx, g->sampler, &g->sampling, &input, id));
    LIG_TRY(lig_token_ids_append(g->ctx, &g->history, id, 1));
    return lig_token_ids_append(g->ctx, &answer->tokens, id, 1);
}

// One token: chosen, heard, and, when another is wanted, fed. True in *over when the answer is.
static LigStatus answer_token(LigGenerator *g, Speech *speech, LigAnswer *answer, bool *over)
{
    int32_t id;
    LIG_TRY(choose(g, answer, &id));
    *over = true;
    if (g->tokenizer && !g->ignore_eos && lig_tokenizer_is_end(g->tokenizer, id)) {
        answer->finish = LIG_FINISH_END;
        return LIG_OK;
    }
    bool met = false;
    if (g->tokenizer) LIG_TRY(hear(g, speech, id, answer, &met));
    if (met || lig_interrupted()) {
        answer->finish = met ? LIG_FINISH_STOP : LIG_FINISH_INTERRUPTED;
        return LIG_OK;
    }
    bool is_full = lig_session_length(g->session, 0) == lig_session_context(g->session);
    if (is_full || (int64_t)answer->tokens.count == g->limit) return LIG_OK;
    *over = false;
    const LigRow row = {.slot = 0, .ids = &id, .count = 1};
    return lig_session_step(g->session, &row, 1, g->logits);
}

static LigStatus speak(LigGenerator *g, Speech *speech, LigAnswer *answer)
{
    bool over = g->limit == 0;
    while (!over) LIG_TRY(answer_token(g, speech, answer, &over));
    return g->tokenizer && answer->finish != LIG_FINISH_STOP ? hear_end(g, speech, answer) : LIG_OK;
}

LigStatus lig_generate(LigGenerator *g, const int32_t *ids, size_t count, LigAnswer *answer)
{
    double start = lig_seconds();
    LIG_TRY(lig_token_ids_append(g->ctx, &g->history, ids, count));
    LIG_TRY(lig_session_feed(g->session, 0, ids, (int64_t)count, g->logits));
    double fed = lig_seconds();
    answer->prefill_ms = (fed - start) * 1e3;
    Speech speech = {.stop = {.stops = g->stops, .count = g->stop_count}};
    if (g->tokenizer) speech.stream = lig_text_stream(g->tokenizer, false);
    LigStatus status = speak(g, &speech, answer);
    lig_text_free(&speech.piece);
    lig_stop_text_free(&speech.stop);
    answer->decode_ms = (lig_seconds() - fed) * 1e3;
    return status;
}

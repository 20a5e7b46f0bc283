// liga classify: a label per text, and how probable it is.
#include "frontend/head_config.h"
#include "tools/json_output.h"
#include "tools/text_forward.h"

#include <math.h>

typedef struct Classify {
    LigTextForward work;
    LigLabelConfig labels;
    double *probabilities; // [count]
    int64_t count;
} Classify;

static void soften(double *values, int64_t count)
{
    double most = values[0], sum = 0;
    for (int64_t i = 1; i < count; i++) most = values[i] > most ? values[i] : most;
    for (int64_t i = 0; i < count; i++) sum += values[i] = exp(values[i] - most);
    for (int64_t i = 0; i < count; i++) values[i] /= sum;
}

static void compute(Classify *c, const float *logits)
{
    for (int64_t i = 0; i < c->count; i++) c->probabilities[i] = (double)logits[i];
    switch (c->labels.kind) {
    case LIG_LABELS_ONE:
        soften(c->probabilities, c->count);
        break;
    case LIG_LABELS_ANY:
        for (int64_t i = 0; i < c->count; i++) c->probabilities[i] = 1 / (1 + exp(-c->probabilities[i]));
        break;
    case LIG_LABELS_NUMBER:
        break;
    }
}

static LigStatus print_json(Classify *c, int64_t best)
{
    json_t *all = json_array();
    bool complete = all != NULL;
    for (int64_t i = 0; complete && i < c->count; i++) {
        complete = json_array_append_new(all, json_real(c->probabilities[i])) == 0;
    }
    if (!complete) {
        json_decref(all);
        return lig_no_memory(c->work.options->ctx);
    }
    const bool number = c->labels.kind == LIG_LABELS_NUMBER;
    return lig_json_write_line(&c->work.output,
                               json_pack("{s:o,s:I,s:o}", "label", lig_json_str(c->labels.names[best]), "index",
                                         (json_int_t)best, number ? "values" : "probabilities", all));
}

static LigStatus print_text(Classify *c, int64_t best)
{
    LigText text = {0};
    lig_text_printf(&text, "%.*s\t%.6f\n", LIG_STR_ARG(c->labels.names[best]), c->probabilities[best]);
    if (!text.failed) lig_command_output_write(&c->work.output, lig_text_view(&text));
    LigStatus status = text.failed ? lig_no_memory(c->work.options->ctx) : LIG_OK;
    lig_text_free(&text);
    return status;
}

// Once the first text has told how many labels there are.
static LigStatus prepare(Classify *c, int64_t count)
{
    LigOptions *options = c->work.options;
    c->count = count;
    c->probabilities = LIG_NEW_ARRAY(options->arena, double, (size_t)count);
    if (!c->probabilities) return lig_no_memory(options->ctx);
    return lig_label_config_read(options->ctx, options->arena, lig_options_operand(options), count, &c->labels);
}

static LigStatus take(void *user, const LigTextVectors *vectors)
{
    Classify *c = user;
    const LigOptions *options = c->work.options;
    if (!vectors->logits) {
        return lig_fail(options->ctx, LIG_ERR_UNSUPPORTED, LIG_FILE_LOC(lig_options_operand(options)),
                        "is no classifier: it has no head that gives labels; liga embed gives its vectors");
    }
    if (!c->probabilities) LIG_TRY(prepare(c, vectors->logits_width));
    compute(c, vectors->logits);
    int64_t best = 0;
    for (int64_t i = 1; i < c->count; i++) best = c->probabilities[i] > c->probabilities[best] ? i : best;
    return lig_option_given(options, LIG_OPT_JSON) ? print_json(c, best) : print_text(c, best);
}

LigStatus lig_cmd_classify(LigOptions *options)
{
    Classify c = {.work = {.options = options, .take = take, .user = &c}};
    return lig_text_forward(&c.work);
}

// liga embed: a vector per text.
#include "frontend/head_config.h"
#include "tools/text_forward.h"

#include <math.h>

typedef struct Embed {
    LigTextForward work;
    LigEmbeddingConfig config;
    double *vector; // [width]
    int64_t width;
} Embed;

static void add_token(Embed *e, const float *token)
{
    for (int64_t i = 0; i < e->width; i++) e->vector[i] += (double)token[i];
}

static void pool(Embed *e, const LigTextVectors *v)
{
    for (int64_t i = 0; i < e->width; i++) e->vector[i] = 0;
    switch (e->config.pooling) {
    case LIG_POOL_CLS:
        add_token(e, v->hidden);
        break;
    case LIG_POOL_LAST:
        add_token(e, v->hidden + (v->tokens - 1) * e->width);
        break;
    case LIG_POOL_MEAN:
        for (int64_t t = 0; t < v->tokens; t++) add_token(e, v->hidden + t * e->width);
        for (int64_t i = 0; i < e->width; i++) e->vector[i] /= (double)v->tokens;
        break;
    }
}

// A vector of zeros stays.
static void normalize(Embed *e)
{
    double squares = 0;
    for (int64_t i = 0; i < e->width; i++) squares += e->vector[i] * e->vector[i];
    double length = sqrt(squares);
    for (int64_t i = 0; length > 0 && i < e->width; i++) e->vector[i] /= length;
}

static LigStatus print_vector(Embed *e)
{
    LigContext *ctx = e->work.options->ctx;
    LigText text = {0};
    for (int64_t i = 0; i < e->width; i++) {
        lig_text_printf(&text, "%s%.9g", i == 0 ? "[" : ",", (double)(float)e->vector[i]);
    }
    lig_text_append(&text, LIG_STR("]\n"));
    if (!text.failed) lig_command_output_write(&e->work.output, lig_text_view(&text));
    LigStatus status = text.failed ? lig_no_memory(ctx) : LIG_OK;
    lig_text_free(&text);
    return status;
}

static LigStatus take(void *user, const LigTextVectors *vectors)
{
    Embed *e = user;
    if (!e->vector) {
        e->width = vectors->hidden_width;
        e->vector = LIG_NEW_ARRAY(e->work.options->arena, double, (size_t)e->width);
        if (!e->vector) return lig_no_memory(e->work.options->ctx);
    }
    pool(e, vectors);
    if (e->config.normalize) normalize(e);
    return print_vector(e);
}

static void read_options(Embed *e)
{
    const LigOptions *options = e->work.options;
    if (lig_option_given(options, LIG_OPT_NO_NORMALIZE)) e->config.normalize = false;
    if (!lig_option_given(options, LIG_OPT_POOL)) return;
    e->config.pooling = lig_option_is(options, LIG_OPT_POOL, "mean")  ? LIG_POOL_MEAN
                        : lig_option_is(options, LIG_OPT_POOL, "cls") ? LIG_POOL_CLS
                                                                      : LIG_POOL_LAST;
}

LigStatus lig_cmd_embed(LigOptions *options)
{
    Embed e = {.work = {.options = options, .take = take, .user = &e}};
    LIG_TRY(lig_embedding_config_read(options->ctx, lig_options_operand(options), &e.config));
    read_options(&e);
    e.work.max_tokens = e.config.max_tokens;
    return lig_text_forward(&e.work);
}

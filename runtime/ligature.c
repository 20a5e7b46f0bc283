#include "runtime/ligature.h"

#include "frontend/model_file.h"
#include "ir/base/alloc.h"
#include "ir/base/str.h"
#include "runtime/rt/sample.h"
#include "runtime/session.h"
#include "runtime/text/tokenizer.h"

#include <string.h>

// The public statuses are the library's own.
_Static_assert((int)LIGATURE_INVALID == (int)LIG_ERR_INVALID && (int)LIGATURE_SHAPE == (int)LIG_ERR_SHAPE &&
                   (int)LIGATURE_DTYPE == (int)LIG_ERR_DTYPE && (int)LIGATURE_PARSE == (int)LIG_ERR_PARSE &&
                   (int)LIGATURE_NOT_FOUND == (int)LIG_ERR_NOT_FOUND &&
                   (int)LIGATURE_UNSUPPORTED == (int)LIG_ERR_UNSUPPORTED &&
                   (int)LIGATURE_NO_MEMORY == (int)LIG_ERR_NO_MEMORY && (int)LIGATURE_IO == (int)LIG_ERR_IO &&
                   (int)LIGATURE_COMPILER == (int)LIG_ERR_LLVM &&
                   (int)LIGATURE_INTERNAL == (int)LIG_ERR_INTERNAL,
               "statuses differ");

enum { DEFAULT_CACHE_MIB = 256 };

struct LigatureEngine {
    LigContext *ctx;
    LigTarget target;
    LigPool *pool; // NULL: the embedder's threads
    LigParallel parallel;
    LigatureParallel given;
    LigObjectCacheOptions cache;
    LigText error;
};

struct LigatureModel {
    LigatureEngine *engine;
    LigModelFile *file;
    LigExecutable *executable;
    LigTokenizer *tokenizer; // NULL: the model brings none
};

struct LigatureSession {
    LigatureEngine *engine;
    LigSession *session;
    LigSampler *sampler;
};

const char *ligature_version(void) { return LIG_VERSION; }

// Messages.

static LigatureStatus begin(LigatureEngine *engine)
{
    lig_context_clear(engine->ctx);
    lig_text_clear(&engine->error);
    return LIGATURE_OK;
}

static void add_message(LigText *text, const LigDiagnostic *diagnostic)
{
    if (lig_text_view(text).length > 0) lig_text_append_char(text, '\n');
    const LigLoc *loc = &diagnostic->loc;
    if (loc->file) lig_text_printf(text, "%s:", loc->file);
    if (loc->file && loc->line) lig_text_printf(text, "%u:%u:", loc->line, loc->column);
    lig_text_printf(text, "%s%s", loc->file ? " " : "", diagnostic->message);
}

static LigatureStatus finish(LigatureEngine *engine, LigStatus status)
{
    for (size_t i = 0; status != LIG_OK && i < lig_context_diagnostic_count(engine->ctx); i++) {
        add_message(&engine->error, lig_context_diagnostic(engine->ctx, i));
    }
    return (LigatureStatus)status;
}

const char *ligature_error(const LigatureEngine *engine)
{
    if (engine->error.failed) return "memory is out";
    return engine->error.data ? engine->error.data : "";
}

// The engine.

static void run_given(void *self, int64_t tiles, LigTileFn fn, void *user)
{
    const LigatureEngine *engine = self;
    engine->given.run(engine->given.self, tiles, fn, user);
}

static LigStatus set_parallel(LigatureEngine *engine, const LigatureEngineOptions *options)
{
    if (!options->parallel) {
        LIG_TRY(lig_pool_create(engine->ctx, options->threads, &engine->pool));
        engine->parallel = lig_pool_parallel(engine->pool);
        return LIG_OK;
    }
    engine->given = *options->parallel;
    if (!engine->given.run || engine->given.threads < 1 || engine->given.threads > LIG_MAX_THREADS) {
        return lig_fail(engine->ctx, LIG_ERR_INVALID, LIG_NOWHERE,
                        "the parallel-for needs a function and 1 to %d threads, not %d", LIG_MAX_THREADS,
                        engine->given.threads);
    }
    engine->parallel = (LigParallel){.run = run_given, .self = engine, .threads = engine->given.threads};
    return LIG_OK;
}

static LigStatus set_up(LigatureEngine *engine, const LigatureEngineOptions *options)
{
    LIG_TRY(lig_target_find(engine->ctx, options->cpu ? options->cpu : LIG_TARGET_NATIVE, &engine->target));
    LIG_TRY(lig_target_check_runs(engine->ctx, &engine->target));
    engine->cache.folder = options->cache_dir;
    engine->cache.max_bytes = options->cache_bytes ? options->cache_bytes : (uint64_t)DEFAULT_CACHE_MIB << 20;
    return set_parallel(engine, options);
}

LigatureStatus ligature_engine_create(const LigatureEngineOptions *options, LigatureEngine **out)
{
    const LigatureEngineOptions defaults = {0};
    LigatureEngine *engine = *out = lig_alloc(sizeof *engine);
    if (!engine) return LIGATURE_NO_MEMORY;
    *engine = (LigatureEngine){.ctx = lig_context_create()};
    if (!engine->ctx) {
        lig_free(engine);
        *out = NULL;
        return LIGATURE_NO_MEMORY;
    }
    return finish(engine, set_up(engine, options ? options : &defaults));
}

void ligature_engine_destroy(LigatureEngine *engine)
{
    if (!engine) return;
    lig_pool_destroy(engine->pool);
    lig_text_free(&engine->error);
    lig_context_destroy(engine->ctx);
    lig_free(engine);
}

// Models.

static LigStatus compile(LigatureModel *model, const LigatureModelOptions *options)
{
    LigatureEngine *engine = model->engine;
    const LigGraphOptions graph = {.kv = options->bf16_cache ? LIG_BF16 : LIG_F32};
    LigModule *module;
    LIG_TRY(lig_model_file_build(model->file, &graph, &module));
    const LigExecutableOptions how = {.target = &engine->target,
                                      .parallel = &engine->parallel,
                                      .passes = {.fuse = true},
                                      .cache = engine->cache};
    return lig_executable_create(module, &how, &model->executable);
}

static LigStatus open_model(LigatureModel *model, const char *path, const LigatureModelOptions *options)
{
    LigContext *ctx = model->engine->ctx;
    LIG_TRY(lig_model_file_open(ctx, path, options->weights, &model->file));
    LigStr image = lig_model_file_tokenizer(model->file);
    if (image.length > 0) LIG_TRY(lig_tokenizer_open(ctx, image.data, image.length, &model->tokenizer));
    return compile(model, options);
}

LigatureStatus ligature_model_open(LigatureEngine *engine, const char *path,
                                   const LigatureModelOptions *options, LigatureModel **out)
{
    const LigatureModelOptions defaults = {0};
    begin(engine);
    LigatureModel *model = *out = lig_alloc(sizeof *model);
    if (!model) return finish(engine, lig_no_memory(engine->ctx));
    *model = (LigatureModel){.engine = engine};
    LigStatus status = open_model(model, path, options ? options : &defaults);
    if (status == LIG_OK) return LIGATURE_OK;
    ligature_model_close(model);
    *out = NULL;
    return finish(engine, status);
}

void ligature_model_close(LigatureModel *model)
{
    if (!model) return;
    lig_tokenizer_destroy(model->tokenizer);
    lig_executable_destroy(model->executable);
    lig_model_file_close(model->file);
    lig_free(model);
}

// Text and ids.

bool ligature_has_tokenizer(const LigatureModel *model) { return model->tokenizer != NULL; }

static LigStatus need_tokenizer(const LigatureModel *model)
{
    if (model->tokenizer) return LIG_OK;
    return lig_fail(model->engine->ctx, LIG_ERR_NOT_FOUND, LIG_NOWHERE,
                    "the model brings no tokenizer: put its tokenizer.json beside it, or work with ids");
}

LigatureStatus ligature_tokenize(LigatureModel *model, const char *text, size_t length, unsigned flags,
                                 int32_t *ids, size_t capacity, size_t *count)
{
    LigatureEngine *engine = model->engine;
    begin(engine);
    const LigEncodeOptions how = {.add_special = (flags & LIGATURE_SPECIAL_AROUND) != 0,
                                  .parse_special = (flags & LIGATURE_SPECIAL_IN_TEXT) != 0};
    LigTokenIds found = {0};
    *count = 0;
    LigStatus status = need_tokenizer(model);
    if (status == LIG_OK) {
        status = lig_tokenizer_encode(engine->ctx, model->tokenizer, (LigStr){text, length}, how, &found);
    }
    if (status == LIG_OK) {
        *count = found.count;
        size_t written = found.count < capacity ? found.count : capacity;
        if (written > 0) memcpy(ids, found.data, written * sizeof *ids);
    }
    lig_token_ids_free(&found);
    return finish(engine, status);
}

LigatureStatus ligature_detokenize(LigatureModel *model, const int32_t *ids, size_t count, unsigned flags,
                                   char *text, size_t capacity, size_t *length)
{
    LigatureEngine *engine = model->engine;
    begin(engine);
    LigText decoded = {0};
    *length = 0;
    LigStatus status = need_tokenizer(model);
    if (status == LIG_OK) {
        bool keep_special = (flags & LIGATURE_SPECIAL_IN_TEXT) != 0;
        status = lig_tokenizer_decode(engine->ctx, model->tokenizer, ids, count, keep_special, &decoded);
    }
    if (status == LIG_OK) {
        LigStr view = lig_text_view(&decoded);
        *length = view.length;
        size_t written = view.length < capacity ? view.length : capacity;
        if (written > 0) memcpy(text, view.data, written);
    }
    lig_text_free(&decoded);
    return finish(engine, status);
}

bool ligature_is_end(const LigatureModel *model, int32_t id)
{
    return model->tokenizer && lig_tokenizer_is_end(model->tokenizer, id);
}

// Sessions.

static LigStatus open_session(LigatureSession *session, const LigatureModel *model,
                              const LigatureSessionOptions *options)
{
    const LigSessionOptions size = {.context = options->context, .slots = options->slots};
    LIG_TRY(lig_session_create(model->executable, &size, &session->session));
    int64_t vocabulary = lig_session_vocabulary(session->session);
    return lig_sampler_create(model->engine->ctx, (int32_t)vocabulary, &session->sampler);
}

LigatureStatus ligature_session_open(LigatureModel *model, const LigatureSessionOptions *options,
                                     LigatureSession **out)
{
    const LigatureSessionOptions defaults = {0};
    LigatureEngine *engine = model->engine;
    begin(engine);
    LigatureSession *session = *out = lig_alloc(sizeof *session);
    if (!session) return finish(engine, lig_no_memory(engine->ctx));
    *session = (LigatureSession){.engine = engine};
    LigStatus status = open_session(session, model, options ? options : &defaults);
    if (status == LIG_OK) return LIGATURE_OK;
    ligature_session_close(session);
    *out = NULL;
    return finish(engine, status);
}

void ligature_session_close(LigatureSession *session)
{
    if (!session) return;
    lig_sampler_destroy(session->sampler);
    lig_session_destroy(session->session);
    lig_free(session);
}

int64_t ligature_vocabulary(const LigatureSession *session) { return lig_session_vocabulary(session->session); }
int64_t ligature_context(const LigatureSession *session) { return lig_session_context(session->session); }

static bool has_slot(const LigatureSession *session, int64_t slot)
{
    return slot >= 0 && slot < lig_session_slots(session->session);
}

int64_t ligature_length(const LigatureSession *session, int64_t slot)
{
    return has_slot(session, slot) ? lig_session_length(session->session, slot) : 0;
}

void ligature_clear(LigatureSession *session, int64_t slot)
{
    if (has_slot(session, slot)) lig_session_reset(session->session, slot);
}

LigatureStatus ligature_feed(LigatureSession *session, int64_t slot, const int32_t *ids, int64_t count,
                             float *logits)
{
    begin(session->engine);
    return finish(session->engine, lig_session_feed(session->session, slot, ids, count, logits));
}

// The public row is the library's own, so that rows are not copied.
_Static_assert(sizeof(LigatureRow) == sizeof(LigRow) && offsetof(LigatureRow, slot) == offsetof(LigRow, slot) &&
                   offsetof(LigatureRow, ids) == offsetof(LigRow, ids) &&
                   offsetof(LigatureRow, count) == offsetof(LigRow, count) &&
                   offsetof(LigatureRow, wanted) == offsetof(LigRow, wanted),
               "rows differ");

LigatureStatus ligature_step(LigatureSession *session, const LigatureRow *rows, int64_t row_count,
                             float *logits)
{
    begin(session->engine);
    const void *same = rows;
    return finish(session->engine, lig_session_step(session->session, same, row_count, logits));
}

// Sampling.

static LigSampling sampling(const LigatureSampling *options)
{
    if (!options) return LIG_SAMPLING_GREEDY;
    return (LigSampling){.temperature = options->temperature,
                         .top_k = options->top_k,
                         .top_p = options->top_p != 0 ? options->top_p : 1,
                         .min_p = options->min_p,
                         .repetition_penalty =
                             options->repetition_penalty != 0 ? options->repetition_penalty : 1,
                         .seed = options->seed};
}

LigatureStatus ligature_sample(LigatureSession *session, const float *logits, const LigatureSampling *options,
                               const int32_t *history, size_t history_count, uint64_t position, int32_t *id)
{
    LigatureEngine *engine = session->engine;
    begin(engine);
    const LigSampling how = sampling(options);
    const LigSampleInput input = {
        .logits = logits, .history = history, .history_count = history_count, .position = position};
    LigStatus status = lig_sampling_check(engine->ctx, &how);
    if (status == LIG_OK) status = lig_sample(engine->ctx, session->sampler, &how, &input, id);
    return finish(engine, status);
}

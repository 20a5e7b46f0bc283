#include "tools/text_forward.h"

#include "ir/base/alloc.h"
#include "tools/diagnostics.h"

#include <string.h>
#include <unistd.h>

// Where texts come from.

typedef struct TextSource {
    const LigOptions *options;
    size_t operand; // the next one
    LigJsonReader reader;
} TextSource;

static LigStatus next_line(TextSource *source, LigStr *text, bool *more)
{
    LIG_TRY(lig_stdin_read_line(source->options->ctx, &source->reader.line, more));
    *text = lig_text_view(&source->reader.line.text);
    return LIG_OK;
}

static LigStatus next_object(TextSource *source, LigStr *text, bool *more)
{
    const json_t *object;
    LIG_TRY(lig_json_reader_next(&source->reader, &object));
    *more = object != NULL;
    return object ? lig_json_reader_text(&source->reader, "text", text) : LIG_OK;
}

// The next text, valid until the next call; *more is false when there is none.
static LigStatus next_text(TextSource *source, LigStr *text, bool *more)
{
    const LigOptions *options = source->options;
    if (options->operands.count == 1) {
        return lig_option_given(options, LIG_OPT_JSONL) ? next_object(source, text, more)
                                                        : next_line(source, text, more);
    }
    *more = source->operand < options->operands.count;
    if (*more) *text = lig_str(options->operands.data[source->operand++]);
    return LIG_OK;
}

// Batches.

typedef struct Batch {
    LigTextForward *work;
    LigContext *ctx;
    LigOpenModel model;
    LigForwardShape shape;
    LigForward *forward;
    TextSource source;
    int64_t most; // tokens of a text
    bool cut;     // something was
    LigTokenIds ids, one;
    LigForwardRow *rows; // their ids are set when the batch is run
    int64_t row_count;
} Batch;

static LigStatus encode(const Batch *b, LigStr text, bool add_special, LigTokenIds *ids)
{
    const LigEncodeOptions how = {.parse_special = true, .add_special = add_special};
    ids->count = 0;
    return lig_tokenizer_encode(b->ctx, b->model.tokenizer, text, how, ids);
}

// Where `inner` begins in `outer`.
static size_t find_inner(const LigTokenIds *outer, const LigTokenIds *inner)
{
    for (size_t i = 0; inner->count > 0 && i + inner->count <= outer->count; i++) {
        if (memcmp(outer->data + i, inner->data, inner->count * sizeof *inner->data) == 0) return i;
    }
    return 0;
}

// Cuts the text's own tokens at their end; the special ones around them stay.
static LigStatus cut(Batch *b, LigStr text)
{
    LigTokenIds inner = {0};
    LigStatus status = encode(b, text, false, &inner);
    if (status == LIG_OK) {
        size_t excess = b->one.count - (size_t)b->most, end = find_inner(&b->one, &inner) + inner.count;
        if (excess > inner.count) end = b->one.count;
        memmove(b->one.data + end - excess, b->one.data + end, (b->one.count - end) * sizeof *b->one.data);
        b->one.count = (size_t)b->most;
        if (!b->cut)
            lig_tell(b->work->options, "a text is longer than %lld tokens: it is cut", (long long)b->most);
        b->cut = true;
    }
    lig_token_ids_free(&inner);
    return status;
}

static LigStatus encode_text(Batch *b, LigStr text)
{
    LIG_TRY(encode(b, text, true, &b->one));
    if ((int64_t)b->one.count > b->most) LIG_TRY(cut(b, text));
    if (b->one.count > 0) return LIG_OK;
    return lig_fail(b->ctx, LIG_ERR_INVALID, LIG_NOWHERE, "a text is empty: give at least one token");
}

static LigTextVectors vectors_of(const LigForwardOutput outputs[LIG_FORWARD_OUTPUTS], int64_t row,
                                 int64_t token, int64_t tokens)
{
    const LigForwardOutput *hidden = &outputs[LIG_FORWARD_HIDDEN], *logits = &outputs[LIG_FORWARD_LOGITS];
    LigTextVectors vectors = {
        .tokens = tokens, .hidden = hidden->data + token * hidden->width, .hidden_width = hidden->width};
    if (!logits->data || !logits->by_row) return vectors;
    vectors.logits = logits->data + row * logits->width;
    vectors.logits_width = logits->width;
    return vectors;
}

static LigStatus run_batch(Batch *b)
{
    if (b->row_count == 0) return LIG_OK;
    const int32_t *ids = b->ids.data;
    for (int64_t r = 0; r < b->row_count; r++) {
        b->rows[r].ids = ids;
        ids += b->rows[r].count;
    }
    LigForwardOutput outputs[LIG_FORWARD_OUTPUTS];
    LIG_TRY(lig_forward_run(b->forward, b->rows, b->row_count, outputs));
    int64_t token = 0;
    for (int64_t r = 0; r < b->row_count; r++) {
        const LigTextVectors vectors = vectors_of(outputs, r, token, b->rows[r].count);
        LIG_TRY(b->work->take(b->work->user, &vectors));
        token += b->rows[r].count;
    }
    b->row_count = 0;
    b->ids.count = 0;
    return lig_command_output_flush(&b->work->output);
}

static LigStatus add_text(Batch *b, LigStr text)
{
    LIG_TRY(encode_text(b, text));
    bool full = b->row_count == b->shape.rows || (int64_t)(b->ids.count + b->one.count) > b->shape.tokens;
    if (full) LIG_TRY(run_batch(b));
    LIG_TRY(lig_token_ids_append(b->ctx, &b->ids, b->one.data, b->one.count));
    const int64_t count = (int64_t)b->one.count;
    b->rows[b->row_count++] = (LigForwardRow){.count = count, .keys = count};
    return LIG_OK;
}

static LigStatus run_all(Batch *b)
{
    bool at_once = isatty(STDIN_FILENO) != 0; // a person waits for the answer to each line
    LigStr text;
    bool more;
    LIG_TRY(next_text(&b->source, &text, &more));
    while (more) {
        LIG_TRY(add_text(b, text));
        if (at_once) LIG_TRY(run_batch(b));
        LIG_TRY(next_text(&b->source, &text, &more));
    }
    return run_batch(b);
}

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

static LigStatus describe(Batch *b, const LigModule *module)
{
    const LigSpec *spec = lig_model_file_spec(b->model.file);
    LIG_TRY(lig_forward_describe(module, &b->shape));
    b->most = smaller(b->shape.tokens, b->shape.context);
    if (spec) b->most = smaller(b->most, spec->context);
    if (b->work->max_tokens > 0) b->most = smaller(b->most, b->work->max_tokens);
    b->shape.context = b->most;
    b->rows = LIG_NEW_ARRAY(b->work->options->arena, LigForwardRow, (size_t)b->shape.rows);
    return b->rows ? LIG_OK : lig_no_memory(b->ctx);
}

static LigStatus open_model(Batch *b)
{
    LigModule *module;
    LIG_TRY(lig_open_model_file(&b->model, b->work->options));
    LIG_TRY(lig_open_model_tokenizer(&b->model));
    LIG_TRY(lig_open_model_build(&b->model, "forward", &module));
    LigStatus status = describe(b, module);
    if (status != LIG_OK) {
        lig_module_destroy(module);
        return status;
    }
    LIG_TRY(lig_open_model_compile(&b->model, module));
    return lig_forward_create(b->model.executable, &b->shape, &b->forward);
}

LigStatus lig_text_forward(LigTextForward *work)
{
    LigOptions *options = work->options;
    Batch b = {.work = work,
               .ctx = options->ctx,
               .source = {.options = options, .operand = 1, .reader = {.ctx = options->ctx}}};
    LigStatus status = open_model(&b);
    if (status == LIG_OK) status = lig_command_output_open(options, &work->output);
    if (status == LIG_OK) status = lig_command_output_close(&work->output, run_all(&b));
    lig_json_reader_free(&b.source.reader);
    lig_token_ids_free(&b.ids);
    lig_token_ids_free(&b.one);
    lig_forward_destroy(b.forward);
    lig_open_model_close(&b.model);
    return status;
}

// liga tokenize: text to ids and back, by the tokenizer of a model, or a tokenizer's file alone.
#include "tools/command_output.h"
#include "tools/diagnostics.h"
#include "tools/interrupt.h"
#include "tools/json_output.h"
#include "tools/standard_input.h"
#include "tools/tokenizer_open.h"

typedef struct Work {
    LigOptions *options;
    LigContext *ctx;
    const LigTokenizer *tokenizer;
    LigEncoder *encoder;
    LigCommandOutput output;
} Work;

static LigStatus encode(const Work *work, LigStr text, LigTokenIds *ids)
{
    const LigEncodeOptions how = {.parse_special = true,
                                  .add_special = lig_option_given(work->options, LIG_OPT_SPECIAL)};
    return lig_encoder_encode(work->ctx, work->encoder, text, how, ids);
}

static LigStatus fail_line(const Work *work, uint32_t line, const char *what)
{
    const LigLoc loc = {.file = "standard input", .line = line};
    return lig_fail(work->ctx, LIG_ERR_PARSE, loc, "%s", what);
}

static LigStatus fail_unknown(const Work *work, uint32_t line, json_int_t id, size_t known)
{
    const LigLoc loc = {.file = "standard input", .line = line};
    return lig_fail(work->ctx, LIG_ERR_INVALID, loc,
                    "id %lld is outside the vocabulary: ids of its %zu tokens are below %zu", (long long)id,
                    known, known);
}

// Appends the JSON array of ids at `list` to `ids`.
static LigStatus read_ids(const Work *work, const json_t *list, uint32_t line, LigTokenIds *ids)
{
    if (!json_is_array(list)) return fail_line(work, line, "is no list of ids: write [1,2,3]");
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *item = json_array_get(list, i);
        json_int_t id = json_integer_value(item);
        if (!json_is_integer(item) || id < 0 || id > INT32_MAX) {
            return fail_line(work, line, "holds something that is no token id: write whole numbers from 0");
        }
        size_t known = lig_tokenizer_image(work->tokenizer)->info->token_count;
        if ((size_t)id >= known) return fail_unknown(work, line, id, known);
        const int32_t token = (int32_t)id;
        LIG_TRY(lig_token_ids_append(work->ctx, ids, &token, 1));
    }
    return LIG_OK;
}

static LigStatus parse_json(const Work *work, LigStr text, uint32_t line, json_t **out)
{
    json_error_t error;
    *out = json_loadb(text.data ? text.data : "", text.length, JSON_ALLOW_NUL, &error);
    if (*out) return LIG_OK;
    const LigLoc loc = {.file = "standard input",
                        .line = line + (uint32_t)(error.line > 0 ? error.line - 1 : 0),
                        .column = error.column > 0 ? (uint32_t)error.column : 0};
    return lig_fail(work->ctx, LIG_ERR_PARSE, loc, "is not JSON: %s", error.text);
}

static LigStatus write_json(Work *work, json_t *root)
{
    LigText text = {0};
    bool complete = root && lig_json_append(&text, root);
    lig_text_append_char(&text, '\n');
    if (complete && !text.failed) lig_command_output_write(&work->output, lig_text_view(&text));
    complete = complete && !text.failed;
    lig_text_free(&text);
    json_decref(root);
    return complete ? LIG_OK : lig_no_memory(work->ctx);
}

static LigStatus encode_object(Work *work, const json_t *object, uint32_t line, LigTokenIds *ids)
{
    const json_t *text = json_object_get(object, "text");
    if (!json_is_string(text)) return fail_line(work, line, "has no text: write {\"text\":\"…\"}");
    LIG_TRY(encode(work, (LigStr){json_string_value(text), json_string_length(text)}, ids));
    return write_json(work, json_pack("{s:o}", "ids", lig_json_ids(ids->data, ids->count)));
}

static LigStatus decode_object(Work *work, const json_t *object, uint32_t line, LigTokenIds *ids)
{
    LIG_TRY(read_ids(work, json_object_get(object, "ids"), line, ids));
    LigText text = {0};
    LigStatus status = lig_tokenizer_decode(work->ctx, work->tokenizer, ids->data, ids->count, true, &text);
    if (status == LIG_OK) {
        status = write_json(work, json_pack("{s:o}", "text", lig_json_str(lig_text_view(&text))));
    }
    lig_text_free(&text);
    return status;
}

static LigStatus do_line(Work *work, const LigStdinLine *line, bool backwards)
{
    json_t *object;
    LIG_TRY(parse_json(work, lig_text_view(&line->text), line->number, &object));
    LigTokenIds ids = {0};
    LigStatus status = backwards ? decode_object(work, object, line->number, &ids)
                                 : encode_object(work, object, line->number, &ids);
    lig_token_ids_free(&ids);
    json_decref(object);
    if (status != LIG_OK) return status;
    return lig_command_output_flush(&work->output);
}

static LigStatus do_lines(Work *work, bool backwards)
{
    LigStdinLine line = {0};
    bool more = true;
    LigStatus status = LIG_OK;
    while (status == LIG_OK && more) {
        status = lig_stdin_read_line(work->ctx, &line, &more);
        if (status == LIG_OK && more && line.text.length > 0) status = do_line(work, &line, backwards);
    }
    lig_text_free(&line.text);
    return status;
}

static LigStatus encode_all(Work *work, LigStr text)
{
    LigTokenIds ids = {0};
    LigStatus status = encode(work, text, &ids);
    if (status == LIG_OK) status = write_json(work, lig_json_ids(ids.data, ids.count));
    lig_token_ids_free(&ids);
    return status;
}

// The way back of encode_all: a list of ids (or an object with one) to the very text.
static LigStatus decode_all(Work *work, LigStr source)
{
    json_t *root;
    LIG_TRY(parse_json(work, source, 1, &root));
    LigTokenIds ids = {0};
    LigText text = {0};
    LigStatus status = read_ids(work, json_is_object(root) ? json_object_get(root, "ids") : root, 0, &ids);
    if (status == LIG_OK) {
        status = lig_tokenizer_decode(work->ctx, work->tokenizer, ids.data, ids.count, true, &text);
    }
    if (status == LIG_OK) lig_command_output_write(&work->output, lig_text_view(&text));
    lig_text_free(&text);
    lig_token_ids_free(&ids);
    json_decref(root);
    return status;
}

static LigStatus do_all(Work *work, bool backwards)
{
    LigText input = {0};
    LigStatus status = lig_stdin_read_all(work->ctx, &input);
    if (status == LIG_OK) {
        status = backwards ? decode_all(work, lig_text_view(&input)) : encode_all(work, lig_text_view(&input));
    }
    lig_text_free(&input);
    return status;
}

LigStatus lig_cmd_tokenize(LigOptions *options)
{
    LigOpenTokenizer open = {0};
    LigStatus status = lig_open_tokenizer(&open, options->ctx, lig_options_operand(options));
    Work work = {.options = options, .ctx = options->ctx, .tokenizer = open.tokenizer};
    if (status == LIG_OK) status = lig_encoder_create(options->ctx, open.tokenizer, &work.encoder);
    if (status == LIG_OK) status = lig_command_output_open(options, &work.output);
    if (status == LIG_OK) {
        bool backwards = lig_option_given(options, LIG_OPT_DECODE);
        status =
            lig_option_given(options, LIG_OPT_JSONL) ? do_lines(&work, backwards) : do_all(&work, backwards);
        status = lig_command_output_close(&work.output, status);
    }
    lig_encoder_destroy(work.encoder);
    lig_open_tokenizer_close(&open);
    return status;
}

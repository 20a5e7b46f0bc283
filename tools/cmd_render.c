// liga render: chat templates over messages, a JSON object a line.
#include "tools/json_lines.h"
#include "tools/json_output.h"
#include "tools/json_variant.h"
#include "tools/tokenizer_open.h"

#include "runtime/text/template.h"

typedef struct Render {
    LigOptions *options;
    LigContext *ctx;
    const char *path;
    LigTemplate *layout;
    LigCommandOutput output;
} Render;

static LigStatus parse_file(Render *render)
{
    LigMappedFile *file = NULL;
    LIG_TRY(lig_file_map(render->ctx, render->path, &file));
    const LigStr source = {(const char *)file->data, file->size};
    LigStatus status = lig_template_parse(render->ctx, render->path, source, &render->layout);
    lig_file_unmap(file);
    return status;
}

static LigStatus parse_model(Render *render)
{
    LigOpenTokenizer open = {0};
    LigStatus status = lig_open_tokenizer(&open, render->ctx, render->path);
    if (status == LIG_OK) {
        const LigStr source = lig_tokenizer_image(open.tokenizer)->chat_template;
        status = source.length > 0 ? lig_template_parse(render->ctx, render->path, source, &render->layout)
                                   : lig_fail(render->ctx, LIG_ERR_NOT_FOUND, LIG_FILE_LOC(render->path),
                                              "the model brings no chat template: give a template's file");
    }
    lig_open_tokenizer_close(&open);
    return status;
}

// A template has no mark of its own: what is no model is one.
static LigStatus is_model(Render *render, bool *out)
{
    LigMappedFile *file = NULL;
    *out = lig_path_is_directory(render->path);
    if (*out) return LIG_OK;
    LIG_TRY(lig_file_map(render->ctx, render->path, &file));
    *out = lig_str_starts_with((LigStr){(const char *)file->data, file->size}, LIG_STR("GGUF"));
    lig_file_unmap(file);
    return LIG_OK;
}

static LigStatus open_layout(Render *render)
{
    bool model;
    LIG_TRY(is_model(render, &model));
    return model ? parse_model(render) : parse_file(render);
}

// What a template says about its messages is an answer, not a failure of the command.
static LigStatus answer(Render *render, LigArena *arena, const json_t *object)
{
    LigVariant variables;
    if (!lig_variant_from_json(arena, object, &variables)) return lig_no_memory(render->ctx);
    LigText text = {0};
    LigStatus status = lig_template_render(render->ctx, render->layout, arena, &variables, &text);
    json_t *line = NULL;
    if (status == LIG_OK) {
        line = json_pack("{s:o}", "text", lig_json_str(lig_text_view(&text)));
    } else if (status != LIG_ERR_NO_MEMORY) {
        line = json_pack("{s:s}", "error", lig_context_diagnostic(render->ctx, 0)->message);
        lig_context_clear(render->ctx);
    }
    lig_text_free(&text);
    return status == LIG_ERR_NO_MEMORY ? status : lig_json_write_line(&render->output, line);
}

static LigStatus answer_lines(Render *render)
{
    LigJsonReader reader = {.ctx = render->ctx};
    LigArena *arena = lig_arena_create();
    LigStatus status = arena ? LIG_OK : lig_no_memory(render->ctx);
    const json_t *object = NULL;
    if (status == LIG_OK) status = lig_json_reader_next(&reader, &object);
    while (status == LIG_OK && object) {
        status = answer(render, arena, object);
        lig_arena_reset(arena);
        if (status == LIG_OK) status = lig_command_output_flush(&render->output);
        if (status == LIG_OK) status = lig_json_reader_next(&reader, &object);
    }
    lig_arena_destroy(arena);
    lig_json_reader_free(&reader);
    return status;
}

LigStatus lig_cmd_render(LigOptions *options)
{
    if (!lig_option_given(options, LIG_OPT_JSONL)) {
        return lig_options_misused(options, "messages come as JSON lines on standard input: give --jsonl");
    }
    Render render = {.options = options, .ctx = options->ctx, .path = lig_options_operand(options)};
    LIG_TRY(open_layout(&render));
    LigStatus status = lig_command_output_open(options, &render.output);
    if (status == LIG_OK) status = lig_command_output_close(&render.output, answer_lines(&render));
    lig_template_destroy(render.layout);
    return status;
}

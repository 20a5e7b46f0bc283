#include "tools/json_lines.h"

#include "tools/json_output.h"

static LigLoc place(const LigJsonReader *reader)
{
    return (LigLoc){.file = "standard input", .line = reader->line.number};
}

static LigStatus parse(LigJsonReader *reader)
{
    json_error_t error;
    const LigStr text = lig_text_view(&reader->line.text);
    reader->object = json_loadb(text.data, text.length, JSON_ALLOW_NUL, &error);
    LigLoc loc = place(reader);
    loc.column = error.column > 0 ? (uint32_t)error.column : 0;
    if (!reader->object) return lig_fail(reader->ctx, LIG_ERR_PARSE, loc, "is not JSON: %s", error.text);
    if (json_is_object(reader->object)) return LIG_OK;
    return lig_fail(reader->ctx, LIG_ERR_PARSE, loc, "is no object: write one {…} a line");
}

LigStatus lig_json_reader_next(LigJsonReader *reader, const json_t **object)
{
    bool more = true;
    json_decref(reader->object);
    reader->object = NULL;
    *object = NULL;
    do {
        LIG_TRY(lig_stdin_read_line(reader->ctx, &reader->line, &more));
    } while (more && reader->line.text.length == 0);
    if (!more) return LIG_OK;
    LIG_TRY(parse(reader));
    *object = reader->object;
    return LIG_OK;
}

void lig_json_reader_free(LigJsonReader *reader)
{
    json_decref(reader->object);
    lig_text_free(&reader->line.text);
}

LigStatus lig_json_reader_text(const LigJsonReader *reader, const char *key, LigStr *out)
{
    const json_t *text = json_object_get(reader->object, key);
    if (!json_is_string(text)) {
        return lig_fail(reader->ctx, LIG_ERR_PARSE, place(reader), "has no %s: write {\"%s\":\"…\"}", key, key);
    }
    *out = (LigStr){json_string_value(text), json_string_length(text)};
    return LIG_OK;
}

LigStatus lig_json_reader_fail(const LigJsonReader *reader, const char *what)
{
    return lig_fail(reader->ctx, LIG_ERR_PARSE, place(reader), "%s", what);
}

LigStatus lig_json_write_line(LigCommandOutput *output, json_t *value)
{
    LigText text = {0};
    bool complete = value && lig_json_append(&text, value);
    lig_text_append_char(&text, '\n');
    complete = complete && !text.failed;
    if (complete) lig_command_output_write(output, lig_text_view(&text));
    lig_text_free(&text);
    json_decref(value);
    return complete ? LIG_OK : lig_no_memory(output->ctx);
}

// The writer: the header is built as a JSON tree (so that names are escaped and checked to be UTF-8), padded
// with spaces to 8 bytes, followed by the data in the same order.
#include "frontend/safetensors.h"

#include "ir/base/alloc.h"

#include <jansson.h>

typedef struct Writer {
    LigContext *ctx;
    const char *path;
    const LigSafetensorsContent *content;
    size_t *order; // [count] indices, by descending element size
    json_t *header;
} Writer;

static LigStatus check_tensor(const Writer *w, const LigFileTensor *tensor)
{
    LIG_TRY(lig_file_name_check(w->ctx, w->path, "a tensor", tensor->name));
    const LigSafetensorsType *type = lig_safetensors_type_of(tensor);
    if (!type) {
        return lig_fail(
            w->ctx, LIG_ERR_DTYPE, LIG_FILE_LOC(w->path),
            "tensor '%.*s' is %s, which safetensors can't hold: convert it to f32 or bf16, or write GGUF",
            LIG_NAME_ARG(tensor->name), tensor->type_name);
    }
    size_t bytes;
    bool is_right = tensor->rank >= 0 && tensor->rank <= LIG_FILE_MAX_RANK &&
                    lig_safetensors_bytes(tensor, type, &bytes) && bytes == tensor->bytes &&
                    (tensor->data || bytes == 0 || w->content->write);
    if (is_right) return LIG_OK;
    return lig_fail(
        w->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(w->path),
        "tensor '%.*s' can't be written: its shape and dtype must give its %zu bytes, and it needs data "
        "or a writer",
        LIG_NAME_ARG(tensor->name), tensor->bytes);
}

// Stable: equal sizes stay in the order given.
static void order_by_size(const Writer *w)
{
    size_t at = 0;
    for (size_t bytes = 8; bytes >= 1; bytes /= 2) {
        for (size_t i = 0; i < w->content->count; i++) {
            if (lig_safetensors_type_of(&w->content->tensors[i])->bytes == bytes) w->order[at++] = i;
        }
    }
}

static json_t *shape_of(const LigFileTensor *tensor)
{
    json_t *shape = json_array();
    for (int axis = 0; shape && axis < tensor->rank; axis++) {
        if (json_array_append_new(shape, json_integer(tensor->dims[axis])) == 0) continue;
        json_decref(shape);
        return NULL;
    }
    return shape;
}

static LigStatus make_string(const Writer *w, LigStr text, json_t **out)
{
    const char *data = text.data ? text.data : "";
    *out = json_stringn(data, text.length);
    if (*out) return LIG_OK;
    json_t *unchecked = json_stringn_nocheck(data, text.length);
    if (!unchecked) return lig_no_memory(w->ctx);
    json_decref(unchecked);
    return lig_fail(w->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(w->path),
                    "a name or text can't be written, since it is not UTF-8: correct '%.*s'",
                    LIG_NAME_ARG(text));
}

// Adds `value` (taken over; NULL = out of memory) under a name that must be new and UTF-8.
static LigStatus add_entry(const Writer *w, json_t *object, LigStr name, json_t *value)
{
    if (!value) return lig_no_memory(w->ctx);
    json_t *checked = NULL;
    LigStatus status = make_string(w, name, &checked);
    json_decref(checked);
    if (status == LIG_OK && json_object_getn(object, name.data, name.length)) {
        status = lig_fail(w->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(w->path),
                          "'%.*s' is given twice: names must be unique", LIG_NAME_ARG(name));
    }
    if (status != LIG_OK) {
        json_decref(value);
        return status;
    }
    return json_object_setn_new(object, name.data, name.length, value) == 0 ? LIG_OK : lig_no_memory(w->ctx);
}

static LigStatus build_metadata(const Writer *w)
{
    if (w->content->metadata_count == 0) return LIG_OK;
    json_t *metadata = json_object();
    if (!metadata || json_object_set_new(w->header, "__metadata__", metadata) != 0)
        return lig_no_memory(w->ctx);
    for (size_t i = 0; i < w->content->metadata_count; i++) {
        LigSafetensorsPair pair = w->content->metadata[i];
        json_t *value;
        LIG_TRY(lig_file_name_check(w->ctx, w->path, "a metadata key", pair.key));
        LIG_TRY(make_string(w, pair.value, &value));
        LIG_TRY(add_entry(w, metadata, pair.key, value));
    }
    return LIG_OK;
}

static LigStatus build_header(const Writer *w)
{
    LIG_TRY(build_metadata(w));
    size_t begin = 0;
    for (size_t i = 0; i < w->content->count; i++) {
        const LigFileTensor *tensor = &w->content->tensors[w->order[i]];
        size_t end;
        if (lig_str_is(tensor->name, "__metadata__") || !lig_add_size(begin, tensor->bytes, &end) ||
            end > INT64_MAX) {
            return lig_fail(
                w->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(w->path),
                "tensor '%.*s' can't be written: its name is reserved, or the data is over 2^63 bytes",
                LIG_NAME_ARG(tensor->name));
        }
        json_t *entry =
            json_pack("{s:s, s:o, s:[I, I]}", "dtype", lig_safetensors_type_of(tensor)->file_name, "shape",
                      shape_of(tensor), "data_offsets", (json_int_t)begin, (json_int_t)end);
        LIG_TRY(add_entry(w, w->header, tensor->name, entry));
        begin = end;
    }
    return LIG_OK;
}

static LigStatus write_header(const Writer *w, LigOutput *output)
{
    const size_t flags = JSON_COMPACT;
    size_t bytes = json_dumpb(w->header, NULL, 0, flags);
    size_t padded = (bytes + 7) / 8 * 8;
    char *text = bytes ? lig_alloc(padded) : NULL;
    if (!text || json_dumpb(w->header, text, bytes, flags) != bytes) {
        lig_free(text);
        return lig_no_memory(w->ctx);
    }
    for (size_t i = bytes; i < padded; i++) text[i] = ' ';
    lig_output_write(output, &(uint64_t){padded}, 8);
    lig_output_write(output, text, padded);
    lig_free(text);
    return LIG_OK;
}

static LigStatus write_tensor(const Writer *w, size_t index, LigOutput *output)
{
    const LigFileTensor *tensor = &w->content->tensors[index];
    LigTensorSink sink = {.output = output};
    if (tensor->data)
        lig_tensor_sink_write(&sink, tensor->data, tensor->bytes);
    else if (tensor->bytes)
        LIG_TRY(w->content->write(w->content->user, index, &sink));
    if (sink.written == tensor->bytes) return LIG_OK;
    return lig_fail(w->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(w->path),
                    "tensor '%.*s' was given %zu bytes, its shape needs %zu: nothing was written",
                    LIG_NAME_ARG(tensor->name), sink.written, tensor->bytes);
}

static LigStatus write_content(const Writer *w, LigOutput *output)
{
    LIG_TRY(write_header(w, output));
    for (size_t i = 0; i < w->content->count; i++) LIG_TRY(write_tensor(w, w->order[i], output));
    return LIG_OK;
}

static LigStatus write_file(const Writer *w)
{
    LIG_TRY(build_header(w));
    LigOutput *output;
    LIG_TRY(lig_output_open(w->ctx, w->path, &output));
    LigStatus status = write_content(w, output);
    if (status == LIG_OK) return lig_output_close(w->ctx, output);
    lig_output_discard(output);
    return status;
}

LigStatus lig_safetensors_write(LigContext *ctx, const char *path, const LigSafetensorsContent *content)
{
    Writer w = {.ctx = ctx, .path = path, .content = content};
    for (size_t i = 0; i < content->count; i++) LIG_TRY(check_tensor(&w, &content->tensors[i]));
    size_t bytes;
    if (!lig_mul_size(content->count, sizeof *w.order, &bytes)) return lig_no_memory(ctx);
    w.order = lig_alloc(bytes);
    w.header = json_object();
    LigStatus status;
    if (w.order && w.header) {
        order_by_size(&w);
        status = write_file(&w);
    } else {
        status = lig_no_memory(ctx);
    }
    json_decref(w.header);
    lig_free(w.order);
    return status;
}

#include "frontend/gguf_write.h"

#include "ir/base/alloc.h"

#include <string.h>

enum { VERSION = 3, MAX_RANK = 4 };

// ---- metadata ----

static void append(LigText *text, const void *data, size_t bytes)
{
    lig_text_append(text, (LigStr){data, bytes});
}

static void append_u32(LigText *text, uint32_t value) { append(text, &value, sizeof value); }
static void append_u64(LigText *text, uint64_t value) { append(text, &value, sizeof value); }

static void append_string(LigText *text, LigStr value)
{
    append_u64(text, value.length);
    lig_text_append(text, value);
}

static void begin_value(LigGgufMetadata *metadata, LigStr key, LigGgufKind kind)
{
    append_string(&metadata->bytes, key);
    append_u32(&metadata->bytes, (uint32_t)kind);
    metadata->count++;
}

static void begin_array(LigGgufMetadata *metadata, LigStr key, LigGgufKind kind, size_t count)
{
    begin_value(metadata, key, LIG_GGUF_ARRAY);
    append_u32(&metadata->bytes, (uint32_t)kind);
    append_u64(&metadata->bytes, count);
}

void lig_gguf_put_u32(LigGgufMetadata *metadata, const char *key, uint32_t value)
{
    begin_value(metadata, lig_str(key), LIG_GGUF_U32);
    append_u32(&metadata->bytes, value);
}

void lig_gguf_put_f32(LigGgufMetadata *metadata, const char *key, float value)
{
    begin_value(metadata, lig_str(key), LIG_GGUF_F32);
    append(&metadata->bytes, &value, sizeof value);
}

void lig_gguf_put_bool(LigGgufMetadata *metadata, const char *key, bool value)
{
    begin_value(metadata, lig_str(key), LIG_GGUF_BOOL);
    lig_text_append_char(&metadata->bytes, value ? 1 : 0);
}

void lig_gguf_put_str(LigGgufMetadata *metadata, const char *key, LigStr value)
{
    begin_value(metadata, lig_str(key), LIG_GGUF_STRING);
    append_string(&metadata->bytes, value);
}

void lig_gguf_put_strs(LigGgufMetadata *metadata, const char *key, const LigStr *values, size_t count)
{
    begin_array(metadata, lig_str(key), LIG_GGUF_STRING, count);
    for (size_t i = 0; i < count; i++) append_string(&metadata->bytes, values[i]);
}

void lig_gguf_put_i32s(LigGgufMetadata *metadata, const char *key, const int32_t *values, size_t count)
{
    begin_array(metadata, lig_str(key), LIG_GGUF_I32, count);
    append(&metadata->bytes, values, count * sizeof *values);
}

void lig_gguf_put_f32s(LigGgufMetadata *metadata, const char *key, const float *values, size_t count)
{
    begin_array(metadata, lig_str(key), LIG_GGUF_F32, count);
    append(&metadata->bytes, values, count * sizeof *values);
}

void lig_gguf_put_value(LigGgufMetadata *metadata, const LigGgufValue *value)
{
    if (value->is_array)
        begin_array(metadata, value->key, value->kind, value->count);
    else
        begin_value(metadata, value->key, value->kind);
    if (!value->strings) {
        append(&metadata->bytes, value->data, value->count * lig_gguf_kind_bytes(value->kind));
        return;
    }
    for (size_t i = 0; i < value->count; i++) append_string(&metadata->bytes, value->strings[i]);
}

void lig_gguf_metadata_free(LigGgufMetadata *metadata) { lig_text_free(&metadata->bytes); }

// ---- the file ----

typedef struct Writer {
    LigContext *ctx;
    const char *path;
    const LigGgufContent *content;
    LigText head;
} Writer;

static LigStatus check_tensor(const Writer *w, const LigFileTensor *tensor)
{
    LIG_TRY(lig_file_name_check(w->ctx, w->path, "a tensor", tensor->name));
    const LigGgmlType *type = lig_ggml_type_named(tensor->type_name);
    if (!type) {
        return lig_fail(w->ctx, LIG_ERR_DTYPE, LIG_FILE_LOC(w->path),
                        "tensor '%.*s' is %s, which GGUF can't hold: convert it to f32 or f16",
                        LIG_NAME_ARG(tensor->name), tensor->type_name);
    }
    size_t elements = 1, bytes = 0;
    bool is_right = tensor->rank >= 1 && tensor->rank <= MAX_RANK;
    for (int i = 0; is_right && i < tensor->rank; i++)
        is_right = tensor->dims[i] > 0 && lig_mul_size(elements, (size_t)tensor->dims[i], &elements);
    is_right = is_right && tensor->dims[tensor->rank - 1] % type->block == 0 &&
               lig_mul_size(elements / type->block, type->block_bytes, &bytes) && bytes == tensor->bytes &&
               (tensor->data || w->content->write);
    if (is_right) return LIG_OK;
    return lig_fail(w->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(w->path),
                    "tensor '%.*s' can't be written: its shape and type must give its %zu bytes, and it needs "
                    "data or a writer",
                    LIG_NAME_ARG(tensor->name), tensor->bytes);
}

static size_t padding(size_t at, size_t alignment) { return (alignment - at % alignment) % alignment; }

static LigStatus build_head(Writer *w)
{
    const LigGgufContent *c = w->content;
    LigText *head = &w->head;
    size_t at = 0;
    lig_text_append(head, LIG_STR("GGUF"));
    append_u32(head, VERSION);
    append_u64(head, c->count);
    append_u64(head, c->metadata->count);
    lig_text_append(head, lig_text_view(&c->metadata->bytes));
    for (size_t i = 0; i < c->count; i++) {
        const LigFileTensor *tensor = &c->tensors[i];
        LIG_TRY(check_tensor(w, tensor));
        append_string(head, tensor->name);
        append_u32(head, (uint32_t)tensor->rank);
        for (int axis = tensor->rank - 1; axis >= 0; axis--) append_u64(head, (uint64_t)tensor->dims[axis]);
        append_u32(head, lig_ggml_type_named(tensor->type_name)->id);
        append_u64(head, at);
        if (!lig_add_size(at, tensor->bytes, &at) || !lig_add_size(at, padding(at, c->alignment), &at)) {
            return lig_fail(w->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(w->path),
                            "can't be written: its tensors have over 2^64 bytes");
        }
    }
    return head->failed || c->metadata->bytes.failed ? lig_no_memory(w->ctx) : LIG_OK;
}

static void pad(LigOutput *output, size_t at, size_t alignment)
{
    static const char zeros[64] = {0};
    for (size_t left = padding(at, alignment); left > 0;) {
        size_t bytes = left < sizeof zeros ? left : sizeof zeros;
        lig_output_write(output, zeros, bytes);
        left -= bytes;
    }
}

static LigStatus write_tensor(const Writer *w, size_t index, LigOutput *output)
{
    const LigFileTensor *tensor = &w->content->tensors[index];
    LigTensorSink sink = {.output = output};
    if (tensor->data)
        lig_tensor_sink_write(&sink, tensor->data, tensor->bytes);
    else
        LIG_TRY(w->content->write(w->content->user, index, &sink));
    pad(output, tensor->bytes, w->content->alignment);
    if (sink.written == tensor->bytes) return LIG_OK;
    return lig_fail(w->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(w->path),
                    "tensor '%.*s' was given %zu bytes, its shape needs %zu: nothing was written",
                    LIG_NAME_ARG(tensor->name), sink.written, tensor->bytes);
}

static LigStatus write_file(const Writer *w)
{
    LigOutput *output;
    LIG_TRY(lig_output_open(w->ctx, w->path, &output));
    lig_output_write(output, w->head.data, w->head.length);
    pad(output, w->head.length, w->content->alignment);
    LigStatus status = LIG_OK;
    for (size_t i = 0; status == LIG_OK && i < w->content->count; i++) status = write_tensor(w, i, output);
    if (status == LIG_OK) return lig_output_close(w->ctx, output);
    lig_output_discard(output);
    return status;
}

LigStatus lig_gguf_write(LigContext *ctx, const char *path, const LigGgufContent *content)
{
    Writer w = {.ctx = ctx, .path = path, .content = content};
    LigStatus status = build_head(&w);
    if (status == LIG_OK) status = write_file(&w);
    lig_text_free(&w.head);
    return status;
}

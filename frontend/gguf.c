// One pass over the header: metadata, then the tensor directory, each read through a cursor that can't leave
// the mapping. String arrays get a table of views; everything else stays where it is mapped.
#include "frontend/gguf_parts.h"

#include "ir/base/alloc.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers of the file are used as they lie");

enum {
    MAX_RANK = 4,
    DEFAULT_ALIGNMENT = 32,
    MIN_VALUE_BYTES = 8 + 4 + 1,          // length of the key, kind, a one-byte value
    MIN_TENSOR_BYTES = 8 + 4 + 8 + 4 + 8, // length of the name, rank, one dim, type, offset
};

typedef struct Reader {
    LigContext *ctx;
    LigGguf *gguf;
    const char *path;
    size_t at; // <= size of the file
} Reader;

static const LigGgmlType ggml_types[] = {
    {"f32", 0, 1, 4},       {"f16", 1, 1, 2},       {"q4_0", 2, 32, 18},    {"q4_1", 3, 32, 20},
    {"q5_0", 6, 32, 22},    {"q5_1", 7, 32, 24},    {"q8_0", 8, 32, 34},    {"q2_k", 10, 256, 84},
    {"q3_k", 11, 256, 110}, {"q4_k", 12, 256, 144}, {"q5_k", 13, 256, 176}, {"q6_k", 14, 256, 210},
    {"q8_k", 15, 256, 292}, {"i8", 24, 1, 1},       {"i16", 25, 1, 2},      {"i32", 26, 1, 4},
    {"i64", 27, 1, 8},      {"f64", 28, 1, 8},      {"bf16", 30, 1, 2},
};

const LigGgmlType *lig_ggml_type(uint32_t id)
{
    for (size_t i = 0; i < sizeof ggml_types / sizeof *ggml_types; i++) {
        if (ggml_types[i].id == id) return &ggml_types[i];
    }
    return NULL;
}

const LigGgmlType *lig_ggml_type_named(const char *name)
{
    for (size_t i = 0; i < sizeof ggml_types / sizeof *ggml_types; i++) {
        if (strcmp(ggml_types[i].name, name) == 0) return &ggml_types[i];
    }
    return NULL;
}

static size_t remaining(const Reader *r) { return r->gguf->file->size - r->at; }

static LigStatus need(const Reader *r, uint64_t bytes, const char *what)
{
    size_t left = remaining(r);
    if (bytes <= left) return LIG_OK;
    return lig_fail(
        r->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(r->path),
        "%s at byte %zu needs %llu bytes, the file has %zu more (%llu missing): it is cut or damaged, "
        "fetch it again",
        what, r->at, (unsigned long long)bytes, left, (unsigned long long)(bytes - left));
}

static LigStatus read_bytes(Reader *r, void *out, size_t bytes, const char *what)
{
    LIG_TRY(need(r, bytes, what));
    memcpy(out, r->gguf->file->data + r->at, bytes);
    r->at += bytes;
    return LIG_OK;
}

static LigStatus read_u32(Reader *r, uint32_t *out, const char *what) { return read_bytes(r, out, 4, what); }
static LigStatus read_u64(Reader *r, uint64_t *out, const char *what) { return read_bytes(r, out, 8, what); }

static LigStatus read_string(Reader *r, LigStr *out, const char *what)
{
    uint64_t length;
    LIG_TRY(read_u64(r, &length, what));
    LIG_TRY(need(r, length, what));
    *out = (LigStr){(const char *)r->gguf->file->data + r->at, (size_t)length};
    r->at += (size_t)length;
    return LIG_OK;
}

// A count of things that take at least `min_bytes` each.
static LigStatus check_count(const Reader *r, uint64_t count, size_t min_bytes, const char *what)
{
    if (count <= remaining(r) / min_bytes) return LIG_OK;
    return lig_fail(
        r->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(r->path),
        "claims %llu %s, more than fit in the %zu bytes that follow: it is cut or damaged, fetch it "
        "again",
        (unsigned long long)count, what, remaining(r));
}

size_t lig_gguf_kind_bytes(LigGgufKind kind)
{
    static const unsigned char bytes[] = {
        [LIG_GGUF_U8] = 1,  [LIG_GGUF_I8] = 1,  [LIG_GGUF_U16] = 2, [LIG_GGUF_I16] = 2,
        [LIG_GGUF_U32] = 4, [LIG_GGUF_I32] = 4, [LIG_GGUF_F32] = 4, [LIG_GGUF_BOOL] = 1,
        [LIG_GGUF_U64] = 8, [LIG_GGUF_I64] = 8, [LIG_GGUF_F64] = 8,
    };
    return (size_t)kind < sizeof bytes ? bytes[kind] : 0;
}

static LigStatus check_bools(const Reader *r, const LigGgufValue *value)
{
    for (size_t i = 0; i < value->count; i++) {
        if (value->data[i] <= 1) continue;
        return lig_fail(r->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(r->path),
                        "metadata '%.*s' holds %d where a bool, 0 or 1, is expected: the file is damaged",
                        LIG_NAME_ARG(value->key), value->data[i]);
    }
    return LIG_OK;
}

static LigStatus read_numbers(Reader *r, LigGgufValue *value)
{
    size_t each = lig_gguf_kind_bytes(value->kind);
    if (each == 0) {
        return lig_fail(r->ctx, LIG_ERR_UNSUPPORTED, LIG_FILE_LOC(r->path),
                        "metadata '%.*s' has the kind %u%s: expected numbers, bools, strings or arrays of them",
                        LIG_NAME_ARG(value->key), (unsigned)value->kind,
                        value->kind == LIG_GGUF_ARRAY ? " (an array) inside an array" : "");
    }
    LIG_TRY(check_count(r, value->count, each, "metadata elements"));
    value->data = r->gguf->file->data + r->at;
    r->at += value->count * each;
    return value->kind == LIG_GGUF_BOOL ? check_bools(r, value) : LIG_OK;
}

static LigStatus read_strings(Reader *r, LigGgufValue *value)
{
    LIG_TRY(check_count(r, value->count, 8, "metadata strings"));
    LigStr *strings = LIG_NEW_ARRAY(r->gguf->arena, LigStr, value->count);
    if (!strings) return lig_no_memory(r->ctx);
    for (size_t i = 0; i < value->count; i++) LIG_TRY(read_string(r, &strings[i], "a metadata string"));
    value->strings = strings;
    return LIG_OK;
}

static LigStatus read_value(Reader *r)
{
    LigGgufValue value = {.count = 1};
    LIG_TRY(read_string(r, &value.key, "a metadata key"));
    LIG_TRY(lig_file_name_check(r->ctx, r->path, "a metadata key", value.key));
    uint32_t kind;
    LIG_TRY(read_u32(r, &kind, "a metadata kind"));
    if (kind == LIG_GGUF_ARRAY) {
        uint64_t count;
        value.is_array = true;
        LIG_TRY(read_u32(r, &kind, "a metadata kind"));
        LIG_TRY(read_u64(r, &count, "a metadata count"));
        value.count = (size_t)count;
    }
    value.kind = (LigGgufKind)kind;
    LIG_TRY(value.kind == LIG_GGUF_STRING ? read_strings(r, &value) : read_numbers(r, &value));
    LigGguf *gguf = r->gguf;
    if (lig_map_get(&gguf->values_by_key, value.key)) {
        return lig_fail(r->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(r->path),
                        "metadata '%.*s' is there twice: keys must be unique, convert the model again",
                        LIG_NAME_ARG(value.key));
    }
    void *index = (void *)(uintptr_t)(gguf->values.count + 1);
    bool ok = LIG_VEC_PUSH(gguf->arena, &gguf->values, value) &&
              lig_map_put(gguf->arena, &gguf->values_by_key, value.key, index);
    return ok ? LIG_OK : lig_no_memory(r->ctx);
}

// The product of dims in elements. Zero dims are no weights, so they are refused as damage.
static LigStatus check_dims(const Reader *r, const LigFileTensor *tensor, int64_t *elements)
{
    *elements = 1;
    for (int axis = 0; axis < tensor->rank; axis++) {
        if (tensor->dims[axis] <= 0) {
            return lig_fail(
                r->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(r->path),
                "tensor '%.*s' has the dim %llu on axis %d, expected 1 to 2^63-1: the file is damaged",
                LIG_NAME_ARG(tensor->name), (unsigned long long)tensor->dims[axis], axis);
        }
        if (__builtin_mul_overflow(*elements, tensor->dims[axis], elements)) {
            return lig_fail(r->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(r->path),
                            "tensor '%.*s' has dims whose product is over 2^63: the file is damaged",
                            LIG_NAME_ARG(tensor->name));
        }
    }
    return LIG_OK;
}

static LigStatus size_tensor(const Reader *r, LigFileTensor *tensor, uint32_t type_id)
{
    const LigGgmlType *type = lig_ggml_type(type_id);
    if (!type) {
        return lig_fail(
            r->ctx, LIG_ERR_UNSUPPORTED, LIG_FILE_LOC(r->path),
            "tensor '%.*s' has the ggml type %u, which is not known: use a model in f32, f16, bf16, "
            "q8_0, q4_0, q4_1, q5_0, q5_1 or q2_k to q6_k",
            LIG_NAME_ARG(tensor->name), type_id);
    }
    int64_t elements;
    LIG_TRY(check_dims(r, tensor, &elements));
    int64_t row = tensor->dims[tensor->rank - 1];
    if (row % type->block != 0) {
        return lig_fail(
            r->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(r->path),
            "tensor '%.*s' has rows of %lld elements, %s needs a multiple of %u: the file is damaged",
            LIG_NAME_ARG(tensor->name), (long long)row, type->name, type->block);
    }
    if (!lig_mul_size((size_t)(elements / type->block), type->block_bytes, &tensor->bytes)) {
        return lig_fail(r->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(r->path),
                        "tensor '%.*s' has %lld elements of %s, over 2^64 bytes: the file is damaged",
                        LIG_NAME_ARG(tensor->name), (long long)elements, type->name);
    }
    tensor->type_name = type->name;
    return LIG_OK;
}

static LigStatus read_shape(Reader *r, LigFileTensor *tensor)
{
    uint32_t rank;
    LIG_TRY(read_u32(r, &rank, "a tensor's rank"));
    if (rank < 1 || rank > MAX_RANK) {
        return lig_fail(r->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(r->path),
                        "tensor '%.*s' has %u dims, expected 1 to %d: the file is damaged",
                        LIG_NAME_ARG(tensor->name), rank, MAX_RANK);
    }
    tensor->rank = (int)rank;
    for (uint32_t i = 0; i < rank; i++) {
        uint64_t dim;
        LIG_TRY(read_u64(r, &dim, "a tensor's dim"));
        tensor->dims[rank - 1 - i] = (int64_t)dim; // above 2^63 it is negative, which check_dims refuses
    }
    return LIG_OK;
}

// The data is placed later: where it begins is known when the directory ends.
static LigStatus read_tensor(Reader *r, uint64_t *offset)
{
    LigFileTensor tensor = {0};
    LIG_TRY(read_string(r, &tensor.name, "a tensor's name"));
    LIG_TRY(lig_file_name_check(r->ctx, r->path, "a tensor", tensor.name));
    LIG_TRY(read_shape(r, &tensor));
    uint32_t type_id;
    LIG_TRY(read_u32(r, &type_id, "a tensor's type"));
    LIG_TRY(size_tensor(r, &tensor, type_id));
    LIG_TRY(read_u64(r, offset, "a tensor's offset"));
    if (*offset % r->gguf->alignment != 0) {
        return lig_fail(
            r->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(r->path),
            "tensor '%.*s' has the offset %llu, expected a multiple of %zu (general.alignment): the "
            "file is damaged",
            LIG_NAME_ARG(tensor.name), (unsigned long long)*offset, r->gguf->alignment);
    }
    return lig_tensor_set_add(r->ctx, r->path, r->gguf->arena, &r->gguf->tensors, &tensor);
}

static LigStatus place_tensor(const Reader *r, LigFileTensor *tensor, uint64_t offset)
{
    const LigMappedFile *file = r->gguf->file;
    size_t begin, end;
    if (!lig_add_size(r->gguf->data_begin, (size_t)offset, &begin) ||
        !lig_add_size(begin, tensor->bytes, &end)) {
        return lig_fail(
            r->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(r->path),
            "tensor '%.*s' has the offset %llu and %zu bytes, an end over 2^64: the file is damaged",
            LIG_NAME_ARG(tensor->name), (unsigned long long)offset, tensor->bytes);
    }
    if (end > file->size) {
        return lig_fail(
            r->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(r->path),
            "tensor '%.*s' needs bytes %zu to %zu, the file has %zu (%zu missing): it is cut, fetch "
            "it again",
            LIG_NAME_ARG(tensor->name), begin, end, file->size, end - file->size);
    }
    tensor->data = file->data + begin;
    return LIG_OK;
}

static LigStatus read_tensors(Reader *r, uint64_t count)
{
    LIG_TRY(check_count(r, count, MIN_TENSOR_BYTES, "tensors"));
    LigGguf *gguf = r->gguf;
    uint64_t *offsets = LIG_NEW_ARRAY(gguf->arena, uint64_t, (size_t)count);
    if (!offsets) return lig_no_memory(r->ctx);
    for (size_t i = 0; i < count; i++) LIG_TRY(read_tensor(r, &offsets[i]));
    // The alignment is below 2^32 and `at` within the file, so the sum can't wrap.
    gguf->data_begin = (r->at + gguf->alignment - 1) / gguf->alignment * gguf->alignment;
    for (size_t i = 0; i < count; i++) LIG_TRY(place_tensor(r, &gguf->tensors.tensors[i], offsets[i]));
    return lig_tensor_set_check_overlap(r->ctx, r->path, gguf->arena, &gguf->tensors);
}

static LigStatus read_version(Reader *r)
{
    const LigMappedFile *file = r->gguf->file;
    if (file->size < 4 || memcmp(file->data, "GGUF", 4) != 0) {
        return lig_fail(r->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(r->path),
                        "does not start with 'GGUF': it is no GGUF file, check the path");
    }
    r->at = 4;
    LIG_TRY(read_u32(r, &r->gguf->version, "the version"));
    uint32_t version = r->gguf->version;
    if (version == 2 || version == 3) return LIG_OK;
    bool is_swapped = version != 0 && (version & 0xffff) == 0;
    return lig_fail(r->ctx, LIG_ERR_UNSUPPORTED, LIG_FILE_LOC(r->path),
                    is_swapped
                        ? "is a big-endian GGUF (version field 0x%08x), expected little-endian: convert it"
                        : "is GGUF version %u, expected 2 or 3: convert the model again",
                    version);
}

static LigStatus read_settings(const Reader *r)
{
    uint64_t alignment = DEFAULT_ALIGNMENT;
    LIG_TRY(lig_gguf_get_u64(r->ctx, r->gguf, LIG_STR("general.alignment"), &alignment));
    if (alignment < 8 || alignment > UINT32_MAX || (alignment & (alignment - 1)) != 0) {
        return lig_fail(
            r->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(r->path),
            "general.alignment is %llu, expected a power of two from 8 to 2^31: the file is damaged",
            (unsigned long long)alignment);
    }
    r->gguf->alignment = (size_t)alignment;
    return LIG_OK;
}

static LigStatus read_all(Reader *r)
{
    uint64_t tensor_count, value_count;
    LIG_TRY(read_version(r));
    LIG_TRY(read_u64(r, &tensor_count, "the number of tensors"));
    LIG_TRY(read_u64(r, &value_count, "the number of metadata entries"));
    LIG_TRY(check_count(r, value_count, MIN_VALUE_BYTES, "metadata entries"));
    for (uint64_t i = 0; i < value_count; i++) LIG_TRY(read_value(r));
    LIG_TRY(read_settings(r));
    return read_tensors(r, tensor_count);
}

LigStatus lig_gguf__open_part(LigContext *ctx, const char *path, LigGguf **out)
{
    LigGguf *gguf = lig_alloc_zero(sizeof *gguf);
    if (!gguf) return lig_no_memory(ctx);
    gguf->arena = lig_arena_create();
    LigStatus status = gguf->arena ? lig_file_map(ctx, path, &gguf->file) : lig_no_memory(ctx);
    if (status == LIG_OK) status = read_all(&(Reader){.ctx = ctx, .gguf = gguf, .path = gguf->file->path});
    if (status != LIG_OK) {
        lig_gguf_close(gguf);
        return status;
    }
    *out = gguf;
    return LIG_OK;
}

void lig_gguf_close(LigGguf *gguf)
{
    if (!gguf) return;
    for (size_t i = 0; i < gguf->part_count; i++) lig_gguf_close(gguf->parts[i]);
    lig_file_unmap(gguf->file);
    lig_arena_destroy(gguf->arena);
    lig_free(gguf);
}

size_t lig_gguf_part_count(const LigGguf *gguf) { return gguf->part_count + 1; }
const char *lig_gguf_path(const LigGguf *gguf) { return gguf->file->path; }
uint32_t lig_gguf_version(const LigGguf *gguf) { return gguf->version; }
const LigTensorSet *lig_gguf_tensors(const LigGguf *gguf) { return &gguf->tensors; }
size_t lig_gguf_value_count(const LigGguf *gguf) { return gguf->values.count; }

const LigGgufValue *lig_gguf_value(const LigGguf *gguf, size_t index)
{
    return index < gguf->values.count ? &gguf->values.data[index] : NULL;
}

const LigGgufValue *lig_gguf_find(const LigGguf *gguf, LigStr key)
{
    uintptr_t index = (uintptr_t)lig_map_get(&gguf->values_by_key, key);
    return index ? &gguf->values.data[index - 1] : NULL;
}

// A file is: u64 length of the header, the header (JSON), the data. The JSON tree lives as long as the reader,
// since names point into it.
#include "frontend/safetensors.h"

#include "frontend/json.h"
#include "ir/base/alloc.h"
#include "ir/base/vec.h"

#include <string.h>

static const size_t max_header_bytes = 100u * 1000 * 1000; // the format's own limit

typedef struct Shard {
    LigMappedFile *file;
    json_t *header;
    LigTensorSet tensors;
} Shard;

struct LigSafetensors {
    LigArena *arena;
    LIG_VEC(Shard *) shards;
    LigMap shard_by_name; // of an index
    json_t *index;        // NULL for a single file
    LigTensorSet merged;  // of an index
};

static const LigSafetensorsType types[] = {
    {"F64", "f64", 8}, {"F32", "f32", 4}, {"F16", "f16", 2}, {"BF16", "bf16", 2}, {"I64", "i64", 8},
    {"I32", "i32", 4}, {"I16", "i16", 2}, {"I8", "i8", 1},   {"U8", "u8", 1},     {"BOOL", "bool", 1},
};

const LigSafetensorsType *lig_safetensors_type(LigStr file_name)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (lig_str_is(file_name, types[i].file_name)) return &types[i];
    }
    return NULL;
}

const LigSafetensorsType *lig_safetensors_type_of(const LigFileTensor *tensor)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (strcmp(tensor->type_name, types[i].type_name) == 0) return &types[i];
    }
    return NULL;
}

bool lig_safetensors_bytes(const LigFileTensor *tensor, const LigSafetensorsType *type, size_t *out)
{
    size_t bytes = type->bytes;
    bool is_empty = false;
    for (int axis = 0; axis < tensor->rank; axis++) {
        if (tensor->dims[axis] < 0) return false;
        is_empty |= tensor->dims[axis] == 0;
        if (!is_empty && !lig_mul_size(bytes, (size_t)tensor->dims[axis], &bytes)) return false;
    }
    *out = is_empty ? 0 : bytes;
    return true;
}

// One shard while its header is read.
typedef struct Reader {
    LigContext *ctx;
    LigArena *arena;
    Shard *shard;
    const char *path;
    const unsigned char *data; // after the header
    size_t data_bytes;
} Reader;

static LigStatus fail_tensor(const Reader *r, LigStr name, const char *message)
{
    return lig_fail(r->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(r->path), "tensor '%.*s' %s: the file is damaged",
                    LIG_NAME_ARG(name), message);
}

static LigStatus read_shape(const Reader *r, const json_t *shape, LigFileTensor *tensor)
{
    if (!json_is_array(shape)) return fail_tensor(r, tensor->name, "has no array 'shape'");
    size_t rank = json_array_size(shape);
    if (rank > LIG_FILE_MAX_RANK) {
        return lig_fail(r->ctx, LIG_ERR_UNSUPPORTED, LIG_FILE_LOC(r->path),
                        "tensor '%.*s' has %zu dims, expected at most %d: reshape it",
                        LIG_NAME_ARG(tensor->name), rank, LIG_FILE_MAX_RANK);
    }
    tensor->rank = (int)rank;
    for (size_t i = 0; i < rank; i++) {
        const json_t *dim = json_array_get(shape, i);
        if (!json_is_integer(dim) || json_integer_value(dim) < 0) {
            return fail_tensor(r, tensor->name, "has a dim that is no integer of at least 0");
        }
        tensor->dims[i] = json_integer_value(dim);
    }
    return LIG_OK;
}

static LigStatus read_dtype(const Reader *r, const json_t *dtype, LigFileTensor *tensor)
{
    if (!json_is_string(dtype)) return fail_tensor(r, tensor->name, "has no string 'dtype'");
    LigStr name = {json_string_value(dtype), json_string_length(dtype)};
    LIG_TRY(lig_file_name_check(r->ctx, r->path, "a dtype", name));
    const LigSafetensorsType *type = lig_safetensors_type(name);
    if (!type) {
        return lig_fail(
            r->ctx, LIG_ERR_UNSUPPORTED, LIG_FILE_LOC(r->path),
            "tensor '%.*s' has the dtype %.*s, expected F64 F32 F16 BF16 I64 I32 I16 I8 U8 or BOOL: "
            "convert it",
            LIG_NAME_ARG(tensor->name), LIG_NAME_ARG(name));
    }
    tensor->type_name = type->type_name;
    if (lig_safetensors_bytes(tensor, type, &tensor->bytes)) return LIG_OK;
    return fail_tensor(r, tensor->name, "has a shape of over 2^64 bytes");
}

static LigStatus place(const Reader *r, const json_t *offsets, LigFileTensor *tensor)
{
    const json_t *first = json_array_get(offsets, 0), *second = json_array_get(offsets, 1);
    if (json_array_size(offsets) != 2 || !json_is_integer(first) || !json_is_integer(second) ||
        json_integer_value(first) < 0 || json_integer_value(second) < json_integer_value(first)) {
        return fail_tensor(r, tensor->name, "has no 'data_offsets' [begin, end] with 0 <= begin <= end");
    }
    size_t begin = (size_t)json_integer_value(first), end = (size_t)json_integer_value(second);
    if (end - begin != tensor->bytes) {
        return lig_fail(
            r->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(r->path),
            "tensor '%.*s' has offsets for %zu bytes, its shape and dtype need %zu: the file is damaged",
            LIG_NAME_ARG(tensor->name), end - begin, tensor->bytes);
    }
    if (end > r->data_bytes) {
        return lig_fail(
            r->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(r->path),
            "tensor '%.*s' needs bytes %zu to %zu of the data, which has %zu (%zu missing): the file is "
            "cut, fetch it again",
            LIG_NAME_ARG(tensor->name), begin, end, r->data_bytes, end - r->data_bytes);
    }
    tensor->data = r->data + begin;
    return LIG_OK;
}

static LigStatus check_keys(const Reader *r, LigStr name, const json_t *entry)
{
    if (!json_is_object(entry)) return fail_tensor(r, name, "is described by no object");
    if (json_object_size(entry) == 3) return LIG_OK;
    return fail_tensor(r, name, "is described by other keys than dtype, shape, data_offsets");
}

static LigStatus read_tensor(const Reader *r, LigStr name, const json_t *entry)
{
    LigFileTensor tensor = {.name = name};
    LIG_TRY(lig_file_name_check(r->ctx, r->path, "a tensor", name));
    LIG_TRY(check_keys(r, name, entry));
    LIG_TRY(read_shape(r, json_object_get(entry, "shape"), &tensor));
    LIG_TRY(read_dtype(r, json_object_get(entry, "dtype"), &tensor));
    LIG_TRY(place(r, json_object_get(entry, "data_offsets"), &tensor));
    return lig_tensor_set_add(r->ctx, r->path, r->arena, &r->shard->tensors, &tensor);
}

static LigStatus check_metadata(const Reader *r, const json_t *metadata)
{
    const char *key;
    json_t *value;
    bool ok = json_is_object(metadata);
    json_object_foreach((json_t *)(uintptr_t)metadata, key, value) ok = ok && json_is_string(value);
    if (ok) return LIG_OK;
    return lig_fail(r->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(r->path),
                    "'__metadata__' is no object of strings: the file is damaged");
}

// Loads of an element want its alignment; the file need not give it.
static LigStatus align_tensors(const Reader *r)
{
    LigTensorSet *set = &r->shard->tensors;
    for (size_t i = 0; i < set->count; i++) {
        LigFileTensor *tensor = &set->tensors[i];
        size_t element = lig_safetensors_type_of(tensor)->bytes;
        if (tensor->bytes == 0 || (uintptr_t)tensor->data % element == 0) continue;
        tensor->data = lig_arena_copy(r->arena, tensor->data, tensor->bytes);
        if (!tensor->data) return lig_no_memory(r->ctx);
    }
    return LIG_OK;
}

static LigStatus read_entries(const Reader *r)
{
    const char *key;
    size_t length;
    json_t *entry;
    json_object_keylen_foreach(r->shard->header, key, length, entry)
    {
        LigStr name = {key, length};
        LIG_TRY(lig_str_is(name, "__metadata__") ? check_metadata(r, entry) : read_tensor(r, name, entry));
    }
    LIG_TRY(lig_tensor_set_check_overlap(r->ctx, r->path, r->arena, &r->shard->tensors));
    return align_tensors(r);
}

static LigStatus read_shard(Reader *r)
{
    const LigMappedFile *file = r->shard->file;
    uint64_t length;
    if (file->size < sizeof length) {
        return lig_fail(r->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(r->path),
                        "has %zu bytes, a safetensors file at least 8 (%zu missing): it is cut, fetch it again",
                        file->size, sizeof length - file->size);
    }
    memcpy(&length, file->data, sizeof length);
    const char *text = (const char *)file->data + sizeof length;
    size_t left = file->size - sizeof length;
    if (length > max_header_bytes || (left > 0 && *text != '{')) {
        return lig_fail(
            r->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(r->path),
            "is no safetensors file: expected a header of at most %zu bytes that starts with '{', the "
            "length claims %llu; check the path",
            max_header_bytes, (unsigned long long)length);
    }
    if (length > left) {
        return lig_fail(
            r->ctx, LIG_ERR_INVALID, LIG_FILE_LOC(r->path),
            "has a header of %llu bytes, of which %zu are there (%llu missing): it is cut, fetch it "
            "again",
            (unsigned long long)length, left, (unsigned long long)(length - left));
    }
    r->data = file->data + sizeof length + length;
    r->data_bytes = left - (size_t)length;
    LIG_TRY(lig_json_parse(r->ctx, r->path, (LigStr){text, (size_t)length}, &r->shard->header));
    LigJson root;
    LIG_TRY(lig_json_root(r->ctx, r->path, r->shard->header, &root));
    return read_entries(r);
}

static LigStatus add_shard(LigContext *ctx, LigSafetensors *s, const char *path, Shard **out)
{
    Shard *shard = LIG_NEW(s->arena, Shard);
    if (!shard || !LIG_VEC_PUSH(s->arena, &s->shards, shard)) return lig_no_memory(ctx);
    LIG_TRY(lig_file_map(ctx, path, &shard->file));
    *out = shard;
    return read_shard(&(Reader){.ctx = ctx, .arena = s->arena, .shard = shard, .path = shard->file->path});
}

// An index that names a path could make us open any file: only names of the same directory are taken.
static LigStatus check_shard_name(const LigJson *map, const char *tensor, LigStr name)
{
    bool is_plain = name.length > 0 && !memchr(name.data, '/', name.length) && name.data[0] != '.';
    if (is_plain) return LIG_OK;
    return lig_json_fail(map, LIG_ERR_INVALID, tensor,
                         "names no file of the same directory: expected a name without '/', correct the index");
}

static LigStatus find_shard(LigSafetensors *s, const LigJson *map, LigStr directory, LigStr name, Shard **out)
{
    *out = lig_map_get(&s->shard_by_name, name);
    if (*out) return LIG_OK;
    LigStr path = lig_str_format(s->arena, "%.*s/%.*s", LIG_STR_ARG(directory), LIG_STR_ARG(name));
    if (!path.data) return lig_no_memory(map->ctx);
    if (!lig_path_exists(path.data))
        return lig_fail(map->ctx, LIG_ERR_NOT_FOUND, LIG_FILE_LOC(path.data),
                        "is missing, though %s names it: fetch it", map->path);
    LIG_TRY(add_shard(map->ctx, s, path.data, out));
    return lig_map_put(s->arena, &s->shard_by_name, name, *out) ? LIG_OK : lig_no_memory(map->ctx);
}

static LigStatus merge_tensor(LigSafetensors *s, const LigJson *map, LigStr directory, LigStr tensor_name)
{
    LigStr shard_name = {0};
    Shard *shard;
    LIG_TRY(lig_json_require(map, tensor_name.data));
    LIG_TRY(lig_json_get_str(map, tensor_name.data, &shard_name));
    LIG_TRY(check_shard_name(map, tensor_name.data, shard_name));
    LIG_TRY(find_shard(s, map, directory, shard_name, &shard));
    const LigFileTensor *tensor = lig_tensor_set_find(&shard->tensors, tensor_name);
    if (tensor) return lig_tensor_set_add(map->ctx, map->path, s->arena, &s->merged, tensor);
    return lig_fail(map->ctx, LIG_ERR_NOT_FOUND, LIG_FILE_LOC(shard->file->path),
                    "has no tensor '%.*s', though the index says so: fetch the shard or the index again",
                    LIG_NAME_ARG(tensor_name));
}

static LigStatus read_index(LigContext *ctx, LigSafetensors *s, LigStr directory, const char *path)
{
    LigJson root, map;
    LIG_TRY(lig_json_read_file(ctx, path, &s->index));
    LIG_TRY(lig_json_root(ctx, path, s->index, &root));
    LIG_TRY(lig_json_require(&root, "weight_map"));
    LIG_TRY(lig_json_child(&root, "weight_map", &map));
    if (json_object_size(map.object) == 0)
        return lig_json_fail(&root, LIG_ERR_INVALID, "weight_map",
                             "has no tensors: expected {tensor: file, …}, fetch the index again");
    const char *key;
    size_t length;
    json_t *value;
    json_object_keylen_foreach(map.object, key, length, value)
    {
        (void)value;
        LIG_TRY(merge_tensor(s, &map, directory, (LigStr){key, length}));
    }
    return LIG_OK;
}

static LigStatus open_directory(LigContext *ctx, LigSafetensors *s, const char *path)
{
    LigStr whole = lig_str_format(s->arena, "%s/model.safetensors", path);
    LigStr index = lig_str_format(s->arena, "%s/model.safetensors.index.json", path);
    if (!whole.data || !index.data) return lig_no_memory(ctx);
    Shard *shard;
    if (lig_path_exists(whole.data)) return add_shard(ctx, s, whole.data, &shard);
    if (lig_path_exists(index.data)) return read_index(ctx, s, lig_str(path), index.data);
    return lig_fail(ctx, LIG_ERR_NOT_FOUND, LIG_FILE_LOC(path),
                    "has no weights: expected model.safetensors or model.safetensors.index.json");
}

LigStatus lig_safetensors_open(LigContext *ctx, const char *path, LigSafetensors **out)
{
    LigSafetensors *s = lig_alloc_zero(sizeof *s);
    if (!s) return lig_no_memory(ctx);
    s->arena = lig_arena_create();
    LigStatus status;
    Shard *shard;
    if (!s->arena)
        status = lig_no_memory(ctx);
    else if (lig_path_is_directory(path))
        status = open_directory(ctx, s, path);
    else
        status = add_shard(ctx, s, path, &shard);
    if (status != LIG_OK) {
        lig_safetensors_close(s);
        return status;
    }
    *out = s;
    return LIG_OK;
}

void lig_safetensors_close(LigSafetensors *s)
{
    if (!s) return;
    for (size_t i = 0; i < s->shards.count; i++) {
        json_decref(s->shards.data[i]->header);
        lig_file_unmap(s->shards.data[i]->file);
    }
    json_decref(s->index);
    lig_arena_destroy(s->arena);
    lig_free(s);
}

const LigTensorSet *lig_safetensors_tensors(const LigSafetensors *s)
{
    return s->index ? &s->merged : &s->shards.data[0]->tensors;
}

LigStr lig_safetensors_metadata(const LigSafetensors *s, LigStr key)
{
    if (s->shards.count == 0) return (LigStr){0};
    const json_t *metadata = json_object_get(s->shards.data[0]->header, "__metadata__");
    const json_t *value = json_object_getn(metadata, key.data, key.length);
    return (LigStr){json_string_value(value), json_string_length(value)};
}

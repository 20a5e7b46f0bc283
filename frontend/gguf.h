// GGUF, versions 2 and 3, little-endian: metadata and tensors of one mapped file, or of the parts of a split one.
//
// A split model is opened by its first part, NAME-00001-of-00003.gguf, which has the metadata; the others bring
// tensors, and stand beside it.
//
// Nothing is copied but the directory: strings, arrays and tensors point into the mapping and live until
// lig_gguf_close. Every count, length, offset and product is checked against the size of the file before use,
// so that a damaged or hostile file costs at most a small multiple of its own size and gives an error.
//
// Source: the GGUF specification of the ggml project (docs/gguf.md).
#ifndef LIG_FRONTEND_GGUF_H
#define LIG_FRONTEND_GGUF_H

#include "frontend/file_tensor.h"
#include "ir/base/file.h"

typedef enum LigGgufKind { // numbers as in the file
    LIG_GGUF_U8 = 0,
    LIG_GGUF_I8 = 1,
    LIG_GGUF_U16 = 2,
    LIG_GGUF_I16 = 3,
    LIG_GGUF_U32 = 4,
    LIG_GGUF_I32 = 5,
    LIG_GGUF_F32 = 6,
    LIG_GGUF_BOOL = 7,
    LIG_GGUF_STRING = 8,
    LIG_GGUF_ARRAY = 9,
    LIG_GGUF_U64 = 10,
    LIG_GGUF_I64 = 11,
    LIG_GGUF_F64 = 12,
} LigGgufKind;

// Bytes of a number of this kind; 0 for strings, arrays and kinds not known.
size_t lig_gguf_kind_bytes(LigGgufKind kind);

// One metadata entry. A scalar is held as an array of one.
typedef struct LigGgufValue {
    LigStr key;
    bool is_array;
    LigGgufKind kind;          // of the value, or of the elements of an array; never LIG_GGUF_ARRAY
    size_t count;              // elements; 1 for a scalar
    const unsigned char *data; // [count] numbers, little-endian, maybe unaligned; NULL for strings
    const LigStr *strings;     // [count] for strings, else NULL
} LigGgufValue;

typedef struct LigGguf LigGguf;

// Maps and checks the whole directory; no tensor data is touched.
// Errors: NOT_FOUND (also a part), IO, INVALID (not GGUF, damaged, or cut: names the tensor and the bytes
// missing; a part that is not the first, or parts that are not of one model), UNSUPPORTED (version, byte order, a
// tensor type, nested arrays), NO_MEMORY.
LigStatus lig_gguf_open(LigContext *ctx, const char *path, LigGguf **out) LIG_MUST_CHECK;
void lig_gguf_close(LigGguf *gguf);

const char *lig_gguf_path(const LigGguf *gguf);  // of the first part
size_t lig_gguf_part_count(const LigGguf *gguf); // 1 unless split
uint32_t lig_gguf_version(const LigGguf *gguf);
// Dims in row-major order (GGUF's reversed): token_embd.weight is [vocabulary, width].
const LigTensorSet *lig_gguf_tensors(const LigGguf *gguf);

size_t lig_gguf_value_count(const LigGguf *gguf);
const LigGgufValue *lig_gguf_value(const LigGguf *gguf, size_t index);
// NULL when absent.
const LigGgufValue *lig_gguf_find(const LigGguf *gguf, LigStr key);
// NOT_FOUND, naming the key, when absent.
LigStatus lig_gguf_require(LigContext *ctx, const LigGguf *gguf, LigStr key) LIG_MUST_CHECK;

// Typed getters. An absent key leaves `*out`, the default, as it is; a value of another kind, or one that does
// not fit, is INVALID and names the key. u64 takes every integer >= 0, i64 every integer, f64 every number.
LigStatus lig_gguf_get_u64(LigContext *ctx, const LigGguf *gguf, LigStr key, uint64_t *out) LIG_MUST_CHECK;
LigStatus lig_gguf_get_i64(LigContext *ctx, const LigGguf *gguf, LigStr key, int64_t *out) LIG_MUST_CHECK;
LigStatus lig_gguf_get_f64(LigContext *ctx, const LigGguf *gguf, LigStr key, double *out) LIG_MUST_CHECK;
LigStatus lig_gguf_get_bool(LigContext *ctx, const LigGguf *gguf, LigStr key, bool *out) LIG_MUST_CHECK;
LigStatus lig_gguf_get_str(LigContext *ctx, const LigGguf *gguf, LigStr key, LigStr *out) LIG_MUST_CHECK;

// Arrays, by the same rules: `*out` and `*count` stay when the key is absent. Integers and numbers are copied
// into `arena` (those of the file may be unaligned).
LigStatus lig_gguf_get_strings(LigContext *ctx, const LigGguf *gguf, LigStr key, const LigStr **out,
                               size_t *count) LIG_MUST_CHECK;
typedef struct LigGgufArrayRequest {
    LigArena *arena;
    LigStr key;
} LigGgufArrayRequest;
LigStatus lig_gguf_get_i32_array(LigContext *ctx, const LigGguf *gguf, LigGgufArrayRequest request,
                                 const int32_t **out, size_t *count) LIG_MUST_CHECK;
LigStatus lig_gguf_get_f32_array(LigContext *ctx, const LigGguf *gguf, LigGgufArrayRequest request,
                                 const float **out, size_t *count) LIG_MUST_CHECK;

// Element `index` of a value; false when it is out of range, of another kind, or does not fit.
bool lig_gguf_element_i64(const LigGgufValue *value, size_t index, int64_t *out);
bool lig_gguf_element_u64(const LigGgufValue *value, size_t index, uint64_t *out);
bool lig_gguf_element_f64(const LigGgufValue *value, size_t index, double *out);

// A tensor type of ggml by its number in files; NULL when not known.
typedef struct LigGgmlType {
    const char *name;     // lower case
    uint32_t id;          // in files
    uint32_t block;       // elements per block, 1 for plain types
    uint32_t block_bytes; // bytes per block
} LigGgmlType;
const LigGgmlType *lig_ggml_type(uint32_t id);
const LigGgmlType *lig_ggml_type_named(const char *name);

#endif

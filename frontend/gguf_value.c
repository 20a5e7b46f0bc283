// Access to the metadata of a GGUF: elements, typed getters, arrays.
#include "frontend/gguf.h"

#include <math.h>
#include <string.h>

static const char *const kind_names[] = {
    [LIG_GGUF_U8] = "u8",         [LIG_GGUF_I8] = "i8",       [LIG_GGUF_U16] = "u16", [LIG_GGUF_I16] = "i16",
    [LIG_GGUF_U32] = "u32",       [LIG_GGUF_I32] = "i32",     [LIG_GGUF_F32] = "f32", [LIG_GGUF_BOOL] = "bool",
    [LIG_GGUF_STRING] = "string", [LIG_GGUF_ARRAY] = "array", [LIG_GGUF_U64] = "u64", [LIG_GGUF_I64] = "i64",
    [LIG_GGUF_F64] = "f64",
};

#define LOAD(Type, value, index)                                                                               \
    Type loaded;                                                                                               \
    memcpy(&loaded, (value)->data + (index) * sizeof loaded, sizeof loaded)

// An integer as its bits widened to 64, and whether those are negative.
static bool load_integer(const LigGgufValue *value, size_t index, uint64_t *bits, bool *is_negative)
{
    if (index >= value->count) return false;
    int64_t number = 0;
    switch ((int)value->kind) {
    case LIG_GGUF_U8:
        number = value->data[index];
        break;
    case LIG_GGUF_I8:
        number = (int8_t)value->data[index];
        break;
    case LIG_GGUF_U16: {
        LOAD(uint16_t, value, index);
        number = loaded;
        break;
    }
    case LIG_GGUF_I16: {
        LOAD(int16_t, value, index);
        number = loaded;
        break;
    }
    case LIG_GGUF_U32: {
        LOAD(uint32_t, value, index);
        number = loaded;
        break;
    }
    case LIG_GGUF_I32: {
        LOAD(int32_t, value, index);
        number = loaded;
        break;
    }
    case LIG_GGUF_I64: {
        LOAD(int64_t, value, index);
        number = loaded;
        break;
    }
    case LIG_GGUF_U64: {
        LOAD(uint64_t, value, index);
        *bits = loaded;
        *is_negative = false;
        return true;
    }
    default:
        return false;
    }
    *bits = (uint64_t)number;
    *is_negative = number < 0;
    return true;
}

bool lig_gguf_element_i64(const LigGgufValue *value, size_t index, int64_t *out)
{
    uint64_t bits;
    bool is_negative;
    if (!load_integer(value, index, &bits, &is_negative)) return false;
    if (!is_negative && bits > INT64_MAX) return false;
    *out = (int64_t)bits;
    return true;
}

bool lig_gguf_element_u64(const LigGgufValue *value, size_t index, uint64_t *out)
{
    bool is_negative;
    uint64_t bits;
    if (!load_integer(value, index, &bits, &is_negative) || is_negative) return false;
    *out = bits;
    return true;
}

bool lig_gguf_element_f64(const LigGgufValue *value, size_t index, double *out)
{
    if (index >= value->count) return false;
    if (value->kind == LIG_GGUF_F32) {
        LOAD(float, value, index);
        *out = (double)loaded;
        return true;
    }
    if (value->kind == LIG_GGUF_F64) {
        LOAD(double, value, index);
        *out = loaded;
        return true;
    }
    uint64_t bits;
    bool is_negative;
    if (!load_integer(value, index, &bits, &is_negative)) return false;
    *out = is_negative ? (double)(int64_t)bits : (double)bits;
    return true;
}

static LigStatus fail_kind(LigContext *ctx, const LigGguf *gguf, const LigGgufValue *value,
                           const char *expected)
{
    return lig_fail(ctx, LIG_ERR_INVALID, LIG_FILE_LOC(lig_gguf_path(gguf)),
                    "metadata '%.*s' is %s%s that is not %s: convert the model again", LIG_NAME_ARG(value->key),
                    value->is_array ? "an array of type " : "a value of type ", kind_names[value->kind],
                    expected);
}

LigStatus lig_gguf_require(LigContext *ctx, const LigGguf *gguf, LigStr key)
{
    if (lig_gguf_find(gguf, key)) return LIG_OK;
    return lig_fail(ctx, LIG_ERR_NOT_FOUND, LIG_FILE_LOC(lig_gguf_path(gguf)),
                    "metadata '%.*s' is missing: the model can't be used without it, convert it again",
                    LIG_NAME_ARG(key));
}

LigStatus lig_gguf_get_u64(LigContext *ctx, const LigGguf *gguf, LigStr key, uint64_t *out)
{
    const LigGgufValue *value = lig_gguf_find(gguf, key);
    if (!value || (!value->is_array && lig_gguf_element_u64(value, 0, out))) return LIG_OK;
    return fail_kind(ctx, gguf, value, "an integer of at least 0");
}

LigStatus lig_gguf_get_i64(LigContext *ctx, const LigGguf *gguf, LigStr key, int64_t *out)
{
    const LigGgufValue *value = lig_gguf_find(gguf, key);
    if (!value || (!value->is_array && lig_gguf_element_i64(value, 0, out))) return LIG_OK;
    return fail_kind(ctx, gguf, value, "an integer below 2^63");
}

LigStatus lig_gguf_get_f64(LigContext *ctx, const LigGguf *gguf, LigStr key, double *out)
{
    const LigGgufValue *value = lig_gguf_find(gguf, key);
    if (!value || (!value->is_array && lig_gguf_element_f64(value, 0, out))) return LIG_OK;
    return fail_kind(ctx, gguf, value, "a number");
}

LigStatus lig_gguf_get_bool(LigContext *ctx, const LigGguf *gguf, LigStr key, bool *out)
{
    const LigGgufValue *value = lig_gguf_find(gguf, key);
    if (!value) return LIG_OK;
    if (value->is_array || value->kind != LIG_GGUF_BOOL) return fail_kind(ctx, gguf, value, "a bool");
    *out = value->data[0] != 0;
    return LIG_OK;
}

LigStatus lig_gguf_get_str(LigContext *ctx, const LigGguf *gguf, LigStr key, LigStr *out)
{
    const LigGgufValue *value = lig_gguf_find(gguf, key);
    if (!value) return LIG_OK;
    if (value->is_array || value->kind != LIG_GGUF_STRING) return fail_kind(ctx, gguf, value, "a string");
    *out = value->strings[0];
    return LIG_OK;
}

LigStatus lig_gguf_get_strings(LigContext *ctx, const LigGguf *gguf, LigStr key, const LigStr **out,
                               size_t *count)
{
    const LigGgufValue *value = lig_gguf_find(gguf, key);
    if (!value) return LIG_OK;
    if (!value->is_array || value->kind != LIG_GGUF_STRING) {
        return fail_kind(ctx, gguf, value, "an array of strings");
    }
    *out = value->strings;
    *count = value->count;
    return LIG_OK;
}

LigStatus lig_gguf_get_i32_array(LigContext *ctx, const LigGguf *gguf, LigGgufArrayRequest request,
                                 const int32_t **out, size_t *count)
{
    const LigGgufValue *value = lig_gguf_find(gguf, request.key);
    if (!value) return LIG_OK;
    if (!value->is_array) return fail_kind(ctx, gguf, value, "an array of integers");
    int32_t *numbers = LIG_NEW_ARRAY(request.arena, int32_t, value->count);
    if (!numbers) return lig_no_memory(ctx);
    for (size_t i = 0; i < value->count; i++) {
        int64_t number;
        if (!lig_gguf_element_i64(value, i, &number) || number < INT32_MIN || number > INT32_MAX) {
            return fail_kind(ctx, gguf, value, "an array of integers of 32 bits");
        }
        numbers[i] = (int32_t)number;
    }
    *out = numbers;
    *count = value->count;
    return LIG_OK;
}

LigStatus lig_gguf_get_f32_array(LigContext *ctx, const LigGguf *gguf, LigGgufArrayRequest request,
                                 const float **out, size_t *count)
{
    const LigGgufValue *value = lig_gguf_find(gguf, request.key);
    if (!value) return LIG_OK;
    if (!value->is_array) return fail_kind(ctx, gguf, value, "an array of numbers");
    float *numbers = LIG_NEW_ARRAY(request.arena, float, value->count);
    if (!numbers) return lig_no_memory(ctx);
    for (size_t i = 0; i < value->count; i++) {
        double number;
        if (!lig_gguf_element_f64(value, i, &number) || (isfinite(number) && fabs(number) > 3.4028234e38)) {
            return fail_kind(ctx, gguf, value, "an array of numbers that fit f32");
        }
        numbers[i] = (float)number;
    }
    *out = numbers;
    *count = value->count;
    return LIG_OK;
}

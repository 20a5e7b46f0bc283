// Where elements lie: rows and panels of plain and block-quantised dtypes (described in ir/type.h), and access
// to single elements and rows by it.
//
// The values of a quantised block are at one stride in every layout: piece i of four columns is at i * 4 bytes
// in the file's blocks and at i * 4n bytes in a panel of n rows.
#include "ir/type.h"

#include "ir/layout_parts.h"

#include <math.h>
#include <string.h>

LigMatrix lig_shape__matrix(const LigShape *shape)
{
    LigMatrix m = {.columns = shape->rank > 0 ? shape->dims[shape->rank - 1] : 1, .rows = 1};
    if (shape->rank > 1) m.rows = shape->dims[shape->rank - 2];
    m.block = lig_dtype_block(shape->dtype);
    m.block_bytes = (size_t)lig_dtype_block_bytes(shape->dtype);
    m.n = shape->layout.kind == LIG_LAYOUT_PANEL ? shape->layout.n : 1;
    m.k = shape->layout.kind == LIG_LAYOUT_PANEL ? shape->layout.k : m.block;
    m.panels = m.rows / m.n + (m.rows % m.n != 0);
    m.group_bytes = (size_t)(m.n * (m.k / m.block)) * m.block_bytes;
    m.panel_bytes = (size_t)(m.columns / m.k) * m.group_bytes;
    return m;
}

bool lig_type_fits(const LigDimTable *table, const LigType *type)
{
    LigShape shape;
    size_t bytes;
    return lig_type_bind_upper(table, type, &shape) && lig_shape_bytes(&shape, &bytes) &&
           bytes <= (size_t)1 << 56;
}

bool lig_shape_bytes(const LigShape *shape, size_t *out)
{
    int64_t count, rows;
    int64_t columns = shape->rank > 0 ? shape->dims[shape->rank - 1] : 1;
    if (!lig_shape_count(shape, &count) || columns % lig_dtype_block(shape->dtype) != 0) return false;
    if (lig_layout_problem(shape->layout, shape->dtype, shape->rank, columns) != NULL) return false;
    if (count == 0) {
        *out = 0;
        return true;
    }
    rows = count / columns;
    if (shape->layout.kind == LIG_LAYOUT_PANEL) {
        int64_t height = shape->dims[shape->rank - 2], n = shape->layout.n;
        int64_t panels = height / n + (height % n != 0);
        if (__builtin_mul_overflow(rows / height, panels, &rows)) return false;
        if (__builtin_mul_overflow(rows, n, &rows)) return false;
    }
    int64_t row_bytes, bytes;
    int64_t blocks = columns / lig_dtype_block(shape->dtype);
    if (__builtin_mul_overflow(blocks, lig_dtype_block_bytes(shape->dtype), &row_bytes)) return false;
    if (__builtin_mul_overflow(rows, row_bytes, &bytes)) return false;
    *out = (size_t)bytes;
    return true;
}

bool lig_dtype__is_nibbles(LigDtype dtype) { return dtype == LIG_Q4_0 || dtype == LIG_Q4_1; }

// Bytes before the values in a row-major block; where scale and min lie in it.
static size_t row_header_bytes(LigDtype dtype)
{
    if (dtype == LIG_Q8A) return 0;
    return dtype == LIG_Q4_1 ? 4 : 2;
}

// Values of one row in a quantised block, in bytes.
size_t lig_dtype__value_bytes(LigDtype dtype) { return lig_dtype__is_nibbles(dtype) ? 16 : 32; }

// Of a quantised element at column c of its block, row r of its panel, whose group starts at place->block.
static void place_in_block(const LigShape *shape, const LigMatrix *m, int64_t r, int64_t c,
                           LigElementPlace *place)
{
    const bool nibbles = lig_dtype__is_nibbles(shape->dtype);
    const size_t n = (size_t)m->n, row = (size_t)r, column = (size_t)(nibbles ? c % 16 : c);
    size_t values = place->block;
    if (shape->layout.kind == LIG_LAYOUT_PANEL) {
        place->scale = place->block + n * lig_dtype__value_bytes(shape->dtype) + 2 * row;
        place->min = place->scale + 2 * n;
    } else {
        values += row_header_bytes(shape->dtype);
        place->scale = shape->dtype == LIG_Q8A ? place->block + 32 : place->block;
        place->min = place->block + 2;
    }
    place->byte = values + column / 4 * (4 * n) + 4 * row + column % 4;
    place->shift = nibbles && c >= 16 ? 4 : 0;
}

LigElementPlace lig_shape_place(const LigShape *shape, int64_t flat)
{
    const LigMatrix m = lig_shape__matrix(shape);
    LigElementPlace place = {0};
    if (shape->layout.kind == LIG_LAYOUT_ROWS && m.block == 1) {
        place.byte = (size_t)flat * m.block_bytes;
        return place;
    }
    const int64_t c = flat % m.columns, row = flat / m.columns;
    const int64_t batch = row / m.rows, r = row % m.rows;
    const size_t panel = (size_t)(batch * m.panels + r / m.n);
    place.block = panel * m.panel_bytes + (size_t)(c / m.k) * m.group_bytes;
    if (lig_block__reads(shape->dtype))
        place.byte = place.scale = place.min = place.block;
    else if (m.block > 1)
        place_in_block(shape, &m, r % m.n, c % m.k, &place);
    else
        place.byte = place.block + (size_t)(r % m.n * m.k + c % m.k) * m.block_bytes;
    return place;
}

// ---- plain elements ----

static uint16_t load_u16(const unsigned char *at)
{
    uint16_t bits;
    memcpy(&bits, at, sizeof bits);
    return bits;
}

static double load_f32(const unsigned char *at)
{
    float value;
    memcpy(&value, at, sizeof value);
    return (double)value;
}

static int64_t load_integer(LigDtype dtype, const unsigned char *at)
{
    int64_t wide;
    int32_t word;
    switch ((int)dtype) {
    case LIG_I64:
        memcpy(&wide, at, sizeof wide);
        return wide;
    case LIG_I32:
        memcpy(&word, at, sizeof word);
        return word;
    case LIG_I8:
        return (int8_t)*at;
    default:
        return *at; // u8, bool
    }
}

static double load_plain(LigDtype dtype, const unsigned char *at)
{
    double value;
    switch ((int)dtype) {
    case LIG_F64:
        memcpy(&value, at, sizeof value);
        return value;
    case LIG_F32:
        return load_f32(at);
    case LIG_BF16:
        return lig_bf16_to_f64(load_u16(at));
    case LIG_F16:
        return lig_f16_to_f64(load_u16(at));
    default:
        return (double)load_integer(dtype, at);
    }
}

// ---- quantised elements ----

// Scale * q + min is exact before the one rounding: at most 24 bits of scale times 8 of q, or both halves within
// 2^21 and 2^-24.
static LigBlockScale load_scale(const LigShape *shape, const unsigned char *bytes, const LigElementPlace *place)
{
    LigBlockScale s = {.min = -0.0}; // which changes nothing that it is added to, not even -0
    if (shape->dtype == LIG_Q8A)
        s.scale = load_f32(bytes + place->scale);
    else
        s.scale = lig_f16_to_f64(load_u16(bytes + place->scale));
    if (shape->dtype == LIG_Q4_1) s.min = lig_f16_to_f64(load_u16(bytes + place->min));
    if (shape->dtype == LIG_Q4_0) s.zero = 8;
    if (shape->dtype == LIG_Q8_0 && shape->layout.kind == LIG_LAYOUT_PANEL) s.zero = 128;
    return s;
}

static int load_quantum(const LigShape *shape, const unsigned char *at, int shift)
{
    if (lig_dtype__is_nibbles(shape->dtype)) return *at >> shift & 15;
    return shape->layout.kind == LIG_LAYOUT_PANEL ? *at : (int8_t)*at;
}

static double dequantise(const LigBlockScale *s, int quantum)
{
    return (double)(float)(s->scale * (double)(quantum - s->zero) + s->min);
}

double lig_shape_get(const LigShape *shape, const void *data, int64_t flat)
{
    const unsigned char *bytes = data;
    const LigElementPlace place = lig_shape_place(shape, flat);
    if (!lig_dtype_is_quantised(shape->dtype)) return load_plain(shape->dtype, bytes + place.byte);
    if (lig_block__reads(shape->dtype)) {
        const int c = (int)(flat % lig_dtype_block(shape->dtype)); // rows are whole blocks
        const LigBlockScale shared = lig_block__scale(shape->dtype, bytes + place.block, c);
        return dequantise(&shared, lig_block__quantum(shape->dtype, bytes + place.block, c));
    }
    const LigBlockScale s = load_scale(shape, bytes, &place);
    return dequantise(&s, load_quantum(shape, bytes + place.byte, place.shift));
}

static void get_block(LigDtype dtype, const unsigned char *block, double *out)
{
    const int columns = (int)lig_dtype_block(dtype);
    LigBlockScale s = {0};
    for (int c = 0; c < columns; c++) {
        if (c % 16 == 0) s = lig_block__scale(dtype, block, c);
        out[c] = dequantise(&s, lig_block__quantum(dtype, block, c));
    }
}

static void get_quantised_row(const LigShape *shape, const LigMatrix *m, const unsigned char *bytes,
                              int64_t first, double *out)
{
    for (int64_t c = 0; c < m->columns; c += m->block) {
        const LigElementPlace place = lig_shape_place(shape, first + c);
        if (lig_block__reads(shape->dtype)) {
            get_block(shape->dtype, bytes + place.block, out + c);
            continue;
        }
        const LigBlockScale s = load_scale(shape, bytes, &place);
        const bool nibbles = lig_dtype__is_nibbles(shape->dtype);
        for (int64_t i = 0; i < m->block; i++) {
            const int64_t at = nibbles ? i % 16 : i;
            const unsigned char *value = bytes + place.byte + at / 4 * (4 * m->n) + at % 4;
            out[c + i] = dequantise(&s, load_quantum(shape, value, nibbles && i >= 16 ? 4 : 0));
        }
    }
}

void lig_shape_get_row(const LigShape *shape, const void *data, int64_t row, double *out)
{
    const LigMatrix m = lig_shape__matrix(shape);
    const int64_t first = row * m.columns;
    if (m.columns == 0) return;
    if (m.block > 1) {
        get_quantised_row(shape, &m, data, first, out);
        return;
    }
    const unsigned char *at = (const unsigned char *)data + lig_shape_place(shape, first).byte;
    for (int64_t c = 0; c < m.columns; c += m.k, at += m.group_bytes) {
        for (int64_t i = 0; i < m.k; i++) out[c + i] = load_plain(shape->dtype, at + (size_t)i * m.block_bytes);
    }
}

int64_t lig_shape_get_integer(const LigShape *shape, const void *data, int64_t flat)
{
    const unsigned char *bytes = data;
    if (!lig_dtype_is_float(shape->dtype) && !lig_dtype_is_quantised(shape->dtype))
        return load_integer(shape->dtype, bytes + lig_shape_place(shape, flat).byte);
    double value = lig_shape_get(shape, data, flat);
    if (isnan(value)) return 0;
    if (value >= 0x1p63) return INT64_MAX;
    return value <= -0x1p63 ? INT64_MIN : (int64_t)value;
}

// ---- storing ----

static int64_t clamp(int64_t value, int64_t low, int64_t high)
{
    if (value < low) return low;
    return value > high ? high : value;
}

static void store_integer(LigDtype dtype, unsigned char *at, int64_t value)
{
    int32_t word;
    switch ((int)dtype) {
    case LIG_I64:
        memcpy(at, &value, sizeof value);
        return;
    case LIG_I32:
        word = (int32_t)clamp(value, INT32_MIN, INT32_MAX);
        memcpy(at, &word, sizeof word);
        return;
    case LIG_I8:
        *at = (unsigned char)clamp(value, INT8_MIN, INT8_MAX);
        return;
    case LIG_U8:
        *at = (unsigned char)clamp(value, 0, UINT8_MAX);
        return;
    default:
        *at = value != 0;
        return; // bool
    }
}

static void store_float(LigDtype dtype, unsigned char *at, double value)
{
    const float single = (float)value;
    uint16_t bits;
    switch ((int)dtype) {
    case LIG_F64:
        memcpy(at, &value, sizeof value);
        return;
    case LIG_F32:
        memcpy(at, &single, sizeof single);
        return;
    default:
        bits = dtype == LIG_F16 ? lig_f64_to_f16(value) : lig_f64_to_bf16(value);
        memcpy(at, &bits, sizeof bits);
        return;
    }
}

void lig_shape_set(const LigShape *shape, void *data, int64_t flat, double value)
{
    LIG_ASSERT(!lig_dtype_is_quantised(shape->dtype));
    unsigned char *at = (unsigned char *)data + lig_shape_place(shape, flat).byte;
    if (lig_dtype_is_float(shape->dtype)) {
        store_float(shape->dtype, at, value);
    } else if (shape->dtype == LIG_BOOL) {
        *at = value != 0.0;
    } else {
        double whole = rint(value);
        int64_t integer = whole >= 0x1p63 ? INT64_MAX : INT64_MIN;
        if (isnan(whole))
            integer = 0;
        else if (fabs(whole) < 0x1p63)
            integer = (int64_t)whole;
        store_integer(shape->dtype, at, integer);
    }
}

void lig_shape_set_integer(const LigShape *shape, void *data, int64_t flat, int64_t value)
{
    unsigned char *at = (unsigned char *)data + lig_shape_place(shape, flat).byte;
    if (shape->dtype == LIG_F32) { // from the integer at once: by way of a double there would be two roundings
        const float single = (float)value;
        memcpy(at, &single, sizeof single);
    } else if (lig_dtype_is_float(shape->dtype)) {
        store_float(shape->dtype, at, (double)value);
    } else {
        store_integer(shape->dtype, at, value);
    }
}

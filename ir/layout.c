// Where elements lie: rows and panels of plain and block-quantised dtypes (described in ir/type.h), and access
// to single elements and rows by it. The inside of quantised blocks is told in layout_block.h.
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

// The group of n x k elements that holds element `flat`, and where in it that is.
typedef struct Place {
    size_t group;        // byte of it
    int64_t row, column; // inside it
} Place;

static Place find_place(const LigMatrix *m, int64_t flat)
{
    const int64_t c = flat % m->columns, row = flat / m->columns;
    const int64_t batch = row / m->rows, r = row % m->rows;
    const size_t panel = (size_t)(batch * m->panels + r / m->n);
    return (Place){.group = panel * m->panel_bytes + (size_t)(c / m->k) * m->group_bytes,
                   .row = r % m->n,
                   .column = c % m->k};
}

size_t lig_shape_byte(const LigShape *shape, int64_t flat)
{
    const LigMatrix m = lig_shape__matrix(shape);
    if (shape->layout.kind == LIG_LAYOUT_ROWS && m.block == 1) return (size_t)flat * m.block_bytes;
    const Place place = find_place(&m, flat);
    if (m.block > 1) return place.group;
    return place.group + (size_t)(place.row * m.k + place.column) * m.block_bytes;
}

LigBlockRow lig_shape__block(const LigShape *shape, const LigMatrix *m, const void *data, int64_t flat)
{
    const Place place = find_place(m, flat);
    return (LigBlockRow){.facts = lig_block_facts(shape->dtype),
                         .kind = shape->layout.kind,
                         .start = (const unsigned char *)data + place.group,
                         .n = (size_t)m->n,
                         .row = (size_t)place.row};
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

double lig_shape_get(const LigShape *shape, const void *data, int64_t flat)
{
    const unsigned char *bytes = data;
    if (!lig_dtype_is_quantised(shape->dtype))
        return load_plain(shape->dtype, bytes + lig_shape_byte(shape, flat));
    const LigMatrix m = lig_shape__matrix(shape);
    const LigBlockRow row = lig_shape__block(shape, &m, data, flat);
    const int column = (int)(flat % m.block); // rows are whole blocks
    const LigBlockScale s = lig_block_scale(&row, column);
    const uint32_t word = lig_block_word(&row, column / LIG_BLOCK_WORD);
    return lig_block_value(&s, word >> 8 * (column % LIG_BLOCK_WORD) & 255);
}

static void get_block(const LigBlockRow *row, int columns, double *out)
{
    LigBlockScale s = {0};
    for (int c = 0; c < columns; c += LIG_BLOCK_WORD) {
        if (c % row->facts->shared == 0) s = lig_block_scale(row, c);
        const uint32_t word = lig_block_word(row, c / LIG_BLOCK_WORD);
        for (int i = 0; i < LIG_BLOCK_WORD; i++) out[c + i] = lig_block_value(&s, word >> 8 * i & 255);
    }
}

void lig_shape_get_row(const LigShape *shape, const void *data, int64_t row, double *out)
{
    const LigMatrix m = lig_shape__matrix(shape);
    const int64_t first = row * m.columns;
    if (m.columns == 0) return;
    for (int64_t c = 0; m.block > 1 && c < m.columns; c += m.block) {
        const LigBlockRow block = lig_shape__block(shape, &m, data, first + c);
        get_block(&block, (int)m.block, out + c);
    }
    if (m.block > 1) return;
    const unsigned char *at = (const unsigned char *)data + lig_shape_byte(shape, first);
    for (int64_t c = 0; c < m.columns; c += m.k, at += m.group_bytes) {
        for (int64_t i = 0; i < m.k; i++) out[c + i] = load_plain(shape->dtype, at + (size_t)i * m.block_bytes);
    }
}

void lig_shape_get_quanta(const LigShape *shape, const void *data, int64_t row, LigQuantaRow *out)
{
    const LigMatrix m = lig_shape__matrix(shape);
    LigBlockRow block = {0};
    for (int64_t c = 0; c < m.columns; c += LIG_BLOCK_WORD) {
        const int column = (int)(c % m.block);
        if (column == 0) block = lig_shape__block(shape, &m, data, row * m.columns + c);
        const LigBlockScale s = lig_block_scale(&block, column);
        const uint32_t word = lig_block_word(&block, column / LIG_BLOCK_WORD);
        for (int i = 0; i < LIG_BLOCK_WORD; i++) out->quanta[c + i] = (int32_t)(word >> 8 * i & 255) - s.zero;
        out->scales[c / LIG_QUANTA_RUN] = s.scale;
        out->mins[c / LIG_QUANTA_RUN] = s.min;
    }
}

int64_t lig_shape_get_integer(const LigShape *shape, const void *data, int64_t flat)
{
    const unsigned char *bytes = data;
    if (!lig_dtype_is_float(shape->dtype) && !lig_dtype_is_quantised(shape->dtype))
        return load_integer(shape->dtype, bytes + lig_shape_byte(shape, flat));
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
    unsigned char *at = (unsigned char *)data + lig_shape_byte(shape, flat);
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
    unsigned char *at = (unsigned char *)data + lig_shape_byte(shape, flat);
    if (shape->dtype == LIG_F32) { // from the integer at once: by way of a double there would be two roundings
        const float single = (float)value;
        memcpy(at, &single, sizeof single);
    } else if (lig_dtype_is_float(shape->dtype)) {
        store_float(shape->dtype, at, (double)value);
    } else {
        store_integer(shape->dtype, at, value);
    }
}

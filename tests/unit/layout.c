// Layouts: places are a permutation of the buffer's bits, values survive repacking, GGUF's formulas hold.
#include "ir/base/alloc.h"
#include "ir/layout_block.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const LigLayout rows = {LIG_LAYOUT_ROWS, 0, 0};

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

static size_t bytes_of(const LigShape *shape)
{
    size_t bytes;
    assert_true(lig_shape_bytes(shape, &bytes));
    return bytes;
}

static int64_t count_of(const LigShape *shape)
{
    int64_t count;
    assert_true(lig_shape_count(shape, &count));
    return count;
}

// f16 scales that are numbers, in blocks of the file's form.
static void set_halves(const LigBlockFacts *facts, unsigned char *block, uint64_t *seed)
{
    for (int part = LIG_PART_D; part <= LIG_PART_DMIN; part++) {
        if (!lig_block_has(facts, (LigPart)part)) continue;
        const LigBlockPlace place = lig_block_place(facts, LIG_LAYOUT_ROWS, (LigPart)part, 0);
        const float wide = (float)(int64_t)(next_random(seed) % 77) / 64.0F;
        const uint16_t half = lig_f64_to_f16((double)wide);
        if (place.bits == 32)
            memcpy(block + place.byte, &wide, 4);
        else
            memcpy(block + place.byte, &half, 2);
    }
}

// Random bytes, but with scales and floats that are numbers.
static unsigned char *random_buffer(const LigShape *shape, uint64_t seed)
{
    size_t bytes = bytes_of(shape), block = (size_t)lig_dtype_block_bytes(shape->dtype);
    unsigned char *data = lig_alloc(bytes + 1);
    for (size_t i = 0; i < bytes; i++) data[i] = (unsigned char)next_random(&seed);
    for (size_t at = 0; lig_dtype_is_quantised(shape->dtype) && at < bytes; at += block)
        set_halves(lig_block_facts(shape->dtype), data + at, &seed);
    for (int64_t i = 0; i < count_of(shape); i++) {
        if (lig_dtype_is_float(shape->dtype))
            lig_shape_set(shape, data, i, (double)(float)((int64_t)next_random(&seed) % 999));
        if (shape->dtype == LIG_BOOL) lig_shape_set_integer(shape, data, i, (int64_t)next_random(&seed) & 1);
    }
    return data;
}

// Every plain element has its own bytes inside the buffer.
static void check_bijection(const LigShape *shape)
{
    size_t bytes = bytes_of(shape), width = (size_t)lig_dtype_block_bytes(shape->dtype);
    if (lig_dtype_is_quantised(shape->dtype)) return;
    unsigned char *used = lig_alloc_zero(bytes + 1);
    for (int64_t i = 0; i < count_of(shape); i++) {
        const size_t byte = lig_shape_byte(shape, i);
        assert_true(byte + width <= bytes);
        for (size_t b = byte; b < byte + width; b++) {
            assert_int_equal(used[b], 0);
            used[b] = 255;
        }
    }
    lig_free(used);
}

// Marks bits of a byte, none of which may be marked yet.
static void mark_byte(unsigned char *byte, int bits, int shift)
{
    const unsigned mask = ((1u << bits) - 1) << shift;
    assert_int_equal(*byte & mask, 0);
    *byte = (unsigned char)(*byte | mask);
}

// Marks one element for row `row` of a group of n blocks.
static void mark(unsigned char *used, const LigBlockPlace *place, size_t n, size_t row)
{
    unsigned char *at = used + n * (size_t)place->byte + row * (size_t)place->piece;
    if (place->side_by_side) {
        mark_byte(at, 4, place->shift);
        return;
    }
    for (int b = 0; b < place->piece; b++) mark_byte(at + b, place->bits == 16 ? 8 : place->bits, place->shift);
}

// The planes of a block use every bit of it once, in files and in panels.
static void blocks_are_permuted(void **state)
{
    (void)state;
    enum { N = 32 };
    for (int d = 0; d < LIG_DTYPE_COUNT; d++) {
        if (!lig_dtype_is_quantised((LigDtype)d) || d == LIG_Q8A) continue;
        const LigBlockFacts *facts = lig_block_facts((LigDtype)d);
        const size_t bytes = (size_t)lig_dtype_block_bytes((LigDtype)d);
        unsigned char file[256] = {0}, panel[N * 256] = {0};
        for (int p = 0; p < facts->plane_count; p++) {
            const LigPlane *plane = &facts->planes[p];
            for (int i = plane->first; i < plane->first + plane->count; i++) {
                LigBlockPlace place = lig_block_place(facts, LIG_LAYOUT_ROWS, plane->part, i);
                mark(file, &place, 1, 0);
                place = lig_block_place(facts, LIG_LAYOUT_PANEL, plane->part, i);
                for (size_t r = 0; r < N; r++) mark(panel, &place, N, r);
            }
        }
        for (size_t i = 0; i < bytes; i++) assert_int_equal(file[i], 255);
        for (size_t i = 0; i < N * bytes; i++) assert_int_equal(panel[i], 255);
        assert_int_equal(file[bytes] | panel[N * bytes], 0);
    }
}

static void assert_same_values(const LigShape *a, const void *x, const LigShape *b, const void *y)
{
    double row[3 * 256];
    int64_t columns = a->dims[a->rank - 1];
    for (int64_t i = 0; i < count_of(a); i++) {
        double one = lig_shape_get(a, x, i), two = lig_shape_get(b, y, i);
        assert_memory_equal(&one, &two, sizeof one);
        if (i % columns == 0) lig_shape_get_row(b, y, i / columns, row);
        assert_memory_equal(&one, &row[i % columns], sizeof one);
    }
}

// There in pieces of `step` rows, back at once.
static void check_repack(const LigShape *from, const LigShape *to, int64_t step)
{
    size_t bytes = bytes_of(from);
    unsigned char *source = random_buffer(from, 9), *packed = lig_alloc(bytes_of(to) + 1);
    unsigned char *back = lig_alloc_zero(bytes + 1);
    memset(packed, 0xa5, bytes_of(to));
    int64_t total = count_of(from) / from->dims[from->rank - 1];
    for (int64_t row = 0; row < total; row += step)
        lig_shape_repack(from, source, to, packed, row, step < total - row ? step : total - row);
    assert_same_values(from, source, to, packed);
    lig_shape_repack(to, packed, from, back, 0, total);
    assert_memory_equal(source, back, bytes);
    lig_free(source);
    lig_free(packed);
    lig_free(back);
}

static void check_layouts(LigDtype dtype, int64_t batch, int64_t height, int64_t columns)
{
    static const int32_t ns[] = {1, 16, 32}, ks[] = {1, 2, 4};
    LigShape file = {.dtype = dtype, .rank = 3, .dims = {batch, height, columns}, .layout = rows};
    check_bijection(&file);
    check_repack(&file, &file, 3);
    for (int i = 0; lig_dtype_has_panel(dtype) && i < 3; i++) {
        for (int j = 0; j < 3; j++) {
            LigShape panel = file;
            panel.layout = (LigLayout){LIG_LAYOUT_PANEL, ns[i],
                                       lig_dtype_is_quantised(dtype) ? (int32_t)lig_dtype_block(dtype) : ks[j]};
            if (columns % panel.layout.k != 0) continue;
            check_bijection(&panel);
            check_repack(&file, &panel, height);
            check_repack(&file, &panel, 7);
        }
    }
}

static void every_dtype_in_every_layout(void **state)
{
    (void)state;
    static const int64_t heights[] = {1, 7, 16, 33};
    for (int d = 0; d < LIG_DTYPE_COUNT; d++) {
        bool quantised = lig_dtype_is_quantised((LigDtype)d);
        const int64_t block = lig_dtype_block((LigDtype)d);
        for (int h = 0; h < 4; h++) {
            for (int batch = 1; batch <= 3; batch += 2) {
                check_layouts((LigDtype)d, batch, heights[h], quantised ? block : 5);
                check_layouts((LigDtype)d, batch, heights[h], quantised ? 3 * block : 12);
            }
        }
    }
}

static void between_two_panels(void **state)
{
    (void)state;
    LigShape a = {.dtype = LIG_Q4_1, .rank = 2, .dims = {37, 64}, .layout = {LIG_LAYOUT_PANEL, 16, 32}}, b = a;
    b.layout.n = 32;
    LigShape file = a;
    file.layout = rows;
    unsigned char *source = random_buffer(&file, 4), *one = lig_alloc_zero(bytes_of(&a)),
                  *two = lig_alloc_zero(bytes_of(&b));
    lig_shape_repack(&file, source, &a, one, 0, 37);
    lig_shape_repack(&a, one, &b, two, 0, 37);
    assert_same_values(&file, source, &b, two);
    lig_free(source);
    lig_free(one);
    lig_free(two);
}

static void padding_is_zero(void **state)
{
    (void)state;
    LigShape file = {.dtype = LIG_Q8_0, .rank = 2, .dims = {17, 32}, .layout = rows}, panel = file;
    panel.layout = (LigLayout){LIG_LAYOUT_PANEL, 16, 32};
    unsigned char *source = random_buffer(&file, 4), packed[2 * 16 * 34];
    assert_int_equal(bytes_of(&panel), sizeof packed);
    memset(packed, 0xff, sizeof packed);
    lig_shape_repack(&file, source, &panel, packed, 0, 17);
    const unsigned char *second = packed + 16 * 34;
    for (size_t i = 0; i < 16 * 32; i++) {
        if (i / 4 % 16 >= 1) assert_int_equal(second[i], 0);
    }
    for (size_t i = 16 * 32 + 2; i < 16 * 34; i++) assert_int_equal(second[i], 0);
    lig_free(source);
}

// Blocks written by hand from the format's description.
static void gguf_blocks(void **state)
{
    (void)state;
    unsigned char block[40] = {0};
    uint16_t d = lig_f64_to_f16(0.1), m = lig_f64_to_f16(-0.7);
    double scale = lig_f16_to_f64(d), min = lig_f16_to_f64(m);
    LigShape shape = {.dtype = LIG_Q4_1, .rank = 1, .dims = {32}};
    memcpy(block, &d, 2);
    memcpy(block + 2, &m, 2);
    for (int i = 0; i < 16; i++) block[4 + i] = (unsigned char)(i | (15 - i) << 4);
    for (int i = 0; i < 32; i++) {
        int q = i < 16 ? i : 31 - i;
        assert_true(lig_shape_get(&shape, block, i) == (double)(float)(scale * q + min));
    }
    shape.dtype = LIG_Q4_0;
    memmove(block + 2, block + 4, 16);
    assert_true(lig_shape_get(&shape, block, 3) == (double)(float)(scale * (3 - 8)));
    assert_true(lig_shape_get(&shape, block, 16) == (double)(float)(scale * (15 - 8)));
    shape.dtype = LIG_Q8_0;
    block[2 + 31] = 0x80;
    assert_true(lig_shape_get(&shape, block, 31) == (double)(float)(scale * -128));
    shape.dtype = LIG_Q8A;
    float wide = 0.3F;
    block[5] = 0xff;
    memcpy(block + 32, &wide, 4);
    assert_true(lig_shape_get(&shape, block, 5) == -(double)wide);
}

static void bad_shapes_have_no_bytes(void **state)
{
    (void)state;
    size_t bytes;
    LigShape shape = {.dtype = LIG_F32, .rank = 2, .dims = {INT64_MAX, 2}};
    assert_false(lig_shape_bytes(&shape, &bytes));
    shape.dims[0] = INT64_MAX / 4;
    shape.dims[1] = 1;
    assert_true(lig_shape_bytes(&shape, &bytes));
    shape.layout = (LigLayout){LIG_LAYOUT_PANEL, 16, 1};
    assert_false(lig_shape_bytes(&shape, &bytes));
    shape = (LigShape){.dtype = LIG_Q4_0, .rank = 2, .dims = {4, 33}};
    assert_false(lig_shape_bytes(&shape, &bytes));
    shape = (LigShape){.dtype = LIG_Q8A, .rank = 2, .dims = {4, 32}, .layout = {LIG_LAYOUT_PANEL, 16, 32}};
    assert_false(lig_shape_bytes(&shape, &bytes));
    shape = (LigShape){.dtype = LIG_F32, .rank = 2, .dims = {0, 8}, .layout = {LIG_LAYOUT_PANEL, 16, 1}};
    assert_true(lig_shape_bytes(&shape, &bytes));
    assert_int_equal(bytes, 0);
    shape = (LigShape){.dtype = LIG_F32};
    assert_int_equal(bytes_of(&shape), 4);
}

static void stores_round_and_clamp(void **state)
{
    (void)state;
    unsigned char data[8];
    LigShape i8 = {.dtype = LIG_I8}, u8 = {.dtype = LIG_U8}, f32 = {.dtype = LIG_F32}, i64 = {.dtype = LIG_I64};
    lig_shape_set(&i8, data, 0, 2.5);
    assert_int_equal(lig_shape_get_integer(&i8, data, 0), 2);
    lig_shape_set(&i8, data, 0, -1e300);
    assert_int_equal(lig_shape_get_integer(&i8, data, 0), -128);
    lig_shape_set(&u8, data, 0, (double)NAN);
    assert_int_equal(lig_shape_get_integer(&u8, data, 0), 0);
    lig_shape_set(&f32, data, 0, 0.1);
    assert_true(lig_shape_get(&f32, data, 0) == (double)0.1F);
    lig_shape_set_integer(&i64, data, 0, INT64_MAX - 1);
    assert_int_equal(lig_shape_get_integer(&i64, data, 0), INT64_MAX - 1);
    lig_shape_set(&f32, data, 0, (double)INFINITY);
    assert_int_equal(lig_shape_get_integer(&f32, data, 0), INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_permuted),
        cmocka_unit_test(every_dtype_in_every_layout),
        cmocka_unit_test(between_two_panels),
        cmocka_unit_test(padding_is_zero),
        cmocka_unit_test(gguf_blocks),
        cmocka_unit_test(bad_shapes_have_no_bytes),
        cmocka_unit_test(stores_round_and_clamp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

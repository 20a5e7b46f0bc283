// The base layer: strings, text, arenas, vectors, maps, diagnostics, files that appear whole.
#include "ir/base/alloc.h"
#include "ir/base/file.h"
#include "ir/base/map.h"
#include "ir/base/vec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void numbers_round_trip_as_text(void **state)
{
    (void)state;
    const double values[] = {0.0, -0.0, 1e-5, 0.1, 1.0 / 3.0, 1e300, 5e-324, 100000.0};
    LigText text = {0};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        lig_text_clear(&text);
        lig_text_append_f64(&text, values[i]);
        double back;
        assert_true(lig_str_to_f64(lig_text_view(&text), &back));
        assert_memory_equal(&back, &values[i], sizeof back);
    }
    lig_text_free(&text);
}

static void integers_are_decimal_or_hexadecimal(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool fits;
        int64_t value;
    } cases[] = {
        {"0", true, 0},
        {"12", true, 12},
        {"-7", true, -7},
        {"010", true, 10},
        {"-010", true, -10},
        {"08", true, 8},
        {"0x4000", true, 0x4000},
        {"-0X1f", true, -31},
        {"9223372036854775807", true, INT64_MAX},
        {"9223372036854775808", false, 0},
        {"1f", false, 0},
        {"0x", false, 0},
        {"", false, 0},
        {"1 ", false, 0},
        {" 1", false, 0},
        {"-", false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t value = 0;
        bool fits = lig_str_to_i64(lig_str(cases[i].text), &value);
        if (fits != cases[i].fits || value != cases[i].value)
            fail_msg("\"%s\" reads as %lld", cases[i].text, (long long)value);
    }
}

static void control_characters_become_visible(void **state)
{
    (void)state;
    const struct {
        LigStr text;
        const char *seen;
    } cases[] = {
        {LIG_STR(""), ""},
        {LIG_STR("plain \\ \" é 世"), "plain \\ \" é 世"},
        {LIG_STR("\x1b[31m\n\r\t\x7f"), "\\x1b[31m\\x0a\\x0d\\x09\\x7f"},
        {LIG_STR("a\0b"), "a\\x00b"},
        {LIG_STR("\xc2\x9b\xc2\x80\xc2\x9f\xc2\xa0"), "\\xc2\\x9b\\xc2\\x80\\xc2\\x9f\xc2\xa0"},
        {LIG_STR("\xc2"), "\xc2"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        LigText text = {0};
        lig_text_append_visible(&text, cases[i].text);
        assert_false(text.failed);
        assert_true(lig_str_is(lig_text_view(&text), cases[i].seen));
        lig_text_free(&text);
    }
}

static void vectors_and_maps_grow(void **state)
{
    (void)state;
    LigArena *arena = lig_arena_create();
    LIG_VEC(LigStr) names = {0};
    LigMap map = {0};
    for (int i = 0; i < 1000; i++) {
        LigStr name = lig_str_format(arena, "name-%d", i);
        assert_true(LIG_VEC_PUSH(arena, &names, name));
        assert_true(lig_map_put(arena, &map, name, (void *)(uintptr_t)(i + 1)));
    }
    assert_int_equal(map.count, 1000);
    for (size_t i = 0; i < names.count; i++)
        assert_ptr_equal(lig_map_get(&map, names.data[i]), (void *)(i + 1));
    assert_null(lig_map_get(&map, LIG_STR("name-1000")));
    lig_arena_destroy(arena);
}

static void diagnostics_are_kept_and_bounded(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    for (int i = 0; i < LIG_MAX_DIAGNOSTICS + 3; i++) {
        assert_int_equal(lig_fail(ctx, LIG_ERR_SHAPE, LIG_FILE_LOC("a.lig"), "wrong %d", i), LIG_ERR_SHAPE);
    }
    assert_int_equal(lig_context_diagnostic_count(ctx), LIG_MAX_DIAGNOSTICS);
    assert_int_equal(lig_context_dropped_count(ctx), 3);
    assert_string_equal(lig_context_diagnostic(ctx, 2)->message, "wrong 2");
    assert_string_equal(lig_context_diagnostic(ctx, 2)->loc.file, "a.lig");
    lig_context_destroy(ctx);
}

static void outputs_appear_whole_or_not_at_all(void **state)
{
    (void)state;
    char path[] = "/tmp/lig-output-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    LigContext *ctx = lig_context_create();
    LigOutput *output;
    assert_int_equal(lig_output_open(ctx, path, &output), LIG_OK);
    lig_output_write(output, "lost", 4);
    lig_output_discard(output);
    LigMappedFile *file;
    assert_int_equal(lig_file_map(ctx, path, &file), LIG_OK);
    assert_int_equal(file->size, 0);
    lig_file_unmap(file);
    assert_int_equal(lig_output_open(ctx, path, &output), LIG_OK);
    lig_output_write(output, "kept", 4);
    assert_int_equal(lig_output_close(ctx, output), LIG_OK);
    assert_int_equal(lig_file_map(ctx, path, &file), LIG_OK);
    assert_int_equal(file->size, 4);
    assert_memory_equal(file->data, "kept", 4);
    lig_file_unmap(file);
    unlink(path);
    lig_context_destroy(ctx);
}

static void every_failing_allocation_is_survived(void **state)
{
    (void)state;
    for (uint64_t n = 1; n < 64; n++) {
        lig_alloc_fail_at(n);
        LigArena *arena = lig_arena_create();
        LigMap map = {0};
        bool ok = arena != NULL;
        for (int i = 0; ok && i < 5000; i++) {
            LigStr name = lig_str_format(arena, "%d", i);
            ok = name.data && lig_map_put(arena, &map, name, arena);
        }
        lig_arena_destroy(arena);
        lig_alloc_fail_at(0);
        if (ok) return;
    }
    fail_msg("64 allocations did not suffice");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_round_trip_as_text),
        cmocka_unit_test(integers_are_decimal_or_hexadecimal),
        cmocka_unit_test(control_characters_become_visible),
        cmocka_unit_test(vectors_and_maps_grow),
        cmocka_unit_test(diagnostics_are_kept_and_bounded),
        cmocka_unit_test(outputs_appear_whole_or_not_at_all),
        cmocka_unit_test(every_failing_allocation_is_survived),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}

// GGUFs in parts: opened by the first, and every set of parts that is not whole is refused with the reason.
#include "frontend/gguf.h"

#include "ir/base/alloc.h"
#include "tests/unit/temp_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { PARTS = 3, TENSOR_FLOATS = 8 };

// What a part says of itself; -1: the key is absent.
typedef struct Part {
    int number, count, tensors;
    const char *tensor; // its only one
} Part;

typedef struct Folder {
    char path[64];
} Folder;

static void put_u64(FILE *f, uint64_t value) { fwrite(&value, 8, 1, f); }

static void put_string(FILE *f, const char *text)
{
    put_u64(f, strlen(text));
    fputs(text, f);
}

static void put_u16_key(FILE *f, const char *key, int value)
{
    if (value < 0) return;
    put_string(f, key);
    fwrite(&(uint32_t){2}, 4, 1, f);
    fwrite(&(uint16_t){(uint16_t)value}, 2, 1, f);
}

static const char *part_path(const Folder *folder, int number, char *buffer, size_t size)
{
    snprintf(buffer, size, "%s/m-%05d-of-%05d.gguf", folder->path, number + 1, PARTS);
    return buffer;
}

// The file of part `number`; its floats are 100 * number + 0, 1, 2 …
static void write_part(const Folder *folder, int number, const Part *part)
{
    char path[128];
    FILE *f = fopen(part_path(folder, number, path, sizeof path), "wb");
    assert_non_null(f);
    fwrite("GGUF\3\0\0\0", 8, 1, f);
    put_u64(f, 1);
    put_u64(f, (part->number >= 0 ? 1U : 0U) + (part->count >= 0 ? 1U : 0U) + (part->tensors >= 0 ? 1U : 0U));
    put_u16_key(f, "split.no", part->number);
    put_u16_key(f, "split.count", part->count);
    put_u16_key(f, "split.tensors.count", part->tensors);
    put_string(f, part->tensor);
    fwrite(&(uint32_t){1}, 4, 1, f);
    put_u64(f, TENSOR_FLOATS);
    fwrite(&(uint32_t){0}, 4, 1, f);
    put_u64(f, 0);
    while (ftell(f) % 32) fputc(0, f);
    for (int i = 0; i < TENSOR_FLOATS; i++) fwrite(&(float){(float)(100 * number + i)}, 4, 1, f);
    fclose(f);
}

static const Part good[PARTS] = {
    {0, PARTS, PARTS, "first"}, {1, PARTS, PARTS, "second"}, {2, PARTS, PARTS, "third"}};

static Folder good_folder(void)
{
    Folder folder = {"/tmp/lig-split-XXXXXX"};
    assert_non_null(mkdtemp(folder.path));
    for (int i = 0; i < PARTS; i++) write_part(&folder, i, &good[i]);
    return folder;
}

static void remove_folder(const Folder *folder)
{
    char path[128];
    for (int i = 0; i < PARTS; i++) unlink(part_path(folder, i, path, sizeof path));
    rmdir(folder->path);
}

static void the_first_part_opens_all(void **state)
{
    (void)state;
    Folder folder = good_folder();
    char path[128];
    LigContext *ctx = lig_context_create();
    LigGguf *gguf;
    assert_int_equal(lig_gguf_open(ctx, part_path(&folder, 0, path, sizeof path), &gguf), LIG_OK);
    assert_int_equal(lig_gguf_part_count(gguf), PARTS);
    assert_int_equal(lig_gguf_tensors(gguf)->count, PARTS);
    for (int i = 0; i < PARTS; i++) {
        const LigFileTensor *tensor = lig_tensor_set_find(lig_gguf_tensors(gguf), lig_str(good[i].tensor));
        assert_non_null(tensor);
        const float *values = tensor->data;
        assert_true(values[3] == (float)(100 * i + 3));
    }
    lig_gguf_close(gguf);
    lig_context_destroy(ctx);
    remove_folder(&folder);
}

// Opening part `opened` of the folder fails with these words; the folder goes.
static void expect_refused(Folder folder, int opened, LigStatus expected, const char *words)
{
    char path[128];
    LigContext *ctx = lig_context_create();
    LigGguf *gguf;
    assert_int_equal(lig_gguf_open(ctx, part_path(&folder, opened, path, sizeof path), &gguf), expected);
    if (!strstr(first_message(ctx), words)) fail_msg("'%s' lacks '%s'", first_message(ctx), words);
    assert_true(diagnostics_are_clear(ctx, folder.path));
    lig_context_destroy(ctx);
    remove_folder(&folder);
}

// The same with part `number` written as `part`.
static void expect_part_refused(int number, Part part, const char *words)
{
    Folder folder = good_folder();
    write_part(&folder, number, &part);
    expect_refused(folder, 0, LIG_ERR_INVALID, words);
}

static void parts_that_are_not_whole_are_refused(void **state)
{
    (void)state;
    expect_refused(good_folder(), 1, LIG_ERR_INVALID, "is part 2 of 3 of a split model: open the first one");
    expect_part_refused(1, good[2], "says it is part 3 of 3, expected part 2 of 3");
    expect_part_refused(1, (Part){1, 4, PARTS, "second"}, "part 2 of 4, expected part 2 of 3");
    expect_part_refused(1, (Part){-1, -1, -1, "second"}, "part 1 of 1, expected part 2 of 3");
    expect_part_refused(1, (Part){1, PARTS, 7, "second"}, "expected part 2 of 3");
    expect_part_refused(2, (Part){2, PARTS, PARTS, "first"}, "tensor 'first' is there twice");
    expect_part_refused(0, (Part){3, PARTS, PARTS, "first"}, "says it is part 3 (from 0) of 3");
    expect_part_refused(0, (Part){0, 5, PARTS, "first"}, "first of 5 parts");
}

static void a_missing_part_is_named(void **state)
{
    (void)state;
    Folder folder = good_folder();
    char path[128];
    unlink(part_path(&folder, 2, path, sizeof path));
    LigContext *ctx = lig_context_create();
    LigGguf *gguf;
    assert_int_equal(lig_gguf_open(ctx, part_path(&folder, 0, path, sizeof path), &gguf), LIG_ERR_NOT_FOUND);
    assert_string_equal(lig_context_diagnostic(ctx, 0)->loc.file, part_path(&folder, 2, path, sizeof path));
    lig_context_destroy(ctx);
    remove_folder(&folder);
}

static void the_count_of_tensors_is_checked(void **state)
{
    (void)state;
    Folder folder = good_folder();
    for (int i = 0; i < PARTS; i++) write_part(&folder, i, &(Part){i, PARTS, 4, good[i].tensor});
    expect_refused(folder, 0, LIG_ERR_INVALID, "says the model has 4 tensors, its 3 parts have 3");
}

static void every_failing_allocation_is_reported(void **state)
{
    (void)state;
    Folder folder = good_folder();
    char path[128];
    part_path(&folder, 0, path, sizeof path);
    LigStatus status = LIG_ERR_NO_MEMORY;
    for (uint64_t n = 1; status != LIG_OK; n++) {
        LigContext *ctx = lig_context_create();
        LigGguf *gguf = NULL;
        lig_alloc_fail_at(n);
        status = lig_gguf_open(ctx, path, &gguf);
        lig_alloc_fail_at(0);
        assert_true(status == LIG_OK || status == LIG_ERR_NO_MEMORY);
        if (status == LIG_OK) lig_gguf_close(gguf);
        lig_context_destroy(ctx);
        assert_true(n < 1000);
    }
    remove_folder(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_part_opens_all),
        cmocka_unit_test(parts_that_are_not_whole_are_refused),
        cmocka_unit_test(a_missing_part_is_named),
        cmocka_unit_test(the_count_of_tensors_is_checked),
        cmocka_unit_test(every_failing_allocation_is_reported),
    };
    return cmocka_run_group_tests_name("gguf_split", tests, NULL, NULL);
}

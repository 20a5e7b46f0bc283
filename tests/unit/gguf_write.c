// The writer of GGUF: what it writes reads back, and what can't be written leaves no file.
#include "frontend/gguf_write.h"

#include "ir/base/alloc.h"
#include "tests/unit/temp_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static LigGgufMetadata some_metadata(void)
{
    static const LigStr words[] = {{"a", 1}, {"", 0}, {"\xc3\xa9", 2}};
    static const int32_t integers[] = {1, -2, 3};
    static const float reals[] = {0.5f, -1.5f};
    LigGgufMetadata m = {0};
    lig_gguf_put_str(&m, "general.architecture", LIG_STR("llama"));
    lig_gguf_put_u32(&m, "u32", 4000000000u);
    lig_gguf_put_f32(&m, "f32", 0.1f);
    lig_gguf_put_bool(&m, "yes", true);
    lig_gguf_put_strs(&m, "words", words, 3);
    lig_gguf_put_i32s(&m, "integers", integers, 3);
    lig_gguf_put_f32s(&m, "reals", reals, 2);
    return m;
}

static const float values[6] = {1, 2, 3, 4, 5, 6};
static const unsigned char blocks[34 * 2] = {1, 2, 3};

// A matrix that has its data, and one that is made while it is written.
static const LigFileTensor tensors[] = {
    {.name = {"m.weight", 8}, .type_name = "f32", .rank = 2, .dims = {2, 3}, .data = values, .bytes = 24},
    {.name = {"q.weight", 8}, .type_name = "q8_0", .rank = 2, .dims = {2, 32}, .bytes = sizeof blocks},
};

static LigStatus write_blocks(void *user, size_t index, LigTensorSink *sink)
{
    assert_int_equal(index, 1);
    const size_t *short_by = user;
    lig_tensor_sink_write(sink, blocks, 34);
    lig_tensor_sink_write(sink, blocks + 34, 34 - *short_by);
    return LIG_OK;
}

static void what_is_written_reads_back(void **state)
{
    (void)state;
    size_t short_by = 0;
    TempFile file = temp_file("", 0);
    LigContext *ctx = lig_context_create();
    LigGgufMetadata metadata = some_metadata(), again = {0};
    LigGgufContent content = {.metadata = &metadata,
                              .tensors = tensors,
                              .count = 2,
                              .alignment = 32,
                              .write = write_blocks,
                              .user = &short_by};
    assert_int_equal(lig_gguf_write(ctx, file.path, &content), LIG_OK);
    LigGguf *gguf;
    assert_int_equal(lig_gguf_open(ctx, file.path, &gguf), LIG_OK);
    assert_int_equal(lig_gguf_version(gguf), 3);
    // Every value, copied as it is read, is the same bytes.
    for (size_t i = 0; i < lig_gguf_value_count(gguf); i++) lig_gguf_put_value(&again, lig_gguf_value(gguf, i));
    assert_int_equal(again.count, metadata.count);
    assert_true(lig_str_equal(lig_text_view(&again.bytes), lig_text_view(&metadata.bytes)));
    const LigFileTensor *m = lig_tensor_set_find(lig_gguf_tensors(gguf), LIG_STR("m.weight"));
    const LigFileTensor *q = lig_tensor_set_find(lig_gguf_tensors(gguf), LIG_STR("q.weight"));
    assert_true(m->rank == 2 && m->dims[0] == 2 && m->dims[1] == 3 && (uintptr_t)m->data % 32 == 0);
    assert_memory_equal(m->data, values, sizeof values);
    assert_string_equal(q->type_name, "q8_0");
    assert_memory_equal(q->data, blocks, sizeof blocks);
    lig_gguf_close(gguf);
    lig_gguf_metadata_free(&metadata);
    lig_gguf_metadata_free(&again);
    lig_context_destroy(ctx);
    unlink(file.path);
}

static void expect_refused(LigFileTensor tensor, size_t short_by, LigStatus expected, const char *words)
{
    TempFile file = temp_file("before", 6);
    LigContext *ctx = lig_context_create();
    LigGgufMetadata metadata = some_metadata();
    LigFileTensor both[] = {tensors[0], tensor};
    LigGgufContent content = {.metadata = &metadata,
                              .tensors = both,
                              .count = 2,
                              .alignment = 32,
                              .write = write_blocks,
                              .user = &short_by};
    assert_int_equal(lig_gguf_write(ctx, file.path, &content), expected);
    if (!strstr(first_message(ctx), words)) fail_msg("'%s' lacks '%s'", first_message(ctx), words);
    // What was there is there still.
    LigMappedFile *kept;
    lig_context_clear(ctx);
    assert_int_equal(lig_file_map(ctx, file.path, &kept), LIG_OK);
    assert_int_equal(kept->size, 6);
    lig_file_unmap(kept);
    lig_gguf_metadata_free(&metadata);
    lig_context_destroy(ctx);
    unlink(file.path);
}

static void what_cannot_be_written_is_refused(void **state)
{
    (void)state;
    LigFileTensor t = tensors[1];
    expect_refused(t, 3, LIG_ERR_INVALID, "'q.weight' was given 65 bytes, its shape needs 68");
    t.type_name = "q8a";
    expect_refused(t, 0, LIG_ERR_DTYPE, "'q.weight' is q8a, which GGUF can't hold");
    t = tensors[1];
    t.bytes++;
    expect_refused(t, 0, LIG_ERR_INVALID, "its shape and type must give its 69 bytes");
    t = tensors[1];
    t.dims[1] = 31;
    expect_refused(t, 0, LIG_ERR_INVALID, "can't be written");
    t = tensors[1];
    t.dims[0] = INT64_MAX;
    expect_refused(t, 0, LIG_ERR_INVALID, "can't be written");
    t = tensors[1];
    t.rank = 5;
    expect_refused(t, 0, LIG_ERR_INVALID, "can't be written");
    t = tensors[1];
    t.name = (LigStr){"", 0};
    expect_refused(t, 0, LIG_ERR_INVALID, "the name of a tensor");
}

static void every_failing_allocation_is_reported(void **state)
{
    (void)state;
    size_t short_by = 0;
    TempFile file = temp_file("", 0);
    LigStatus status = LIG_ERR_NO_MEMORY;
    for (uint64_t n = 1; status != LIG_OK; n++) {
        LigContext *ctx = lig_context_create();
        lig_alloc_fail_at(n);
        LigGgufMetadata metadata = some_metadata();
        LigGgufContent content = {.metadata = &metadata,
                                  .tensors = tensors,
                                  .count = 2,
                                  .alignment = 64,
                                  .write = write_blocks,
                                  .user = &short_by};
        status = lig_gguf_write(ctx, file.path, &content);
        lig_alloc_fail_at(0);
        assert_true(status == LIG_OK || status == LIG_ERR_NO_MEMORY);
        lig_gguf_metadata_free(&metadata);
        lig_context_destroy(ctx);
        assert_true(n < 1000);
    }
    unlink(file.path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(what_cannot_be_written_is_refused),
        cmocka_unit_test(every_failing_allocation_is_reported),
    };
    return cmocka_run_group_tests_name("gguf_write", tests, NULL, NULL);
}

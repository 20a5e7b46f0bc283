// Streaming text: never a part of a character, and joined the same as decoding all at once.
#include "runtime/text/stream.h"
#include "frontend/tokenizer_json.h"
#include "ir/base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define TINY LIG_SOURCE_DIR "/tests/data/tokenizer_tiny.json"

static LigContext *ctx;
static LigImageBytes image;
static LigTokenizer *tokenizer;

static int load(void **state)
{
    (void)state;
    ctx = lig_context_create();
    LigMappedFile *file;
    LigTokenizerExtras extras = {0};
    if (lig_file_map(ctx, TINY, &file) != LIG_OK) return -1;
    LigStatus status =
        lig_tokenizer_from_json(ctx, TINY, (LigStr){(const char *)file->data, file->size}, &extras, &image);
    lig_file_unmap(file);
    return status == LIG_OK && lig_tokenizer_open(ctx, image.data, image.size, &tokenizer) == LIG_OK ? 0 : -1;
}

static int unload(void **state)
{
    (void)state;
    lig_tokenizer_destroy(tokenizer);
    lig_image_free(&image);
    lig_context_destroy(ctx);
    return 0;
}

static int32_t byte_id(unsigned char byte)
{
    return lig_tokenizer_find(tokenizer, (LigStr){(const char *)&byte, 1});
}

// Feeds the bytes one token each; `expected[i]` is what comes after byte i, the last what the flush gives.
static void check(const char *bytes, const char *const *expected)
{
    LigTextStream stream = lig_text_stream(tokenizer, true);
    LigText out = {0};
    for (; *bytes; bytes++, expected++) {
        lig_text_clear(&out);
        lig_text_stream_feed(&stream, byte_id((unsigned char)*bytes), &out);
        assert_int_equal(out.length, strlen(*expected));
        if (out.length) assert_memory_equal(out.data, *expected, out.length);
    }
    lig_text_clear(&out);
    lig_text_stream_flush(&stream, &out);
    assert_int_equal(out.length, strlen(*expected));
    if (out.length) assert_memory_equal(out.data, *expected, out.length);
    lig_text_free(&out);
}

#define BAD "\xEF\xBF\xBD"

static void characters_come_whole(void **state)
{
    (void)state;
    check("a\xC3\xA9z", (const char *const[]){"a", "", "\xC3\xA9", "z", ""});
    check("\xF0\x9F\x99\x82", (const char *const[]){"", "", "", "\xF0\x9F\x99\x82", ""});
}

static void what_is_not_utf8_is_replaced(void **state)
{
    (void)state;
    check("\x80q", (const char *const[]){BAD, "q", ""});
    check("\xE6\x97", (const char *const[]){"", "", BAD});
    check("\xE6\x97x", (const char *const[]){"", "", BAD "x", ""});
    check("\xF0\x9F\xC3\xA9", (const char *const[]){"", "", BAD, "\xC3\xA9", ""});
    check("\xED\xA0\x80", (const char *const[]){"", BAD BAD, BAD, ""});
}

static void special_tokens_are_left_out_unless_kept(void **state)
{
    (void)state;
    LigText out = {0};
    LigTextStream quiet = lig_text_stream(tokenizer, false);
    lig_text_stream_feed(&quiet, 0, &out);
    lig_text_stream_feed(&quiet, -7, &out);
    lig_text_stream_feed(&quiet, INT32_MAX, &out);
    assert_int_equal(out.length, 0);
    LigTextStream loud = lig_text_stream(tokenizer, true);
    lig_text_stream_feed(&loud, 0, &out);
    assert_string_equal(out.data, "<|end|>");
    lig_text_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(characters_come_whole),
        cmocka_unit_test(what_is_not_utf8_is_replaced),
        cmocka_unit_test(special_tokens_are_left_out_unless_kept),
    };
    return cmocka_run_group_tests_name("stream", tests, load, unload);
}

// Byte-level BPE: ids as Transformers gives them, from tokenizer.json and from GGUF metadata; damaged
// images, failing allocations.
#include "runtime/text/tokenizer.h"
#include "frontend/tokenizer_gguf.h"
#include "frontend/tokenizer_json.h"
#include "ir/base/alloc.h"
#include "ir/base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#define TINY LIG_SOURCE_DIR "/tests/data/tokenizer_tiny.json"
#define CASES LIG_SOURCE_DIR "/tests/data/tokenizer_tiny_cases.jsonl"
#define SHARED LIG_SOURCE_DIR "/../shared/tokenizers"

static const LigEncodeOptions plain = {.parse_special = true};
static const LigEncodeOptions wrapped = {.parse_special = true, .add_special = true};

typedef struct Loaded {
    LigContext *ctx;
    LigImageBytes image;
    LigTokenizer *tokenizer;
} Loaded;

static const char *first_message(const LigContext *ctx)
{
    const LigDiagnostic *diagnostic = lig_context_diagnostic(ctx, 0);
    return diagnostic ? diagnostic->message : "(no message)";
}

static Loaded load_json(const char *path)
{
    Loaded l = {.ctx = lig_context_create()};
    LigMappedFile *file;
    assert_int_equal(lig_file_map(l.ctx, path, &file), LIG_OK);
    LigTokenizerExtras extras = {0};
    LigStatus status =
        lig_tokenizer_from_json(l.ctx, path, (LigStr){(const char *)file->data, file->size}, &extras, &l.image);
    if (status != LIG_OK) fail_msg("%s", first_message(l.ctx));
    lig_file_unmap(file);
    assert_int_equal(lig_tokenizer_open(l.ctx, l.image.data, l.image.size, &l.tokenizer), LIG_OK);
    return l;
}

static void unload(Loaded *l)
{
    lig_tokenizer_destroy(l->tokenizer);
    lig_image_free(&l->image);
    lig_context_destroy(l->ctx);
}

static bool is_missing(const char *path)
{
    if (lig_path_exists(path)) return false;
    print_message("skipped: %s is not there\n", path);
    return true;
}

static bool ids_match(const LigTokenIds *ids, const json_t *expected)
{
    if (ids->count != json_array_size(expected)) return false;
    for (size_t i = 0; i < ids->count; i++)
        if (ids->data[i] != json_integer_value(json_array_get(expected, i))) return false;
    return true;
}

static void check_ids(Loaded *l, const json_t *entry, const json_t *expected, LigEncodeOptions options)
{
    const json_t *text = json_object_get(entry, "text");
    LigTokenIds ids = {0};
    LigStr view = {json_string_value(text), json_string_length(text)};
    assert_int_equal(lig_tokenizer_encode(l->ctx, l->tokenizer, view, options, &ids), LIG_OK);
    if (!ids_match(&ids, expected)) {
        for (size_t i = 0; i < ids.count; i++) print_message("%d ", ids.data[i]);
        fail_msg("other ids for '%s'", json_string_value(text));
    }
    lig_token_ids_free(&ids);
}

static void check_decoded(Loaded *l, const json_t *ids, const json_t *expected)
{
    LigTokenIds list = {0};
    for (size_t i = 0; i < json_array_size(ids); i++) {
        int32_t id = (int32_t)json_integer_value(json_array_get(ids, i));
        assert_int_equal(lig_token_ids_append(l->ctx, &list, &id, 1), LIG_OK);
    }
    LigText text = {0};
    assert_int_equal(lig_tokenizer_decode(l->ctx, l->tokenizer, list.data, list.count, true, &text), LIG_OK);
    assert_string_equal(text.data ? text.data : "", json_string_value(expected));
    lig_text_free(&text);
    lig_token_ids_free(&list);
}

static void check_case(Loaded *l, const json_t *entry, const char *name)
{
    char key[64];
    const json_t *ids = json_object_get(entry, name);
    assert_non_null(ids);
    check_ids(l, entry, ids, plain);
    snprintf(key, sizeof key, "%s.special", name);
    if (json_object_get(entry, key)) check_ids(l, entry, json_object_get(entry, key), wrapped);
    snprintf(key, sizeof key, "%s.decoded", name);
    if (json_object_get(entry, key)) check_decoded(l, ids, json_object_get(entry, key));
}

static size_t check_cases(Loaded *l, const char *path, const char *name)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char *line = NULL;
    size_t capacity = 0;
    size_t count = 0;
    while (getline(&line, &capacity, file) > 0) {
        json_t *entry = json_loads(line, JSON_ALLOW_NUL, NULL);
        assert_non_null(entry);
        check_case(l, entry, name);
        json_decref(entry);
        count++;
    }
    free(line);
    fclose(file);
    return count;
}

static void tiny_tokenizer_gives_its_ids(void **state)
{
    (void)state;
    Loaded l = load_json(TINY);
    assert_true(check_cases(&l, CASES, "tiny") >= 10);
    unload(&l);
}

static void smollm2_gives_the_ids_of_transformers(void **state)
{
    (void)state;
    if (is_missing(SHARED)) skip();
    Loaded l = load_json(SHARED "/smollm2/tokenizer.json");
    assert_int_equal(check_cases(&l, SHARED "/cases.jsonl", "smollm2"), 400);
    unload(&l);
}

static void whisper_gives_the_ids_of_transformers(void **state)
{
    (void)state;
    if (is_missing(SHARED)) skip();
    Loaded l = load_json(SHARED "/whisper/tokenizer.json");
    assert_int_equal(check_cases(&l, SHARED "/cases.jsonl", "whisper"), 400);
    unload(&l);
}

static void bert_gives_the_ids_of_transformers(void **state)
{
    (void)state;
    if (is_missing(SHARED)) skip();
    Loaded l = load_json(SHARED "/bert/tokenizer.json");
    assert_int_equal(check_cases(&l, SHARED "/cases.jsonl", "bert"), 400);
    unload(&l);
}

static void marian_gives_the_ids_of_transformers(void **state)
{
    (void)state;
    if (is_missing(SHARED)) skip();
    Loaded l = load_json(SHARED "/marian_en_pt/tokenizer.json");
    assert_int_equal(check_cases(&l, SHARED "/cases.jsonl", "marian_en_pt"), 400);
    unload(&l);
}

static void special_tokens_of_users_are_letters(void **state)
{
    (void)state;
    Loaded l = load_json(TINY);
    LigTokenIds ids = {0};
    LigStr text = LIG_STR("<|end|>");
    assert_int_equal(lig_tokenizer_encode(l.ctx, l.tokenizer, text, (LigEncodeOptions){0}, &ids), LIG_OK);
    assert_int_equal(ids.count, 7);
    LigText back = {0};
    assert_int_equal(lig_tokenizer_decode(l.ctx, l.tokenizer, ids.data, ids.count, false, &back), LIG_OK);
    assert_string_equal(back.data, "<|end|>");
    const int32_t end = 0;
    lig_text_clear(&back);
    assert_int_equal(lig_tokenizer_decode(l.ctx, l.tokenizer, &end, 1, false, &back), LIG_OK);
    assert_int_equal(back.length, 0);
    assert_int_equal(lig_tokenizer_find(l.tokenizer, text), 0);
    lig_text_free(&back);
    lig_token_ids_free(&ids);
    unload(&l);
}

static LigTokenIds encode_bytes(Loaded *l, LigStr text)
{
    LigTokenIds ids = {0};
    assert_int_equal(lig_tokenizer_encode(l->ctx, l->tokenizer, text, plain, &ids), LIG_OK);
    return ids;
}

static void invalid_utf8_is_the_replacement_character(void **state)
{
    (void)state;
    Loaded l = load_json(TINY);
    LigTokenIds damaged = encode_bytes(&l, LIG_STR("a\xFF\xE6\x97z\xC0\x80\xF0\x9F"));
    LigTokenIds replaced =
        encode_bytes(&l, LIG_STR("a\xEF\xBF\xBD\xEF\xBF\xBDz\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"));
    assert_int_equal(damaged.count, replaced.count);
    assert_memory_equal(damaged.data, replaced.data, damaged.count * sizeof *damaged.data);
    lig_token_ids_free(&damaged);
    lig_token_ids_free(&replaced);
    unload(&l);
}

static void open_and_use(LigContext *ctx, const void *image, size_t size)
{
    LigTokenizer *tokenizer;
    lig_context_clear(ctx);
    if (lig_tokenizer_open(ctx, image, size, &tokenizer) != LIG_OK) return;
    LigTokenIds ids = {0};
    LigText text = {0};
    LigStr sample =
        LIG_STR("hello world <|user|> cat <mask> 12 aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa \xC3\xA9");
    (void)!lig_tokenizer_encode(ctx, tokenizer, sample, wrapped, &ids);
    (void)!lig_tokenizer_decode(ctx, tokenizer, ids.data, ids.count, true, &text);
    lig_text_free(&text);
    lig_token_ids_free(&ids);
    lig_tokenizer_destroy(tokenizer);
}

static void damaged_images_do_no_harm(void **state)
{
    (void)state;
    Loaded l = load_json(TINY);
    const size_t size = l.image.size;
    unsigned char *copy = malloc(size);
    for (size_t cut = 0; cut < size; cut += cut < 512 ? 1 : 61) {
        unsigned char *part = malloc(cut + 1); // exact, so that a read past the end is seen
        memcpy(part, l.image.data, cut);
        LigTokenizer *tokenizer;
        assert_int_not_equal(lig_tokenizer_open(l.ctx, part, cut, &tokenizer), LIG_OK);
        lig_context_clear(l.ctx);
        free(part);
    }
    for (size_t at = 0; at < size; at += at < 600 ? 1 : 7) {
        memcpy(copy, l.image.data, size);
        copy[at] ^= (unsigned char)(1u << at % 8);
        open_and_use(l.ctx, copy, size);
        copy[at] = 0xFF;
        open_and_use(l.ctx, copy, size);
    }
    free(copy);
    unload(&l);
}

static void every_failing_allocation_is_reported(void **state)
{
    (void)state;
    Loaded l = load_json(TINY);
    LigStr sample = LIG_STR("hello world <|user|> cat aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa \xFF");
    bool done = false;
    for (uint64_t n = 1; !done && n < 10000; n++) {
        lig_context_clear(l.ctx);
        LigTokenizer *tokenizer = NULL;
        LigTokenIds ids = {0};
        LigText text = {0};
        lig_alloc_fail_at(n);
        LigStatus status = lig_tokenizer_open(l.ctx, l.image.data, l.image.size, &tokenizer);
        if (status == LIG_OK) status = lig_tokenizer_encode(l.ctx, tokenizer, sample, wrapped, &ids);
        if (status == LIG_OK) status = lig_tokenizer_decode(l.ctx, tokenizer, ids.data, ids.count, true, &text);
        lig_alloc_fail_at(0);
        done = status == LIG_OK;
        if (!done) assert_int_equal(status, LIG_ERR_NO_MEMORY);
        lig_text_free(&text);
        lig_token_ids_free(&ids);
        lig_tokenizer_destroy(tokenizer);
    }
    assert_true(done);
    unload(&l);
}

static void reading_reports_failing_allocations(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    LigMappedFile *file;
    assert_int_equal(lig_file_map(ctx, TINY, &file), LIG_OK);
    LigTokenizerExtras extras = {.eos = LIG_STR("<|end|>")};
    bool done = false;
    for (uint64_t n = 1; !done && n < 10000; n++) {
        LigImageBytes image = {0};
        lig_context_clear(ctx);
        lig_alloc_fail_at(n);
        LigStatus status =
            lig_tokenizer_from_json(ctx, "t", (LigStr){(const char *)file->data, file->size}, &extras, &image);
        lig_alloc_fail_at(0);
        done = status == LIG_OK;
        if (!done) assert_int_equal(status, LIG_ERR_NO_MEMORY);
        lig_image_free(&image);
    }
    assert_true(done);
    lig_file_unmap(file);
    lig_context_destroy(ctx);
}

// A tokenizer.json's tokens as a GGUF holds them.
static LigGgufTokenizer as_gguf(const json_t *root, LigArena *arena, const char *pre)
{
    const json_t *vocab = json_object_get(json_object_get(root, "model"), "vocab");
    const json_t *merges = json_object_get(json_object_get(root, "model"), "merges");
    LigGgufTokenizer gguf = {
        .path = "t.gguf", .model = LIG_STR("gpt2"), .pre = lig_str(pre), .bos = 1, .eos = 2};
    gguf.unk = gguf.pad = gguf.eot = gguf.eom = LIG_TOKEN_NONE;
    gguf.token_count = json_object_size(vocab);
    gguf.merge_count = json_array_size(merges);
    LigStr *tokens = LIG_NEW_ARRAY(arena, LigStr, gguf.token_count);
    int32_t *types = LIG_NEW_ARRAY(arena, int32_t, gguf.token_count);
    LigStr *lines = LIG_NEW_ARRAY(arena, LigStr, gguf.merge_count);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)vocab, key, value)
    {
        tokens[json_integer_value(value)] = lig_str(key);
        types[json_integer_value(value)] = 1;
    }
    size_t index;
    json_array_foreach(json_object_get(root, "added_tokens"), index, value)
        types[json_integer_value(json_object_get(value, "id"))] = 3;
    json_array_foreach(merges, index, value) lines[index] =
        lig_str_format(arena, "%s %s", json_string_value(json_array_get(value, 0)),
                       json_string_value(json_array_get(value, 1)));
    gguf.tokens = tokens;
    gguf.token_types = types;
    gguf.merges = lines;
    return gguf;
}

static void gguf_gives_the_ids_of_tokenizer_json(void **state)
{
    (void)state;
    if (is_missing(SHARED)) skip();
    json_t *root = json_load_file(SHARED "/smollm2/tokenizer.json", 0, NULL);
    LigArena *arena = lig_arena_create();
    LigGgufTokenizer gguf = as_gguf(root, arena, "smollm");
    Loaded l = {.ctx = lig_context_create()};
    assert_int_equal(lig_tokenizer_from_gguf(l.ctx, &gguf, &l.image), LIG_OK);
    assert_int_equal(lig_tokenizer_open(l.ctx, l.image.data, l.image.size, &l.tokenizer), LIG_OK);
    assert_int_equal(check_cases(&l, SHARED "/cases.jsonl", "smollm2"), 400);
    assert_true(lig_tokenizer_is_end(l.tokenizer, 2));
    assert_false(lig_tokenizer_is_end(l.tokenizer, 1));
    unload(&l);
    lig_arena_destroy(arena);
    json_decref(root);
}

static void gguf_errors_name_what_is_wrong(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    static const LigStr tokens[] = {{"a", 1}, {"b", 1}};
    static const LigStr merges[] = {{"a b", 3}};
    LigGgufTokenizer gguf = {
        .path = "t.gguf", .model = LIG_STR("gpt2"), .pre = LIG_STR("no-such"), .tokens = tokens};
    gguf.bos = gguf.eos = gguf.unk = gguf.pad = gguf.eot = gguf.eom = LIG_TOKEN_NONE;
    gguf.token_count = 2;
    LigImageBytes image;
    assert_int_equal(lig_tokenizer_from_gguf(ctx, &gguf, &image), LIG_ERR_UNSUPPORTED);
    assert_non_null(strstr(first_message(ctx), "no-such"));
    lig_context_clear(ctx);
    gguf.pre = LIG_STR("gpt-2");
    gguf.merges = merges;
    gguf.merge_count = 1;
    assert_int_equal(lig_tokenizer_from_gguf(ctx, &gguf, &image), LIG_ERR_INVALID);
    assert_non_null(strstr(first_message(ctx), "merge 0"));
    lig_context_clear(ctx);
    gguf.merge_count = 0;
    gguf.bos = 2;
    assert_int_equal(lig_tokenizer_from_gguf(ctx, &gguf, &image), LIG_ERR_INVALID);
    lig_context_destroy(ctx);
}

static void unknown_components_are_named(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"{\"model\":{\"type\":\"Markov\"}}", "Markov"},
        {"{\"normalizer\":{\"type\":\"Rot13\"}}", "Rot13"},
        {"{\"pre_tokenizer\":{\"type\":\"Scissors\"}}", "Scissors"},
        {"{\"pre_tokenizer\":{\"type\":\"Split\",\"behavior\":\"Torn\"}}", "Torn"},
        {"{\"model\":", "not JSON"},
        {"[]", "BPE"},
    };
    LigContext *ctx = lig_context_create();
    LigTokenizerExtras extras = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        LigImageBytes image;
        lig_context_clear(ctx);
        assert_int_not_equal(lig_tokenizer_from_json(ctx, "t", lig_str(cases[i][0]), &extras, &image), LIG_OK);
        assert_non_null(strstr(first_message(ctx), cases[i][1]));
    }
    lig_context_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiny_tokenizer_gives_its_ids),
        cmocka_unit_test(smollm2_gives_the_ids_of_transformers),
        cmocka_unit_test(whisper_gives_the_ids_of_transformers),
        cmocka_unit_test(bert_gives_the_ids_of_transformers),
        cmocka_unit_test(marian_gives_the_ids_of_transformers),
        cmocka_unit_test(special_tokens_of_users_are_letters),
        cmocka_unit_test(invalid_utf8_is_the_replacement_character),
        cmocka_unit_test(damaged_images_do_no_harm),
        cmocka_unit_test(every_failing_allocation_is_reported),
        cmocka_unit_test(reading_reports_failing_allocations),
        cmocka_unit_test(gguf_gives_the_ids_of_tokenizer_json),
        cmocka_unit_test(gguf_errors_name_what_is_wrong),
        cmocka_unit_test(unknown_components_are_named),
    };
    return cmocka_run_group_tests_name("tokenizer", tests, NULL, NULL);
}

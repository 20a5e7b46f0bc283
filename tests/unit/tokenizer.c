// Byte-level BPE: ids as Transformers gives them, from tokenizer.json and from GGUF metadata; hostile text,
// damaged images, failing allocations.
#include "runtime/text/tokenizer.h"
#include "frontend/tokenizer_gguf.h"
#include "frontend/tokenizer_json.h"
#include "ir/base/alloc.h"
#include "ir/base/file.h"
#include "ir/base/vec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiny_tokenizer_gives_its_ids),
        cmocka_unit_test(smollm2_gives_the_ids_of_transformers),
        cmocka_unit_test(whisper_gives_the_ids_of_transformers),
    };
    return cmocka_run_group_tests_name("tokenizer", tests, NULL, NULL);
}

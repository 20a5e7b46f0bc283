// JSON: places of syntax errors, typed getters, unknown keys, damage.
#include "frontend/json.h"

#include "ir/base/alloc.h"
#include "tests/unit/temp_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char sample[] =
    "{\"width\": 576, \"eps\": 1e-5, \"tie\": true, \"act\": \"silu\", \"none\": null,\n"
    " \"rope\": {\"type\": \"llama3\", \"factor\": 8}, \"list\": [1, 2]}";

typedef struct Fixture {
    LigContext *ctx;
    json_t *document;
    LigJson root;
} Fixture;

static int open_sample(void **state)
{
    static Fixture fixture;
    fixture.ctx = lig_context_create();
    LigStr text = {sample, sizeof sample - 1};
    if (lig_json_parse(fixture.ctx, "config.json", text, &fixture.document) != LIG_OK) return -1;
    *state = &fixture;
    return lig_json_root(fixture.ctx, "config.json", fixture.document, &fixture.root) == LIG_OK ? 0 : -1;
}

static int close_sample(void **state)
{
    Fixture *fixture = *state;
    json_decref(fixture->document);
    lig_context_destroy(fixture->ctx);
    return 0;
}

static void values_are_read_by_type(void **state)
{
    const LigJson *root = &((Fixture *)*state)->root;
    int64_t width = 0;
    double eps = 0, as_real = 0, factor = 0;
    bool tie = false;
    LigStr act = {0}, type = {0};
    assert_int_equal(lig_json_get_i64(root, "width", &width), LIG_OK);
    assert_int_equal(lig_json_get_f64(root, "eps", &eps), LIG_OK);
    assert_int_equal(lig_json_get_f64(root, "width", &as_real), LIG_OK);
    assert_int_equal(lig_json_get_bool(root, "tie", &tie), LIG_OK);
    assert_int_equal(lig_json_get_str(root, "act", &act), LIG_OK);
    assert_true(width == 576 && eps == 1e-5 && as_real == 576 && tie && lig_str_is(act, "silu"));
    LigJson rope;
    assert_int_equal(lig_json_child(root, "rope", &rope), LIG_OK);
    assert_int_equal(lig_json_get_str(&rope, "type", &type), LIG_OK);
    assert_int_equal(lig_json_get_f64(&rope, "factor", &factor), LIG_OK);
    assert_true(lig_str_is(type, "llama3") && factor == 8);
}

static void absent_keys_keep_the_default(void **state)
{
    const LigJson *root = &((Fixture *)*state)->root;
    int64_t value = 7;
    assert_int_equal(lig_json_get_i64(root, "absent", &value), LIG_OK);
    assert_int_equal(lig_json_get_i64(root, "none", &value), LIG_OK);
    LigJson child;
    assert_int_equal(lig_json_child(root, "absent", &child), LIG_OK);
    assert_int_equal(lig_json_get_i64(&child, "deeper", &value), LIG_OK);
    assert_int_equal(value, 7);
    assert_false(lig_json_has(root, "none") || lig_json_has(&child, "x"));
    assert_true(lig_json_has(root, "tie"));
}

static void expect_message(const Fixture *fixture, LigStatus status, LigStatus expected, const char *words)
{
    assert_int_equal(status, expected);
    if (!strstr(first_message(fixture->ctx), words)) {
        fail_msg("'%s' lacks '%s'", first_message(fixture->ctx), words);
    }
    lig_context_clear(fixture->ctx);
}

static void wrong_types_name_the_key(void **state)
{
    const Fixture *f = *state;
    const LigJson *root = &f->root;
    int64_t integer;
    double real;
    bool yes;
    LigStr text;
    LigJson rope, child;
    expect_message(f, lig_json_get_i64(root, "eps", &integer), LIG_ERR_INVALID, "'eps' is no integer");
    expect_message(f, lig_json_get_i64(root, "act", &integer), LIG_ERR_INVALID, "'act' is no integer");
    expect_message(f, lig_json_get_f64(root, "tie", &real), LIG_ERR_INVALID, "'tie' is no number");
    expect_message(f, lig_json_get_bool(root, "width", &yes), LIG_ERR_INVALID, "'width' is no bool");
    expect_message(f, lig_json_get_str(root, "list", &text), LIG_ERR_INVALID, "'list' is no string");
    expect_message(f, lig_json_child(root, "list", &child), LIG_ERR_INVALID, "'list' is no object");
    assert_int_equal(lig_json_child(root, "rope", &rope), LIG_OK);
    expect_message(f, lig_json_get_i64(&rope, "type", &integer), LIG_ERR_INVALID, "'rope.type' is no integer");
    expect_message(f, lig_json_require(&rope, "x"), LIG_ERR_NOT_FOUND, "'rope.x' is missing");
    expect_message(f, lig_json_require(root, "none"), LIG_ERR_NOT_FOUND, "'none' is missing");
}

static void unknown_keys_are_named(void **state)
{
    const Fixture *f = *state;
    const char *const known[] = {"width", "eps", "tie", "act", "rope", "list"};
    assert_int_equal(lig_json_check_known(&f->root, known, 6), LIG_OK);
    expect_message(f, lig_json_check_known(&f->root, known, 5), LIG_ERR_UNSUPPORTED, "'list'");
    LigJson rope;
    assert_int_equal(lig_json_child(&f->root, "rope", &rope), LIG_OK);
    expect_message(f, lig_json_check_known(&rope, known, 0), LIG_ERR_UNSUPPORTED, "'rope.type'");
}

static void syntax_errors_have_a_place(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    const char text[] = "{\n  \"a\": 1,\n  \"b\": ?\n}";
    TempFile file = temp_file(text, sizeof text - 1);
    json_t *document;
    assert_int_equal(lig_json_read_file(ctx, file.path, &document), LIG_ERR_PARSE);
    const LigDiagnostic *d = lig_context_diagnostic(ctx, 0);
    assert_string_equal(d->loc.file, file.path);
    assert_int_equal(d->loc.line, 3);
    assert_int_equal(d->loc.column, 8);
    assert_true(diagnostics_are_clear(ctx, file.path));
    unlink(file.path);
    lig_context_clear(ctx);
    assert_int_equal(lig_json_read_file(ctx, file.path, &document), LIG_ERR_NOT_FOUND);
    assert_int_equal(lig_json_parse(ctx, "x", LIG_STR("{\"a\":1,\"a\":2}"), &document), LIG_ERR_PARSE);
    assert_int_equal(lig_json_parse(ctx, "x", LIG_STR("{\"a\":99999999999999999999}"), &document),
                     LIG_ERR_PARSE);
    assert_int_equal(lig_json_parse(ctx, "x", (LigStr){0}, &document), LIG_ERR_PARSE);
    lig_context_destroy(ctx);
}

static void roots_must_be_objects(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    json_t *document;
    LigJson root;
    assert_int_equal(lig_json_parse(ctx, "x", LIG_STR("[1]"), &document), LIG_OK);
    assert_int_equal(lig_json_root(ctx, "x", document, &root), LIG_ERR_INVALID);
    json_decref(document);
    lig_context_destroy(ctx);
}

static void deep_nesting_is_refused(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    static char deep[100000];
    memset(deep, '[', sizeof deep);
    json_t *document;
    assert_int_equal(lig_json_parse(ctx, "x", (LigStr){deep, sizeof deep}, &document), LIG_ERR_PARSE);
    lig_context_destroy(ctx);
}

static void every_cut_is_refused_and_flips_never_crash(void **state)
{
    (void)state;
    char text[sizeof sample];
    memcpy(text, sample, sizeof sample);
    LigContext *ctx = lig_context_create();
    json_t *document;
    for (size_t length = 0; length < sizeof sample - 1; length++) {
        lig_context_clear(ctx);
        assert_int_equal(lig_json_parse(ctx, "x", (LigStr){text, length}, &document), LIG_ERR_PARSE);
        assert_true(diagnostics_are_clear(ctx, "x"));
    }
    for (size_t i = 0; i < (sizeof sample - 1) * 8; i++) {
        lig_context_clear(ctx);
        text[i / 8] = (char)(text[i / 8] ^ (1 << (i % 8)));
        if (lig_json_parse(ctx, "x", (LigStr){text, sizeof sample - 1}, &document) == LIG_OK)
            json_decref(document);
        else
            assert_true(diagnostics_are_clear(ctx, "x"));
        text[i / 8] = sample[i / 8];
    }
    lig_context_destroy(ctx);
}

// jansson is made to allocate through ir/base here, so that its failures are walked too.
static void every_failing_allocation_is_reported(void **state)
{
    (void)state;
    json_set_alloc_funcs(lig_alloc, lig_free);
    LigContext *ctx = lig_context_create();
    TempFile file = temp_file(sample, sizeof sample - 1);
    LigStatus status = LIG_ERR_NO_MEMORY;
    uint64_t n = 0;
    while (status != LIG_OK && n < 200) {
        json_t *document;
        lig_context_clear(ctx);
        lig_alloc_fail_at(++n);
        status = lig_json_read_file(ctx, file.path, &document);
        lig_alloc_fail_at(0);
        if (status == LIG_OK)
            json_decref(document);
        else
            assert_int_equal(status, LIG_ERR_NO_MEMORY);
    }
    assert_int_equal(status, LIG_OK);
    assert_true(n > 10);
    unlink(file.path);
    lig_context_destroy(ctx);
    json_set_alloc_funcs(malloc, free);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(values_are_read_by_type, open_sample, close_sample),
        cmocka_unit_test_setup_teardown(absent_keys_keep_the_default, open_sample, close_sample),
        cmocka_unit_test_setup_teardown(wrong_types_name_the_key, open_sample, close_sample),
        cmocka_unit_test_setup_teardown(unknown_keys_are_named, open_sample, close_sample),
        cmocka_unit_test(syntax_errors_have_a_place),
        cmocka_unit_test(roots_must_be_objects),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(every_cut_is_refused_and_flips_never_crash),
        cmocka_unit_test(every_failing_allocation_is_reported),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}

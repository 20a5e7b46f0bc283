// Chat templates: what Jinja renders as Transformers sets it up.
#include "runtime/text/template.h"
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

#define SHARED LIG_SOURCE_DIR "/../shared/templates"

static LigVariant from_json(LigArena *arena, const json_t *json)
{
    LigVariant out = {.kind = LIG_VARIANT_NONE};
    if (json_is_boolean(json)) return lig_variant_bool(json_is_true(json));
    if (json_is_integer(json)) return lig_variant_int(json_integer_value(json));
    if (json_is_real(json)) return lig_variant_float(json_real_value(json));
    if (json_is_string(json))
        return lig_variant_string((LigStr){json_string_value(json), json_string_length(json)});
    if (json_is_array(json)) {
        assert_true(lig_variant_new_list(arena, &out));
        for (size_t i = 0; i < json_array_size(json); i++)
            assert_true(lig_variant_push(arena, &out, from_json(arena, json_array_get(json, i))));
    } else if (json_is_object(json)) {
        assert_true(lig_variant_new_map(arena, &out));
        const char *key;
        json_t *value;
        json_object_foreach((json_t *)json, key, value)
            assert_true(lig_variant_put(arena, &out, lig_str(key), from_json(arena, value)));
    }
    return out;
}

// Renders `source` with `variables` (a JSON object) and compares; an expected text that begins with '!' is an
// error.
static void check(const char *source, LigVariant variables, LigArena *arena, const char *expected)
{
    LigContext *ctx = lig_context_create();
    LigTemplate *t = NULL;
    LigText out = {0};
    LigStatus status = lig_template_parse(ctx, NULL, lig_str(source), &t);
    if (status == LIG_OK) status = lig_template_render(ctx, t, arena, &variables, &out);
    if (status != LIG_OK) {
        const LigDiagnostic *error = lig_context_diagnostic(ctx, 0);
        char message[512];
        snprintf(message, sizeof message, "!%s", error->message);
        assert_string_equal(message, expected);
    } else
        assert_string_equal(out.data ? out.data : "", expected);
    lig_text_free(&out);
    lig_template_destroy(t);
    lig_context_destroy(ctx);
}

static void check_source(const char *source, const char *json, const char *expected)
{
    LigArena *arena = lig_arena_create();
    json_t *variables = json_loads(json, 0, NULL);
    assert_non_null(variables);
    check(source, from_json(arena, variables), arena, expected);
    json_decref(variables);
    lig_arena_destroy(arena);
}

static void check_line(const char *line)
{
    json_t *entry = json_loads(line, 0, NULL);
    assert_non_null(entry);
    char path[512];
    char expected[4096];
    snprintf(path, sizeof path, SHARED "/%s", json_string_value(json_object_get(entry, "template")));
    LigContext *ctx = lig_context_create();
    LigArena *arena = lig_arena_create();
    LigMappedFile *file;
    assert_int_equal(lig_file_map(ctx, path, &file), LIG_OK);
    const json_t *error = json_object_get(entry, "error");
    const json_t *text = error ? error : json_object_get(entry, "text");
    snprintf(expected, sizeof expected, "%s%s", error ? "!" : "", json_string_value(text));
    LigStr source = lig_str_copy(arena, (LigStr){(const char *)file->data, file->size});
    check(source.data, from_json(arena, entry), arena, expected);
    lig_file_unmap(file);
    lig_arena_destroy(arena);
    lig_context_destroy(ctx);
    json_decref(entry);
}

static void seven_templates_render_as_jinja_does(void **state)
{
    (void)state;
    if (!lig_path_exists(SHARED)) {
        print_message("skipped: %s is not there\n", SHARED);
        skip();
    }
    FILE *file = fopen(SHARED "/cases.jsonl", "r");
    assert_non_null(file);
    char *line = NULL;
    size_t capacity = 0;
    size_t count = 0;
    for (; getline(&line, &capacity, file) > 0; count++) check_line(line);
    assert_int_equal(count, 84);
    free(line);
    fclose(file);
}

static const char smollm2[] =
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ "
    "'<|im_start|>system\nYou are "
    "a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + "
    "message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}{% endfor %}{% if "
    "add_generation_prompt %}{{ "
    "'<|im_start|>assistant\n' }}{% endif %}";

static void smollm2_template_renders(void **state)
{
    (void)state;
    check_source(
        smollm2,
        "{\"messages\":[{\"role\":\"user\",\"content\":\"Hi {{ x }}\"}],\"add_generation_prompt\":true}",
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging "
        "Face<|im_end|>\n<|im_start|>user\nHi {{ x }}<|im_end|>\n<|im_start|>assistant\n");
    check_source(smollm2, "{\"messages\":[{\"role\":\"system\",\"content\":\"S\"}]}",
                 "<|im_start|>system\nS<|im_end|>\n");
}

static void white_space_around_tags_follows_the_settings(void **state)
{
    (void)state;
    check_source("a\n  {% if true %}\n  b\n  {% endif %}\nc\n", "{}", "a\n  b\nc");
    check_source("a \n {%- if true -%} \n b {%+ endif +%}\nc", "{}", "ab \nc");
    check_source("  {{ 1 }}\n  {{- 2 -}}\n 3\n\n", "{}", "  123\n");
    check_source("x {# note #}\n  {# more #}\ny", "{}", "x y");
    check_source("x{# note -#}  y", "{}", "xy");
}

static void expressions_mean_what_they_mean_in_python(void **state)
{
    (void)state;
    check_source("{{ 1 + 2 * 3 ** 2 }} {{ 7 // -2 }} {{ -7 % 3 }} {{ 7 / 2 }} {{ 4 / 2 }}", "{}",
                 "19 -4 2 3.5 2.0");
    check_source("{{ 'a' ~ 1 ~ none }}{{ [1, 'b', 2.0, {'k': true}] }}", "{}",
                 "a1None[1, 'b', 2.0, {'k': True}]");
    check_source("{{ 'abc'[::-1] }}{{ 'h\xC3\xA9llo'[1:3] }}{{ [1,2,3][-1] }}{{ [1,2,3][5:] }}", "{}",
                 "cba\xC3\xA9l3[]");
    check_source("{{ 1 < 2 < 3 }}{{ 1 < 3 < 2 }}{{ 2 not in [1] }}{{ 'b' in 'abc' }}", "{}",
                 "TrueFalseTrueTrue");
    check_source("{{ x is defined }}{{ not x is defined }}{{ m.a is none }}{{ 3 is divisibleby 3 }}",
                 "{\"m\":{\"a\":null}}", "FalseTrueTrueTrue");
    check_source("{{ 'a' if false else 'b' }}{{ ('x' if false) is undefined }}{{ none or 'c' }}", "{}",
                 "bTruec");
    check_source("{{ 'a' 'b' }}{{ '\\x41\\u00e9\\n' | tojson }}", "{}", "ab\"A\xC3\xA9\\n\"");
    check_source("{{ m | tojson }}{{ m | tojson(indent=2) }}", "{\"m\":{\"a\":[1,\"<\"],\"b\":{}}}",
                 "{\"a\": [1, \"<\"], \"b\": {}}{\n  \"a\": [\n    1,\n    \"<\"\n  ],\n  \"b\": {}\n}");
    check_source(
        "{{ ' a,b , c '.strip().split(',') | map('trim') | join('|') }}{{ 'aXb' | replace('X', '-') | upper }}",
        "{}", "a|b|cA-B");
}

static void statements_scope_as_in_jinja(void **state)
{
    (void)state;
    check_source("{% set x = 1 %}{% for i in [1,2] %}{{ x }}{% set x = 9 %}{{ x }}{% endfor %}{{ x }}", "{}",
                 "19191");
    check_source(
        "{% set n = namespace(a=0) %}{% for i in range(3) %}{% set n.a = n.a + i %}{% endfor %}{{ n.a }}", "{}",
        "3");
    check_source("{% for i in range(9) if i % 2 %}{% if i == 5 %}{% break %}{% endif %}{{ i }}{{ loop.index }} "
                 "{% endfor %}",
                 "{}", "11 32 ");
    check_source(
        "{% for i in [] %}x{% else %}none{% endfor %}{% for k, v in m.items() %}{{ k }}={{ v }};{% endfor %}",
        "{\"m\":{\"a\":1,\"b\":2}}", "nonea=1;b=2;");
    check_source(
        "{% set t %}a{{ 1 }}{% endset %}[{{ t }}]{% if false %}1{% elif true %}2{% else %}3{% endif %}", "{}",
        "[a1]2");
}

static void errors_say_what_is_wrong(void **state)
{
    (void)state;
    check_source("{{ raise_exception('No.') }}", "{}", "!No.");
    check_source("{{ x.y }}", "{}", "!'x' is undefined");
    check_source("{{ 1 / 0 }}", "{}", "!division by zero");
    check_source("{{ 'a' + 1 }}", "{}", "!'+' does not work between 'str' and 'int'");
    check_source("{{ 1 | nofilter }}", "{}", "!the filter 'nofilter' is not supported");
    check_source("{% if x %}", "{}", "!chat template: expected endif, found 'the end'");
    check_source("{% macro f() %}{% endmacro %}", "{}",
                 "!chat template: the statement 'macro' is not supported here; supported: if, for, set, break, "
                 "continue, "
                 "generation");
    check_source("{{ 9223372036854775807 + 1 }}", "{}", "!a number does not fit 64 bits");
    check_source(
        "{% set n = namespace(x='abcdefgh') %}{% for i in range(100) %}{% set n.x = n.x + n.x %}{% endfor %}",
        "{}", "!the rendering needs more than 256 MiB");
}

static void errors_have_a_place(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    LigTemplate *t;
    assert_int_equal(lig_template_parse(ctx, "f.jinja", LIG_STR("a\nb {{ 1 + }}"), &t), LIG_ERR_PARSE);
    const LigDiagnostic *error = lig_context_diagnostic(ctx, 0);
    assert_string_equal(error->loc.file, "f.jinja");
    assert_int_equal(error->loc.line, 2);
    assert_int_equal(error->loc.column, 10);
    lig_context_destroy(ctx);
}

// Any text may come as a template: it parses or fails, and what parses renders or fails.
static void damaged_templates_do_no_harm(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    LigArena *arena = lig_arena_create();
    json_t *json = json_loads("{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}", 0, NULL);
    LigVariant variables = from_json(arena, json);
    char source[sizeof smollm2];
    static const char noise[] = "{}%#'\"[]().|-+ \n\\if";
    uint32_t random = 1;
    for (int round = 0; round < 3000; round++) {
        memcpy(source, smollm2, sizeof source);
        for (int i = 0; i < 3; i++) {
            random = random * 1664525 + 1013904223;
            source[(random >> 8) % (sizeof source - 1)] = noise[(random >> 3) % (sizeof noise - 1)];
        }
        random = random * 1664525 + 1013904223;
        size_t length = round % 3 == 0 ? (random >> 8) % sizeof source : sizeof source - 1;
        LigTemplate *t = NULL;
        LigText out = {0};
        if (lig_template_parse(ctx, NULL, (LigStr){source, length}, &t) == LIG_OK)
            (void)!lig_template_render(ctx, t, arena, &variables, &out);
        lig_text_free(&out);
        lig_template_destroy(t);
        lig_context_clear(ctx);
    }
    json_decref(json);
    lig_arena_destroy(arena);
    lig_context_destroy(ctx);
}

static void deep_nesting_is_refused(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    LigText source = {0};
    lig_text_append(&source, LIG_STR("{{ "));
    for (int i = 0; i < 100000; i++) lig_text_append_char(&source, '(');
    LigTemplate *t;
    assert_int_equal(lig_template_parse(ctx, NULL, lig_text_view(&source), &t), LIG_ERR_PARSE);
    lig_text_clear(&source);
    for (int i = 0; i < 100000; i++) lig_text_append(&source, LIG_STR("{% if 1 %}"));
    assert_int_equal(lig_template_parse(ctx, NULL, lig_text_view(&source), &t), LIG_ERR_PARSE);
    lig_text_free(&source);
    lig_context_destroy(ctx);
}

static void every_failing_allocation_is_reported(void **state)
{
    (void)state;
    json_t *json = json_loads("{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}", 0, NULL);
    bool done = false;
    for (uint64_t n = 1; !done && n < 10000; n++) {
        LigContext *ctx = lig_context_create();
        LigArena *variables_arena = lig_arena_create();
        LigVariant variables = from_json(variables_arena, json);
        LigTemplate *t = NULL;
        LigText out = {0};
        lig_alloc_fail_at(n);
        LigArena *arena = lig_arena_create();
        LigStatus status = arena ? lig_template_parse(ctx, NULL, LIG_STR(smollm2), &t) : LIG_ERR_NO_MEMORY;
        if (status == LIG_OK) status = lig_template_render(ctx, t, arena, &variables, &out);
        lig_alloc_fail_at(0);
        done = status == LIG_OK;
        if (!done) assert_int_equal(status, LIG_ERR_NO_MEMORY);
        lig_text_free(&out);
        lig_template_destroy(t);
        lig_arena_destroy(arena);
        lig_arena_destroy(variables_arena);
        lig_context_destroy(ctx);
    }
    assert_true(done);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seven_templates_render_as_jinja_does),
        cmocka_unit_test(smollm2_template_renders),
        cmocka_unit_test(white_space_around_tags_follows_the_settings),
        cmocka_unit_test(expressions_mean_what_they_mean_in_python),
        cmocka_unit_test(statements_scope_as_in_jinja),
        cmocka_unit_test(errors_say_what_is_wrong),
        cmocka_unit_test(errors_have_a_place),
        cmocka_unit_test(damaged_templates_do_no_harm),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(every_failing_allocation_is_reported),
    };
    return cmocka_run_group_tests_name("template", tests, NULL, NULL);
}

// Text: samples print as they are written, what is printed reads back, errors have exact places.
#include "ir/text.h"
#include "ir/base/alloc.h"
#include "ir/base/file.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static LigText print(const LigModule *module)
{
    LigText text = {0};
    lig_print_module(&text, module);
    assert_false(text.failed);
    return text;
}

// The module of `source` printed; the caller frees.
static LigText reprint(LigStr source)
{
    LigContext *ctx = lig_context_create();
    LigModule *module;
    LigStatus status = lig_parse_module(ctx, "a.lig", source, &module);
    if (status != LIG_OK) print_error("%s\n", lig_context_diagnostic(ctx, 0)->message);
    assert_int_equal(status, LIG_OK);
    LigText text = print(module);
    lig_module_destroy(module);
    lig_context_destroy(ctx);
    return text;
}

static void assert_prints(const char *source, const char *expected)
{
    LigText text = reprint(lig_str(source)), again = reprint(lig_text_view(&text));
    assert_string_equal(text.data, expected);
    assert_string_equal(again.data, expected);
    lig_text_free(&text);
    lig_text_free(&again);
}

static void samples_print_as_written(void **state)
{
    (void)state;
    static const char *const names[] = {"decoder", "planned"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[512];
        (void)snprintf(path, sizeof path, LIG_SOURCE_DIR "/tests/data/%s.lig", names[i]);
        LigContext *ctx = lig_context_create();
        LigMappedFile *file;
        assert_int_equal(lig_file_map(ctx, path, &file), LIG_OK);
        LigText text = reprint((LigStr){(const char *)file->data, file->size});
        assert_int_equal(text.length, file->size);
        assert_memory_equal(text.data, file->data, file->size);
        lig_text_free(&text);
        lig_file_unmap(file);
        lig_context_destroy(ctx);
    }
}

static void formats_free_text(void **state)
{
    (void)state;
    assert_prints("module \"m\" { # a comment\n"
                  " dim N in 1..0x10 dim M in 2..3 fact M<=N\n"
                  "param %w-1.x:f32[ (N+1)*2 , ceildiv(N,4) ]\n"
                  "state %s : bf16[]\n"
                  "func @f ( %x : f32 [N] )->f32[N]{%y=neg %x return %y}\n"
                  "load { %c = constant {values=[1,2]} : i32[2] }\n"
                  "}",
                  "module \"m\" {\n"
                  "  dim N in 1..16\n"
                  "  dim M in 2..3\n"
                  "  fact M <= N\n"
                  "  param %w-1.x : f32[2*N + 2,ceildiv(N, 4)]\n"
                  "  state %s : bf16[]\n"
                  "\n"
                  "  load {\n"
                  "    %c = constant {values=[1, 2]} : i32[2]\n"
                  "  }\n"
                  "\n"
                  "  func @f(%x: f32[N]) -> f32[N] {\n"
                  "    %y = neg %x : f32[N]\n"
                  "    return %y\n"
                  "  }\n"
                  "}\n");
}

static void strings_escape(void **state)
{
    (void)state;
    assert_prints("module \"a\\\"\\\\\\x01\\n\xc3\xa9\" {}", "module \"a\\\"\\\\\\x01\\x0a\xc3\xa9\" {\n}\n");
}

static void constants_are_shortest(void **state)
{
    (void)state;
    const char *text = "module \"m\" {\n"
                       "\n"
                       "  load {\n"
                       "    %a = constant {values=[0.1, -0, inf, -inf, nan, 1e-45, 3.4028235e+38]} : f32[7]\n"
                       "    %b = constant {values=[0.1, 6.1e-05, 3.14, 6.55e+04]} : f16[2,2]\n"
                       "    %c = constant {values=[0.1, 3.14, 1e+30]} : bf16[3]\n"
                       "    %d = constant {values=[0.1, 0.30000000000000004, 5e-324]} : f64[3]\n"
                       "    %e = constant {values=[-9223372036854775808, 9223372036854775807]} : i64[2]\n"
                       "    %f = constant {values=[1, 0]} : bool[2]\n"
                       "    %g = constant {values=[]} : u8[0]\n"
                       "    %h = constant {values=[-7]} : i8[]\n"
                       "  }\n"
                       "}\n";
    LigText once = reprint(lig_str(text));
    assert_string_equal(once.data, text);
    lig_text_free(&once);
}

// Random bit patterns of each float dtype come back bit for bit through text.
static void constants_keep_their_bits(void **state)
{
    (void)state;
    enum { COUNT = 300 };
    static const LigDtype dtypes[] = {LIG_F64, LIG_F32, LIG_F16, LIG_BF16};
    LigContext *ctx = lig_context_create();
    for (int d = 0; d < 4; d++) {
        LigModule *module, *back;
        LigFunc *load;
        LigOp *op;
        const int64_t sizes[] = {COUNT};
        uint64_t data[COUNT], seed = 3;
        assert_int_equal(lig_module_create(ctx, LIG_STR("m"), &module), LIG_OK);
        assert_int_equal(lig_module_add_func(module, LIG_FUNC_LOAD, LIG_STR(""), &load), LIG_OK);
        LigType type = lig_type_const(module->dims, dtypes[d], 1, sizes);
        LigShape shape;
        size_t bytes;
        assert_true(lig_type_bind(&type, NULL, &shape) && lig_shape_bytes(&shape, &bytes));
        for (int i = 0; i < COUNT; i++) data[i] = seed = seed * 6364136223846793005u + 1442695040888963407u;
        for (int i = 0; i < COUNT; i++) {
            if (isnan(lig_shape_get(&shape, data, i))) lig_shape_set(&shape, data, i, (double)i);
        }
        LigOpSpec spec = {.code = LIG_OP_CONSTANT, .name = LIG_STR("c"), .stated = &type};
        assert_int_equal(lig_op_create(module, load, &spec, &op), LIG_OK);
        op->results[0]->data = data;
        LigText text = print(module);
        assert_int_equal(lig_parse_module(ctx, "c.lig", lig_text_view(&text), &back), LIG_OK);
        assert_memory_equal(lig_module_find_value(back, LIG_STR("c"))->data, data, bytes);
        lig_text_free(&text);
        lig_module_destroy(back);
        lig_module_destroy(module);
    }
    lig_context_destroy(ctx);
}

typedef struct ErrorCase {
    const char *source;
    uint32_t line, column;
    const char *message;
} ErrorCase;

#define FUNC_OPEN "module \"m\" {\n  dim N in 1..9\n  func @f(%x: f32[N]) -> f32[N] {\n"
#define FUNC_CLOSE "\n  }\n}\n"

static const ErrorCase error_cases[] = {
    {"", 1, 1, "expected `module` as in `module \"name\" {`, but the text ends here"},
    {"module \"m\" {", 1, 13,
     "expected an item: stage, weights, dim, fact, param, state, load, kernel, func, variant or }, but the "
     "text ends "
     "here"},
    {"module \"m", 1, 8,
     "expected the module's name in quotes, but found a string that does not end on its line: close it by \""},
    {"module \"m\" {\n  parm %x : f32[1]\n}", 2, 3, "unknown item `parm`: did you mean `param`?"},
    {"module \"m\" {\n  dim N in 5..2\n}", 2, 7,
     "dim N in 5..2: the bounds must be 0 <= low <= high, like `dim N in 1..512`"},
    {"module \"m\" {\n  dim tile in 1..2\n}", 2, 7, "`tile` has another meaning: give this dim another name"},
    {"module \"m\" {\n  dim N in 1..2 fact N <= 0\n}", 2, 22,
     "this fact holds for no sizes inside the declared ranges: correct it, or widen a range"},
    {"module \"m\" {\n  param %x : f32[M]\n}", 2, 18,
     "unknown dim `M`: declare it above, like `dim N in 1..512`"},
    {"module \"m\" {\n  param %x : f33[1]\n}", 2, 14, "unknown dtype `f33`: did you mean `f32`?"},
    {"module \"m\" {\n  param %x : q4_0[33]\n}", 2, 14,
     "the last axis of q4_0 must be a multiple of its block of 32, but is 33: pad it, or state another dtype"},
    {"module \"m\" {\n  param %x : f32[4,6]@panel(n=16,k=4)\n}", 2, 22,
     "k of a panel must divide the last axis: state another layout, or none"},
    {"module \"m\" {\n  param %x : f32[1]\n  state %x : f32[1]\n}", 3, 9,
     "%x is defined already in line 2: give this one another name"},
    {"module \"m\" {\n  param %x : f32[010]\n}", 2, 18,
     "`010` is no integer of 64 bits: write it like 12 or 0x40"},
    {"module \"m\" {\n  param %x : f32[99999999999*99999999999]\n}", 2, 18,
     "this size does not fit: a number overflows 64 bits, or it has more than 64 terms, 8 factors or 16 "
     "choices; make it smaller, or declare a dim for a part"},
    {FUNC_OPEN "    %y = negg %x : f32[N]\n    return %y" FUNC_CLOSE, 4, 10,
     "unknown op `negg`: did you mean `neg`?"},
    {FUNC_OPEN "    %hidden = neg %x\n    %y = neg %hiden : f32[N]\n    return %y" FUNC_CLOSE, 5, 14,
     "unknown value `%hiden`: did you mean `%hidden`?"},
    {FUNC_OPEN "    %y = neg %z\n    %z = neg %x\n    return %y" FUNC_CLOSE, 4, 14,
     "unknown value `%z`: define it before its use"},
    {FUNC_OPEN "    %x = neg %x\n    return %x" FUNC_CLOSE, 4, 5,
     "%x is defined already in line 3: every value has one definition, choose another name"},
    {FUNC_OPEN "    %y = softmax %x {emty=zero}\n    return %y" FUNC_CLOSE, 4, 22,
     "unknown attribute `emty`: did you mean `empty`?"},
    {FUNC_OPEN "    %y = sum %x {axes=[0], keep, keep}\n    return %y" FUNC_CLOSE, 4, 34,
     "attribute `keep` stands here twice: drop one"},
    {FUNC_OPEN "    %y, %z = neg %x\n    return %y" FUNC_CLOSE, 4, 14,
     "neg gives 1 result, but 2 names are given: write 1"},
    {FUNC_OPEN "    %y = call @f(%x)\n    return %y" FUNC_CLOSE, 4, 15,
     "@f is no kernel: only kernels are called, make it one"},
    {FUNC_OPEN "    %c = constant {values=[1, 2]} : f32[3]\n    return %x" FUNC_CLOSE, 4, 20,
     "2 values are given, but its type has another number of elements: change one of the two"},
    {FUNC_OPEN "    %c = constant {values=[1, 300]} : u8[2]\n    return %x" FUNC_CLOSE, 4, 31,
     "300 does not fit u8: state a wider dtype, or another number"},
    {FUNC_OPEN "    %c = constant {values=[1]} : f32[9000000000000000000]\n    return %x" FUNC_CLOSE, 4, 20,
     "1 value is given, but its type has another number of elements: change one of the two"},
    {FUNC_OPEN "    %y = neg %x" FUNC_CLOSE, 5, 3,
     "@f ends here, but nothing is returned: write `return %y` of a value, or `return` alone, above"},
    {FUNC_OPEN "    return %x\n    %y = neg %x" FUNC_CLOSE, 5, 5,
     "nothing may follow return but }: move this up, or drop it"},
    {FUNC_OPEN "    return" FUNC_CLOSE, 3, 8,
     "@f states 1 result behind `->`, but returns 0: change one of the two"},
    {FUNC_OPEN "    %y = iota {axis=0} : i32[N]\n    return %y" FUNC_CLOSE, 3, 8,
     "@f states f32[N] as result 0, but returns %y: i32[N]; change one of the two"},
    {"module \"m\" {\n dim N in 1..4\n variant @a of @b {N = 5}() {\n return\n }\n}", 3, 20,
     "N is declared in 1..4: bind it inside of that"},
    {"module \"m\" {\n func @f() { return }\n func @f() { return }\n}", 3, 7,
     "@f is defined already: give this one another name"},
    {"module \"m\" {\n  \xc3\xa9\n}", 2, 3,
     "expected an item: stage, weights, dim, fact, param, state, load, kernel, func, variant or }, but found "
     "`\xc3\xa9`"},
};

static void errors_name_their_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof error_cases / sizeof *error_cases; i++) {
        const ErrorCase *c = &error_cases[i];
        LigContext *ctx = lig_context_create();
        LigModule *module;
        assert_int_not_equal(lig_parse_module(ctx, "e.lig", lig_str(c->source), &module), LIG_OK);
        const LigDiagnostic *d = lig_context_diagnostic(ctx, 0);
        assert_string_equal(d->message, c->message);
        assert_string_equal(d->loc.file, "e.lig");
        assert_int_equal(d->loc.line, c->line);
        assert_int_equal(d->loc.column, c->column);
        assert_int_equal(lig_context_diagnostic_count(ctx), 1);
        lig_context_destroy(ctx);
    }
}

static void goes_on_after_errors(void **state)
{
    (void)state;
    static const uint32_t lines[] = {2, 5, 7, 8, 13};
    const char *source = "module \"m\" {\n"
                         "  parm %x\n"
                         "  dim N in 1..4\n"
                         "  kernel @k(%x: f32[N]) -> f32[N] {\n"
                         "    %a = bogus %x : f32[N]\n"
                         "    %b = neg %a : f32[N]\n"
                         "    %c = neg %unknown : f32[N]\n"
                         "    %d = neg = %x\n"
                         "    return %b\n"
                         "  }\n"
                         "  func @f(%x: f32[N]) -> f32[N] {\n"
                         "    %y = call @k(%x) : f32[N]\n"
                         "    %z = ng %y : f32[N]\n"
                         "    return %y\n"
                         "  }\n"
                         "}\n";
    LigContext *ctx = lig_context_create();
    LigModule *module;
    assert_int_equal(lig_parse_module(ctx, "e.lig", lig_str(source), &module), LIG_ERR_PARSE);
    assert_int_equal(lig_context_diagnostic_count(ctx), sizeof lines / sizeof *lines);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_int_equal(lig_context_diagnostic(ctx, i)->loc.line, lines[i]);
    lig_context_destroy(ctx);
}

static void deep_nesting_is_an_error(void **state)
{
    (void)state;
    LigText text = {0};
    lig_text_append(&text, LIG_STR("module \"m\" { param %x : f32["));
    for (int i = 0; i < 100000; i++) lig_text_append_char(&text, '(');
    LigContext *ctx = lig_context_create();
    LigModule *module;
    assert_int_equal(lig_parse_module(ctx, "e.lig", lig_text_view(&text), &module), LIG_ERR_PARSE);
    assert_string_equal(lig_context_diagnostic(ctx, 0)->message,
                        "a size nests more than 32 parentheses: declare a dim for a part");
    lig_context_destroy(ctx);
    lig_text_free(&text);
}

// Whichever allocation fails, parsing gives an error or a module, and nothing leaks or crashes.
static void survives_failing_allocations(void **state)
{
    (void)state;
    const char *source =
        "module \"m\" {\n dim N in 1..4\n kernel @k(%x: f32[N,4]) -> f32[N,4] {tile=2} {\n"
        " %a = sum %x {axes=[1], keep} : f32[N,1]\n %y = add %a, %x : f32[N,4]\n return %y\n }\n}\n";
    for (uint64_t n = 1; n < 200; n++) {
        LigContext *ctx = lig_context_create();
        LigModule *module;
        lig_alloc_fail_at(n);
        LigStatus status = lig_parse_module(ctx, "e.lig", lig_str(source), &module);
        lig_alloc_fail_at(0);
        if (status == LIG_OK) lig_module_destroy(module);
        lig_context_destroy(ctx);
        if (status == LIG_OK) return;
        assert_int_equal(status, LIG_ERR_NO_MEMORY);
    }
    fail();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_print_as_written),
        cmocka_unit_test(formats_free_text),
        cmocka_unit_test(strings_escape),
        cmocka_unit_test(constants_are_shortest),
        cmocka_unit_test(constants_keep_their_bits),
        cmocka_unit_test(errors_name_their_place),
        cmocka_unit_test(goes_on_after_errors),
        cmocka_unit_test(deep_nesting_is_an_error),
        cmocka_unit_test(survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// Binding dims from the shapes of inputs.
#include "ir/bind.h"
#include "ir/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char source[] =
    "module \"m\" {\n"
    "  dim N in 1..512 dim R in 1..64 dim C in 1..99\n"
    "  fact R <= N\n"
    "  func @f(%x: f32[2*N,4], %start: i32[R + 1], %nr: f32[N*R]) -> f32[N*R] {\n"
    "    return %nr\n"
    "  }\n"
    "  variant @f.one of @f {N = 1, R in 1..4}(%x: f32[2*N,4], %start: i32[R + 1]) -> i32[R + 1] {\n"
    "    return %start\n"
    "  }\n"
    "}\n";

typedef struct Fixture {
    LigContext *ctx;
    LigModule *module;
    LigFunc *func, *variant;
    int64_t values[3];
} Fixture;

static Fixture open_fixture(void)
{
    Fixture f = {.ctx = lig_context_create()};
    assert_int_equal(lig_parse_module(f.ctx, "m.lig", lig_str(source), &f.module), LIG_OK);
    f.func = lig_module_find_func(f.module, LIG_STR("f"));
    f.variant = lig_module_find_func(f.module, LIG_STR("f.one"));
    return f;
}

static void close_fixture(Fixture *f)
{
    lig_module_destroy(f->module);
    lig_context_destroy(f->ctx);
}

static LigShape f32_matrix(int64_t a, int64_t b)
{
    return (LigShape){.dtype = LIG_F32, .rank = 2, .dims = {a, b}};
}
static LigShape vector(LigDtype dtype, int64_t n) { return (LigShape){.dtype = dtype, .rank = 1, .dims = {n}}; }

static void assert_fails(Fixture *f, const LigFunc *func, const LigShape *inputs, const char *message)
{
    lig_context_clear(f->ctx);
    assert_int_equal(lig_bind_dims(f->module, func, inputs, NULL, f->values), LIG_ERR_SHAPE);
    assert_string_equal(lig_context_diagnostic(f->ctx, 0)->message, message);
}

static void solves_sizes(void **state)
{
    (void)state;
    Fixture f = open_fixture();
    const LigShape inputs[] = {f32_matrix(10, 4), vector(LIG_I32, 4), vector(LIG_F32, 15)};
    const int64_t given[] = {-1, -1, 7};
    assert_int_equal(lig_bind_dims(f.module, f.func, inputs, given, f.values), LIG_OK);
    assert_int_equal(f.values[0], 5);
    assert_int_equal(f.values[1], 3);
    assert_int_equal(f.values[2], 7);
    assert_int_equal(lig_bind_dims(f.module, f.func, inputs, NULL, f.values), LIG_OK);
    assert_int_equal(f.values[2], -1);
    const LigShape one[] = {f32_matrix(2, 4), vector(LIG_I32, 2)};
    assert_int_equal(lig_bind_dims(f.module, f.variant, one, NULL, f.values), LIG_OK);
    close_fixture(&f);
}

static void names_what_does_not_fit(void **state)
{
    (void)state;
    Fixture f = open_fixture();
    LigShape inputs[] = {vector(LIG_F32, 10), vector(LIG_I32, 4), vector(LIG_F32, 15)};
    assert_fails(&f, f.func, inputs, "input %x of @f: it must be f32[2*N,4], but is given as f32[10]");
    inputs[0] = f32_matrix(11, 4);
    assert_fails(&f, f.func, inputs, "input %x of @f: axis 0 is 11, but must be 2*N = 10");
    inputs[2] = vector(LIG_F32, 16);
    assert_fails(&f, f.func, inputs,
                 "input %x of @f: axis 0 is 11, but must be 2*N, which has no whole solution");
    inputs[2] = vector(LIG_F32, 15);
    inputs[0] = f32_matrix(10, 5);
    assert_fails(&f, f.func, inputs, "input %x of @f: axis 1 is 5, but must be 4");
    inputs[0] = f32_matrix(10, 4);
    inputs[2] = vector(LIG_F32, 16);
    assert_fails(&f, f.func, inputs, "input %nr of @f: axis 0 is 16, but must be N*R = 15");
    inputs[1] = vector(LIG_I32, 7);
    inputs[2] = vector(LIG_F32, 30);
    assert_fails(&f, f.func, inputs, "@f: the fact R <= N does not hold for the sizes of these inputs");
    inputs[0] = f32_matrix(2000, 4);
    inputs[2] = vector(LIG_F32, 6000);
    assert_fails(&f, f.func, inputs, "@f: N is 1000 for these inputs, but must be in 1..512");
    close_fixture(&f);
}

static void variants_narrow(void **state)
{
    (void)state;
    Fixture f = open_fixture();
    LigShape inputs[] = {f32_matrix(4, 4), vector(LIG_I32, 2)};
    assert_fails(&f, f.variant, inputs, "input %x of @f.one: axis 0 is 4, but must be 2*N = 2");
    inputs[0] = f32_matrix(2, 4);
    inputs[1] = vector(LIG_I32, 6);
    assert_fails(&f, f.variant, inputs, "@f.one: R is 5 for these inputs, but must be in 1..4");
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(solves_sizes),
        cmocka_unit_test(names_what_does_not_fit),
        cmocka_unit_test(variants_narrow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

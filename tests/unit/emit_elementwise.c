// Elementwise kernels compiled, against the interpreter: broadcasts, dtypes, flat and by rows, ragged sizes.
#include "tests/numeric/kernel_case.h"

// `sizes` go into N one after another.
static void check_sizes(const char *text, double magnitude)
{
    static const int64_t sizes[] = {1, 2, 7, 17, 33};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        check_kernel((KernelCase){
            .text = text, .symbols = {sizes[i]}, .kind = COMPARE_ROW, .magnitude = magnitude, .in_place = -1});
}

static void flat_chains(void **state)
{
    (void)state;
    check_sizes("module \"t\" {\n  dim N in 1..64\n"
                "  kernel @k(%g: f32[N,37], %u: f32[N,37]) -> f32[N,37] {class=elementwise} {\n"
                "    %s = silu %g : f32[N,37]\n    %y = mul %s, %u : f32[N,37]\n    return %y\n  }\n}\n",
                0);
}

static void several_results(void **state)
{
    (void)state;
    check_sizes("module \"t\" {\n  dim N in 1..64\n"
                "  kernel @k(%x: f32[N,5], %y: f32[N,5]) -> f32[N,5], f32[N,5] {class=elementwise} {\n"
                "    %s = add %x, %y : f32[N,5]\n    %d = sub %x, %y : f32[N,5]\n    return %s, %d\n  }\n}\n",
                2);
}

static void broadcasts(void **state)
{
    (void)state;
    check_sizes(
        "module \"t\" {\n  dim N in 1..64\n"
        "  kernel @k(%x: f32[N,3,19], %b: f32[19], %c: f32[N,1,19], %d: f32[3,1], %s: f32[], %t: f32[1])\n"
        "      -> f32[N,3,19] {class=elementwise} {\n"
        "    %1 = add %x, %b : f32[N,3,19]\n    %2 = mul %1, %c : f32[N,3,19]\n"
        "    %3 = sub %2, %d : f32[N,3,19]\n    %4 = mul %3, %s : f32[N,3,19]\n"
        "    %5 = add %4, %t : f32[N,3,19]\n    return %5\n  }\n}\n",
        20);
}

static void reshapes_are_seen_through(void **state)
{
    (void)state;
    check_sizes("module \"t\" {\n  dim N in 1..64\n"
                "  kernel @k(%x: f32[N,24], %b: f32[24], %w: f32[8]) -> f32[N,3,8] {class=elementwise} {\n"
                "    %1 = add %x, %b : f32[N,24]\n    %2 = reshape %1 : f32[N,3,8]\n"
                "    %3 = mul %2, %w : f32[N,3,8]\n    return %3\n  }\n}\n",
                8);
}

static void narrow_floats_round_after_each_op(void **state)
{
    (void)state;
    static const char *const dtypes[] = {"bf16", "f16"};
    for (int i = 0; i < 2; i++) {
        char text[1024];
        case_text(text,
                  "module \"t\" {\n  dim N in 1..64\n  kernel @k(%x: $1[N,21], %y: $1[N,21]) -> $1[N,21] "
                  "{class=elementwise} {\n    %s = add %x, %y : $1[N,21]\n    %p = mul %s, %x : $1[N,21]\n"
                  "    return %p\n  }\n}\n",
                  dtypes[i], NULL);
        check_kernel((KernelCase){.text = text, .symbols = {13}, .kind = COMPARE_EXACT, .in_place = -1});
    }
}

static void check_unary(const char *op, const char *attrs, CompareKind kind, double magnitude)
{
    char text[1024], call[64];
    bool positive = !strcmp(op, "log") || strstr(op, "sqrt");
    (void)snprintf(call, sizeof call, "%s%s", positive ? "%a" : "%x", attrs);
    case_text(
        text,
        "module \"t\" {\n  dim N in 1..64\n  kernel @k(%x: f32[N,21]) -> f32[N,21] {class=elementwise} {\n"
        "    %a = abs %x : f32[N,21]\n    %y = $1 $2 : f32[N,21]\n    return %y\n  }\n}\n",
        op, call);
    check_kernel(
        (KernelCase){.text = text, .symbols = {9}, .kind = kind, .magnitude = magnitude, .in_place = -1});
}

static void unary_ops(void **state)
{
    (void)state;
    static const char *const exact[] = {"neg", "abs", "relu", "sqrt"};
    for (size_t i = 0; i < sizeof exact / sizeof *exact; i++) check_unary(exact[i], "", COMPARE_EXACT, 0);
    static const char *const close[] = {"exp", "log", "rsqrt", "tanh", "erf", "sin", "cos", "sigmoid", "silu"};
    for (size_t i = 0; i < sizeof close / sizeof *close; i++) check_unary(close[i], "", COMPARE_POINTWISE, 0);
    check_unary("gelu", " {form=erf}", COMPARE_POINTWISE, 1);
    check_unary("gelu", " {form=tanh}", COMPARE_POINTWISE, 1);
}

static void integers(void **state)
{
    (void)state;
    static const char *const dtypes[] = {"i64", "i32", "i8", "u8"};
    for (int i = 0; i < 4; i++) {
        char text[1024];
        case_text(text,
                  "module \"t\" {\n  dim N in 1..64\n  kernel @k(%x: $1[N,21], %y: $1[N,21]) -> $1[N,21] "
                  "{class=elementwise} {\n    %1 = add %x, %y : $1[N,21]\n    %2 = mul %1, %x : $1[N,21]\n"
                  "    %3 = div %2, %y : $1[N,21]\n    %4 = max %3, %x : $1[N,21]\n"
                  "    %5 = min %4, %2 : $1[N,21]\n    %6 = sub %5, %y : $1[N,21]\n    return %6\n  "
                  "}\n}\n",
                  dtypes[i], NULL);
        check_kernel((KernelCase){.text = text, .symbols = {5}, .kind = COMPARE_EXACT, .in_place = -1});
    }
}

// The lowest number, -1, 0, 1 and others, each by each.
static void fill_divisions(size_t operand, const LigShape *shape, void *data)
{
    int64_t lowest = shape->dtype == LIG_I64   ? INT64_MIN
                     : shape->dtype == LIG_I32 ? INT32_MIN
                     : shape->dtype == LIG_I8  ? INT8_MIN
                                               : 128;
    const int64_t values[] = {lowest, shape->dtype == LIG_U8 ? 255 : -1, 0, 1, 7, 100, lowest + 1};
    for (int64_t i = 0; i < 49; i++) lig_shape_set_integer(shape, data, i, values[operand ? i % 7 : i / 7]);
}

// Division by zero, and of the lowest number by -1, does not trap: the interpreter tells what it gives.
static void division_of_integers_is_total(void **state)
{
    (void)state;
    static const char *const dtypes[] = {"i64", "i32", "i8", "u8"};
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
        char text[1024];
        case_text(text,
                  "module \"t\" {\n  kernel @k(%x: $1[49], %y: $1[49]) -> $1[49] {class=elementwise} {\n"
                  "    %z = div %x, %y : $1[49]\n    return %z\n  }\n}\n",
                  dtypes[i], NULL);
        check_kernel((KernelCase){.text = text, .kind = COMPARE_EXACT, .fill = fill_divisions, .in_place = -1});
    }
}

static void casts(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"f32", "bf16"}, {"f32", "f16"},  {"bf16", "f32"}, {"f32", "i32"},
                                           {"i32", "f32"},  {"f16", "bf16"}, {"f64", "f32"},  {"f32", "f64"},
                                           {"u8", "f32"},   {"i8", "bf16"},  {"i64", "i32"},  {"i32", "i64"},
                                           {"f32", "i8"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char text[1024];
        case_text(text,
                  "module \"t\" {\n  dim N in 1..64\n  kernel @k(%x: $1[N,21]) -> $2[N,21] "
                  "{class=elementwise} {\n"
                  "    %y = cast %x : $2[N,21]\n    return %y\n  }\n}\n",
                  pairs[i][0], pairs[i][1]);
        check_kernel((KernelCase){.text = text, .symbols = {5}, .kind = COMPARE_EXACT, .in_place = -1});
    }
}

static void fill_specials(size_t operand, const LigShape *shape, void *data)
{
    static const double values[] = {(double)NAN, (double)INFINITY, -(double)INFINITY, 0.0, -0.0, 1.0, -1.0,
                                    1e30};
    for (int64_t i = 0; i < 64; i++) lig_shape_set(shape, data, i, values[operand ? i % 8 : i / 8]);
}

static void not_finite_numbers(void **state)
{
    (void)state;
    static const char *const ops[] = {"add", "sub", "mul", "div", "max", "min"};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        char text[1024];
        case_text(text,
                  "module \"t\" {\n  kernel @k(%x: f32[64], %y: f32[64]) -> f32[64] {class=elementwise} {\n"
                  "    %z = $1 %x, %y : f32[64]\n    return %z\n  }\n}\n",
                  ops[i], NULL);
        check_kernel((KernelCase){.text = text, .kind = COMPARE_EXACT, .fill = fill_specials, .in_place = -1});
    }
}

// Values x of every kind as the only operand.
static void not_finite_arguments(void **state)
{
    (void)state;
    static const char *const ops[][2] = {{"gelu", "{form=erf}"},
                                         {"gelu", "{form=tanh}"},
                                         {"silu", ""},
                                         {"sigmoid", ""},
                                         {"exp", ""},
                                         {"tanh", ""},
                                         {"relu", ""},
                                         {"abs", ""}};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        char text[1024];
        case_text(text,
                  "module \"t\" {\n  kernel @k(%x: f32[64]) -> f32[64] {class=elementwise} {\n"
                  "    %z = $1 %x $2 : f32[64]\n    return %z\n  }\n}\n",
                  ops[i][0], ops[i][1]);
        check_kernel(
            (KernelCase){.text = text, .kind = COMPARE_POINTWISE, .fill = fill_specials, .in_place = -1});
    }
}

static void refuses(void **state)
{
    (void)state;
    KernelCase c = {.text = "module \"t\" {\n  kernel @k(%x: f32[4]) -> f32[4] {class=elementwise} {\n"
                            "    %y = softmax %x : f32[4]\n    return %y\n  }\n}\n",
                    .in_place = -1};
    KernelRun run = kernel_run_begin(&c);
    LigTarget target;
    CASE_OK(&run, lig_target_find(run.ctx, "x86-64", &target));
    assert_int_equal(lig_schedule_module(run.module, &(LigScheduleOptions){.target = &target}),
                     LIG_ERR_UNSUPPORTED);
    assert_non_null(strstr(lig_context_diagnostic(run.ctx, 0)->message, "@k: softmax"));
    kernel_run_end(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flat_chains),
        cmocka_unit_test(several_results),
        cmocka_unit_test(broadcasts),
        cmocka_unit_test(reshapes_are_seen_through),
        cmocka_unit_test(narrow_floats_round_after_each_op),
        cmocka_unit_test(unary_ops),
        cmocka_unit_test(integers),
        cmocka_unit_test(division_of_integers_is_total),
        cmocka_unit_test(casts),
        cmocka_unit_test(not_finite_numbers),
        cmocka_unit_test(not_finite_arguments),
        cmocka_unit_test(refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// Gather kernels compiled, against the interpreter: every stored type, in the file's form and in panels.
#include "tests/numeric/kernel_case.h"

static const int32_t ids[] = {36, 0, 5, 5, 31, 32, 17, 1};

static void check_table(const char *table, const char *result, const char *ops)
{
    char text[1024], operands[256];
    (void)snprintf(operands, sizeof operands, "%%t: %s, %%i: i32[N]) -> %s", table, result);
    case_text(text,
              "module \"t\" {\n  dim N in 1..64\n  kernel @k($1 {class=gather} {\n"
              "    %g = gather %t, %i {axis=0} : $2\n  }\n}\n",
              operands, result);
    char *end = strstr(text, "  }\n}\n");
    (void)snprintf(end, sizeof text - (size_t)(end - text), "%s  }\n}\n", ops);
    for (int64_t n = 1; n <= 8; n += 7)
        check_kernel((KernelCase){
            .text = text, .symbols = {n}, .integers = {NULL, ids}, .kind = COMPARE_EXACT, .in_place = -1});
}

static void tables(void **state)
{
    (void)state;
    static const char *const dtypes[] = {"q8_0", "q4_0", "q4_1", "f32", "bf16", "f16"};
    static const char *const layouts[] = {"", "@panel(n=16,k=32)", "@panel(n=32,k=32)"};
    for (size_t d = 0; d < sizeof dtypes / sizeof *dtypes; d++) {
        for (size_t l = 0; l < sizeof layouts / sizeof *layouts; l++) {
            char table[64], result[64];
            (void)snprintf(table, sizeof table, "%s[37,96]%s", dtypes[d], layouts[l]);
            (void)snprintf(result, sizeof result, "%s[N,96]", d < 3 ? "f32" : dtypes[d]);
            check_table(table, result, "    return %g\n");
        }
    }
}

static void plain_panels_of_one_column(void **state)
{
    (void)state;
    check_table("f32[37,19]@panel(n=16,k=1)", "f32[N,19]", "    return %g\n");
    check_table("bf16[37,38]@panel(n=32,k=2)", "bf16[N,38]", "    return %g\n");
}

static void slices_and_activations(void **state)
{
    (void)state;
    check_table("f32[37,3,5]", "f32[N,3,5]", "    return %g\n");
    check_table("f32[37,21]", "f32[N,21]", "    %s = add %g, %g : f32[N,21]\n    return %s\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables),
        cmocka_unit_test(plain_panels_of_one_column),
        cmocka_unit_test(slices_and_activations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

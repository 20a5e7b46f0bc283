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

static void check_layouts(const char *dtype, const char *result, int columns, int k)
{
    static const int ns[] = {0, 16, 32};
    for (size_t l = 0; l < sizeof ns / sizeof *ns; l++) {
        char table[64], layout[32] = "", out[64];
        if (ns[l]) (void)snprintf(layout, sizeof layout, "@panel(n=%d,k=%d)", ns[l], k);
        (void)snprintf(table, sizeof table, "%s[37,%d]%s", dtype, columns, layout);
        (void)snprintf(out, sizeof out, "%s[N,%d]", result, columns);
        check_table(table, out, "    return %g\n");
    }
}

static void tables(void **state)
{
    (void)state;
    static const char *const plain[] = {"f32", "bf16", "f16"};
    for (size_t d = 0; d < sizeof plain / sizeof *plain; d++) check_layouts(plain[d], plain[d], 96, 32);
}

static void quantised_tables(void **state)
{
    (void)state;
    for (int d = 0; d < LIG_DTYPE_COUNT; d++) {
        if (!lig_dtype_is_quantised((LigDtype)d) || d == LIG_Q8A) continue;
        const int block = (int)lig_dtype_block((LigDtype)d);
        check_layouts(lig_dtype_name((LigDtype)d), "f32", 3 * block, block);
        check_layouts(lig_dtype_name((LigDtype)d), "f32", block, block);
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
        cmocka_unit_test(quantised_tables),
        cmocka_unit_test(plain_panels_of_one_column),
        cmocka_unit_test(slices_and_activations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// Row kernels compiled, against the interpreter: norms, softmax and rope with producers and consumers.
#include "tests/numeric/kernel_case.h"

static void check_rows(const char *pattern, const char *dtype, double magnitude)
{
    static const char *const widths[] = {"1", "3", "16", "17", "64", "97"};
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        char text[1024];
        case_text(text, pattern, widths[i], dtype);
        for (int64_t n = 1; n < 40; n += 12)
            check_kernel((KernelCase){
                .text = text, .symbols = {n}, .kind = COMPARE_ROW, .magnitude = magnitude, .in_place = -1});
    }
}

static void rms_norms(void **state)
{
    (void)state;
    const char *pattern = "module \"t\" {\n  dim N in 1..64\n"
                          "  kernel @k(%x: $2[N,$1], %w: f32[$1]) -> $2[N,$1] {class=row} {\n"
                          "    %y = rms_norm %x, %w {eps=1e-5} : $2[N,$1]\n    return %y\n  }\n}\n";
    check_rows(pattern, "f32", 0);
    check_rows(pattern, "bf16", 0);
    check_rows("module \"t\" {\n  dim N in 1..64\n"
               "  kernel @k(%x: $2[N,$1], %w: f32[$1]) -> $2[N,$1] {class=row} {\n"
               "    %y = rms_norm %x, %w {eps=1e-5, unit_offset} : $2[N,$1]\n    return %y\n  }\n}\n",
               "f32", 0);
}

static void residual_and_norm(void **state)
{
    (void)state;
    check_rows("module \"t\" {\n  dim N in 1..64\n"
               "  kernel @k(%x: $2[N,$1], %r: $2[N,$1], %w: f32[$1]) -> $2[N,$1], $2[N,$1] {class=row} {\n"
               "    %s = add %x, %r : $2[N,$1]\n    %y = rms_norm %s, %w {eps=1e-5} : $2[N,$1]\n"
               "    return %s, %y\n  }\n}\n",
               "f32", 4);
}

static void layer_norms(void **state)
{
    (void)state;
    check_rows("module \"t\" {\n  dim N in 1..64\n"
               "  kernel @k(%x: $2[N,$1], %w: f32[$1], %b: f32[$1]) -> $2[N,$1] {class=row} {\n"
               "    %y = layer_norm %x, %w, %b {eps=1e-3} : $2[N,$1]\n    return %y\n  }\n}\n",
               "f32", 16);
    check_rows("module \"t\" {\n  dim N in 1..64\n"
               "  kernel @k(%x: $2[N,$1], %w: f32[$1]) -> $2[N,$1] {class=row} {\n"
               "    %y = layer_norm %x, %w {eps=1e-3} : $2[N,$1]\n    return %y\n  }\n}\n",
               "f32", 16);
}

static void softmaxes(void **state)
{
    (void)state;
    check_rows(
        "module \"t\" {\n  dim N in 1..64\n"
        "  kernel @k(%x: $2[N,$1], %m: $2[N,$1]) -> $2[N,$1] {class=row} {\n"
        "    %s = mul %x, %m : $2[N,$1]\n    %p = softmax %s : $2[N,$1]\n    %y = mul %p, %m : $2[N,$1]\n"
        "    return %y\n  }\n}\n",
        "f32", 1);
}

static void fill_hidden(size_t operand, const LigShape *shape, void *data)
{
    (void)operand;
    for (int64_t i = 0; i < 5 * 19; i++) {
        bool hidden = i / 19 == 3 || (i / 19 == 2 && i % 19 > 4);
        if (hidden) lig_shape_set(shape, data, i, -(double)INFINITY);
    }
}

static void rows_without_entries(void **state)
{
    (void)state;
    static const char *const attrs[] = {"", "{empty=zero}"};
    for (int i = 0; i < 2; i++) {
        char text[1024];
        case_text(text,
                  "module \"t\" {\n  dim N in 1..64\n  kernel @k(%x: f32[N,19]) -> f32[N,19] {class=row} {\n"
                  "    %p = softmax %x $1 : f32[N,19]\n    return %p\n  }\n}\n",
                  attrs[i], NULL);
        check_kernel((KernelCase){.text = text,
                                  .symbols = {5},
                                  .kind = COMPARE_ROW,
                                  .magnitude = 1,
                                  .fill = fill_hidden,
                                  .in_place = -1});
    }
}

static void check_rope(const char *pairs, const char *types, double magnitude)
{
    char text[1024];
    case_text(
        text,
        "module \"t\" {\n  dim N in 1..64\n  kernel @k(%x: $2, %pos: i32[N], %f: f32[FF]) -> $2 {class=row} {\n"
        "    %y = rope %x, %pos, %f {pairs=$1} : $2\n    return %y\n  }\n}\n",
        pairs, types);
    char *place = strstr(text, "FF");
    static const char *const counts[] = {"32", " 8", " 5", " 1"};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        memcpy(place, counts[i], 2);
        for (int64_t n = 1; n < 20; n += 9)
            check_kernel((KernelCase){
                .text = text, .symbols = {n}, .kind = COMPARE_ROW, .magnitude = magnitude, .in_place = -1});
    }
}

static void ropes(void **state)
{
    (void)state;
    check_rope("adjacent", "f32[N,3,64]", 3);
    check_rope("half", "f32[N,3,64]", 3);
    check_rope("adjacent", "f32[N,1,70]", 3);
    check_rope("half", "f32[N,2,70]", 3);
    check_rope("half", "bf16[N,2,64]", 3);
}

static void rope_behind_reshape_and_norm(void **state)
{
    (void)state;
    static const char *const pairs[] = {"adjacent", "half"};
    for (int i = 0; i < 2; i++) {
        char text[1024];
        case_text(text,
                  "module \"t\" {\n  dim N in 1..64\n"
                  "  kernel @k(%x: f32[N,96], %b: f32[96], %w: f32[32], %pos: i32[N], %f: f32[16]) -> "
                  "f32[N,3,32] {class=row} {\n"
                  "    %1 = add %x, %b : f32[N,96]\n    %2 = reshape %1 : f32[N,3,32]\n"
                  "    %3 = rms_norm %2, %w {eps=1e-6} : f32[N,3,32]\n"
                  "    %4 = rope %3, %pos, %f {pairs=$1} : f32[N,3,32]\n    %5 = mul %4, %w : f32[N,3,32]\n"
                  "    return %5\n  }\n}\n",
                  pairs[i], NULL);
        check_kernel(
            (KernelCase){.text = text, .symbols = {7}, .kind = COMPARE_ROW, .magnitude = 8, .in_place = -1});
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rms_norms),
        cmocka_unit_test(residual_and_norm),
        cmocka_unit_test(layer_norms),
        cmocka_unit_test(softmaxes),
        cmocka_unit_test(rows_without_entries),
        cmocka_unit_test(ropes),
        cmocka_unit_test(rope_behind_reshape_and_norm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

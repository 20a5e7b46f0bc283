// Move kernels compiled, against the interpreter: views made real, reductions, and appends to caches.
#include "tests/numeric/kernel_case.h"

static void check_op(const char *operands, const char *call, CompareKind kind)
{
    char text[1024];
    case_text(
        text,
        "module \"t\" {\n  dim N in 1..64\n  kernel @k($1 {class=move} {\n    %y = $2\n    return %y\n  }\n}\n",
        operands, call);
    for (int64_t n = 1; n < 30; n += 9)
        check_kernel((KernelCase){.text = text, .symbols = {n}, .kind = kind, .magnitude = 32, .in_place = -1});
}

static void moves(void **state)
{
    (void)state;
    check_op("%x: f32[N,3,5]) -> f32[5,N,3]", "transpose %x {perm=[2,0,1]} : f32[5,N,3]", COMPARE_EXACT);
    check_op("%x: bf16[N,3,5]) -> bf16[3,N,5]", "transpose %x {perm=[1,0,2]} : bf16[3,N,5]", COMPARE_EXACT);
    check_op("%x: f32[N,9]) -> f32[N,3]", "slice %x {axis=1, begin=1, end=8, step=3} : f32[N,3]",
             COMPARE_EXACT);
    check_op("%x: i64[N,9]) -> i64[N,7]", "slice %x {axis=-1, begin=1, end=-1} : i64[N,7]", COMPARE_EXACT);
    check_op("%x: i8[N,1,3]) -> i8[2,N,4,3]", "broadcast %x : i8[2,N,4,3]", COMPARE_EXACT);
    check_op("%x: f32[N,6]) -> f32[N,2,3]", "reshape %x : f32[N,2,3]", COMPARE_EXACT);
    check_op("%x: f32[N,2], %y2: f32[N,5], %z: f32[N,1]) -> f32[N,8]", "concat %x, %y2, %z {axis=1} : f32[N,8]",
             COMPARE_EXACT);
    check_op("%x: f32[N,3]) -> f32[N+N,3]", "concat %x, %x {axis=0} : f32[2*N,3]", COMPARE_EXACT);
    check_op(") -> i32[4,N,2]", "iota {axis=1} : i32[4,N,2]", COMPARE_EXACT);
    check_op(") -> f32[4,N]", "iota {axis=-1} : f32[4,N]", COMPARE_EXACT);
}

static void reductions(void **state)
{
    (void)state;
    check_op("%x: f32[N,3,5]) -> f32[3]", "sum %x {axes=[0,2]} : f32[3]", COMPARE_ROW);
    check_op("%x: f32[N,7]) -> f32[N,1]", "sum %x {axes=[-1], keep} : f32[N,1]", COMPARE_ROW);
    check_op("%x: i32[N,7]) -> i32[7]", "sum %x {axes=[0]} : i32[7]", COMPARE_EXACT);
    check_op("%x: f32[N,7]) -> f32[N]", "reduce_max %x {axes=[1]} : f32[N]", COMPARE_EXACT);
    check_op("%x: i8[N,7]) -> i8[7]", "reduce_max %x {axes=[0]} : i8[7]", COMPARE_EXACT);
}

// Three rows of 2, 0 and 4 tokens, and one token of no row.
static const int32_t slot[] = {2, 0, 1}, start[] = {0, 2, 2, 6}, pos[] = {17, 18, 0, 1, 2, 33, 5};

static void appends(void **state)
{
    (void)state;
    static const char *const caches[] = {"f32[3,2,C,6]", "bf16[3,2,C,6]@panel(n=16,k=1)",
                                         "f16[3,2,C,6]@panel(n=32,k=2)"};
    for (size_t i = 0; i < sizeof caches / sizeof *caches; i++) {
        char text[1024];
        case_text(text,
                  "module \"t\" {\n  dim N in 1..64  dim R in 1..8  dim C in 1..64\n"
                  "  kernel @k(%s: $1, %x: f32[N,2,6], %slot: i32[R], %start: i32[R+1], %pos: i32[N]) -> $1 "
                  "{class=move} {\n"
                  "    %y = append %s, %x, %slot, %start, %pos : $1\n    return %y\n  }\n}\n",
                  caches[i], NULL);
        check_kernel((KernelCase){.text = text,
                                  .symbols = {7, 3, 37},
                                  .integers = {NULL, NULL, slot, start, pos},
                                  .kind = COMPARE_EXACT,
                                  .in_place = 0});
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moves),
        cmocka_unit_test(reductions),
        cmocka_unit_test(appends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

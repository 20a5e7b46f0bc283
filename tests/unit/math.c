// The elementary functions that codegen emits, over the whole range of floats, against double-precision libm.
#include "codegen/math.h"
#include "codegen/code.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LANES = 16, STRIDE = 4099 };

typedef LLVMValueRef (*EmitFn)(LigEmitter *, LLVMValueRef);
typedef void (*VectorFn)(const float *in, float *out);

static double exact_rsqrt(double x) { return 1 / sqrt(x); }
static double exact_sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double exact_silu(double x) { return x < -1000 ? -0.0 : x / (1 + exp(-x)); }

typedef struct Case {
    const char *name;
    EmitFn emit;
    double (*exact)(double);
    double bound_ulp;
    double low, high; // where the bound in ulp holds
    double slack;     // absolute error allowed beside it
} Case;

static const Case cases[] = {
    {"exp", lig_emit_exp, exp, 1.5, -HUGE_VAL, HUGE_VAL, 0},
    {"exp2", lig_emit_exp2, exp2, 3, -126, 127, 0},
    {"log", lig_emit_log, log, 1.5, -HUGE_VAL, HUGE_VAL, 0},
    {"tanh", lig_emit_tanh, tanh, 2, -HUGE_VAL, HUGE_VAL, 0},
    {"erf", lig_emit_erf, erf, 2, -HUGE_VAL, HUGE_VAL, 0},
    {"rsqrt", lig_emit_rsqrt, exact_rsqrt, 1.5, -HUGE_VAL, HUGE_VAL, 0},
    {"sin", lig_emit_sin, sin, 1, -0x1p20, 0x1p20, 0},
    {"cos", lig_emit_cos, cos, 1, -0x1p20, 0x1p20, 0},
    {"sigmoid", lig_emit_sigmoid, exact_sigmoid, 3, -HUGE_VAL, HUGE_VAL, 0},
    {"silu", lig_emit_silu, exact_silu, 4, -HUGE_VAL, HUGE_VAL, 0x1p-142},
};

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

// Distance in units of the last place of the float nearest to `want`.
static double ulps(float got, double want)
{
    if (isnan(want)) return isnan(got) ? 0 : HUGE_VAL;
    float nearest = (float)want;
    if (isinf(nearest) || isinf(got))
        return got == nearest ? 0 : isinf(got) || fabsf(got) > 3.4028e38f ? 1 : HUGE_VAL;
    int exponent;
    frexp(want, &exponent);
    if (exponent < -125) exponent = -125;
    return fabs((double)got - want) / ldexp(1, exponent - 24);
}

static VectorFn compile(LigContext *ctx, const LigTarget *target, const Case *c, LigCode *code)
{
    LigEmitter *e;
    LigObject object;
    LigCompileTimes times = {0};
    assert_int_equal(lig_emitter_create(ctx, target, c->name, &e), LIG_OK);
    LLVMValueRef f = lig_emit_function(e, "f", e->nothing, (LLVMTypeRef[]){e->ptr, e->ptr}, 2);
    LLVMValueRef x = lig_emit_load(e, lig_lanes(e->f32, LANES), LLVMGetParam(f, 0), 4);
    lig_emit_store(e, c->emit(e, x), LLVMGetParam(f, 1), 4);
    LLVMBuildRetVoid(e->builder);
    assert_int_equal(lig_emitter_compile(e, &object, &times), LIG_OK);
    lig_emitter_destroy(e);
    const char *problem;
    if (lig_code_load(object, "f", code, &problem) != LIG_OK) fail_msg("%s", problem);
    lig_object_free(&object);
    return (VectorFn)(uintptr_t)code->entry;
}

static double error_of(const Case *c, float x, float got)
{
    double want = c->exact((double)x);
    if (c->emit == lig_emit_exp2 && (double)x > c->high) return 0; // not promised
    if (c->emit == lig_emit_exp2 && (double)x < c->low && got >= 0) return got <= 0x1p-126f ? 0 : HUGE_VAL;
    if (!isnan(x) && ((double)x < c->low || (double)x > c->high)) { // only sane
        if (isinf(x)) return isnan(got) ? 0 : HUGE_VAL;
        double allowed = fabsf(x) <= 0x1p50f ? fabs((double)x) * 0x1p-52 + 1e-7 : 2;
        return fabsf(got) <= 1 && fabs((double)got - want) <= allowed ? 0 : HUGE_VAL;
    }
    if (x == 0 && want == 0 && signbit(got) != signbit(x)) return HUGE_VAL;
    if (c->slack > 0 && x < -86 && fabs((double)got - want) <= c->slack) return 0;
    return ulps(got, want);
}

static void sweep(VectorFn f, const Case *c, const char *target)
{
    double worst = 0;
    float worst_at = 0;
    float in[LANES], out[LANES];
    for (uint64_t bits = 0; bits <= UINT32_MAX; bits += (uint64_t)STRIDE * LANES) {
        for (uint32_t i = 0; i < LANES; i++) in[i] = float_of((uint32_t)(bits + (uint64_t)i * STRIDE));
        if (bits == 0) in[1] = -0.0f, in[2] = INFINITY, in[3] = -INFINITY, in[4] = NAN, in[5] = 0x1p-149f;
        f(in, out);
        for (int i = 0; i < LANES; i++) {
            double error = error_of(c, in[i], out[i]);
            if (error > worst) worst = error, worst_at = in[i];
        }
    }
    print_message("%-9s %-8s %.3f ulp at %a\n", target, c->name, worst, (double)worst_at);
    if (worst > c->bound_ulp) fail_msg("%s for %s: %g ulp at %a", c->name, target, worst, (double)worst_at);
}

static void check_target(const char *name)
{
    LigContext *ctx = lig_context_create();
    static LigTarget target;
    assert_int_equal(lig_target_find(ctx, name, &target), LIG_OK);
    if (lig_target_check_runs(ctx, &target) != LIG_OK) {
        print_message("%s\n", lig_context_diagnostic(ctx, 0)->message);
        lig_context_destroy(ctx);
        skip();
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        LigCode code;
        VectorFn f = compile(ctx, &target, &cases[i], &code);
        sweep(f, &cases[i], name);
        lig_code_unload(&code);
    }
    lig_context_destroy(ctx);
}

static void native_is_within_bounds(void **state) { (void)state, check_target("native"); }
static void v4_is_within_bounds(void **state) { (void)state, check_target("x86-64-v4"); }
static void v3_is_within_bounds(void **state) { (void)state, check_target("x86-64-v3"); }
static void baseline_is_within_bounds(void **state) { (void)state, check_target("x86-64"); }

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(native_is_within_bounds),
        cmocka_unit_test(v4_is_within_bounds),
        cmocka_unit_test(v3_is_within_bounds),
        cmocka_unit_test(baseline_is_within_bounds),
    };
    return cmocka_run_group_tests_name("math", tests, NULL, NULL);
}

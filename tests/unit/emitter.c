// Functions built with the emitter's helpers, compiled, linked and called.
#include "codegen/code.h"
#include "codegen/llvm.h"

#include <llvm-c/TargetMachine.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const target_names[] = {"x86-64", "x86-64-v3", "x86-64-v4", "native"};

static LigStatus finish(LigEmitter *e, LigCode *code)
{
    LigObject object;
    LigCompileTimes times = {0};
    LigStatus status = lig_emitter_compile(e, &object, &times);
    lig_emitter_destroy(e);
    if (status != LIG_OK) return status;
    assert_true(times.build_ns > 0 && times.verify_ns > 0 && times.codegen_ns > 0);
    const char *problem;
    status = lig_code_load(object, "f", code, &problem);
    lig_object_free(&object);
    return status;
}

// f(ptr x, i64 n) -> f32: the sum of x, by vectors, the tail masked.
static void emit_sum(LigEmitter *e)
{
    int lanes = lig_target_f32_lanes(e->target);
    LLVMTypeRef vector = lig_lanes(e->f32, lanes);
    LLVMValueRef f = lig_emit_function(e, "f", e->f32, (LLVMTypeRef[]){e->ptr, e->i64}, 2);
    LLVMValueRef n = LLVMGetParam(f, 1), zero = LLVMConstNull(vector);
    LigLoop loop;
    lig_loop_begin(e, &loop, (LigRange){lig_i64(e, 0), n, lig_i64(e, lanes)}, &zero, 1);
    LLVMValueRef bytes = LLVMBuildMul(e->builder, loop.index, lig_i64(e, 4), "");
    LLVMValueRef mask = lig_emit_tail_mask(e, lanes, LLVMBuildSub(e->builder, n, loop.index, ""));
    LLVMValueRef x = lig_emit_load_masked(e, vector, lig_emit_offset(e, LLVMGetParam(f, 0), bytes), mask);
    LLVMValueRef next = lig_emit_fma(e, x, lig_float_like(vector, 1), loop.carried[0]);
    lig_loop_end(e, &loop, &next);
    LLVMBuildRet(e->builder, lig_emit_sum_lanes(e, loop.carried[0]));
}

static void loops_and_tails_sum(void **state)
{
    (void)state;
    static LigTarget target;
    float x[100];
    for (int i = 0; i < 100; i++) x[i] = (float)i;
    LigContext *ctx = lig_context_create();
    for (size_t t = 0; t < sizeof target_names / sizeof *target_names; t++) {
        assert_int_equal(lig_target_find(ctx, target_names[t], &target), LIG_OK);
        if (lig_target_check_runs(ctx, &target) != LIG_OK) continue;
        LigEmitter *e;
        LigCode code;
        assert_int_equal(lig_emitter_create(ctx, &target, "sum", &e), LIG_OK);
        emit_sum(e);
        assert_int_equal(finish(e, &code), LIG_OK);
        float (*sum)(const float *, int64_t) = (float (*)(const float *, int64_t))(uintptr_t)code.entry;
        for (int n = 0; n < 100; n++) assert_true(sum(x, n) == 0.5F * (float)(n * (n - 1)));
        lig_code_unload(&code);
    }
    lig_context_destroy(ctx);
}

// f(ptr in, ptr out): the 16 halves of `in` to floats and back, and those floats to bf16 behind.
static void emit_halves(LigEmitter *e)
{
    LLVMValueRef f = lig_emit_function(e, "f", e->nothing, (LLVMTypeRef[]){e->ptr, e->ptr}, 2);
    LLVMValueRef out = LLVMGetParam(f, 1);
    LLVMValueRef wide = lig_emit_f16_to_f32(e, lig_emit_load(e, lig_lanes(e->i16, 16), LLVMGetParam(f, 0), 2));
    lig_emit_store(e, lig_emit_f32_to_f16(e, wide), out, 2);
    lig_emit_store(e, lig_emit_f32_to_bf16(e, wide), lig_emit_offset_by(e, out, 32), 2);
    LLVMBuildRetVoid(e->builder);
}

static bool same_half(uint16_t a, uint16_t b)
{
    bool nan = (a & 0x7fff) > 0x7c00;
    return nan ? (b & 0x7fff) > 0x7c00 : a == b;
}

static void every_half_survives(void **state)
{
    (void)state;
    static LigTarget target;
    static uint16_t bf16[sizeof target_names / sizeof *target_names][65536];
    LigContext *ctx = lig_context_create();
    for (size_t t = 0; t < sizeof target_names / sizeof *target_names; t++) {
        assert_int_equal(lig_target_find(ctx, target_names[t], &target), LIG_OK);
        if (lig_target_check_runs(ctx, &target) != LIG_OK) continue;
        LigEmitter *e;
        LigCode code;
        assert_int_equal(lig_emitter_create(ctx, &target, "halves", &e), LIG_OK);
        emit_halves(e);
        assert_int_equal(finish(e, &code), LIG_OK);
        void (*f)(const uint16_t *, uint16_t *) = (void (*)(const uint16_t *, uint16_t *))(uintptr_t)code.entry;
        for (uint32_t h = 0; h < 65536; h += 16) {
            uint16_t in[16], out[32];
            for (uint32_t i = 0; i < 16; i++) in[i] = (uint16_t)(h + i);
            f(in, out);
            for (uint32_t i = 0; i < 16; i++) assert_true(same_half(in[i], out[i]));
            memcpy(&bf16[t][h], out + 16, 32);
        }
        assert_memory_equal(bf16[t], bf16[0], sizeof bf16[0]);
        lig_code_unload(&code);
    }
    lig_context_destroy(ctx);
}

static void failures_have_words(void **state)
{
    (void)state;
    static LigTarget target;
    LigContext *ctx = lig_context_create();
    assert_int_equal(lig_target_find(ctx, "sparc", &target), LIG_ERR_NOT_FOUND);
    assert_int_equal(lig_target_find(ctx, "native", &target), LIG_OK);
    LigEmitter *e;
    LigCode code;
    assert_int_equal(lig_emitter_create(ctx, &target, "open-ended", &e), LIG_OK);
    lig_emit_function(e, "f", e->nothing, NULL, 0); // no terminator
    lig_context_clear(ctx);
    assert_int_equal(finish(e, &code), LIG_ERR_LLVM);
    assert_non_null(strstr(lig_context_diagnostic(ctx, 0)->message, "open-ended"));
    assert_int_equal(lig_emitter_create(ctx, &target, "odd", &e), LIG_OK);
    LLVMValueRef f = lig_emit_function(e, "f", e->f32, &e->f32, 1), x = LLVMGetParam(f, 0);
    LLVMBuildRet(e->builder, lig_emit_intrinsic(e, (LigIntrinsic){.name = "llvm.no.such"}, &x, 1));
    assert_int_equal(finish(e, &code), LIG_ERR_INTERNAL);
    lig_context_destroy(ctx);
}

// "+name" as an item of a comma-separated list.
static bool lists(const char *features, const char *name)
{
    char item[64], list[8192];
    snprintf(item, sizeof item, ",+%s,", name);
    snprintf(list, sizeof list, ",%s,", features);
    return strstr(list, item) != NULL;
}

// What we ask the CPU ourselves, to do without LLVM, is what LLVM finds.
static void the_host_is_as_llvm_sees_it(void **state)
{
    (void)state;
    LigHostCpu host;
    lig_host_cpu_read(&host);
    char *features = LLVMGetHostCPUFeatures();
    size_t count = 0;
    for (const char *name = lig_host_feature_name(0); name; name = lig_host_feature_name(++count)) {
        assert_true(strstr(features, name) != NULL); // LLVM knows the name
        if (lists(host.features, name) != lists(features, name)) fail_msg("%s", name);
    }
    assert_true(count > 20 && lists(host.features, "sse2"));
    LLVMDisposeMessage(features);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loops_and_tails_sum),
        cmocka_unit_test(every_half_survives),
        cmocka_unit_test(failures_have_words),
        cmocka_unit_test(the_host_is_as_llvm_sees_it),
    };
    return cmocka_run_group_tests_name("emitter", tests, NULL, NULL);
}

// Plans: arenas as small as what is alive at once, and results in place that are the same numbers.
#include "frontend/model_file.h"
#include "ir/base/alloc.h"
#include "ir/base/file.h"
#include "ir/text.h"
#include "ir/verify.h"
#include "models/model.h"
#include "passes/pass.h"
#include "passes/plan_facts.h"
#include "runtime/executable.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void plan_module(LigModule *module, bool fuse)
{
    LigPassManager manager = {.options = {.fuse = fuse}, .verify = true};
    for (size_t i = 0; i < lig_pass_count(); i++)
        assert_int_equal(lig_pass_run(&manager, module, lig_pass_info(i)), LIG_OK);
}

// Every arena is within 5 % of what is alive at once. Gives how many results lie over an operand.
static size_t assert_tight(const LigModule *module, const char *name)
{
    size_t in_place = 0, variants = 0;
    for (size_t i = 0; i < module->funcs.count; i++) {
        const LigFunc *func = module->funcs.data[i];
        LigPlanFacts facts;
        if (func->kind != LIG_FUNC_VARIANT) continue;
        assert_int_equal(lig_plan_measure(module, func, &facts), LIG_OK);
        if (facts.arena_bytes < facts.live_bytes ||
            facts.arena_bytes > facts.live_bytes + facts.live_bytes / 20)
            fail_msg("%s, @%.*s: an arena of %llu bytes, alive are %llu", name, LIG_STR_ARG(func->name),
                     (unsigned long long)facts.arena_bytes, (unsigned long long)facts.live_bytes);
        in_place += facts.in_place;
        variants++;
    }
    assert_true(variants > 0);
    return in_place;
}

// ---- models ----

static bool plan_tiny(LigContext *ctx, const char *name, bool fuse)
{
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/tests/data/tiny/%s", LIG_SOURCE_DIR, name);
    if (!lig_path_exists(path))
        (void)snprintf(path, sizeof path, "%s/../shared/models/tiny/%s", LIG_SOURCE_DIR, name);
    if (!lig_path_exists(path)) {
        print_message("skipped: no %s\n", path);
        return false;
    }
    LigModelFile *file;
    LigModule *module;
    assert_int_equal(lig_model_file_open(ctx, path, NULL, &file), LIG_OK);
    assert_int_equal(lig_model_file_build(file, &(LigGraphOptions){.kv = LIG_F32}, &module), LIG_OK);
    plan_module(module, fuse);
    assert_true(assert_tight(module, name) > 0);
    lig_module_destroy(module);
    lig_model_file_close(file);
    return true;
}

static void tiny_models_are_planned_tightly(void **state)
{
    (void)state;
    static const char *const names[] = {"llama", "gpt2",  "gpt_neox", "phi",        "mistral",   "qwen2",
                                        "qwen3", "gemma", "bert",     "distilbert", "modernbert"};
    LigContext *ctx = lig_context_create();
    int planned = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        planned += plan_tiny(ctx, names[i], true);
        planned += plan_tiny(ctx, names[i], false);
    }
    assert_true(planned >= 4); // some stand in this repository
    lig_context_destroy(ctx);
}

static bool find_smollm2(void *data, LigStr name, LigTensorInfo *out)
{
    (void)data;
    char text[128];
    (void)snprintf(text, sizeof text, "%.*s", LIG_STR_ARG(name));
    if (strstr(text, "attn_qkv")) return false;
    const bool is_kv = strstr(text, "attn_k") || strstr(text, "attn_v");
    const bool is_wide = strstr(text, "ffn_gate") || strstr(text, "ffn_up");
    *out = (LigTensorInfo){LIG_Q4_1, 2, {is_kv ? 192 : is_wide ? 1536 : 576, 576}};
    if (strstr(text, "ffn_down")) out->dims[1] = 1536;
    if (strstr(text, "norm")) *out = (LigTensorInfo){LIG_F32, 1, {576}};
    if (strstr(text, "token_embd")) *out = (LigTensorInfo){LIG_Q8_0, 2, {49152, 576}};
    return true;
}

static LigModule *build_smollm2(LigContext *ctx)
{
    LigSpec spec;
    LigModule *module;
    lig_spec_defaults(&spec);
    lig_spec_set_layers(&spec, 30);
    spec.names = LIG_NAMING_GGUF;
    spec.vocab = 49152;
    spec.width = 576;
    spec.context = 8192;
    spec.embedding.tie = true;
    spec.position.kind = LIG_POSITION_ROPE;
    spec.position.rope = (LigRopeSpec){.theta = 100000, .fraction = 1, .pairs = LIG_PAIRS_ADJACENT};
    spec.norm.eps = 1e-5;
    spec.head.kind = LIG_HEAD_LOGITS;
    spec.blocks[0].attention = (LigAttentionSpec){.heads = 9, .kv_heads = 3, .head = 64};
    spec.blocks[0].mlp = (LigMlpSpec){.form = LIG_MLP_GATED, .act = LIG_ACT_SILU, .width = 1536};
    const LigModelOptions options = {LIG_F32};
    assert_int_equal(lig_build_model(ctx, &spec, (LigTensorSource){find_smollm2, NULL}, options, &module),
                     LIG_OK);
    return module;
}

// The residual stream stays in one place through all 30 layers.
static void smollm2_is_planned_tightly(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    for (int fuse = 0; fuse < 2; fuse++) {
        LigModule *module = build_smollm2(ctx);
        plan_module(module, fuse == 1);
        size_t in_place = assert_tight(module, "smollm2");
        print_message("smollm2%s: %zu results in place\n", fuse ? "" : " unfused", in_place);
        assert_true(in_place >= 4 * 59); // four variants; the last sum may be the caller's
        lig_module_destroy(module);
    }
    lig_context_destroy(ctx);
}

// ---- numbers ----

// Elementwise, row and contract kernels over their operands, narrower dtypes among them, at ragged sizes; a sum
// whose operand is read once more; an operand that broadcasts.
static const char chain[] = "module \"m\" {\n"
                            "  dim N in 1..40\n"
                            "  param %w : f32[37,37] \"w\"\n"
                            "  param %g : f32[37] \"g\"\n"
                            "  func @f(%x: f32[N,37]) -> f32[N,37], f32[N,37] {\n"
                            "    %a = exp %x : f32[N,37]\n"
                            "    %b = rms_norm %a, %g {eps=1e-05} : f32[N,37]\n"
                            "    %c = linear %b, %w : f32[N,37]\n"
                            "    %d = add %c, %a : f32[N,37]\n"
                            "    %e = softmax %d : f32[N,37]\n"
                            "    %f = mul %e, %g : f32[N,37]\n"
                            "    %h = layer_norm %f, %g, %g {eps=1e-05} : f32[N,37]\n"
                            "    %i = sub %h, %d : f32[N,37]\n"
                            "    %j = linear %i, %w : f32[N,37]\n"
                            "    %k = add %j, %h : f32[N,37]\n"
                            "    %l = cast %k : bf16[N,37]\n"
                            "    %m = neg %l : bf16[N,37]\n"
                            "    %n = cast %m : f32[N,37]\n"
                            "    %o = mul %n, %n : f32[N,37]\n"
                            "    %y = add %o, %k : f32[N,37]\n"
                            "    %z = sub %o, %d : f32[N,37]\n"
                            "    return %y, %z\n"
                            "  }\n"
                            "}\n";
enum { WIDTH = 37, MOST_ROWS = 40 };

static float weights[WIDTH * WIDTH], gains[WIDTH];

static LigModule *parse_chain(LigContext *ctx)
{
    LigModule *module;
    for (int i = 0; i < WIDTH * WIDTH; i++) weights[i] = (float)(i * 29 % 41 - 20) / 64;
    for (int i = 0; i < WIDTH; i++) gains[i] = 1 + (float)(i % 5) / 8;
    assert_int_equal(lig_parse_module(ctx, "chain", lig_str(chain), &module), LIG_OK);
    module->params.data[0]->data = weights;
    module->params.data[1]->data = gains;
    return module;
}

static void run_chain(LigContext *ctx, const LigExecutableOptions *how, int64_t rows, float *out)
{
    static float x[MOST_ROWS * WIDTH];
    LigExecutable *executable;
    LigBound *bound;
    LigShape shapes[2];
    for (int i = 0; i < MOST_ROWS * WIDTH; i++) x[i] = (float)(i * 31 % 97 - 48) / 24;
    assert_int_equal(lig_executable_create(parse_chain(ctx), how, &executable), LIG_OK);
    assert_int_equal(lig_bound_create(executable, LIG_STR("f"), &bound), LIG_OK);
    const LigTensor input = {.shape = {.dtype = LIG_F32, .rank = 2, .dims = {rows, WIDTH}}, .data = x};
    assert_int_equal(lig_bound_bind(bound, &input, NULL, shapes), LIG_OK);
    void *outputs[] = {out, out + MOST_ROWS * WIDTH};
    assert_int_equal(lig_bound_run(bound, &input, NULL, outputs), LIG_OK);
    lig_executable_destroy(executable);
}

static void assert_chain(LigContext *ctx, const LigExecutableOptions *how, int64_t rows)
{
    static float want[2 * MOST_ROWS * WIDTH], got[2 * MOST_ROWS * WIDTH];
    const LigExecutableOptions reference = {.target = how->target, .interpret = true};
    run_chain(ctx, &reference, rows, want);
    run_chain(ctx, how, rows, got);
    for (int part = 0; part < 2; part++) {
        for (int64_t i = part * MOST_ROWS * WIDTH; i < part * MOST_ROWS * WIDTH + rows * WIDTH; i++) {
            // The cast to bf16 may fall on the other side of a half.
            float bound = 1e-4F + 0.02F * fabsf(want[i]);
            if (!(fabsf(got[i] - want[i]) <= bound))
                fail_msg("%lld rows, output %d, element %lld: %g, interpreter %g", (long long)rows, part,
                         (long long)i, (double)got[i], (double)want[i]);
        }
    }
}

static void results_in_place_are_the_same_numbers(void **state)
{
    (void)state;
    static const int64_t rows[] = {1, 2, 7, 33, 40};
    LigContext *ctx = lig_context_create();
    LigTarget target;
    LigModule *module = parse_chain(ctx);
    plan_module(module, false);
    assert_true(assert_tight(module, "chain") >= 10);
    lig_module_destroy(module);
    assert_int_equal(lig_target_find(ctx, "native", &target), LIG_OK);
    for (int fuse = 0; fuse < 2; fuse++) {
        const LigExecutableOptions how = {.target = &target, .passes = {.fuse = fuse == 1}};
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) assert_chain(ctx, &how, rows[i]);
    }
    lig_context_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tiny_models_are_planned_tightly),
        cmocka_unit_test(smollm2_is_planned_tightly),
        cmocka_unit_test(results_in_place_are_the_same_numbers),
    };
    return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}

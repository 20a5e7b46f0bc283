// Decoders built from specs: a model like SmolLM2-135M, its knobs, and files that do not fit.
#include "ir/base/alloc.h"
#include "ir/text.h"
#include "ir/verify.h"
#include "models/model.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static LigSpec small_spec(void)
{
    LigSpec spec;
    lig_spec_defaults(&spec);
    lig_spec_set_layers(&spec, 30);
    spec.name = LIG_STR("smollm2-135m");
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
    return spec;
}

// A file that has what the spec needs: matrices in q4_1, the embedding in q8_0, vectors in `vector`.
typedef struct FakeFile {
    LigSpec spec;
    LigDtype vector;
    const char *missing, *misshapen; // parts of names
} FakeFile;

static int64_t matrix_rows(const LigSpec *s, const char *name, int64_t *columns)
{
    const LigAttentionSpec *a = &s->blocks[0].attention;
    int64_t q = a->heads * a->head, kv = a->kv_heads * a->head;
    *columns = s->width;
    if (strstr(name, "attn_q")) return q;
    if (strstr(name, "attn_k") || strstr(name, "attn_v")) return kv;
    if (strstr(name, "ffn_gate") || strstr(name, "ffn_up")) return s->blocks[0].mlp.width;
    if (strstr(name, "token_embd") || strstr(name, "output.weight") == name) return s->vocab;
    *columns = strstr(name, "attn_output") ? q : s->blocks[0].mlp.width;
    return s->width;
}

static bool find_fake(void *data, LigStr name, LigTensorInfo *out)
{
    const FakeFile *file = data;
    char text[128];
    snprintf(text, sizeof text, "%.*s", LIG_STR_ARG(name));
    if (strstr(text, "attn_qkv") || (file->missing && strstr(text, file->missing))) return false;
    int64_t columns, rows = matrix_rows(&file->spec, text, &columns);
    bool head_norm = strstr(text, "attn_q_norm") || strstr(text, "attn_k_norm");
    if (head_norm)
        *out = (LigTensorInfo){file->vector, 1, {file->spec.blocks[0].attention.head}};
    else if (strstr(text, "norm"))
        *out = (LigTensorInfo){file->vector, 1, {file->spec.width}};
    else if (strstr(text, "bias"))
        *out = (LigTensorInfo){file->vector, 1, {rows}};
    else
        *out = (LigTensorInfo){strstr(text, "embd") ? LIG_Q8_0 : LIG_Q4_1, 2, {rows, columns}};
    if (file->misshapen && strstr(text, file->misshapen)) out->dims[0] += 1;
    return true;
}

static LigStatus build(LigContext *ctx, FakeFile *file, LigModule **out)
{
    LigTensorSource source = {find_fake, file};
    return lig_build_model(ctx, &file->spec, source, (LigModelOptions){LIG_BF16}, out);
}

static void assert_prints(const LigModule *module, const char *const *lines, size_t count)
{
    LigText text = {0};
    lig_print_module(&text, module);
    assert_false(text.failed);
    for (size_t i = 0; i < count; i++) {
        if (!strstr(text.data, lines[i])) fail_msg("the text lacks: %s\n%s", lines[i], text.data);
    }
    lig_text_free(&text);
}

static void a_small_llama_builds_and_prints(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    FakeFile file = {.spec = small_spec(), .vector = LIG_F32};
    LigModule *module;
    assert_int_equal(build(ctx, &file, &module), LIG_OK);
    assert_int_equal(module->params.count, 2 + 30 * 9);
    assert_int_equal(module->states.count, 60);
    assert_int_equal(lig_verify_module(module), LIG_OK);
    static const char *const lines[] = {
        "%0.wq : q4_1[576,576]",
        "\"blk.0.attn_q.weight\"",
        "%29.v : bf16[S,3,C,64]",
        "%0.attn_in = rms_norm %x_tok, %0.attn_norm {eps=1e-05}",
        "%0.q = linear %0.attn_in, %0.wq",
        "%0.k_rot = rope %0.k_heads, %pos, %freq {pairs=adjacent} : f32[N,3,64]",
        "%0.k_all = append %0.k, %0.k_rot, %slot, %start, %pos : bf16[S,3,C,64]",
        "%0.attn = attention %0.q_rot, %0.k_all, %0.v_all, %pos, %start, %kv_len, %slot",
        "%29.x_out = add %29.x_mid, %29.mlp_out : f32[N,576]",
        "%logits = linear %hidden, %tok : f32[K,49152]",
        "%logits = linear %hidden, %tok : f32[N,49152]",
    };
    assert_prints(module, lines, sizeof lines / sizeof *lines);
    const LigFunc *step = lig_module_find_func(module, LIG_STR("step"));
    assert_int_equal(step->inputs.count, 6);
    assert_int_equal(lig_module_find_func(module, LIG_STR("forward"))->outputs.count, 2);
    lig_module_destroy(module);
    lig_context_destroy(ctx);
}

static void the_text_reads_back_the_same(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    FakeFile file = {.spec = small_spec(), .vector = LIG_BF16};
    lig_spec_set_layers(&file.spec, 3);
    LigModule *module, *again;
    assert_int_equal(build(ctx, &file, &module), LIG_OK);
    LigText text = {0}, text_again = {0};
    lig_print_module(&text, module);
    LigStatus status = lig_parse_module(ctx, "decoder.lig", lig_text_view(&text), &again);
    if (status != LIG_OK) {
        const LigDiagnostic *first = lig_context_diagnostic(ctx, 0);
        fail_msg("line %u: %s", first->loc.line, first->message);
    }
    assert_int_equal(lig_verify_module(again), LIG_OK);
    lig_print_module(&text_again, again);
    assert_string_equal(text_again.data, text.data);
    lig_text_free(&text);
    lig_text_free(&text_again);
    lig_module_destroy(module);
    lig_module_destroy(again);
    lig_context_destroy(ctx);
}

static void every_knob_builds(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    FakeFile file = {.spec = small_spec(), .vector = LIG_BF16};
    lig_spec_set_layers(&file.spec, 2);
    file.spec.embedding.tie = false;
    file.spec.embedding.scale = 24;
    file.spec.norm.unit_offset = true;
    file.spec.position.rope.pairs = LIG_PAIRS_HALF;
    file.spec.blocks[0].attention = (LigAttentionSpec){.heads = 8,
                                                       .kv_heads = 2,
                                                       .head = 32,
                                                       .bias_q = true,
                                                       .bias_k = true,
                                                       .bias_v = true,
                                                       .bias_o = true,
                                                       .qk_norm = LIG_QK_NORM_HEAD,
                                                       .window = 128,
                                                       .scale = 0.5};
    file.spec.blocks[0].mlp =
        (LigMlpSpec){.form = LIG_MLP_PLAIN, .act = LIG_ACT_GELU_TANH, .width = 1024, .bias = true};
    LigModule *module;
    assert_int_equal(build(ctx, &file, &module), LIG_OK);
    static const char *const lines[] = {
        "%0.attn_norm.f32 = cast %0.attn_norm : f32[576]",
        "%x_scaled = mul %x_tok, %tok_scale",
        "%1.q = add %1.q_mul, %1.bq.f32",
        "%1.k_normed = rms_norm %1.k_heads, %1.k_norm.f32 {eps=1e-05, unit_offset}",
        "{pairs=half}",
        "window=128",
        "%1.mlp_mid = gelu %1.up {form=tanh} : f32[N,1024]",
        "%logits = linear %hidden, %head : f32[K,49152]",
    };
    assert_prints(module, lines, sizeof lines / sizeof *lines);
    lig_module_destroy(module);
    lig_context_destroy(ctx);
}

static void assert_refused(FakeFile file, LigStatus status, const char *words)
{
    LigContext *ctx = lig_context_create();
    LigModule *module;
    assert_int_equal(build(ctx, &file, &module), status);
    const char *message = lig_context_diagnostic(ctx, 0)->message;
    if (!strstr(message, words)) fail_msg("\"%s\" does not say \"%s\"", message, words);
    lig_context_destroy(ctx);
}

static void files_that_do_not_fit_are_named(void **state)
{
    (void)state;
    FakeFile good = {.spec = small_spec(), .vector = LIG_F32}, file = good;
    file.missing = "blk.7.ffn_up.weight";
    assert_refused(file, LIG_ERR_NOT_FOUND, "blk.7.ffn_up.weight is missing");
    file = good;
    file.misshapen = "blk.3.attn_k.weight";
    assert_refused(file, LIG_ERR_SHAPE, "blk.3.attn_k.weight is q4_1[193,576], but the spec needs [192,576]");
    file = good;
    file.vector = LIG_I32;
    assert_refused(file, LIG_ERR_DTYPE, "blk.0.attn_norm.weight is i32");
}

static void knobs_out_of_range_are_named(void **state)
{
    (void)state;
    FakeFile good = {.spec = small_spec(), .vector = LIG_F32}, file = good;
    file.spec.blocks[0].branching = LIG_BRANCH_TWO_NORMS;
    file.spec.blocks[0].place = LIG_NORM_POST;
    assert_refused(file, LIG_ERR_UNSUPPORTED, "block.parallel is only defined with place = pre");
    file = good;
    file.spec.head.kind = LIG_HEAD_CLASSIFY;
    file.spec.head.labels = 2;
    assert_refused(file, LIG_ERR_UNSUPPORTED, "head = classify");
    file = good;
    file.spec.blocks[0].attention.kv_heads = 2;
    assert_refused(file, LIG_ERR_INVALID, "block.attention.heads");
    file = good;
    file.spec.blocks[0].attention.kv_heads = 0;
    assert_refused(file, LIG_ERR_INVALID, "block.attention.kv_heads is 0");
    file = good;
    file.spec.runs[0].count = INT64_MAX;
    assert_refused(file, LIG_ERR_INVALID, "layers");
    file = good;
    file.spec.position.rope.fraction = (double)NAN;
    assert_refused(file, LIG_ERR_INVALID, "position.fraction");
    file = good;
    file.spec.position.rope.scaling = LIG_ROPE_LLAMA3;
    assert_refused(file, LIG_ERR_INVALID, "position.scaling.factor");
    file = good;
    file.spec.blocks[0].mlp.act = LIG_ACT_NONE;
    assert_refused(file, LIG_ERR_INVALID, "block.mlp.act");
    file = good;
    file.spec.position.kind = LIG_POSITION_LEARNED;
    file.spec.position.from_pad = 1;
    assert_refused(file, LIG_ERR_INVALID, "position.from_pad");
    file = good;
    file.spec.names = LIG_NAMING_GPT_NEOX;
    assert_refused(file, LIG_ERR_INVALID, "block.attention.kv_heads must equal");
    file = good;
    file.spec.names = LIG_NAMING_BERT;
    file.missing = "word_embeddings";
    assert_refused(file, LIG_ERR_NOT_FOUND, "bert.embeddings.word_embeddings.weight is missing");
    file = good;
    file.spec.embedding.tie = false;
    file.spec.head.transform = LIG_ACT_TANH;
    assert_refused(file, LIG_ERR_UNSUPPORTED, "for which names = gguf has no tensor");
}

static void a_sandwich_norms_both_sides(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    FakeFile file = {.spec = small_spec(), .vector = LIG_F32};
    lig_spec_set_layers(&file.spec, 1);
    file.spec.blocks[0].place = LIG_NORM_SANDWICH;
    file.spec.head.softcap = 30;
    file.spec.blocks[0].attention.softcap = 0.5;
    LigModule *module;
    assert_int_equal(build(ctx, &file, &module), LIG_OK);
    static const char *const lines[] = {
        "%0.attn_in = rms_norm %x_tok, %0.attn_norm",
        "softcap=0.5}",
        "%0.attn_normed = rms_norm %0.attn_out, %0.attn_out_norm",
        "%0.x_mid = add %x_tok, %0.attn_normed",
        "%0.mlp_normed = rms_norm %0.mlp_out, %0.mlp_out_norm",
        "%logits = mul %logits_tanh, %logit_cap",
    };
    assert_prints(module, lines, sizeof lines / sizeof *lines);
    lig_module_destroy(module);
    lig_context_destroy(ctx);
}

static void frequencies_follow_their_formulas(void **state)
{
    (void)state;
    LigRopeSpec rope = small_spec().position.rope;
    float freq[32];
    assert_int_equal(lig_rope_pairs(&rope, 64), 32);
    lig_rope_frequencies(&rope, 64, freq);
    for (int i = 0; i < 32; i++) {
        double exact = pow(100000, -2.0 * i / 64);
        assert_true(fabs((double)freq[i] - exact) < 2e-7 * exact);
    }
    // Llama 3.2: low wavelengths kept, high ones divided by the factor, those between strictly between.
    rope = (LigRopeSpec){.theta = 500000,
                         .fraction = 1,
                         .scaling = LIG_ROPE_LLAMA3,
                         .factor = 32,
                         .low_freq_factor = 1,
                         .high_freq_factor = 4,
                         .original_context = 8192};
    lig_rope_frequencies(&rope, 64, freq);
    int between = 0;
    for (int i = 0; i < 32; i++) {
        double plain = pow(500000, -2.0 * i / 64), wavelength = 2 * 3.14159265358979 / plain;
        double ratio = (double)freq[i] / plain;
        if (wavelength < 2048)
            assert_true(fabs(ratio - 1) < 1e-6);
        else if (wavelength > 8192)
            assert_true(fabs(ratio * 32 - 1) < 1e-6);
        else
            between += ratio > 1.0 / 32 && ratio < 1;
    }
    assert_true(between > 0);
}

static void specs_print_as_text(void **state)
{
    (void)state;
    LigSpec spec = small_spec();
    LigText text = {0};
    lig_spec_print(&text, &spec);
    assert_string_equal(
        text.data,
        "model \"smollm2-135m\" {\n"
        "  family    = decoder\n"
        "  vocab     = 49152\n"
        "  width     = 576\n"
        "  context   = 8192\n"
        "  embedding = { tie = true, scale = none, types = 0, norm = false }\n"
        "  position  = rope { theta = 100000, fraction = 1, pairs = adjacent, scaling = none }\n"
        "  norm      = rms { eps = 1e-05, unit_offset = false, final = true }\n"
        "  head      = logits { bias = false, softcap = none, transform = none }\n"
        "  names     = gguf\n"
        "  layers    = [ 30 of block ]\n"
        "  block block {\n"
        "    place     = pre\n"
        "    normed    = {attention, mlp}\n"
        "    parallel  = none\n"
        "    position  = model\n"
        "    attention = { heads = 9, kv_heads = 3, head = 64, bias = {}, qk_norm = none, window = none, scale "
        "= 1/sqrt, softcap = none }\n"
        "    mlp       = gated { act = silu, width = 1536, bias = false }\n"
        "  }\n"
        "}\n");
    lig_text_free(&text);
}

static void names_take_the_layer(void **state)
{
    (void)state;
    LigArena *arena = lig_arena_create();
    const LigNames *llama = lig_names(LIG_NAMING_LLAMA), *bert = lig_names(LIG_NAMING_BERT);
    const struct {
        const LigNames *names;
        LigRole role;
        int64_t layer;
        int form;
        const char *name;
    } cases[] = {
        {llama, LIG_ROLE_WQ, 12, 0, "model.layers.12.self_attn.q_proj.weight"},
        {llama, LIG_ROLE_WQ, 12, 1, "layers.12.self_attn.q_proj.weight"},
        {llama, LIG_ROLE_WQ, 12, 3, "layers.12.self_attn.q_proj.weight"},
        {bert, LIG_ROLE_ATTENTION_OUT_NORM, 3, 0, "bert.encoder.layer.3.attention.output.LayerNorm.weight"},
        {bert, LIG_ROLE_ATTENTION_OUT_NORM, 3, 2, "bert.encoder.layer.3.attention.output.LayerNorm.gamma"},
        {bert, LIG_ROLE_EMBEDDING_NORM_BIAS, 0, 3, "embeddings.LayerNorm.beta"},
        {lig_names(LIG_NAMING_GGUF), LIG_ROLE_HEAD, 0, 0, "output.weight"},
        {&lig_names_param, LIG_ROLE_DOWN, 3, 0, "3.wd"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        LigStr name = lig_weight_name(arena, cases[i].names, cases[i].role, cases[i].layer, cases[i].form);
        assert_string_equal(name.data, cases[i].name);
    }
    lig_arena_destroy(arena);
}

static void every_failing_allocation_is_survived(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    FakeFile file = {.spec = small_spec(), .vector = LIG_F16};
    for (uint64_t n = 1; n < 1000; n++) {
        LigModule *module = NULL;
        lig_alloc_fail_at(n);
        LigStatus status = build(ctx, &file, &module);
        lig_alloc_fail_at(0);
        lig_context_clear(ctx);
        if (status == LIG_OK) {
            assert_true(n > 5);
            lig_module_destroy(module);
            lig_context_destroy(ctx);
            return;
        }
        assert_int_equal(status, LIG_ERR_NO_MEMORY);
    }
    fail_msg("1000 allocations did not suffice");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_llama_builds_and_prints),
        cmocka_unit_test(the_text_reads_back_the_same),
        cmocka_unit_test(every_knob_builds),
        cmocka_unit_test(files_that_do_not_fit_are_named),
        cmocka_unit_test(knobs_out_of_range_are_named),
        cmocka_unit_test(a_sandwich_norms_both_sides),
        cmocka_unit_test(frequencies_follow_their_formulas),
        cmocka_unit_test(specs_print_as_text),
        cmocka_unit_test(names_take_the_layer),
        cmocka_unit_test(every_failing_allocation_is_survived),
    };
    return cmocka_run_group_tests_name("decoder", tests, NULL, NULL);
}

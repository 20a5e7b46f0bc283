// The families: each tiny model of Transformers, from its own config.json, gives its stored logits and hidden
// states by the interpreter; and its spec's text gives the same graph. Three stand in tests/data/tiny beside
// llama's; the others are read where they are.
#include "frontend/import.h"
#include "frontend/model_file.h"
#include "frontend/safetensors.h"
#include "ir/base/alloc.h"
#include "ir/base/file.h"
#include "ir/eval.h"
#include "ir/text.h"
#include "models/model.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const models[] = {"llama", "llama_tied", "llama3_rope",     "gpt2",       "gpt_neox",
                                     "phi",   "mistral",    "qwen2",           "qwen3",      "gemma",
                                     "bert",  "roberta",    "bert_classifier", "distilbert", "modernbert"};
enum { MODELS = sizeof models / sizeof *models, BATCH = 3, LENGTH = 17, TOKENS = BATCH * LENGTH };

// The model's directory; false when this machine has it nowhere.
static bool find_model(const char *name, char *path, size_t size)
{
    snprintf(path, size, "%s/tests/data/tiny/%s", LIG_SOURCE_DIR, name);
    if (lig_path_exists(path)) return true;
    snprintf(path, size, "%s/../shared/models/tiny/%s", LIG_SOURCE_DIR, name);
    if (lig_path_exists(path)) return true;
    print_message("skipped: no %s\n", path);
    return false;
}

static void succeed(LigContext *ctx, LigStatus status, const char *what)
{
    if (status == LIG_OK) return;
    const LigDiagnostic *first = lig_context_diagnostic(ctx, 0);
    fail_msg("%s: %s:%u:%u: %s", what, first && first->loc.file ? first->loc.file : "",
             first ? first->loc.line : 0, first ? first->loc.column : 0, first ? first->message : "no message");
}

static const LigFileTensor *reference_tensor(const LigSafetensors *file, const char *name)
{
    const LigFileTensor *tensor = lig_tensor_set_find(lig_safetensors_tensors(file), lig_str(name));
    if (!tensor) fail_msg("the reference has no %s", name);
    return tensor;
}

// ---- inputs ----

typedef struct Inputs {
    int32_t ids[TOKENS], pos[TOKENS], types[TOKENS], start[BATCH + 1], slot[BATCH], kv_len[BATCH];
} Inputs;

static void fill_inputs(const LigSafetensors *reference, Inputs *in)
{
    const int32_t *mask = reference_tensor(reference, "in.attention_mask")->data;
    memset(in, 0, sizeof *in);
    memcpy(in->ids, reference_tensor(reference, "in.input_ids")->data, sizeof in->ids);
    for (int32_t r = 0; r < BATCH; r++) {
        in->start[r + 1] = (r + 1) * LENGTH;
        in->slot[r] = BATCH - 1 - r;
        for (int32_t t = 0; t < LENGTH; t++) {
            in->pos[r * LENGTH + t] = t;
            in->kv_len[r] += mask[r * LENGTH + t];
        }
    }
}

static LigTensor input_tensor(Inputs *in, LigStr name)
{
    const struct {
        const char *name;
        int32_t *data;
        int64_t count;
    } all[] = {{"ids", in->ids, TOKENS},  {"pos", in->pos, TOKENS},      {"start", in->start, BATCH + 1},
               {"slot", in->slot, BATCH}, {"kv_len", in->kv_len, BATCH}, {"types", in->types, TOKENS}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (lig_str_is(name, all[i].name))
            return (LigTensor){{.dtype = LIG_I32, .rank = 1, .dims = {all[i].count}}, all[i].data};
    }
    fail_msg("@forward asks for %%%.*s", LIG_STR_ARG(name));
    return (LigTensor){0};
}

// ---- running ----

static void set_symbols(const LigModule *module, int64_t *symbols)
{
    for (size_t i = 0; i < LIG_MAX_SYMBOLS; i++) symbols[i] = -1;
    for (size_t i = 0; i < lig_dims_symbol_count(module->dims); i++) {
        LigStr name = lig_dims_symbol(module->dims, i)->name;
        if (lig_str_is(name, "C")) symbols[i] = LENGTH + 3;
        if (lig_str_is(name, "S")) symbols[i] = BATCH;
    }
}

static LigTensor *new_states(const LigModule *module, const int64_t *symbols)
{
    LigTensor *states = calloc(module->states.count + 1, sizeof *states);
    for (size_t i = 0; i < module->states.count; i++) {
        size_t bytes;
        assert_true(lig_type_bind(&module->states.data[i]->type, symbols, &states[i].shape));
        assert_true(lig_shape_bytes(&states[i].shape, &bytes));
        states[i].data = calloc(1, bytes);
    }
    return states;
}

static void expect_equal(const char *model, const LigSafetensors *reference, const char *name,
                         const LigTensor *got)
{
    const LigFileTensor *want = reference_tensor(reference, name);
    const float *a = got->data, *b = want->data;
    size_t count = want->bytes / sizeof(float), bytes;
    double worst = 0, largest = 0;
    assert_true(lig_shape_bytes(&got->shape, &bytes));
    if (bytes != want->bytes) fail_msg("%s: %s has %zu bytes, expected %zu", model, name, bytes, want->bytes);
    for (size_t i = 0; i < count; i++) {
        worst = fmax(worst, fabs((double)a[i] - (double)b[i]));
        largest = fmax(largest, fabs((double)b[i]));
    }
    if (!(worst <= 1e-5 * largest)) fail_msg("%s: %s is off by %.1e relative", model, name, worst / largest);
}

static void run_forward(LigContext *ctx, const char *model, LigModule *module, const LigSafetensors *reference)
{
    Inputs in;
    fill_inputs(reference, &in);
    const LigFunc *func = lig_module_find_func(module, LIG_STR("forward"));
    assert_non_null(func);
    LigTensor inputs[6], outputs[2] = {0};
    for (size_t i = 0; i < func->inputs.count; i++) inputs[i] = input_tensor(&in, func->inputs.data[i]->name);
    int64_t symbols[LIG_MAX_SYMBOLS];
    set_symbols(module, symbols);
    LigTensor *states = new_states(module, symbols);
    LigInterpreter *interpreter;
    succeed(ctx, lig_interpreter_create(module, &interpreter), model);
    succeed(ctx, lig_interpreter_run(interpreter, func, inputs, states, symbols, outputs), model);
    expect_equal(model, reference, "hidden", &outputs[0]);
    expect_equal(model, reference, "logits", &outputs[1]);
    lig_interpreter_destroy(interpreter);
    for (size_t i = 0; i < module->states.count; i++) free(states[i].data);
    free(states);
    lig_free(outputs[0].data);
    lig_free(outputs[1].data);
}

static void check_forward(const char *name, const char *path)
{
    LigContext *ctx = lig_context_create();
    LigModelFile *file;
    LigModule *module;
    LigSafetensors *reference;
    char reference_path[2048];
    snprintf(reference_path, sizeof reference_path, "%s/reference.safetensors", path);
    succeed(ctx, lig_model_file_open(ctx, path, NULL, &file), name);
    succeed(ctx, lig_model_file_build(file, &(LigGraphOptions){.kv = LIG_F32}, &module), name);
    succeed(ctx, lig_safetensors_open(ctx, reference_path, &reference), name);
    run_forward(ctx, name, module, reference);
    lig_safetensors_close(reference);
    lig_module_destroy(module);
    lig_model_file_close(file);
    lig_context_destroy(ctx);
}

static void each_gives_its_stored_numbers(void **state)
{
    (void)state;
    char path[1024];
    for (size_t i = 0; i < MODELS; i++) {
        if (find_model(models[i], path, sizeof path)) check_forward(models[i], path);
    }
}

// ---- specs as text ----

static bool find_in_file(void *data, LigStr name, LigTensorInfo *out)
{
    const LigModelFile *file = data;
    for (size_t i = 0; i < lig_model_file_tensor_count(file); i++) {
        const LigFileTensor *tensor = lig_model_file_tensor(file, i);
        if (!lig_str_equal(tensor->name, name)) continue;
        *out = (LigTensorInfo){.dtype = LIG_F32, .rank = tensor->rank};
        for (int axis = 0; axis < tensor->rank; axis++) out->dims[axis] = tensor->dims[axis];
        return true;
    }
    return false;
}

static LigText graph_of(LigContext *ctx, LigModelFile *file, const LigSpec *spec)
{
    LigText text = {0};
    LigModule *module;
    succeed(
        ctx,
        lig_build_model(ctx, spec, (LigTensorSource){find_in_file, file}, (LigModelOptions){LIG_F32}, &module),
        "building");
    lig_print_module(&text, module);
    lig_module_destroy(module);
    return text;
}

static void check_spec_text(const char *name, const char *path)
{
    LigContext *ctx = lig_context_create();
    LigArena *arena = lig_arena_create();
    LigModelFile *file;
    LigSpec *again = LIG_NEW(arena, LigSpec);
    LigText text = {0}, text_again = {0};
    succeed(ctx, lig_model_file_open(ctx, path, NULL, &file), name);
    const LigSpec *spec = lig_model_file_spec(file);
    lig_spec_print(&text, spec);
    succeed(ctx, lig_spec_parse(ctx, "spec", lig_text_view(&text), arena, again), name);
    lig_spec_print(&text_again, again);
    assert_string_equal(text.data, text_again.data);
    LigText graph = graph_of(ctx, file, spec), graph_again = graph_of(ctx, file, again);
    assert_string_equal(graph.data, graph_again.data);
    lig_text_free(&graph);
    lig_text_free(&graph_again);
    lig_text_free(&text);
    lig_text_free(&text_again);
    lig_model_file_close(file);
    lig_arena_destroy(arena);
    lig_context_destroy(ctx);
}

static void the_text_of_a_spec_gives_the_same_graph(void **state)
{
    (void)state;
    char path[1024];
    for (size_t i = 0; i < MODELS; i++) {
        if (find_model(models[i], path, sizeof path)) check_spec_text(models[i], path);
    }
}

// Builds from the spec's text with each allocation failing once.
static void starve(const char *name, const char *path)
{
    LigContext *ctx = lig_context_create();
    LigModelFile *file;
    LigText text = {0};
    succeed(ctx, lig_model_file_open(ctx, path, NULL, &file), name);
    lig_spec_print(&text, lig_model_file_spec(file));
    LigStatus status = LIG_ERR_NO_MEMORY;
    uint64_t n = 0;
    while (status != LIG_OK) {
        LigArena *arena = lig_arena_create();
        LigSpec *spec = LIG_NEW(arena, LigSpec);
        LigModule *module = NULL;
        lig_alloc_fail_at(++n);
        status = lig_spec_parse(ctx, "spec", lig_text_view(&text), arena, spec);
        if (status == LIG_OK)
            status = lig_build_model(ctx, spec, (LigTensorSource){find_in_file, file},
                                     (LigModelOptions){LIG_F32}, &module);
        lig_alloc_fail_at(0);
        if (status != LIG_OK && status != LIG_ERR_NO_MEMORY) succeed(ctx, status, name);
        if (status == LIG_OK) lig_module_destroy(module);
        lig_context_clear(ctx);
        lig_arena_destroy(arena);
        assert_true(n < 10000);
    }
    assert_true(n > 1);
    lig_text_free(&text);
    lig_model_file_close(file);
    lig_context_destroy(ctx);
}

static void every_failing_allocation_is_survived(void **state)
{
    (void)state;
    char path[1024];
    for (size_t i = 0; i < MODELS; i++) {
        if (find_model(models[i], path, sizeof path)) starve(models[i], path);
    }
}

// The example of models/README.md is a spec that builds.
static void the_example_of_the_readme_reads(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    LigArena *arena = lig_arena_create();
    LigMappedFile *readme;
    succeed(ctx, lig_file_map(ctx, LIG_SOURCE_DIR "/models/README.md", &readme), "README");
    LigStr text = lig_str_copy(arena, (LigStr){(const char *)readme->data, readme->size});
    const char *begin = strstr(text.data, "```\nmodel"), *end = begin ? strstr(begin + 4, "```") : NULL;
    assert_non_null(end);
    LigSpec *spec = LIG_NEW(arena, LigSpec);
    succeed(ctx, lig_spec_parse(ctx, "README.md", (LigStr){begin + 4, (size_t)(end - begin) - 4}, arena, spec),
            "spec");
    succeed(ctx, lig_spec_check(ctx, spec), "spec");
    lig_file_unmap(readme);
    lig_arena_destroy(arena);
    lig_context_destroy(ctx);
}

// ---- specs that are wrong ----

// A whole spec, with one piece of its text replaced.
static void expect_spec_error(const char *from, const char *to, const char *words)
{
    static const char good[] = "model \"m\" {\n"
                               "  family = encoder  vocab = 10  width = 8  context = 4\n"
                               "  layers = [ 2 of block ]\n"
                               "  embedding = { tie = true }\n"
                               "  position = learned { offset = 2, from_pad = 1 }\n"
                               "  norm = layer { eps = 1e-12, bias = true, final = false }\n"
                               "  head = classify { labels = 3, transform = tanh { bias = true } }\n"
                               "  names = bert\n"
                               "  block block {\n"
                               "    place = post\n"
                               "    attention = { heads = 2, kv_heads = 2, head = 4, bias = {q, v} }\n"
                               "    mlp = plain { act = gelu, width = 16 }\n"
                               "  }\n"
                               "}\n";
    char text[2048], got[512] = "";
    const char *at = strstr(good, from);
    assert_non_null(at);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - good), good, to, at + strlen(from));
    LigContext *ctx = lig_context_create();
    LigArena *arena = lig_arena_create();
    LigSpec *spec = LIG_NEW(arena, LigSpec);
    LigStatus status = lig_spec_parse(ctx, "m.lig", lig_str(text), arena, spec);
    assert_int_equal(status, words ? LIG_ERR_PARSE : LIG_OK);
    const LigDiagnostic *first = lig_context_diagnostic(ctx, 0);
    if (first)
        snprintf(got, sizeof got, "%s:%u:%u: %s", first->loc.file, first->loc.line, first->loc.column,
                 first->message);
    if (words && !strstr(got, words)) fail_msg("\"%s\" does not say \"%s\"", got, words);
    lig_arena_destroy(arena);
    lig_context_destroy(ctx);
}

static void wrong_specs_are_told_where(void **state)
{
    (void)state;
    expect_spec_error("vocab", "vocab", NULL);
    expect_spec_error("vocab", "vocap", "m.lig:2:21: unknown knob `vocap`: did you mean `vocab`?");
    expect_spec_error("= 10", "= 010", "m.lig:2:29: expected a whole number like 12, but found `010`");
    expect_spec_error("= 10", "= 0x10", "m.lig:2:29: expected a whole number like 12, but found `0x10`");
    expect_spec_error("= 10", "= 1e1", "m.lig:2:29: expected a whole number like 12, but found `1e1`");
    expect_spec_error("[ 2 of", "[ 02 of",
                      "m.lig:3:14: expected the number of layers, like 12, but found `02`");
    expect_spec_error("1e-12", "0x1", "m.lig:6:24: expected a number like 0.5, but found `0x1`");
    expect_spec_error("1e-12", "0.5", NULL);
    expect_spec_error("1e-12", "0e0", NULL);
    expect_spec_error("from_pad = 1", "from_pad = x",
                      "m.lig:5:47: expected a whole number like 12 (or `none`)");
    expect_spec_error("head = 4", "head = 4, window = 0", "m.lig:11:63: knob window can't be 0: write `none`");
    expect_spec_error("head = 4", "head = 4, window = 3", NULL);
    expect_spec_error("head = 4", "head = 4, scale = 0.0", "knob scale can't be 0.0: write `1/sqrt`");
    expect_spec_error("names = bert", "names = bert, weights = \"a b\",", NULL);
    expect_spec_error("names = bert", "names = bert weights = a", "expected a text in quotes, but found `a`");
    expect_spec_error("act = gelu", "zzzzzzzzzz = 1", "the knobs here are act, width, bias");
    expect_spec_error("= 10", "= ten", "m.lig:2:29: expected a whole number like 12, but found `ten`");
    expect_spec_error("vocab = 10", "", "m.lig:14:1: knob vocab is missing here");
    expect_spec_error("= bert", "= burt", "m.lig:8:11: knob names can't be `burt`: it is one of llama, gpt2");
    expect_spec_error("names = bert", "names = bert names = bert", "m.lig:8:16: knob names is given twice");
    expect_spec_error("of block", "of other", "m.lig:3:19: there is no block other");
    expect_spec_error("{q, v}", "{q, x}", "m.lig:11:65: knob bias can't be `x`: it is one of q, k, v, o");
    expect_spec_error("act = gelu, ", "", "m.lig:12:30: knob act is missing here");
    expect_spec_error("learned", "rope", "m.lig:5:21: unknown knob `offset`");
    expect_spec_error("  }\n}\n", "  }\n", "but the text ends here");
    expect_spec_error("true }", "yes }", "m.lig:4:23: expected `true` or `false`, but found `yes`");
    expect_spec_error("layers = [ 2 of block ]", "", "knob layers is missing here");
}

// A value that reads, but can't be: told where it stands, or else what it is part of.
static void expect_refused(const char *from, const char *to, const char *words)
{
    static const char good[] =
        "model \"m\" {\n"
        "  family = decoder  vocab = 10  width = 8  context = 4\n"
        "  layers = [ 2 of one ]\n"
        "  embedding = { tie = true, scale = none }\n"
        "  position = rope { theta = 10, pairs = half, scaling = linear { factor = 2 } }\n"
        "  norm = layer { eps = 1e-12, bias = true }\n"
        "  head = logits { softcap = none }\n"
        "  names = phi\n"
        "  block one {\n"
        "    place = pre\n"
        "    parallel = one_norm\n"
        "    attention = { heads = 2, kv_heads = 2, head = 4, window = none }\n"
        "    mlp = plain { act = gelu, width = 16 }\n"
        "  }\n"
        "}\n";
    char text[2048], got[512] = "";
    const char *at = strstr(good, from);
    assert_non_null(at);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - good), good, to, at + strlen(from));
    LigContext *ctx = lig_context_create();
    LigArena *arena = lig_arena_create();
    LigSpec *spec = LIG_NEW(arena, LigSpec);
    LigModule *module = NULL;
    succeed(ctx, lig_spec_parse(ctx, "m.lig", lig_str(text), arena, spec), "parsing");
    LigStatus status = lig_build_model(ctx, spec, (LigTensorSource){0}, (LigModelOptions){LIG_F32}, &module);
    const LigDiagnostic *first = lig_context_diagnostic(ctx, 0);
    if (first)
        snprintf(got, sizeof got, "%s:%u:%u: %s", first->loc.file, first->loc.line, first->loc.column,
                 first->message);
    if (words && !strstr(got, words)) fail_msg("\"%s\" does not say \"%s\"", got, words);
    if (!words && status != LIG_OK) fail_msg("%s", got);
    if (status == LIG_OK) lig_module_destroy(module);
    lig_arena_destroy(arena);
    lig_context_destroy(ctx);
}

static void values_that_cannot_be_are_told_where(void **state)
{
    (void)state;
    expect_refused("vocab", "vocab", NULL); // without a file, too, a spec gives a graph
    expect_refused("vocab = 10", "vocab = 0", "m.lig:2:29: model \"m\": knob vocab is 0, it must be in 1..");
    expect_refused("heads = 2", "heads = 3",
                   "m.lig:12:27: model \"m\": knob one.attention.heads is 3, it must be a multiple");
    expect_refused("theta = 10", "theta = 0",
                   "m.lig:5:29: model \"m\": knob one.position.theta must be positive");
    expect_refused("factor = 2", "factor = 0",
                   "m.lig:5:75: model \"m\": knob one.position.scaling.factor must");
    expect_refused("eps = 1e-12", "eps = 0", "m.lig:6:24: model \"m\": knob norm.eps must be positive");
    expect_refused("[ 2 of one ]", "[ 0 of one ]", "m.lig:3:12: model \"m\": knob layers must count");
    expect_refused("place = pre", "place = post",
                   "m.lig:11:16: model \"m\": knob one.parallel is only defined");
    expect_refused("place = pre", "place = pre normed = {mlp}",
                   "m.lig:10:26: model \"m\": knob one.normed must have");
    expect_refused("plain {", "gated {", "m.lig:9:9: model \"m\" calls for %0.wg, for which names = phi");
    expect_refused("tie = true", "tie = true, types = 2", "m.lig:1:1: model \"m\" calls for %tok.type");
}

// ---- config.json ----

// Imports a config.json; the spec's text, or the first message.
static LigText import(const char *json)
{
    char folder[] = "/tmp/lig_families_XXXXXX", path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/config.json", folder);
    FILE *file = fopen(path, "w");
    assert_true(file && fputs(json, file) >= 0 && fclose(file) == 0);
    LigContext *ctx = lig_context_create();
    LigArena *arena = lig_arena_create();
    LigSpec *spec = LIG_NEW(arena, LigSpec);
    LigText text = {0};
    if (lig_import_hf_spec(ctx, folder, arena, spec) == LIG_OK)
        lig_spec_print(&text, spec);
    else
        lig_text_printf(&text, "%s", lig_context_diagnostic(ctx, 0)->message);
    lig_arena_destroy(arena);
    lig_context_destroy(ctx);
    unlink(path);
    rmdir(folder);
    return text;
}

static void expect_import(const char *json, const char *words)
{
    LigText text = import(json);
    if (!strstr(text.data, words)) fail_msg("%s\ndoes not say \"%s\"", text.data, words);
    lig_text_free(&text);
}

#define SIZES                                                                                                  \
    "\"hidden_size\": 8, \"num_hidden_layers\": 7, \"num_attention_heads\": 2, \"vocab_size\": 9, "            \
    "\"intermediate_size\": 12"
#define CONFIG(type, head, rest)                                                                               \
    "{\"model_type\": \"" type "\", \"architectures\": [\"" head "\"], " SIZES rest "}"

static void old_and_new_configurations_are_read(void **state)
{
    (void)state;
    expect_import(CONFIG("llama", "LlamaForCausalLM", ", \"rope_theta\": 5e5"), "rope { theta = 500000,");
    expect_import(
        CONFIG("llama", "LlamaForCausalLM", ", \"rope_scaling\": {\"type\": \"linear\", \"factor\": 2.0}"),
        "scaling = linear { factor = 2 }");
    expect_import(CONFIG("llama", "LlamaModel", ""), "head      = none");
    expect_import(CONFIG("gpt_neox", "GPTNeoXForCausalLM", ", \"rotary_pct\": 0.5, \"rotary_emb_base\": 100"),
                  "rope { theta = 100, fraction = 0.5");
    expect_import(CONFIG("gpt_neox", "GPTNeoXForCausalLM", ", \"use_parallel_residual\": false"),
                  "parallel  = none");
    expect_import(
        CONFIG("mistral", "MistralForCausalLM", ", \"num_key_value_heads\": 1, \"sliding_window\": null"),
        "window = none");
    expect_import(CONFIG("mistral", "MistralForCausalLM", ", \"num_key_value_heads\": 2"), "window = 4096");
    expect_import(CONFIG("qwen2", "Qwen2ForCausalLM", ", \"sliding_window\": 5, \"max_window_layers\": 3"),
                  "layers    = [ 7 of block ]");
    expect_import(CONFIG("qwen2", "Qwen2ForCausalLM",
                         ", \"use_sliding_window\": true, \"sliding_window\": 5, \"max_window_layers\": 3"),
                  "layers    = [ 3 of global, 4 of local ]");
    expect_import(
        CONFIG("modernbert", "ModernBertForMaskedLM",
               ", \"global_rope_theta\": 7, \"local_rope_theta\": 6, \"global_attn_every_n_layers\": 2"),
        "layers    = [ 1 of first, 1 of local, 1 of global, 1 of local, 1 of global, 1 of local, 1 of global "
        "]");
    expect_import(CONFIG("gemma", "GemmaForCausalLM", ", \"hidden_act\": \"gelu\""), "act = gelu_tanh");
    expect_import(
        CONFIG("roberta", "RobertaForSequenceClassification",
               ", \"max_position_embeddings\": 514, \"id2label\": {\"0\": \"a\", \"1\": \"b\", \"2\": \"c\"}"),
        "head      = classify { labels = 3, bias = true, transform = tanh");
    expect_import(CONFIG("roberta", "RobertaModel", ", \"max_position_embeddings\": 514"), "context   = 512");
}

static void unknown_knobs_and_values_are_named(void **state)
{
    (void)state;
    expect_import(CONFIG("mamba", "MambaModel", ""),
                  "'model_type' is \"mamba\": not supported, expected one of llama, mistral");
    expect_import(CONFIG("llama", "LlamaForCausalLM", ", \"mystery\": 1"), "'mystery'");
    expect_import(CONFIG("llama", "LlamaForCausalLM", ", \"hidden_act\": \"mish\""),
                  "'hidden_act' is \"mish\": no such activation is known, expected one of gelu, gelu_new");
    expect_import(CONFIG("llama", "LlamaForTokenClassification", ""),
                  "'architectures' is [\"LlamaForTokenClassification\"]: that names no head");
    expect_import(CONFIG("llama", "LlamaForCausalLM", ", \"rope_scaling\": {\"rope_type\": \"yarn\"}"),
                  "'rope_scaling.rope_type' is \"yarn\": expected default, linear or llama3");
    expect_import(CONFIG("llama", "LlamaForCausalLM", ", \"rope_scaling\": {\"type\": \"dynamic\"}"),
                  "'rope_scaling.type' is \"dynamic\"");
    expect_import(CONFIG("llama", "LlamaForCausalLM", ", \"rope_parameters\": {\"beta\": 2}"),
                  "rope_parameters.beta");
    expect_import(CONFIG("bert", "BertModel", ", \"position_embedding_type\": \"relative_key\""),
                  "'position_embedding_type' is \"relative_key\": expected absolute");
    expect_import(CONFIG("bert", "BertModel", ", \"is_decoder\": true"), "'is_decoder' is true: must be false");
    expect_import(CONFIG("qwen3", "Qwen3ForCausalLM", ", \"layer_types\": [\"full_attention\"]"),
                  "'layer_types' must have one entry for each layer: it has 1 for 7 layers");
    expect_import(CONFIG("modernbert", "ModernBertForMaskedLM",
                         ", \"layer_types\": [\"a\", \"a\", \"a\", \"a\", \"a\", \"a\", \"a\"]"),
                  "'layer_types' calls layer 0 \"a\": expected full_attention");
    expect_import("{\"model_type\": \"gpt2\", \"n_head\": 2}", "'vocab_size'");
    expect_import("{\"model_type\": \"llama\", \"num_hidden_layers\": -3}", "'vocab_size'");
}

// One key of a llama, or of whoever has the key.
static void numbers_have_ranges(void **state)
{
    (void)state;
    static const struct {
        const char *type, *key, *value, *range;
    } wrong[] = {
        {"mistral", "sliding_window", "0", "1..2147483647"},
        {"mistral", "sliding_window", "-1", "1..2147483647"},
        {"qwen2", "sliding_window", "-8", "1..2147483647"},
        {"qwen2", "max_window_layers", "-1", "0..2147483647"},
        {"modernbert", "local_attention", "0", "1..2147483647"},
        {"modernbert", "global_attn_every_n_layers", "0", "1..2147483647"},
        {"modernbert", "global_rope_theta", "0", "a number above 0"},
        {"llama", "num_key_value_heads", "0", "1..2147483647"},
        {"llama", "head_dim", "-4", "1..2147483647"},
        {"llama", "max_position_embeddings", "0", "1..2147483647"},
        {"llama", "max_position_embeddings", "99999999999", "1..2147483647"},
        {"llama", "rms_norm_eps", "0", "a number above 0"},
        {"llama", "rms_norm_eps", "-0.5", "a number above 0"},
        {"llama", "rope_theta", "-10000", "a number above 0"},
        {"phi", "partial_rotary_factor", "1.5", "above 0, at most 1"},
        {"phi", "partial_rotary_factor", "0", "above 0, at most 1"},
        {"gpt_neox", "rotary_pct", "-0.25", "above 0, at most 1"},
        {"bert", "type_vocab_size", "-2", "1..2147483647"},
        {"roberta", "pad_token_id", "-1", "0..2147483647"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char json[512], words[256];
        snprintf(json, sizeof json, CONFIG("%s", "XForCausalLM", ", \"%s\": %s"), wrong[i].type, wrong[i].key,
                 wrong[i].value);
        snprintf(words, sizeof words, "'%s' is %s: expected ", wrong[i].key, wrong[i].value);
        expect_import(json, words);
        expect_import(json, wrong[i].range);
    }
    expect_import("{\"model_type\": \"gpt2\", \"vocab_size\": 5, \"n_embd\": 8, \"n_head\": 0, \"n_layer\": 1}",
                  "'n_head' is 0: expected a whole number in 1..2147483647");
    expect_import("{\"model_type\": \"gpt2\", \"vocab_size\": 5, \"n_embd\": 8, \"n_head\": 3, \"n_layer\": 1}",
                  "'n_embd' is 8, but 'n_head' is 3: 8 is no multiple of 3");
    expect_import(CONFIG("llama", "LlamaForCausalLM", ", \"num_key_value_heads\": 4"),
                  "'num_attention_heads' is 2, but 'num_key_value_heads' is 4: 2 is no multiple of 4");
    expect_import(CONFIG("roberta", "RobertaModel", ", \"max_position_embeddings\": 2"),
                  "'pad_token_id' is absent, but 'max_position_embeddings' is 2: positions begin behind it");
}

#define ROPE(type, rest) CONFIG(type, "XForCausalLM", ", \"rope_parameters\": {" rest "}")

static void keys_that_disagree_are_named(void **state)
{
    (void)state;
    expect_import(
        ROPE("phi", "\"partial_rotary_factor\": 0.25}, \"partial_rotary_factor\": 0.25, \"dtype\": {"),
        "fraction = 0.25");
    expect_import(
        ROPE("phi", "\"partial_rotary_factor\": 0.25}, \"partial_rotary_factor\": 0.5, \"dtype\": {"),
        "'rope_parameters.partial_rotary_factor' is 0.25, but 'partial_rotary_factor' is 0.5: they mean "
        "the same, make them agree");
    expect_import(ROPE("gpt_neox", "\"partial_rotary_factor\": 1.0}, \"rotary_pct\": 0.25, \"dtype\": {"),
                  "'rope_parameters.partial_rotary_factor' is 1.0, but 'rotary_pct' is 0.25");
    expect_import(CONFIG("gpt_neox", "XForCausalLM", ", \"rotary_pct\": 0.25, \"partial_rotary_factor\": 0.5"),
                  "'rotary_pct' is 0.25, but 'partial_rotary_factor' is 0.5");
    expect_import(CONFIG("gpt_neox", "XForCausalLM", ", \"rotary_pct\": 0.25, \"partial_rotary_factor\": 0.25"),
                  "fraction = 0.25");
    expect_import(CONFIG("gpt_neox", "XForCausalLM", ", \"rope_theta\": 100, \"rotary_emb_base\": 200"),
                  "'rotary_emb_base' is 200, but 'rope_theta' is 100");
    expect_import(ROPE("llama", "\"rope_theta\": 500.0}, \"rope_theta\": 1e4, \"dtype\": {"),
                  "'rope_parameters.rope_theta' is 500.0, but 'rope_theta' is 10000.0");
    expect_import(ROPE("llama", "\"type\": \"linear\", \"rope_type\": \"llama3\""),
                  "'rope_parameters.rope_type' is \"llama3\", but 'rope_parameters.type' is \"linear\"");
    expect_import(
        ROPE("llama", "\"type\": \"default\"}, \"rope_scaling\": {\"type\": \"linear\", \"factor\": 2"),
        "'rope_parameters.type' is \"default\", but 'rope_scaling.type' is \"linear\"");
    expect_import(ROPE("llama", "\"rope_type\": \"llama3\", \"factor\": 8, \"low_freq_factor\": 4, "
                                "\"high_freq_factor\": 1, \"original_max_position_embeddings\": 64"),
                  "'rope_parameters.high_freq_factor' is 1, but 'rope_parameters.low_freq_factor' is 4");
    expect_import(CONFIG("bert", "BertForSequenceClassification",
                         ", \"num_labels\": 3, \"id2label\": {\"0\": \"a\", \"1\": \"b\"}"),
                  "'num_labels' is 3: 'id2label' names 2 labels");
}

#define FULL "\"full_attention\""
#define SLIDING "\"sliding_attention\""
#define TYPES(a, b) ", \"layer_types\": [" a "," b "," b "," a "," b "," b "," a "]"

static void windows_are_told_once(void **state)
{
    (void)state;
    const char *half = "layers    = [ 1 of first, 2 of local, 1 of global, 2 of local, 1 of global ]";
    expect_import(CONFIG("modernbert", "XForMaskedLM", TYPES(FULL, SLIDING)), half);
    expect_import(
        CONFIG("modernbert", "XForMaskedLM", TYPES(FULL, SLIDING) ", \"global_attn_every_n_layers\": 3"), half);
    expect_import(
        CONFIG("modernbert", "XForMaskedLM", TYPES(FULL, SLIDING) ", \"global_attn_every_n_layers\": 2"),
        "'global_attn_every_n_layers' is 2: 'layer_types' calls layer 2 sliding_attention, make them agree");
    expect_import(CONFIG("qwen2", "XForCausalLM", TYPES(FULL, SLIDING)),
                  "'use_sliding_window' is absent: 'layer_types' calls layer 1 sliding_attention");
    expect_import(CONFIG("qwen2", "XForCausalLM", TYPES(FULL, SLIDING) ", \"use_sliding_window\": false"),
                  "'use_sliding_window' is false: 'layer_types' calls layer 1 sliding_attention");
    expect_import(CONFIG("qwen2", "XForCausalLM", TYPES(FULL, FULL) ", \"use_sliding_window\": false"),
                  "7 of block");
    expect_import(CONFIG("qwen2", "XForCausalLM", TYPES(FULL, SLIDING) ", \"use_sliding_window\": true"),
                  "layers    = [ 1 of global, 2 of local, 1 of global, 2 of local, 1 of global ]");
    expect_import(CONFIG("qwen2", "XForCausalLM",
                         TYPES(FULL, SLIDING) ", \"use_sliding_window\": true, \"max_window_layers\": 1"),
                  "'max_window_layers' is 1: 'layer_types' calls layer 3 full_attention");
    expect_import(CONFIG("qwen3", "XForCausalLM", ", \"use_sliding_window\": true, \"sliding_window\": null"),
                  "'use_sliding_window' is true, but 'sliding_window' is null");
    expect_import(CONFIG("llama", "XForCausalLM", TYPES(FULL, SLIDING)),
                  "'sliding_window' is absent: 'layer_types' calls layer 1 sliding_attention");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_gives_its_stored_numbers),
        cmocka_unit_test(the_text_of_a_spec_gives_the_same_graph),
        cmocka_unit_test(every_failing_allocation_is_survived),
        cmocka_unit_test(the_example_of_the_readme_reads),
        cmocka_unit_test(wrong_specs_are_told_where),
        cmocka_unit_test(values_that_cannot_be_are_told_where),
        cmocka_unit_test(old_and_new_configurations_are_read),
        cmocka_unit_test(unknown_knobs_and_values_are_named),
        cmocka_unit_test(numbers_have_ranges),
        cmocka_unit_test(keys_that_disagree_are_named),
        cmocka_unit_test(windows_are_told_once),
    };
    return cmocka_run_group_tests_name("families", tests, NULL, NULL);
}

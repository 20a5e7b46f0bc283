// The families: each tiny model of Transformers, from its own config.json, gives its stored logits and hidden
// states by the interpreter; and its spec's text gives the same graph. Three stand in tests/data/tiny beside
// llama's; the others are read where they are.
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
    char reference_path[1024];
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_gives_its_stored_numbers),
        cmocka_unit_test(the_text_of_a_spec_gives_the_same_graph),
    };
    return cmocka_run_group_tests_name("families", tests, NULL, NULL);
}

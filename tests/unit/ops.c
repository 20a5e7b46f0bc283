// The op table: its document is fresh, and its lowering is what compiling does: an
// op declared without code is refused with words that tell what to do, all others compile and give the
// interpreter's numbers.
#include "ir/base/alloc.h"
#include "ir/base/file.h"
#include "ir/op_list.h"
#include "ir/text.h"
#include "runtime/executable.h"
#include "tests/numeric/compare.h"
#include "tests/numeric/op_samples.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

// ---- the document ----

static const char *const page = LIG_SOURCE_DIR "/ir/OPS.md";

static void the_document_is_fresh(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    LigText text = {0};
    LigMappedFile *file;
    lig_op_list_print(&text);
    assert_int_equal(lig_file_map(ctx, page, &file), LIG_OK);
    bool same = file->size == text.length && !memcmp(file->data, text.data, text.length);
    lig_file_unmap(file);
    lig_text_free(&text);
    lig_context_destroy(ctx);
    if (!same) fail_msg("ir/OPS.md is not what ir/ops.def says: run unit_ops --write");
}

static int write_document(void)
{
    LigText text = {0};
    lig_op_list_print(&text);
    FILE *file = fopen(page, "w");
    if (!file) return 1;
    size_t written = fwrite(text.data, 1, text.length, file);
    bool whole = written == text.length && fclose(file) == 0;
    lig_text_free(&text);
    return whole ? 0 : 1;
}

// ---- lowering ----

enum { MOST_TENSORS = 8, BYTES = 1 << 14 };

// The memory of one sample: params and inputs filled alike whenever it is set up, states of zeros.
typedef struct Memory {
    _Alignas(64) unsigned char inputs[MOST_TENSORS][BYTES];
    _Alignas(64) unsigned char params[MOST_TENSORS][BYTES];
    _Alignas(64) unsigned char states[MOST_TENSORS][BYTES];
    _Alignas(64) unsigned char output[BYTES];
} Memory;

static const int64_t symbols[LIG_MAX_SYMBOLS] = {7};

// Floats between a quarter and one; integers 0, which are good indices and starts; a step counts from 1.
static LigTensor fill(const LigValue *value, unsigned char *bytes)
{
    LigTensor t = {.data = bytes};
    assert_true(lig_type_bind(&value->type, symbols, &t.shape));
    int64_t count;
    assert_true(lig_shape_count(&t.shape, &count));
    assert_true(count * 8 <= BYTES);
    memset(bytes, 0, BYTES);
    for (int64_t i = 0; lig_dtype_is_float(t.shape.dtype) && i < count; i++)
        lig_shape_set(&t.shape, t.data, i, 0.25 + (double)(i * 37 % 64) / 85);
    bool steps = lig_str_is(value->name, "t") || lig_str_is(value->name, "len");
    if (steps && t.shape.dtype == LIG_I32) lig_shape_set_integer(&t.shape, t.data, 0, 1);
    if (lig_str_is(value->name, "start")) lig_shape_set_integer(&t.shape, t.data, 1, 3);
    return t;
}

static LigModule *parse_sample(LigContext *ctx, const Sample *sample, Memory *memory)
{
    LigText text = {0};
    if (!sample->body)
        fail_msg("%s has no sample: write one in tests/numeric/op_samples.h",
                 lig_op_info((LigOpCode)(sample - samples))->name);
    lig_text_printf(&text, "module \"m\" {\n  %s\n  func @f(%s) -> %s {\n    %s\n    return %%y\n  }\n}\n",
                    sample->before, sample->inputs, sample->result, sample->body);
    LigModule *module = NULL;
    if (lig_parse_module(ctx, "sample", lig_text_view(&text), &module) != LIG_OK)
        fail_msg("%s in\n%s", lig_context_diagnostic(ctx, 0)->message, text.data);
    lig_text_free(&text);
    for (size_t i = 0; i < module->params.count; i++)
        module->params.data[i]->data = fill(module->params.data[i], memory->params[i]).data;
    return module;
}

static LigStatus run_bound(LigExecutable *executable, Memory *memory, LigShape *shape)
{
    LigBound *bound;
    LigTensor inputs[MOST_TENSORS];
    void *states[MOST_TENSORS], *outputs[] = {memory->output};
    LIG_TRY(lig_bound_create(executable, LIG_STR("f"), &bound));
    for (size_t i = 0; i < lig_bound_input_count(bound); i++)
        inputs[i] = fill(lig_bound_input(bound, i), memory->inputs[i]);
    for (size_t i = 0; i < MOST_TENSORS; i++) {
        states[i] = memory->states[i];
        memset(states[i], 0, BYTES);
    }
    LIG_TRY(lig_bound_bind(bound, inputs, symbols, shape));
    return lig_bound_run(bound, inputs, states, outputs);
}

typedef enum Mode { INTERPRETED, INTERPRETED_AS_PLANNED, COMPILED } Mode;

static LigStatus plan(LigModule *module)
{
    LigPassManager manager = {.options.fuse = true, .verify = true};
    for (size_t i = 0; i < lig_pass_count(); i++) LIG_TRY(lig_pass_run(&manager, module, lig_pass_info(i)));
    return LIG_OK;
}

// Runs a sample; its result stays in memory->output.
static LigStatus run_sample(LigContext *ctx, const Sample *sample, Mode mode, Memory *memory, LigShape *shape)
{
    LigTarget target;
    LigExecutable *executable;
    LigModule *module = parse_sample(ctx, sample, memory);
    LIG_TRY(lig_target_find(ctx, "native", &target));
    if (mode == INTERPRETED_AS_PLANNED) LIG_TRY(plan(module));
    LigExecutableOptions options = {
        .target = &target, .passes.fuse = true, .interpret = mode != COMPILED, .verify = true};
    LIG_TRY(lig_executable_create(module, &options, &executable));
    LigStatus status = run_bound(executable, memory, shape);
    lig_executable_destroy(executable);
    return status;
}

static void expect_refusal(LigContext *ctx, LigOpCode code, LigStatus status)
{
    const char *name = lig_op_info(code)->name;
    if (status == LIG_OK) fail_msg("%s compiles, but the table says that it has no code", name);
    const char *message = lig_context_diagnostic(ctx, 0)->message;
    bool told =
        strstr(message, name) && strstr(message, "has no generated code") && strstr(message, "--interpret");
    if (status != LIG_ERR_UNSUPPORTED || !told) fail_msg("%s: \"%s\" does not tell what to do", name, message);
}

static void compare_with_interpreter(LigOpCode code, const LigShape *shape, const Memory *compiled,
                                     const Memory *interpreted)
{
    int64_t count;
    assert_true(lig_shape_count(shape, &count));
    for (int64_t i = 0; i < count; i++) {
        double got = lig_shape_get(shape, compiled->output, i),
               want = lig_shape_get(shape, interpreted->output, i);
        if (!compare_equal(COMPARE_ATTENTION, shape->dtype, got, want, 2 + fabs(want)))
            fail_msg("%s, element %lld: %.9g, but %.9g interpreted", lig_op_info(code)->name, (long long)i, got,
                     want);
    }
}

static void check_lowering(LigOpCode code, Memory *compiled, Memory *interpreted)
{
    LigContext *ctx = lig_context_create();
    LigShape shape = {0};
    LigStatus status = run_sample(ctx, &samples[code], INTERPRETED, interpreted, &shape);
    if (status != LIG_OK)
        fail_msg("%s, interpreted: %s", lig_op_info(code)->name, lig_context_diagnostic(ctx, 0)->message);
    status = run_sample(ctx, &samples[code], COMPILED, compiled, &shape);
    if (lig_op_info(code)->lowering.kind == LIG_LOWER_INTERPRETED)
        expect_refusal(ctx, code, status);
    else if (status != LIG_OK)
        fail_msg("%s: %s", lig_op_info(code)->name, lig_context_diagnostic(ctx, 0)->message);
    else
        compare_with_interpreter(code, &shape, compiled, interpreted);
    lig_context_destroy(ctx);
}

static void lowering_is_what_compiling_does(void **state)
{
    (void)state;
    Memory *compiled = lig_alloc_zero(sizeof *compiled), *interpreted = lig_alloc_zero(sizeof *interpreted);
    assert_true(compiled && interpreted);
    for (LigOpCode code = 0; code < LIG_OP_COUNT; code++) {
        if (code != LIG_OP_CALL) check_lowering(code, compiled, interpreted);
    }
    lig_free(compiled), lig_free(interpreted);
}

// Kernels, layouts and places of a plan: the same numbers; decompositions round otherwise.
static void check_planned(LigOpCode code, Memory *planned, Memory *whole)
{
    LigContext *ctx = lig_context_create();
    LigShape shape = {0};
    LigStatus status = run_sample(ctx, &samples[code], INTERPRETED, whole, &shape);
    if (status == LIG_OK) status = run_sample(ctx, &samples[code], INTERPRETED_AS_PLANNED, planned, &shape);
    if (status != LIG_OK)
        fail_msg("%s, planned: %s", lig_op_info(code)->name, lig_context_diagnostic(ctx, 0)->message);
    size_t bytes;
    assert_true(lig_shape_bytes(&shape, &bytes));
    if (lig_op_info(code)->lowering.kind == LIG_LOWER_DECOMPOSE)
        compare_with_interpreter(code, &shape, planned, whole);
    else if (memcmp(planned->output, whole->output, bytes) != 0)
        fail_msg("%s: the plan changes its bits", lig_op_info(code)->name);
    if (memcmp(planned->states, whole->states, sizeof whole->states) != 0)
        fail_msg("%s: the plan leaves other states", lig_op_info(code)->name);
    lig_context_destroy(ctx);
}

static void plans_keep_every_op(void **state)
{
    (void)state;
    Memory *planned = lig_alloc_zero(sizeof *planned), *whole = lig_alloc_zero(sizeof *whole);
    assert_true(planned && whole);
    for (LigOpCode code = 0; code < LIG_OP_COUNT; code++) {
        if (code != LIG_OP_CALL) check_planned(code, planned, whole);
    }
    lig_free(planned), lig_free(whole);
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "--write")) return write_document();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_document_is_fresh),
        cmocka_unit_test(lowering_is_what_compiling_does),
        cmocka_unit_test(plans_keep_every_op),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

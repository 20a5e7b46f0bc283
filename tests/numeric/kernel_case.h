// A kernel written as text, compiled for several CPUs and compared with the interpreter.
//
// Buffers end at an inaccessible page, so that a kernel that reads or writes past its operands dies. Each
// kernel runs once over all its tiles and once tile by tile from the last to the first: the bits must be the
// same.
#ifndef LIG_TESTS_NUMERIC_KERNEL_CASE_H
#define LIG_TESTS_NUMERIC_KERNEL_CASE_H

#include "codegen/compiler.h"
#include "ir/base/alloc.h"
#include "ir/eval.h"
#include "ir/layout_block.h"
#include "ir/text.h"
#include "tests/numeric/compare.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { KERNEL_BUFFERS = 16 };

// ---- buffers ----

typedef struct Guarded {
    unsigned char *data;
    void *pages;
    size_t bytes, mapped;
} Guarded;

static inline Guarded guarded(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), inner = (bytes + page - 1) / page * page;
    Guarded g = {.bytes = bytes, .mapped = inner + page};
    g.pages = mmap(NULL, g.mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(g.pages != MAP_FAILED);
    assert_int_equal(mprotect((char *)g.pages + inner, page, PROT_NONE), 0);
    g.data = (unsigned char *)g.pages + inner - bytes;
    return g;
}

static inline void guarded_free(Guarded *g) { munmap(g->pages, g->mapped); }

static inline uint32_t case_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*seed >> 32);
}

static inline double case_between(uint64_t *seed, double low, double high)
{
    return low + (high - low) * (case_random(seed) * 0x1p-32);
}

// Random blocks in the file's form, with scales and mins of ordinary size.
static inline void fill_blocks(LigDtype dtype, unsigned char *data, size_t bytes, uint64_t *seed)
{
    const LigBlockFacts *facts = lig_block_facts(dtype);
    const double size = lig_block_has(facts, LIG_PART_SCALE) ? 0.002 : 0.02; // times a small scale
    for (size_t i = 0; i < bytes; i++) data[i] = (unsigned char)case_random(seed);
    for (size_t at = 0; at < bytes; at += (size_t)lig_dtype_block_bytes(dtype)) {
        const uint16_t d = lig_f64_to_f16(case_between(seed, -size, size));
        const uint16_t dmin = lig_f64_to_f16(case_between(seed, -50 * size, 50 * size));
        memcpy(data + at + lig_block_place(facts, LIG_LAYOUT_ROWS, LIG_PART_D, 0).byte, &d, sizeof d);
        if (!lig_block_has(facts, LIG_PART_DMIN)) continue;
        memcpy(data + at + lig_block_place(facts, LIG_LAYOUT_ROWS, LIG_PART_DMIN, 0).byte, &dmin, sizeof dmin);
    }
}

static inline void fill_quantised(const LigShape *shape, unsigned char *data, uint64_t *seed)
{
    LigShape rows = *shape;
    rows.layout = (LigLayout){0};
    size_t bytes;
    assert_true(lig_shape_bytes(&rows, &bytes));
    unsigned char *source = lig_alloc(bytes);
    assert_non_null(source);
    fill_blocks(rows.dtype, source, bytes, seed);
    lig_shape_repack(&rows, source, shape, data, 0, shape->dims[0]);
    lig_free(source);
}

static inline void fill_numbers(const LigShape *shape, void *data, uint64_t *seed)
{
    int64_t count;
    assert_true(lig_shape_count(shape, &count));
    for (int64_t i = 0; i < count; i++) {
        if (lig_dtype_is_float(shape->dtype))
            lig_shape_set(shape, data, i, case_between(seed, -2, 2));
        else
            lig_shape_set_integer(
                shape, data, i, shape->dtype == LIG_BOOL ? case_random(seed) % 2 : 1 + case_random(seed) % 100);
    }
}

// ---- cases ----

typedef struct KernelCase {
    const char *text;           // a module whose last function is the kernel
    int64_t symbols[8];         // values of its symbols
    const int32_t *integers[8]; // contents of i32 operand i; NULL: random numbers 1 .. 100
    void (*fill)(size_t operand, const LigShape *shape, void *data); // after the random fill; NULL: none
    CompareKind kind;
    double magnitude; // what errors are relative to where |wanted| is smaller
    int in_place;     // the result is written over this operand (append); -1: none
} KernelCase;

typedef struct KernelRun {
    LigContext *ctx;
    LigModule *module;
    LigFunc *kernel;
    LigTensor inputs[KERNEL_BUFFERS], outputs[KERNEL_BUFFERS];
    Guarded buffers[KERNEL_BUFFERS]; // of inputs, then of outputs
    size_t input_count, output_count;
    const KernelCase *c;
} KernelRun;

static inline void report(const LigContext *ctx)
{
    for (size_t i = 0; i < lig_context_diagnostic_count(ctx); i++) {
        const LigDiagnostic *d = lig_context_diagnostic(ctx, i);
        print_message("%s:%u: %s\n", d->loc.file ? d->loc.file : "", d->loc.line, d->message);
    }
}

#define CASE_OK(run, call)                                                                                     \
    do {                                                                                                       \
        LigStatus case_status = (call);                                                                        \
        if (case_status != LIG_OK) report((run)->ctx);                                                         \
        assert_int_equal(case_status, LIG_OK);                                                                 \
    } while (0)

static inline void fill_input(KernelRun *run, size_t i)
{
    const LigShape *shape = &run->inputs[i].shape;
    uint64_t seed = 17 + i;
    int64_t count;
    assert_true(lig_shape_count(shape, &count));
    if (lig_dtype_is_quantised(shape->dtype))
        fill_quantised(shape, run->inputs[i].data, &seed);
    else
        fill_numbers(shape, run->inputs[i].data, &seed);
    const int32_t *given = run->c->integers[i];
    if (given) memcpy(run->inputs[i].data, given, (size_t)count * sizeof *given);
    if (run->c->fill) run->c->fill(i, shape, run->inputs[i].data);
}

static inline void make_tensor(const KernelRun *run, const LigValue *value, LigTensor *tensor, Guarded *buffer)
{
    size_t bytes;
    assert_true(lig_type_bind(&value->type, run->c->symbols, &tensor->shape));
    assert_true(lig_shape_bytes(&tensor->shape, &bytes));
    *buffer = guarded(bytes);
    tensor->data = buffer->data;
}

static inline KernelRun kernel_run_begin(const KernelCase *c)
{
    KernelRun run = {.ctx = lig_context_create(), .c = c};
    CASE_OK(&run, lig_parse_module(run.ctx, "case", lig_str(c->text), &run.module));
    run.kernel = run.module->funcs.data[run.module->funcs.count - 1];
    run.input_count = run.kernel->inputs.count;
    run.output_count = run.kernel->outputs.count;
    for (size_t i = 0; i < run.input_count; i++) {
        make_tensor(&run, run.kernel->inputs.data[i], &run.inputs[i], &run.buffers[i]);
        fill_input(&run, i);
    }
    for (size_t i = 0; i < run.output_count; i++)
        make_tensor(&run, run.kernel->outputs.data[i], &run.outputs[i], &run.buffers[run.input_count + i]);
    return run;
}

static inline void kernel_run_end(KernelRun *run)
{
    for (size_t i = 0; i < run->input_count + run->output_count; i++) guarded_free(&run->buffers[i]);
    lig_module_destroy(run->module);
    lig_context_destroy(run->ctx);
}

// `pattern` with $1 and $2 replaced.
static inline const char *case_text(char out[1024], const char *pattern, const char *first, const char *second)
{
    size_t length = 0;
    for (const char *p = pattern; *p; p++) {
        const char *piece = *p == '$' ? (*++p == '1' ? first : second) : NULL;
        size_t bytes = piece ? strlen(piece) : 1;
        assert_true(length + bytes < 1024);
        memcpy(out + length, piece ? piece : p, bytes);
        length += bytes;
    }
    out[length] = 0;
    return out;
}

// ---- running ----

static inline void begin_outputs(KernelRun *run)
{
    for (size_t i = 0; i < run->output_count; i++)
        memset(run->outputs[i].data, 0xa5, run->buffers[run->input_count + i].bytes);
    if (run->c->in_place >= 0)
        memcpy(run->outputs[0].data, run->inputs[run->c->in_place].data, run->buffers[run->input_count].bytes);
}

// Runs the tiles into the outputs' buffers: at once, or one by one from the last.
static inline void run_tiles(KernelRun *run, LigCallable callable, bool one_by_one)
{
    int64_t tiles, scratch_bytes = lig_attrs_int(run->kernel->attrs, LIG_ATTR_SCRATCH, 0);
    LigDim count = lig_kernel_tiles(run->module, run->kernel);
    assert_non_null(count);
    assert_true(lig_dim_eval(count, run->c->symbols, &tiles));
    Guarded scratch = guarded(((size_t)scratch_bytes + 63) / 64 * 64);
    memset(scratch.data, 0xff, scratch.bytes);
    void *buffers[2 * KERNEL_BUFFERS];
    for (size_t i = 0; i < run->input_count + run->output_count; i++) buffers[i] = run->buffers[i].data;
    if (run->c->in_place >= 0) buffers[run->c->in_place] = run->outputs[0].data;
    if (!one_by_one) callable.function(buffers, run->c->symbols, 0, tiles, scratch.data);
    for (int64_t t = tiles; one_by_one && t > 0; t--)
        callable.function(buffers, run->c->symbols, t - 1, t, scratch.data);
    guarded_free(&scratch);
}

static inline void compare_output(const KernelRun *run, size_t index, const LigTensor *want, const char *target)
{
    const LigTensor *got = &run->outputs[index];
    int64_t count;
    assert_true(lig_shape_count(&got->shape, &count));
    for (int64_t i = 0; i < count; i++) {
        double g = lig_shape_get(&got->shape, got->data, i), w = lig_shape_get(&want->shape, want->data, i);
        double magnitude = fmax(fabs(w), run->c->magnitude);
        if (!compare_equal(run->c->kind, got->shape.dtype, g, w, magnitude))
            fail_msg("%s: output %zu, element %lld of %lld is %.9g, expected %.9g, in\n%s", target, index,
                     (long long)i, (long long)count, g, w, run->c->text);
    }
}

static inline void check_on(KernelRun *run, const char *name, const LigTensor *want)
{
    LigTarget target;
    LigCompiler *compiler;
    LigCallable callable;
    CASE_OK(run, lig_target_find(run->ctx, name, &target));
    CASE_OK(run, lig_schedule_module(run->module, &(LigScheduleOptions){.target = &target}));
    CASE_OK(run, lig_compiler_create(run->ctx, &target, &compiler));
    CASE_OK(run, lig_compiler_kernel(compiler, run->module, run->kernel, &callable));
    begin_outputs(run);
    run_tiles(run, callable, false);
    unsigned char *kept[KERNEL_BUFFERS];
    for (size_t i = 0; i < run->output_count; i++) {
        compare_output(run, i, &want[i], name);
        size_t bytes = run->buffers[run->input_count + i].bytes;
        kept[i] = lig_alloc(bytes + 1);
        memcpy(kept[i], run->outputs[i].data, bytes);
    }
    begin_outputs(run);
    run_tiles(run, callable, true);
    for (size_t i = 0; i < run->output_count; i++) {
        assert_memory_equal(kept[i], run->outputs[i].data, run->buffers[run->input_count + i].bytes);
        lig_free(kept[i]);
    }
    lig_compiler_destroy(compiler);
}

// The kernel's results by the interpreter; released by lig_free. The operands keep their contents.
static inline void interpret(KernelRun *run, LigTensor *want)
{
    LigInterpreter *interpreter;
    Guarded kept = {0};
    if (run->c->in_place >= 0) {
        kept = guarded(run->buffers[run->c->in_place].bytes);
        memcpy(kept.data, run->inputs[run->c->in_place].data, kept.bytes);
    }
    CASE_OK(run, lig_interpreter_create(run->module, &interpreter));
    CASE_OK(run, lig_interpreter_run(interpreter, run->kernel, run->inputs, NULL, run->c->symbols, want));
    lig_interpreter_destroy(interpreter);
    if (run->c->in_place < 0) return;
    memcpy(run->inputs[run->c->in_place].data, kept.data, kept.bytes);
    guarded_free(&kept);
}

static const char *const case_targets[] = {"x86-64", "x86-64-v3", "x86-64-v4", "native"};

// Schedules depend on the target, so each gets a module of its own.
static inline void check_kernel(KernelCase c)
{
    for (size_t t = 0; t < sizeof case_targets / sizeof *case_targets; t++) {
        KernelRun run = kernel_run_begin(&c);
        LigTensor want[KERNEL_BUFFERS] = {0};
        interpret(&run, want);
        check_on(&run, case_targets[t], want);
        for (size_t i = 0; i < run.output_count; i++) lig_free(want[i].data);
        kernel_run_end(&run);
    }
}

#endif

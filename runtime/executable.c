#include "runtime/executable.h"

#include "codegen/compiler.h"
#include "ir/base/alloc.h"
#include "ir/base/clock.h"
#include "ir/bind.h"
#include "ir/verify.h"
#include "runtime/example_call.h"
#include "runtime/guard.h"
#include "runtime/lower.h"
#include "runtime/residents.h"

#include <string.h>

struct LigExecutable {
    LigModule *module;
    LigExecutableOptions options;
    LigParallel parallel;
    LigGuards guards;
    LigInterpreter *interpreter; // when options.interpret
    LigCompiler *compiler;       // otherwise
    LigResidents *residents;
    LigLowered **lowered; // by index of the function; NULL until first called
    unsigned char *arena, *scratch;
    size_t arena_bytes, scratch_bytes;
    LigKernelTime *times; // by index of the function
    uint64_t *time_nanoseconds, *time_calls;
    LIG_VEC(LigPassTime) pass_times; // in the module's arena
    double load_ms;
    LigComparison *comparison; // when options.verify
};

static LigStatus note_time(LigExecutable *e, const char *name, double milliseconds)
{
    LigPassTime time = {.name = name, .milliseconds = milliseconds};
    bool noted = LIG_VEC_PUSH(e->module->arena, &e->pass_times, time);
    return noted ? LIG_OK : lig_no_memory(e->module->ctx);
}

static LigStatus schedule(LigExecutable *e)
{
    const LigScheduleOptions options = {.target = e->options.target, .onednn = e->options.passes.onednn};
    double start = lig_clock_ms();
    LIG_TRY(lig_schedule_module(e->module, &options));
    return note_time(e, "schedule", lig_clock_ms() - start);
}

static LigStatus run_passes(LigExecutable *e, LigPassManager *manager)
{
    LIG_TRY(lig_pass_dump(manager, e->module, lig_stage_name(e->module->stage)));
    for (size_t i = 0; i < lig_pass_count(); i++) {
        const LigPassInfo *pass = lig_pass_info(i);
        if (pass->from < e->module->stage) continue;
        LIG_TRY(lig_pass_run(manager, e->module, pass));
    }
    for (size_t i = 0; i < manager->times.count; i++)
        LIG_TRY(note_time(e, manager->times.data[i].name, manager->times.data[i].milliseconds));
    LIG_TRY(schedule(e));
    return lig_pass_dump(manager, e->module, "schedule");
}

// The comparison outlives its calls, for what it measured.
static LigStatus run_compared_passes(LigExecutable *e, LigPassManager *manager)
{
    LigArena *arena = lig_arena_create();
    if (!arena) return lig_no_memory(e->module->ctx);
    LigExampleCalls random = {0};
    LigStatus status = LIG_OK;
    const LigExampleCall *calls = e->options.verify_call;
    if (!calls) status = lig_example_calls(e->module, arena, e->options.verify_seed, &random);
    if (status == LIG_OK)
        status = lig_comparison_create(e->module, calls ? calls : random.items, calls ? 1 : random.count,
                                       &e->comparison);
    manager->comparison = e->comparison;
    if (status == LIG_OK) status = run_passes(e, manager);
    lig_arena_destroy(arena);
    return status;
}

static LigStatus prepare_module(LigExecutable *e)
{
    LigPassManager manager = {
        .options = e->options.passes, .verify = e->options.verify, .dump_dir = e->options.dump_dir};
    return e->options.verify ? run_compared_passes(e, &manager) : run_passes(e, &manager);
}

static LigStatus allocate_times(LigExecutable *e)
{
    size_t count = e->module->funcs.count;
    e->times = LIG_NEW_ARRAY(e->module->arena, LigKernelTime, count);
    e->time_nanoseconds = LIG_NEW_ARRAY(e->module->arena, uint64_t, count);
    e->time_calls = LIG_NEW_ARRAY(e->module->arena, uint64_t, count);
    return e->times && e->time_nanoseconds && e->time_calls ? LIG_OK : lig_no_memory(e->module->ctx);
}

static LigStatus prepare_compiled(LigExecutable *e)
{
    LIG_TRY(lig_guards_find(e->module, &e->guards));
    LIG_TRY(prepare_module(e));
    LIG_TRY(lig_compiler_create(e->module->ctx, e->options.target, &e->compiler));
    LIG_TRY(lig_compiler_use_cache(e->compiler, &e->options.cache));
    double start = lig_clock_ms();
    LIG_TRY(lig_residents_create(e->module, &e->parallel, &e->residents));
    e->load_ms = lig_clock_ms() - start;
    e->lowered = LIG_NEW_ARRAY(e->module->arena, LigLowered *, e->module->funcs.count);
    if (!e->lowered) return lig_no_memory(e->module->ctx);
    return allocate_times(e);
}

// The interpreter runs the module as it is, but for what the options ask of its arithmetic.
static LigStatus prepare_interpreted(LigExecutable *e)
{
    LigPassManager manager = {
        .options = e->options.passes, .verify = e->options.verify, .dump_dir = e->options.dump_dir};
    for (size_t i = 0; i < lig_pass_count(); i++) {
        const LigPassInfo *pass = lig_pass_info(i);
        if (pass->numerics != LIG_CHANGES_MEANING || pass->from != e->module->stage) continue;
        LIG_TRY(lig_pass_run(&manager, e->module, pass));
    }
    return lig_interpreter_create(e->module, &e->interpreter);
}

// A module may come from a text that a person edited, at any stage: passes and the runtime take its rules for
// granted.
static LigStatus prepare(LigExecutable *e)
{
    double start = lig_clock_ms();
    LIG_TRY(lig_verify_module(e->module));
    LIG_TRY(note_time(e, "verify", lig_clock_ms() - start));
    if (e->options.interpret) return prepare_interpreted(e);
    return prepare_compiled(e);
}

LigStatus lig_executable_create(LigModule *module, const LigExecutableOptions *options, LigExecutable **out)
{
    LigExecutable *e = lig_alloc_zero(sizeof *e);
    if (!e) {
        LigStatus status = lig_no_memory(module->ctx);
        lig_module_destroy(module);
        return status;
    }
    e->module = module;
    e->options = *options;
    e->parallel = options->parallel ? *options->parallel : lig_serial_parallel();
    LigStatus status = prepare(e);
    if (status != LIG_OK) {
        lig_executable_destroy(e);
        return status;
    }
    *out = e;
    return LIG_OK;
}

void lig_executable_destroy(LigExecutable *e)
{
    if (!e) return;
    lig_interpreter_destroy(e->interpreter);
    lig_residents_destroy(e->residents);
    lig_comparison_destroy(e->comparison);
    lig_compiler_destroy(e->compiler);
    lig_free_pages(e->arena, e->arena_bytes);
    lig_free_pages(e->scratch, e->scratch_bytes);
    lig_module_destroy(e->module);
    lig_free(e);
}

const LigModule *lig_executable_module(const LigExecutable *e) { return e->module; }

LigStatus lig_executable_state_shape(const LigExecutable *e, size_t index, const int64_t *symbols,
                                     LigShape *out)
{
    const LigValue *state = e->module->states.data[index];
    if (lig_type_bind(&state->type, symbols, out)) return LIG_OK;
    return lig_fail(e->module->ctx, LIG_ERR_SHAPE, state->loc, "state %%%.*s is too large",
                    LIG_STR_ARG(state->name));
}

LigExecutableFacts lig_executable_facts(const LigExecutable *e)
{
    LigExecutableFacts facts = {.passes = e->pass_times.data,
                                .pass_count = e->pass_times.count,
                                .load_ms = e->load_ms,
                                .compiler = {.plugins = "none", .cache_trouble = ""},
                                .arena_bytes = e->arena_bytes};
    if (e->compiler) facts.compiler = lig_compiler_facts(e->compiler);
    for (size_t i = 0; i < facts.pass_count; i++) facts.pass_ms += facts.passes[i].milliseconds;
    if (e->residents) facts.resident_bytes = lig_residents_bytes(e->residents);
    if (e->comparison) {
        facts.verified_calls = lig_comparison_call_count(e->comparison);
        facts.measures = lig_comparison_measure(e->comparison, 0);
        facts.measure_count = lig_comparison_measure_count(e->comparison);
    }
    if (!e->options.time || !e->times) return facts;
    for (size_t i = 0; i < e->module->funcs.count; i++) {
        e->times[i] = (LigKernelTime){e->module->funcs.data[i]->name, e->time_calls[i], e->time_nanoseconds[i]};
    }
    facts.times = e->times;
    facts.time_count = e->module->funcs.count;
    return facts;
}

// Binding: from a function's name and the sizes of its inputs to a variant.

struct LigBound {
    LigExecutable *executable;
    LigStr name;
    const LigFunc
        *first; // the function itself, or the first of its variants: inputs and outputs are the same in all
    const LigFunc *func; // bound: the one that runs
    int64_t dims[LIG_MAX_SYMBOLS];
    LigLowered *lowered; // of func; NULL when interpreted
    LigShape *input_shapes;
    void **addresses;            // of the inputs
    LigTensor *states, *results; // for the interpreter
};

static bool answers_to(const LigFunc *func, LigStr name)
{
    return (func->kind == LIG_FUNC && lig_str_equal(func->name, name)) ||
           (func->kind == LIG_FUNC_VARIANT && lig_str_equal(func->variant_of, name));
}

static LigStatus find_first(LigBound *bound)
{
    const LigModule *module = bound->executable->module;
    for (size_t i = 0; i < module->funcs.count && !bound->first; i++) {
        if (answers_to(module->funcs.data[i], bound->name)) bound->first = module->funcs.data[i];
    }
    if (bound->first) return LIG_OK;
    return lig_fail(module->ctx, LIG_ERR_NOT_FOUND, LIG_NOWHERE, "the module has no function @%.*s",
                    LIG_STR_ARG(bound->name));
}

LigStatus lig_bound_create(LigExecutable *executable, LigStr func, LigBound **out)
{
    LigArena *arena = executable->module->arena;
    LigBound *bound = LIG_NEW(arena, LigBound);
    if (!bound) return lig_no_memory(executable->module->ctx);
    bound->executable = executable;
    bound->name = lig_str_copy(arena, func);
    if (!bound->name.data) return lig_no_memory(executable->module->ctx);
    LIG_TRY(find_first(bound));
    bound->input_shapes = LIG_NEW_ARRAY(arena, LigShape, bound->first->inputs.count);
    bound->addresses = LIG_NEW_ARRAY(arena, void *, bound->first->inputs.count);
    bound->states = LIG_NEW_ARRAY(arena, LigTensor, executable->module->states.count);
    bound->results = LIG_NEW_ARRAY(arena, LigTensor, bound->first->outputs.count);
    if (!bound->input_shapes || !bound->addresses || !bound->states || !bound->results)
        return lig_no_memory(executable->module->ctx);
    *out = bound;
    return LIG_OK;
}

size_t lig_bound_input_count(const LigBound *bound) { return bound->first->inputs.count; }
size_t lig_bound_output_count(const LigBound *bound) { return bound->first->outputs.count; }
const LigValue *lig_bound_input(const LigBound *bound, size_t index)
{
    return bound->first->inputs.data[index];
}
LigStr lig_bound_output_name(const LigBound *bound, size_t index)
{
    return bound->first->outputs.data[index]->name;
}

static bool binding_admits(const LigFunc *variant, const int64_t *dims)
{
    for (size_t i = 0; i < variant->bindings.count; i++) {
        const LigBinding *binding = &variant->bindings.data[i];
        int64_t value = dims[binding->symbol];
        if (value < binding->low || value > binding->high) return false;
    }
    return true;
}

// The dims are found from the variant's own input types, where fixed symbols no longer appear, so those are
// filled in first.
static bool try_variant(const LigBound *bound, const LigFunc *func, const int64_t *symbols, int64_t *dims)
{
    const LigModule *module = bound->executable->module;
    size_t count = lig_dims_symbol_count(module->dims);
    for (size_t i = 0; i < count; i++) dims[i] = symbols ? symbols[i] : -1;
    for (size_t i = 0; i < func->inputs.count; i++) {
        const LigType *type = &bound->first->inputs.data[i]->type;
        if (type->rank != bound->input_shapes[i].rank) return false;
    }
    for (size_t i = 0; i < func->bindings.count; i++) {
        const LigBinding *binding = &func->bindings.data[i];
        if (binding->low == binding->high) dims[binding->symbol] = binding->low;
    }
    for (size_t i = 0; i < func->inputs.count; i++) {
        const LigType *type = &func->inputs.data[i]->type;
        for (int j = 0; j < type->rank; j++) {
            int64_t value;
            int symbol = lig_dim_as_symbol(type->dims[j]);
            if (symbol >= 0) dims[symbol] = bound->input_shapes[i].dims[j];
            if (lig_dim_is_const(type->dims[j], &value) && value != bound->input_shapes[i].dims[j])
                return false;
        }
    }
    return binding_admits(func, dims);
}

static LigStatus choose_variant(LigBound *bound, const int64_t *symbols)
{
    const LigModule *module = bound->executable->module;
    const LigFunc *last = bound->first;
    for (size_t i = 0; i < module->funcs.count; i++) {
        const LigFunc *func = module->funcs.data[i];
        if (!answers_to(func, bound->name)) continue;
        last = func;
        if (try_variant(bound, func, symbols, bound->dims)) break;
    }
    // Nothing fits: the last one is bound all the same, so that its message names what is out of bounds.
    bound->func = last;
    int64_t start[LIG_MAX_SYMBOLS];
    for (size_t i = 0; i < LIG_MAX_SYMBOLS; i++) start[i] = -1;
    for (size_t i = 0; symbols && i < lig_dims_symbol_count(module->dims); i++) start[i] = symbols[i];
    for (size_t i = 0; i < last->bindings.count; i++) {
        const LigBinding *binding = &last->bindings.data[i];
        if (binding->low == binding->high) start[binding->symbol] = binding->low;
    }
    return lig_bind_dims(module, last, bound->input_shapes, start, bound->dims);
}

static LigStatus grow_pages(LigContext *ctx, unsigned char **pages, size_t *bytes, size_t wanted)
{
    if (wanted <= *bytes) return LIG_OK;
    unsigned char *grown = lig_alloc_pages(wanted);
    if (!grown) return lig_no_memory(ctx);
    lig_free_pages(*pages, *bytes);
    *pages = grown;
    *bytes = wanted;
    return LIG_OK;
}

static LigStatus lower(LigBound *bound)
{
    LigExecutable *e = bound->executable;
    LigLowered **lowered = &e->lowered[lig_module_func_index(e->module, bound->func)];
    if (!*lowered) LIG_TRY(lig_lower_variant(e->module, bound->func, e->compiler, &e->parallel, lowered));
    bound->lowered = *lowered;
    const LigProgram *program = &bound->lowered->program;
    size_t scratch = (size_t)program->scratch_bytes * (size_t)e->parallel.threads;
    LIG_TRY(grow_pages(e->module->ctx, &e->arena, &e->arena_bytes, (size_t)program->arena_bytes));
    LIG_TRY(grow_pages(e->module->ctx, &e->scratch, &e->scratch_bytes, scratch));
    return lig_lowered_bind(bound->lowered, e->module, bound->dims);
}

LigStatus lig_bound_bind(LigBound *bound, const LigTensor *inputs, const int64_t *symbols, LigShape *outputs)
{
    LigExecutable *e = bound->executable;
    for (size_t i = 0; i < bound->first->inputs.count; i++) bound->input_shapes[i] = inputs[i].shape;
    LIG_TRY(choose_variant(bound, symbols));
    for (size_t i = 0; i < bound->func->outputs.count; i++) {
        if (lig_type_bind(&bound->func->outputs.data[i]->type, bound->dims, &outputs[i])) continue;
        return lig_fail(e->module->ctx, LIG_ERR_SHAPE, LIG_NOWHERE, "output %zu of @%.*s is too large", i,
                        LIG_STR_ARG(bound->name));
    }
    if (e->interpreter) return LIG_OK;
    LIG_TRY(lig_guards_check(&e->guards, e->module, bound->func, bound->name, inputs, bound->dims));
    return lower(bound);
}

static LigStatus interpret(LigBound *bound, const LigTensor *inputs, void *const *states, void *const *outputs)
{
    LigExecutable *e = bound->executable;
    for (size_t i = 0; i < e->module->states.count; i++) {
        LIG_TRY(lig_executable_state_shape(e, i, bound->dims, &bound->states[i].shape));
        bound->states[i].data = states[i];
    }
    LIG_TRY(
        lig_interpreter_run(e->interpreter, bound->func, inputs, bound->states, bound->dims, bound->results));
    for (size_t i = 0; i < bound->func->outputs.count; i++) {
        size_t bytes = 0;
        if (lig_shape_bytes(&bound->results[i].shape, &bytes))
            memcpy(outputs[i], bound->results[i].data, bytes);
        lig_free(bound->results[i].data);
    }
    return LIG_OK;
}

LigStatus lig_bound_run(LigBound *bound, const LigTensor *inputs, void *const *states, void *const *outputs)
{
    LigExecutable *e = bound->executable;
    if (e->interpreter) return interpret(bound, inputs, states, outputs);
    for (size_t i = 0; i < bound->func->inputs.count; i++) bound->addresses[i] = inputs[i].data;
    const LigProgramMemory memory = {.arena = e->arena,
                                     .scratch = e->scratch,
                                     .residents = lig_residents_addresses(e->residents),
                                     .states = states,
                                     .inputs = bound->addresses,
                                     .outputs = outputs};
    if (e->parallel.wake) e->parallel.wake(e->parallel.self);
    const LigProgramTimes times = {e->time_nanoseconds, e->time_calls};
    lig_program_run(&bound->lowered->program, &memory, bound->dims, bound->lowered->tiles, &e->parallel,
                    e->options.time ? &times : NULL);
    return LIG_OK;
}

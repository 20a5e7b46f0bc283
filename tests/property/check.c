#include "tests/property/check.h"
#include "tests/property/call.h"

#include "frontend/ligb.h"
#include "ir/base/alloc.h"
#include "ir/text.h"
#include "ir/verify.h"
#include "passes/pass.h"
#include "passes/plan_facts.h"
#include "runtime/executable.h"
#include "tests/numeric/compare.h"
#include "tests/unit/temp_file.h"

enum { SAMPLES = 2, MOST_CALLS = 8, PERTURBED = 3 };

// One call and what it must give.
typedef struct Wanted {
    size_t func; // index in the module at stage model
    char name[32];
    Call call; // after it: states written, outputs filled
    Call base; // the same after the last pass that rounds otherwise
    bool has_base;
    LigTensor error[CALL_MOST]; // f64: how far outputs move when inputs do by rounding
} Wanted;

typedef struct Checker {
    LigStr text;
    uint64_t seed;
    CheckCounts *counts;
    char *detail;
    const char *failed; // the property
    LigContext *ctx;
    LigModule *module; // that passes run on
    Wanted wanted[MOST_CALLS];
    size_t wanted_count;
} Checker;

static bool fail(Checker *c, const char *property, const char *format, ...) LIG_PRINTF(3, 4);
static bool fail(Checker *c, const char *property, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(c->detail, CHECK_DETAIL, format, args);
    va_end(args);
    c->failed = property;
    return false;
}

static bool expect(Checker *c, const char *property, const char *what, LigStatus status)
{
    return status == LIG_OK || fail(c, property, "%s: %s", what, first_message(c->ctx));
}

// ---- text and .ligb ----

static LigText print(const LigModule *module)
{
    LigText text = {0};
    lig_print_module(&text, module);
    return text;
}

// Frees both.
static bool same_text(Checker *c, const char *property, const char *what, LigText want, LigText got)
{
    bool same = want.length == got.length && memcmp(want.data, got.data, got.length) == 0;
    if (!same) {
        size_t at = 0;
        while (at < got.length && at < want.length && got.data[at] == want.data[at]) at++;
        (void)fail(c, property, "%s: byte %zu: wanted \"%.40s\", got \"%.40s\"", what, at, want.data + at,
                   got.data + at);
    }
    lig_text_free(&want);
    lig_text_free(&got);
    return same;
}

static bool check_text(Checker *c, const LigModule *module, const char *what)
{
    LigText text = print(module);
    LigModule *back;
    if (!expect(c, "print-parse", what, lig_parse_module(c->ctx, "printed", lig_text_view(&text), &back))) {
        lig_text_free(&text);
        return false;
    }
    LigText again = print(back);
    lig_module_destroy(back);
    return same_text(c, "print-parse-print", what, text, again);
}

static bool check_ligb(Checker *c, LigModule *module, const char *what)
{
    TempFile temp = temp_file("", 0);
    LigMappedFile *file;
    LigModule *back = NULL;
    bool fine = expect(c, "ligb-write", what, lig_ligb_write(c->ctx, module, temp.path, false)) &&
                expect(c, "ligb-write", what, lig_file_map(c->ctx, temp.path, &file));
    unlink(temp.path);
    if (!fine) return false;
    fine = expect(c, "ligb-read", what, lig_ligb_read(c->ctx, file, &back)) &&
           same_text(c, "ligb", what, print(module), print(back));
    lig_module_destroy(back);
    lig_file_unmap(file);
    return fine;
}

static bool check_forms(Checker *c, LigModule *module, const char *what)
{
    return expect(c, "verify", what, lig_verify_module(module)) && check_text(c, module, what) &&
           check_ligb(c, module, what);
}

// ---- numbers ----

static bool same_number(double a, double b)
{
    return (isnan(a) && isnan(b)) || (a == b && signbit(a) == signbit(b));
}

static bool same_tensor(const LigTensor *want, const LigTensor *got, int64_t *at)
{
    int64_t count = 0;
    bool shaped = want->shape.rank == got->shape.rank && want->shape.dtype == got->shape.dtype;
    for (int i = 0; shaped && i < want->shape.rank; i++) shaped = want->shape.dims[i] == got->shape.dims[i];
    *at = -1;
    if (!shaped || !lig_shape_count(&want->shape, &count)) return false;
    for (*at = 0; *at < count; ++*at) {
        if (!same_number(lig_shape_get(&want->shape, want->data, *at),
                         lig_shape_get(&got->shape, got->data, *at)))
            return false;
    }
    return true;
}

// The interpreter's outputs, moved into buffers of ours.
static LigStatus interpret(LigInterpreter *interpreter, const LigFunc *func, Call *call)
{
    LigTensor outputs[CALL_MOST] = {0};
    LIG_TRY(lig_interpreter_run(interpreter, func, call->inputs, call->states, call->symbols, outputs));
    call->output_count = func->outputs.count;
    for (size_t i = 0; i < func->outputs.count; i++) {
        size_t bytes;
        call->outputs[i] = call_tensor(&outputs[i].shape);
        if (call->outputs[i].data && lig_shape_bytes(&outputs[i].shape, &bytes))
            memcpy(call->outputs[i].data, outputs[i].data, bytes);
        lig_free(outputs[i].data);
    }
    return LIG_OK;
}

// ---- the calls at stage model ----

// Inputs moved by a few roundings.
static void perturb(Call *call, int time)
{
    for (size_t i = 0; i < call->input_count; i++) {
        const LigTensor *tensor = &call->inputs[i];
        int64_t count;
        if (!lig_dtype_is_float(tensor->shape.dtype) || !lig_shape_count(&tensor->shape, &count)) continue;
        for (int64_t k = 0; k < count; k++) {
            double value = lig_shape_get(&tensor->shape, tensor->data, k);
            double step = (double)((k * 7 + time * 3) % 5 - 2) * 0x1p-22;
            lig_shape_set(&tensor->shape, tensor->data, k, value * (1 + step));
        }
    }
}

static void widen_error(Wanted *wanted, const Call *moved)
{
    for (size_t o = 0; o < moved->output_count; o++) {
        const LigTensor *was = &wanted->call.outputs[o], *is = &moved->outputs[o];
        LigTensor *error = &wanted->error[o];
        int64_t count;
        if (!lig_shape_count(&was->shape, &count)) continue;
        for (int64_t i = 0; i < count; i++) {
            double change =
                fabs(lig_shape_get(&was->shape, was->data, i) - lig_shape_get(&is->shape, is->data, i));
            double known = lig_shape_get(&error->shape, error->data, i);
            if (!(change <= known))
                lig_shape_set(&error->shape, error->data, i, isnan(change) ? HUGE_VAL : change);
        }
    }
}

static bool measure_error(Checker *c, LigInterpreter *interpreter, const LigModule *module, Wanted *wanted)
{
    const LigFunc *func = module->funcs.data[wanted->func];
    for (size_t o = 0; o < wanted->call.output_count; o++) {
        LigShape shape = wanted->call.outputs[o].shape;
        shape.dtype = LIG_F64;
        wanted->error[o] = call_tensor(&shape);
    }
    for (int time = 0; time < PERTURBED; time++) {
        Call moved = {0};
        memcpy(moved.symbols, wanted->call.symbols, sizeof moved.symbols);
        if (!call_begin(module, func, c->seed, &moved)) return false;
        perturb(&moved, time);
        if (interpret(interpreter, func, &moved) == LIG_OK) widen_error(wanted, &moved);
        lig_context_clear(c->ctx);
        call_end(&moved);
    }
    return true;
}

static bool want_call(Checker *c, LigInterpreter *interpreter, const LigModule *module, size_t index,
                      int sample)
{
    Wanted *wanted = &c->wanted[c->wanted_count];
    const LigFunc *func = module->funcs.data[index];
    *wanted = (Wanted){.func = index};
    (void)snprintf(wanted->name, sizeof wanted->name, "%.*s", LIG_STR_ARG(func->name));
    if (!call_choose_sizes(module, c->seed, sample, wanted->call.symbols)) return true;
    if (!call_begin(module, func, c->seed, &wanted->call)) return true;
    if (interpret(interpreter, func, &wanted->call) != LIG_OK) {
        lig_context_clear(c->ctx);
        call_end(&wanted->call);
        c->counts->refused++;
        return true;
    }
    c->counts->calls++;
    c->wanted_count++;
    return measure_error(c, interpreter, module, wanted);
}

static bool want_calls(Checker *c, LigModule *module)
{
    LigInterpreter *interpreter;
    if (!call_bind_params(module, c->seed)) return true;
    if (!expect(c, "interpret", "load", lig_interpreter_create(module, &interpreter))) return false;
    bool fine = true;
    for (size_t i = 0; fine && i < module->funcs.count; i++) {
        for (int s = 0; fine && s < SAMPLES && c->wanted_count < MOST_CALLS; s++) {
            if (module->funcs.data[i]->kind == LIG_FUNC) fine = want_call(c, interpreter, module, i, s);
        }
    }
    lig_interpreter_destroy(interpreter);
    return fine;
}

// ---- numbers within bounds ----

static double largest(const LigTensor *tensor)
{
    double most = 0;
    int64_t count;
    if (!lig_shape_count(&tensor->shape, &count)) return 0;
    for (int64_t i = 0; i < count; i++) {
        double value = fabs(lig_shape_get(&tensor->shape, tensor->data, i));
        if (isfinite(value) && value > most) most = value;
    }
    return most;
}

// Errors of a graph are those of its last op and what rounding does to the rest: how far the interpreter's own
// outputs move when inputs do is known.
static bool compare_close(Checker *c, const char *property, const Wanted *wanted, const LigTensor *got,
                          size_t output)
{
    const LigTensor *want = &wanted->call.outputs[output], *error = &wanted->error[output];
    LigDtype dtype = want->shape.dtype;
    double magnitude = 16 * largest(want);
    int64_t count;
    if (!lig_shape_count(&want->shape, &count)) return true;
    for (int64_t i = 0; i < count; i++) {
        double w = lig_shape_get(&want->shape, want->data, i), g = lig_shape_get(&got->shape, got->data, i);
        double moved = 64 * lig_shape_get(&error->shape, error->data, i);
        if (!isfinite(w) || !(moved < HUGE_VAL)) continue; // chaos: overflow, or NaN here and there
        double eps = fmax(compare_eps(LIG_F32), compare_eps(dtype));
        double bound = compare_bound(COMPARE_ATTENTION, dtype, w, magnitude) + moved;
        bound += compare_factor(COMPARE_ATTENTION) * eps * fmax(magnitude, 1);
        if (!(fabs(g - w) <= bound))
            return fail(c, property,
                        "output %zu of @%s, element %lld of %lld: %.9g, interpreter %.9g (N = %lld)", output,
                        wanted->name, (long long)i, (long long)count, g, w, (long long)wanted->call.symbols[0]);
    }
    return true;
}

// ---- the same calls at later stages ----

static bool takes(const LigFunc *func, const Wanted *wanted)
{
    if (func->kind == LIG_FUNC) return lig_str_is(func->name, wanted->name);
    if (func->kind != LIG_FUNC_VARIANT || !lig_str_is(func->variant_of, wanted->name)) return false;
    for (size_t i = 0; i < func->bindings.count; i++) {
        const LigBinding *binding = &func->bindings.data[i];
        int64_t value = wanted->call.symbols[binding->symbol];
        if (value < binding->low || value > binding->high) return false;
    }
    return true;
}

static const LigFunc *find_taker(const LigModule *module, const Wanted *wanted)
{
    for (size_t i = 0; i < module->funcs.count; i++) {
        if (takes(module->funcs.data[i], wanted)) return module->funcs.data[i];
    }
    return NULL;
}

static bool compare_call(Checker *c, const char *what, const Wanted *wanted, const Call *got)
{
    const Call *want = wanted->has_base ? &wanted->base : &wanted->call;
    int64_t at;
    for (size_t i = 0; i < want->output_count; i++) {
        if (!same_tensor(&want->outputs[i], &got->outputs[i], &at))
            return fail(c, "same-numbers", "after %s: output %zu of @%s differs at element %lld", what, i,
                        wanted->name, (long long)at);
    }
    for (size_t i = 0; i < want->state_count; i++) {
        if (!same_tensor(&want->states[i], &got->states[i], &at))
            return fail(c, "same-numbers", "after %s: state %zu of @%s differs at element %lld", what, i,
                        wanted->name, (long long)at);
    }
    c->counts->stage_calls++;
    return true;
}

// After a pass that rounds otherwise: compares within bounds, and keeps the call for the passes to come.
static bool rebase_call(Checker *c, Wanted *wanted, Call *got)
{
    for (size_t i = 0; i < got->output_count; i++) {
        if (!compare_close(c, "composite", wanted, &got->outputs[i], i)) return false;
    }
    if (wanted->has_base) call_end(&wanted->base);
    wanted->base = *got;
    wanted->has_base = true;
    *got = (Call){0};
    c->counts->stage_calls++;
    return true;
}

static bool repeat_call(Checker *c, const LigPassInfo *pass, const char *what, LigInterpreter *interpreter,
                        Wanted *wanted)
{
    const LigFunc *func = find_taker(c->module, wanted);
    Call call = {0};
    if (!func)
        return fail(c, "same-numbers", "after %s: no variant of @%s takes these sizes", what, wanted->name);
    memcpy(call.symbols, wanted->call.symbols, sizeof call.symbols);
    if (!call_begin(c->module, func, c->seed, &call))
        return fail(c, "same-numbers", "after %s: no memory", what);
    bool fine = expect(c, "same-numbers", what, interpret(interpreter, func, &call));
    if (fine)
        fine =
            pass->numerics == LIG_EXACT ? compare_call(c, what, wanted, &call) : rebase_call(c, wanted, &call);
    call_end(&call);
    return fine;
}

static bool repeat_calls(Checker *c, const LigPassInfo *pass, const char *what)
{
    LigInterpreter *interpreter;
    if (!c->wanted_count) return true;
    if (!call_bind_params(c->module, c->seed)) return fail(c, "same-numbers", "after %s: params changed", what);
    if (!expect(c, "interpret", what, lig_interpreter_create(c->module, &interpreter))) return false;
    bool fine = true;
    for (size_t i = 0; fine && i < c->wanted_count; i++)
        fine = repeat_call(c, pass, what, interpreter, &c->wanted[i]);
    lig_interpreter_destroy(interpreter);
    return fine;
}

static void forget_bases(Checker *c)
{
    for (size_t i = 0; i < c->wanted_count; i++) {
        if (c->wanted[i].has_base) call_end(&c->wanted[i].base);
        c->wanted[i].has_base = false;
    }
}

static bool parse(Checker *c, LigModule **out)
{
    return expect(c, "parse", "the case", lig_parse_module(c->ctx, "case", c->text, out));
}

// Simplifying again changes nothing.
static bool check_idempotent(Checker *c, LigPassManager *manager, LigModule *module, const LigPassInfo *pass)
{
    LigText once = print(module);
    if (!expect(c, "idempotent", pass->name, lig_pass_run(manager, module, pass))) {
        lig_text_free(&once);
        return false;
    }
    return same_text(c, "idempotent", pass->name, once, print(module));
}

static bool run_pass(Checker *c, LigPassManager *manager, LigModule *module, const LigPassInfo *pass)
{
    char what[64];
    (void)snprintf(what, sizeof what, "%s%s", pass->name, manager->options.fuse ? "" : " (unfused)");
    if (!expect(c, "pass", what, lig_pass_run(manager, module, pass))) return false;
    if (!check_forms(c, module, what)) return false;
    if (strcmp(pass->name, "simplify") == 0 && !check_idempotent(c, manager, module, pass)) return false;
    return pass->numerics == LIG_CHANGES_MEANING || repeat_calls(c, pass, what);
}

// Arenas are no larger than what is alive at once, and 5 %.
static bool check_plans(Checker *c)
{
    for (size_t i = 0; i < c->module->funcs.count; i++) {
        const LigFunc *func = c->module->funcs.data[i];
        LigPlanFacts facts;
        if (func->kind != LIG_FUNC_VARIANT) continue;
        if (!expect(c, "plan", "measuring", lig_plan_measure(c->module, func, &facts))) return false;
        if (facts.arena_bytes >= facts.live_bytes &&
            facts.arena_bytes <= facts.live_bytes + facts.live_bytes / 20)
            continue;
        return fail(c, "plan", "@%.*s: an arena of %llu bytes, but at most %llu are alive at once",
                    LIG_STR_ARG(func->name), (unsigned long long)facts.arena_bytes,
                    (unsigned long long)facts.live_bytes);
    }
    return true;
}

// Fused kernels and one kernel an op give the same numbers as the graph.
static bool check_passes(Checker *c, bool fuse)
{
    if (!parse(c, &c->module)) return false;
    LigPassManager manager = {.options = {.fuse = fuse}, .verify = true};
    bool fine = true;
    for (size_t i = 0; fine && i < lig_pass_count(); i++)
        fine = run_pass(c, &manager, c->module, lig_pass_info(i));
    fine = fine && check_plans(c);
    lig_module_destroy(c->module);
    forget_bases(c);
    return fine;
}

// ---- compiled ----

static LigStatus run_bound(LigBound *bound, Call *call)
{
    LigShape shapes[CALL_MOST];
    void *outputs[CALL_MOST], *states[CALL_MOST];
    LIG_TRY(lig_bound_bind(bound, call->inputs, call->symbols, shapes));
    call->output_count = lig_bound_output_count(bound);
    for (size_t i = 0; i < call->output_count; i++) {
        call->outputs[i] = call_tensor(&shapes[i]);
        outputs[i] = call->outputs[i].data;
    }
    for (size_t i = 0; i < call->state_count; i++) states[i] = call->states[i].data;
    return lig_bound_run(bound, call->inputs, states, outputs);
}

static bool call_compiled(Checker *c, LigExecutable *executable, const Wanted *wanted)
{
    const LigModule *module = lig_executable_module(executable);
    Call call = {0};
    LigBound *bound;
    const LigFunc *func = find_taker(module, wanted);
    if (!func) return fail(c, "compiled", "no variant of @%s", wanted->name);
    memcpy(call.symbols, wanted->call.symbols, sizeof call.symbols);
    if (!call_begin(module, func, c->seed, &call)) return fail(c, "compiled", "no memory");
    LigStatus status = lig_bound_create(executable, lig_str(wanted->name), &bound);
    if (status == LIG_OK) status = run_bound(bound, &call);
    bool fine = status == LIG_ERR_UNSUPPORTED || expect(c, "compiled", wanted->name, status);
    if (status == LIG_OK) {
        c->counts->compiled++;
        for (size_t i = 0; fine && i < call.output_count; i++)
            fine = compare_close(c, "compiled", wanted, &call.outputs[i], i);
    } else if (fine) {
        c->counts->unsupported++;
        lig_context_clear(c->ctx);
    }
    call_end(&call);
    return fine;
}

// Compiled code, fused and one kernel an op, is as close to the interpreter.
static bool check_compiled(Checker *c, bool fuse)
{
    LigModule *module;
    LigTarget target;
    LigExecutable *executable;
    if (!c->wanted_count) return true;
    if (!parse(c, &module) || !call_bind_params(module, c->seed)) return false;
    if (!expect(c, "compiled", "native", lig_target_find(c->ctx, "native", &target))) return false;
    const LigExecutableOptions options = {.target = &target, .passes = {.fuse = fuse}};
    LigStatus status = lig_executable_create(module, &options, &executable);
    if (status == LIG_ERR_UNSUPPORTED) {
        c->counts->unsupported += c->wanted_count;
        lig_context_clear(c->ctx);
        return true;
    }
    if (!expect(c, "compiled", "the module", status)) return false;
    bool fine = true;
    for (size_t i = 0; fine && i < c->wanted_count; i++) fine = call_compiled(c, executable, &c->wanted[i]);
    lig_executable_destroy(executable);
    return fine;
}

// ---- memory ----

static LigStatus parse_and_pass(Checker *c)
{
    LigModule *module;
    LIG_TRY(lig_parse_module(c->ctx, "case", c->text, &module));
    LigPassManager manager = {.options = {.fuse = true}, .verify = true};
    LigStatus status = LIG_OK;
    for (size_t i = 0; status == LIG_OK && i < lig_pass_count(); i++)
        status = lig_pass_run(&manager, module, lig_pass_info(i));
    lig_module_destroy(module);
    return status;
}

// A few of the allocations fail, each with all after it.
static bool check_allocations(Checker *c)
{
    uint64_t before = lig_alloc_count();
    LigStatus status = parse_and_pass(c);
    uint64_t count = lig_alloc_count() - before;
    if (status != LIG_OK) return expect(c, "allocation", "without failures", status);
    for (uint64_t i = 0; i < 5 && count; i++) {
        lig_context_clear(c->ctx);
        lig_alloc_fail_at(1 + (c->seed * 31 + i * 7919) % count);
        status = parse_and_pass(c);
        lig_alloc_fail_at(0);
        if (status != LIG_ERR_NO_MEMORY && status != LIG_OK)
            return fail(c, "allocation", "a failed allocation gives status %s: %s", lig_status_name(status),
                        first_message(c->ctx));
        c->counts->failed_allocations++;
    }
    lig_context_clear(c->ctx);
    return true;
}

// ---- all ----

static bool check_all(Checker *c)
{
    LigModule *module;
    if (!parse(c, &module)) return false;
    bool fine = check_forms(c, module, "stage model") && want_calls(c, module);
    lig_module_destroy(module);
    return fine && check_passes(c, true) && check_passes(c, false) && check_compiled(c, true) &&
           check_compiled(c, false) && check_allocations(c);
}

// NOLINTNEXTLINE(readability-non-const-parameter): written through the checker
const char *check_module_text(LigStr text, uint64_t seed, CheckCounts *counts, char *detail)
{
    Checker *c = calloc(1, sizeof *c);
    if (!c) abort();
    *c = (Checker){.text = text, .seed = seed, .counts = counts, .detail = detail, .ctx = lig_context_create()};
    counts->modules++;
    (void)check_all(c);
    for (size_t i = 0; i < c->wanted_count; i++) {
        for (size_t o = 0; o < c->wanted[i].call.output_count; o++) free(c->wanted[i].error[o].data);
        call_end(&c->wanted[i].call);
    }
    const char *failed = c->failed;
    lig_context_destroy(c->ctx);
    free(c);
    return failed;
}

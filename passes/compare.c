#include "passes/compare.h"

#include "ir/base/alloc.h"
#include "ir/base/sha256.h"
#include "ir/text.h"

#include <math.h>
#include <string.h>

// What a call gave: outputs, then states in rows.
typedef struct Given {
    const LigExampleCall *call;
    LigTensor *tensors; // data by lig_alloc
    LigStr *names;
    size_t output_count, count;
} Given;

struct LigComparison {
    LigContext *ctx;
    LigArena *arena;
    Given *given; // by the passes so far
    size_t count;
    LigDigest text; // of the module that gave it
    LIG_VEC(LigMeasure) measures;
};

// ---- one call ----

static void free_tensors(LigTensor *tensors, size_t count)
{
    for (size_t i = 0; tensors && i < count; i++) {
        lig_free(tensors[i].data);
        tensors[i].data = NULL;
    }
}

static bool admits(const LigFunc *func, const LigExampleCall *call)
{
    if (func->kind == LIG_FUNC) return lig_str_equal(func->name, call->func);
    if (func->kind != LIG_FUNC_VARIANT || !lig_str_equal(func->variant_of, call->func)) return false;
    for (size_t i = 0; i < func->bindings.count; i++) {
        const LigBinding *binding = &func->bindings.data[i];
        int64_t value = call->symbols[binding->symbol];
        if (value < binding->low || value > binding->high) return false;
    }
    return true;
}

// The function, or the variant of it that takes the call's sizes.
static const LigFunc *find_func(const LigModule *module, const LigExampleCall *call)
{
    for (size_t i = 0; i < module->funcs.count; i++) {
        if (admits(module->funcs.data[i], call)) return module->funcs.data[i];
    }
    return NULL;
}

// From one layout to another; both hold the same elements.
static LigStatus copy_repacked(LigContext *ctx, const LigTensor *from, LigTensor *to)
{
    size_t bytes, same;
    if (!lig_shape_bytes(&to->shape, &bytes) || !lig_shape_bytes(&from->shape, &same))
        return lig_fail(ctx, LIG_ERR_SHAPE, LIG_NOWHERE, "a state is too large to be compared");
    to->data = lig_alloc_zero(bytes + 1);
    if (!to->data) return lig_no_memory(ctx);
    if (lig_layout_equal(from->shape.layout, to->shape.layout)) {
        memcpy(to->data, from->data, bytes);
        return LIG_OK;
    }
    int64_t count = 0, rank = from->shape.rank;
    if (!lig_shape_count(&from->shape, &count)) return lig_no_memory(ctx);
    int64_t columns = from->shape.dims[rank - 1]; // layouts other than rows have two axes at least
    lig_shape_repack(&from->shape, from->data, &to->shape, to->data, 0, columns ? count / columns : 0);
    return LIG_OK;
}

// The states before the call, in the module's layouts.
static LigStatus enter_states(const LigModule *module, const LigExampleCall *call, LigTensor *states)
{
    for (size_t i = 0; i < module->states.count; i++) {
        const LigType *type = &module->states.data[i]->type;
        if (!lig_type_bind(type, call->symbols, &states[i].shape))
            return lig_fail(module->ctx, LIG_ERR_SHAPE, LIG_NOWHERE, "state %%%.*s has no size for this call",
                            LIG_STR_ARG(module->states.data[i]->name));
        LIG_TRY(copy_repacked(module->ctx, &call->states[i], &states[i]));
    }
    return LIG_OK;
}

// The states after the call, in rows.
static LigStatus leave_states(const LigModule *module, const LigTensor *states, Given *given)
{
    for (size_t i = 0; i < module->states.count; i++) {
        LigTensor *out = &given->tensors[given->output_count + i];
        out->shape = given->call->states[i].shape;
        given->names[given->output_count + i] = module->states.data[i]->name;
        LIG_TRY(copy_repacked(module->ctx, &states[i], out));
    }
    return LIG_OK;
}

static LigStatus run_call(LigInterpreter *interpreter, const LigModule *module, const LigFunc *func,
                          LigTensor *states, Given *given)
{
    const LigExampleCall *call = given->call;
    LIG_TRY(enter_states(module, call, states));
    LIG_TRY(lig_interpreter_run(interpreter, func, call->inputs, states, call->symbols, given->tensors));
    for (size_t i = 0; i < given->output_count; i++) given->names[i] = func->outputs.data[i]->name;
    return leave_states(module, states, given);
}

// Fills `given` but for its call. Its tensors are to be freed whatever happens.
static LigStatus give(LigArena *arena, LigInterpreter *interpreter, const LigModule *module, Given *given)
{
    const LigFunc *func = find_func(module, given->call);
    if (!func)
        return lig_fail(module->ctx, LIG_ERR_INVALID, LIG_NOWHERE, "no variant of @%.*s takes these sizes",
                        LIG_STR_ARG(given->call->func));
    given->output_count = func->outputs.count;
    given->count = func->outputs.count + module->states.count;
    given->tensors = LIG_NEW_ARRAY(arena, LigTensor, given->count);
    given->names = LIG_NEW_ARRAY(arena, LigStr, given->count);
    LigTensor *states = LIG_NEW_ARRAY(arena, LigTensor, module->states.count);
    if (!given->tensors || !given->names || !states) return lig_no_memory(module->ctx);
    LigStatus status = run_call(interpreter, module, func, states, given);
    free_tensors(states, module->states.count);
    return status;
}

// ---- numbers ----

static bool same_number(double a, double b)
{
    return (isnan(a) && isnan(b)) || (a == b && signbit(a) == signbit(b));
}

static double largest(const LigTensor *tensor, int64_t count)
{
    double most = 0.0;
    for (int64_t i = 0; i < count; i++) {
        double value = fabs(lig_shape_get(&tensor->shape, tensor->data, i));
        if (isfinite(value) && value > most) most = value;
    }
    return most;
}

static double unit_roundoff(LigDtype dtype)
{
    return dtype == LIG_BF16 ? 0x1p-9 : dtype == LIG_F16 ? 0x1p-12 : 0x1p-24;
}

static double reassociation_bound(const LigTensor *tensor, int64_t count)
{
    double eps = unit_roundoff(tensor->shape.dtype), fine = 0x1p-24;
    return (0x1p10 * fine + (eps > fine ? 0x1p4 * eps : 0.0)) * largest(tensor, count);
}

// The first element that breaks the bound (0: of bits); -1 when none does.
static int64_t first_difference(const LigTensor *want, const LigTensor *got, int64_t count, double bound)
{
    bool is_exact = bound == 0.0;
    for (int64_t i = 0; i < count; i++) {
        double w = lig_shape_get(&want->shape, want->data, i), g = lig_shape_get(&got->shape, got->data, i);
        if (same_number(w, g) || (!is_exact && !isfinite(w))) continue;
        if (is_exact || !(fabs(g - w) <= bound)) return i;
    }
    return -1;
}

static bool same_shape(const LigShape *a, const LigShape *b)
{
    bool same = a->dtype == b->dtype && a->rank == b->rank;
    for (int i = 0; same && i < a->rank; i++) same = a->dims[i] == b->dims[i];
    return same;
}

// "[1,3]"
static void print_place(LigText *text, const LigShape *shape, int64_t flat)
{
    int64_t at[LIG_MAX_RANK] = {0};
    for (int i = shape->rank - 1; i >= 0; i--) {
        at[i] = flat % shape->dims[i];
        flat /= shape->dims[i];
    }
    lig_text_append_char(text, '[');
    for (int i = 0; i < shape->rank; i++) lig_text_printf(text, "%s%lld", i ? "," : "", (long long)at[i]);
    lig_text_append_char(text, ']');
}

static LigStatus report(const LigComparison *c, const LigPassInfo *pass, const Given *was, const Given *is,
                        size_t index, int64_t at)
{
    LigText text = {0};
    const LigTensor *want = &was->tensors[index], *got = &is->tensors[index];
    bool is_state = index >= was->output_count;
    lig_text_printf(&text, "pass %s %s, but changed @%.*s: %s %zu, %%%.*s ", pass->name,
                    pass->numerics == LIG_EXACT ? "is exact" : "only reassociates",
                    LIG_STR_ARG(was->call->func), is_state ? "state" : "output",
                    is_state ? index - was->output_count : index, LIG_STR_ARG(is->names[index]));
    lig_shape_print(&text, &got->shape);
    if (at < 0) {
        lig_text_append(&text, LIG_STR(", was "));
        lig_shape_print(&text, &want->shape);
    } else {
        lig_text_append(&text, LIG_STR(", is "));
        lig_text_append_f64(&text, lig_shape_get(&got->shape, got->data, at));
        lig_text_append(&text, LIG_STR(" at "));
        print_place(&text, &got->shape, at);
        lig_text_append(&text, LIG_STR(", was "));
        lig_text_append_f64(&text, lig_shape_get(&want->shape, want->data, at));
    }
    LigStatus status = text.failed ? lig_no_memory(c->ctx)
                                   : lig_fail(c->ctx, LIG_ERR_INVALID, LIG_NOWHERE,
                                              "%s: --dump DIR writes the graph before and after", text.data);
    lig_text_free(&text);
    return status;
}

static LigStatus compare_tensor(const LigComparison *c, const LigPassInfo *pass, const Given *was,
                                const Given *is, size_t index)
{
    const LigTensor *want = &was->tensors[index], *got = &is->tensors[index];
    int64_t count;
    if (!same_shape(&want->shape, &got->shape) || !lig_shape_count(&want->shape, &count))
        return report(c, pass, was, is, index, -1);
    bool is_exact = pass->numerics == LIG_EXACT;
    if (!is_exact && !lig_dtype_is_float(want->shape.dtype))
        return LIG_OK; // an index may differ between equals
    double bound = is_exact ? 0.0 : fmax(reassociation_bound(want, count), 0x1p-126);
    int64_t at = first_difference(want, got, count, bound);
    return at < 0 ? LIG_OK : report(c, pass, was, is, index, at);
}

// ---- measures ----

// log(sum(exp)) of a row of `columns` numbers.
static double log_sum(const LigTensor *t, int64_t row, int64_t columns)
{
    double highest = -HUGE_VAL, sum = 0.0;
    for (int64_t i = 0; i < columns; i++)
        highest = fmax(highest, lig_shape_get(&t->shape, t->data, row * columns + i));
    for (int64_t i = 0; i < columns; i++)
        sum += exp(lig_shape_get(&t->shape, t->data, row * columns + i) - highest);
    return highest + log(sum);
}

static double divergence(const LigTensor *want, const LigTensor *got, int64_t count)
{
    int64_t columns = want->shape.rank ? want->shape.dims[want->shape.rank - 1] : 1;
    double total = 0.0;
    if (columns < 2 || count == 0) return 0.0;
    const int64_t rows = count / columns;
    for (int64_t row = 0; row < rows; row++) {
        double want_sum = log_sum(want, row, columns), got_sum = log_sum(got, row, columns);
        for (int64_t i = row * columns; i < (row + 1) * columns; i++) {
            double p = lig_shape_get(&want->shape, want->data, i) - want_sum;
            double q = lig_shape_get(&got->shape, got->data, i) - got_sum;
            total += exp(p) > 0.0 ? exp(p) * (p - q) : 0.0;
        }
    }
    return total / (double)rows;
}

static LigStatus measure(LigComparison *c, const LigPassInfo *pass, const Given *was, const Given *is)
{
    for (size_t i = 0; i < was->output_count; i++) {
        const LigTensor *want = &was->tensors[i], *got = &is->tensors[i];
        int64_t count;
        if (!same_shape(&want->shape, &got->shape) || !lig_shape_count(&want->shape, &count))
            return report(c, pass, was, is, i, -1);
        if (!lig_dtype_is_float(want->shape.dtype)) continue;
        double most = largest(want, count), error = 0.0;
        for (int64_t k = 0; k < count; k++) {
            double change =
                lig_shape_get(&got->shape, got->data, k) - lig_shape_get(&want->shape, want->data, k);
            error = isnan(change) || fabs(change) > error ? fabs(change) : error;
        }
        LigMeasure m = {pass->name, was->call->func, was->names[i], most > 0.0 ? error / most : error,
                        divergence(want, got, count)};
        if (!LIG_VEC_PUSH(c->arena, &c->measures, m)) return lig_no_memory(c->ctx);
    }
    return LIG_OK;
}

// ---- all calls ----

static LigStatus digest_of(const LigModule *module, LigDigest *out)
{
    LigText text = {0};
    lig_print_module(&text, module);
    LigStatus status = text.failed ? lig_no_memory(module->ctx) : LIG_OK;
    if (status == LIG_OK) *out = lig_sha256(text.data, text.length);
    lig_text_free(&text);
    return status;
}

static LigStatus compare_call(LigComparison *c, const LigPassInfo *pass, Given *was, Given *is)
{
    for (size_t i = 0; pass->numerics != LIG_CHANGES_MEANING && i < was->count; i++)
        LIG_TRY(compare_tensor(c, pass, was, is, i));
    return pass->numerics == LIG_CHANGES_MEANING ? measure(c, pass, was, is) : LIG_OK;
}

// Compares, and keeps what the pass gives for those to come.
static LigStatus repeat_call(LigComparison *c, LigInterpreter *interpreter, const LigModule *module,
                             const LigPassInfo *pass, Given *was)
{
    Given is = {.call = was->call};
    LigStatus status = give(c->arena, interpreter, module, &is);
    if (status != LIG_OK)
        status =
            lig_fail(c->ctx, status, LIG_NOWHERE,
                     "after pass %s, @%.*s can't be run on what it took before: --dump DIR writes the graph",
                     pass->name, LIG_STR_ARG(was->call->func));
    else
        status = is.count == was->count ? compare_call(c, pass, was, &is)
                                        : lig_fail(c->ctx, LIG_ERR_INVALID, LIG_NOWHERE,
                                                   "pass %s changed how many outputs or states @%.*s has",
                                                   pass->name, LIG_STR_ARG(was->call->func));
    free_tensors(was->tensors, was->count);
    *was = is;
    return status;
}

LigStatus lig_comparison_check(LigComparison *c, LigModule *module, const LigPassInfo *pass)
{
    LigDigest text;
    LigInterpreter *interpreter;
    LIG_TRY(digest_of(module, &text));
    if (lig_digest_equal(&text, &c->text)) return LIG_OK;
    LIG_TRY(lig_interpreter_create(module, &interpreter));
    LigStatus status = LIG_OK;
    for (size_t i = 0; status == LIG_OK && i < c->count; i++)
        status = repeat_call(c, interpreter, module, pass, &c->given[i]);
    lig_interpreter_destroy(interpreter);
    c->text = text;
    return status;
}

static LigStatus try_call(LigComparison *c, LigInterpreter *interpreter, const LigModule *module,
                          const LigExampleCall *call)
{
    Given *given = &c->given[c->count];
    *given = (Given){.call = call};
    LigStatus status = give(c->arena, interpreter, module, given);
    c->count += status == LIG_OK;
    if (status == LIG_OK) return LIG_OK;
    free_tensors(given->tensors, given->count);
    if (status == LIG_ERR_NO_MEMORY) return status;
    lig_context_clear(c->ctx); // this call is left out
    return LIG_OK;
}

static LigStatus begin(LigComparison *c, LigModule *module, const LigExampleCall *calls, size_t count)
{
    LigInterpreter *interpreter;
    c->arena = lig_arena_create();
    c->given = c->arena ? LIG_NEW_ARRAY(c->arena, Given, count) : NULL;
    if (!c->given) return lig_no_memory(c->ctx);
    LIG_TRY(digest_of(module, &c->text));
    LIG_TRY(lig_interpreter_create(module, &interpreter));
    LigStatus status = LIG_OK;
    for (size_t i = 0; status == LIG_OK && i < count; i++) status = try_call(c, interpreter, module, &calls[i]);
    lig_interpreter_destroy(interpreter);
    return status;
}

LigStatus lig_comparison_create(LigModule *module, const LigExampleCall *calls, size_t count,
                                LigComparison **out)
{
    LigComparison *c = lig_alloc_zero(sizeof *c);
    if (!c) return lig_no_memory(module->ctx);
    c->ctx = module->ctx;
    LigStatus status = begin(c, module, calls, count);
    if (status != LIG_OK) {
        lig_comparison_destroy(c);
        return status;
    }
    *out = c;
    return LIG_OK;
}

void lig_comparison_destroy(LigComparison *c)
{
    if (!c) return;
    for (size_t i = 0; c->given && i < c->count; i++) free_tensors(c->given[i].tensors, c->given[i].count);
    if (c->arena) lig_arena_destroy(c->arena);
    lig_free(c);
}

size_t lig_comparison_call_count(const LigComparison *c) { return c->count; }
size_t lig_comparison_measure_count(const LigComparison *c) { return c->measures.count; }

const LigMeasure *lig_comparison_measure(const LigComparison *c, size_t index)
{
    return index < c->measures.count ? &c->measures.data[index] : NULL;
}

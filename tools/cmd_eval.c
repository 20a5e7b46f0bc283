// liga eval: one call of a function of a graph in text, compiled or by the interpreter at the text's stage.
#include "ir/bind.h"
#include "tools/json_output.h"
#include "tools/model_open.h"
#include "tools/tensor_io.h"
#include "tools/time_report.h"

#include <string.h>

typedef struct Eval {
    LigOptions *options;
    LigContext *ctx;
    LigOpenModel model;
    LigSafetensors *inputs;
    LigStr func;
    int64_t symbols[LIG_MAX_SYMBOLS]; // -1: told by inputs
    LigBound *bound;
    LigTensor *arguments;
    LigShape *output_shapes;
    LigTensorMemory *outputs, *states;
    void **output_addresses, **state_addresses;
    size_t output_count, state_count;
} Eval;

// The name under which @step.one of @step is called.
static bool callable_name(const LigFunc *func, LigStr *name)
{
    *name = func->kind == LIG_FUNC_VARIANT ? func->variant_of : func->name;
    return func->kind == LIG_FUNC || func->kind == LIG_FUNC_VARIANT;
}

static bool inputs_fit(const Eval *e, const LigFunc *func)
{
    for (size_t i = 0; i < func->inputs.count; i++) {
        if (!lig_inputs_have(e->inputs, func->inputs.data[i]->name)) return false;
    }
    return true;
}

// Among those that the inputs fit, @forward comes before @step, and any function before a later one.
static int preference(LigStr name)
{
    return lig_str_is(name, "forward") ? 2 : lig_str_is(name, "step") ? 1 : 0;
}

static LigStatus choose_func(Eval *e, const LigModule *module)
{
    const char *wanted = lig_option_text(e->options, LIG_OPT_FUNC);
    if (wanted && wanted[0] == '@') wanted++;
    int best = -1;
    LigStr only = {0};
    size_t names = 0;
    for (size_t i = 0; i < module->funcs.count; i++) {
        const LigFunc *func = module->funcs.data[i];
        LigStr name;
        if (!callable_name(func, &name)) continue;
        names += !lig_str_equal(name, only);
        only = name;
        bool fits = wanted ? lig_str_is(name, wanted) : inputs_fit(e, func);
        if (!fits || preference(name) <= best) continue;
        best = preference(name);
        e->func = name;
    }
    if (best < 0 && names == 1 && !wanted) e->func = only; // its missing inputs are named later
    e->func = lig_str_copy(e->options->arena, e->func);
    if (!e->func.data) return lig_no_memory(e->ctx);
    if (e->func.length > 0) return LIG_OK;
    if (wanted) {
        return lig_fail(e->ctx, LIG_ERR_NOT_FOUND, LIG_NOWHERE, "the module has no function @%s", wanted);
    }
    return lig_fail(e->ctx, LIG_ERR_NOT_FOUND, LIG_FILE_LOC(lig_option_text(e->options, LIG_OPT_INPUTS)),
                    "the tensors fit no function of the module: name one with --func, to be told what lacks");
}

// "C=64"
static LigStatus set_dim(Eval *e, const LigModule *module, LigStr text)
{
    const char *equals = memchr(text.data, '=', text.length);
    LigStr name = {text.data, equals ? (size_t)(equals - text.data) : text.length};
    int64_t value;
    if (!equals || !lig_str_to_i64(lig_str_skip(text, name.length + 1), &value)) {
        return lig_options_misused(e->options, "--dim '%.*s': write NAME=N", LIG_STR_ARG(text));
    }
    for (size_t i = 0; i < lig_dims_symbol_count(module->dims); i++) {
        const LigSymbol *symbol = lig_dims_symbol(module->dims, i);
        if (!lig_str_equal(symbol->name, name)) continue;
        e->symbols[i] = value;
        if (value >= symbol->low && value <= symbol->high) return LIG_OK;
        return lig_fail(e->ctx, LIG_ERR_SHAPE, LIG_NOWHERE, "--dim %.*s: the module says %lld..%lld",
                        LIG_STR_ARG(text), (long long)symbol->low, (long long)symbol->high);
    }
    return lig_fail(e->ctx, LIG_ERR_NOT_FOUND, LIG_NOWHERE, "the module declares no dim %.*s",
                    LIG_STR_ARG(name));
}

static LigStatus set_dims(Eval *e, const LigModule *module)
{
    for (size_t i = 0; i < LIG_MAX_SYMBOLS; i++) e->symbols[i] = -1;
    const LigOptionValue *option = &e->options->values[LIG_OPT_DIM];
    for (size_t i = 0; i < option->all.count; i++) {
        for (const char *item = option->all.data[i]; *item;) {
            size_t length = strcspn(item, ",");
            LIG_TRY(set_dim(e, module, (LigStr){item, length}));
            item += length + (item[length] == ',');
        }
    }
    return LIG_OK;
}

// The dims of a state that is given as an input.
static LigStatus state_dims(Eval *e, const LigModule *module)
{
    for (size_t i = 0; i < module->states.count; i++) {
        const LigValue *state = module->states.data[i];
        if (!lig_inputs_have(e->inputs, state->name)) continue;
        LigTensor given;
        LIG_TRY(lig_inputs_get(e->options, e->inputs, state->name, state->type.dtype, &given));
        for (int d = 0; d < state->type.rank && d < given.shape.rank; d++) {
            int symbol = lig_dim_as_symbol(state->type.dims[d]);
            if (symbol >= 0 && e->symbols[symbol] < 0) e->symbols[symbol] = given.shape.dims[d];
        }
    }
    return LIG_OK;
}

static LigStatus prepare(Eval *e, const LigModule *module)
{
    LIG_TRY(choose_func(e, module));
    LIG_TRY(set_dims(e, module));
    return state_dims(e, module);
}

// ---- --verify: passes are held to the call that is made ----

static const LigFunc *find_callee(const Eval *e, const LigModule *module)
{
    const LigFunc *func = lig_module_find_func(module, e->func);
    return func && func->kind == LIG_FUNC ? func : NULL;
}

// Zeros, or what an input of the state's name says; in rows. NULL data: the state's size is not known.
static LigStatus example_state(Eval *e, const LigValue *state, const int64_t *symbols, LigTensor *out)
{
    size_t bytes;
    if (lig_inputs_have(e->inputs, state->name))
        return lig_inputs_get(e->options, e->inputs, state->name, state->type.dtype, out);
    *out = (LigTensor){0};
    bool known = lig_type_bind(&state->type, symbols, &out->shape);
    out->shape.layout = (LigLayout){0};
    if (!known || !lig_shape_bytes(&out->shape, &bytes)) return LIG_OK;
    out->data = lig_arena_alloc(e->options->arena, bytes);
    return out->data ? LIG_OK : lig_no_memory(e->ctx);
}

static LigStatus fill_example(Eval *e, const LigModule *module, const LigFunc *func, LigExampleCall *call)
{
    LigArena *arena = e->options->arena;
    LigTensor *inputs = LIG_NEW_ARRAY(arena, LigTensor, func->inputs.count);
    LigShape *shapes = LIG_NEW_ARRAY(arena, LigShape, func->inputs.count);
    LigTensor *states = LIG_NEW_ARRAY(arena, LigTensor, module->states.count);
    if (!inputs || !shapes || !states) return lig_no_memory(e->ctx);
    for (size_t i = 0; i < func->inputs.count; i++) {
        const LigValue *input = func->inputs.data[i];
        LIG_TRY(lig_inputs_get(e->options, e->inputs, input->name, input->type.dtype, &inputs[i]));
        shapes[i] = inputs[i].shape;
    }
    LIG_TRY(lig_bind_dims(module, func, shapes, e->symbols, call->symbols));
    for (size_t i = 0; i < module->states.count; i++) {
        LIG_TRY(example_state(e, module->states.data[i], call->symbols, &states[i]));
        if (!states[i].data) return LIG_OK; // asked for later, by name
    }
    call->func = func->name;
    call->inputs = inputs;
    call->states = states;
    e->model.verify_call = call;
    return LIG_OK;
}

static LigStatus choose_verify_call(Eval *e, const LigModule *module)
{
    const LigFunc *func = find_callee(e, module);
    bool compares =
        lig_option_given(e->options, LIG_OPT_VERIFY) && !lig_option_given(e->options, LIG_OPT_INTERPRET);
    if (!func || !compares) return LIG_OK;
    LigExampleCall *call = LIG_NEW(e->options->arena, LigExampleCall);
    return call ? fill_example(e, module, func, call) : lig_no_memory(e->ctx);
}

static LigStatus compile(Eval *e)
{
    LigModule *module;
    LIG_TRY(lig_open_model_build(&e->model, &module));
    LigStatus status = prepare(e, module);
    if (status == LIG_OK) status = choose_verify_call(e, module);
    if (status != LIG_OK) {
        lig_module_destroy(module);
        return status;
    }
    LIG_TRY(lig_open_model_compile(&e->model, module));
    return lig_bound_create(e->model.executable, e->func, &e->bound);
}

static LigStatus read_arguments(Eval *e)
{
    size_t count = lig_bound_input_count(e->bound);
    e->arguments = LIG_NEW_ARRAY(e->options->arena, LigTensor, count);
    if (!e->arguments) return lig_no_memory(e->ctx);
    for (size_t i = 0; i < count; i++) {
        const LigValue *input = lig_bound_input(e->bound, i);
        LIG_TRY(lig_inputs_get(e->options, e->inputs, input->name, input->type.dtype, &e->arguments[i]));
    }
    return LIG_OK;
}

static bool dims_known(const Eval *e, const LigType *type)
{
    for (int d = 0; d < type->rank; d++) {
        int symbol = lig_dim_as_symbol(type->dims[d]);
        if (symbol >= 0 && e->symbols[symbol] < 0) return false;
    }
    return true;
}

static LigStatus check_states(const Eval *e)
{
    const LigModule *module = lig_executable_module(e->model.executable);
    for (size_t i = 0; i < module->states.count; i++) {
        const LigValue *state = module->states.data[i];
        if (dims_known(e, &state->type)) continue;
        return lig_fail(e->ctx, LIG_ERR_INVALID, LIG_NOWHERE,
                        "the size of state %%%.*s is not known: give its dims, as --dim C=64,S=1",
                        LIG_STR_ARG(state->name));
    }
    return LIG_OK;
}

// Zeros, or what an input of the state's name says.
static LigStatus make_state(Eval *e, size_t index)
{
    const LigValue *state = lig_executable_module(e->model.executable)->states.data[index];
    LigShape shape;
    LIG_TRY(lig_executable_state_shape(e->model.executable, index, e->symbols, &shape));
    LIG_TRY(lig_tensor_memory_get(e->ctx, &shape, &e->states[index]));
    e->state_addresses[index] = e->states[index].data;
    if (!lig_inputs_have(e->inputs, state->name)) return LIG_OK;
    LigTensor given;
    LIG_TRY(lig_inputs_get(e->options, e->inputs, state->name, shape.dtype, &given));
    bool same = given.shape.rank == shape.rank &&
                memcmp(given.shape.dims, shape.dims, (size_t)shape.rank * sizeof(int64_t)) == 0;
    if (!same) {
        return lig_fail(e->ctx, LIG_ERR_SHAPE, LIG_FILE_LOC(lig_option_text(e->options, LIG_OPT_INPUTS)),
                        "'%.*s' has not the shape of the state of that name", LIG_STR_ARG(state->name));
    }
    memcpy(e->states[index].data, given.data, e->states[index].bytes);
    return LIG_OK;
}

static LigStatus make_states(Eval *e)
{
    size_t count = lig_executable_module(e->model.executable)->states.count;
    e->states = LIG_NEW_ARRAY(e->options->arena, LigTensorMemory, count);
    e->state_addresses = LIG_NEW_ARRAY(e->options->arena, void *, count);
    if (!e->states || !e->state_addresses) return lig_no_memory(e->ctx);
    e->state_count = count;
    for (size_t i = 0; i < count; i++) LIG_TRY(make_state(e, i));
    return LIG_OK;
}

// Checks every size against its bounds, before memory of that size is asked for.
static LigStatus bind(Eval *e)
{
    size_t count = lig_bound_output_count(e->bound);
    e->output_shapes = LIG_NEW_ARRAY(e->options->arena, LigShape, count);
    e->outputs = LIG_NEW_ARRAY(e->options->arena, LigTensorMemory, count);
    e->output_addresses = LIG_NEW_ARRAY(e->options->arena, void *, count);
    if (!e->output_shapes || !e->outputs || !e->output_addresses) return lig_no_memory(e->ctx);
    LIG_TRY(lig_bound_bind(e->bound, e->arguments, e->symbols, e->output_shapes));
    e->output_count = count;
    for (size_t i = 0; i < count; i++) {
        LIG_TRY(lig_tensor_memory_get(e->ctx, &e->output_shapes[i], &e->outputs[i]));
        e->output_addresses[i] = e->outputs[i].data;
    }
    return LIG_OK;
}

static LigStatus print_outputs(const Eval *e)
{
    json_t *root = json_object();
    for (size_t i = 0; root && i < e->output_count; i++) {
        const LigTensor tensor = {e->output_shapes[i], e->outputs[i].data};
        LigStr name = lig_bound_output_name(e->bound, i);
        if (json_object_setn_new(root, name.data, name.length, lig_json_tensor(&tensor)) == 0) continue;
        json_decref(root);
        root = NULL;
    }
    return lig_json_print(e->options, root);
}

static LigStatus write_outputs(const Eval *e)
{
    if (lig_option_given(e->options, LIG_OPT_JSON)) return print_outputs(e);
    LigNamedTensor *tensors = LIG_NEW_ARRAY(e->options->arena, LigNamedTensor, e->output_count);
    if (!tensors) return lig_no_memory(e->ctx);
    for (size_t i = 0; i < e->output_count; i++) {
        tensors[i] =
            (LigNamedTensor){lig_bound_output_name(e->bound, i), {e->output_shapes[i], e->outputs[i].data}};
    }
    return lig_outputs_write(e->options, tensors, e->output_count);
}

static LigStatus evaluate(Eval *e)
{
    if (!lig_option_given(e->options, LIG_OPT_JSON)) LIG_TRY(lig_outputs_check(e->options));
    LIG_TRY(lig_inputs_open(e->options, &e->inputs));
    LIG_TRY(lig_open_model_file(&e->model, e->options));
    LIG_TRY(compile(e));
    LIG_TRY(read_arguments(e));
    LIG_TRY(check_states(e));
    LIG_TRY(bind(e));
    LIG_TRY(make_states(e));
    LIG_TRY(lig_bound_run(e->bound, e->arguments, e->state_addresses, e->output_addresses));
    lig_memory_report(e->options, e->model.executable);
    lig_time_report(e->options, e->model.executable);
    return write_outputs(e);
}

LigStatus lig_cmd_eval(LigOptions *options)
{
    Eval e = {.options = options, .ctx = options->ctx};
    LigStatus status = evaluate(&e);
    for (size_t i = 0; i < e.state_count; i++) lig_tensor_memory_free(&e.states[i]);
    for (size_t i = 0; i < e.output_count; i++) lig_tensor_memory_free(&e.outputs[i]);
    lig_open_model_close(&e.model);
    lig_safetensors_close(e.inputs);
    return status;
}

// The interpreter's sessions: load evaluated once, then calls of functions and variants.
#include "ir/eval.h"

#include "ir/base/alloc.h"
#include "ir/bind.h"
#include "ir/eval_body.h"

#include <string.h>

struct LigInterpreter {
    LigModule *module;
    LigEvalFrame load; // stays open: its buffers are the residents; no func when the module has no load
};

static LigStatus check_params(const LigModule *module)
{
    for (size_t i = 0; i < module->params.count; i++) {
        const LigValue *param = module->params.data[i];
        if (!param->data)
            return lig_fail(module->ctx, LIG_ERR_NOT_FOUND, param->loc,
                            "param %%%.*s has no data: bind the weights before it is interpreted",
                            LIG_STR_ARG(param->name));
    }
    return LIG_OK;
}

static LigStatus evaluate_load(LigInterpreter *interpreter)
{
    LigModule *module = interpreter->module;
    LigFunc *func = lig_module_load(module);
    if (!func) return LIG_OK;
    int64_t dims[LIG_MAX_SYMBOLS];
    LIG_TRY(lig_bind_dims(module, func, NULL, NULL, dims));
    interpreter->load = (LigEvalFrame){.module = module, .func = func, .dims = dims};
    LIG_TRY(lig_eval_frame_open(&interpreter->load));
    // Every result is visible to the functions: none is released.
    for (size_t i = 0; i < func->value_count; i++) interpreter->load.last_use[i] = func->ops.count;
    LigStatus status = lig_eval_frame_run(&interpreter->load);
    interpreter->load.dims = NULL;
    return status;
}

LigStatus lig_interpreter_create(LigModule *module, LigInterpreter **out)
{
    LIG_TRY(check_params(module));
    LigInterpreter *interpreter = lig_alloc_zero(sizeof *interpreter);
    if (!interpreter) return lig_no_memory(module->ctx);
    interpreter->module = module;
    LigStatus status = evaluate_load(interpreter);
    if (status != LIG_OK) {
        lig_interpreter_destroy(interpreter);
        return status;
    }
    *out = interpreter;
    return LIG_OK;
}

void lig_interpreter_destroy(LigInterpreter *interpreter)
{
    if (!interpreter) return;
    if (interpreter->load.func) lig_eval_frame_close(&interpreter->load);
    lig_free(interpreter);
}

// ---- one call ----

static LigStatus bind_inputs(const LigModule *module, const LigFunc *func, const LigTensor *inputs,
                             const int64_t *symbols, int64_t *dims)
{
    LigArena *arena = lig_arena_create();
    if (!arena) return lig_no_memory(module->ctx);
    LigShape *shapes = LIG_NEW_ARRAY(arena, LigShape, func->inputs.count);
    for (size_t i = 0; shapes && i < func->inputs.count; i++) shapes[i] = inputs[i].shape;
    LigStatus status = shapes ? lig_bind_dims(module, func, shapes, symbols, dims) : lig_no_memory(module->ctx);
    lig_arena_destroy(arena);
    return status;
}

static bool shapes_equal(const LigShape *a, const LigShape *b)
{
    if (a->dtype != b->dtype || a->rank != b->rank || !lig_layout_equal(a->layout, b->layout)) return false;
    for (int i = 0; i < a->rank; i++) {
        if (a->dims[i] != b->dims[i]) return false;
    }
    return true;
}

static LigStatus check_states(const LigModule *module, const LigTensor *states, const int64_t *dims)
{
    for (size_t i = 0; i < module->states.count; i++) {
        const LigValue *state = module->states.data[i];
        LigShape expected;
        if (states[i].data && lig_type_bind(&state->type, dims, &expected) &&
            shapes_equal(&states[i].shape, &expected))
            continue;
        LigText text = {0};
        lig_shape_print(&text, &states[i].shape);
        LigStatus status = lig_fail(module->ctx, LIG_ERR_SHAPE, state->loc,
                                    "state %%%.*s is given %.*s, which is not its type for these inputs and "
                                    "values of the symbols",
                                    LIG_STR_ARG(state->name), LIG_STR_ARG(lig_text_view(&text)));
        lig_text_free(&text);
        return status;
    }
    return LIG_OK;
}

static LigStatus copy_outputs(const LigEvalFrame *frame, LigTensor *outputs)
{
    for (size_t i = 0; i < frame->func->outputs.count; i++) {
        LigTensor value;
        size_t bytes;
        LIG_TRY(lig_eval_frame_value(frame, frame->func->outputs.data[i], &value));
        if (!lig_shape_bytes(&value.shape, &bytes))
            return lig_fail(frame->module->ctx, LIG_ERR_SHAPE, frame->func->loc,
                            "@%.*s: output %zu is too large", LIG_STR_ARG(frame->func->name), i);
        outputs[i] = (LigTensor){value.shape, lig_alloc(bytes ? bytes : 1)};
        if (!outputs[i].data) return lig_no_memory(frame->module->ctx);
        memcpy(outputs[i].data, value.data, bytes);
    }
    return LIG_OK;
}

static LigStatus run_call(LigEvalFrame *frame, const LigTensor *inputs, LigTensor *outputs)
{
    const LigFunc *func = frame->func;
    LIG_TRY(lig_eval_frame_open(frame));
    for (size_t i = 0; i < func->inputs.count; i++) lig_eval_frame_set_input(frame, i, inputs[i]);
    LIG_TRY(lig_eval_frame_run(frame));
    return copy_outputs(frame, outputs);
}

LigStatus lig_interpreter_run(LigInterpreter *interpreter, const LigFunc *func, const LigTensor *inputs,
                              LigTensor *states, const int64_t *symbols, LigTensor *outputs)
{
    LigModule *module = interpreter->module;
    int64_t dims[LIG_MAX_SYMBOLS];
    LIG_TRY(bind_inputs(module, func, inputs, symbols, dims));
    LIG_TRY(check_states(module, states, dims));
    for (size_t i = 0; i < func->outputs.count; i++) outputs[i] = (LigTensor){0};
    LigEvalFrame frame = {
        .module = module, .func = func, .dims = dims, .states = states, .residents = interpreter->load.values};
    LigStatus status = run_call(&frame, inputs, outputs);
    lig_eval_frame_close(&frame);
    for (size_t i = 0; status != LIG_OK && i < func->outputs.count; i++) {
        lig_free(outputs[i].data);
        outputs[i] = (LigTensor){0};
    }
    return status;
}

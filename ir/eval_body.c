// Running one body of ops. See the header for how memory is used.
#include "ir/eval_body.h"

#include "ir/base/alloc.h"

#include <string.h>

static LigEvalKernel *const kernels[LIG_OP_COUNT] = {
#define LIG_OP(ID, name, ...) [LIG_OP_##ID] = lig_eval_##name,
#include "ir/ops.def"
#undef LIG_OP
};

// ---- values ----

LigValue *lig_eval_written_operand(const LigOp *op, size_t index)
{
    if (lig_op_info(op->code)->class == LIG_OPS_STATE) return op->operands[index];
    if (op->code != LIG_OP_CALL) return NULL;
    const LigValue *inner = op->callee->outputs.data[index];
    while (inner->kind == LIG_VALUE_RESULT) {
        inner = lig_eval_written_operand(inner->op, inner->index);
        if (!inner) return NULL;
    }
    // An input given back unchanged is no state written, but taking its bytes is as right.
    return inner->kind == LIG_VALUE_INPUT ? op->operands[inner->index] : NULL;
}

static LigStatus fail_value(const LigEvalFrame *frame, const LigValue *value, LigStatus status,
                            const char *problem)
{
    return lig_fail(frame->module->ctx, status, value->loc, "@%.*s: %%%.*s %s", LIG_STR_ARG(frame->func->name),
                    LIG_STR_ARG(value->name), problem);
}

static LigStatus bind_shape(const LigEvalFrame *frame, const LigValue *value, LigShape *out)
{
    if (lig_type_bind(&value->type, frame->dims, out)) return LIG_OK;
    return fail_value(frame, value, LIG_ERR_SHAPE,
                      "has a size that is negative, too large or unknown: the inputs bind its symbols, or the "
                      "caller gives their values");
}

static LigStatus state_value(const LigEvalFrame *frame, const LigValue *value, LigTensor *out)
{
    if (!frame->states)
        return fail_value(frame, value, LIG_ERR_INVALID, "is a state: load and kernels can't name one");
    if (frame->written[value->id])
        return fail_value(frame, value, LIG_ERR_INVALID,
                          "is read after its new value was written: read the result of the op that wrote it");
    *out = frame->states[value->id];
    return LIG_OK;
}

LigStatus lig_eval_frame_value(const LigEvalFrame *frame, const LigValue *value, LigTensor *out)
{
    if (value->kind == LIG_VALUE_STATE) return state_value(frame, value, out);
    if (value->kind == LIG_VALUE_PARAM) {
        LIG_TRY(bind_shape(frame, value, &out->shape));
        out->data = (void *)(uintptr_t)value->data; // kernels do not write operands
    } else {
        bool is_resident = frame->residents && lig_value_is_resident(frame->module, value);
        *out = is_resident ? frame->residents[value->id] : frame->values[value->id];
    }
    if (out->data) return LIG_OK;
    return fail_value(frame, value, LIG_ERR_NOT_FOUND,
                      value->kind == LIG_VALUE_PARAM ? "has no data: bind the weights first"
                                                     : "is used where it has no value");
}

// ---- frames ----

static bool is_local(const LigEvalFrame *frame, const LigValue *value)
{
    if (value->kind == LIG_VALUE_INPUT) return true;
    if (value->kind != LIG_VALUE_RESULT) return false;
    return !frame->residents || !lig_value_is_resident(frame->module, value);
}

static void find_last_uses(LigEvalFrame *frame)
{
    const LigFunc *func = frame->func;
    for (size_t i = 0; i < func->ops.count; i++) {
        const LigOp *op = func->ops.data[i];
        for (size_t r = 0; r < op->result_count; r++) frame->last_use[op->results[r]->id] = i;
        for (size_t o = 0; o < op->operand_count; o++) {
            if (is_local(frame, op->operands[o])) frame->last_use[op->operands[o]->id] = i;
        }
    }
    for (size_t i = 0; i < func->outputs.count; i++) {
        if (is_local(frame, func->outputs.data[i]))
            frame->last_use[func->outputs.data[i]->id] = func->ops.count;
    }
}

static LigStatus open_plan(LigEvalFrame *frame)
{
    const LigFunc *func = frame->func;
    if (frame->module->stage != LIG_STAGE_PLANNED || func->kind != LIG_FUNC_VARIANT) return LIG_OK;
    int64_t bytes = lig_attrs_int(func->attrs, LIG_ATTR_ARENA, 0);
    if (bytes < 0)
        return lig_fail(frame->module->ctx, LIG_ERR_INVALID, func->loc,
                        "@%.*s: arena is %lld, but it is a size", LIG_STR_ARG(func->name), (long long)bytes);
    frame->plan_bytes = (size_t)bytes;
    frame->plan = lig_alloc(frame->plan_bytes + 1); // never NULL for a planned variant
    return frame->plan ? LIG_OK : lig_no_memory(frame->module->ctx);
}

LigStatus lig_eval_frame_open(LigEvalFrame *frame)
{
    size_t values = frame->func->value_count;
    frame->memory = lig_arena_create();
    frame->scratch = lig_arena_create();
    if (!frame->memory || !frame->scratch) return lig_no_memory(frame->module->ctx);
    frame->values = LIG_NEW_ARRAY(frame->memory, LigTensor, values);
    frame->buffers = LIG_NEW_ARRAY(frame->memory, void *, values);
    frame->last_use = LIG_NEW_ARRAY(frame->memory, size_t, values);
    frame->written = LIG_NEW_ARRAY(frame->memory, bool, frame->module->states.count);
    if (!frame->values || !frame->buffers || !frame->last_use || !frame->written)
        return lig_no_memory(frame->module->ctx);
    find_last_uses(frame);
    return open_plan(frame);
}

void lig_eval_frame_close(LigEvalFrame *frame)
{
    for (size_t i = 0; frame->buffers && i < frame->func->value_count; i++) lig_free(frame->buffers[i]);
    lig_free(frame->plan);
    if (frame->scratch) lig_arena_destroy(frame->scratch);
    if (frame->memory) lig_arena_destroy(frame->memory);
    *frame = (LigEvalFrame){0};
}

void lig_eval_frame_set_input(LigEvalFrame *frame, size_t index, LigTensor tensor)
{
    frame->values[frame->func->inputs.data[index]->id] = tensor;
}

// ---- places of results ----

static LigStatus place_in_arena(LigEvalFrame *frame, const LigValue *result, size_t bytes, LigTensor *out)
{
    uint64_t offset = result->place.offset;
    if (offset > frame->plan_bytes || bytes > frame->plan_bytes - offset)
        return fail_value(frame, result, LIG_ERR_INVALID, "is planned outside the arena of its variant");
    out->data = frame->plan + offset;
    memset(out->data, 0xff, bytes);
    return LIG_OK;
}

static bool is_operand(const LigOp *op, const LigValue *value)
{
    for (size_t i = 0; i < op->operand_count; i++) {
        if (op->operands[i] == value) return true;
    }
    return false;
}

// Ops that read each element before they write the one at its place, so that both may be the same bytes.
static bool works_in_place(const LigOp *op)
{
    LigOpClass class = lig_op_info(op->code)->class;
    return class == LIG_OPS_ELEMENTWISE || class == LIG_OPS_ROW || class == LIG_OPS_VIEW ||
           class == LIG_OPS_CALL || class == LIG_OPS_STATE;
}

static LigStatus place_over(LigEvalFrame *frame, const LigValue *result, size_t bytes, LigTensor *out)
{
    LigTensor over;
    size_t available;
    LIG_TRY(lig_eval_frame_value(frame, result->place.over, &over));
    if (!lig_shape_bytes(&over.shape, &available) || bytes > available)
        return fail_value(frame, result, LIG_ERR_INVALID, "is planned over a value of fewer bytes");
    bool reads_it = is_operand(result->op, result->place.over);
    if (reads_it && !works_in_place(result->op))
        return fail_value(frame, result, LIG_ERR_INVALID,
                          "is planned over an operand that its op reads after the first write");
    bool is_view = lig_op_info(result->op->code)->class == LIG_OPS_VIEW;
    LigValueKind kind = result->place.over->kind;
    if ((kind == LIG_VALUE_PARAM || kind == LIG_VALUE_INPUT) && !is_view)
        return fail_value(frame, result, LIG_ERR_INVALID, "is planned over memory that is read only");
    out->data = over.data;
    if (!reads_it) memset(out->data, 0xff, bytes);
    return LIG_OK;
}

static LigStatus place_result(LigEvalFrame *frame, const LigValue *result, LigTensor *out)
{
    size_t bytes;
    LIG_TRY(bind_shape(frame, result, &out->shape));
    if (!lig_shape_bytes(&out->shape, &bytes))
        return fail_value(frame, result, LIG_ERR_SHAPE, "has a size in bytes that does not fit");
    LigValue *written = lig_eval_written_operand(result->op, result->index);
    if (written) {
        LigTensor old = {0};
        LIG_TRY(lig_eval_frame_value(frame, written, &old));
        out->data = old.data;
        return LIG_OK;
    }
    LigPlaceKind kind = frame->plan ? result->place.kind : LIG_PLACE_NONE;
    if (kind == LIG_PLACE_ARENA) return place_in_arena(frame, result, bytes, out);
    if (kind == LIG_PLACE_OVER) return place_over(frame, result, bytes, out);
    out->data = frame->buffers[result->id] = lig_alloc(bytes ? bytes : 1);
    return out->data ? LIG_OK : lig_no_memory(frame->module->ctx);
}

// ---- ops ----

static LigStatus run_op(LigEvalFrame *frame, const LigOp *op)
{
    LigTensor *operands = LIG_NEW_ARRAY(frame->scratch, LigTensor, op->operand_count);
    LigTensor *results = LIG_NEW_ARRAY(frame->scratch, LigTensor, op->result_count);
    if (!operands || !results) return lig_no_memory(frame->module->ctx);
    for (size_t i = 0; i < op->operand_count; i++)
        LIG_TRY(lig_eval_frame_value(frame, op->operands[i], &operands[i]));
    for (size_t i = 0; i < op->result_count; i++) LIG_TRY(place_result(frame, op->results[i], &results[i]));
    LigEvalArgs args = {frame->module, op, frame->dims, operands, results, frame->scratch};
    LIG_TRY(kernels[op->code](&args));
    for (size_t i = 0; i < op->result_count; i++) {
        const LigValue *written = lig_eval_written_operand(op, i);
        if (written && written->kind == LIG_VALUE_STATE) frame->written[written->id] = true;
        frame->values[op->results[i]->id] = results[i];
    }
    return LIG_OK;
}

static void release(LigEvalFrame *frame, const LigValue *value, size_t op_index)
{
    if (!is_local(frame, value) || frame->last_use[value->id] != op_index) return;
    if (!frame->buffers[value->id]) return;
    lig_free(frame->buffers[value->id]);
    frame->buffers[value->id] = NULL;
    frame->values[value->id].data = NULL;
}

LigStatus lig_eval_frame_run(LigEvalFrame *frame)
{
    for (size_t i = 0; i < frame->func->ops.count; i++) {
        const LigOp *op = frame->func->ops.data[i];
        LIG_TRY(run_op(frame, op));
        lig_arena_reset(frame->scratch);
        // A value over another one has bytes that the other owns: in plans, buffers stay to the end.
        if (frame->plan) continue;
        for (size_t r = 0; r < op->result_count; r++) release(frame, op->results[r], i);
        for (size_t o = 0; o < op->operand_count; o++) release(frame, op->operands[o], i);
    }
    return LIG_OK;
}

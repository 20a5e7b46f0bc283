// plan: gives every value of every variant its place.
//
//   %h = call @norm(%x) : f32[N,576]       =>      %h = call @norm(%x) : f32[N,576] at 0x4000
//   %q = reshape %p : f32[N,9,64]          =>      %q = reshape %p : f32[N,9,64] over %p
//
// Requires  stage packed, variants.
// Ensures  stage planned: offsets are multiples of 64, inside the variant's `arena`, and right for every value
// of the dims, since sizes are taken at their upper bounds. What a variant returns lies in the caller's memory;
// the new value of a state lies over the state.
// Method  values by size, largest first, each at the lowest offset that is free over its whole life ("greedy by
// size" of Pisarchyk & Lee 2020, arXiv:2001.03288).
#include "passes/pass.h"

enum { PLACE_ALIGN = 64 };

typedef struct Buffer {
    LigValue *value;
    uint64_t bytes, offset;
    size_t first, last; // positions of the ops at which the bytes are written first and read last
} Buffer;

typedef struct Planner {
    LigPass *pass;
    LigModule *module;
    LigFunc *func;
    LIG_VEC(Buffer) buffers;
    Buffer **order; // sorted by size
} Planner;

static LigValue *root_of(LigValue *value)
{
    while (value->place.kind == LIG_PLACE_OVER) value = value->place.over;
    return value;
}

static bool is_output_root(const Planner *p, const LigValue *value)
{
    for (size_t i = 0; i < p->func->outputs.count; i++) {
        if (root_of(p->func->outputs.data[i]) == value) return true;
    }
    return false;
}

// Which operand of a kernel a result shares its bytes with: the state that it is the new value of; -1 for none.
static int written_state(const LigFunc *kernel, size_t result)
{
    const LigValue *value = kernel->outputs.data[result];
    if (value->kind != LIG_VALUE_RESULT || lig_op_info(value->op->code)->class != LIG_OPS_STATE) return -1;
    const LigValue *state = value->op->operands[value->index];
    return state->kind == LIG_VALUE_INPUT ? (int)state->index : -1;
}

static void place_views(LigOp *op)
{
    if (lig_op_info(op->code)->class == LIG_OPS_VIEW) {
        op->results[0]->place = (LigPlace){.kind = LIG_PLACE_OVER, .over = op->operands[0]};
    }
    for (size_t i = 0; op->callee && i < op->result_count; i++) {
        int state = written_state(op->callee, i);
        if (state >= 0) op->results[i]->place = (LigPlace){.kind = LIG_PLACE_OVER, .over = op->operands[state]};
    }
}

static LigStatus add_buffer(Planner *p, LigValue *value, size_t position)
{
    LigShape shape;
    size_t bytes;
    if (!lig_func_bind_upper(p->module, p->func, &value->type, &shape) || !lig_shape_bytes(&shape, &bytes) ||
        bytes > SIZE_MAX / 4) {
        return lig_fail(p->pass->ctx, LIG_ERR_SHAPE, value->loc,
                        "%%%.*s is too large to plan at the upper bounds of its dims: lower the bounds",
                        LIG_STR_ARG(value->name));
    }
    uint64_t rounded = (bytes + PLACE_ALIGN - 1) / PLACE_ALIGN * PLACE_ALIGN;
    Buffer buffer = {.value = value, .bytes = rounded, .first = position, .last = position};
    return LIG_VEC_PUSH(p->pass->scratch, &p->buffers, buffer) ? LIG_OK : lig_no_memory(p->pass->ctx);
}

static LigStatus collect_buffers(Planner *p)
{
    for (size_t i = 0; i < p->func->ops.count; i++) place_views(p->func->ops.data[i]);
    for (size_t i = 0; i < p->func->ops.count; i++) {
        const LigOp *op = p->func->ops.data[i];
        for (size_t j = 0; j < op->result_count; j++) {
            LigValue *value = op->results[j];
            if (value->place.kind == LIG_PLACE_OVER || is_output_root(p, value)) continue;
            LIG_TRY(add_buffer(p, value, i));
        }
    }
    return LIG_OK;
}

// Extends each buffer's life to its last reader.
static LigStatus find_lives(Planner *p)
{
    Buffer **by_id = LIG_NEW_ARRAY(p->pass->scratch, Buffer *, p->func->value_count);
    if (!by_id) return lig_no_memory(p->pass->ctx);
    for (size_t i = 0; i < p->buffers.count; i++) by_id[p->buffers.data[i].value->id] = &p->buffers.data[i];
    for (size_t i = 0; i < p->func->ops.count; i++) {
        const LigOp *op = p->func->ops.data[i];
        for (size_t j = 0; j < op->operand_count; j++) {
            const LigValue *root = root_of(op->operands[j]);
            bool local = root->kind == LIG_VALUE_RESULT && !lig_value_is_resident(p->module, root);
            if (local && by_id[root->id]) by_id[root->id]->last = i;
        }
    }
    return LIG_OK;
}

static bool lives_overlap(const Buffer *a, const Buffer *b)
{
    return a->first <= b->last && b->first <= a->last;
}

// Insertion sort: stable, so that plans do not depend on a library's qsort.
static LigStatus sort_by_size(Planner *p)
{
    p->order = LIG_NEW_ARRAY(p->pass->scratch, Buffer *, p->buffers.count);
    if (!p->order) return lig_no_memory(p->pass->ctx);
    for (size_t i = 0; i < p->buffers.count; i++) {
        size_t at = i;
        for (; at > 0 && p->order[at - 1]->bytes < p->buffers.data[i].bytes; at--)
            p->order[at] = p->order[at - 1];
        p->order[at] = &p->buffers.data[i];
    }
    return LIG_OK;
}

// The lowest offset at which `buffer` overlaps none of the placed ones alive with it. `by_offset` is sorted by
// offset.
static uint64_t find_offset(Buffer *const *by_offset, size_t placed, const Buffer *buffer)
{
    uint64_t offset = 0;
    for (size_t i = 0; i < placed; i++) {
        const Buffer *other = by_offset[i];
        if (!lives_overlap(buffer, other)) continue;
        if (offset + buffer->bytes <= other->offset) break;
        if (other->offset + other->bytes > offset) offset = other->offset + other->bytes;
    }
    return offset;
}

static LigStatus place_buffers(Planner *p, uint64_t *arena_bytes)
{
    Buffer **by_offset = LIG_NEW_ARRAY(p->pass->scratch, Buffer *, p->buffers.count);
    if (!by_offset) return lig_no_memory(p->pass->ctx);
    *arena_bytes = 0;
    for (size_t i = 0; i < p->buffers.count; i++) {
        Buffer *buffer = p->order[i];
        buffer->offset = find_offset(by_offset, i, buffer);
        buffer->value->place = (LigPlace){.kind = LIG_PLACE_ARENA, .offset = buffer->offset};
        uint64_t end = buffer->offset + buffer->bytes;
        if (end > *arena_bytes) *arena_bytes = end;
        size_t at = i;
        for (; at > 0 && by_offset[at - 1]->offset > buffer->offset; at--) by_offset[at] = by_offset[at - 1];
        by_offset[at] = buffer;
    }
    return LIG_OK;
}

static LigStatus plan_variant(LigPass *pass, LigModule *module, LigFunc *func)
{
    Planner planner = {.pass = pass, .module = module, .func = func};
    lig_func_renumber(func);
    LIG_TRY(collect_buffers(&planner));
    LIG_TRY(find_lives(&planner));
    LIG_TRY(sort_by_size(&planner));
    uint64_t arena_bytes;
    LIG_TRY(place_buffers(&planner, &arena_bytes));
    LigAttr attr = {.key = LIG_ATTR_ARENA, .value.integer = (int64_t)arena_bytes};
    return lig_attrs_set(module->arena, &func->attrs, attr) ? LIG_OK : lig_no_memory(pass->ctx);
}

LigStatus lig_pass_plan(LigPass *pass, LigModule *module)
{
    for (size_t i = 0; i < module->funcs.count; i++) {
        LigFunc *func = module->funcs.data[i];
        if (func->kind == LIG_FUNC_VARIANT) LIG_TRY(plan_variant(pass, module, func));
    }
    return LIG_OK;
}

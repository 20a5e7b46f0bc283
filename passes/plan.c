// plan: gives every value of every variant its place.
//
//   %h = call @norm(%x) : f32[N,576]             =>   %h = call @norm(%x) : f32[N,576] at 0x4000
//   %q = reshape %p : f32[N,9,64]                =>   %q = reshape %p : f32[N,9,64] over %p
//   %y = call @linear_add(%h, %w, %x) : …        =>   %y = call @linear_add(%h, %w, %x) : … over %x
//
// Requires  stage packed, variants.
// Ensures  stage planned: offsets are multiples of 64, inside the variant's `arena`, and right for every value
// of the dims, since sizes are taken at their upper bounds. What a variant returns lies in the caller's memory;
// the new value of a state lies over the state; a result lies over an operand that nothing reads any more where
// the kernel allows it (ir/in_place.h).
// Method  values by size, largest first, each at the lowest offset that is free over its whole life ("greedy by
// size" of Pisarchyk & Lee 2020, arXiv:2001.03288). Where that needs more than what is alive at once, other
// orders are tried, then the values at the top are placed earlier; the smallest plan is kept.
// Cost  values squared, a try; at most eleven tries.
#include "ir/in_place.h"
#include "passes/pass.h"

enum { PLACE_ALIGN = 64, PROMOTIONS = 8 };

typedef struct Buffer {
    LigValue *value;
    uint64_t bytes, offset, best; // `offset` of the current try, `best` of the smallest plan so far
    size_t first, last;           // positions of the ops at which the bytes are written first and read last
} Buffer;

typedef struct Planner {
    LigPass *pass;
    LigModule *module;
    LigFunc *func;
    LigDimBounds bounds[LIG_MAX_SYMBOLS]; // inside the variant
    size_t *last;                         // by id of a root: where its bytes are read last
    LIG_VEC(Buffer) buffers;
    Buffer **order;     // in which they are placed
    Buffer **by_offset; // those placed in the current try
    uint64_t peak;      // of the smallest plan so far
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

// A value of the arena: computed here, and not the caller's.
static bool is_local(const Planner *p, const LigValue *root)
{
    return root->kind == LIG_VALUE_RESULT && !lig_value_is_resident(p->module, root) &&
           !is_output_root(p, root);
}

// Views and states have their places: reading one of those reads its root.
static LigStatus find_last_readers(Planner *p)
{
    p->last = LIG_NEW_ARRAY(p->pass->scratch, size_t, p->func->value_count);
    if (!p->last) return lig_no_memory(p->pass->ctx);
    for (size_t i = 0; i < p->func->ops.count; i++) {
        const LigOp *op = p->func->ops.data[i];
        for (size_t j = 0; j < op->result_count; j++) p->last[op->results[j]->id] = i;
        for (size_t j = 0; j < op->operand_count; j++) {
            const LigValue *root = root_of(op->operands[j]);
            if (is_local(p, root)) p->last[root->id] = i;
        }
    }
    return LIG_OK;
}

// Whether the kernel allows the result over each operand with these bytes, and no other result has them.
static bool allows(const Planner *p, const LigOp *op, size_t result, const LigValue *root)
{
    for (size_t i = 0; i < op->operand_count; i++) {
        if (root_of(op->operands[i]) == root && !lig_may_overwrite(p->module, op->callee, i, result))
            return false;
    }
    for (size_t i = 0; i < result; i++) {
        if (root_of(op->results[i]) == root) return false;
    }
    return true;
}

static void place_over_operand(Planner *p, LigOp *op, size_t position, size_t result)
{
    LigValue *value = op->results[result];
    if (value->place.kind == LIG_PLACE_OVER || !is_local(p, value)) return;
    for (size_t i = 0; i < op->operand_count; i++) {
        const LigValue *root = root_of(op->operands[i]);
        if (!is_local(p, root) || p->last[root->id] != position || !allows(p, op, result, root)) continue;
        value->place = (LigPlace){.kind = LIG_PLACE_OVER, .over = op->operands[i]};
        p->last[root->id] = p->last[value->id];
        return;
    }
}

static void place_in_place(Planner *p)
{
    for (size_t i = 0; i < p->func->ops.count; i++) {
        LigOp *op = p->func->ops.data[i];
        for (size_t j = 0; op->callee && j < op->result_count; j++) place_over_operand(p, op, i, j);
    }
}

static LigStatus add_buffer(Planner *p, LigValue *value, size_t position)
{
    LigShape shape;
    size_t bytes;
    if (!lig_type_bind_upper_within(p->module->dims, &value->type, p->bounds, &shape) ||
        !lig_shape_bytes(&shape, &bytes) || bytes > SIZE_MAX / 4) {
        return lig_fail(p->pass->ctx, LIG_ERR_SHAPE, value->loc,
                        "%%%.*s is too large to plan at the upper bounds of its dims: lower the bounds",
                        LIG_STR_ARG(value->name));
    }
    uint64_t rounded = (bytes + PLACE_ALIGN - 1) / PLACE_ALIGN * PLACE_ALIGN;
    Buffer buffer = {.value = value, .bytes = rounded, .first = position, .last = p->last[value->id]};
    return LIG_VEC_PUSH(p->pass->scratch, &p->buffers, buffer) ? LIG_OK : lig_no_memory(p->pass->ctx);
}

static LigStatus collect_buffers(Planner *p)
{
    for (size_t i = 0; i < p->func->ops.count; i++) {
        const LigOp *op = p->func->ops.data[i];
        for (size_t j = 0; j < op->result_count; j++) {
            LigValue *value = op->results[j];
            bool has_bytes = value->place.kind != LIG_PLACE_OVER && is_local(p, value);
            if (has_bytes) LIG_TRY(add_buffer(p, value, i));
        }
    }
    p->order = LIG_NEW_ARRAY(p->pass->scratch, Buffer *, p->buffers.count);
    p->by_offset = LIG_NEW_ARRAY(p->pass->scratch, Buffer *, p->buffers.count);
    return p->order && p->by_offset ? LIG_OK : lig_no_memory(p->pass->ctx);
}

// The most bytes alive at one op: no plan needs less.
static LigStatus find_live_bytes(const Planner *p, uint64_t *out)
{
    uint64_t *alive = LIG_NEW_ARRAY(p->pass->scratch, uint64_t, p->func->ops.count + 1);
    if (!alive) return lig_no_memory(p->pass->ctx);
    *out = 0;
    for (size_t i = 0; i < p->buffers.count; i++) {
        const Buffer *buffer = &p->buffers.data[i];
        for (size_t at = buffer->first; at <= buffer->last; at++) alive[at] += buffer->bytes;
    }
    for (size_t at = 0; at < p->func->ops.count; at++) {
        if (alive[at] > *out) *out = alive[at];
    }
    return LIG_OK;
}

static bool lives_overlap(const Buffer *a, const Buffer *b)
{
    return a->first <= b->last && b->first <= a->last;
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

// Places all in order; gives the end of the last.
static uint64_t place_all(Planner *p)
{
    uint64_t peak = 0;
    for (size_t i = 0; i < p->buffers.count; i++) {
        Buffer *buffer = p->order[i];
        buffer->offset = find_offset(p->by_offset, i, buffer);
        uint64_t end = buffer->offset + buffer->bytes;
        if (end > peak) peak = end;
        size_t at = i;
        for (; at > 0 && p->by_offset[at - 1]->offset > buffer->offset; at--)
            p->by_offset[at] = p->by_offset[at - 1];
        p->by_offset[at] = buffer;
    }
    return peak;
}

// Gives the peak of this try, and keeps the plan when it is the smallest.
static uint64_t try_order(Planner *p)
{
    uint64_t peak = place_all(p);
    if (peak >= p->peak) return peak;
    p->peak = peak;
    for (size_t i = 0; i < p->buffers.count; i++) p->buffers.data[i].best = p->buffers.data[i].offset;
    return peak;
}

typedef uint64_t Weight(const Buffer *buffer);

static uint64_t by_size(const Buffer *buffer) { return buffer->bytes; }
static uint64_t by_life(const Buffer *buffer) { return buffer->last - buffer->first; }
static uint64_t by_area(const Buffer *buffer) { return buffer->bytes / PLACE_ALIGN * (by_life(buffer) + 1); }

// Heaviest first. Insertion sort: stable, so that plans do not depend on a library's qsort.
static void sort_by(Planner *p, Weight *weight)
{
    for (size_t i = 0; i < p->buffers.count; i++) {
        Buffer *buffer = &p->buffers.data[i];
        size_t at = i;
        for (; at > 0 && weight(p->order[at - 1]) < weight(buffer); at--) p->order[at] = p->order[at - 1];
        p->order[at] = buffer;
    }
}

// Puts the buffers that end at `peak` first, otherwise keeping the order.
static void promote(Planner *p, uint64_t peak)
{
    size_t front = 0;
    for (size_t i = 0; i < p->buffers.count; i++) {
        Buffer *buffer = p->order[i];
        if (buffer->offset + buffer->bytes != peak) continue;
        for (size_t at = i; at > front; at--) p->order[at] = p->order[at - 1];
        p->order[front++] = buffer;
    }
}

static LigStatus place_buffers(Planner *p)
{
    static Weight *const weights[] = {by_size, by_area, by_life};
    uint64_t live, peak = 0;
    LIG_TRY(find_live_bytes(p, &live));
    p->peak = UINT64_MAX;
    for (size_t i = 0; i < sizeof weights / sizeof *weights && p->peak > live; i++) {
        sort_by(p, weights[i]);
        peak = try_order(p);
    }
    for (int i = 0; i < PROMOTIONS && p->peak > live; i++) {
        promote(p, peak);
        peak = try_order(p);
    }
    for (size_t i = 0; i < p->buffers.count; i++) {
        const Buffer *buffer = &p->buffers.data[i];
        buffer->value->place = (LigPlace){.kind = LIG_PLACE_ARENA, .offset = buffer->best};
    }
    return LIG_OK;
}

static LigStatus plan_variant(LigPass *pass, LigModule *module, LigFunc *func)
{
    Planner planner = {.pass = pass, .module = module, .func = func};
    lig_func_renumber(func);
    if (!lig_func_bounds(module, func, planner.bounds))
        return lig_fail(pass->ctx, LIG_ERR_INVALID, func->loc, "@%.*s: no values of its dims obey the facts",
                        LIG_STR_ARG(func->name));
    for (size_t i = 0; i < func->ops.count; i++) place_views(func->ops.data[i]);
    LIG_TRY(find_last_readers(&planner));
    place_in_place(&planner);
    LIG_TRY(collect_buffers(&planner));
    LIG_TRY(place_buffers(&planner));
    LigAttr attr = {.key = LIG_ATTR_ARENA, .value.integer = (int64_t)planner.peak};
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

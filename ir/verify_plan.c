// V09: the places of a planned variant.
//
//   - A result that is returned lies in the caller's memory (no place) or over another value, which then may
//     have no place either; every other result has a place, `at` an offset of the arena or `over` a value.
//   - Offsets are multiples of 64, and the value ends inside the attribute `arena`, at the upper bounds of the
//     variant's dims.
//   - A view lies in the bytes of its operand; the new value of a state in the bytes of the state. Nothing else
//     lies over a param, a state, an input or a result of load.
//   - A result over a value fits in it, no value of those bytes defined before is read after, and its op reads
//     them, if it does, in a way that allows it (ir/in_place.h). Two results of one op have bytes of their own.
//   - Two values of the arena that are alive at the same time do not overlap. A value lives from the op that
//     defines it to its last reader, in text order; values that lie over each other live as one.
#include "ir/in_place.h"
#include "ir/verify_rule.h"

// What is known of one value: positions count ops.
typedef struct Life {
    const LigValue *root; // the value whose place it shares, at the end of the chain of `over`
    size_t born, last;
    uint64_t bytes;
} Life;

typedef struct Plan {
    LigVerifier *v;
    Life *lives; // by id
    uint64_t arena;
} Plan;

static void breaks(Plan *plan, const LigValue *value, const char *what)
{
    lig_verify_break(plan->v, "V09", value->loc, "%%%.*s of %s %s", LIG_STR_ARG(value->name),
                     lig_verify_func_name(plan->v), what);
}

// NULL when the chain of `over` has no end, or leaves what the variant sees.
static const LigValue *find_root(const Plan *plan, const LigValue *value)
{
    for (size_t steps = 0; steps <= plan->v->func->value_count; steps++) {
        if (value->place.kind != LIG_PLACE_OVER) return value;
        const LigValue *over = value->place.over;
        if (!over || (!lig_verify_is_own(plan->v, over) && over->kind == LIG_VALUE_INPUT)) return NULL;
        if (!lig_verify_is_own(plan->v, over)) return over;
        value = over;
    }
    return NULL;
}

static bool is_output(const LigFunc *func, const LigValue *value)
{
    for (size_t i = 0; i < func->outputs.count; i++) {
        if (func->outputs.data[i] == value) return true;
    }
    return false;
}

static bool bound_bytes(const Plan *plan, const LigValue *value, uint64_t *bytes)
{
    LigShape shape;
    size_t size;
    if (!lig_func_bind_upper(plan->v->module, plan->v->func, &value->type, &shape) ||
        !lig_shape_bytes(&shape, &size))
        return false;
    *bytes = size;
    return true;
}

// Lifetimes by text order, roots and sizes; false when a rule that the others need is broken.
static bool measure(Plan *plan)
{
    const LigFunc *func = plan->v->func;
    for (size_t i = 0; i < func->ops.count; i++) {
        const LigOp *op = func->ops.data[i];
        for (size_t r = 0; r < op->result_count; r++) {
            Life *life = &plan->lives[op->results[r]->id];
            life->born = life->last = i;
        }
        for (size_t k = 0; k < op->operand_count; k++) {
            if (lig_verify_is_own(plan->v, op->operands[k])) plan->lives[op->operands[k]->id].last = i;
        }
    }
    for (size_t i = 0; i < func->outputs.count; i++) {
        if (lig_verify_is_own(plan->v, func->outputs.data[i]))
            plan->lives[func->outputs.data[i]->id].last = func->ops.count;
    }
    for (size_t id = 0; id < func->value_count; id++) {
        const LigValue *value = plan->v->defined[id];
        plan->lives[id].root = find_root(plan, value);
        if (!plan->lives[id].root) {
            breaks(plan, value,
                   "lies over a value that the variant does not see, or over itself: name another");
            return false;
        }
        if (!bound_bytes(plan, value, &plan->lives[id].bytes)) {
            breaks(plan, value, "has no upper bound on its size: bound its dims");
            return false;
        }
    }
    return true;
}

// Whether a returned value lies over this one: then these bytes are the caller's too.
static bool is_under_output(const Plan *plan, const LigValue *value)
{
    const LigFunc *func = plan->v->func;
    for (size_t i = 0; i < func->outputs.count; i++) {
        const LigValue *output = func->outputs.data[i];
        if (lig_verify_is_own(plan->v, output) && plan->lives[output->id].root == value) return true;
    }
    return false;
}

static void check_place(Plan *plan, const LigValue *value)
{
    bool returned = is_output(plan->v->func, value);
    switch (value->place.kind) {
    case LIG_PLACE_NONE:
        if (!returned && !is_under_output(plan, value))
            breaks(plan, value,
                   "has no place, and only inputs and returned values are the caller's: write `at 0x…`");
        break;
    case LIG_PLACE_ARENA:
        if (returned)
            breaks(plan, value,
                   "is returned, so it lies in the caller's memory, not in the arena: drop its place");
        if (value->place.offset % LIG_PLAN_ALIGN)
            breaks(plan, value, "lies at an offset that is no multiple of 64: round it up");
        if (value->place.offset > plan->arena ||
            plan->lives[value->id].bytes > plan->arena - value->place.offset)
            breaks(plan, value, "ends outside the arena: raise `arena`, or move it");
        break;
    case LIG_PLACE_OVER:
        break;
    }
}

// The value whose bytes a result has by meaning: a view's operand, a state's old value; NULL for none.
static const LigValue *renamed(const LigValue *value)
{
    const LigOp *op = value->op;
    if (lig_op_info(op->code)->class == LIG_OPS_VIEW) return op->operands[0];
    if (op->code != LIG_OP_CALL) return NULL;
    int formal = lig_verify_written_formal(op->callee, value->index);
    return formal < 0 ? NULL : op->operands[formal];
}

static const LigValue *root_of(const Plan *plan, const LigValue *value)
{
    return lig_verify_is_own(plan->v, value) ? plan->lives[value->id].root : value;
}

// A value of the same bytes, defined before `value`, that is read after `value` took them over; NULL for none.
static const LigValue *still_read(const Plan *plan, const LigValue *value)
{
    const Life *life = &plan->lives[value->id];
    for (size_t id = 0; id < plan->v->func->value_count; id++) {
        const Life *other = &plan->lives[id];
        const LigValue *member = plan->v->defined[id];
        if (member->kind != LIG_VALUE_RESULT || other->root != life->root || other->born >= life->born)
            continue;
        if (other->last > life->born) return member;
    }
    return NULL;
}

// An operand of the same bytes as a result of its op, which the kernel does not read in place; NULL for none.
static const LigValue *read_elsewhere(const Plan *plan, const LigValue *value)
{
    const LigOp *op = value->op;
    for (size_t i = 0; i < op->operand_count; i++) {
        if (root_of(plan, op->operands[i]) != plan->lives[value->id].root) continue;
        if (!op->callee || !lig_may_overwrite(plan->v->module, op->callee, i, value->index))
            return op->operands[i];
    }
    return NULL;
}

static bool shares_with_sibling(const Plan *plan, const LigValue *value)
{
    for (size_t i = 0; i < value->op->result_count; i++) {
        const LigValue *other = value->op->results[i];
        if (other != value && plan->lives[other->id].root == plan->lives[value->id].root) return true;
    }
    return false;
}

static void check_target(Plan *plan, const LigValue *value)
{
    const LigValue *root = plan->lives[value->id].root;
    uint64_t bytes;
    if (!lig_verify_is_own(plan->v, root) || root->kind == LIG_VALUE_INPUT)
        breaks(plan, value, "is computed over memory that it may not change: write `at 0x…`");
    else if (!bound_bytes(plan, root, &bytes) || bytes < plan->lives[value->id].bytes)
        breaks(plan, value, "does not fit in the value it lies over: write `at 0x…`");
    else if (shares_with_sibling(plan, value))
        breaks(plan, value, "lies over the same bytes as another result of its op: write `at 0x…`");
    const LigValue *operand = read_elsewhere(plan, value);
    if (operand)
        lig_verify_break(plan->v, "V09", value->loc,
                         "%%%.*s of %s is written over %%%.*s, of which its kernel reads other elements after "
                         "that: write `at 0x…`",
                         LIG_STR_ARG(value->name), lig_verify_func_name(plan->v), LIG_STR_ARG(operand->name));
}

static void check_over(Plan *plan, const LigValue *value)
{
    const LigValue *same = renamed(value);
    if (same) {
        if (plan->lives[value->id].root != root_of(plan, same))
            breaks(plan, value, "is another name of its operand, but lies elsewhere: write `over` that");
        return;
    }
    if (value->place.kind == LIG_PLACE_OVER) check_target(plan, value);
    const LigValue *reader = still_read(plan, value);
    if (reader)
        lig_verify_break(plan->v, "V09", value->loc,
                         "%%%.*s of %s is written over %%%.*s, which is read after that: write `at 0x…`",
                         LIG_STR_ARG(value->name), lig_verify_func_name(plan->v), LIG_STR_ARG(reader->name));
}

// Joins the lives of values in the same bytes into the root's.
static void join_lives(Plan *plan)
{
    for (size_t id = 0; id < plan->v->func->value_count; id++) {
        const Life *life = &plan->lives[id];
        if (!lig_verify_is_own(plan->v, life->root) || life->root->id == id) continue;
        Life *root = &plan->lives[life->root->id];
        if (life->born < root->born) root->born = life->born;
        if (life->last > root->last) root->last = life->last;
    }
}

static void check_overlaps(Plan *plan)
{
    LigValue **values = plan->v->defined;
    for (size_t a = 0; a < plan->v->func->value_count; a++) {
        if (values[a]->place.kind != LIG_PLACE_ARENA) continue;
        const Life *x = &plan->lives[a];
        uint64_t x_end = values[a]->place.offset + x->bytes;
        for (size_t b = a + 1; b < plan->v->func->value_count; b++) {
            const Life *y = &plan->lives[b];
            if (values[b]->place.kind != LIG_PLACE_ARENA || x->born > y->last || y->born > x->last) continue;
            if (values[a]->place.offset >= values[b]->place.offset + y->bytes ||
                values[b]->place.offset >= x_end)
                continue;
            lig_verify_break(plan->v, "V09", values[b]->loc,
                             "%%%.*s and %%%.*s of %s are alive at the same time and overlap: move one",
                             LIG_STR_ARG(values[a]->name), LIG_STR_ARG(values[b]->name),
                             lig_verify_func_name(plan->v));
        }
    }
}

static void check_unplanned(LigVerifier *v)
{
    for (size_t id = 0; id < v->func->value_count; id++) {
        const LigValue *value = v->defined[id];
        if (value->place.kind == LIG_PLACE_NONE) continue;
        lig_verify_break(v, "V09", value->loc,
                         "%%%.*s of %s has a place, but only results of planned variants have one: drop it",
                         LIG_STR_ARG(value->name), lig_verify_func_name(v));
    }
}

static void check_planned(LigVerifier *v)
{
    int64_t arena = lig_attrs_int(v->func->attrs, LIG_ATTR_ARENA, -1);
    Plan plan = {.v = v, .arena = (uint64_t)arena};
    plan.lives = LIG_NEW_ARRAY(v->scratch, Life, v->func->value_count);
    if (!plan.lives) {
        v->status = lig_no_memory(v->module->ctx);
        return;
    }
    if (arena < 0) {
        lig_verify_break(v, "V09", v->func->loc, "%s has no size of its arena: write {arena=…}",
                         lig_verify_func_name(v));
        return;
    }
    for (size_t id = 0; id < v->func->inputs.count; id++) {
        if (v->defined[id]->place.kind != LIG_PLACE_NONE)
            breaks(&plan, v->defined[id], "is an input, which lies where the caller says: drop its place");
    }
    if (v->status != LIG_OK || !measure(&plan)) return;
    for (size_t id = v->func->inputs.count; id < v->func->value_count; id++) {
        check_place(&plan, v->defined[id]);
        check_over(&plan, v->defined[id]);
    }
    if (v->status != LIG_OK) return;
    join_lives(&plan);
    check_overlaps(&plan);
}

void lig_verify_places(LigVerifier *v)
{
    if (v->module->stage != LIG_STAGE_PLANNED || v->func->kind != LIG_FUNC_VARIANT) {
        check_unplanned(v);
        return;
    }
    // A broken plan hides what else is wrong with it, but not what is wrong with another.
    LigStatus before = v->status;
    v->status = LIG_OK;
    check_planned(v);
    if (before != LIG_OK) v->status = before;
}

#include "passes/fuse_groups.h"

enum { MAX_SIBLINGS = 4 };

bool lig_fuse_is_row(const LigOp *op)
{
    LigLowering lowering = lig_op_info(op->code)->lowering;
    return lowering.kind == LIG_LOWER_CLASS && lig_op_info(op->code)->class == LIG_OPS_ROW;
}

static bool is_linear(const LigOp *op) { return op->code == LIG_OP_LINEAR; }

// Whether an op may join a group that computes one of its operands: only one with code, so that an op without
// leaves them theirs.
static bool joins(const LigOp *op)
{
    return lig_fuse_is_row(op) || lig_op_info(op->code)->lowering.kind == LIG_LOWER_BODY;
}

// Whether a group that begins with this op takes others.
static bool takes_others(const LigOp *op) { return joins(op) || is_linear(op); }

// Reshapes rename elements in place; every other view is computed as data moves.
static bool stays_view(const LigOp *op) { return op->code == LIG_OP_RESHAPE; }

bool lig_fuse_position(const LigFuseGroups *g, const LigValue *value, size_t *out)
{
    if (value->kind != LIG_VALUE_RESULT || lig_value_is_resident(g->module, value)) return false;
    *out = g->defined_at[value->id];
    return true;
}

static bool same_dims(const LigModule *module, const LigType *a, const LigType *b)
{
    if (a->rank != b->rank) return false;
    for (int i = 0; i < a->rank; i++) {
        if (lig_dim_equal(module->dims, a->dims[i], b->dims[i]) != LIG_YES) return false;
    }
    return true;
}

static const LigType *shape_of(const LigOp *op) { return &op->results[0]->type; }

static bool reads_group(const LigFuseGroups *g, const LigOp *op, const LigFuseGroup *group)
{
    for (size_t i = 0; i < op->operand_count; i++) {
        size_t at;
        if (lig_fuse_position(g, op->operands[i], &at) && g->decisions[at].group == group) return true;
    }
    return false;
}

// Whether a member reads the bytes of `state`, by its name or by a reshape of it.
static bool reads_state(const LigFuseGroup *group, const LigValue *state)
{
    for (size_t i = 0; i < group->count; i++) {
        for (size_t k = 0; k < group->members[i]->operand_count; k++) {
            const LigValue *value = group->members[i]->operands[k];
            while (value->kind == LIG_VALUE_RESULT && stays_view(value->op)) value = value->op->operands[0];
            if (value == state) return true;
        }
    }
    return false;
}

static bool writes_what_is_read(const LigOp *op, const LigFuseGroup *group)
{
    bool writes = lig_op_info(op->code)->class == LIG_OPS_STATE;
    for (size_t k = 0; writes && k < op->result_count && k < op->operand_count; k++) {
        if (reads_state(group, op->operands[k])) return true;
    }
    return false;
}

// Whether the group may be computed as late as `position`: no op in between, outside the group, reads it, or writes
// a state that it reads.
static LigFusionRule sinking_refuses(const LigFuseGroups *g, const LigFuseGroup *group, size_t position)
{
    for (size_t i = group->first + 1; i < position; i++) {
        if (g->decisions[i].group == group) continue;
        if (reads_group(g, g->ops[i], group)) return LIG_FUSION_READ_BETWEEN;
        if (writes_what_is_read(g->ops[i], group)) return LIG_FUSION_WRITTEN_BETWEEN;
    }
    return LIG_FUSION_NONE;
}

// Siblings of other widths have no common space for an epilogue, and an epilogue fixes the space for siblings
// to come.
static bool has_one_shape(const LigFuseGroups *g, const LigFuseGroup *group)
{
    for (size_t i = 1; i < group->count; i++) {
        if (!same_dims(g->module, shape_of(group->members[0]), shape_of(group->members[i]))) return false;
    }
    return true;
}

// oneDNN takes lone contractions over f32 weights.
static bool goes_to_onednn(const LigFuseGroups *g, const LigOp *op)
{
    return g->pass->options->onednn && is_linear(op) && op->operands[1]->type.dtype == LIG_F32;
}

// ---- joining the group of an operand ----

// Why `op` can't join any group that computes an operand; NONE when it can.
static LigFusionRule reader_refuses(const LigFuseGroups *g, const LigOp *op)
{
    if (!g->pass->options->fuse) return LIG_FUSION_APART;
    if (is_linear(op)) return LIG_FUSION_CONTRACTION_READS;
    return joins(op) ? LIG_FUSION_NONE : LIG_FUSION_READS_ALONE;
}

static bool has_op(const LigFuseGroup *group, LigOpCode code)
{
    for (size_t i = 0; i < group->count; i++) {
        if (group->members[i]->code == code) return true;
    }
    return false;
}

// Whether `op` needs a row of its own kernel. Quantising does not: its blocks are made while a row is stored,
// by all kernels of rows but those of rope, which store a token's rows together.
static bool needs_other_row(const LigFuseGroup *group, const LigOp *op)
{
    if (!lig_fuse_is_row(op)) return false;
    if (op->code == LIG_OP_QUANTIZE) return group->linear_count || has_op(group, LIG_OP_ROPE);
    return group->row_count || group->linear_count;
}

static LigFusionRule group_refuses(const LigFuseGroups *g, const LigFuseGroup *group, const LigOp *op,
                                   size_t position)
{
    const LigOp *first = group->members[0];
    if (!takes_others(first)) return LIG_FUSION_WRITES_ALONE;
    if (goes_to_onednn(g, first)) return LIG_FUSION_ONEDNN;
    if (needs_other_row(group, op)) return LIG_FUSION_WHOLE_ROW;
    if (!has_one_shape(g, group)) return LIG_FUSION_WIDTHS;
    if (!same_dims(g->module, shape_of(first), shape_of(op))) return LIG_FUSION_SHAPE;
    return sinking_refuses(g, group, position);
}

static LigFusionRule operand_refuses(const LigFuseGroups *g, const LigValue *value, const LigOp *op,
                                     size_t position, LigFuseGroup **group)
{
    size_t at;
    LigFusionRule refusal = reader_refuses(g, op);
    if (refusal != LIG_FUSION_NONE) return refusal;
    if (!lig_fuse_position(g, value, &at)) return LIG_FUSION_ELSEWHERE; // no edge
    *group = g->decisions[at].group;
    return *group ? group_refuses(g, *group, op, position) : LIG_FUSION_VIEW;
}

// The first group of an operand that takes the op; notes why those before it do not.
static LigFuseGroup *join_operand(LigFuseGroups *g, const LigOp *op, size_t position)
{
    LigFusionRule *refusals = g->decisions[position].refusals;
    LigFuseGroup *joined = NULL;
    for (size_t i = 0; i < op->operand_count; i++) {
        LigFuseGroup *group = NULL;
        refusals[i] = joined ? LIG_FUSION_ELSEWHERE : operand_refuses(g, op->operands[i], op, position, &group);
        if (refusals[i] == LIG_FUSION_NONE) joined = group;
    }
    return joined;
}

// ---- joining siblings ----

static LigFusionRule sibling_refuses(const LigFuseGroups *g, const LigFuseGroup *group, const LigOp *op,
                                     size_t position)
{
    const LigOp *first = group->members[0];
    bool only_linear = group->linear_count == group->count;
    if (!g->pass->options->fuse) return LIG_FUSION_APART;
    if (goes_to_onednn(g, op) || goes_to_onednn(g, first)) return LIG_FUSION_ONEDNN;
    if (group->linear_count == MAX_SIBLINGS) return LIG_FUSION_FULL;
    if (!only_linear && !same_dims(g->module, shape_of(first), shape_of(op))) return LIG_FUSION_WIDTHS;
    return sinking_refuses(g, group, position);
}

// The latest group of linear ops over the same x that takes the op; notes the latest that does not.
static LigFuseGroup *join_siblings(LigFuseGroups *g, const LigOp *op, size_t position)
{
    LigFuseDecision *decision = &g->decisions[position];
    for (size_t i = position; i-- > 0;) {
        LigFuseGroup *group = g->decisions[i].group;
        bool same_x = group && is_linear(g->ops[i]) && g->ops[i]->operands[0] == op->operands[0];
        if (!same_x) continue;
        LigFusionRule refusal = sibling_refuses(g, group, op, position);
        if (refusal != LIG_FUSION_NONE && decision->sibling) continue;
        decision->sibling = g->ops[i];
        decision->sibling_refusal = refusal;
        if (refusal == LIG_FUSION_NONE) return group;
    }
    return NULL;
}

// ---- groups ----

static LigStatus add_member(LigFuseGroups *g, LigFuseGroup *group, LigOp *op, size_t position)
{
    LigOp **members = LIG_NEW_ARRAY(g->pass->scratch, LigOp *, group->count + 1);
    if (!members) return lig_no_memory(g->pass->ctx);
    for (size_t i = 0; i < group->count; i++) members[i] = group->members[i];
    members[group->count++] = op;
    group->members = members;
    group->row_count += lig_fuse_is_row(op);
    group->linear_count += is_linear(op);
    g->decisions[position].group = group;
    return LIG_OK;
}

static LigStatus place(LigFuseGroups *g, LigOp *op, size_t position)
{
    LigFuseDecision *decision = &g->decisions[position];
    decision->refusals = LIG_NEW_ARRAY(g->pass->scratch, LigFusionRule, op->operand_count);
    if (!decision->refusals) return lig_no_memory(g->pass->ctx);
    for (size_t r = 0; r < op->result_count; r++) g->defined_at[op->results[r]->id] = position;
    if (stays_view(op)) return LIG_OK;
    LigFuseGroup *group = join_operand(g, op, position);
    if (is_linear(op)) group = join_siblings(g, op, position);
    if (!group) {
        group = &g->groups[position];
        group->first = position;
    }
    return add_member(g, group, op, position);
}

LigStatus lig_fuse_form_groups(LigFuseGroups *g)
{
    size_t count = g->func->ops.count;
    g->op_count = count;
    g->ops = LIG_NEW_ARRAY(g->pass->scratch, LigOp *, count);
    g->defined_at = LIG_NEW_ARRAY(g->pass->scratch, size_t, g->func->value_count);
    g->groups = LIG_NEW_ARRAY(g->pass->scratch, LigFuseGroup, count);
    g->decisions = LIG_NEW_ARRAY(g->pass->scratch, LigFuseDecision, count);
    if (!g->ops || !g->defined_at || !g->groups || !g->decisions) return lig_no_memory(g->pass->ctx);
    for (size_t i = 0; i < count; i++) g->ops[i] = g->func->ops.data[i];
    for (size_t i = 0; i < count; i++) LIG_TRY(place(g, g->ops[i], i));
    return LIG_OK;
}

bool lig_fuse_is_read_outside(const LigFuseGroups *g, const LigFuseGroup *group, const LigValue *value)
{
    for (size_t i = 0; i < g->func->outputs.count; i++) {
        if (g->func->outputs.data[i] == value) return true;
    }
    for (size_t i = group->first + 1; i < g->op_count; i++) {
        if (g->decisions[i].group == group) continue;
        for (size_t j = 0; j < g->ops[i]->operand_count; j++) {
            if (g->ops[i]->operands[j] == value) return true;
        }
    }
    return false;
}

// The edges of a function, and what they are worth.
#include "passes/fusion.h"

#include "passes/fuse_groups.h"

const LigFusionRuleInfo *lig_fusion_rule_info(LigFusionRule rule)
{
    static const LigFusionRuleInfo infos[LIG_FUSION_RULE_COUNT] = {
#define LIG_FUSION_RULE(ID, name, fused, why) [LIG_FUSION_##ID] = {#name, fused, why},
#include "passes/fusion_rules.def"
#undef LIG_FUSION_RULE
    };
    LIG_ASSERT(rule > LIG_FUSION_NONE && rule < LIG_FUSION_RULE_COUNT);
    return &infos[rule];
}

// ---- estimates ----

// Elements, or bytes, at the upper bounds; 0 where there is no bound.
static int64_t count_of(const LigFuseGroups *g, const LigValue *value)
{
    LigShape shape;
    int64_t count;
    bool known = lig_type_bind_upper(g->module->dims, &value->type, &shape) && lig_shape_count(&shape, &count);
    return known ? count : 0;
}

static int64_t bytes_of(const LigFuseGroups *g, const LigValue *value)
{
    LigShape shape;
    size_t bytes;
    bool known = lig_type_bind_upper(g->module->dims, &value->type, &shape) && lig_shape_bytes(&shape, &bytes);
    return known && bytes <= INT64_MAX / 4 ? (int64_t)bytes : 0;
}

// a * b, or 0 where that overflows.
static int64_t times(int64_t a, int64_t b)
{
    int64_t product;
    return __builtin_mul_overflow(a, b, &product) ? 0 : product;
}

static int64_t last_dim(const LigFuseGroups *g, const LigValue *value)
{
    int64_t low, high;
    if (value->type.rank == 0) return 1;
    lig_dim_range(g->module->dims, value->type.dims[value->type.rank - 1], &low, &high);
    return high;
}

static int64_t flops_of(const LigFuseGroups *g, const LigOp *op)
{
    enum { PER_PRODUCT = 2, PER_ELEMENT_OF_ROW = 4 };
    int64_t elements = count_of(g, op->results[0]);
    if (op->code == LIG_OP_LINEAR) return times(times(elements, last_dim(g, op->operands[0])), PER_PRODUCT);
    if (lig_op_info(op->code)->class == LIG_OPS_ELEMENTWISE) return elements;
    if (lig_op_info(op->code)->class == LIG_OPS_REDUCE) return count_of(g, op->operands[0]);
    return lig_fuse_is_row(op) ? times(elements, PER_ELEMENT_OF_ROW) : 0;
}

// ---- edges ----

static LigFusionRule rule_of_fused(const LigOp *producer, const LigOp *consumer)
{
    if (lig_fuse_is_row(consumer)) return LIG_FUSION_ROW_PROLOGUE;
    if (producer->code == LIG_OP_LINEAR) return LIG_FUSION_EPILOGUE;
    return lig_fuse_is_row(producer) ? LIG_FUSION_ROW_EPILOGUE : LIG_FUSION_CHAIN;
}

// What stands before a chain of reshapes.
static const LigValue *behind_views(const LigFuseGroups *g, const LigValue *value)
{
    size_t at;
    while (lig_fuse_position(g, value, &at) && g->ops[at]->code == LIG_OP_RESHAPE)
        value = g->ops[at]->operands[0];
    return value;
}

// Whether a member of the group after `position`, or another operand of the op there behind `operand`, reads
// the value once more.
static bool is_read_again(const LigFuseGroups *g, const LigFuseGroup *group, const LigValue *value,
                          size_t position, size_t operand)
{
    for (size_t i = position; i < g->op_count; i++) {
        if (g->decisions[i].group != group) continue;
        for (size_t j = i == position ? operand + 1 : 0; j < g->ops[i]->operand_count; j++) {
            if (g->ops[i]->operands[j] == value) return true;
        }
    }
    return false;
}

static LigStatus push(const LigFuseGroups *g, LigFusionReport *report, LigFusionEdge edge)
{
    bool pushed = LIG_VEC_PUSH(g->module->arena, &report->edges, edge);
    return pushed ? LIG_OK : lig_no_memory(g->pass->ctx);
}

static LigFusionEdge edge_to(const LigFuseGroups *g, size_t position, const LigOp *producer,
                             const LigValue *value)
{
    const LigOp *op = g->ops[position];
    return (LigFusionEdge){.func = g->func,
                           .producer = producer->code,
                           .consumer = op->code,
                           .value = value->name,
                           .result = op->results[0]->name,
                           .kernel = g->decisions[position].group->kernel,
                           .value_bytes = bytes_of(g, value),
                           .flops = flops_of(g, op)};
}

static LigStatus note_operand(const LigFuseGroups *g, size_t position, size_t operand, LigFusionReport *report)
{
    const LigOp *op = g->ops[position];
    const LigFuseGroup *group = g->decisions[position].group;
    const LigValue *read = op->operands[operand], *value = behind_views(g, read);
    size_t at;
    if (!lig_fuse_position(g, value, &at)) return LIG_OK;
    LigFusionEdge edge = edge_to(g, position, g->ops[at], value);
    bool fused = read == value && g->decisions[at].group == group;
    edge.rule = fused ? rule_of_fused(g->ops[at], op) : g->decisions[position].refusals[operand];
    if (fused) {
        bool written =
            lig_fuse_is_read_outside(g, group, value) || is_read_again(g, group, value, position, operand);
        edge.saved_bytes = times(edge.value_bytes, written ? 1 : 2);
    }
    return push(g, report, edge);
}

static LigStatus note_sibling(const LigFuseGroups *g, size_t position, LigFusionReport *report)
{
    const LigFuseDecision *decision = &g->decisions[position];
    if (!decision->sibling) return LIG_OK;
    LigFusionEdge edge = edge_to(g, position, decision->sibling, g->ops[position]->operands[0]);
    bool fused = decision->sibling_refusal == LIG_FUSION_NONE;
    edge.rule = fused ? LIG_FUSION_SIBLING : decision->sibling_refusal;
    edge.saved_bytes = fused ? edge.value_bytes : 0;
    return push(g, report, edge);
}

LigStatus lig_fusion_note(const LigFuseGroups *g, LigFusionReport *report)
{
    for (size_t i = 0; i < g->op_count; i++) {
        if (!g->decisions[i].group) continue;
        for (size_t j = 0; j < g->ops[i]->operand_count; j++) LIG_TRY(note_operand(g, i, j, report));
        LIG_TRY(note_sibling(g, i, report));
    }
    return LIG_OK;
}

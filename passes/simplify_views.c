// Rules of casts, views and moves that move nothing.
#include "passes/simplify.h"

static LigRuleResult stand_in(LigRuleMatch *m)
{
    if (!lig_has_type_of(m->module, m->op->operands[0], m->op->results[0])) return LIG_RULE_NO;
    m->stands = m->op->operands[0];
    return LIG_RULE_REPLACED;
}

LigRuleResult lig_rule_same_type(LigRuleMatch *m) { return stand_in(m); }

// Reads what an op of the same kind before it reads.
static LigRuleResult skip_inner(LigRuleMatch *m)
{
    const LigOp *inner = lig_operand_op(m->op, 0, m->op->code);
    if (!inner) return LIG_RULE_NO;
    m->op->operands[0] = inner->operands[0];
    return LIG_RULE_EDITED;
}

LigRuleResult lig_rule_reshape_of_reshape(LigRuleMatch *m) { return skip_inner(m); }
LigRuleResult lig_rule_broadcast_of_broadcast(LigRuleMatch *m) { return skip_inner(m); }

// ---- casts ----

// How many bits of a whole number and of a fraction a dtype holds exactly, and how far its exponents reach.
typedef struct Precision {
    LigDtype dtype;
    bool fractions; // floats
    int bits;       // of the significand, or of an integer without its sign
    int exponent;   // the largest; 0 of integers
    bool is_signed;
} Precision;

static const Precision precisions[] = {
    {LIG_F64, true, 53, 1023, true}, {LIG_F32, true, 24, 127, true}, {LIG_BF16, true, 8, 127, true},
    {LIG_F16, true, 11, 15, true},   {LIG_I64, false, 63, 0, true},  {LIG_I32, false, 31, 0, true},
    {LIG_I8, false, 7, 0, true},     {LIG_U8, false, 8, 0, false},   {LIG_BOOL, false, 1, 0, false},
};

static const Precision *precision_of(LigDtype dtype)
{
    for (size_t i = 0; i < sizeof precisions / sizeof *precisions; i++) {
        if (precisions[i].dtype == dtype) return &precisions[i];
    }
    return NULL;
}

// Whether every value of `narrow` is one of `wide`: f16's exponents fit into f32's, denormals included, but not
// into bf16's significand.
static bool holds(LigDtype wide, LigDtype narrow)
{
    const Precision *w = precision_of(wide), *n = precision_of(narrow);
    if (!w || !n || wide == LIG_BOOL) return false; // what is not 0 becomes true
    if (wide == narrow) return true;
    if (n->fractions && !w->fractions) return false;
    if (n->is_signed && !w->is_signed) return false;
    bool reaches = n->fractions ? w->exponent > n->exponent || w->exponent == n->exponent
                                : !w->fractions || w->exponent >= n->bits;
    return reaches && w->bits >= n->bits;
}

LigRuleResult lig_rule_cast_of_widening(LigRuleMatch *m)
{
    const LigOp *inner = lig_operand_op(m->op, 0, LIG_OP_CAST);
    if (!inner) return LIG_RULE_NO;
    if (!holds(inner->results[0]->type.dtype, inner->operands[0]->type.dtype)) return LIG_RULE_NO;
    m->op->operands[0] = inner->operands[0];
    return LIG_RULE_EDITED;
}

// The cast to f32 of what generated contractions read themselves.
static const LigOp *widening(const LigOp *op, size_t operand)
{
    const LigOp *cast = lig_operand_op(op, operand, LIG_OP_CAST);
    if (!cast || cast->results[0]->type.dtype != LIG_F32) return NULL;
    LigDtype dtype = cast->operands[0]->type.dtype;
    bool is_half = dtype == LIG_F16 || dtype == LIG_BF16;
    bool is_blocks = lig_dtype_is_quantised(dtype) && lig_dtype_has_panel(dtype);
    return is_half || is_blocks ? cast : NULL;
}

LigRuleResult lig_rule_widened_weight(LigRuleMatch *m)
{
    const LigOp *cast = widening(m->op, 1);
    if (!cast || m->op->results[0]->type.dtype != LIG_F32) return LIG_RULE_NO;
    m->op->operands[1] = cast->operands[0];
    return LIG_RULE_EDITED;
}

LigRuleResult lig_rule_widened_table(LigRuleMatch *m)
{
    const LigOp *cast = widening(m->op, 0);
    bool whole_rows = cast && lig_attrs_int(m->op->attrs, LIG_ATTR_AXIS, 0) == 0 &&
                      lig_attrs_int(m->op->attrs, LIG_ATTR_BATCH, 0) == 0 && cast->operands[0]->type.rank == 2;
    if (!whole_rows || !lig_dtype_is_quantised(cast->operands[0]->type.dtype)) return LIG_RULE_NO;
    m->op->operands[0] = cast->operands[0];
    return LIG_RULE_EDITED;
}

// ---- transposes ----

static int perm_at(const LigOp *op, int i)
{
    const LigAttr *perm = lig_attrs_get(op->attrs, LIG_ATTR_PERM);
    int64_t axis = perm->value.integers.data[i];
    return (int)(axis < 0 ? axis + op->operands[0]->type.rank : axis);
}

LigRuleResult lig_rule_transpose_none(LigRuleMatch *m)
{
    for (int i = 0; i < m->op->operands[0]->type.rank; i++) {
        if (perm_at(m->op, i) != i) return LIG_RULE_NO;
    }
    return stand_in(m);
}

LigRuleResult lig_rule_transpose_of_transpose(LigRuleMatch *m)
{
    const LigOp *inner = lig_operand_op(m->op, 0, LIG_OP_TRANSPOSE);
    if (!inner) return LIG_RULE_NO;
    int rank = m->op->operands[0]->type.rank;
    int64_t *perm = LIG_NEW_ARRAY(m->module->arena, int64_t, (size_t)rank);
    if (!perm) return LIG_RULE_NO_MEMORY;
    for (int i = 0; i < rank; i++) perm[i] = perm_at(inner, perm_at(m->op, i));
    LigAttr attr = {.key = LIG_ATTR_PERM, .value.integers = {perm, (size_t)rank}};
    if (!lig_attrs_set(m->module->arena, &m->op->attrs, attr)) return LIG_RULE_NO_MEMORY;
    m->op->operands[0] = inner->operands[0];
    return LIG_RULE_EDITED;
}

// ---- what takes or adds nothing ----

LigRuleResult lig_rule_slice_all(LigRuleMatch *m)
{
    bool in_order = lig_attrs_int(m->op->attrs, LIG_ATTR_STEP, 1) == 1;
    return in_order ? stand_in(m) : LIG_RULE_NO; // as many elements as there are
}

LigRuleResult lig_rule_pad_none(LigRuleMatch *m) { return stand_in(m); }

LigRuleResult lig_rule_concat_one(LigRuleMatch *m)
{
    return m->op->operand_count == 1 ? stand_in(m) : LIG_RULE_NO;
}

// ---- broadcasts that an elementwise op does itself ----

static bool spans(const LigModule *module, const LigValue *value, const LigType *shape)
{
    if (value->type.rank != shape->rank) return false;
    for (int i = 0; i < shape->rank; i++) {
        if (lig_dim_equal(module->dims, value->type.dims[i], shape->dims[i]) != LIG_YES) return false;
    }
    return true;
}

LigRuleResult lig_rule_broadcast_operand(LigRuleMatch *m)
{
    LigOp *op = m->op;
    if (lig_op_info(op->code)->class != LIG_OPS_ELEMENTWISE || op->operand_count < 2) return LIG_RULE_NO;
    for (size_t i = 0; i < op->operand_count; i++) {
        const LigOp *broadcast = lig_operand_op(op, i, LIG_OP_BROADCAST);
        bool other_spans = false;
        for (size_t j = 0; broadcast && j < op->operand_count; j++)
            other_spans |= j != i && spans(m->module, op->operands[j], &op->results[0]->type);
        if (!other_spans) continue;
        op->operands[i] = broadcast->operands[0];
        return LIG_RULE_EDITED;
    }
    return LIG_RULE_NO;
}

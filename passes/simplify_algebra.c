// Rules of arithmetic. Which identities hold for floats, and why, stands in simplify_rules.def.
#include "passes/simplify.h"

#include <math.h>

static bool is_float(const LigValue *value) { return lig_dtype_is_float(value->type.dtype); }

// Operand `index` stands for the result, if it has its type: the other may have widened the shape.
static LigRuleResult stand_in(LigRuleMatch *m, size_t index)
{
    if (!lig_has_type_of(m->module, m->op->operands[index], m->op->results[0])) return LIG_RULE_NO;
    m->stands = m->op->operands[index];
    return LIG_RULE_REPLACED;
}

// x stands for `x op number`, and for `number op x` where the op commutes.
static LigRuleResult drop_number(LigRuleMatch *m, double number, bool commutes)
{
    for (size_t i = commutes ? 0 : 1; i < 2; i++) {
        if (!lig_is_constant_number(m->op->operands[i], number)) continue;
        LigRuleResult result = stand_in(m, 1 - i);
        if (result != LIG_RULE_NO) return result;
    }
    return LIG_RULE_NO;
}

LigRuleResult lig_rule_add_zero(LigRuleMatch *m)
{
    return drop_number(m, is_float(m->op->results[0]) ? -0.0 : 0.0, true);
}

LigRuleResult lig_rule_sub_zero(LigRuleMatch *m) { return drop_number(m, 0.0, false); }
LigRuleResult lig_rule_times_one(LigRuleMatch *m) { return drop_number(m, 1.0, true); }
LigRuleResult lig_rule_over_one(LigRuleMatch *m) { return drop_number(m, 1.0, false); }
LigRuleResult lig_rule_power_one(LigRuleMatch *m) { return drop_number(m, 1.0, false); }

LigRuleResult lig_rule_times_zero(LigRuleMatch *m)
{
    if (is_float(m->op->results[0])) return LIG_RULE_NO;
    for (size_t i = 0; i < 2; i++) {
        if (!lig_is_constant_number(m->op->operands[i], 0.0)) continue;
        LigRuleResult result = stand_in(m, i);
        if (result != LIG_RULE_NO) return result;
    }
    return LIG_RULE_NO;
}

LigRuleResult lig_rule_times_minus_one(LigRuleMatch *m)
{
    LigOp *op = m->op;
    if (!is_float(op->results[0])) return LIG_RULE_NO;
    for (size_t i = 0; i < 2; i++) {
        bool fits = lig_is_constant_number(op->operands[i], -1.0) &&
                    lig_has_type_of(m->module, op->operands[1 - i], op->results[0]);
        if (!fits) continue;
        op->code = LIG_OP_NEG;
        op->operands[0] = op->operands[1 - i];
        op->operand_count = 1;
        return LIG_RULE_EDITED;
    }
    return LIG_RULE_NO;
}

LigRuleResult lig_rule_power_two(LigRuleMatch *m)
{
    LigOp *op = m->op;
    bool fits = op->results[0]->type.dtype != LIG_F64 && lig_is_constant_number(op->operands[1], 2.0) &&
                lig_has_type_of(m->module, op->operands[0], op->results[0]);
    if (!fits) return LIG_RULE_NO;
    op->code = LIG_OP_MUL;
    op->operands[1] = op->operands[0];
    return LIG_RULE_EDITED;
}

LigRuleResult lig_rule_twice_undone(LigRuleMatch *m)
{
    const LigOp *inner = lig_operand_op(m->op, 0, m->op->code);
    if (!inner) return LIG_RULE_NO;
    m->stands = inner->operands[0];
    return LIG_RULE_REPLACED;
}

LigRuleResult lig_rule_repeated(LigRuleMatch *m)
{
    return lig_operand_op(m->op, 0, m->op->code) ? stand_in(m, 0) : LIG_RULE_NO;
}

LigRuleResult lig_rule_already_whole(LigRuleMatch *m)
{
    static const LigOpCode whole[] = {LIG_OP_FLOOR, LIG_OP_CEIL, LIG_OP_ROUND};
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        if (lig_operand_op(m->op, 0, whole[i])) return stand_in(m, 0);
    }
    return LIG_RULE_NO;
}

LigRuleResult lig_rule_abs_of_neg(LigRuleMatch *m)
{
    const LigOp *inner = lig_operand_op(m->op, 0, LIG_OP_NEG);
    if (!inner) return LIG_RULE_NO;
    m->op->operands[0] = inner->operands[0];
    return LIG_RULE_EDITED;
}

LigRuleResult lig_rule_same_twice(LigRuleMatch *m)
{
    return m->op->operands[0] == m->op->operands[1] ? stand_in(m, 0) : LIG_RULE_NO;
}

LigRuleResult lig_rule_select_same(LigRuleMatch *m)
{
    return m->op->operands[1] == m->op->operands[2] ? stand_in(m, 1) : LIG_RULE_NO;
}

LigRuleResult lig_rule_select_known(LigRuleMatch *m)
{
    const LigValue *condition = m->op->operands[0];
    if (lig_is_constant_number(condition, 1.0)) return stand_in(m, 1);
    return lig_is_constant_number(condition, 0.0) ? stand_in(m, 2) : LIG_RULE_NO;
}

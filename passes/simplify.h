// The rules of pass simplify: each replaces one op by something cheaper that computes the same bits.
#ifndef LIG_PASSES_SIMPLIFY_H
#define LIG_PASSES_SIMPLIFY_H

#include "passes/pass.h"

// What a rule did with an op.
typedef enum LigRuleResult {
    LIG_RULE_NO,       // nothing: it does not apply
    LIG_RULE_EDITED,   // changed the op in place; its result keeps name and type
    LIG_RULE_REPLACED, // found another value, of the same type, that stands for the op's result: `stands`
    LIG_RULE_NO_MEMORY,
} LigRuleResult;

// The op that a rule looks at, whose operands are simplified already. A rule looks at the op and at what
// defines its operands, never at its readers, so that one walk in text order reaches every op there is to
// simplify.
typedef struct LigRuleMatch {
    LigModule *module;
    LigArena *scratch; // of the pass
    LigOp *op;
    LigValue *stands;
} LigRuleMatch;

typedef LigRuleResult LigRuleFunction(LigRuleMatch *match);

typedef struct LigRule {
    LigOpCode code; // LIG_OP_COUNT: any op
    const char *name, *pattern, *why;
    LigRuleFunction *apply;
} LigRule;

#define LIG_RULE(CODE, name, pattern, why) LigRuleFunction lig_rule_##name;
#include "passes/simplify_rules.def"
#undef LIG_RULE

// Whether every element of `value` is this number, bit for bit (so that 0.0 is not -0.0), and known.
bool lig_is_constant_number(const LigValue *value, double number);
bool lig_has_type_of(const LigModule *module, const LigValue *value, const LigValue *other);
// The op that computes operand `index` of `op` if it is of this code and reads no state; NULL otherwise.
const LigOp *lig_operand_op(const LigOp *op, size_t index, LigOpCode code);

// The table, in the order in which rules are tried.
size_t lig_rule_count(void);
const LigRule *lig_rule_at(size_t index);

#endif

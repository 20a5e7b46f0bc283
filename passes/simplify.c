// simplify: removes ops that need not be there, and computes what is known.
//
//   %a = reshape %x : f32[N,9,64]                dead ops (no result is read, no state is written)
//   %b = reshape %a : f32[N,576]         =>      what a rule of simplify_rules.def replaces
//   %c = add %b, %y                              ops that compute what an earlier one computed
//
// Requires  stage model. Ensures  idempotent: simplifying again changes nothing.
// Exact: only what has the same bits stands in. Outputs keep their names: an op whose result is returned stays where
// what would stand for it has a name that must not change.
// Cost  ops times rules, and for repeated ops, ops squared.
#include "passes/simplify.h"
#include "passes/prune.h"
#include "passes/rewrite.h"

static const LigRule rules[] = {
#define LIG_RULE(CODE, name, pattern, why) {LIG_OP_##CODE, #name, pattern, why, lig_rule_##name},
#include "passes/simplify_rules.def"
#undef LIG_RULE
};

size_t lig_rule_count(void) { return sizeof rules / sizeof *rules; }

const LigRule *lig_rule_at(size_t index) { return index < lig_rule_count() ? &rules[index] : NULL; }

bool lig_has_type_of(const LigModule *module, const LigValue *value, const LigValue *other)
{
    return lig_type_equal(module->dims, &value->type, &other->type) == LIG_YES;
}

// Reading past an op that reads a state would read that state later, when it may be written already.
const LigOp *lig_operand_op(const LigOp *op, size_t index, LigOpCode code)
{
    const LigValue *value = op->operands[index];
    if (value->kind != LIG_VALUE_RESULT || value->op->code != code) return NULL;
    for (size_t i = 0; i < value->op->operand_count; i++) {
        if (value->op->operands[i]->kind == LIG_VALUE_STATE) return NULL;
    }
    return value->op;
}

// ---- rules ----

// Applies rules until none does; LIG_RULE_REPLACED when something stands for the op.
static LigRuleResult apply_rules(LigRuleMatch *match)
{
    for (size_t i = 0; i < lig_rule_count(); i++) {
        const LigRule *rule = &rules[i];
        if (rule->code != LIG_OP_COUNT && rule->code != match->op->code) continue;
        LigRuleResult result = rule->apply(match);
        if (result == LIG_RULE_NO) continue;
        lig_debug(match->module->ctx, 3, "simplify: %s at %%%.*s: %s", rule->name,
                  LIG_STR_ARG(match->op->results[0]->name), rule->pattern);
        if (result != LIG_RULE_EDITED) return result;
        i = (size_t)-1; // from the first rule again
    }
    return LIG_RULE_NO;
}

// ---- replacing ----

typedef struct Simplifier {
    LigPass *pass;
    LigModule *module;
    LigFunc *func;
    LigReplacements replacements;
} Simplifier;

static bool is_returned(const LigFunc *func, const LigValue *value)
{
    for (size_t i = 0; i < func->outputs.count; i++) {
        if (func->outputs.data[i] == value) return true;
    }
    return false;
}

// Whether `value` may take over what is returned as `returned`, and with it that name.
static bool may_return(const Simplifier *s, const LigValue *value)
{
    return value->kind == LIG_VALUE_RESULT && !lig_value_is_resident(s->module, value) &&
           !is_returned(s->func, value);
}

// A state never stands in: it would be read later, when it may be written already.
static bool replace(Simplifier *s, LigValue *value, LigValue *stands)
{
    if (stands->kind == LIG_VALUE_STATE) return false;
    if (is_returned(s->func, value)) {
        if (!may_return(s, stands)) return false;
        stands->name = value->name;
        for (size_t i = 0; i < s->func->outputs.count; i++) {
            if (s->func->outputs.data[i] == value) s->func->outputs.data[i] = stands;
        }
    }
    s->replacements.by_id[value->id] = stands;
    return true;
}

static const LigOp *find_equal(const LigModule *module, const LigOp *op, LigOp *const *earlier, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (lig_op_computes_same(module, earlier[i], op)) return earlier[i];
    }
    return NULL;
}

// Whether an earlier op now stands for all results of this one.
static bool replace_repeated(Simplifier *s, const LigOp *op, LigOp *const *earlier, size_t count)
{
    const LigOp *equal = find_equal(s->module, op, earlier, count);
    for (size_t i = 0; equal && i < op->result_count; i++) {
        if (is_returned(s->func, op->results[i]) && !may_return(s, equal->results[i])) return false;
    }
    for (size_t i = 0; equal && i < op->result_count; i++) {
        if (!replace(s, op->results[i], equal->results[i])) return false;
    }
    return equal != NULL;
}

static LigStatus simplify_ops(Simplifier *s)
{
    LigFunc *func = s->func;
    size_t kept = 0;
    for (size_t i = 0; i < func->ops.count; i++) {
        LigOp *op = func->ops.data[i];
        lig_replace_operands(&s->replacements, op);
        LigRuleMatch match = {.module = s->module, .scratch = s->pass->scratch, .op = op};
        LigRuleResult result = op->result_count == 1 ? apply_rules(&match) : LIG_RULE_NO;
        if (result == LIG_RULE_NO_MEMORY) return lig_no_memory(s->pass->ctx);
        if (result == LIG_RULE_REPLACED && replace(s, op->results[0], match.stands)) continue;
        if (!replace_repeated(s, op, func->ops.data, kept)) func->ops.data[kept++] = op;
    }
    func->ops.count = kept;
    return LIG_OK;
}

static LigStatus simplify_func(LigPass *pass, LigModule *module, LigFunc *func)
{
    Simplifier s = {pass, module, func, lig_replacements(pass->scratch, module, func)};
    if (!s.replacements.by_id) return lig_no_memory(pass->ctx);
    LIG_TRY(simplify_ops(&s));
    LIG_TRY(lig_remove_dead_ops(pass, module, func));
    lig_func_renumber(func);
    return LIG_OK;
}

LigStatus lig_pass_simplify(LigPass *pass, LigModule *module)
{
    for (size_t i = 0; i < module->funcs.count; i++) {
        LigFunc *func = module->funcs.data[i];
        if (func->kind == LIG_FUNC) LIG_TRY(simplify_func(pass, module, func));
    }
    return LIG_OK;
}

// What every op's shape rule has in common: operand count, attributes, layouts, and the comparison of what the
// rule gives with what the text states.
#include "ir/infer_check.h"

static LigInferRule *const rules[LIG_OP_COUNT] = {
#define LIG_OP(ID, name, class, kind, operands, required, optional, results, infer, ...)                       \
    [LIG_OP_##ID] = lig_infer_##infer,
#include "ir/ops.def"
#undef LIG_OP
};

static LigStatus check_operand_count(const LigInfer *infer)
{
    size_t least, most, count = infer->op->operand_count;
    lig_op_operand_range(infer->op->code, &least, &most);
    if (count >= least && count <= most) return LIG_OK;
    const char *names = lig_op_info(infer->op->code)->operands;
    return lig_infer_fail(infer, LIG_ERR_INVALID, "%zu operand%s given, but it takes %s%s%s", count,
                          count == 1 ? "" : "s", names[0] ? "(" : "none: drop them", names,
                          names[0] ? "): give these" : "");
}

static LigStatus check_attr_sets(const LigInfer *infer)
{
    const LigOpInfo *info = lig_op_info(infer->op->code);
    uint64_t present = 0;
    for (size_t i = 0; i < infer->op->attrs.count; i++) present |= UINT64_C(1) << infer->op->attrs.items[i].key;
    uint64_t unknown = present & ~(info->required_attrs | info->optional_attrs);
    uint64_t missing = info->required_attrs & ~present;
    if (unknown)
        return lig_infer_fail(infer, LIG_ERR_INVALID, "it has no attribute `%s`: leave it out",
                              lig_attr_name((LigAttrKey)__builtin_ctzll(unknown)));
    if (missing)
        return lig_infer_fail(infer, LIG_ERR_INVALID,
                              "attribute `%s` is missing: write it in braces behind the operands",
                              lig_attr_name((LigAttrKey)__builtin_ctzll(missing)));
    return LIG_OK;
}

// The values a NAME attribute may have; `third` may be NULL.
typedef struct NameChoices {
    LigAttrKey key;
    const char *first, *second, *third;
} NameChoices;

static const NameChoices name_choices[] = {
    {LIG_ATTR_PAIRS, "adjacent", "half", NULL},
    {LIG_ATTR_EMPTY, "zero", "nan", NULL},
    {LIG_ATTR_FORM, "erf", "tanh", NULL},
    {LIG_ATTR_POOL, "mean", "cls", "last"},
};

static bool is_choice(const NameChoices *choice, LigStr name)
{
    return lig_str_is(name, choice->first) || lig_str_is(name, choice->second) ||
           (choice->third && lig_str_is(name, choice->third));
}

static LigStatus check_attr_names(const LigInfer *infer)
{
    for (size_t i = 0; i < sizeof name_choices / sizeof *name_choices; i++) {
        const NameChoices *choice = &name_choices[i];
        const LigAttr *attr = lig_attrs_get(infer->op->attrs, choice->key);
        if (!attr || is_choice(choice, attr->value.name)) continue;
        return lig_infer_fail(infer, LIG_ERR_INVALID, "%s is `%.*s`, but it must be `%s`%s%s%s or `%s`",
                              lig_attr_name(choice->key), LIG_STR_ARG(attr->value.name), choice->first,
                              choice->third ? ", `" : "", choice->third ? choice->second : "",
                              choice->third ? "`" : "", choice->third ? choice->third : choice->second);
    }
    return LIG_OK;
}

static LigStatus check_attr_numbers(const LigInfer *infer)
{
    for (size_t i = 0; i < infer->op->attrs.count; i++) {
        const LigAttr *attr = &infer->op->attrs.items[i];
        const char *wanted = lig_attr_problem(attr), *name = lig_attr_name(attr->key);
        if (!wanted) continue;
        if (lig_attr_kind(attr->key) == LIG_ATTR_INT)
            return lig_infer_fail(infer, LIG_ERR_INVALID, "%s is %lld, but it must be %s", name,
                                  (long long)attr->value.integer, wanted);
        return lig_infer_fail(infer, LIG_ERR_INVALID, "%s is %g, but it must be %s", name, attr->value.real,
                              wanted);
    }
    return LIG_OK;
}

// Only the ops that know lig_shape_byte's index function may read a panel.
static bool takes_panel(LigOpCode code, size_t operand)
{
    switch ((int)code) {
    case LIG_OP_LINEAR:
        return operand == 1;
    case LIG_OP_GATHER:
    case LIG_OP_EMBEDDING:
        return operand == 0;
    case LIG_OP_ATTENTION:
        return operand == 1 || operand == 2;
    case LIG_OP_APPEND:
        return operand == 0;
    case LIG_OP_PACK:
    case LIG_OP_CALL:
        return true;
    default:
        return false;
    }
}

static LigStatus check_layouts(const LigInfer *infer)
{
    for (size_t i = 0; i < infer->op->operand_count; i++) {
        if (lig_infer_type(infer, i)->layout.kind == LIG_LAYOUT_ROWS || takes_panel(infer->op->code, i))
            continue;
        return lig_infer_reject(
            infer, LIG_ERR_UNSUPPORTED, i,
            "it must lie in rows: only weights and caches are read from panels, drop the layout");
    }
    return LIG_OK;
}

// A rule computes dims by the constructors of the algebra, which give NULL on overflow or without memory.
static LigStatus check_dims_exist(const LigInfer *infer)
{
    for (size_t i = 0; i < infer->op->result_count; i++) {
        for (int axis = 0; axis < infer->result[i].rank; axis++) {
            if (infer->result[i].dims[axis]) continue;
            return lig_infer_fail(
                infer, LIG_ERR_SHAPE,
                "dim %d of its result overflows 64 bits, or memory is out: lower the sizes of its operands",
                axis);
        }
    }
    return LIG_OK;
}

// Compares with the stated type and keeps that, so that dims print as they were written.
static LigStatus settle_result(const LigInfer *infer, size_t index)
{
    LigType *given = &infer->result[index];
    const LigType *stated = &infer->stated[index];
    LigVerdict verdict = lig_type_equal(infer->module->dims, stated, given);
    if (verdict == LIG_YES) {
        *given = *stated;
        return LIG_OK;
    }
    LigStatus status = stated->dtype == given->dtype ? LIG_ERR_SHAPE : LIG_ERR_DTYPE;
    return lig_infer_fail(infer, status, "its result is stated as %s, but its operands give %s%s",
                          lig_infer_type_text(infer, stated), lig_infer_type_text(infer, given),
                          verdict == LIG_NO
                              ? ": state that, or no type"
                              : ": whether these are equal is undecided, state a fact that says so");
}

LigStatus lig_op_infer(LigInfer *infer)
{
    LIG_TRY(check_operand_count(infer));
    LIG_TRY(check_attr_sets(infer));
    LIG_TRY(check_attr_names(infer));
    LIG_TRY(check_attr_numbers(infer));
    LIG_TRY(check_layouts(infer));
    LIG_TRY(rules[infer->op->code](infer));
    LIG_TRY(check_dims_exist(infer));
    for (size_t i = 0; infer->stated && i < infer->op->result_count; i++) LIG_TRY(settle_result(infer, i));
    return LIG_OK;
}

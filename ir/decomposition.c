#include "ir/decomposition.h"

#include <math.h>

#define BODY NULL
#define CLASS(name) NULL
#define DECOMPOSE(rule) lig_decompose_##rule
#define NOTHING(reason) NULL
#define INTERPRETED(reason) NULL

static LigDecomposeRule *const rules[LIG_OP_COUNT] = {
#define LIG_OP(ID, name, class, kind, operands, required, optional, results, infer, gradient, lowering,        \
               meaning)                                                                                        \
    [LIG_OP_##ID] = lowering,
#include "ir/ops.def"
#undef LIG_OP
};

LigDecomposeRule *lig_decompose_rule(LigOpCode code)
{
    LIG_ASSERT(code < LIG_OP_COUNT);
    return rules[code];
}

// ---- short forms ----

static LigValue *unary(LigBuilder *b, LigOpCode code, LigValue *x) { return lig_build_unary(b, code, "", x); }

static LigValue *binary(LigBuilder *b, LigOpCode code, LigValue *x, LigValue *y)
{
    return lig_build_binary(b, code, "", x, y);
}

// Over the last axis, kept as size 1.
static LigValue *fold(LigBuilder *b, LigOpCode code, LigValue *x)
{
    const int64_t last = -1;
    LigAttr attrs[] = {{.key = LIG_ATTR_AXES, .value.integers = {&last, 1}}, {.key = LIG_ATTR_KEEP}};
    return lig_build(b, (LigOpSpec){.code = code, .operands = &x, .operand_count = 1, .attrs = {attrs, 2}});
}

// A scalar of x's dtype, f32 or f64.
static LigValue *number(LigBuilder *b, const LigValue *x, double value)
{
    if (!x) return NULL;
    const float single = (float)value;
    bool is_wide = x->type.dtype == LIG_F64;
    LigType type = {.dtype = x->type.dtype};
    return is_wide ? lig_build_constant(b, "", &type, &value, sizeof value)
                   : lig_build_constant(b, "", &type, &single, sizeof single);
}

static LigValue *times(LigBuilder *b, LigValue *x, double factor)
{
    return binary(b, LIG_OP_MUL, x, number(b, x, factor));
}

static LigValue *plus(LigBuilder *b, LigValue *x, double term)
{
    return binary(b, LIG_OP_ADD, x, number(b, x, term));
}

// 16-bit floats are computed in f32.
static LigValue *widen(LigBuilder *b, LigValue *x)
{
    bool is_narrow = x->type.dtype == LIG_BF16 || x->type.dtype == LIG_F16;
    return is_narrow ? lig_build_cast(b, "", x, LIG_F32) : x;
}

static LigValue *narrow(LigBuilder *b, LigValue *x, const LigOp *op)
{
    LigDtype dtype = op->results[0]->type.dtype;
    return x && x->type.dtype != dtype ? lig_build_cast(b, "", x, dtype) : x;
}

// ---- rules ----

// Rows of the table are a gather along its first axis.
LigValue *lig_decompose_embedding(LigBuilder *b, const LigOp *op, LigValue *const *operands)
{
    (void)op;
    return lig_build_gather(b, "", operands[0], operands[1]);
}

// With c = x - max(x):  c - log(sum(exp(c)))
LigValue *lig_decompose_log_softmax(LigBuilder *b, const LigOp *op, LigValue *const *operands)
{
    LigValue *x = widen(b, operands[0]);
    LigValue *centred = binary(b, LIG_OP_SUB, x, fold(b, LIG_OP_REDUCE_MAX, x));
    LigValue *sum = fold(b, LIG_OP_SUM, unary(b, LIG_OP_EXP, centred));
    return narrow(b, binary(b, LIG_OP_SUB, centred, unary(b, LIG_OP_LOG, sum)), op);
}

// dy sigmoid(x) (1 + x sigmoid(-x))
LigValue *lig_decompose_silu_grad(LigBuilder *b, const LigOp *op, LigValue *const *operands)
{
    LigValue *x = widen(b, operands[0]), *dy = widen(b, operands[1]);
    LigValue *rest = unary(b, LIG_OP_SIGMOID, unary(b, LIG_OP_NEG, x));
    LigValue *factor = plus(b, binary(b, LIG_OP_MUL, x, rest), 1.0);
    LigValue *slope = binary(b, LIG_OP_MUL, unary(b, LIG_OP_SIGMOID, x), factor);
    return narrow(b, binary(b, LIG_OP_MUL, dy, slope), op);
}

// (1 + erf(x / sqrt 2)) / 2 + x exp(-x^2 / 2) / sqrt(2 pi)
static LigValue *erf_slope(LigBuilder *b, LigValue *x)
{
    LigValue *area = times(b, plus(b, unary(b, LIG_OP_ERF, times(b, x, M_SQRT1_2)), 1.0), 0.5);
    LigValue *bell = unary(b, LIG_OP_EXP, times(b, binary(b, LIG_OP_MUL, x, x), -0.5));
    LigValue *density = times(b, bell, 0.5 * M_2_SQRTPI * M_SQRT1_2);
    return binary(b, LIG_OP_ADD, area, binary(b, LIG_OP_MUL, x, density));
}

// With u = sqrt(2 / pi) (x + 0.044715 x^3), t = tanh u:  (1 + t) / 2 + x (1 - t^2) u' / 2
static LigValue *tanh_slope(LigBuilder *b, LigValue *x)
{
    const double root = M_2_SQRTPI * M_SQRT1_2, cubic = 0.044715;
    LigValue *square = binary(b, LIG_OP_MUL, x, x);
    LigValue *u = times(b, binary(b, LIG_OP_MUL, x, plus(b, times(b, square, cubic), 1.0)), root);
    LigValue *t = unary(b, LIG_OP_TANH, u);
    LigValue *du = times(b, plus(b, times(b, square, 3.0 * cubic), 1.0), 0.5 * root);
    LigValue *bend = plus(b, unary(b, LIG_OP_NEG, binary(b, LIG_OP_MUL, t, t)), 1.0);
    LigValue *second = binary(b, LIG_OP_MUL, binary(b, LIG_OP_MUL, x, bend), du);
    return binary(b, LIG_OP_ADD, times(b, plus(b, t, 1.0), 0.5), second);
}

LigValue *lig_decompose_gelu_grad(LigBuilder *b, const LigOp *op, LigValue *const *operands)
{
    LigValue *x = widen(b, operands[0]), *dy = widen(b, operands[1]);
    bool is_tanh = lig_str_is(lig_attrs_name(op->attrs, LIG_ATTR_FORM, LIG_STR("erf")), "tanh");
    LigValue *slope = !x ? NULL : is_tanh ? tanh_slope(b, x) : erf_slope(b, x);
    return narrow(b, binary(b, LIG_OP_MUL, dy, slope), op);
}

// y (dy - sum(y dy))
LigValue *lig_decompose_softmax_grad(LigBuilder *b, const LigOp *op, LigValue *const *operands)
{
    LigValue *y = widen(b, operands[0]), *dy = widen(b, operands[1]);
    LigValue *sum = fold(b, LIG_OP_SUM, binary(b, LIG_OP_MUL, y, dy));
    return narrow(b, binary(b, LIG_OP_MUL, y, binary(b, LIG_OP_SUB, dy, sum)), op);
}

// dy - exp(y) sum(dy)
LigValue *lig_decompose_log_softmax_grad(LigBuilder *b, const LigOp *op, LigValue *const *operands)
{
    LigValue *y = widen(b, operands[0]), *dy = widen(b, operands[1]);
    LigValue *part = binary(b, LIG_OP_MUL, unary(b, LIG_OP_EXP, y), fold(b, LIG_OP_SUM, dy));
    return narrow(b, binary(b, LIG_OP_SUB, dy, part), op);
}

// The elementwise ops on held vectors. Floats of 16 bits compute in f32 and are rounded once at the end.
#include "codegen/body.h"

#include "codegen/math.h"

static bool holds_float(LLVMValueRef vector)
{
    LLVMTypeRef type = LLVMTypeOf(vector);
    if (LLVMGetTypeKind(type) == LLVMVectorTypeKind) type = LLVMGetElementType(type);
    return LLVMGetTypeKind(type) != LLVMIntegerTypeKind;
}

static LLVMValueRef zero_like(LLVMValueRef vector) { return LLVMConstNull(LLVMTypeOf(vector)); }

// NaN when either is: a comparison is false for NaN, which leaves y; x is put back when it is the NaN.
static LLVMValueRef emit_choice(LigEmitter *e, const LigOp *op, LLVMValueRef x, LLVMValueRef y)
{
    LLVMBuilderRef b = e->builder;
    bool larger = op->code != LIG_OP_MIN;
    if (!holds_float(x)) {
        bool is_signed = op->results[0]->type.dtype != LIG_U8;
        LLVMIntPredicate above = is_signed ? LLVMIntSGT : LLVMIntUGT,
                         below = is_signed ? LLVMIntSLT : LLVMIntULT;
        return LLVMBuildSelect(b, LLVMBuildICmp(b, larger ? above : below, x, y, ""), x, y, "");
    }
    LLVMValueRef chosen = larger ? lig_emit_max(e, x, y) : lig_emit_min(e, x, y);
    return LLVMBuildSelect(b, LLVMBuildFCmp(b, LLVMRealUNO, x, x, ""), x, chosen, "");
}

// Integer division that cannot trap: x / 0 = 0, and the most negative number over -1 is itself.
static LLVMValueRef emit_integer_div(LigEmitter *e, const LigOp *op, LLVMValueRef x, LLVMValueRef y)
{
    LLVMBuilderRef b = e->builder;
    LLVMValueRef one = lig_int_like(LLVMTypeOf(x), 1), zero = zero_like(x);
    LLVMValueRef by_zero = LLVMBuildICmp(b, LLVMIntEQ, y, zero, "");
    if (op->results[0]->type.dtype == LIG_U8) {
        LLVMValueRef quotient = LLVMBuildUDiv(b, x, LLVMBuildSelect(b, by_zero, one, y, ""), "");
        return LLVMBuildSelect(b, by_zero, zero, quotient, "");
    }
    LLVMValueRef by_minus_one = LLVMBuildICmp(b, LLVMIntEQ, y, lig_int_like(LLVMTypeOf(x), -1), "");
    LLVMValueRef unsafe = LLVMBuildOr(b, by_zero, by_minus_one, "");
    LLVMValueRef quotient = LLVMBuildSDiv(b, x, LLVMBuildSelect(b, unsafe, one, y, ""), "");
    quotient = LLVMBuildSelect(b, by_minus_one, LLVMBuildSub(b, zero, x, ""), quotient, "");
    return LLVMBuildSelect(b, by_zero, zero, quotient, "");
}

static LLVMValueRef emit_arithmetic(LigEmitter *e, const LigOp *op, LLVMValueRef x, LLVMValueRef y)
{
    LLVMBuilderRef b = e->builder;
    bool is_float = holds_float(x);
    switch ((int)op->code) {
    case LIG_OP_ADD:
        return is_float ? LLVMBuildFAdd(b, x, y, "") : LLVMBuildAdd(b, x, y, "");
    case LIG_OP_SUB:
        return is_float ? LLVMBuildFSub(b, x, y, "") : LLVMBuildSub(b, x, y, "");
    case LIG_OP_MUL:
        return is_float ? LLVMBuildFMul(b, x, y, "") : LLVMBuildMul(b, x, y, "");
    case LIG_OP_DIV:
        return is_float ? LLVMBuildFDiv(b, x, y, "") : emit_integer_div(e, op, x, y);
    default:
        return emit_choice(e, op, x, y);
    }
}

static LLVMValueRef emit_sqrt(LigEmitter *e, LLVMValueRef x)
{
    return lig_emit_intrinsic(e, (LigIntrinsic){"llvm.sqrt", {LLVMTypeOf(x)}, 1}, &x, 1);
}

static LLVMValueRef emit_negative(LigEmitter *e, LLVMValueRef x)
{
    return holds_float(x) ? LLVMBuildFNeg(e->builder, x, "") : LLVMBuildNeg(e->builder, x, "");
}

static LLVMValueRef emit_abs(LigEmitter *e, const LigOp *op, LLVMValueRef x)
{
    if (holds_float(x)) return lig_emit_intrinsic(e, (LigIntrinsic){"llvm.fabs", {LLVMTypeOf(x)}, 1}, &x, 1);
    if (op->results[0]->type.dtype == LIG_U8) return x;
    LLVMValueRef below = LLVMBuildICmp(e->builder, LLVMIntSLT, x, zero_like(x), "");
    return LLVMBuildSelect(e->builder, below, emit_negative(e, x), x, "");
}

static LLVMValueRef scale(LigEmitter *e, LLVMValueRef x, double by)
{
    return LLVMBuildFMul(e->builder, x, lig_float_like(LLVMTypeOf(x), by), "");
}

// 0.5 x (1 + tanh(u)) is x sigmoid(2u), with u = sqrt(2/pi) (x + 0.044715 x^3).
static LLVMValueRef gelu_tanh_factor(LigEmitter *e, LLVMValueRef x)
{
    LLVMValueRef cubic = lig_emit_fma(e, scale(e, LLVMBuildFMul(e->builder, x, x, ""), 0.044715), x, x);
    return lig_emit_sigmoid(e, scale(e, cubic, 1.5957691216057308));
}

static LLVMValueRef gelu_erf_factor(LigEmitter *e, LLVMValueRef x)
{
    LLVMValueRef one = lig_float_like(LLVMTypeOf(x), 1.0);
    return scale(e, LLVMBuildFAdd(e->builder, lig_emit_erf(e, scale(e, x, 0.7071067811865476)), one, ""), 0.5);
}

// x times a factor that goes to 0; at -inf the result is 0, not inf * 0.
static LLVMValueRef emit_gelu(LigEmitter *e, const LigOp *op, LLVMValueRef x)
{
    bool by_tanh = lig_str_is(lig_attrs_name(op->attrs, LIG_ATTR_FORM, LIG_STR("erf")), "tanh");
    LLVMValueRef factor = by_tanh ? gelu_tanh_factor(e, x) : gelu_erf_factor(e, x);
    LLVMValueRef lowest = lig_float_like(LLVMTypeOf(x), -__builtin_inf());
    LLVMValueRef is_lowest = LLVMBuildFCmp(e->builder, LLVMRealOEQ, x, lowest, "");
    LLVMValueRef product = LLVMBuildFMul(e->builder, x, factor, "");
    return LLVMBuildSelect(e->builder, is_lowest, zero_like(x), product, "");
}

static LLVMValueRef emit_rsqrt(LigEmitter *e, const LigOp *op, LLVMValueRef x)
{
    if (op->results[0]->type.dtype != LIG_F64) return lig_emit_rsqrt(e, x);
    return LLVMBuildFDiv(e->builder, lig_float_like(LLVMTypeOf(x), 1.0), emit_sqrt(e, x), "");
}

static LLVMValueRef emit_unary(LigEmitter *e, const LigOp *op, LLVMValueRef x)
{
    switch ((int)op->code) {
    case LIG_OP_NEG:
        return emit_negative(e, x);
    case LIG_OP_ABS:
        return emit_abs(e, op, x);
    case LIG_OP_EXP:
        return lig_emit_exp(e, x);
    case LIG_OP_LOG:
        return lig_emit_log(e, x);
    case LIG_OP_SQRT:
        return emit_sqrt(e, x);
    case LIG_OP_RSQRT:
        return emit_rsqrt(e, op, x);
    case LIG_OP_TANH:
        return lig_emit_tanh(e, x);
    case LIG_OP_ERF:
        return lig_emit_erf(e, x);
    case LIG_OP_SIN:
        return lig_emit_sin(e, x);
    case LIG_OP_COS:
        return lig_emit_cos(e, x);
    case LIG_OP_SIGMOID:
        return lig_emit_sigmoid(e, x);
    case LIG_OP_SILU:
        return lig_emit_silu(e, x);
    case LIG_OP_GELU:
        return emit_gelu(e, op, x);
    case LIG_OP_RELU:
        return emit_choice(e, op, x, zero_like(x));
    default:
        LIG_ASSERT(false);
        return x;
    }
}

LLVMValueRef lig_body_op(LigEmitter *e, const LigOp *op, LLVMValueRef *operands)
{
    LigDtype dtype = op->results[0]->type.dtype;
    if (op->code == LIG_OP_CAST) return lig_body_cast(e, operands[0], op->operands[0]->type.dtype, dtype);
    LLVMValueRef result = op->operand_count == 2 ? emit_arithmetic(e, op, operands[0], operands[1])
                                                 : emit_unary(e, op, operands[0]);
    return lig_body_round(e, result, dtype);
}

// Ops that have code for f64 and, but for sqrt and rsqrt, for integers.
static bool is_plain(LigOpCode code)
{
    switch ((int)code) {
    case LIG_OP_ADD:
    case LIG_OP_SUB:
    case LIG_OP_MUL:
    case LIG_OP_DIV:
    case LIG_OP_MAX:
    case LIG_OP_MIN:
    case LIG_OP_NEG:
    case LIG_OP_ABS:
    case LIG_OP_RELU:
    case LIG_OP_SQRT:
    case LIG_OP_RSQRT:
        return true;
    default:
        return false;
    }
}

// A cast rounds once, so wide values cannot go to 16-bit floats by way of f32.
static LigStatus check_cast(const LigModule *module, const LigFunc *kernel, const LigOp *op)
{
    LigDtype from = op->operands[0]->type.dtype, to = op->results[0]->type.dtype;
    bool wide = from == LIG_F64 || from == LIG_I64 || from == LIG_I32;
    if (!lig_dtype_is_quantised(from) && !(wide && (to == LIG_BF16 || to == LIG_F16))) return LIG_OK;
    return lig_kernel_fail(module, kernel, op, LIG_ERR_UNSUPPORTED,
                           "this cast has no generated code: go by way of f32");
}

LigStatus lig_body__check_elementwise(const LigModule *module, const LigFunc *kernel, const LigOp *op)
{
    LigDtype dtype = op->results[0]->type.dtype;
    if (op->code == LIG_OP_CAST) return check_cast(module, kernel, op);
    if (dtype == LIG_F64 && !is_plain(op->code))
        return lig_kernel_fail(module, kernel, op, LIG_ERR_UNSUPPORTED,
                               "no generated code over f64: cast to f32");
    return LIG_OK;
}

// A mask is read as a condition on indices: select(condition, 0, -inf), sums of such, and constants; a condition
// as comparisons of iota along the keys, iota along the queries, and a vector of lengths along the batch.
#include "passes/mask_proof.h"

#include <math.h>

enum { BATCH_AXIS, HEAD_AXIS, QUERY_AXIS, KEY_AXIS, SCORE_AXES };

typedef enum IndexKind { INDEX_OTHER, INDEX_KEY, INDEX_QUERY, INDEX_LENGTH } IndexKind;

static const LigOp *made_by(const LigValue *value, LigOpCode code)
{
    return value->kind == LIG_VALUE_RESULT && value->op->code == code ? value->op : NULL;
}

// Broadcasting keeps what an element is, seen from the scores.
static LigValue *behind_broadcasts(LigValue *value)
{
    const LigOp *op;
    while ((op = made_by(value, LIG_OP_BROADCAST)) != NULL) value = op->operands[0];
    return value;
}

// ---- indices ----

static bool is_one(LigDim dim)
{
    int64_t size;
    return lig_dim_is_const(dim, &size) && size == 1;
}

// The axis of the scores along which a value of these dims varies; -1 when along none, or several.
static int axis_of(const LigType *type)
{
    int axis = -1;
    for (int i = 0; i < type->rank; i++) {
        if (is_one(type->dims[i])) continue;
        if (axis >= 0) return -1;
        axis = SCORE_AXES - type->rank + i;
    }
    return axis;
}

// The vector that a chain of reshapes lays along one axis, with nothing but axes of size 1 beside it.
static LigValue *vector_behind(LigValue *value, int *axis)
{
    const LigOp *op;
    value = behind_broadcasts(value);
    *axis = axis_of(&value->type);
    while (*axis >= 0 && (op = made_by(value, LIG_OP_RESHAPE)) != NULL) value = op->operands[0];
    return value;
}

static IndexKind classify(LigValue *value, LigValue **vector)
{
    int axis;
    *vector = vector_behind(value, &axis);
    const LigOp *iota = made_by(*vector, LIG_OP_IOTA);
    if (iota) {
        const LigType *type = &iota->results[0]->type;
        int64_t along = lig_attrs_int(iota->attrs, LIG_ATTR_AXIS, 0);
        if (along < 0) along += type->rank;
        bool is_vector = type->rank == 1 || axis_of(type) == SCORE_AXES - type->rank + (int)along;
        if (!is_vector) return INDEX_OTHER;
        return axis == KEY_AXIS ? INDEX_KEY : axis == QUERY_AXIS ? INDEX_QUERY : INDEX_OTHER;
    }
    bool is_lengths = axis == BATCH_AXIS && (*vector)->kind != LIG_VALUE_STATE && (*vector)->type.rank == 1 &&
                      (*vector)->type.dtype == LIG_I32;
    return is_lengths ? INDEX_LENGTH : INDEX_OTHER;
}

// ---- conditions ----

static bool require_lengths(LigMaskProof *proof, LigValue *lengths)
{
    if (proof->lengths && proof->lengths != lengths) return false;
    proof->lengths = lengths;
    return true;
}

// `left < right`, or `left <= right` with `or_equal`, true where a key is seen.
static bool prove_order(LigValue *left, LigValue *right, bool or_equal, LigMaskProof *proof)
{
    LigValue *low, *high;
    if (classify(left, &low) != INDEX_KEY) return false;
    IndexKind kind = classify(right, &high);
    if (kind == INDEX_QUERY && or_equal) return proof->causal = true;
    return kind == INDEX_LENGTH && !or_equal && require_lengths(proof, high);
}

// `condition`, or its opposite when `negated`, says which keys are seen; adds what it asks for to the proof.
static bool prove_condition(LigValue *condition, bool negated, LigMaskProof *proof)
{
    condition = behind_broadcasts(condition);
    if (condition->kind != LIG_VALUE_RESULT) return false;
    const LigOp *op = condition->op;
    bool compares = op->code == LIG_OP_LT || op->code == LIG_OP_LE;
    // not (a < b) is b <= a: indices are no NaN
    if (compares && negated) return prove_order(op->operands[1], op->operands[0], op->code == LIG_OP_LT, proof);
    if (compares) return prove_order(op->operands[0], op->operands[1], op->code == LIG_OP_LE, proof);
    if (op->code == LIG_OP_NOT) return prove_condition(op->operands[0], !negated, proof);
    bool both = op->code == (negated ? LIG_OP_OR : LIG_OP_AND);
    return both && prove_condition(op->operands[0], negated, proof) &&
           prove_condition(op->operands[1], negated, proof);
}

// ---- masks ----

static bool is_scalar_of(LigValue *value, double number)
{
    LigShape shape;
    int64_t count;
    value = behind_broadcasts(value);
    if (!made_by(value, LIG_OP_CONSTANT) || !value->data) return false;
    if (!lig_type_bind(&value->type, NULL, &shape) || !lig_shape_count(&shape, &count) || count == 0)
        return false;
    for (int64_t i = 0; i < count; i++) {
        if (lig_shape_get(&shape, value->data, i) != number) return false;
    }
    return true;
}

// A constant [S,T]: 0 up to the diagonal, -inf above it; or 0 everywhere.
static bool prove_constant(const LigValue *mask, LigMaskProof *proof)
{
    LigShape shape;
    if (!mask->data || !lig_type_bind(&mask->type, NULL, &shape) || shape.rank < 2) return false;
    for (int i = 0; i < shape.rank - 2; i++) {
        if (shape.dims[i] != 1) return false;
    }
    int64_t rows = shape.dims[shape.rank - 2], columns = shape.dims[shape.rank - 1];
    for (int64_t at = 0; at < rows * columns; at++) {
        double wanted = at % columns <= at / columns ? 0.0 : -HUGE_VAL;
        if (rows != columns || lig_shape_get(&shape, mask->data, at) != wanted) return false;
    }
    return proof->causal = true;
}

static bool prove_select(const LigOp *op, LigMaskProof *proof)
{
    if (is_scalar_of(op->operands[1], 0.0) && is_scalar_of(op->operands[2], -HUGE_VAL))
        return prove_condition(op->operands[0], false, proof);
    if (is_scalar_of(op->operands[2], 0.0) && is_scalar_of(op->operands[1], -HUGE_VAL))
        return prove_condition(op->operands[0], true, proof);
    return false;
}

static bool prove_mask(LigValue *mask, LigMaskProof *proof)
{
    mask = behind_broadcasts(mask);
    if (is_scalar_of(mask, 0.0)) return true;
    if (mask->kind != LIG_VALUE_RESULT) return false;
    const LigOp *op = mask->op;
    if (op->code == LIG_OP_SELECT) return prove_select(op, proof);
    if (op->code == LIG_OP_CONSTANT) return prove_constant(mask, proof);
    bool is_sum = op->code == LIG_OP_ADD;
    return is_sum && prove_mask(op->operands[0], proof) && prove_mask(op->operands[1], proof);
}

bool lig_mask_prove(LigValue *mask, LigMaskProof *out)
{
    *out = (LigMaskProof){0};
    return prove_mask(mask, out);
}

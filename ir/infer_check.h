// What the shape rules share: messages about operands, and the checks that most rules make.
//
// Every message reads "OP: operand NAME is TYPE, but …". `expected` parts are written as in
// "the last dim of x f32[N,576]".
#ifndef LIG_IR_INFER_CHECK_H
#define LIG_IR_INFER_CHECK_H

#include "ir/infer.h"

// The type of operand `index`.
static inline const LigType *lig_infer_type(const LigInfer *infer, size_t index)
{
    return &infer->op->operands[index]->type;
}

// Texts in the module's arena, for messages; "?" when memory is out.
const char *lig_infer_type_text(const LigInfer *infer, const LigType *type);
const char *lig_infer_dim_text(const LigInfer *infer, LigDim dim);

// The name of an operand in the table, zero-terminated.
const char *lig_infer_operand_text(const LigInfer *infer, size_t operand);

// Fails with "OP: operand NAME is TYPE, but MESSAGE".
LigStatus lig_infer_reject(const LigInfer *infer, LigStatus status, size_t operand, const char *format, ...)
    LIG_PRINTF(4, 5);

// What dtypes an operand may have.
typedef enum LigInferKind {
    LIG_INFER_FLOAT,
    LIG_INFER_NUMBER,  // float or integer
    LIG_INFER_INTEGER, // of any width
} LigInferKind;
LigStatus lig_infer_expect_kind(const LigInfer *infer, size_t operand, LigInferKind kind) LIG_MUST_CHECK;
LigStatus lig_infer_expect_dtype(const LigInfer *infer, size_t operand, LigDtype dtype) LIG_MUST_CHECK;
// The same dtype as another operand.
LigStatus lig_infer_expect_same_dtype(const LigInfer *infer, size_t operand, size_t as) LIG_MUST_CHECK;
// `form` shows the shape wanted, e.g. "[N,H,D]".
LigStatus lig_infer_expect_rank(const LigInfer *infer, size_t operand, int rank,
                                const char *form) LIG_MUST_CHECK;
LigStatus lig_infer_expect_least_rank(const LigInfer *infer, size_t operand, int rank) LIG_MUST_CHECK;
// Dim `axis` of operand `operand` must equal `expected`, which is dim `as_axis` of operand `as`.
typedef struct LigInferDimPair {
    size_t operand;
    int axis;
    size_t as;
    int as_axis;
} LigInferDimPair;
LigStatus lig_infer_expect_equal_dim(const LigInfer *infer, LigInferDimPair pair) LIG_MUST_CHECK;
// The shape of another operand.
LigStatus lig_infer_expect_same_dims(const LigInfer *infer, size_t operand, size_t as) LIG_MUST_CHECK;
// One number: a scalar, or [1].
LigStatus lig_infer_expect_single(const LigInfer *infer, size_t operand) LIG_MUST_CHECK;
// An integer attribute inside low .. high. Errors: INVALID.
typedef struct LigInferLimits {
    int64_t low, high;
} LigInferLimits;
LigStatus lig_infer_expect_limits(const LigInfer *infer, LigAttrKey key, LigInferLimits limits) LIG_MUST_CHECK;
// A list of axes as a mask, counted from the front; 0 when absent. Errors: outside the rank, named twice.
LigStatus lig_infer_axes(const LigInfer *infer, LigAttrKey key, int rank, uint32_t *mask) LIG_MUST_CHECK;
// i32[count], where count is written as `count_text`.
LigStatus lig_infer_expect_i32_vector(const LigInfer *infer, size_t operand, LigDim count,
                                      const char *count_text) LIG_MUST_CHECK;

// Attribute `axis`, or entry of a list of axes, counted from the front. Errors: outside the rank.
LigStatus lig_infer_axis(const LigInfer *infer, int64_t axis, int rank, int *out) LIG_MUST_CHECK;
// The stated type of the one result. Errors: none was stated.
LigStatus lig_infer_need_stated(const LigInfer *infer, const LigType **out) LIG_MUST_CHECK;
// A dim in words: "the last dim" for the last axis, "dim 2" otherwise.
const char *lig_infer_axis_text(const LigInfer *infer, const LigType *type, int axis);

#endif

// What the interpreter's kernels share: messages, sizes, indices and scratch.
#ifndef LIG_IR_EVAL_KERNEL_H
#define LIG_IR_EVAL_KERNEL_H

#include "ir/eval.h"

// Records "OP %RESULT: message" at the op's place and returns `status`.
LigStatus lig_eval_fail(const LigEvalArgs *args, LigStatus status, const char *format, ...) LIG_PRINTF(3, 4);

// The number of elements of a tensor. Buffers exist, so that it can't overflow.
int64_t lig_eval_count(const LigTensor *tensor);
// The size of the last axis (1 of a scalar), and the number of such rows.
int64_t lig_eval_columns(const LigTensor *tensor);
int64_t lig_eval_rows(const LigTensor *tensor);
// The product of dims first .. end - 1.
int64_t lig_eval_product(const LigShape *shape, int first, int end);
// An axis attribute counted from the front.
int lig_eval_axis(int64_t axis, int rank);

// `count` doubles of scratch. Errors: NO_MEMORY.
LigStatus lig_eval_doubles(const LigEvalArgs *args, int64_t count, double **out) LIG_MUST_CHECK;

// All of operand `operand`, row-major, in scratch; and what was computed of a result, rounded once. Errors:
// NO_MEMORY.
LigStatus lig_eval_read_all(const LigEvalArgs *args, size_t operand, double **out) LIG_MUST_CHECK;
void lig_eval_store_all(const LigTensor *result, const double *values);

// Row-major coordinates of element `flat`, and back.
void lig_eval_coordinates(const LigShape *shape, int64_t flat, int64_t *coordinates);
int64_t lig_eval_flat(const LigShape *shape, const int64_t *coordinates);
// The element of an operand that broadcasts (NumPy's rule) to element `flat` of `result`.
int64_t lig_eval_broadcast_index(const LigShape *operand, const LigShape *result, int64_t flat);

// Row-major buffers as the pieces that views and moves shift around: elements, or whole blocks of a quantised
// dtype. `shape` has its last axis counted in pieces. Errors: UNSUPPORTED, operand `operand` is packed.
typedef struct LigPieces {
    LigShape shape;
    size_t bytes; // of a piece
} LigPieces;
LigStatus lig_eval_pieces(const LigEvalArgs *args, const LigTensor *tensor, LigPieces *out) LIG_MUST_CHECK;

// The tokens that each row of a call owns: checked copies of the operands start[R+1] and slot[R] of append and
// attention. Token t belongs to row r iff start[r] <= t < start[r + 1]; tokens of no row are left alone.
typedef struct LigEvalRows {
    int64_t count;
    const int64_t *start; // count + 1, ascending, in 0..tokens
    const int64_t *slot;  // count, each in 0..slots - 1; NULL when the op has no such operand
} LigEvalRows;
// Errors: INVALID (a start or slot out of range, naming it), NO_MEMORY.
LigStatus lig_eval_rows_read(const LigEvalArgs *args, size_t start_operand, size_t slot_operand,
                             LigEvalRows *out) LIG_MUST_CHECK;

// How far a query of attention sees to either side of its own place, by the attributes causal and window.
typedef struct LigEvalWindow {
    int64_t before, after;
} LigEvalWindow;
LigEvalWindow lig_eval_window(const LigEvalArgs *args);
// A query at `place` sees keys first .. end - 1 of the kv_len of its row.
void lig_eval_visible(LigEvalWindow window, int64_t place, int64_t kv_len, int64_t *first, int64_t *end);

// v modulo 2^bits, as the integer dtype's own range; of bool as it is.
int64_t lig_eval_wrap(LigDtype dtype, uint64_t v);
// One element from one tensor to another of the same dtype, bit for bit; a quantised one is dequantised.
void lig_eval_copy_element(const LigTensor *from, int64_t source, const LigTensor *to, int64_t target);
// log(sum(exp(x))), the maximum taken out first; NaN of only -inf.
double lig_eval_log_sum(const double *x, int64_t count);

// Operand `operand`, i32[G+1], as ascending edges in 0..limit that cut G groups out of `limit` elements.
// Errors: INVALID (an edge out of order or range, naming it), NO_MEMORY.
LigStatus lig_eval_edges(const LigEvalArgs *args, size_t operand, int64_t limit,
                         const int64_t **out) LIG_MUST_CHECK;

// Dot product in double: eight partial sums in a fixed order, so that it vectorises without reassociation.
double lig_eval_inner_product(const double *x, const double *y, int64_t count);

#endif

// Types of values: dtype, shape, layout; and the one function that says where an element lies in memory.
//
// Layouts. LIG_LAYOUT_ROWS is row-major; block-quantised rows are GGUF's blocks one after another along the
// last axis. LIG_LAYOUT_PANEL (`@panel(n=32,k=32)`) views the last two axes as a matrix of rows r and columns
// c, any axes before them as batch, and cuts it into panels of n rows (the last one padded with zeros), each a
// sequence of groups of k columns (k divides the columns):
//   plain dtypes    a group is n x k elements, [n][k]: k = 1 for f32, k = 2 to feed bf16 dot products
//   block-quantised k = its block, 32 or 256 columns; a group holds the same bits as its n blocks in the file,
//                   in pieces: four columns' values (a byte each, or the parts of bytes that their bits take),
//                   one byte of scales, or an f16. A piece of n rows lies row by row, so that a vector load gives
//                   the same columns of many rows. ir/layout_block.h has the places of all bits. Signed bytes
//                   (q8_0) are stored as q + 128.
// The bytes are as many as in the file's form, but for the padding of the last panel. q8a has no panel form.
//
// Dequantised values are those of GGUF's reference, which computes in f32: scale = d * s of the 16 or 32 columns
// that share s (q*_k; d alone otherwise), min = dmin * m, then scale * q - min (q4_1, q5_1: + min). Dtypes
// without a min add nothing, so a negative scale times zero is -0.0. d and dmin are f16, s, m and q at most
// 8 bits: scale, min and scale * q are exact in f32 (the widest, q6_k, has 11 bits of d, 7 of s and 5 of q), so
// there is one rounding, of the sum.
#ifndef LIG_IR_TYPE_H
#define LIG_IR_TYPE_H

#include "ir/dim.h"
#include "ir/dtype.h"

enum { LIG_MAX_RANK = 6 };

typedef enum LigLayoutKind { LIG_LAYOUT_ROWS, LIG_LAYOUT_PANEL } LigLayoutKind;

typedef struct LigLayout {
    LigLayoutKind kind;
    int32_t n, k; // of a panel; 0 otherwise
} LigLayout;

typedef struct LigType {
    LigDtype dtype;
    int rank;
    LigDim dims[LIG_MAX_RANK];
    LigLayout layout;
} LigType;

// A type with every dim known: what a buffer in memory has.
typedef struct LigShape {
    LigDtype dtype;
    int rank;
    int64_t dims[LIG_MAX_RANK];
    LigLayout layout;
} LigShape;

// Row-major type of constant sizes.
LigType lig_type_const(LigDimTable *table, LigDtype dtype, int rank, const int64_t *dims);
// Same dtype, rank, layout, and every pair of dims YES by lig_dim_equal; UNDECIDED when only some dim is
// undecided.
LigVerdict lig_type_equal(const LigDimTable *table, const LigType *a, const LigType *b);
bool lig_layout_equal(LigLayout a, LigLayout b);
// Why values of this dtype, rank and last dim (0: not known) can't have this layout; NULL when they can.
const char *lig_layout_problem(LigLayout layout, LigDtype dtype, int rank, int64_t columns);
// Prints `f32[N,576]@panel(n=32,k=1)`.
void lig_type_print(LigText *text, const LigDimTable *table, const LigType *type);
void lig_shape_print(LigText *text, const LigShape *shape);

// The shape of `type` under values of the symbols (NULL: none is known); false when a dim overflows, is
// negative or not known.
bool lig_type_bind(const LigType *type, const int64_t *values, LigShape *out);
// The shape at the upper bound of every dim.
bool lig_type_bind_upper(const LigDimTable *table, const LigType *type, LigShape *out);
// The same under narrower bounds of the symbols (lig_dims_bounds, lig_dims_sharpen).
bool lig_type_bind_upper_within(const LigDimTable *table, const LigType *type, const LigDimBounds *bounds,
                                LigShape *out);
// Whether a buffer at the upper bounds takes at most 2^56 bytes: more than machines address, and with room to
// add up the values of a plan.
bool lig_type_fits(const LigDimTable *table, const LigType *type);
// Number of elements; false on overflow.
bool lig_shape_count(const LigShape *shape, int64_t *out);
// Bytes a buffer of this shape takes, padding included; false on overflow, when the last dim is no multiple of
// the block, or when the layout does not suit (lig_layout_problem).
bool lig_shape_bytes(const LigShape *shape, size_t *out);

// The byte of the element at row-major flat index `flat`; of a quantised one, that of its block (rows) or of its
// group of n blocks (panel).
size_t lig_shape_byte(const LigShape *shape, int64_t flat);

// Element `flat` of a buffer as a double (quantised ones dequantised exactly as GGUF defines them, in f32: one
// rounding of scale * q (+ min); i64 beyond 2^53 is rounded). lig_shape_set rounds once to nearest even; not
// for quantised dtypes.
double lig_shape_get(const LigShape *shape, const void *data, int64_t flat);
void lig_shape_set(const LigShape *shape, void *data, int64_t flat, double value);
int64_t lig_shape_get_integer(const LigShape *shape, const void *data, int64_t flat);
void lig_shape_set_integer(const LigShape *shape, void *data, int64_t flat, int64_t value);
// Dequantises/widens row `row` (the last axis) of a buffer into out[last dim]: lig_shape_get on each, but fast.
void lig_shape_get_row(const LigShape *shape, const void *data, int64_t row, double *out);

// Row `row` of a quantised buffer as integers: (float)(scale * q + min) is the value of each; 16 columns from a
// multiple of 16 on share a scale and a min.
enum { LIG_QUANTA_RUN = 16 };
typedef struct LigQuantaRow {
    int32_t *quanta;       // [last dim], what is subtracted from stored values taken away
    double *scales, *mins; // [last dim / 16]
} LigQuantaRow;
void lig_shape_get_quanta(const LigShape *shape, const void *data, int64_t row, LigQuantaRow *out);

// Copies a matrix (or batch of matrices) from one layout to another, bit for bit; dtype and dims must be equal.
// `first_row`/`row_count` in units of the second-to-last axis over all batches (so that callers can go piece by
// piece).
void lig_shape_repack(const LigShape *from, const void *source, const LigShape *to, void *target,
                      int64_t first_row, int64_t row_count);

#endif

// The elementwise ops of a kernel's body, on vectors: the inside of elementwise and row kernels, and the
// prologues and epilogues of contractions and attention.
//
// A body works in a space: the shape of the values it computes, seen as rows (all axes but the last) of
// columns. At a place (row r, columns c … c+lanes) every value is one vector: seeded by the emitter (an
// accumulator in registers, a row op's result), loaded (an operand of the kernel, with NumPy's broadcasting),
// or computed from the others on demand and kept until the place changes.
//
// What a vector holds: floats narrower than 32 bits are held as f32 that the narrow type can represent (rounded
// once after each op); f32 and f64 as they are; integers and bool as themselves.
//
//     lig_body_create(k, &space, &body);
//     lig_body_row(&body, row);                     // once a row: addresses of rows
//     lig_body_place(&body, column, lanes, mask);   // once a vector: forgets what was held
//     lig_body_seed(&body, linear_result, accumulator);
//     lig_body_store_outputs(&body);
#ifndef LIG_CODEGEN_BODY_H
#define LIG_CODEGEN_BODY_H

#include "codegen/kernel.h"

enum { LIG_BODY_MAX_OPERANDS = 4, LIG_BODY_MAX_CONSTANT_BYTES = 1 << 16 };

typedef struct LigBody LigBody;

// A value that the body cannot compute itself (the result of an op that is not elementwise) is asked of its
// owner. NULL = it must have been seeded.
typedef LLVMValueRef LigBodySource(LigBody *body, const LigValue *value, void *user);

// Where a loaded value (an operand of the kernel or a constant of its body) lies for the rows of the space.
typedef struct LigBodyLeaf {
    LLVMValueRef pointer; // NULL: not a value that fits the space
    const LigType *type;  // as declared
    const LigType
        *frame; // what it broadcasts into: the space, or a reshaped form of it; NULL: as many elements
    bool splat; // one element for all columns
    LLVMValueRef row_base; // i64 index of its first element for the row of the place
} LigBodyLeaf;

struct LigBody {
    LigKernelEmitter *k;
    LigType space;
    LLVMValueRef columns; // i64: size of the last axis
    // The place.
    LLVMValueRef row;    // i64, over all axes of the space but the last
    LLVMValueRef column; // i64, of the first lane
    LLVMValueRef mask;   // <lanes x i1> of the lanes inside the row; NULL = all
    int lanes;
    // By value id.
    LLVMValueRef *held; // the vector at the place; NULL: not yet
    LigBodyLeaf *leaves;
    LigBodySource *source;
    void *user;
};

// Ops of a kernel that its emitter computes itself.
typedef bool LigBodyTakes(const LigOp *op);

// LIG_OK when every op of the kernel but constants and those that `takes` accepts (NULL: none) is elementwise
// or a view that the body sees through, over dtypes that it computes, with operands that fit into `space`, and
// every output has the space's number of elements. Else UNSUPPORTED, naming the op. Run by schedules.
LigStatus lig_body_check(const LigModule *module, const LigFunc *kernel, const LigType *space,
                         LigBodyTakes *takes) LIG_MUST_CHECK;
// Whether a loaded value has the space's number of elements, or broadcasts into it.
bool lig_body_fits(const LigModule *module, const LigFunc *kernel, const LigType *space, const LigValue *value);
// A value that is loaded: an operand of the kernel, or a constant of its body.
bool lig_body_is_leaf(const LigValue *value);
// An op whose result has its operand's elements in the same order (reshape), or repeats them (broadcast).
bool lig_body_is_transparent(const LigOp *op);
bool lig_body_same_count(const LigModule *module, const LigType *a, const LigType *b);

LigStatus lig_body_create(LigKernelEmitter *k, const LigType *space, LigBody *out) LIG_MUST_CHECK;

// Sets the row and emits the addresses of the operands' rows. Forgets everything held.
void lig_body_row(LigBody *body, LLVMValueRef row);
// Sets the columns. Forgets everything held.
void lig_body_place(LigBody *body, LLVMValueRef column, int lanes, LLVMValueRef mask);

// Asks for the lines of memory that lie at the place: of outputs, and of operands that have the space's elements one
// by one. For bodies that will be at the place again after long arithmetic.
void lig_body_prefetch(LigBody *body);

// Gives the vector of a value at the place, as lig_body_hold_type says.
void lig_body_seed(LigBody *body, const LigValue *value, LLVMValueRef vector);
// The vector of a value at the place.
LLVMValueRef lig_body_value(LigBody *body, const LigValue *value);
// Stores the vector of output `index` of the kernel at the place.
void lig_body_store_output(LigBody *body, size_t index);
// Stores all outputs of the kernel.
void lig_body_store_outputs(LigBody *body);

// ---- vectors held and in memory (body_type.c) ----
// The LLVM type in which `lanes` elements of a dtype are held.
LLVMTypeRef lig_body_hold_type(const LigEmitter *e, LigDtype dtype, int lanes);
// A held vector after rounding to `dtype` (only bf16 and f16 change), for owners that compute in f32.
LLVMValueRef lig_body_round(LigEmitter *e, LLVMValueRef vector, LigDtype dtype);
// Loads and stores `lanes` elements of a plain dtype at an address, converting to and from what is held.
LLVMValueRef lig_body_load(LigEmitter *e, LLVMValueRef pointer, LigDtype dtype, int lanes, LLVMValueRef mask);
void lig_body_save(LigEmitter *e, LLVMValueRef vector, LLVMValueRef pointer, LigDtype dtype, LLVMValueRef mask);
// A held vector of one dtype as another, rounded once.
LLVMValueRef lig_body_cast(LigEmitter *e, LLVMValueRef vector, LigDtype from, LigDtype to);
// UNSUPPORTED when the body has no code for the op over its dtypes.
LigStatus lig_body__check_elementwise(const LigModule *module, const LigFunc *kernel,
                                      const LigOp *op) LIG_MUST_CHECK;

// ---- ops (body_op.c) ----
// The elementwise op on held vectors; the result held and rounded.
LLVMValueRef lig_body_op(LigEmitter *e, const LigOp *op, LLVMValueRef *operands);

// ---- inside of the body (body_leaf.c) ----
LigStatus lig_body__find_leaves(LigBody *body) LIG_MUST_CHECK;
void lig_body__enter_row(LigBody *body, LigBodyLeaf *leaf);

#endif

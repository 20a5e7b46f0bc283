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

typedef struct LigBody LigBody;

// A value that the body cannot compute itself (the result of an op that is not elementwise) is asked of its
// owner. NULL = it must have been seeded.
typedef LLVMValueRef LigBodySource(LigBody *body, const LigValue *value, void *user);

struct LigBody {
    LigKernelEmitter *k;
    LigType space;
    LLVMValueRef columns; // i64: size of the last axis
    // The place.
    LLVMValueRef row;    // i64, over all axes of the space but the last
    LLVMValueRef column; // i64, of the first lane
    LLVMValueRef mask;   // <lanes x i1> of the lanes inside the row; NULL = all
    unsigned lanes;
    // By value id.
    LLVMValueRef *held;      // the vector at the place; NULL: not yet
    LLVMValueRef *row_bases; // loaded values: i64 element index of the row's first element
    LigBodySource *source;
    void *user;
};

// True when every op of the kernel but those of `except` (NULL: none) is elementwise or a reshape that the
// body can see through, over dtypes that it computes, and broadcasts into `space`. Else records why. Checked by
// the schedule and again before emission.
LigStatus lig_body_check(const LigModule *module, const LigFunc *kernel, const LigType *space,
                         const LigOp *except) LIG_MUST_CHECK;

LigStatus lig_body_create(LigKernelEmitter *k, const LigType *space, LigBody *out) LIG_MUST_CHECK;

// Sets the row and emits the addresses of the operands' rows. Forgets everything held.
void lig_body_row(LigBody *body, LLVMValueRef row);
// Sets the columns. Forgets everything held.
void lig_body_place(LigBody *body, LLVMValueRef column, unsigned lanes, LLVMValueRef mask);

// Gives the vector of a value at the place, as lig_body_hold_type says.
void lig_body_seed(LigBody *body, const LigValue *value, LLVMValueRef vector);
// The vector of a value at the place.
LLVMValueRef lig_body_value(LigBody *body, const LigValue *value);
// Stores the vector of output `index` of the kernel at the place.
void lig_body_store_output(LigBody *body, size_t index);
// Stores all outputs of the kernel.
void lig_body_store_outputs(LigBody *body);

// The LLVM element type in which values of a dtype are held.
LLVMTypeRef lig_body_hold_type(const LigKernelEmitter *k, LigDtype dtype);
// A held vector after rounding to `dtype` (only bf16 and f16 change), for owners that compute in f32.
LLVMValueRef lig_body_round(LigKernelEmitter *k, LLVMValueRef vector, LigDtype dtype);
// Loads and stores `lanes` elements of a dtype at a byte address, converting to and from what is held.
LLVMValueRef lig_body_load(LigKernelEmitter *k, LLVMValueRef pointer, LigDtype dtype, unsigned lanes,
                           LLVMValueRef mask);
void lig_body_save(LigKernelEmitter *k, LLVMValueRef vector, LLVMValueRef pointer, LigDtype dtype,
                   LLVMValueRef mask);
// The elementwise op on vectors already held, result held (emit_ops.c).
LLVMValueRef lig_body_op(LigKernelEmitter *k, const LigOp *op, LLVMValueRef *operands);

#endif

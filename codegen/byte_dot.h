// Dot products of bytes: in each i32 lane, four unsigned bytes of a weight times four signed bytes of an
// activation, added exactly. One instruction where the CPU has VNNI, a few where it has not; the same integers.
//
//     acc = lig_byte_dot_zero(e, dot);
//     acc = lig_byte_dot_add(e, dot, acc, weights, activations);   // at most LIG_BYTE_DOT_MOST times
//     products = lig_byte_dot_close(e, dot, acc, sum);
//
// Internal to codegen/: LLVM types appear.
#ifndef LIG_CODEGEN_BYTE_DOT_H
#define LIG_CODEGEN_BYTE_DOT_H

#include "codegen/llvm.h"

enum { LIG_BYTE_DOT_MOST = 8 };

// What is known of the operands. Activations are -127 .. 127.
typedef struct LigByteDot {
    int lanes; // i32, of the target's full vectors
    int bits;  // weights are below 1 << bits, at most 8
    int zero;  // what stands for a weight of 0: 1 << (bits - 1), or 0
} LigByteDot;

LLVMValueRef lig_byte_dot_zero(LigEmitter *e, LigByteDot dot);
// `weights` and `activations`: i32 lanes of four bytes.
LLVMValueRef lig_byte_dot_add(LigEmitter *e, LigByteDot dot, LLVMValueRef acc, LLVMValueRef weights,
                              LLVMValueRef activations);
// The i32 lanes: products of (weight - zero) with activations; `sum`: i32 lanes, the sum of all activations added.
LLVMValueRef lig_byte_dot_close(LigEmitter *e, LigByteDot dot, LLVMValueRef acc, LLVMValueRef sum);

#endif

// The function of one kernel while it is being emitted: its parameters, its operands' buffers, the values of
// dims, and the loop over tiles. Every emitter starts here.
//
// Internal to codegen/: LLVM types appear. Emission cannot fail half-way for lack of a builder: LLVM aborts on
// memory; what can fail (a body or type that an emitter does not take) is checked before the first instruction.
#ifndef LIG_CODEGEN_KERNEL_H
#define LIG_CODEGEN_KERNEL_H

#include "codegen/codegen.h"
#include "codegen/llvm.h"

typedef struct LigKernelEmitter {
    LigEmitter *e; // the LLVM side: module, builder, target (borrowed)
    const LigModule *module;
    const LigFunc *kernel;
    LigArena *arena; // dropped when the kernel is compiled
    LLVMValueRef function;
    LLVMValueRef tile_begin, tile_end; // i64
    LLVMValueRef scratch;              // pointer
    LLVMValueRef *inputs;              // pointer of operand i, in the order of kernel->inputs
    LLVMValueRef *outputs;             // pointer of result i, in the order of kernel->outputs
    LLVMValueRef *symbols; // i64 value of the module's symbol i; NULL when the kernel does not use it
} LigKernelEmitter;

// Makes the function `name` of type LigKernelFn in the emitter's module, loads pointers and symbols in its
// entry block, and leaves the builder at the end of it. Errors: NO_MEMORY.
LigStatus lig_kernel_begin(LigKernelEmitter *k, const char *name) LIG_MUST_CHECK;
// Returns from the function at the builder's place.
void lig_kernel_end(LigKernelEmitter *k);

// The value of a dim as i64, emitted at the builder's place (a constant where it is one).
LLVMValueRef lig_kernel_dim(LigKernelEmitter *k, LigDim dim);
// The product of dims[first..last): rows over some axes; 1 for none.
LLVMValueRef lig_kernel_dims(LigKernelEmitter *k, const LigType *type, int first, int last);
// The address of element `index` (i64) of a plain dtype.
LLVMValueRef lig_kernel_element(LigKernelEmitter *k, LLVMValueRef pointer, LLVMValueRef index, LigDtype dtype);

// The loop over this call's tiles. Between begin and end the builder is inside it, and `tile` is the tile's
// number (i64). Everything that does not depend on the tile is best emitted before.
typedef struct LigTileLoop {
    LigLoop loop;
    LLVMValueRef tile;
} LigTileLoop;
LigTileLoop lig_kernel_tiles_begin(LigKernelEmitter *k);
void lig_kernel_tiles_end(LigKernelEmitter *k, LigTileLoop *tiles);

// The units (rows) of a tile of `unit` units out of `count`: [begin, end) as i64.
typedef struct LigUnitRange {
    LLVMValueRef begin, end;
} LigUnitRange;
LigUnitRange lig_kernel_tile_units(LigKernelEmitter *k, LLVMValueRef tile, int64_t unit, LLVMValueRef count);

// The smaller and the larger of two i64.
LLVMValueRef lig_kernel_least(LigKernelEmitter *k, LLVMValueRef a, LLVMValueRef b);
LLVMValueRef lig_kernel_greatest(LigKernelEmitter *k, LLVMValueRef a, LLVMValueRef b);

// What is emitted for the `lanes` elements from `column` on; `mask` NULL = all of them exist. `carried` holds
// the loop's carried values and takes the next ones.
typedef struct LigVectorBody {
    void (*step)(void *user, LLVMValueRef column, LLVMValueRef mask, LLVMValueRef *carried);
    void *user;
    LLVMValueRef *carried; // initial values on entry, final ones afterwards
    int count;
} LigVectorBody;
// A loop over `count` elements: full vectors, then, unless count is known to be a multiple of `lanes`, a masked
// rest. The body is emitted once or twice.
void lig_kernel_each_vector(LigKernelEmitter *k, LLVMValueRef count, int lanes, LigVectorBody body);

// Records "kernel @NAME: OP: message" at the op's place (NULL: the kernel's). Errors: `status`.
LigStatus lig_kernel_record(const LigModule *module, const LigFunc *kernel, const LigOp *op, LigStatus status,
                            const char *message);
#define lig_kernel_fail(...) lig_surely_failed(lig_kernel_record(__VA_ARGS__))

#endif

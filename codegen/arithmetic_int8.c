// 8-bit activations (q8a) and block-quantised weights. The products of columns that share scales, 32 or 16 of them, are
// added exactly, as integers; then
//   sum += scale of x * (scale of the weight * products + min of the weight * sum of x)
// with one fused multiply-add for each sum sign, so that a row's numbers depend on nothing beside it.
// Bound  the rate of byte dot products (eight for two roundings); for one row the bytes of the weights.
#include "codegen/arithmetic.h"
#include "codegen/byte_dot.h"

// Of a block of q8a: 32 values, scale, sum.
enum { BLOCK = 32, BLOCK_BYTES = 40, SCALE_BYTE = 32, SUM_BYTE = 36 };

// Columns of a turn that share scales.
typedef struct Run {
    int first, count;
} Run;

static LLVMValueRef x_address(const LigTurn *turn, int row, int block, int byte)
{
    return lig_emit_offset_by(turn->e, turn->x, row * turn->x_row_bytes + (int64_t)block * BLOCK_BYTES + byte);
}

// Four values of a block of x, or its scale or sum, in every lane.
static LLVMValueRef broadcast(const LigTurn *turn, int row, int block, int byte, LLVMTypeRef type)
{
    LLVMValueRef scalar = lig_emit_load(turn->e, type, x_address(turn, row, block, byte), 4);
    return lig_emit_splat(turn->e, scalar, turn->storage->lanes);
}

// The sum of the run's values of x: the block's, or that of its first half or what remains.
static LLVMValueRef sum_of_x(const LigTurn *turn, int row, Run run)
{
    LigEmitter *e = turn->e;
    const int block = run.first / BLOCK;
    LLVMValueRef whole = broadcast(turn, row, block, SUM_BYTE, e->i32);
    if (run.count == BLOCK) return whole;
    LLVMTypeRef wide = lig_lanes(e->i32, run.count);
    LLVMValueRef bytes = lig_emit_load(e, lig_lanes(e->i8, run.count), x_address(turn, row, block, 0), 4);
    LLVMValueRef values = LLVMBuildSExt(e->builder, bytes, wide, "");
    const LigIntrinsic reduce = {.name = "llvm.vector.reduce.add", .overloads = {wide}, .overload_count = 1};
    LLVMValueRef half = lig_emit_splat(e, lig_emit_intrinsic(e, reduce, &values, 1), turn->storage->lanes);
    return run.first % BLOCK == 0 ? half : LLVMBuildSub(e->builder, whole, half, "");
}

static void add_products(const LigTurn *turn, LigByteDot dot, LigStorageGroup *group, Run run,
                         LLVMValueRef *products)
{
    for (int column = run.first; column < run.first + run.count; column += LIG_BLOCK_WORD) {
        LLVMValueRef weights[LIG_STORAGE_MAX_VECTORS];
        for (int v = 0; v < turn->vectors; v++)
            weights[v] = lig_storage_bytes(turn->e, group, column / LIG_BLOCK_WORD, turn->vector + v);
        for (int i = 0; i < turn->rows; i++) {
            LLVMValueRef x = broadcast(turn, i, column / BLOCK, column % BLOCK, turn->e->i32);
            for (int v = 0; v < turn->vectors; v++) {
                LLVMValueRef *acc = &products[i * turn->vectors + v];
                *acc = lig_byte_dot_add(turn->e, dot, *acc, weights[v], x);
            }
        }
    }
}

// What a run adds to the sums of one row.
static void add_row(const LigTurn *turn, LigByteDot dot, LigStorageGroup *group, Run run, int row,
                    const LLVMValueRef *products, LLVMValueRef *sums)
{
    LigEmitter *e = turn->e;
    LLVMValueRef x_scale = broadcast(turn, row, run.first / BLOCK, SCALE_BYTE, e->f32);
    LLVMValueRef x_sum = sum_of_x(turn, row, run);
    for (int v = 0; v < turn->vectors; v++) {
        LLVMValueRef scale = lig_storage_scale(e, group, run.first, turn->vector + v);
        LLVMValueRef min = lig_storage_min(e, group, run.first, turn->vector + v);
        LLVMValueRef exact = lig_byte_dot_close(e, dot, products[v], x_sum);
        LLVMValueRef value = LLVMBuildSIToFP(e->builder, exact, LLVMTypeOf(scale), "");
        if (min) {
            LLVMValueRef all = LLVMBuildSIToFP(e->builder, x_sum, LLVMTypeOf(min), "");
            value = lig_emit_fma(e, value, scale, LLVMBuildFMul(e->builder, min, all, ""));
        } else {
            value = LLVMBuildFMul(e->builder, value, scale, "");
        }
        sums[v] = lig_emit_fma(e, value, x_scale, sums[v]);
    }
}

static void add_run(const LigTurn *turn, LigByteDot dot, LigStorageGroup *group, Run run, LLVMValueRef *sums)
{
    LLVMValueRef products[LIG_CONTRACT_MAX_ROWS * LIG_STORAGE_MAX_VECTORS];
    for (int i = 0; i < turn->rows * turn->vectors; i++) products[i] = lig_byte_dot_zero(turn->e, dot);
    add_products(turn, dot, group, run, products);
    for (int row = 0; row < turn->rows; row++) {
        const int first = row * turn->vectors;
        add_row(turn, dot, group, run, row, products + first, sums + first);
    }
}

static void add(const LigTurn *turn, LLVMValueRef *sums)
{
    LigByteDot dot = {.lanes = turn->storage->lanes};
    lig_storage_byte_range(turn->storage, &dot.bits, &dot.zero);
    LigStorageGroup group;
    lig_storage_open(turn->e, &group, turn->storage, turn->panel, turn->step);
    Run run = {.count = lig_block_facts(turn->storage->dtype)->shared};
    for (; run.first < turn->columns; run.first += run.count) add_run(turn, dot, &group, run, sums);
}

static int columns(const LigFactor *factor, const LigStorage *storage, int rows)
{
    (void)factor, (void)rows;
    return storage->columns;
}

const LigArithmeticRule lig_arithmetic_int8 = {.columns = columns, .add = add};

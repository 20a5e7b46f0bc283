// 8-bit activations (q8a) and block-quantised weights: a turn is a block of 32 columns. Its products are added
// exactly, as integers; then
//   sum += scale of x * (scale of the weight * products + min of the weight * sum of x)
// with one fused multiply-add for each sum sign, so that a row's numbers depend on nothing beside it.
// Bound  the rate of byte dot products (eight for two roundings); for one row the bytes of the weights.
#include "codegen/arithmetic.h"
#include "codegen/byte_dot.h"

enum { PIECES = 8, SCALE_BYTE = 32, SUM_BYTE = 36 }; // of a block of q8a: 8 pieces of 4 columns, scale, sum

// Four values of a block of x, or its scale or sum, in every lane.
static LLVMValueRef broadcast(const LigTurn *turn, int row, int64_t byte, LLVMTypeRef type)
{
    LLVMValueRef address = lig_emit_offset_by(turn->e, turn->x, row * turn->x_row_bytes + byte);
    return lig_emit_splat(turn->e, lig_emit_load(turn->e, type, address, 4), turn->storage->lanes);
}

static void add_products(const LigTurn *turn, LigByteDot dot, LigStorageGroup *group, LLVMValueRef *products)
{
    for (int piece = 0; piece < PIECES; piece++) {
        LLVMValueRef weights[LIG_STORAGE_MAX_VECTORS];
        for (int v = 0; v < turn->vectors; v++)
            weights[v] = lig_storage_bytes(turn->e, group, piece, turn->vector + v);
        for (int i = 0; i < turn->rows; i++) {
            LLVMValueRef x = broadcast(turn, i, (int64_t)piece * 4, turn->e->i32);
            for (int v = 0; v < turn->vectors; v++) {
                LLVMValueRef *acc = &products[i * turn->vectors + v];
                *acc = lig_byte_dot_add(turn->e, dot, *acc, weights[v], x);
            }
        }
    }
}

// One vector of products, scaled and added.
static LLVMValueRef add_scaled(const LigTurn *turn, LigStorageGroup *group, int row, int v,
                               LLVMValueRef products, LLVMValueRef sum)
{
    LigEmitter *e = turn->e;
    LLVMValueRef scale = lig_storage_scale(e, group, turn->vector + v);
    LLVMValueRef value = LLVMBuildSIToFP(e->builder, products, LLVMTypeOf(scale), "");
    LLVMValueRef min = lig_storage_min(e, group, turn->vector + v);
    if (min) {
        LLVMValueRef x_sum = broadcast(turn, row, SUM_BYTE, e->i32);
        x_sum = LLVMBuildSIToFP(e->builder, x_sum, LLVMTypeOf(min), "");
        value = lig_emit_fma(e, value, scale, LLVMBuildFMul(e->builder, min, x_sum, ""));
    } else {
        value = LLVMBuildFMul(e->builder, value, scale, "");
    }
    return lig_emit_fma(e, value, broadcast(turn, row, SCALE_BYTE, e->f32), sum);
}

static void add(const LigTurn *turn, LLVMValueRef *sums)
{
    LigEmitter *e = turn->e;
    LigByteDot dot = {.lanes = turn->storage->lanes};
    lig_storage_byte_range(turn->storage, &dot.bits, &dot.zero);
    LLVMValueRef products[LIG_CONTRACT_MAX_ROWS * LIG_STORAGE_MAX_VECTORS];
    int count = turn->rows * turn->vectors;
    for (int i = 0; i < count; i++) products[i] = lig_byte_dot_zero(e, dot);
    LigStorageGroup group;
    lig_storage_open(&group, turn->storage, turn->panel);
    add_products(turn, dot, &group, products);
    for (int i = 0; i < count; i++) {
        int row = i / turn->vectors;
        LLVMValueRef exact = lig_byte_dot_close(e, dot, products[i], broadcast(turn, row, SUM_BYTE, e->i32));
        sums[i] = add_scaled(turn, &group, row, i % turn->vectors, exact, sums[i]);
    }
}

static int columns(const LigFactor *factor, const LigStorage *storage, int rows)
{
    (void)factor, (void)rows;
    return storage->columns;
}

const LigArithmeticRule lig_arithmetic_int8 = {.columns = columns, .add = add};

// 8-bit activations (q8a) and block-quantised weights. The products of the columns that share a scale, a run of 16
// or 32, are added exactly, as integers; then for each block of 32 columns of x
//   sum += scale of x * (sum over its runs of: min * sum of x + scale * products)
// by a chain of fused multiply-adds for each sum, in this order, so that a row's numbers depend on nothing beside
// it.
// Bound  the rate of byte dot products (eight for two or three roundings); for one row the bytes of the weights.
#include "codegen/arithmetic.h"
#include "codegen/byte_dot.h"

// A block of q8a: 32 bytes, then the scale, the sum of all and that of the first 16.
enum { BLOCK = 32, SCALE_BYTE = 32, SUM_BYTE = 36, HALF_SUM_BYTE = 40 };

// A turn while its products are added, at one block of x.
typedef struct Adder {
    const LigTurn *turn;
    LigEmitter *e;
    LigStorageGroup group;
    LigByteDot dot;
    int block;          // of x, in the turn
    int first, columns; // of the current run, in the turn
} Adder;

// A number of the block of x in every lane: four values, the scale, a sum.
static LLVMValueRef broadcast(const Adder *a, int row, int64_t byte, LLVMTypeRef type)
{
    int64_t block = a->block * lig_dtype_block_bytes(LIG_Q8A);
    LLVMValueRef address = lig_emit_offset_by(a->e, a->turn->x, row * a->turn->x_row_bytes + block + byte);
    return lig_emit_splat(a->e, lig_emit_load(a->e, type, address, 4), a->dot.lanes);
}

// The sum of the run's activations.
static LLVMValueRef run_sum(const Adder *a, int row)
{
    bool is_second = a->first % BLOCK != 0;
    if (a->columns == BLOCK) return broadcast(a, row, SUM_BYTE, a->e->i32);
    LLVMValueRef half = broadcast(a, row, HALF_SUM_BYTE, a->e->i32);
    if (!is_second) return half;
    return LLVMBuildSub(a->e->builder, broadcast(a, row, SUM_BYTE, a->e->i32), half, "");
}

static void add_products(Adder *a, LLVMValueRef *products)
{
    const LigTurn *turn = a->turn;
    for (int column = a->first; column < a->first + a->columns; column += LIG_BLOCK_WORD) {
        LLVMValueRef weights[LIG_STORAGE_MAX_VECTORS];
        for (int v = 0; v < turn->vectors; v++)
            weights[v] = lig_storage_bytes(a->e, &a->group, column / LIG_BLOCK_WORD, v);
        for (int i = 0; i < turn->rows; i++) {
            LLVMValueRef x = broadcast(a, i, column % BLOCK, a->e->i32);
            for (int v = 0; v < turn->vectors; v++) {
                LLVMValueRef *acc = &products[i * turn->vectors + v];
                *acc = lig_byte_dot_add(a->e, a->dot, *acc, weights[v], x);
            }
        }
    }
}

// value + a * b; NULL stands for 0.
static LLVMValueRef plus_product(const Adder *a, LLVMValueRef value, LLVMValueRef x, LLVMValueRef y)
{
    return value ? lig_emit_fma(a->e, x, y, value) : LLVMBuildFMul(a->e->builder, x, y, "");
}

// Adds the run to the values of a block, before the scale of x.
static void add_run(Adder *a, LLVMValueRef *values)
{
    LLVMBuilderRef b = a->e->builder;
    const LigTurn *turn = a->turn;
    LLVMTypeRef type = lig_lanes(a->e->f32, a->dot.lanes);
    LLVMValueRef products[LIG_CONTRACT_MAX_ROWS * LIG_STORAGE_MAX_VECTORS];
    int count = turn->rows * turn->vectors;
    for (int i = 0; i < count; i++) products[i] = lig_byte_dot_zero(a->e, a->dot);
    add_products(a, products);
    for (int i = 0; i < count; i++) {
        int vector = i % turn->vectors;
        LLVMValueRef sum = run_sum(a, i / turn->vectors);
        LLVMValueRef exact = lig_byte_dot_close(a->e, a->dot, products[i], sum);
        LLVMValueRef min = lig_storage_min(a->e, &a->group, a->first, vector);
        if (min) values[i] = plus_product(a, values[i], min, LLVMBuildSIToFP(b, sum, type, ""));
        LLVMValueRef scale = lig_storage_scale(a->e, &a->group, a->first, vector);
        values[i] = plus_product(a, values[i], LLVMBuildSIToFP(b, exact, type, ""), scale);
    }
}

static void add_block(Adder *a, LLVMValueRef *sums)
{
    const LigTurn *turn = a->turn;
    LLVMValueRef values[LIG_CONTRACT_MAX_ROWS * LIG_STORAGE_MAX_VECTORS] = {0};
    for (int run = 0; run < BLOCK / a->columns; run++) {
        a->first = a->block * BLOCK + run * a->columns;
        add_run(a, values);
    }
    for (int i = 0; i < turn->rows * turn->vectors; i++) {
        LLVMValueRef scale = broadcast(a, i / turn->vectors, SCALE_BYTE, a->e->f32);
        sums[i] = lig_emit_fma(a->e, values[i], scale, sums[i]);
    }
}

static void add(const LigTurn *turn, LLVMValueRef *sums)
{
    Adder adder = {.turn = turn,
                   .e = turn->e,
                   .dot = {.lanes = turn->storage->lanes},
                   .columns = lig_block_facts(turn->storage->dtype)->shared};
    lig_storage_byte_range(turn->storage, &adder.dot.bits, &adder.dot.zero);
    lig_storage_open(turn->e, &adder.group, turn->storage, turn->place);
    for (adder.block = 0; adder.block < turn->columns / BLOCK; adder.block++) add_block(&adder, sums);
}

static int columns(const LigFactor *factor, const LigStorage *storage, int rows)
{
    (void)factor, (void)rows;
    return storage->columns;
}

const LigArithmeticRule lig_arithmetic_int8 = {.columns = columns, .add = add};

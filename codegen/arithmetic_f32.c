// f32 activations: each column of the weight as f32 vectors (codegen/storage.c), times a broadcast of x, one
// fused multiply-add a product.
// Bound  the FMA rate; for one row the bytes of the weights.
#include "codegen/arithmetic.h"

enum { PLAIN_UNROLL = 4 };

static void add_column(const LigTurn *turn, LigStorageGroup *group, int column, LLVMValueRef *sums)
{
    LigEmitter *e = turn->e;
    LLVMValueRef weights[LIG_STORAGE_MAX_VECTORS];
    for (int v = 0; v < turn->vectors; v++)
        weights[v] = lig_storage_vector(e, group, column % turn->storage->columns, v);
    for (int i = 0; i < turn->rows; i++) {
        LLVMValueRef address = lig_emit_offset_by(e, turn->x, i * turn->x_row_bytes + column * 4);
        LLVMValueRef x = lig_emit_splat(e, lig_emit_load(e, e->f32, address, 4), turn->storage->lanes);
        for (int v = 0; v < turn->vectors; v++) {
            LLVMValueRef *sum = &sums[i * turn->vectors + v];
            *sum = lig_emit_fma(e, x, weights[v], *sum);
        }
    }
}

static void add(const LigTurn *turn, LLVMValueRef *sums)
{
    const LigStorage *storage = turn->storage;
    LigStorageGroup group = {0};
    for (int i = 0; i < turn->columns; i++) {
        if (i % storage->columns == 0) {
            LigStoragePlace place = turn->place;
            place.pointer = lig_emit_offset_by(turn->e, place.pointer, i / storage->columns * storage->bytes);
            lig_storage_open(turn->e, &group, storage, place);
        }
        add_column(turn, &group, i, sums);
    }
}

// A quantised step, or a few plain columns.
static int columns(const LigFactor *factor, const LigStorage *storage, int rows)
{
    if (storage->columns > 1) return storage->columns;
    return rows == 1 && factor->depth % PLAIN_UNROLL == 0 ? PLAIN_UNROLL : 1;
}

const LigArithmeticRule lig_arithmetic_f32 = {.columns = columns, .add = add};

// Kernels whose ops are all elementwise. Where every operand has the result's elements in order (or is a single
// one) the kernel is one flat loop and a unit of work is an element; else rows of the result are the units.
#include "codegen/body.h"
#include "codegen/classes.h"

enum { TILE_ELEMENTS = 16384 };

static const LigType *result_type(const LigFunc *kernel) { return &kernel->outputs.data[0]->type; }

// The result seen as one row.
static LigType flat_space(const LigModule *module, const LigFunc *kernel)
{
    const LigType *result = result_type(kernel);
    LigDim count = lig_schedule_count(module, result, 0, result->rank);
    return (LigType){.dtype = result->dtype, .rank = 1, .dims = {count}};
}

static bool fits_flat(const LigModule *module, const LigFunc *kernel, const LigType *flat)
{
    for (size_t i = 0; i < kernel->ops.count; i++) {
        const LigOp *op = kernel->ops.data[i];
        for (size_t j = 0; j < op->operand_count; j++) {
            if (lig_body_is_leaf(op->operands[j]) && !lig_body_fits(module, kernel, flat, op->operands[j]))
                return false;
        }
    }
    return true;
}

// The space of the body; false when memory is out.
static bool find_space(const LigModule *module, const LigFunc *kernel, LigType *space)
{
    LigType flat = flat_space(module, kernel);
    if (flat.dims[0] == NULL) return false;
    *space = fits_flat(module, kernel, &flat) ? flat : *result_type(kernel);
    return true;
}

// Units of work: elements of a flat space, rows of another.
static LigDim count_units(const LigModule *module, const LigType *space)
{
    if (space->rank == 1) return space->dims[0];
    return lig_schedule_count(module, space, 0, space->rank - 1);
}

LigStatus lig_schedule_elementwise(LigScheduling *scheduling)
{
    const LigModule *module = scheduling->module;
    LigType space;
    if (!find_space(module, scheduling->kernel, &space)) return lig_no_memory(module->ctx);
    LIG_TRY(lig_body_check(module, scheduling->kernel, &space, NULL));
    if (space.rank == 1) return lig_schedule_int(scheduling, LIG_ATTR_TILE, TILE_ELEMENTS);
    return lig_schedule_int(scheduling, LIG_ATTR_TILE, lig_schedule_rows(module, &space, TILE_ELEMENTS));
}

LigDim lig_tiles_elementwise(const LigModule *module, const LigFunc *kernel)
{
    LigType space;
    if (!find_space(module, kernel, &space)) return NULL;
    return lig_dim_ceildiv(module->dims, count_units(module, &space), lig_kernel_tile(kernel));
}

typedef struct Vectors {
    LigBody body;
    LLVMValueRef first; // column of the loop's place 0
    int lanes;
} Vectors;

static void emit_vector(void *user, LLVMValueRef column, LLVMValueRef mask, LLVMValueRef *carried)
{
    (void)carried;
    Vectors *vectors = user;
    LLVMBuilderRef b = vectors->body.k->e->builder;
    lig_body_place(&vectors->body, LLVMBuildAdd(b, vectors->first, column, ""), vectors->lanes, mask);
    lig_body_store_outputs(&vectors->body);
}

static void emit_flat(LigKernelEmitter *k, Vectors *vectors, LigUnitRange units)
{
    LLVMValueRef count = LLVMBuildSub(k->e->builder, units.end, units.begin, "");
    vectors->first = units.begin;
    lig_body_row(&vectors->body, lig_i64(k->e, 0));
    lig_kernel_each_vector(k, count, vectors->lanes, (LigVectorBody){.step = emit_vector, .user = vectors});
}

static void emit_rows(LigKernelEmitter *k, Vectors *vectors, LigUnitRange units)
{
    LigLoop rows;
    lig_loop_begin(k->e, &rows, (LigRange){units.begin, units.end, lig_i64(k->e, 1)}, NULL, 0);
    vectors->first = lig_i64(k->e, 0);
    lig_body_row(&vectors->body, rows.index);
    LigVectorBody body = {.step = emit_vector, .user = vectors};
    lig_kernel_each_vector(k, vectors->body.columns, vectors->lanes, body);
    lig_loop_end(k->e, &rows, NULL);
}

LigStatus lig_emit_elementwise(LigKernelEmitter *k)
{
    LigType space;
    if (!find_space(k->module, k->kernel, &space)) return lig_no_memory(k->e->ctx);
    Vectors vectors = {.lanes = lig_target_f32_lanes(k->e->target)};
    LIG_TRY(lig_body_create(k, &space, &vectors.body));
    LLVMValueRef units = lig_kernel_dim(k, count_units(k->module, &space));
    LigTileLoop tiles = lig_kernel_tiles_begin(k);
    LigUnitRange range = lig_kernel_tile_units(k, tiles.tile, lig_kernel_tile(k->kernel), units);
    if (space.rank == 1)
        emit_flat(k, &vectors, range);
    else
        emit_rows(k, &vectors, range);
    lig_kernel_tiles_end(k, &tiles);
    return LIG_OK;
}

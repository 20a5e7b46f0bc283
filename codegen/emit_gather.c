// Kernels that take rows of a table by ids, with elementwise ops behind. A quantised table, in the file's form
// or in panels, is dequantised exactly: one rounding of scale * q + min. Ids are inside the table: the runtime
// sees to that.
#include "codegen/body.h"
#include "codegen/classes.h"

enum { TABLE, IDS };
enum { TILE_ELEMENTS = 16384, BLOCK = 32 };

typedef struct Gather {
    LigBody body;
    const LigOp *op;
    int lanes;
    LLVMValueRef table_row; // i64, of the body's row
} Gather;

static bool takes(const LigOp *op) { return op->code == LIG_OP_GATHER; }

static const LigOp *find_gather(const LigFunc *kernel)
{
    for (size_t i = 0; i < kernel->ops.count; i++)
        if (takes(kernel->ops.data[i])) return kernel->ops.data[i];
    return NULL;
}

static LigStatus check(const LigModule *module, const LigFunc *kernel)
{
    const LigOp *op = find_gather(kernel);
    if (op == NULL) return lig_kernel_fail(module, kernel, NULL, LIG_ERR_UNSUPPORTED, "no gather in it");
    const LigValue *table = op->operands[TABLE], *ids = op->operands[IDS];
    const LigType *type = &table->type;
    bool packed = type->layout.kind == LIG_LAYOUT_PANEL || lig_dtype_is_quantised(type->dtype);
    bool batched = lig_attrs_int(op->attrs, LIG_ATTR_BATCH, 0) != 0;
    if (batched || lig_attrs_int(op->attrs, LIG_ATTR_AXIS, 0) != 0 || type->rank < 2 ||
        (packed && type->rank != 2))
        return lig_kernel_fail(
            module, kernel, op, LIG_ERR_UNSUPPORTED,
            "only rows of a table are taken: axis must be 0, a packed table a matrix; run other "
            "gathers with --interpret");
    if (!lig_dtype_has_panel(type->dtype))
        return lig_kernel_fail(
            module, kernel, op, LIG_ERR_UNSUPPORTED,
            "tables of this block-quantised dtype have no generated code, only those of q8_0, "
            "q4_0 and q4_1: use --interpret, or convert the file");
    if (table->kind != LIG_VALUE_INPUT || ids->kind != LIG_VALUE_INPUT)
        return lig_kernel_fail(module, kernel, op, LIG_ERR_UNSUPPORTED,
                               "table and ids must be operands of the kernel");
    return lig_body_check(module, kernel, &op->results[0]->type, takes);
}

LigStatus lig_schedule_gather(LigScheduling *scheduling)
{
    LIG_TRY(check(scheduling->module, scheduling->kernel));
    const LigType *space = &find_gather(scheduling->kernel)->results[0]->type;
    int64_t rows = lig_schedule_rows(scheduling->module, space, TILE_ELEMENTS);
    return lig_schedule_int(scheduling, LIG_ATTR_TILE, rows);
}

static LigDim count_rows(const LigModule *module, const LigFunc *kernel)
{
    const LigType *space = &find_gather(kernel)->results[0]->type;
    return lig_schedule_count(module, space, 0, space->rank - 1);
}

LigDim lig_tiles_gather(const LigModule *module, const LigFunc *kernel)
{
    return lig_dim_ceildiv(module->dims, count_rows(module, kernel), lig_kernel_tile(kernel));
}

// ---- reading tables ----

// A number of elements or bytes times a constant, plus another.
static LLVMValueRef scaled(LigEmitter *e, LLVMValueRef value, int64_t by)
{
    return LLVMBuildMul(e->builder, value, lig_i64(e, by), "");
}

static LLVMValueRef plus(LigEmitter *e, LLVMValueRef a, LLVMValueRef b)
{
    return LLVMBuildAdd(e->builder, a, b, "");
}

static LLVMValueRef quotient(LigEmitter *e, LLVMValueRef value, int64_t by)
{
    return LLVMBuildUDiv(e->builder, value, lig_i64(e, by), "");
}

static LLVMValueRef rest(LigEmitter *e, LLVMValueRef value, int64_t by)
{
    return LLVMBuildURem(e->builder, value, lig_i64(e, by), "");
}

static LLVMValueRef table_pointer(const Gather *g) { return g->body.k->inputs[g->op->operands[TABLE]->index]; }

static LLVMValueRef plain_rows(const Gather *g)
{
    LigKernelEmitter *k = g->body.k;
    LigDtype dtype = g->op->operands[TABLE]->type.dtype;
    LLVMValueRef index = LLVMBuildMul(k->e->builder, g->table_row, g->body.columns, "");
    index = plus(k->e, index, g->body.column);
    LLVMValueRef address = lig_kernel_element(k, table_pointer(g), index, dtype);
    return lig_body_load(k->e, address, dtype, g->lanes, g->body.mask);
}

// Elements of a row of a panel lie n * k apart: lane by lane. Lanes outside the row read its last column.
static LLVMValueRef plain_panel(const Gather *g)
{
    LigKernelEmitter *k = g->body.k;
    LigEmitter *e = k->e;
    const LigType *type = &g->op->operands[TABLE]->type;
    int64_t n = type->layout.n, columns_of_group = type->layout.k;
    LLVMValueRef last = LLVMBuildSub(e->builder, g->body.columns, lig_i64(e, 1), "");
    LLVMValueRef panel = LLVMBuildMul(e->builder, quotient(e, g->table_row, n), g->body.columns, "");
    LLVMValueRef base = plus(e, scaled(e, panel, n), scaled(e, rest(e, g->table_row, n), columns_of_group));
    LLVMValueRef vector = LLVMGetPoison(lig_body_hold_type(e, type->dtype, g->lanes));
    for (int i = 0; i < g->lanes; i++) {
        LLVMValueRef column = lig_kernel_least(k, plus(e, g->body.column, lig_i64(e, i)), last);
        LLVMValueRef group = scaled(e, quotient(e, column, columns_of_group), n * columns_of_group);
        LLVMValueRef index = plus(e, base, plus(e, group, rest(e, column, columns_of_group)));
        LLVMValueRef address = lig_kernel_element(k, table_pointer(g), index, type->dtype);
        LLVMValueRef element = lig_body_load(e, address, type->dtype, 1, NULL);
        vector = LLVMBuildInsertElement(e->builder, vector, element, lig_i32(e, i), "");
    }
    return vector;
}

// Where the parts of a block of 32 columns of one row lie.
typedef struct Block {
    LLVMValueRef values;     // pointer of the first 4 bytes of values
    int64_t stride;          // bytes from 4 value bytes to the next 4
    LLVMValueRef scale, min; // pointers of f16; min NULL: none
} Block;

static bool has_nibbles(LigDtype dtype) { return dtype == LIG_Q4_0 || dtype == LIG_Q4_1; }

static Block row_block(const Gather *g)
{
    LigEmitter *e = g->body.k->e;
    LigDtype dtype = g->op->operands[TABLE]->type.dtype;
    LLVMValueRef blocks = quotient(e, g->body.columns, BLOCK);
    LLVMValueRef block =
        plus(e, LLVMBuildMul(e->builder, g->table_row, blocks, ""), quotient(e, g->body.column, BLOCK));
    LLVMValueRef start = lig_emit_offset(e, table_pointer(g), scaled(e, block, lig_dtype_block_bytes(dtype)));
    bool has_min = dtype == LIG_Q4_1;
    return (Block){.values = lig_emit_offset_by(e, start, has_min ? 4 : 2),
                   .stride = 4,
                   .scale = start,
                   .min = has_min ? lig_emit_offset_by(e, start, 2) : NULL};
}

static Block panel_block(const Gather *g)
{
    LigEmitter *e = g->body.k->e;
    const LigType *type = &g->op->operands[TABLE]->type;
    int64_t n = type->layout.n, group_bytes = n * lig_dtype_block_bytes(type->dtype);
    int64_t value_bytes = has_nibbles(type->dtype) ? n * BLOCK / 2 : n * BLOCK;
    LLVMValueRef groups = quotient(e, g->body.columns, BLOCK), row = rest(e, g->table_row, n);
    LLVMValueRef group = LLVMBuildMul(e->builder, quotient(e, g->table_row, n), groups, "");
    group = plus(e, group, quotient(e, g->body.column, BLOCK));
    LLVMValueRef start = lig_emit_offset(e, table_pointer(g), scaled(e, group, group_bytes));
    LLVMValueRef scale = lig_emit_offset(e, lig_emit_offset_by(e, start, value_bytes), scaled(e, row, 2));
    return (Block){.values = lig_emit_offset(e, start, scaled(e, row, 4)),
                   .stride = 4 * n,
                   .scale = scale,
                   .min = type->dtype == LIG_Q4_1 ? lig_emit_offset_by(e, scale, 2 * n) : NULL};
}

// The value bytes of the body's columns as <lanes x i8>.
static LLVMValueRef value_bytes(const Gather *g, const Block *block, LLVMValueRef within)
{
    LigEmitter *e = g->body.k->e;
    int pieces = g->lanes / 4;
    LLVMValueRef first = lig_emit_offset(e, block->values, scaled(e, quotient(e, within, 4), block->stride));
    LLVMValueRef words = LLVMGetPoison(LLVMVectorType(e->i32, (unsigned)pieces));
    for (int i = 0; i < pieces; i++) {
        LLVMValueRef word = lig_emit_load(e, e->i32, lig_emit_offset_by(e, first, i * block->stride), 1);
        words = LLVMBuildInsertElement(e->builder, words, word, lig_i32(e, i), "");
    }
    return LLVMBuildBitCast(e->builder, words, lig_lanes(e->i8, g->lanes), "");
}

static LLVMValueRef to_float(LigEmitter *e, LLVMValueRef integers)
{
    return LLVMBuildSIToFP(e->builder, integers, lig_same_lanes(integers, e->f32), "");
}

static LLVMValueRef byte_values(const Gather *g, const Block *block, LLVMValueRef within)
{
    LigEmitter *e = g->body.k->e;
    LLVMValueRef bytes = value_bytes(g, block, within);
    // Panels store q + 128: flipping the top bit gives the signed byte.
    if (g->op->operands[TABLE]->type.layout.kind == LIG_LAYOUT_PANEL)
        bytes = LLVMBuildXor(e->builder, bytes, lig_int_like(LLVMTypeOf(bytes), 0x80), "");
    return to_float(e, bytes);
}

static LLVMValueRef nibble_values(const Gather *g, const Block *block, LLVMValueRef within)
{
    LigEmitter *e = g->body.k->e;
    LLVMBuilderRef b = e->builder;
    LLVMValueRef bytes = value_bytes(g, block, rest(e, within, BLOCK / 2));
    LLVMTypeRef type = LLVMTypeOf(bytes);
    LLVMValueRef is_high = LLVMBuildICmp(b, LLVMIntUGE, within, lig_i64(e, BLOCK / 2), "");
    LLVMValueRef high = LLVMBuildLShr(b, bytes, lig_int_like(type, 4), "");
    LLVMValueRef low = LLVMBuildAnd(b, bytes, lig_int_like(type, 15), "");
    LLVMValueRef values = to_float(e, LLVMBuildSelect(b, is_high, high, low, ""));
    if (g->op->operands[TABLE]->type.dtype == LIG_Q4_1) return values;
    return LLVMBuildFSub(b, values, lig_float_like(LLVMTypeOf(values), 8), "");
}

static LLVMValueRef load_half(const Gather *g, LLVMValueRef pointer)
{
    LigEmitter *e = g->body.k->e;
    return lig_emit_splat(e, lig_body_load(e, pointer, LIG_F16, 1, NULL), g->lanes);
}

// The last dim is whole blocks, and lanes divide half of one, so there is no tail, and a vector has one scale.
static LLVMValueRef quantised(const Gather *g)
{
    LigEmitter *e = g->body.k->e;
    const LigType *type = &g->op->operands[TABLE]->type;
    Block block = type->layout.kind == LIG_LAYOUT_PANEL ? panel_block(g) : row_block(g);
    LLVMValueRef within = rest(e, g->body.column, BLOCK);
    bool nibbles = has_nibbles(type->dtype);
    LLVMValueRef q = nibbles ? nibble_values(g, &block, within) : byte_values(g, &block, within);
    LLVMValueRef product = LLVMBuildFMul(e->builder, q, load_half(g, block.scale), "");
    return block.min == NULL ? product : LLVMBuildFAdd(e->builder, product, load_half(g, block.min), "");
}

static LLVMValueRef gather_value(LigBody *body, const LigValue *value, void *user)
{
    (void)body;
    Gather *g = user;
    LIG_ASSERT(value->op == g->op);
    const LigType *type = &g->op->operands[TABLE]->type;
    if (lig_dtype_is_quantised(type->dtype)) return quantised(g);
    return type->layout.kind == LIG_LAYOUT_PANEL ? plain_panel(g) : plain_rows(g);
}

static void store_step(void *user, LLVMValueRef column, LLVMValueRef mask, LLVMValueRef *carried)
{
    (void)carried;
    Gather *g = user;
    lig_body_place(&g->body, column, g->lanes, mask);
    lig_body_store_outputs(&g->body);
}

// The table's row behind row `row` of the result: ids count slices of the table, of one or more rows each.
static LLVMValueRef find_table_row(Gather *g, LLVMValueRef row)
{
    LigKernelEmitter *k = g->body.k;
    LLVMBuilderRef b = k->e->builder;
    const LigValue *table = g->op->operands[TABLE], *ids = g->op->operands[IDS];
    LLVMValueRef rows = lig_kernel_dims(k, &table->type, 1, table->type.rank - 1);
    LLVMValueRef place =
        lig_kernel_element(k, k->inputs[ids->index], LLVMBuildUDiv(b, row, rows, ""), ids->type.dtype);
    LLVMValueRef id = lig_body_load(k->e, place, ids->type.dtype, 1, NULL);
    id = LLVMBuildIntCast2(b, id, k->e->i64, true, "");
    return plus(k->e, LLVMBuildMul(b, id, rows, ""), LLVMBuildURem(b, row, rows, ""));
}

static void emit_rows(Gather *g, LigUnitRange range)
{
    LigKernelEmitter *k = g->body.k;
    LigLoop rows;
    lig_loop_begin(k->e, &rows, (LigRange){range.begin, range.end, lig_i64(k->e, 1)}, NULL, 0);
    lig_body_row(&g->body, rows.index);
    g->table_row = find_table_row(g, rows.index);
    LigVectorBody body = {.step = store_step, .user = g};
    lig_kernel_each_vector(k, g->body.columns, g->lanes, body);
    lig_loop_end(k->e, &rows, NULL);
}

LigStatus lig_emit_gather(LigKernelEmitter *k)
{
    Gather g = {.op = find_gather(k->kernel), .lanes = lig_target_f32_lanes(k->e->target)};
    LIG_TRY(lig_body_create(k, &g.op->results[0]->type, &g.body));
    g.body.source = gather_value;
    g.body.user = &g;
    LLVMValueRef count = lig_kernel_dim(k, count_rows(k->module, k->kernel));
    LigTileLoop tiles = lig_kernel_tiles_begin(k);
    emit_rows(&g, lig_kernel_tile_units(k, tiles.tile, lig_kernel_tile(k->kernel), count));
    lig_kernel_tiles_end(k, &tiles);
    return LIG_OK;
}

// Kernels that take rows of a table by ids, with elementwise ops behind. A quantised table, in the file's form
// or in panels, is dequantised exactly: one rounding of scale * q + min. Ids are inside the table: the runtime
// sees to that.
#include "codegen/body.h"
#include "codegen/classes.h"
#include "ir/layout_block.h"

enum { TABLE, IDS };
enum { TILE_ELEMENTS = 16384 };

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
        return lig_kernel_fail(module, kernel, op, LIG_ERR_UNSUPPORTED,
                               "a table of q8a, made for activations, has no generated code: use --interpret");
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

// ---- quantised tables: ir/layout_block.h with indices that are known when the kernel runs ----

// One row of the block that holds the body's columns.
typedef struct Block {
    const LigBlockFacts *facts;
    LigLayoutKind kind;
    int64_t n;           // rows of a group
    LLVMValueRef start;  // of the block, or of its group
    LLVMValueRef row;    // in the group
    LLVMValueRef within; // the first of the body's columns, in the block
} Block;

static Block find_block(const Gather *g)
{
    LigEmitter *e = g->body.k->e;
    const LigType *type = &g->op->operands[TABLE]->type;
    const int64_t columns = lig_dtype_block(type->dtype), bytes = lig_dtype_block_bytes(type->dtype);
    Block block = {.facts = lig_block_facts(type->dtype), .kind = type->layout.kind, .n = 1};
    if (block.kind == LIG_LAYOUT_PANEL) block.n = type->layout.n;
    LLVMValueRef groups = quotient(e, g->body.columns, columns);
    LLVMValueRef group = LLVMBuildMul(e->builder, quotient(e, g->table_row, block.n), groups, "");
    group = plus(e, group, quotient(e, g->body.column, columns));
    block.start = lig_emit_offset(e, table_pointer(g), scaled(e, group, block.n * bytes));
    block.row = rest(e, g->table_row, block.n);
    block.within = rest(e, g->body.column, columns);
    return block;
}

static LLVMValueRef load_piece(LigEmitter *e, const Block *block, const LigPlane *plane, LLVMValueRef byte)
{
    LLVMValueRef address = lig_emit_offset(e, block->start, scaled(e, byte, block->n));
    address = lig_emit_offset(e, address, scaled(e, block->row, plane->piece));
    LLVMTypeRef type = plane->piece == LIG_BLOCK_WORD ? e->i32 : plane->piece == 2 ? e->i16 : e->i8;
    LLVMValueRef piece = lig_emit_load(e, type, address, 1);
    return LLVMBuildZExt(e->builder, piece, e->i32, "");
}

static LLVMValueRef bits_at(LigEmitter *e, LLVMValueRef piece, LLVMValueRef shift, uint32_t mask)
{
    LLVMValueRef by = LLVMBuildTrunc(e->builder, shift, e->i32, "");
    return LLVMBuildAnd(e->builder, LLVMBuildLShr(e->builder, piece, by, ""), lig_i32(e, (int32_t)mask), "");
}

// A word whose values lie side by side (lig_block_spread).
static LLVMValueRef spread_word(LigEmitter *e, const Block *block, const LigPlane *plane, LLVMValueRef index)
{
    const LigPlane bytes = {.piece = 1};
    LLVMValueRef byte = plus(e, quotient(e, index, 2), lig_i64(e, plane->forms[block->kind].base));
    LLVMValueRef four = bits_at(e, load_piece(e, block, &bytes, byte), scaled(e, rest(e, index, 2), 4), 15);
    LLVMValueRef copies = LLVMBuildMul(e->builder, four, lig_i32(e, 0x00204081), "");
    return LLVMBuildAnd(e->builder, copies, lig_i32(e, 0x01010101), "");
}

// Element `index` (i64, inside the plane) as i32: lig_block_bits.
static LLVMValueRef plane_bits(LigEmitter *e, const Block *block, const LigPlane *plane, LLVMValueRef index)
{
    const LigPlaneForm *form = &plane->forms[block->kind];
    if (form->run == 0) return spread_word(e, block, plane, index);
    LLVMValueRef byte = lig_i64(e, form->base);
    if (form->stride) {
        byte = plus(e, byte, scaled(e, quotient(e, index, LIG_BLOCK_UNIT_WORDS), form->stride));
        index = rest(e, index, LIG_BLOCK_UNIT_WORDS);
    }
    const int64_t span = (int64_t)form->run * form->layers;
    LLVMValueRef piece = plus(e, scaled(e, quotient(e, index, span), form->run), rest(e, index, form->run));
    byte = plus(e, byte, scaled(e, piece, plane->piece));
    LLVMValueRef layer = rest(e, quotient(e, index, form->run), form->layers);
    LLVMValueRef shift = plus(e, scaled(e, layer, plane->bits), lig_i64(e, form->shift));
    const uint32_t one = (UINT32_C(1) << plane->bits) - 1;
    const uint32_t mask = plane->piece == LIG_BLOCK_WORD ? one * UINT32_C(0x01010101) : one;
    return bits_at(e, load_piece(e, block, plane, byte), shift, mask);
}

// Element `index` of a part; NULL when the block has none. Planes of one part are equally long.
static LLVMValueRef part_bits(LigEmitter *e, const Block *block, LigPart part, LLVMValueRef index)
{
    LLVMValueRef bits = NULL;
    for (int i = 0; i < block->facts->plane_count; i++) {
        const LigPlane *plane = &block->facts->planes[i];
        if (plane->part != part) continue;
        LLVMValueRef here = plane_bits(e, block, plane, rest(e, index, plane->count));
        LLVMValueRef beyond = LLVMBuildICmp(e->builder, LLVMIntUGE, index, lig_i64(e, plane->first), "");
        bits = bits ? LLVMBuildSelect(e->builder, beyond, here, bits, "") : here;
    }
    return bits;
}

// A low part with the part above it.
static LLVMValueRef whole_bits(LigEmitter *e, const Block *block, LigPart low, LLVMValueRef index)
{
    LLVMValueRef bits = part_bits(e, block, low, index), high = part_bits(e, block, (LigPart)(low + 1), index);
    if (!high) return bits;
    LLVMValueRef left = lig_i32(e, lig_block_plane(block->facts, low, 0)->bits);
    return LLVMBuildOr(e->builder, bits, LLVMBuildShl(e->builder, high, left, ""), "");
}

// d (part D, with the small scales SCALE) or dmin as f32.
static LLVMValueRef factor(LigEmitter *e, const Block *block, LigPart half, LigPart small)
{
    const LigBlockFacts *facts = block->facts;
    LLVMBuilderRef b = e->builder;
    LLVMValueRef bits = part_bits(e, block, half, lig_i64(e, 0));
    LLVMValueRef value = lig_emit_f16_to_f32(e, LLVMBuildTrunc(b, bits, e->i16, ""));
    if (!lig_block_has(facts, small)) return value;
    LLVMValueRef by = whole_bits(e, block, small, quotient(e, block->within, facts->shared));
    if (small == LIG_PART_SCALE && facts->scale_signed)
        by = LLVMBuildSExt(b, LLVMBuildTrunc(b, by, e->i8, ""), e->i32, "");
    if (small == LIG_PART_SCALE) by = LLVMBuildSub(b, by, lig_i32(e, facts->scale_zero), "");
    return LLVMBuildFMul(b, value, LLVMBuildSIToFP(b, by, e->f32, ""), "");
}

// The stored values of the body's columns less their zero, as f32.
static LLVMValueRef quanta(const Gather *g, const Block *block)
{
    LigEmitter *e = g->body.k->e;
    const int count = g->lanes / LIG_BLOCK_WORD;
    LLVMValueRef words = LLVMGetPoison(LLVMVectorType(e->i32, (unsigned)count));
    for (int i = 0; i < count; i++) {
        LLVMValueRef index = plus(e, quotient(e, block->within, LIG_BLOCK_WORD), lig_i64(e, i));
        LLVMValueRef word = whole_bits(e, block, LIG_PART_LOW, index);
        words = LLVMBuildInsertElement(e->builder, words, word, lig_i32(e, i), "");
    }
    LLVMValueRef bytes = LLVMBuildBitCast(e->builder, words, lig_lanes(e->i8, g->lanes), "");
    if (block->kind == LIG_LAYOUT_ROWS)
        bytes = LLVMBuildXor(e->builder, bytes, lig_int_like(LLVMTypeOf(bytes), block->facts->flip), "");
    LLVMValueRef wide = LLVMBuildZExt(e->builder, bytes, lig_same_lanes(bytes, e->i32), "");
    wide = LLVMBuildSub(e->builder, wide, lig_int_like(LLVMTypeOf(wide), block->facts->zero), "");
    return LLVMBuildSIToFP(e->builder, wide, lig_same_lanes(wide, e->f32), "");
}

// The last dim is whole blocks, and lanes divide 16 columns, so there is no tail, and a vector has one scale. The
// products are exact, so adding the min rounds once.
static LLVMValueRef quantised(const Gather *g)
{
    LigEmitter *e = g->body.k->e;
    const Block block = find_block(g);
    LLVMValueRef scale = lig_emit_splat(e, factor(e, &block, LIG_PART_D, LIG_PART_SCALE), g->lanes);
    LLVMValueRef product = LLVMBuildFMul(e->builder, quanta(g, &block), scale, "");
    if (!block.facts->min_sign) return product;
    LLVMValueRef min = lig_emit_splat(e, factor(e, &block, LIG_PART_DMIN, LIG_PART_MIN), g->lanes);
    return block.facts->min_sign < 0 ? LLVMBuildFSub(e->builder, product, min, "")
                                     : LLVMBuildFAdd(e->builder, product, min, "");
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

// Contractions: result[m, n] = sum over k of x[m, k] * weight[n, k], then the elementwise ops behind it.
// Several linear ops that share x are one kernel.
//
// A tile is a run of weight panels, so a thread reads the weights as one stream. Two ways, told apart by the
// rows M of x:
//   M = 1    weights are read once, in registers: for each group of columns, dequantise, multiply, add
//   M > 1    a panel that is not plain f32 is first widened to f32 in this thread's scratch (which stays in its
//            L2 cache); then blocks of rows x columns are accumulated in registers over the whole of K, without
//            packing x
// `block` = [rows, columns] is the register block. Each element of the result is one chain of fused
// multiply-adds in ascending k whatever the schedule, so a token's numbers do not depend on how many are
// computed beside it.
// Bound  M = 1: the bytes of the weights; M > 32: the FMA rate.
// Source  the loop order is that of Goto & van de Geijn 2008 without packing of the left operand.
#include "codegen/arithmetic.h"
#include "codegen/body.h"

enum { MAX_SUMS = LIG_CONTRACT_MAX_ROWS * LIG_STORAGE_MAX_VECTORS };

// A factor while it is emitted.
typedef struct Operand {
    const LigFactor *factor;
    LigStorage stored; // of the panel as it is
    LigStorage read;   // of what the inner loop reads: the panel, or its widened form
    LLVMValueRef weight;
    LLVMValueRef panel; // what the inner loop reads, of the current panel
} Operand;

// Factors that are computed tile by tile together.
typedef struct Contract {
    LigKernelEmitter *k;
    LigEmitter *e;
    Operand operands[LIG_CONTRACT_MAX_FACTORS];
    size_t count;
    bool has_body; // else results are stored as they are
    LigBody body;
    int lanes, rows, vectors; // of a vector; register block
    LLVMValueRef x, m;        // pointer; rows of x
} Contract;

static LLVMValueRef scaled(const Contract *c, LLVMValueRef value, int64_t by)
{
    return LLVMBuildMul(c->e->builder, value, lig_i64(c->e, by), "");
}

static LLVMValueRef plus(const Contract *c, LLVMValueRef value, int64_t more)
{
    return LLVMBuildAdd(c->e->builder, value, lig_i64(c->e, more), "");
}

static LigRange range_to(const Contract *c, int64_t end, int64_t step)
{
    return (LigRange){lig_i64(c->e, 0), lig_i64(c->e, end), lig_i64(c->e, step)};
}

// Widening a panel into scratch: [K][n] f32.

static LLVMValueRef scratch_of(const Contract *c, const Operand *o)
{
    return lig_emit_offset_by(c->e, c->k->scratch, o->factor->scratch);
}

// Where the panel's row `row` of column `column` goes.
static LLVMValueRef scratch_address(const Contract *c, const Operand *o, LLVMValueRef column, LLVMValueRef row)
{
    LLVMValueRef first = scaled(c, column, (int64_t)o->stored.rows * 4);
    return lig_emit_offset(c->e, lig_emit_offset(c->e, scratch_of(c, o), first), scaled(c, row, 4));
}

// A vector of rows of each column of a step.
static void widen_vector(const Contract *c, const Operand *o, LigStoragePlace place)
{
    const LigStorage *stored = &o->stored;
    LigStorageGroup group;
    lig_storage_open(c->e, &group, stored, place);
    LLVMValueRef target = scratch_address(c, o, scaled(c, place.step, stored->columns), place.row);
    for (int i = 0; i < stored->columns; i++) {
        LLVMValueRef vector = lig_storage_vector(c->e, &group, i, 0);
        lig_emit_store(c->e, vector, lig_emit_offset_by(c->e, target, (int64_t)i * stored->rows * 4), 4);
    }
}

static void widen_panel(const Contract *c, const Operand *o, LLVMValueRef panel)
{
    const LigStorage *stored = &o->stored;
    LigLoop steps = {0}, rows = {0};
    lig_loop_begin(c->e, &steps, range_to(c, o->factor->depth / stored->columns, 1), NULL, 0);
    LLVMValueRef pointer = lig_emit_offset(c->e, panel, scaled(c, steps.index, stored->bytes));
    lig_loop_begin(c->e, &rows, range_to(c, stored->rows, stored->lanes), NULL, 0);
    widen_vector(c, o, (LigStoragePlace){pointer, steps.index, rows.index});
    lig_loop_end(c->e, &rows, NULL);
    lig_loop_end(c->e, &steps, NULL);
}

// Row-major weights: element by element into the form a panel has. For weights that no pass could pack.
static void gather_panel(const Contract *c, const Operand *o, LLVMValueRef first_row)
{
    LLVMBuilderRef b = c->e->builder;
    LigDtype dtype = o->factor->linear->operands[1]->type.dtype;
    LigLoop rows = {0}, columns = {0};
    lig_loop_begin(c->e, &rows, range_to(c, o->stored.rows, 1), NULL, 0);
    LLVMValueRef row = LLVMBuildAdd(b, first_row, rows.index, "");
    LLVMValueRef last = lig_i64(c->e, o->factor->outputs - 1);
    LLVMValueRef source = lig_kernel_least(c->k, row, last); // rows past the end are computed, never stored
    lig_loop_begin(c->e, &columns, range_to(c, o->factor->depth, 1), NULL, 0);
    LLVMValueRef flat = LLVMBuildAdd(b, scaled(c, source, o->factor->depth), columns.index, "");
    LLVMValueRef value = lig_body_load(c->e, lig_kernel_element(c->k, o->weight, flat, dtype), dtype, 1, NULL);
    lig_emit_store(c->e, value, scratch_address(c, o, columns.index, rows.index), 4);
    lig_loop_end(c->e, &columns, NULL);
    lig_loop_end(c->e, &rows, NULL);
}

// Makes panel `index` readable by the inner loops.
static void open_panel(Contract *c, Operand *o, LLVMValueRef index)
{
    o->panel = scratch_of(c, o);
    if (o->factor->from_rows) {
        gather_panel(c, o, scaled(c, index, o->stored.rows));
        return;
    }
    int64_t bytes = o->factor->depth / o->stored.columns * o->stored.bytes;
    LLVMValueRef panel = lig_emit_offset(c->e, o->weight, scaled(c, index, bytes));
    if (o->factor->widens)
        widen_panel(c, o, panel);
    else
        o->panel = panel;
}

// The register block.

typedef struct Block {
    LLVMValueRef first_row; // of x
    int rows;
    LLVMValueRef panel_row; // of its first vector
    LLVMValueRef column;    // of the result, of lane 0
    LLVMValueRef sums[LIG_CONTRACT_MAX_FACTORS][MAX_SUMS];
} Block;

// Bytes of `columns` columns of x, a multiple of its block.
static int64_t x_bytes(const Operand *o, int64_t columns)
{
    LigDtype dtype = o->factor->linear->operands[0]->type.dtype;
    return columns / lig_dtype_block(dtype) * lig_dtype_block_bytes(dtype);
}

static LigTurn make_turn(const Contract *c, const Operand *o, const Block *block)
{
    int64_t row_bytes = x_bytes(o, o->factor->depth);
    return (LigTurn){.e = c->e,
                     .storage = &o->read,
                     .place = {.pointer = o->panel, .row = block->panel_row},
                     .x = lig_emit_offset(c->e, c->x, scaled(c, block->first_row, row_bytes)),
                     .x_row_bytes = row_bytes,
                     .columns =
                         lig_arithmetic_rule(o->factor->arithmetic)->columns(o->factor, &o->read, c->rows),
                     .rows = block->rows,
                     .vectors = c->vectors};
}

static void accumulate(const Contract *c, const Operand *o, const Block *block, LLVMValueRef *sums)
{
    int count = block->rows * c->vectors;
    LLVMValueRef zero = lig_float_like(lig_lanes(c->e->f32, c->lanes), 0.0);
    LLVMValueRef initial[MAX_SUMS];
    for (int i = 0; i < count; i++) initial[i] = zero;
    LigTurn turn = make_turn(c, o, block);
    LigLoop loop = {0};
    lig_loop_begin(c->e, &loop, range_to(c, o->factor->depth / turn.columns, 1), initial, count);
    for (int i = 0; i < count; i++) sums[i] = loop.carried[i];
    int64_t panel_bytes = turn.columns / o->read.columns * o->read.bytes;
    turn.place.pointer = lig_emit_offset(c->e, o->panel, scaled(c, loop.index, panel_bytes));
    turn.place.step = scaled(c, loop.index, turn.columns / o->read.columns);
    turn.x = lig_emit_offset(c->e, turn.x, scaled(c, loop.index, x_bytes(o, turn.columns)));
    lig_arithmetic_rule(o->factor->arithmetic)->add(&turn, sums);
    lig_loop_end(c->e, &loop, sums);
    for (int i = 0; i < count; i++) sums[i] = loop.carried[i];
}

// Storing.

// The lanes of a vector at `column` that are outputs; NULL when panels are full, so that all are.
static LLVMValueRef output_mask(const Contract *c, LLVMValueRef column)
{
    const LigFactor *factor = c->operands[0].factor;
    if (factor->outputs % factor->panel.layout.n == 0) return NULL;
    LLVMValueRef left = LLVMBuildSub(c->e->builder, lig_i64(c->e, factor->outputs), column, "");
    return lig_emit_tail_mask(c->e, c->lanes, lig_kernel_greatest(c->k, left, lig_i64(c->e, 0)));
}

// Runs the epilogue on the sums and stores what the kernel returns.
static void store_through_body(Contract *c, const Block *block, int row, int vector, LLVMValueRef column)
{
    lig_body_place(&c->body, column, c->lanes, output_mask(c, column));
    for (size_t f = 0; f < c->count; f++) {
        const LigValue *result = c->operands[f].factor->linear->results[0];
        lig_body_seed(&c->body, result, block->sums[f][row * c->vectors + vector]);
    }
    lig_body_store_outputs(&c->body);
}

static LLVMValueRef result_pointer(const Contract *c, const LigValue *result)
{
    size_t index = 0;
    while (c->k->kernel->outputs.data[index] != result) index++;
    return c->k->outputs[index];
}

static LLVMValueRef plain_address(const Contract *c, const Block *block, int row, LLVMValueRef column)
{
    const LigFactor *factor = c->operands[0].factor;
    LLVMValueRef first = scaled(c, plus(c, block->first_row, row), factor->outputs);
    LLVMValueRef flat = LLVMBuildAdd(c->e->builder, first, column, "");
    return lig_kernel_element(c->k, result_pointer(c, factor->linear->results[0]), flat, LIG_F32);
}

static void store_plainly(const Contract *c, const Block *block, int row, int vector, LLVMValueRef column)
{
    LLVMValueRef sum = block->sums[0][row * c->vectors + vector];
    lig_body_save(c->e, sum, plain_address(c, block, row, column), LIG_F32, output_mask(c, column));
}

static void store(Contract *c, const Block *block)
{
    for (int i = 0; i < block->rows; i++) {
        if (c->has_body) lig_body_row(&c->body, plus(c, block->first_row, i));
        for (int v = 0; v < c->vectors; v++) {
            LLVMValueRef column = plus(c, block->column, (int64_t)v * c->lanes);
            if (c->has_body)
                store_through_body(c, block, i, v, column);
            else
                store_plainly(c, block, i, v, column);
        }
    }
}

// Loops over the rows of x, for one panel of each factor.

// Asks for what the epilogue will touch: by the time that the sums are ready nothing would be left to do while
// waiting for it. Measured with 8-bit products and a residual out of cache: 2.3 times the f32 peak without, 2.8 with.
static void prefetch(Contract *c, const Block *block)
{
    for (int i = 0; c->rows > 1 && i < block->rows; i++) {
        if (c->has_body) lig_body_row(&c->body, plus(c, block->first_row, i));
        for (int v = 0; v < c->vectors; v++) {
            LLVMValueRef column = plus(c, block->column, (int64_t)v * c->lanes);
            if (c->has_body) {
                lig_body_place(&c->body, column, c->lanes, NULL);
                lig_body_prefetch(&c->body);
            } else {
                lig_emit_prefetch(c->e, plain_address(c, block, i, column), true);
            }
        }
    }
}

static void emit_block(Contract *c, Block *block)
{
    prefetch(c, block);
    for (size_t f = 0; f < c->count; f++) accumulate(c, &c->operands[f], block, block->sums[f]);
    store(c, block);
}

// The whole panel, block by block, for `rows` rows from `first_row`. A loop, though of a few turns: each copy of its
// body would cost its time to compile.
static void emit_rows(Contract *c, LLVMValueRef first_row, int rows, LLVMValueRef first_column)
{
    int64_t panel_rows = c->operands[0].read.rows, block_rows = (int64_t)c->vectors * c->lanes;
    Block block = {.first_row = first_row, .rows = rows, .panel_row = lig_i64(c->e, 0), .column = first_column};
    if (block_rows == panel_rows) {
        emit_block(c, &block);
        return;
    }
    LigLoop loop = {0};
    lig_loop_begin(c->e, &loop, range_to(c, panel_rows, block_rows), NULL, 0);
    block.panel_row = loop.index;
    block.column = LLVMBuildAdd(c->e->builder, first_column, loop.index, "");
    emit_block(c, &block);
    lig_loop_end(c->e, &loop, NULL);
}

// Rows that full blocks leave over, by halving blocks: 4, 2, 1.
static void emit_row_tail(Contract *c, LLVMValueRef done, LLVMValueRef first_column)
{
    for (int rows = c->rows / 2; rows >= 1; rows /= 2) {
        LLVMValueRef next = plus(c, done, rows);
        LigIf branch;
        lig_if_begin(c->e, &branch, LLVMBuildICmp(c->e->builder, LLVMIntSLE, next, c->m, ""));
        emit_rows(c, done, rows, first_column);
        lig_if_else(c->e, &branch, &next, 1);
        lig_if_end(c->e, &branch, &done, &done);
    }
}

static void emit_panel(Contract *c, LLVMValueRef index)
{
    for (size_t f = 0; f < c->count; f++) open_panel(c, &c->operands[f], index);
    LLVMValueRef first_column = scaled(c, index, c->operands[0].stored.rows);
    LLVMValueRef rows = lig_i64(c->e, c->rows);
    LLVMValueRef full = scaled(c, LLVMBuildSDiv(c->e->builder, c->m, rows, ""), c->rows);
    LigLoop loop = {0};
    lig_loop_begin(c->e, &loop, (LigRange){lig_i64(c->e, 0), full, rows}, NULL, 0);
    emit_rows(c, loop.index, c->rows, first_column);
    lig_loop_end(c->e, &loop, NULL);
    emit_row_tail(c, full, first_column);
}

// The tiles of these factors are numbers first_tile … of the kernel's.
static void emit_tiles(Contract *c, int64_t first_tile, int64_t tile)
{
    int64_t panels = lig_contract_panels(c->operands[0].factor);
    LLVMValueRef zero = lig_i64(c->e, 0), tiles = lig_i64(c->e, (panels + tile - 1) / tile);
    LLVMValueRef begin = lig_kernel_greatest(c->k, plus(c, c->k->tile_begin, -first_tile), zero);
    LLVMValueRef end = lig_kernel_least(c->k, plus(c, c->k->tile_end, -first_tile), tiles);
    LigLoop loop = {0}, inner = {0};
    lig_loop_begin(c->e, &loop, (LigRange){begin, end, lig_i64(c->e, 1)}, NULL, 0);
    LigUnitRange units = lig_kernel_tile_units(c->k, loop.index, tile, lig_i64(c->e, panels));
    lig_loop_begin(c->e, &inner, (LigRange){units.begin, units.end, lig_i64(c->e, 1)}, NULL, 0);
    emit_panel(c, inner.index);
    lig_loop_end(c->e, &inner, NULL);
    lig_loop_end(c->e, &loop, NULL);
}

static Operand make_operand(const LigKernelEmitter *k, const LigFactor *factor)
{
    Operand operand = {.factor = factor, .weight = k->inputs[factor->linear->operands[1]->index]};
    LigType read = factor->panel;
    lig_storage_of(&factor->panel, k->e->target, &operand.stored);
    if (factor->widens) {
        read.dtype = LIG_F32;
        read.layout.k = 1;
    }
    lig_storage_of(&read, k->e->target, &operand.read);
    return operand;
}

static void prepare(LigKernelEmitter *k, const LigFactor *factors, size_t count, Contract *c)
{
    const LigValue *x = factors[0].linear->operands[0];
    const LigAttr *block = lig_attrs_get(k->kernel->attrs, LIG_ATTR_BLOCK);
    *c = (Contract){.k = k,
                    .e = k->e,
                    .count = count,
                    .lanes = lig_target_f32_lanes(k->e->target),
                    .rows = (int)block->value.integers.data[0],
                    .x = k->inputs[x->index]};
    c->vectors = (int)block->value.integers.data[1] / c->lanes;
    c->m = lig_kernel_dims(k, &x->type, 0, x->type.rank - 1);
    for (size_t i = 0; i < count; i++) c->operands[i] = make_operand(k, &factors[i]);
}

LigStatus lig_emit_contract(LigKernelEmitter *k)
{
    LigFactor factors[LIG_CONTRACT_MAX_FACTORS];
    size_t count = lig_contract_factors(k->kernel, factors);
    int64_t tile = lig_attrs_int(k->kernel->attrs, LIG_ATTR_TILE, 1), first_tile = 0;
    Contract c;
    if (lig_contract_shares_columns(factors, count)) {
        prepare(k, factors, count, &c);
        c.has_body = true;
        LIG_TRY(lig_body_create(k, &factors[0].linear->results[0]->type, &c.body));
        emit_tiles(&c, 0, tile);
        return LIG_OK;
    }
    for (size_t i = 0; i < count; i++) {
        prepare(k, &factors[i], 1, &c);
        emit_tiles(&c, first_tile, tile);
        first_tile += (lig_contract_panels(&factors[i]) + tile - 1) / tile;
    }
    return LIG_OK;
}

// Contractions: result[m, n] = sum over k of x[m, k] * weight[n, k], then the elementwise ops behind it.
//
// A tile is a run of weight panels, so a thread reads the weights as one stream. Two schedules, told apart by
// the rows M of x:
//   M = 1    weights are read once, in registers: for each group of columns, dequantise, multiply, add
//   M > 1    a panel that is not plain f32 is first widened to f32 in this thread's scratch (which stays in its
//   L2 cache);
//            then blocks of rows x columns are accumulated in registers over the whole of K, without packing x
// `block` = [rows, columns] is the register block. Each element of the result is one chain of fused
// multiply-adds in ascending k whatever the schedule, so a token's numbers do not depend on how many are
// computed beside it. Bound  M = 1: the bytes of the weights; M > 32: the FMA rate. Figures: BENCHMARKS.md.
// Source  the loop order is that of Goto & van de Geijn 2008 without packing of the left operand.
#include "codegen/body.h"
#include "codegen/classes.h"
#include "codegen/onednn.h"
#include "codegen/storage.h"

enum { MAX_ROWS = 8, MAX_VECTORS = LIG_STORAGE_MAX_VECTORS, PLAIN_UNROLL = 4, PANEL_ROWS = 32 };

typedef struct Contract {
    LigKernelEmitter *k;
    LigEmitter *e;
    const LigOp *linear;
    LigBody body;
    LigType weight;     // in panel layout; rows are brought into it in scratch
    LigStorage storage; // of what the inner loops read
    bool widens;        // a panel is decoded into scratch first
    bool from_rows;     // the weight is row-major
    int64_t depth;      // K
    int64_t outputs;    // N
    int rows, vectors;  // register block
    LLVMValueRef x, w;  // pointers
    LLVMValueRef m;     // rows of x
} Contract;

static bool is_linear(const LigOp *op) { return op->code == LIG_OP_LINEAR; }

static const LigOp *find_linear(const LigFunc *kernel)
{
    for (size_t i = 0; i < kernel->ops.count; i++) {
        if (is_linear(kernel->ops.data[i])) return kernel->ops.data[i];
    }
    return NULL;
}

static int64_t constant_dim(const LigType *type, int axis)
{
    int64_t value = 0;
    return lig_dim_is_const(type->dims[axis], &value) ? value : 0;
}

// Rows of x when they are constant; 0 when they depend on symbols.
static int64_t constant_rows(const LigType *x)
{
    int64_t rows = 1;
    for (int i = 0; i + 1 < x->rank; i++) rows *= constant_dim(x, i);
    return rows;
}

static LigType panel_type(const LigType *weight)
{
    LigType type = *weight;
    if (type.layout.kind == LIG_LAYOUT_PANEL) return type;
    type.dtype = LIG_F32; // what scratch will hold
    type.layout = (LigLayout){.kind = LIG_LAYOUT_PANEL, .n = PANEL_ROWS, .k = 1};
    return type;
}

static LigStatus check(const LigModule *module, const LigFunc *kernel, const LigTarget *target)
{
    const LigOp *linear = find_linear(kernel);
    if (!linear) return lig_kernel_fail(module, kernel, NULL, LIG_ERR_UNSUPPORTED, "has no linear op");
    const LigType *x = &linear->operands[0]->type, *w = &linear->operands[1]->type;
    if (x->dtype != LIG_F32 || linear->results[0]->type.dtype != LIG_F32) {
        return lig_kernel_fail(module, kernel, linear, LIG_ERR_UNSUPPORTED,
                               "only f32 activations are compiled: cast x to f32, or use --interpret");
    }
    if (linear->operands[0]->kind != LIG_VALUE_INPUT || linear->operands[1]->kind != LIG_VALUE_INPUT) {
        return lig_kernel_fail(module, kernel, linear, LIG_ERR_UNSUPPORTED,
                               "operands must be inputs of the kernel");
    }
    LigStorage storage;
    LigType panel = panel_type(w);
    bool plain = w->dtype == LIG_F32 || w->dtype == LIG_F16 || w->dtype == LIG_BF16;
    bool readable = lig_storage_of(&panel, target, &storage) && (w->layout.kind == LIG_LAYOUT_PANEL || plain);
    if (!readable || constant_dim(w, 0) < 1 || constant_dim(w, 1) < 1) {
        return lig_kernel_fail(module, kernel, linear, LIG_ERR_UNSUPPORTED,
                               "the weight must have constant dims, and be packed unless it is f32, f16 or "
                               "bf16: run the pack pass, "
                               "or use --interpret");
    }
    return lig_body_check(module, kernel, &linear->results[0]->type, is_linear);
}

static bool needs_scratch(const LigOp *linear)
{
    const LigType *w = &linear->operands[1]->type;
    bool reads_in_place = w->layout.kind == LIG_LAYOUT_PANEL &&
                          (w->dtype == LIG_F32 || constant_rows(&linear->operands[0]->type) == 1);
    return !reads_in_place;
}

// The widest block of accumulators that leaves registers for the weights and one value of x.
static void default_block(const LigTarget *target, int64_t rows, int64_t block[2])
{
    int lanes = lig_target_f32_lanes(target);
    bool wide = target->vector_registers >= 32;
    block[0] = rows == 1 ? 1 : wide ? 8 : 4;
    block[1] = rows == 1 || wide ? PANEL_ROWS : 2 * lanes;
}

// Blocks of rows halve down to 1, and vectors divide a panel.
static LigStatus check_block(const LigScheduling *s)
{
    const LigAttr *block = lig_attrs_get(s->kernel->attrs, LIG_ATTR_BLOCK);
    int lanes = lig_target_f32_lanes(s->options->target);
    bool pair = block->value.integers.count == 2;
    int64_t rows = pair ? block->value.integers.data[0] : 0, columns = pair ? block->value.integers.data[1] : 0;
    bool rows_fit = rows >= 1 && rows <= MAX_ROWS && (rows & (rows - 1)) == 0;
    bool columns_fit = columns > 0 && columns >= lanes && columns % lanes == 0 && PANEL_ROWS % columns == 0;
    if (rows_fit && columns_fit) return LIG_OK;
    return lig_kernel_fail(s->module, s->kernel, NULL, LIG_ERR_INVALID,
                           "block must be [rows, columns]: rows 1, 2, 4 or 8, columns a multiple of the "
                           "target's lanes that divides 32");
}

// oneDNN takes a lone contraction over f32 rows.
static bool goes_to_onednn(const LigScheduling *s, const LigOp *linear)
{
    LigStr given = lig_attrs_name(s->kernel->attrs, LIG_ATTR_PROVIDER, (LigStr){0});
    const LigType *weight = &linear->operands[1]->type;
    bool fits = s->kernel->ops.count == 1 && weight->dtype == LIG_F32 && weight->layout.kind == LIG_LAYOUT_ROWS;
    return fits && (given.length ? lig_str_is(given, "onednn") : s->options->onednn);
}

static LigStatus schedule_onednn(LigScheduling *s, const LigOp *linear)
{
    LigOnednn *contraction;
    LIG_TRY(lig_onednn_create(s->module->ctx, &linear->operands[0]->type, &linear->operands[1]->type,
                              &contraction));
    size_t scratch = lig_onednn_scratch_bytes(contraction);
    lig_onednn_destroy(contraction);
    LigAttr provider = {.key = LIG_ATTR_PROVIDER, .value.name = LIG_STR("onednn")};
    if (!lig_attrs_set(s->module->arena, &s->kernel->attrs, provider)) return lig_no_memory(s->module->ctx);
    return lig_schedule_int(s, LIG_ATTR_SCRATCH, (int64_t)scratch);
}

LigStatus lig_schedule_contract(LigScheduling *s)
{
    LIG_TRY(check(s->module, s->kernel, s->options->target));
    const LigOp *linear = find_linear(s->kernel);
    if (goes_to_onednn(s, linear)) return schedule_onednn(s, linear);
    if (!lig_attrs_get(s->kernel->attrs, LIG_ATTR_BLOCK)) {
        int64_t block[2];
        default_block(s->options->target, constant_rows(&linear->operands[0]->type), block);
        const int64_t *data = lig_arena_copy(s->module->arena, block, sizeof block);
        LigAttr attr = {.key = LIG_ATTR_BLOCK, .value.integers = {data, 2}};
        if (!data || !lig_attrs_set(s->module->arena, &s->kernel->attrs, attr))
            return lig_no_memory(s->module->ctx);
    }
    LIG_TRY(check_block(s));
    LIG_TRY(lig_schedule_int(s, LIG_ATTR_TILE, 1));
    int64_t panel_bytes =
        constant_dim(&linear->operands[1]->type, 1) * panel_type(&linear->operands[1]->type).layout.n * 4;
    return needs_scratch(linear) ? lig_schedule_int(s, LIG_ATTR_SCRATCH, panel_bytes) : LIG_OK;
}

LigDim lig_tiles_contract(const LigModule *module, const LigFunc *kernel)
{
    const LigType *weight = &find_linear(kernel)->operands[1]->type;
    if (lig_str_is(lig_attrs_name(kernel->attrs, LIG_ATTR_PROVIDER, (LigStr){0}), "onednn")) {
        return lig_dim_ceildiv(module->dims, weight->dims[0], LIG_ONEDNN_COLUMNS);
    }
    int64_t panel = panel_type(weight).layout.n * lig_attrs_int(kernel->attrs, LIG_ATTR_TILE, 1);
    return lig_dim_ceildiv(module->dims, weight->dims[0], panel);
}

// Widening a panel into scratch: [K][n] f32.

static LLVMValueRef scratch_address(const Contract *c, LLVMValueRef column, int within, int vector)
{
    int64_t row_bytes = (int64_t)c->weight.layout.n * 4;
    LLVMValueRef bytes = LLVMBuildMul(c->e->builder, column, lig_i64(c->e, row_bytes), "");
    LLVMValueRef row = lig_emit_offset(c->e, c->k->scratch, bytes);
    return lig_emit_offset_by(c->e, row, within * row_bytes + (int64_t)vector * c->storage.lanes * 4);
}

static void widen_panel(Contract *c, const LigStorage *stored, LLVMValueRef panel)
{
    LigLoop loop = {0};
    LigRange range = {lig_i64(c->e, 0), lig_i64(c->e, c->depth / stored->columns), lig_i64(c->e, 1)};
    lig_loop_begin(c->e, &loop, range, NULL, 0);
    LLVMValueRef bytes = LLVMBuildMul(c->e->builder, loop.index, lig_i64(c->e, stored->bytes), "");
    LLVMValueRef column = LLVMBuildMul(c->e->builder, loop.index, lig_i64(c->e, stored->columns), "");
    LigStorageGroup group;
    lig_storage_open(&group, stored, lig_emit_offset(c->e, panel, bytes));
    for (int i = 0; i < stored->columns; i++) {
        for (int v = 0; v < stored->rows / stored->lanes; v++) {
            lig_emit_store(c->e, lig_storage_vector(c->e, &group, i, v), scratch_address(c, column, i, v), 4);
        }
    }
    lig_loop_end(c->e, &loop, NULL);
}

// Row-major weights: element by element into the form a panel has. For weights that no pass could pack.
static void gather_panel(Contract *c, LLVMValueRef first_row)
{
    LLVMBuilderRef b = c->e->builder;
    const LigType *type = &c->linear->operands[1]->type;
    int64_t size = lig_dtype_block_bytes(type->dtype);
    LigLoop rows = {0}, columns = {0};
    lig_loop_begin(c->e, &rows,
                   (LigRange){lig_i64(c->e, 0), lig_i64(c->e, c->weight.layout.n), lig_i64(c->e, 1)}, NULL, 0);
    LLVMValueRef row = LLVMBuildAdd(b, first_row, rows.index, "");
    LLVMValueRef last = lig_i64(c->e, c->outputs - 1);
    LLVMValueRef inside = LLVMBuildICmp(b, LLVMIntSLE, row, last, "");
    LLVMValueRef source =
        LLVMBuildSelect(b, inside, row, last, ""); // rows past the end are computed, never stored
    lig_loop_begin(c->e, &columns, (LigRange){lig_i64(c->e, 0), lig_i64(c->e, c->depth), lig_i64(c->e, 1)},
                   NULL, 0);
    LLVMValueRef flat =
        LLVMBuildAdd(b, LLVMBuildMul(b, source, lig_i64(c->e, c->depth), ""), columns.index, "");
    LLVMValueRef address = lig_emit_offset(c->e, c->w, LLVMBuildMul(b, flat, lig_i64(c->e, size), ""));
    LLVMValueRef value = lig_body_load(c->e, address, type->dtype, 1, NULL);
    LLVMValueRef lane = LLVMBuildMul(b, rows.index, lig_i64(c->e, 4), "");
    lig_emit_store(c->e, value, lig_emit_offset(c->e, scratch_address(c, columns.index, 0, 0), lane), 4);
    lig_loop_end(c->e, &columns, NULL);
    lig_loop_end(c->e, &rows, NULL);
}

// The register block.

typedef struct Block {
    LLVMValueRef first_row;    // of x
    int rows, vectors, vector; // `vector`: the first one of the panel
    LLVMValueRef x_rows[MAX_ROWS];
    LLVMValueRef panel;  // pointer to what the inner loop reads
    LLVMValueRef column; // of the result, of lane 0
    LLVMValueRef sums[MAX_ROWS * MAX_VECTORS];
} Block;

static void find_x_rows(const Contract *c, Block *block)
{
    LLVMBuilderRef b = c->e->builder;
    for (int i = 0; i < block->rows; i++) {
        LLVMValueRef row = LLVMBuildAdd(b, block->first_row, lig_i64(c->e, i), "");
        block->x_rows[i] = lig_emit_offset(c->e, c->x, LLVMBuildMul(b, row, lig_i64(c->e, c->depth * 4), ""));
    }
}

// One column k = column + within: adds x[., k] * weight[., k] to every sum.
static void multiply_column(const Contract *c, Block *block, LigStorageGroup *group, int in_group,
                            LLVMValueRef x_bytes, int within)
{
    LLVMValueRef weights[MAX_VECTORS];
    for (int v = 0; v < block->vectors; v++)
        weights[v] = lig_storage_vector(c->e, group, in_group, block->vector + v);
    for (int i = 0; i < block->rows; i++) {
        LLVMValueRef address =
            lig_emit_offset_by(c->e, lig_emit_offset(c->e, block->x_rows[i], x_bytes), within * 4);
        LLVMValueRef x = lig_emit_splat(c->e, lig_emit_load(c->e, c->e->f32, address, 4), c->storage.lanes);
        for (int v = 0; v < block->vectors; v++) {
            LLVMValueRef *sum = &block->sums[i * block->vectors + v];
            *sum = lig_emit_fma(c->e, x, weights[v], *sum);
        }
    }
}

// Columns computed per turn of the K loop: a quantised group, or a few plain columns.
static int64_t columns_per_turn(const Contract *c)
{
    if (c->storage.columns > 1) return c->storage.columns;
    return c->rows == 1 && c->depth % PLAIN_UNROLL == 0 ? PLAIN_UNROLL : 1;
}

static void accumulate(const Contract *c, Block *block)
{
    LLVMBuilderRef b = c->e->builder;
    int count = block->rows * block->vectors;
    LLVMValueRef zero = lig_float_like(lig_lanes(c->e->f32, c->storage.lanes), 0.0);
    LLVMValueRef initial[MAX_ROWS * MAX_VECTORS];
    for (int i = 0; i < count; i++) initial[i] = zero;
    int64_t turn = columns_per_turn(c);
    LigLoop loop = {0};
    lig_loop_begin(c->e, &loop, (LigRange){lig_i64(c->e, 0), lig_i64(c->e, c->depth), lig_i64(c->e, turn)},
                   initial, count);
    for (int i = 0; i < count; i++) block->sums[i] = loop.carried[i];
    int64_t column_bytes = c->storage.bytes / c->storage.columns;
    LLVMValueRef at =
        lig_emit_offset(c->e, block->panel, LLVMBuildMul(b, loop.index, lig_i64(c->e, column_bytes), ""));
    LLVMValueRef x_bytes = LLVMBuildMul(b, loop.index, lig_i64(c->e, 4), "");
    LigStorageGroup group;
    for (int i = 0; i < turn; i++) {
        int in_group = i % c->storage.columns;
        if (in_group == 0) {
            lig_storage_open(&group, &c->storage,
                             lig_emit_offset_by(c->e, at, i / c->storage.columns * c->storage.bytes));
        }
        multiply_column(c, block, &group, in_group, x_bytes, i);
    }
    lig_loop_end(c->e, &loop, block->sums);
    for (int i = 0; i < count; i++) block->sums[i] = loop.carried[i];
}

// Runs the epilogue on the sums and stores the results; lanes past the last output are masked where there are
// any.
static void store(Contract *c, const Block *block)
{
    LLVMBuilderRef b = c->e->builder;
    bool ragged = c->outputs % c->weight.layout.n != 0;
    for (int i = 0; i < block->rows; i++) {
        lig_body_row(&c->body, LLVMBuildAdd(b, block->first_row, lig_i64(c->e, i), ""));
        for (int v = 0; v < block->vectors; v++) {
            LLVMValueRef column =
                LLVMBuildAdd(b, block->column, lig_i64(c->e, (int64_t)v * c->storage.lanes), "");
            LLVMValueRef left = LLVMBuildSub(b, lig_i64(c->e, c->outputs), column, "");
            LLVMValueRef none = LLVMBuildICmp(b, LLVMIntSLT, left, lig_i64(c->e, 0), "");
            left = LLVMBuildSelect(b, none, lig_i64(c->e, 0), left, "");
            LLVMValueRef mask = ragged ? lig_emit_tail_mask(c->e, c->storage.lanes, left) : NULL;
            lig_body_place(&c->body, column, c->storage.lanes, mask);
            lig_body_seed(&c->body, c->linear->results[0], block->sums[i * block->vectors + v]);
            lig_body_store_outputs(&c->body);
        }
    }
}

static void emit_block(Contract *c, LLVMValueRef first_row, int rows, LLVMValueRef panel,
                       LLVMValueRef first_column, int vector)
{
    LLVMValueRef column =
        LLVMBuildAdd(c->e->builder, first_column, lig_i64(c->e, (int64_t)vector * c->storage.lanes), "");
    Block block = {.first_row = first_row,
                   .rows = rows,
                   .vectors = c->vectors,
                   .vector = vector,
                   .panel = panel,
                   .column = column};
    find_x_rows(c, &block);
    accumulate(c, &block);
    store(c, &block);
}

// All vectors of the panel for `rows` rows from `first_row`.
static void emit_rows(Contract *c, LLVMValueRef first_row, int rows, LLVMValueRef panel,
                      LLVMValueRef first_column)
{
    int vectors = c->storage.rows / c->storage.lanes;
    for (int v = 0; v < vectors; v += c->vectors) emit_block(c, first_row, rows, panel, first_column, v);
}

// Rows that full blocks leave over, by halving blocks: 4, 2, 1.
static void emit_row_tail(Contract *c, LLVMValueRef done, LLVMValueRef panel, LLVMValueRef first_column)
{
    LLVMBuilderRef b = c->e->builder;
    for (int rows = c->rows / 2; rows >= 1; rows /= 2) {
        LLVMValueRef next = LLVMBuildAdd(b, done, lig_i64(c->e, rows), "");
        LigIf branch;
        lig_if_begin(c->e, &branch, LLVMBuildICmp(b, LLVMIntSLE, next, c->m, ""));
        emit_rows(c, done, rows, panel, first_column);
        lig_if_else(c->e, &branch, &next, 1);
        lig_if_end(c->e, &branch, &done, &done);
    }
}

static void emit_all_rows(Contract *c, LLVMValueRef panel, LLVMValueRef first_column)
{
    LLVMBuilderRef b = c->e->builder;
    LLVMValueRef rows = lig_i64(c->e, c->rows);
    LLVMValueRef full = LLVMBuildMul(b, LLVMBuildSDiv(b, c->m, rows, ""), rows, "");
    LigLoop loop = {0};
    lig_loop_begin(c->e, &loop, (LigRange){lig_i64(c->e, 0), full, rows}, NULL, 0);
    emit_rows(c, loop.index, c->rows, panel, first_column);
    lig_loop_end(c->e, &loop, NULL);
    emit_row_tail(c, full, panel, first_column);
}

static void emit_panel(Contract *c, const LigStorage *stored, LLVMValueRef index)
{
    LLVMBuilderRef b = c->e->builder;
    LLVMValueRef first_column = LLVMBuildMul(b, index, lig_i64(c->e, c->weight.layout.n), "");
    LLVMValueRef panel = c->k->scratch;
    if (c->from_rows) {
        gather_panel(c, first_column);
    } else {
        int64_t panel_bytes = c->depth / stored->columns * stored->bytes;
        panel = lig_emit_offset(c->e, c->w, LLVMBuildMul(b, index, lig_i64(c->e, panel_bytes), ""));
        if (c->widens) {
            widen_panel(c, stored, panel);
            panel = c->k->scratch;
        }
    }
    emit_all_rows(c, panel, first_column);
}

static LigStatus prepare(LigKernelEmitter *k, Contract *c, LigStorage *stored)
{
    *c = (Contract){.k = k, .e = k->e, .linear = find_linear(k->kernel)};
    LIG_ASSERT(c->linear); // the class's check
    const LigType *x = &c->linear->operands[0]->type, *w = &c->linear->operands[1]->type;
    c->weight = panel_type(w);
    c->from_rows = w->layout.kind != LIG_LAYOUT_PANEL;
    c->widens = !c->from_rows && needs_scratch(c->linear);
    c->depth = constant_dim(w, 1);
    c->outputs = constant_dim(w, 0);
    lig_storage_of(&c->weight, k->e->target, stored);
    LigType read = c->weight;
    if (c->widens) {
        read.dtype = LIG_F32;
        read.layout.k = 1;
    }
    lig_storage_of(&read, k->e->target, &c->storage);
    const LigAttr *block = lig_attrs_get(k->kernel->attrs, LIG_ATTR_BLOCK);
    c->rows = (int)block->value.integers.data[0];
    c->vectors = (int)block->value.integers.data[1] / c->storage.lanes;
    c->x = k->inputs[c->linear->operands[0]->index];
    c->w = k->inputs[c->linear->operands[1]->index];
    c->m = lig_kernel_dims(k, x, 0, x->rank - 1);
    return lig_body_create(k, &c->linear->results[0]->type, &c->body);
}

LigStatus lig_emit_contract(LigKernelEmitter *k)
{
    Contract c;
    LigStorage stored;
    LIG_TRY(prepare(k, &c, &stored));
    int64_t tile = lig_attrs_int(k->kernel->attrs, LIG_ATTR_TILE, 1);
    int64_t panels = (c.outputs + c.weight.layout.n - 1) / c.weight.layout.n;
    LigTileLoop tiles = lig_kernel_tiles_begin(k);
    LigUnitRange range = lig_kernel_tile_units(k, tiles.tile, tile, lig_i64(k->e, panels));
    LigLoop loop = {0};
    lig_loop_begin(k->e, &loop, (LigRange){range.begin, range.end, lig_i64(k->e, 1)}, NULL, 0);
    emit_panel(&c, &stored, loop.index);
    lig_loop_end(k->e, &loop, NULL);
    lig_kernel_tiles_end(k, &tiles);
    return LIG_OK;
}

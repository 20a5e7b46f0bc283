// Kernels along rows: norms, softmax, rope and quantize with elementwise producers and consumers.
//
// One row at a time. Each reducing op passes over the row first, in text order, for its statistics (a vector of
// partial sums, lane i taking columns i, i + lanes, …, then halved); what is under it is computed anew in each
// pass. The last pass stores the outputs, quantised ones a block at a time. So nothing of a row depends on the
// rows beside it.
#include "codegen/emit_row.h"

#include "codegen/math.h"

enum { TILE_ELEMENTS = 16384 };

static bool takes(const LigOp *op)
{
    const LigOpInfo *info = lig_op_info(op->code);
    return info->class == LIG_OPS_ROW && info->lowering.kind == LIG_LOWER_CLASS;
}

// The first row op: its result's shape is the kernel's space.
static const LigOp *first_row_op(const LigFunc *kernel)
{
    for (size_t i = 0; i < kernel->ops.count; i++)
        if (takes(kernel->ops.data[i])) return kernel->ops.data[i];
    return NULL;
}

// Quantised values are results, never read again in the kernel; beside them rows are walked by whole blocks.
static LigStatus check_quantize(const LigModule *module, const LigFunc *kernel, const LigOp *op)
{
    size_t stored = 0;
    for (size_t i = 0; i < kernel->outputs.count; i++) stored += kernel->outputs.data[i] == op->results[0];
    bool fits = stored == 1 && kernel->outputs.count <= LIG_ROW_MAX_OUTPUTS && lig_rope_count(kernel) == 0;
    if (fits && op->operands[0]->type.dtype != LIG_F64) return LIG_OK;
    return lig_kernel_fail(module, kernel, op, LIG_ERR_UNSUPPORTED,
                           "its result must be one of at most 8 results of the kernel, its operand no f64, and "
                           "rope elsewhere");
}

static LigStatus check_row_op(const LigModule *module, const LigFunc *kernel, const LigType *space,
                              const LigOp *op)
{
    const LigType *type = &op->results[0]->type;
    bool same_rows =
        lig_body_same_count(module, type, space) &&
        lig_dim_equal(module->dims, type->dims[type->rank - 1], space->dims[space->rank - 1]) == LIG_YES;
    if (!same_rows)
        return lig_kernel_fail(
            module, kernel, op, LIG_ERR_UNSUPPORTED,
            "its rows differ from those of the kernel's first row op: they need two kernels");
    if (type->dtype == LIG_F64)
        return lig_kernel_fail(module, kernel, op, LIG_ERR_UNSUPPORTED,
                               "no generated code over f64: cast to f32");
    size_t last = op->code == LIG_OP_ROPE ? 1 : op->operand_count;
    for (size_t i = 0; i < last; i++) {
        const LigValue *operand = op->operands[i];
        if (lig_body_is_leaf(operand) && !lig_body_fits(module, kernel, space, operand))
            return lig_kernel_fail(module, kernel, op, LIG_ERR_UNSUPPORTED,
                                   "an operand neither has the kernel's shape nor broadcasts into it");
    }
    if (op->code == LIG_OP_QUANTIZE) return check_quantize(module, kernel, op);
    return op->code == LIG_OP_ROPE ? lig_rope_check(module, kernel, op) : LIG_OK;
}

static LigStatus check_row_ops(const LigModule *module, const LigFunc *kernel, const LigType *space)
{
    for (size_t i = 0; i < kernel->ops.count; i++) {
        if (takes(kernel->ops.data[i])) LIG_TRY(check_row_op(module, kernel, space, kernel->ops.data[i]));
    }
    return LIG_OK;
}

// How many rows of the space a unit of work has: with rope all rows of a token, which share their angles.
static LigDim rows_of_unit(const LigModule *module, const LigFunc *kernel, const LigType *space)
{
    if (lig_rope_count(kernel) == 0) return lig_dim_const(module->dims, 1);
    return lig_schedule_count(module, space, 1, space->rank - 1);
}

static LigDim count_units(const LigModule *module, const LigFunc *kernel, const LigType *space)
{
    if (lig_rope_count(kernel) > 0) return space->dims[0];
    return lig_schedule_count(module, space, 0, space->rank - 1);
}

LigStatus lig_schedule_row(LigScheduling *scheduling)
{
    const LigModule *module = scheduling->module;
    LigFunc *kernel = scheduling->kernel;
    const LigOp *first = first_row_op(kernel);
    if (first == NULL)
        return lig_kernel_fail(module, kernel, NULL, LIG_ERR_UNSUPPORTED,
                               "no norm, softmax, rope or quantize in it: make it class=elementwise");
    const LigType *space = &first->results[0]->type;
    LIG_TRY(lig_body_check(module, kernel, space, takes));
    LIG_TRY(check_row_ops(module, kernel, space));
    int64_t low, high, rows = lig_schedule_rows(module, space, TILE_ELEMENTS);
    LigDim per_unit = rows_of_unit(module, kernel, space);
    if (per_unit == NULL) return lig_no_memory(module->ctx);
    lig_dim_range(module->dims, per_unit, &low, &high);
    LIG_TRY(lig_schedule_int(scheduling, LIG_ATTR_TILE, high > 0 && high < rows ? rows / high : 1));
    int64_t scratch = lig_rope_scratch(kernel, scheduling->options->target);
    return scratch > 0 ? lig_schedule_int(scheduling, LIG_ATTR_SCRATCH, scratch) : LIG_OK;
}

LigDim lig_tiles_row(const LigModule *module, const LigFunc *kernel)
{
    const LigType *space = &first_row_op(kernel)->results[0]->type;
    return lig_dim_ceildiv(module->dims, count_units(module, kernel, space), lig_kernel_tile(kernel));
}

static LLVMValueRef lanes_of(LigRow *row, LLVMValueRef scalar)
{
    return lig_emit_splat(row->body.k->e, scalar, row->lanes);
}

// `vector` with `other` in the lanes outside the row.
static LLVMValueRef keep_inside(LigRow *row, LLVMValueRef vector, double other)
{
    if (row->body.mask == NULL) return vector;
    LLVMValueRef outside = lig_float_like(LLVMTypeOf(vector), other);
    return LLVMBuildSelect(row->body.k->e->builder, row->body.mask, vector, outside, "");
}

// One pass of a reducing op over its operand.
typedef struct Pass {
    LigRow *row;
    const LigOp *op;
    enum { PASS_SUM, PASS_SQUARES, PASS_SPREAD, PASS_MAX, PASS_EXP } kind;
    LLVMValueRef center; // splat, of SPREAD (the mean) and EXP (the maximum)
} Pass;

static LLVMValueRef reduce_vector(const Pass *pass, LLVMValueRef x, LLVMValueRef sum)
{
    LigRow *row = pass->row;
    LigEmitter *e = row->body.k->e;
    switch (pass->kind) {
    case PASS_SUM:
        return LLVMBuildFAdd(e->builder, sum, keep_inside(row, x, 0), "");
    case PASS_MAX:
        return lig_emit_max(e, keep_inside(row, x, -__builtin_inf()), sum);
    case PASS_SQUARES:
        break;
    case PASS_SPREAD:
        x = LLVMBuildFSub(e->builder, x, pass->center, "");
        break;
    case PASS_EXP:
        x = lig_emit_exp(e, LLVMBuildFSub(e->builder, x, pass->center, ""));
        return LLVMBuildFAdd(e->builder, sum, keep_inside(row, x, 0), "");
    }
    x = keep_inside(row, x, 0);
    return lig_emit_fma(e, x, x, sum);
}

static void reduce_step(void *user, LLVMValueRef column, LLVMValueRef mask, LLVMValueRef *carried)
{
    Pass *pass = user;
    lig_body_place(&pass->row->body, column, pass->row->lanes, mask);
    carried[0] = reduce_vector(pass, lig_body_value(&pass->row->body, pass->op->operands[0]), carried[0]);
}

// The statistic of a pass as a scalar.
static LLVMValueRef reduce(Pass pass)
{
    LigRow *row = pass.row;
    LigEmitter *e = row->body.k->e;
    bool is_max = pass.kind == PASS_MAX;
    LLVMTypeRef type = lig_lanes(e->f32, row->lanes);
    LLVMValueRef carried = lig_float_like(type, is_max ? -__builtin_inf() : 0.0);
    LigVectorBody body = {.step = reduce_step, .user = &pass, .carried = &carried, .count = 1};
    lig_kernel_each_vector(row->body.k, row->body.columns, row->lanes, body);
    return is_max ? lig_emit_max_lanes(e, carried) : lig_emit_sum_lanes(e, carried);
}

// 1 / sqrt(sum / columns + eps)
static LLVMValueRef inverse_deviation(LigRow *row, const LigOp *op, LLVMValueRef sum)
{
    LigEmitter *e = row->body.k->e;
    LLVMValueRef count = LLVMBuildSIToFP(e->builder, row->body.columns, e->f32, "");
    LLVMValueRef mean = LLVMBuildFDiv(e->builder, sum, count, "");
    LLVMValueRef eps = lig_float_like(e->f32, lig_attrs_float(op->attrs, LIG_ATTR_EPS, 0));
    return lig_emit_rsqrt(e, LLVMBuildFAdd(e->builder, mean, eps, ""));
}

static void measure_rms_norm(LigRow *row, const LigOp *op, LigRowStats *stats)
{
    LLVMValueRef squares = reduce((Pass){.row = row, .op = op, .kind = PASS_SQUARES});
    stats->factor = lanes_of(row, inverse_deviation(row, op, squares));
}

static void measure_layer_norm(LigRow *row, const LigOp *op, LigRowStats *stats)
{
    LigEmitter *e = row->body.k->e;
    LLVMValueRef count = LLVMBuildSIToFP(e->builder, row->body.columns, e->f32, "");
    LLVMValueRef sum = reduce((Pass){.row = row, .op = op, .kind = PASS_SUM});
    stats->center = lanes_of(row, LLVMBuildFDiv(e->builder, sum, count, ""));
    LLVMValueRef squares = reduce((Pass){row, op, PASS_SPREAD, stats->center});
    stats->factor = lanes_of(row, inverse_deviation(row, op, squares));
}

static void measure_softmax(LigRow *row, const LigOp *op, LigRowStats *stats)
{
    LigEmitter *e = row->body.k->e;
    LLVMValueRef most = reduce((Pass){.row = row, .op = op, .kind = PASS_MAX});
    stats->center = lanes_of(row, most);
    LLVMValueRef sum = reduce((Pass){row, op, PASS_EXP, stats->center});
    stats->factor = lanes_of(row, LLVMBuildFDiv(e->builder, lig_f32(e, 1), sum, ""));
    LLVMValueRef nothing = lig_float_like(e->f32, -__builtin_inf());
    stats->is_empty = LLVMBuildFCmp(e->builder, LLVMRealOEQ, most, nothing, "");
}

static void measure(LigRow *row, const LigOp *op)
{
    LigRowStats *stats = &row->stats[op->results[0]->id];
    if (op->code == LIG_OP_RMS_NORM) measure_rms_norm(row, op, stats);
    if (op->code == LIG_OP_LAYER_NORM) measure_layer_norm(row, op, stats);
    if (op->code == LIG_OP_SOFTMAX) measure_softmax(row, op, stats);
}

static LLVMValueRef apply_rms_norm(LigRow *row, const LigOp *op, const LigRowStats *stats)
{
    LigEmitter *e = row->body.k->e;
    LLVMValueRef x = lig_body_value(&row->body, op->operands[0]);
    LLVMValueRef weight = lig_body_value(&row->body, op->operands[1]);
    if (lig_attrs_flag(op->attrs, LIG_ATTR_UNIT_OFFSET))
        weight = LLVMBuildFAdd(e->builder, weight, lig_float_like(LLVMTypeOf(weight), 1), "");
    return LLVMBuildFMul(e->builder, LLVMBuildFMul(e->builder, x, stats->factor, ""), weight, "");
}

static LLVMValueRef apply_layer_norm(LigRow *row, const LigOp *op, const LigRowStats *stats)
{
    LigEmitter *e = row->body.k->e;
    LLVMValueRef x = lig_body_value(&row->body, op->operands[0]);
    LLVMValueRef weight = lig_body_value(&row->body, op->operands[1]);
    LLVMValueRef unit = LLVMBuildFSub(e->builder, x, stats->center, "");
    unit = LLVMBuildFMul(e->builder, unit, stats->factor, "");
    if (op->operand_count == 2) return LLVMBuildFMul(e->builder, unit, weight, "");
    return lig_emit_fma(e, unit, weight, lig_body_value(&row->body, op->operands[2]));
}

static LLVMValueRef apply_softmax(LigRow *row, const LigOp *op, const LigRowStats *stats)
{
    LigEmitter *e = row->body.k->e;
    LLVMValueRef x = lig_body_value(&row->body, op->operands[0]);
    LLVMValueRef power = lig_emit_exp(e, LLVMBuildFSub(e->builder, x, stats->center, ""));
    LLVMValueRef share = LLVMBuildFMul(e->builder, power, stats->factor, "");
    if (!lig_str_is(lig_attrs_name(op->attrs, LIG_ATTR_EMPTY, LIG_STR("nan")), "zero")) return share;
    return LLVMBuildSelect(e->builder, stats->is_empty, LLVMConstNull(LLVMTypeOf(share)), share, "");
}

// The body asks for the results of row ops.
static LLVMValueRef row_value(LigBody *body, const LigValue *value, void *user)
{
    LigRow *row = user;
    const LigOp *op = value->op;
    const LigRowStats *stats = &row->stats[value->id];
    LLVMValueRef vector;
    if (op->code == LIG_OP_ROPE)
        vector = lig_rope_value(row, op);
    else if (op->code == LIG_OP_RMS_NORM)
        vector = apply_rms_norm(row, op, stats);
    else if (op->code == LIG_OP_LAYER_NORM)
        vector = apply_layer_norm(row, op, stats);
    else
        vector = apply_softmax(row, op, stats);
    return lig_body_round(body->k->e, vector, value->type.dtype);
}

static void store_step(void *user, LLVMValueRef column, LLVMValueRef mask, LLVMValueRef *carried)
{
    (void)carried;
    LigRow *row = user;
    lig_body_place(&row->body, column, row->lanes, mask);
    lig_body_store_outputs(&row->body);
}

// Stores a vector of the plain outputs, and leaves what the quantised ones are made of in x[output]. All values
// first, as in lig_body_store_outputs.
static void store_plain(LigRow *row, LLVMValueRef x[][LIG_ROW_BLOCK_VECTORS], int vector)
{
    const LigFunc *kernel = row->body.k->kernel;
    for (size_t i = 0; i < kernel->outputs.count; i++) {
        const LigValue *output = kernel->outputs.data[i];
        bool is_quantised = output->type.dtype == LIG_Q8A;
        x[i][vector] = lig_body_value(&row->body, is_quantised ? output->op->operands[0] : output);
    }
    for (size_t i = 0; i < kernel->outputs.count; i++) {
        if (kernel->outputs.data[i]->type.dtype != LIG_Q8A) lig_body_store_output(&row->body, i);
    }
}

// The columns of a quantised block, of all outputs.
static void store_block(void *user, LLVMValueRef column, LLVMValueRef mask, LLVMValueRef *carried)
{
    (void)mask, (void)carried;
    LigRow *row = user;
    LigEmitter *e = row->body.k->e;
    const LigFunc *kernel = row->body.k->kernel;
    LLVMValueRef x[LIG_ROW_MAX_OUTPUTS][LIG_ROW_BLOCK_VECTORS];
    for (int v = 0; v < lig_quantize_vectors(row); v++) {
        LLVMValueRef at = LLVMBuildAdd(e->builder, column, lig_i64(e, (int64_t)v * row->lanes), "");
        lig_body_place(&row->body, at, row->lanes, NULL);
        store_plain(row, x, v);
    }
    for (size_t i = 0; i < kernel->outputs.count; i++) {
        if (kernel->outputs.data[i]->type.dtype == LIG_Q8A) lig_quantize_store(row, i, column, x[i]);
    }
}

static void emit_one_row(LigRow *row, LLVMValueRef index)
{
    LigKernelEmitter *k = row->body.k;
    lig_body_row(&row->body, index);
    for (size_t i = 0; i < k->kernel->ops.count; i++) measure(row, k->kernel->ops.data[i]);
    bool in_blocks = lig_quantize_has_results(k->kernel);
    int columns = in_blocks ? row->lanes * lig_quantize_vectors(row) : row->lanes;
    LigVectorBody body = {.step = in_blocks ? store_block : store_step, .user = row};
    lig_kernel_each_vector(k, row->body.columns, columns, body);
}

static void emit_unit(LigRow *row, LLVMValueRef unit, LLVMValueRef rows_per_unit)
{
    LigEmitter *e = row->body.k->e;
    lig_rope_tables(row, unit);
    LLVMValueRef first = LLVMBuildMul(e->builder, unit, rows_per_unit, "");
    LigRange range = {first, LLVMBuildAdd(e->builder, first, rows_per_unit, ""), lig_i64(e, 1)};
    LigLoop rows;
    lig_loop_begin(e, &rows, range, NULL, 0);
    emit_one_row(row, rows.index);
    lig_loop_end(e, &rows, NULL);
}

static LigStatus create_row(LigKernelEmitter *k, const LigType *space, LigRow *row)
{
    *row = (LigRow){.lanes = lig_rope_lanes(k->kernel, k->e->target)};
    LIG_TRY(lig_body_create(k, space, &row->body));
    row->body.source = row_value;
    row->body.user = row;
    row->stats = LIG_NEW_ARRAY(k->arena, LigRowStats, k->kernel->value_count);
    row->other_held = LIG_NEW_ARRAY(k->arena, LLVMValueRef, k->kernel->value_count * lig_rope_count(k->kernel));
    return row->stats != NULL && row->other_held != NULL ? LIG_OK : lig_no_memory(k->e->ctx);
}

LigStatus lig_emit_row(LigKernelEmitter *k)
{
    const LigType *space = &first_row_op(k->kernel)->results[0]->type;
    LigRow row;
    LIG_TRY(create_row(k, space, &row));
    LLVMValueRef count = lig_kernel_dim(k, count_units(k->module, k->kernel, space));
    LLVMValueRef rows_per_unit = lig_kernel_dim(k, rows_of_unit(k->module, k->kernel, space));
    LigTileLoop tiles = lig_kernel_tiles_begin(k);
    LigUnitRange range = lig_kernel_tile_units(k, tiles.tile, lig_kernel_tile(k->kernel), count);
    LigLoop units;
    lig_loop_begin(k->e, &units, (LigRange){range.begin, range.end, lig_i64(k->e, 1)}, NULL, 0);
    emit_unit(&row, units.index, rows_per_unit);
    lig_loop_end(k->e, &units, NULL);
    lig_kernel_tiles_end(k, &tiles);
    return LIG_OK;
}

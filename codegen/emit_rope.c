// Rope inside row kernels: once a token, cosines and sines of its angles go to scratch; then each vector of a
// row is x * cos + partner * sin, the partner being the neighbouring lane or the vector F columns away.
//
// A table has one entry a column of the rotated part: for adjacent pairs each angle twice, the sine negated in
// even columns; for half pairs each angle once, the sine's sign depending on the half.
#include "codegen/emit_row.h"

#include "codegen/math.h"

#include <string.h>

enum { X, POS, FREQ };

// The constants of a rope.
typedef struct Rope {
    const LigOp *op;
    bool adjacent;
    int64_t pairs;   // F
    int64_t columns; // D
    int64_t entries; // of a table, padded to whole vectors
    int64_t offset;  // byte of the cosines in scratch; the sines follow
    size_t index;    // among the kernel's ropes
} Rope;

static bool is_adjacent(const LigOp *op)
{
    return lig_str_is(lig_attrs_name(op->attrs, LIG_ATTR_PAIRS, LIG_STR("adjacent")), "adjacent");
}

LigStatus lig_rope_check(const LigModule *module, const LigFunc *kernel, const LigOp *op)
{
    int64_t size;
    const LigValue *pos = op->operands[POS], *freq = op->operands[FREQ];
    bool known =
        lig_dim_is_const(freq->type.dims[0], &size) && lig_dim_is_const(op->results[0]->type.dims[2], &size);
    if (!known)
        return lig_kernel_fail(module, kernel, op, LIG_ERR_UNSUPPORTED,
                               "the head size and the number of frequencies must be constants");
    if (pos->kind == LIG_VALUE_INPUT && freq->kind == LIG_VALUE_INPUT) return LIG_OK;
    return lig_kernel_fail(module, kernel, op, LIG_ERR_UNSUPPORTED,
                           "positions and frequencies must be operands of the kernel");
}

size_t lig_rope_count(const LigFunc *kernel)
{
    size_t count = 0;
    for (size_t i = 0; i < kernel->ops.count; i++) count += kernel->ops.data[i]->code == LIG_OP_ROPE;
    return count;
}

static Rope describe(const LigFunc *kernel, const LigTarget *target, const LigOp *op)
{
    Rope rope = {.op = op, .adjacent = is_adjacent(op)};
    lig_dim_is_const(op->operands[FREQ]->type.dims[0], &rope.pairs);
    lig_dim_is_const(op->results[0]->type.dims[2], &rope.columns);
    // Two vectors at once is what adjacent pairs are written by.
    int64_t vectors = 2 * lig_target_f32_lanes(target);
    rope.entries = (rope.columns + vectors - 1) / vectors * vectors;
    for (size_t i = 0; kernel->ops.data[i] != op; i++) {
        const LigOp *before = kernel->ops.data[i];
        if (before->code != LIG_OP_ROPE) continue;
        Rope other = describe(kernel, target, before);
        rope.offset = other.offset + 2 * other.entries * (int64_t)sizeof(float);
        rope.index = other.index + 1;
    }
    return rope;
}

int64_t lig_rope_scratch(const LigFunc *kernel, const LigTarget *target)
{
    int64_t bytes = 0;
    for (size_t i = 0; i < kernel->ops.count; i++) {
        if (kernel->ops.data[i]->code != LIG_OP_ROPE) continue;
        Rope rope = describe(kernel, target, kernel->ops.data[i]);
        bytes = rope.offset + 2 * rope.entries * (int64_t)sizeof(float);
    }
    return bytes;
}

int lig_rope_lanes(const LigFunc *kernel, const LigTarget *target)
{
    int lanes = lig_target_f32_lanes(target);
    for (size_t i = 0; i < kernel->ops.count; i++) {
        const LigOp *op = kernel->ops.data[i];
        if (op->code != LIG_OP_ROPE || is_adjacent(op)) continue;
        Rope rope = describe(kernel, target, op);
        while (rope.pairs % lanes != 0) lanes /= 2;
    }
    return lanes;
}

// ---- the tables of a token ----

typedef struct Tables {
    LigRow *row;
    Rope rope;
    LLVMValueRef position; // f32
    int lanes;
} Tables;

static LLVMValueRef table_entry(LigRow *row, const Rope *rope, LLVMValueRef column, bool sine)
{
    LigKernelEmitter *k = row->body.k;
    int64_t offset = rope->offset + (sine ? rope->entries * (int64_t)sizeof(float) : 0);
    return lig_kernel_element(k, lig_emit_offset_by(k->e, k->scratch, offset), column, LIG_F32);
}

// Each lane of one half of `vector` twice.
static LLVMValueRef double_lanes(LigEmitter *e, LLVMValueRef vector, int first)
{
    LLVMValueRef numbers[LIG_MAX_LANES];
    int lanes = lig_lane_count(vector);
    for (int i = 0; i < lanes; i++) numbers[i] = lig_i32(e, first + i / 2);
    LLVMValueRef poison = LLVMGetPoison(LLVMTypeOf(vector));
    return LLVMBuildShuffleVector(e->builder, vector, poison, LLVMConstVector(numbers, (unsigned)lanes), "");
}

// Negates even lanes.
static LLVMValueRef negate_even(LigEmitter *e, LLVMValueRef vector)
{
    LLVMValueRef signs[LIG_MAX_LANES];
    int lanes = lig_lane_count(vector);
    for (int i = 0; i < lanes; i++) signs[i] = lig_f32(e, i % 2 == 0 ? -1 : 1);
    return LLVMBuildFMul(e->builder, vector, LLVMConstVector(signs, (unsigned)lanes), "");
}

static void store_doubled(Tables *tables, LLVMValueRef column, LLVMValueRef vector, bool sine)
{
    LigEmitter *e = tables->row->body.k->e;
    LLVMValueRef entry =
        table_entry(tables->row, &tables->rope, LLVMBuildShl(e->builder, column, lig_i64(e, 1), ""), sine);
    for (int half = 0; half < 2; half++) {
        LLVMValueRef doubled = double_lanes(e, vector, half * tables->lanes / 2);
        if (sine) doubled = negate_even(e, doubled);
        int64_t bytes = half * tables->lanes * (int64_t)sizeof(float);
        lig_emit_store(e, doubled, lig_emit_offset_by(e, entry, bytes), sizeof(float));
    }
}

static void store_angles(void *user, LLVMValueRef column, LLVMValueRef mask, LLVMValueRef *carried)
{
    (void)carried;
    Tables *tables = user;
    LigKernelEmitter *k = tables->row->body.k;
    LLVMValueRef freq = k->inputs[tables->rope.op->operands[FREQ]->index];
    freq = lig_body_load(k->e, lig_kernel_element(k, freq, column, LIG_F32), LIG_F32, tables->lanes, mask);
    LLVMValueRef position = lig_emit_splat(k->e, tables->position, tables->lanes);
    LLVMValueRef angle = LLVMBuildFMul(k->e->builder, position, freq, "");
    LLVMValueRef values[] = {lig_emit_cos(k->e, angle), lig_emit_sin(k->e, angle)};
    for (int sine = 0; sine < 2; sine++) {
        if (tables->rope.adjacent)
            store_doubled(tables, column, values[sine], sine);
        else
            lig_emit_store(k->e, values[sine], table_entry(tables->row, &tables->rope, column, sine),
                           sizeof(float));
    }
}

static void emit_tables(LigRow *row, const LigOp *op, LLVMValueRef token)
{
    LigKernelEmitter *k = row->body.k;
    LigEmitter *e = k->e;
    Tables tables = {
        .row = row, .rope = describe(k->kernel, e->target, op), .lanes = lig_target_f32_lanes(e->target)};
    LLVMValueRef place = lig_kernel_element(k, k->inputs[op->operands[POS]->index], token, LIG_I32);
    LLVMValueRef position = lig_emit_load(e, e->i32, place, sizeof(int32_t));
    tables.position = LLVMBuildSIToFP(e->builder, position, e->f32, "");
    LigVectorBody body = {.step = store_angles, .user = &tables};
    lig_kernel_each_vector(k, lig_i64(e, tables.rope.pairs), tables.lanes, body);
}

void lig_rope_tables(LigRow *row, LLVMValueRef token)
{
    const LigFunc *kernel = row->body.k->kernel;
    for (size_t i = 0; i < kernel->ops.count; i++) {
        if (kernel->ops.data[i]->code == LIG_OP_ROPE) emit_tables(row, kernel->ops.data[i], token);
    }
}

// ---- the rotation ----

static LLVMValueRef load_entries(LigRow *row, const Rope *rope, LLVMValueRef column, bool sine)
{
    LigEmitter *e = row->body.k->e;
    LLVMValueRef entry = table_entry(row, rope, column, sine);
    return lig_emit_load(e, lig_lanes(e->f32, row->lanes), entry, sizeof(float));
}

// x * cos + turned in the columns below 2F, x in the others.
static LLVMValueRef rotate(LigRow *row, const Rope *rope, LLVMValueRef entry_column, LLVMValueRef x,
                           LLVMValueRef turned)
{
    LigEmitter *e = row->body.k->e;
    LLVMValueRef rotated = lig_emit_fma(e, x, load_entries(row, rope, entry_column, false), turned);
    if (2 * rope->pairs == rope->columns) return rotated;
    LLVMValueRef left = LLVMBuildSub(e->builder, lig_i64(e, 2 * rope->pairs), row->body.column, "");
    left = lig_kernel_greatest(row->body.k, left, lig_i64(e, 0));
    return LLVMBuildSelect(e->builder, lig_emit_tail_mask(e, row->lanes, left), rotated, x, "");
}

static LLVMValueRef rotate_adjacent(LigRow *row, const Rope *rope)
{
    LigBody *body = &row->body;
    LigEmitter *e = body->k->e;
    LLVMValueRef x = lig_body_value(body, rope->op->operands[X]);
    LLVMValueRef numbers[LIG_MAX_LANES];
    for (int i = 0; i < row->lanes; i++) numbers[i] = lig_i32(e, i ^ 1);
    LLVMValueRef order = LLVMConstVector(numbers, (unsigned)row->lanes);
    LLVMValueRef partner = LLVMBuildShuffleVector(e->builder, x, LLVMGetPoison(LLVMTypeOf(x)), order, "");
    LLVMValueRef turned = LLVMBuildFMul(e->builder, partner, load_entries(row, rope, body->column, true), "");
    return rotate(row, rope, body->column, x, turned);
}

// The operand at another column of the row; what is held there is forgotten.
static LLVMValueRef value_at(LigRow *row, const Rope *rope, LLVMValueRef column)
{
    LigBody *body = &row->body;
    LLVMValueRef *held = body->held, here = body->column;
    size_t count = body->k->kernel->value_count;
    body->held = row->other_held + rope->index * count;
    memset(body->held, 0, count * sizeof *held);
    body->column = column;
    LLVMValueRef value = lig_body_value(body, rope->op->operands[X]);
    body->held = held;
    body->column = here;
    return value;
}

static LLVMValueRef rotate_half(LigRow *row, const Rope *rope)
{
    LigBody *body = &row->body;
    LigEmitter *e = body->k->e;
    LLVMBuilderRef b = e->builder;
    LLVMValueRef half = lig_i64(e, rope->pairs), column = body->column;
    LLVMValueRef second = LLVMBuildICmp(b, LLVMIntSGE, column, half, "");
    LLVMValueRef below = LLVMBuildSub(b, column, half, ""), above = LLVMBuildAdd(b, column, half, "");
    LLVMValueRef entry = LLVMBuildSelect(b, second, below, column, "");
    LLVMValueRef x = lig_body_value(body, rope->op->operands[X]);
    LLVMValueRef partner = value_at(row, rope, LLVMBuildSelect(b, second, below, above, ""));
    LLVMValueRef sine = load_entries(row, rope, entry, true);
    LLVMValueRef signed_sine = LLVMBuildSelect(b, second, sine, LLVMBuildFNeg(b, sine, ""), "");
    return rotate(row, rope, entry, x, LLVMBuildFMul(b, partner, signed_sine, ""));
}

LLVMValueRef lig_rope_value(LigRow *row, const LigOp *op)
{
    Rope rope = describe(row->body.k->kernel, row->body.k->e->target, op);
    return rope.adjacent ? rotate_adjacent(row, &rope) : rotate_half(row, &rope);
}

// Kernels of one op that moves, repeats or folds elements, by index arithmetic: right and simple rather than
// fast, since fusion leaves few of them. A unit of work is an element of the result (append: a token).
#include "codegen/emit_move.h"

#include "codegen/body.h"

enum { TILE_ELEMENTS = 4096 };

typedef struct Index {
    LLVMValueRef at[LIG_MAX_RANK]; // i64 an axis
} Index;

typedef struct Move {
    LigKernelEmitter *k;
    const LigOp *op;
    const LigType *result;
} Move;

// The op of the kernel; NULL when there is none or more than one.
static const LigOp *only_op(const LigFunc *kernel)
{
    return kernel->ops.count == 1 ? kernel->ops.data[0] : NULL;
}

static bool is_reduction(const LigOp *op) { return op->code == LIG_OP_SUM || op->code == LIG_OP_REDUCE_MAX; }

static bool has_code(const LigOp *op)
{
    switch ((int)op->code) {
    case LIG_OP_TRANSPOSE:
    case LIG_OP_SLICE:
    case LIG_OP_BROADCAST:
    case LIG_OP_RESHAPE:
    case LIG_OP_CONCAT:
    case LIG_OP_IOTA:
        return true;
    default:
        return is_reduction(op);
    }
}

static bool is_plain(const LigValue *value)
{
    return !lig_dtype_is_quantised(value->type.dtype) && value->type.layout.kind == LIG_LAYOUT_ROWS;
}

static LigStatus check(const LigModule *module, const LigFunc *kernel)
{
    const LigOp *op = only_op(kernel);
    if (op == NULL)
        return lig_kernel_fail(module, kernel, NULL, LIG_ERR_UNSUPPORTED, "a move kernel has exactly one op");
    if (op->code == LIG_OP_APPEND) return lig_append_check(module, kernel, op);
    if (!has_code(op))
        return lig_kernel_fail(module, kernel, op, LIG_ERR_UNSUPPORTED, "no generated code for this op");
    bool plain = is_plain(op->results[0]);
    for (size_t i = 0; i < op->operand_count; i++)
        plain = plain && is_plain(op->operands[i]) && op->operands[i]->kind == LIG_VALUE_INPUT;
    if (plain) return LIG_OK;
    return lig_kernel_fail(
        module, kernel, op, LIG_ERR_UNSUPPORTED,
        "operands must be row-major operands of the kernel, of a dtype that is not quantised");
}

LigStatus lig_schedule_move(LigScheduling *scheduling)
{
    LIG_TRY(check(scheduling->module, scheduling->kernel));
    bool append = only_op(scheduling->kernel)->code == LIG_OP_APPEND;
    return lig_schedule_int(scheduling, LIG_ATTR_TILE, append ? lig_append_tile() : TILE_ELEMENTS);
}

static LigDim count_units(const LigModule *module, const LigOp *op)
{
    const LigType *result = &op->results[0]->type;
    return op->code == LIG_OP_APPEND ? lig_append_units(op)
                                     : lig_schedule_count(module, result, 0, result->rank);
}

LigDim lig_tiles_move(const LigModule *module, const LigFunc *kernel)
{
    return lig_dim_ceildiv(module->dims, count_units(module, only_op(kernel)), lig_kernel_tile(kernel));
}

// ---- indices ----

// `flat` as an index along the axes of `type` that `mask` names; 0 along the others.
static Index unflatten(const Move *m, const LigType *type, LLVMValueRef flat, uint32_t mask)
{
    LLVMBuilderRef b = m->k->e->builder;
    Index index;
    for (int i = type->rank - 1; i >= 0; i--) {
        LIG_ASSERT(i < LIG_MAX_RANK);
        index.at[i] = lig_i64(m->k->e, 0);
        if (!(mask >> i & 1)) continue;
        LLVMValueRef size = lig_kernel_dim(m->k, type->dims[i]);
        index.at[i] = LLVMBuildURem(b, flat, size, "");
        flat = LLVMBuildUDiv(b, flat, size, "");
    }
    return index;
}

static LLVMValueRef flatten(const Move *m, const LigType *type, const Index *index)
{
    LLVMBuilderRef b = m->k->e->builder;
    LLVMValueRef flat = lig_i64(m->k->e, 0);
    for (int i = 0; i < type->rank; i++) {
        LLVMValueRef size = lig_kernel_dim(m->k, type->dims[i]);
        flat = LLVMBuildAdd(b, LLVMBuildMul(b, flat, size, ""), index->at[i], "");
    }
    return flat;
}

static int axis_of(const Move *m)
{
    int64_t axis = lig_attrs_int(m->op->attrs, LIG_ATTR_AXIS, 0);
    return (int)(axis < 0 ? axis + m->result->rank : axis);
}

static Index transposed(const Move *m, const Index *index)
{
    Index source;
    const LigAttr *perm = lig_attrs_get(m->op->attrs, LIG_ATTR_PERM);
    for (int i = 0; i < m->result->rank; i++) {
        int64_t axis = perm->value.integers.data[i];
        source.at[axis < 0 ? axis + m->result->rank : axis] = index->at[i];
    }
    return source;
}

static Index sliced(const Move *m, const Index *index)
{
    LigEmitter *e = m->k->e;
    Index source = *index;
    int axis = axis_of(m);
    LLVMValueRef step = lig_i64(e, lig_attrs_int(m->op->attrs, LIG_ATTR_STEP, 1));
    LLVMValueRef begin = lig_i64(e, lig_attrs_int(m->op->attrs, LIG_ATTR_BEGIN, 0));
    source.at[axis] = LLVMBuildAdd(e->builder, begin, LLVMBuildMul(e->builder, index->at[axis], step, ""), "");
    return source;
}

static Index repeated(const Move *m, const Index *index)
{
    const LigType *from = &m->op->operands[0]->type;
    Index source;
    for (int i = 0; i < from->rank; i++) {
        int64_t size;
        bool is_one = lig_dim_is_const(from->dims[i], &size) && size == 1;
        source.at[i] = is_one ? lig_i64(m->k->e, 0) : index->at[m->result->rank - from->rank + i];
    }
    return source;
}

static LLVMValueRef operand_address(const Move *m, size_t operand, LLVMValueRef flat)
{
    const LigValue *value = m->op->operands[operand];
    return lig_kernel_element(m->k, m->k->inputs[value->index], flat, value->type.dtype);
}

// The element of the operand that holds this part of the axis.
static LLVMValueRef concat_address(const Move *m, const Index *index)
{
    LLVMBuilderRef b = m->k->e->builder;
    int axis = axis_of(m);
    LLVMValueRef begin = lig_i64(m->k->e, 0), address = NULL;
    for (size_t i = 0; i < m->op->operand_count; i++) {
        const LigType *type = &m->op->operands[i]->type;
        Index source = *index;
        source.at[axis] = LLVMBuildSub(b, index->at[axis], begin, "");
        LLVMValueRef here = operand_address(m, i, flatten(m, type, &source));
        LLVMValueRef reached = LLVMBuildICmp(b, LLVMIntSGE, index->at[axis], begin, "");
        address = address == NULL ? here : LLVMBuildSelect(b, reached, here, address, "");
        begin = LLVMBuildAdd(b, begin, lig_kernel_dim(m->k, type->dims[axis]), "");
    }
    return address;
}

static LLVMValueRef source_address(const Move *m, LLVMValueRef flat)
{
    if (m->op->code == LIG_OP_RESHAPE) return operand_address(m, 0, flat);
    Index index = unflatten(m, m->result, flat, UINT32_MAX), source;
    if (m->op->code == LIG_OP_CONCAT) return concat_address(m, &index);
    if (m->op->code == LIG_OP_TRANSPOSE)
        source = transposed(m, &index);
    else if (m->op->code == LIG_OP_SLICE)
        source = sliced(m, &index);
    else
        source = repeated(m, &index);
    return operand_address(m, 0, flatten(m, &m->op->operands[0]->type, &source));
}

// ---- values ----

static LLVMValueRef iota_value(const Move *m, LLVMValueRef flat)
{
    Index index = unflatten(m, m->result, flat, UINT32_MAX);
    return lig_body_cast(m->k->e, index.at[axis_of(m)], LIG_I64, m->result->dtype);
}

static uint32_t reduced_axes(const Move *m)
{
    const LigAttr *axes = lig_attrs_get(m->op->attrs, LIG_ATTR_AXES);
    int rank = m->op->operands[0]->type.rank;
    uint32_t mask = 0;
    for (size_t i = 0; i < axes->value.integers.count; i++) {
        int64_t axis = axes->value.integers.data[i];
        mask |= UINT32_C(1) << (axis < 0 ? axis + rank : axis);
    }
    return mask;
}

// Sums of f32 are kept in f64; other dtypes fold as what they are held in.
static LigDtype fold_dtype(const Move *m)
{
    return m->op->code == LIG_OP_SUM && m->result->dtype == LIG_F32 ? LIG_F64 : m->result->dtype;
}

static LLVMValueRef fold(const Move *m, LLVMValueRef sum, LLVMValueRef x)
{
    LLVMBuilderRef b = m->k->e->builder;
    bool is_float = lig_dtype_is_float(m->result->dtype);
    if (m->op->code == LIG_OP_SUM) return is_float ? LLVMBuildFAdd(b, sum, x, "") : LLVMBuildAdd(b, sum, x, "");
    if (!is_float) {
        LLVMIntPredicate above = m->result->dtype == LIG_U8 ? LLVMIntUGT : LLVMIntSGT;
        return LLVMBuildSelect(b, LLVMBuildICmp(b, above, x, sum, ""), x, sum, "");
    }
    LLVMValueRef most = lig_emit_max(m->k->e, x, sum);
    return LLVMBuildSelect(b, LLVMBuildFCmp(b, LLVMRealUNO, x, x, ""), x, most, "");
}

static LLVMValueRef fold_start(const Move *m)
{
    LigDtype dtype = m->result->dtype;
    LLVMTypeRef type = lig_body_hold_type(m->k->e, fold_dtype(m), 1);
    if (m->op->code == LIG_OP_SUM || dtype == LIG_U8) return LLVMConstNull(type);
    if (lig_dtype_is_float(dtype)) return LLVMConstReal(type, -__builtin_inf());
    return LLVMConstInt(type, UINT64_C(1) << (lig_dtype_block_bytes(dtype) * 8 - 1), false);
}

// The element of the operand at `kept`, an index with 0 along the reduced axes, and `inner`, one along them.
static LLVMValueRef reduced_element(const Move *m, const Index *kept, const Index *inner, uint32_t mask)
{
    const LigType *type = &m->op->operands[0]->type;
    Index source;
    for (int i = 0; i < type->rank; i++) source.at[i] = mask >> i & 1 ? inner->at[i] : kept->at[i];
    LLVMValueRef x =
        lig_body_load(m->k->e, operand_address(m, 0, flatten(m, type, &source)), type->dtype, 1, NULL);
    return lig_body_cast(m->k->e, x, type->dtype, fold_dtype(m));
}

static LLVMValueRef reduce_value(const Move *m, LLVMValueRef flat)
{
    LigEmitter *e = m->k->e;
    const LigType *type = &m->op->operands[0]->type;
    uint32_t mask = reduced_axes(m);
    LLVMValueRef count = lig_i64(e, 1), start = fold_start(m);
    for (int i = 0; i < type->rank; i++) {
        if (mask >> i & 1) count = LLVMBuildMul(e->builder, count, lig_kernel_dim(m->k, type->dims[i]), "");
    }
    Index kept = unflatten(m, type, flat, ~mask);
    LigLoop loop;
    lig_loop_begin(e, &loop, (LigRange){lig_i64(e, 0), count, lig_i64(e, 1)}, &start, 1);
    Index inner = unflatten(m, type, loop.index, mask);
    LLVMValueRef next = fold(m, loop.carried[0], reduced_element(m, &kept, &inner, mask));
    lig_loop_end(e, &loop, &next);
    return lig_body_cast(e, loop.carried[0], fold_dtype(m), m->result->dtype);
}

static void emit_element(const Move *m, LLVMValueRef flat)
{
    LigEmitter *e = m->k->e;
    LigDtype dtype = m->result->dtype;
    LLVMValueRef value, target = lig_kernel_element(m->k, m->k->outputs[0], flat, dtype);
    if (m->op->code == LIG_OP_IOTA)
        value = iota_value(m, flat);
    else if (is_reduction(m->op))
        value = reduce_value(m, flat);
    else
        value = lig_body_load(e, source_address(m, flat), dtype, 1, NULL);
    lig_body_save(e, value, target, dtype, NULL);
}

static void emit_elements(const Move *m, LigUnitRange range)
{
    LigLoop loop;
    lig_loop_begin(m->k->e, &loop, (LigRange){range.begin, range.end, lig_i64(m->k->e, 1)}, NULL, 0);
    emit_element(m, loop.index);
    lig_loop_end(m->k->e, &loop, NULL);
}

LigStatus lig_emit_move(LigKernelEmitter *k)
{
    const LigOp *op = only_op(k->kernel);
    Move move = {.k = k, .op = op, .result = &op->results[0]->type};
    LLVMValueRef count = lig_kernel_dim(k, count_units(k->module, op));
    LigTileLoop tiles = lig_kernel_tiles_begin(k);
    LigUnitRange range = lig_kernel_tile_units(k, tiles.tile, lig_kernel_tile(k->kernel), count);
    if (op->code == LIG_OP_APPEND)
        lig_append_emit(k, op, range);
    else
        emit_elements(&move, range);
    lig_kernel_tiles_end(k, &tiles);
    return LIG_OK;
}

// Which operands a body can load, and where their rows begin.
#include "codegen/body.h"
#include "codegen/classes.h"
#include "ir/base/alloc.h"

bool lig_body_is_leaf(const LigValue *value)
{
    return value->kind != LIG_VALUE_RESULT || value->op->code == LIG_OP_CONSTANT;
}

bool lig_body_is_transparent(const LigOp *op)
{
    return op->code == LIG_OP_RESHAPE || op->code == LIG_OP_BROADCAST;
}

bool lig_body_same_count(const LigModule *module, const LigType *a, const LigType *b)
{
    LigDim count_a = lig_schedule_count(module, a, 0, a->rank),
           count_b = lig_schedule_count(module, b, 0, b->rank);
    return count_a != NULL && count_b != NULL && lig_dim_equal(module->dims, count_a, count_b) == LIG_YES;
}

static bool is_one(LigDim dim)
{
    int64_t value;
    return lig_dim_is_const(dim, &value) && value == 1;
}

static bool broadcasts_into(const LigModule *module, const LigType *type, const LigType *frame)
{
    if (type->rank > frame->rank) return false;
    for (int i = 1; i <= type->rank; i++) {
        LigDim dim = type->dims[type->rank - i];
        if (!is_one(dim) && lig_dim_equal(module->dims, dim, frame->dims[frame->rank - i]) != LIG_YES)
            return false;
    }
    return true;
}

// A row of the space must lie inside one row of the frame.
static bool frame_holds_rows(const LigModule *module, const LigType *frame, const LigType *space)
{
    int64_t wide, narrow;
    LigDim a = frame->dims[frame->rank - 1], b = space->dims[space->rank - 1];
    if (lig_dim_equal(module->dims, a, b) == LIG_YES) return true;
    return lig_dim_is_const(a, &wide) && lig_dim_is_const(b, &narrow) && narrow > 0 && wide % narrow == 0;
}

// The shape that `value`, smaller than the space, broadcasts into: that of an op that reads it.
static const LigType *find_frame(const LigModule *module, const LigFunc *kernel, const LigType *space,
                                 const LigValue *value)
{
    if (broadcasts_into(module, &value->type, space)) return space;
    for (size_t i = 0; i < kernel->ops.count; i++) {
        const LigOp *op = kernel->ops.data[i];
        for (size_t j = 0; j < op->operand_count; j++) {
            if (op->operands[j] != value) continue;
            const LigType *frame = &op->results[0]->type;
            if (frame->rank > 0 && lig_body_same_count(module, frame, space) &&
                broadcasts_into(module, &value->type, frame) && frame_holds_rows(module, frame, space))
                return frame;
        }
    }
    return NULL;
}

// Whether `value` can be loaded in `space`, and how (all but the pointer and what depends on the place).
static bool describe(const LigModule *module, const LigFunc *kernel, const LigType *space,
                     const LigValue *value, LigBodyLeaf *leaf)
{
    *leaf = (LigBodyLeaf){.type = &value->type};
    if (lig_dtype_is_quantised(value->type.dtype) || value->type.layout.kind != LIG_LAYOUT_ROWS) return false;
    if (lig_body_same_count(module, &value->type, space)) return true;
    leaf->frame = find_frame(module, kernel, space, value);
    leaf->splat = value->type.rank == 0 || is_one(value->type.dims[value->type.rank - 1]);
    return leaf->frame != NULL;
}

// The bytes of a constant as read-only data of the module.
static LLVMValueRef constant_pointer(LigKernelEmitter *k, const LigValue *value)
{
    LigShape shape;
    size_t bytes;
    if (value->data == NULL || !lig_type_bind_upper(k->module->dims, &value->type, &shape) ||
        !lig_shape_bytes(&shape, &bytes) || bytes > LIG_BODY_MAX_CONSTANT_BYTES)
        return NULL;
    LLVMContextRef context = k->e->llvm;
    LLVMValueRef data = LLVMConstStringInContext(context, value->data, (unsigned)bytes, true);
    LLVMValueRef global = LLVMAddGlobal(k->e->module, LLVMTypeOf(data), "constant");
    LLVMSetInitializer(global, data);
    LLVMSetGlobalConstant(global, true);
    LLVMSetLinkage(global, LLVMPrivateLinkage);
    LLVMSetAlignment(global, LIG_ALIGN_CACHE);
    return global;
}

static bool find_leaf(LigBody *body, const LigValue *value)
{
    LigBodyLeaf *leaf = &body->leaves[value->id];
    const LigKernelEmitter *k = body->k;
    if (!describe(k->module, k->kernel, &body->space, value, leaf)) return true;
    leaf->pointer = value->kind == LIG_VALUE_INPUT ? k->inputs[value->index] : constant_pointer(body->k, value);
    return leaf->pointer != NULL;
}

LigStatus lig_body__find_leaves(LigBody *body)
{
    const LigFunc *kernel = body->k->kernel;
    for (size_t i = 0; i < kernel->inputs.count; i++) find_leaf(body, kernel->inputs.data[i]);
    for (size_t i = 0; i < kernel->ops.count; i++) {
        const LigOp *op = kernel->ops.data[i];
        if (op->code == LIG_OP_CONSTANT && !find_leaf(body, op->results[0]))
            return lig_kernel_fail(body->k->module, kernel, op, LIG_ERR_UNSUPPORTED,
                                   "a constant this large belongs outside the kernel");
    }
    return LIG_OK;
}

// Element index in a leaf of the first element that row `row` of the frame reads.
static LLVMValueRef broadcast_base(LigKernelEmitter *k, const LigBodyLeaf *leaf, LLVMValueRef row)
{
    LLVMBuilderRef b = k->e->builder;
    const LigType *type = leaf->type, *frame = leaf->frame;
    LLVMValueRef base = lig_i64(k->e, 0),
                 stride = lig_kernel_dims(k, type, type->rank > 0 ? type->rank - 1 : 0, type->rank);
    for (int i = 2; i <= type->rank; i++) {
        LigDim dim = type->dims[type->rank - i];
        LLVMValueRef size = lig_kernel_dim(k, frame->dims[frame->rank - i]);
        bool outermost = i == frame->rank;
        LLVMValueRef index = outermost ? row : LLVMBuildURem(b, row, size, "");
        if (!is_one(dim)) base = LLVMBuildAdd(b, base, LLVMBuildMul(b, index, stride, ""), "");
        if (!is_one(dim)) stride = LLVMBuildMul(b, stride, size, "");
        if (!outermost && i < type->rank) row = LLVMBuildUDiv(b, row, size, "");
    }
    return base;
}

void lig_body__enter_row(LigBody *body, LigBodyLeaf *leaf)
{
    LigKernelEmitter *k = body->k;
    LLVMBuilderRef b = k->e->builder;
    if (leaf->frame == NULL) {
        leaf->row_base = LLVMBuildMul(b, body->row, body->columns, "");
        return;
    }
    const LigType *frame = leaf->frame;
    if (lig_dim_equal(k->module->dims, frame->dims[frame->rank - 1], body->space.dims[body->space.rank - 1]) ==
        LIG_YES) {
        leaf->row_base = broadcast_base(k, leaf, body->row);
        return;
    }
    // The frame's rows are whole multiples of the space's.
    LLVMValueRef ratio = LLVMBuildUDiv(b, lig_kernel_dim(k, frame->dims[frame->rank - 1]), body->columns, "");
    LLVMValueRef base = broadcast_base(k, leaf, LLVMBuildUDiv(b, body->row, ratio, ""));
    LLVMValueRef inside = LLVMBuildMul(b, LLVMBuildURem(b, body->row, ratio, ""), body->columns, "");
    leaf->row_base = leaf->splat ? base : LLVMBuildAdd(b, base, inside, "");
}

bool lig_body_fits(const LigModule *module, const LigFunc *kernel, const LigType *space, const LigValue *value)
{
    LigBodyLeaf leaf;
    return describe(module, kernel, space, value, &leaf);
}

static LigStatus check_operand(const LigModule *module, const LigFunc *kernel, const LigType *space,
                               const LigOp *op, const LigValue *operand)
{
    if (!lig_body_is_leaf(operand) || lig_body_fits(module, kernel, space, operand)) return LIG_OK;
    return lig_kernel_fail(module, kernel, op, LIG_ERR_UNSUPPORTED,
                           "an operand neither has the kernel's shape nor broadcasts into it");
}

static LigStatus check_op(const LigModule *module, const LigFunc *kernel, const LigType *space, const LigOp *op)
{
    if (!lig_body_is_transparent(op)) LIG_TRY(lig_body__check_elementwise(module, kernel, op));
    for (size_t i = 0; i < op->operand_count; i++)
        LIG_TRY(check_operand(module, kernel, space, op, op->operands[i]));
    return LIG_OK;
}

LigStatus lig_body_check(const LigModule *module, const LigFunc *kernel, const LigType *space,
                         LigBodyTakes *takes)
{
    for (size_t i = 0; i < kernel->ops.count; i++) {
        const LigOp *op = kernel->ops.data[i];
        if (op->code == LIG_OP_CONSTANT || (takes != NULL && takes(op))) continue;
        bool known = lig_op_info(op->code)->lowering.kind == LIG_LOWER_BODY || lig_body_is_transparent(op);
        if (!known)
            return lig_kernel_fail(module, kernel, op, LIG_ERR_UNSUPPORTED,
                                   "this op does not belong into a kernel of its class");
        LIG_TRY(check_op(module, kernel, space, op));
    }
    for (size_t i = 0; i < kernel->outputs.count; i++) {
        const LigValue *output = kernel->outputs.data[i];
        if (!lig_body_same_count(module, &output->type, space))
            return lig_kernel_fail(module, kernel, output->op, LIG_ERR_UNSUPPORTED,
                                   "a result that has another number of elements than the others");
    }
    return LIG_OK;
}

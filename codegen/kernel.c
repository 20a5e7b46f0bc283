// The frame of a kernel's function and its loops.
#include "codegen/kernel.h"

enum { PARAM_BUFFERS, PARAM_DIMS, PARAM_TILE_BEGIN, PARAM_TILE_END, PARAM_SCRATCH, PARAM_COUNT };

// The pointer of buffer `index`: operands first, then results.
static LLVMValueRef load_buffer(LigKernelEmitter *k, size_t index)
{
    LLVMValueRef buffers = LLVMGetParam(k->function, PARAM_BUFFERS);
    LLVMValueRef place = lig_emit_offset_by(k->e, buffers, (int64_t)(index * sizeof(void *)));
    return lig_emit_load(k->e, k->e->ptr, place, sizeof(void *));
}

static LLVMValueRef load_symbol(LigKernelEmitter *k, size_t index)
{
    LLVMValueRef dims = LLVMGetParam(k->function, PARAM_DIMS);
    LLVMValueRef place = lig_emit_offset_by(k->e, dims, (int64_t)(index * sizeof(int64_t)));
    return lig_emit_load(k->e, k->e->i64, place, sizeof(int64_t));
}

static LigStatus allocate(LigKernelEmitter *k)
{
    k->inputs = LIG_NEW_ARRAY(k->arena, LLVMValueRef, k->kernel->inputs.count);
    k->outputs = LIG_NEW_ARRAY(k->arena, LLVMValueRef, k->kernel->outputs.count);
    k->symbols = LIG_NEW_ARRAY(k->arena, LLVMValueRef, lig_dims_symbol_count(k->module->dims));
    bool whole = k->inputs != NULL && k->outputs != NULL && k->symbols != NULL;
    return whole ? LIG_OK : lig_no_memory(k->e->ctx);
}

LigStatus lig_kernel_begin(LigKernelEmitter *k, const char *name)
{
    LIG_TRY(allocate(k));
    LigEmitter *e = k->e;
    LLVMTypeRef params[PARAM_COUNT] = {e->ptr, e->ptr, e->i64, e->i64, e->ptr};
    k->function = lig_emit_function(e, name, e->nothing, params, PARAM_COUNT);
    k->tile_begin = LLVMGetParam(k->function, PARAM_TILE_BEGIN);
    k->tile_end = LLVMGetParam(k->function, PARAM_TILE_END);
    k->scratch = LLVMGetParam(k->function, PARAM_SCRATCH);
    size_t inputs = k->kernel->inputs.count;
    for (size_t i = 0; i < inputs; i++) k->inputs[i] = load_buffer(k, i);
    for (size_t i = 0; i < k->kernel->outputs.count; i++) k->outputs[i] = load_buffer(k, inputs + i);
    for (size_t i = 0; i < lig_dims_symbol_count(k->module->dims); i++) k->symbols[i] = load_symbol(k, i);
    return LIG_OK;
}

void lig_kernel_end(LigKernelEmitter *k) { LLVMBuildRetVoid(k->e->builder); }

LLVMValueRef lig_kernel_element(LigKernelEmitter *k, LLVMValueRef pointer, LLVMValueRef index, LigDtype dtype)
{
    LLVMValueRef bytes = lig_i64(k->e, lig_dtype_block_bytes(dtype));
    return lig_emit_offset(k->e, pointer, LLVMBuildMul(k->e->builder, index, bytes, ""));
}

LigTileLoop lig_kernel_tiles_begin(LigKernelEmitter *k)
{
    LigTileLoop tiles;
    LigRange range = {k->tile_begin, k->tile_end, lig_i64(k->e, 1)};
    lig_loop_begin(k->e, &tiles.loop, range, NULL, 0);
    tiles.tile = tiles.loop.index;
    return tiles;
}

void lig_kernel_tiles_end(LigKernelEmitter *k, LigTileLoop *tiles) { lig_loop_end(k->e, &tiles->loop, NULL); }

LLVMValueRef lig_kernel_least(LigKernelEmitter *k, LLVMValueRef a, LLVMValueRef b)
{
    LLVMBuilderRef builder = k->e->builder;
    return LLVMBuildSelect(builder, LLVMBuildICmp(builder, LLVMIntSLT, a, b, ""), a, b, "");
}

LLVMValueRef lig_kernel_greatest(LigKernelEmitter *k, LLVMValueRef a, LLVMValueRef b)
{
    LLVMBuilderRef builder = k->e->builder;
    return LLVMBuildSelect(builder, LLVMBuildICmp(builder, LLVMIntSGT, a, b, ""), a, b, "");
}

LigUnitRange lig_kernel_tile_units(LigKernelEmitter *k, LLVMValueRef tile, int64_t unit, LLVMValueRef count)
{
    LLVMValueRef size = lig_i64(k->e, unit);
    LLVMValueRef begin = LLVMBuildMul(k->e->builder, tile, size, "");
    LLVMValueRef end = LLVMBuildAdd(k->e->builder, begin, size, "");
    return (LigUnitRange){begin, lig_kernel_least(k, end, count)};
}

static void copy_values(LLVMValueRef *to, const LLVMValueRef *from, int count)
{
    for (int i = 0; i < count; i++) to[i] = from[i];
}

static void emit_tail(LigKernelEmitter *k, LLVMValueRef begin, LLVMValueRef left, int lanes, LigVectorBody body)
{
    LLVMValueRef next[LIG_MAX_CARRIED];
    copy_values(next, body.carried, body.count);
    LigIf branch;
    lig_if_begin(k->e, &branch, LLVMBuildICmp(k->e->builder, LLVMIntSGT, left, lig_i64(k->e, 0), ""));
    body.step(body.user, begin, lig_emit_tail_mask(k->e, lanes, left), next);
    lig_if_else(k->e, &branch, next, body.count);
    lig_if_end(k->e, &branch, body.carried, body.carried);
}

static bool is_zero(LLVMValueRef value)
{
    return LLVMIsAConstantInt(value) != NULL && LLVMConstIntGetSExtValue(value) == 0;
}

void lig_kernel_each_vector(LigKernelEmitter *k, LLVMValueRef count, int lanes, LigVectorBody body)
{
    LigEmitter *e = k->e;
    LIG_ASSERT(body.count <= LIG_MAX_CARRIED);
    LLVMValueRef left = LLVMBuildURem(e->builder, count, lig_i64(e, lanes), "");
    LLVMValueRef full = LLVMBuildSub(e->builder, count, left, "");
    LLVMValueRef next[LIG_MAX_CARRIED];
    LigLoop loop;
    lig_loop_begin(e, &loop, (LigRange){lig_i64(e, 0), full, lig_i64(e, lanes)}, body.carried, body.count);
    copy_values(next, loop.carried, body.count);
    body.step(body.user, loop.index, NULL, next);
    lig_loop_end(e, &loop, next);
    copy_values(body.carried, loop.carried, body.count);
    if (!is_zero(left)) emit_tail(k, full, left, lanes, body);
}

LigStatus lig_kernel_record(const LigModule *module, const LigFunc *kernel, const LigOp *op, LigStatus status,
                            const char *message)
{
    LigLoc loc = op != NULL ? op->loc : kernel->loc;
    const char *name = op != NULL ? lig_op_info(op->code)->name : "";
    return lig_fail(module->ctx, status, loc, "kernel @%.*s: %s%s%s", LIG_STR_ARG(kernel->name), name,
                    op != NULL ? ": " : "", message);
}

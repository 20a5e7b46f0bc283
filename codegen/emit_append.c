// append: new keys or values into the cache of their row's slot. A unit of work is a token.
#include "codegen/body.h"
#include "codegen/emit_move.h"
#include "codegen/tokens.h"

enum { STATE, X, SLOT, START, POS };
enum { TILE_TOKENS = 16 };

LigStatus lig_append_check(const LigModule *module, const LigFunc *kernel, const LigOp *op)
{
    for (size_t i = 0; i < op->operand_count; i++) {
        if (op->operands[i]->kind != LIG_VALUE_INPUT)
            return lig_kernel_fail(module, kernel, op, LIG_ERR_UNSUPPORTED,
                                   "its operands must be operands of the kernel");
    }
    const LigType *x = &op->operands[X]->type;
    LigDtype from = x->dtype, to = op->results[0]->type.dtype;
    bool known = x->layout.kind == LIG_LAYOUT_ROWS && from != LIG_F64 && to != LIG_F64;
    if (known) return LIG_OK;
    return lig_kernel_fail(module, kernel, op, LIG_ERR_UNSUPPORTED,
                           "only f32, bf16 and f16 are appended, from rows");
}

int64_t lig_append_tile(void) { return TILE_TOKENS; }

LigDim lig_append_units(const LigOp *op) { return op->operands[X]->type.dims[0]; }

// One element of one head.
static void store_element(LigKernelEmitter *k, const LigOp *op, LigCachePlace place, LLVMValueRef source)
{
    const LigType *x = &op->operands[X]->type, *state = &op->results[0]->type;
    LLVMValueRef from = lig_kernel_element(k, k->inputs[op->operands[X]->index], source, x->dtype);
    LLVMValueRef value = lig_body_load(k->e, from, x->dtype, 1, NULL);
    LLVMValueRef index = lig_kernel_cache_index(k, state, place);
    LLVMValueRef to = lig_kernel_element(k, k->outputs[0], index, state->dtype);
    lig_body_save(k->e, value, to, state->dtype, NULL);
}

static void store_head(LigKernelEmitter *k, const LigOp *op, LigCachePlace place, LLVMValueRef source)
{
    LLVMValueRef width = lig_kernel_dim(k, op->results[0]->type.dims[3]);
    LigLoop columns;
    lig_loop_begin(k->e, &columns, (LigRange){lig_i64(k->e, 0), width, lig_i64(k->e, 1)}, NULL, 0);
    place.column = columns.index;
    store_element(k, op, place, LLVMBuildAdd(k->e->builder, source, columns.index, ""));
    lig_loop_end(k->e, &columns, NULL);
}

static void store_token(LigKernelEmitter *k, const LigOp *op, LLVMValueRef token, LLVMValueRef row)
{
    LLVMBuilderRef b = k->e->builder;
    const LigType *state = &op->results[0]->type;
    LLVMValueRef heads = lig_kernel_dim(k, state->dims[1]), width = lig_kernel_dim(k, state->dims[3]);
    LLVMValueRef slot = lig_kernel_load_i32(k, k->inputs[op->operands[SLOT]->index], row);
    LLVMValueRef position = lig_kernel_load_i32(k, k->inputs[op->operands[POS]->index], token);
    LigLoop loop;
    lig_loop_begin(k->e, &loop, (LigRange){lig_i64(k->e, 0), heads, lig_i64(k->e, 1)}, NULL, 0);
    LLVMValueRef batch = LLVMBuildAdd(b, LLVMBuildMul(b, slot, heads, ""), loop.index, "");
    LLVMValueRef source = LLVMBuildAdd(b, LLVMBuildMul(b, token, heads, ""), loop.index, "");
    store_head(k, op, (LigCachePlace){.batch = batch, .row = position}, LLVMBuildMul(b, source, width, ""));
    lig_loop_end(k->e, &loop, NULL);
}

void lig_append_emit(LigKernelEmitter *k, const LigOp *op, LigUnitRange range)
{
    LigTokenRows rows = {.start = k->inputs[op->operands[START]->index],
                         .count = lig_kernel_dim(k, op->operands[SLOT]->type.dims[0])};
    LigLoop tokens;
    lig_loop_begin(k->e, &tokens, (LigRange){range.begin, range.end, lig_i64(k->e, 1)}, NULL, 0);
    LigTokenRow row = lig_kernel_row_of(k, &rows, tokens.index);
    LigIf branch;
    lig_if_begin(k->e, &branch, row.exists);
    store_token(k, op, tokens.index, row.row);
    lig_if_else(k->e, &branch, NULL, 0);
    lig_if_end(k->e, &branch, NULL, NULL);
    lig_loop_end(k->e, &tokens, NULL);
}

#include "runtime/residents.h"

#include "ir/base/alloc.h"
#include "ir/eval.h"
#include "runtime/packing.h"

// All results of load lie in one block: most weights are smaller than a huge page, and a page fault for every
// 4 KiB would cost as much as packing them.
struct LigResidents {
    void **addresses;
    unsigned char *pages;
    size_t bytes;
};

static LigEvalKernel *const kernels[] = {
#define LIG_OP(ID, name, ...) [LIG_OP_##ID] = lig_eval_##name,
#include "ir/ops.def"
#undef LIG_OP
};

size_t lig_residents_index(const LigModule *module, const LigValue *value)
{
    return value->kind == LIG_VALUE_PARAM ? value->id : module->params.count + value->id;
}

void *const *lig_residents_addresses(const LigResidents *residents) { return residents->addresses; }
size_t lig_residents_bytes(const LigResidents *residents) { return residents->bytes; }

static LigStatus bind_params(LigModule *module, LigResidents *residents)
{
    for (size_t i = 0; i < module->params.count; i++) {
        const LigValue *param = module->params.data[i];
        if (!param->data) {
            return lig_fail(module->ctx, LIG_ERR_NOT_FOUND, param->loc,
                            "param %%%.*s has no data: give the file that holds tensor \"%.*s\" with --weights",
                            LIG_STR_ARG(param->name), LIG_STR_ARG(param->source));
        }
        residents->addresses[i] = (void *)(uintptr_t)param->data;
    }
    return LIG_OK;
}

static bool is_computed(const LigOp *op) { return op->code != LIG_OP_CONSTANT; }

static LigStatus bind_shape(LigModule *module, const LigValue *value, LigShape *out)
{
    size_t bytes;
    if (lig_type_bind(&value->type, NULL, out) && lig_shape_bytes(out, &bytes)) return LIG_OK;
    return lig_fail(module->ctx, LIG_ERR_SHAPE, value->loc, "load: %%%.*s must have constant dims",
                    LIG_STR_ARG(value->name));
}

// Gives the result of `op` its place behind those before it: an offset until the block is there.
static LigStatus place_result(LigModule *module, const LigOp *op, LigResidents *residents)
{
    LigShape shape;
    size_t bytes, end;
    const LigValue *value = op->results[0];
    LIG_TRY(bind_shape(module, value, &shape));
    if (!lig_shape_bytes(&shape, &bytes) || !lig_add_size(bytes, LIG_ALIGN_CACHE - 1, &bytes) ||
        !lig_add_size(residents->bytes, bytes / LIG_ALIGN_CACHE * LIG_ALIGN_CACHE, &end))
        return lig_no_memory(module->ctx);
    residents->addresses[lig_residents_index(module, value)] = (void *)(uintptr_t)residents->bytes;
    residents->bytes = end;
    return LIG_OK;
}

static LigStatus allocate(LigModule *module, const LigFunc *load, LigResidents *residents)
{
    for (size_t i = 0; i < load->ops.count; i++) {
        if (is_computed(load->ops.data[i])) LIG_TRY(place_result(module, load->ops.data[i], residents));
    }
    if (residents->bytes == 0) return LIG_OK;
    residents->pages = lig_alloc_pages(residents->bytes);
    if (!residents->pages) return lig_no_memory(module->ctx);
    for (size_t i = 0; i < load->ops.count; i++) {
        if (!is_computed(load->ops.data[i])) continue;
        void **address = &residents->addresses[lig_residents_index(module, load->ops.data[i]->results[0])];
        *address = residents->pages + (uintptr_t)*address;
    }
    return LIG_OK;
}

static LigStatus find_operands(LigModule *module, const LigResidents *residents, const LigOp *op,
                               LigTensor *out)
{
    for (size_t i = 0; i < op->operand_count; i++) {
        const LigValue *value = op->operands[i];
        LIG_TRY(bind_shape(module, value, &out[i].shape));
        out[i].data = residents->addresses[lig_residents_index(module, value)];
    }
    return LIG_OK;
}

static LigStatus evaluate(LigModule *module, const LigOp *op, const LigTensor *operands, LigTensor *result)
{
    LigArena *scratch = lig_arena_create();
    if (!scratch) return lig_no_memory(module->ctx);
    LigEvalArgs args = {
        .module = module, .op = op, .operands = operands, .results = result, .scratch = scratch};
    LigStatus status = kernels[op->code](&args);
    lig_arena_destroy(scratch);
    return status;
}

// Params are packed with those around them, several in one loop; what load computes waits for that.
static LigStatus pack(LigModule *module, const LigOp *op, const LigTensor *source, const LigTensor *target,
                      LigPacking *packing)
{
    LigPackJob job = {.source = *source, .target = *target};
    bool is_param = op->operands[0]->kind == LIG_VALUE_PARAM;
    if (!is_param) lig_packing_run(packing);
    if (is_param && !lig_shape_bytes(&source->shape, &job.mapped)) job.mapped = 0;
    return lig_packing_add(packing, job) ? LIG_OK : lig_no_memory(module->ctx);
}

static LigStatus load_op(LigModule *module, const LigOp *op, LigPacking *packing, LigResidents *residents)
{
    const LigValue *value = op->results[0];
    void **address = &residents->addresses[lig_residents_index(module, value)];
    if (!is_computed(op)) {
        *address = (void *)(uintptr_t)value->data;
        return LIG_OK;
    }
    LigTensor *operands = LIG_NEW_ARRAY(module->arena, LigTensor, op->operand_count);
    if (!operands) return lig_no_memory(module->ctx);
    LIG_TRY(find_operands(module, residents, op, operands));
    LigTensor result = {.data = *address};
    LIG_TRY(bind_shape(module, value, &result.shape));
    if (op->code == LIG_OP_PACK) return pack(module, op, &operands[0], &result, packing);
    lig_packing_run(packing);
    return evaluate(module, op, operands, &result);
}

static LigStatus load_all(LigModule *module, const LigParallel *parallel, LigResidents *residents)
{
    const LigFunc *load = lig_module_load(module);
    LigPacking packing = {.arena = module->arena, .parallel = parallel};
    for (size_t i = 0; load && i < load->ops.count; i++) {
        LIG_TRY(load_op(module, load->ops.data[i], &packing, residents));
    }
    lig_packing_run(&packing);
    return LIG_OK;
}

static LigStatus fill(LigModule *module, const LigParallel *parallel, LigResidents *residents)
{
    const LigFunc *load = lig_module_load(module);
    size_t loaded = load ? load->value_count : 0;
    residents->addresses = lig_alloc_zero((module->params.count + loaded) * sizeof(void *));
    if (!residents->addresses) return lig_no_memory(module->ctx);
    LIG_TRY(bind_params(module, residents));
    if (load) LIG_TRY(allocate(module, load, residents));
    return load_all(module, parallel, residents);
}

LigStatus lig_residents_create(LigModule *module, const LigParallel *parallel, LigResidents **out)
{
    LigResidents *residents = lig_alloc_zero(sizeof *residents);
    if (!residents) return lig_no_memory(module->ctx);
    LigStatus status = fill(module, parallel, residents);
    if (status != LIG_OK) {
        lig_residents_destroy(residents);
        return status;
    }
    *out = residents;
    return LIG_OK;
}

void lig_residents_destroy(LigResidents *residents)
{
    if (!residents) return;
    lig_free_pages(residents->pages, residents->bytes);
    lig_free(residents->addresses);
    lig_free(residents);
}

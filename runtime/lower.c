#include "runtime/lower.h"

#include "runtime/residents.h"

#include <string.h>

typedef struct Lowerer {
    LigModule *module;
    const LigFunc *variant;
    LigCompiler *compiler;
    LigLowered *lowered;
    LigKernelFn **functions; // of the module's functions, by index; NULL until a call asks
    LIG_VEC(LigKernelCall) calls;
    LIG_VEC(LigBufferRef) buffers;
    LIG_VEC(LigDim) tiles;
} Lowerer;

static const LigValue *root_of(const LigValue *value)
{
    while (value->place.kind == LIG_PLACE_OVER) value = value->place.over;
    return value;
}

static int output_index(const Lowerer *l, const LigValue *root)
{
    for (size_t i = 0; i < l->variant->outputs.count; i++) {
        if (root_of(l->variant->outputs.data[i]) == root) return (int)i;
    }
    return -1;
}

static LigStatus find_buffer(const Lowerer *l, const LigValue *value, LigBufferRef *out)
{
    const LigValue *root = root_of(value);
    if (root->kind == LIG_VALUE_PARAM || lig_value_is_resident(l->module, root)) {
        *out = (LigBufferRef){LIG_REGION_RESIDENT, lig_residents_index(l->module, root)};
    } else if (root->kind == LIG_VALUE_STATE) {
        *out = (LigBufferRef){LIG_REGION_STATE, root->id};
    } else if (root->kind == LIG_VALUE_INPUT) {
        *out = (LigBufferRef){LIG_REGION_INPUT, root->index};
    } else if (root->place.kind == LIG_PLACE_ARENA) {
        *out = (LigBufferRef){LIG_REGION_ARENA, root->place.offset};
    } else {
        int output = output_index(l, root);
        if (output < 0) {
            return lig_fail(l->module->ctx, LIG_ERR_INTERNAL, root->loc,
                            "%%%.*s has no place: run the plan pass", LIG_STR_ARG(root->name));
        }
        *out = (LigBufferRef){LIG_REGION_OUTPUT, (uint64_t)output};
    }
    return LIG_OK;
}

static LigStatus add_buffers(Lowerer *l, LigValue *const *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        LigBufferRef ref;
        LIG_TRY(find_buffer(l, values[i], &ref));
        if (!LIG_VEC_PUSH(l->module->arena, &l->buffers, ref)) return lig_no_memory(l->module->ctx);
    }
    return LIG_OK;
}

// A kernel's identity is its whole text, so it is asked for once, not for every call.
static LigStatus find_callable(Lowerer *l, const LigFunc *kernel, uint32_t index, LigCallable *out)
{
    *out = (LigCallable){.function = l->functions[index]};
    if (out->function) return LIG_OK;
    LIG_TRY(lig_compiler_kernel(l->compiler, l->module, kernel, out));
    if (!out->handle) l->functions[index] = out->function;
    return LIG_OK;
}

static LigStatus add_call(Lowerer *l, const LigOp *op)
{
    LigCallable callable;
    uint32_t index = (uint32_t)lig_module_func_index(l->module, op->callee);
    LIG_TRY(find_callable(l, op->callee, index, &callable));
    size_t buffer_count = op->operand_count + op->result_count + (callable.handle != NULL);
    if (buffer_count > LIG_MAX_CALL_BUFFERS) {
        return lig_fail(l->module->ctx, LIG_ERR_UNSUPPORTED, op->loc,
                        "@%.*s takes and gives %zu values, at most %d: split it", LIG_STR_ARG(op->callee->name),
                        buffer_count, LIG_MAX_CALL_BUFFERS);
    }
    LigKernelCall call = {.kernel = callable.function,
                          .kernel_index = index,
                          .first_buffer = (uint32_t)l->buffers.count,
                          .buffer_count = (uint32_t)buffer_count};
    LIG_TRY(add_buffers(l, op->operands, op->operand_count));
    LIG_TRY(add_buffers(l, op->results, op->result_count));
    const LigBufferRef handle = {LIG_REGION_HANDLE, (uint64_t)(uintptr_t)callable.handle};
    if (callable.handle && !LIG_VEC_PUSH(l->module->arena, &l->buffers, handle))
        return lig_no_memory(l->module->ctx);
    LigDim tiles = lig_kernel_tiles(l->module, op->callee);
    int64_t scratch = lig_attrs_int(op->callee->attrs, LIG_ATTR_SCRATCH, 0);
    if ((uint64_t)scratch > l->lowered->program.scratch_bytes)
        l->lowered->program.scratch_bytes = (uint64_t)scratch;
    bool ok = tiles && LIG_VEC_PUSH(l->module->arena, &l->calls, call) &&
              LIG_VEC_PUSH(l->module->arena, &l->tiles, tiles);
    return ok ? LIG_OK : lig_no_memory(l->module->ctx);
}

// What a variant returns must be computed by it: the caller's memory is written by kernels only.
static LigStatus check_outputs(const Lowerer *l)
{
    for (size_t i = 0; i < l->variant->outputs.count; i++) {
        const LigValue *root = root_of(l->variant->outputs.data[i]);
        if (root->kind == LIG_VALUE_RESULT && !lig_value_is_resident(l->module, root) &&
            output_index(l, root) == (int)i) {
            continue;
        }
        return lig_fail(
            l->module->ctx, LIG_ERR_UNSUPPORTED, l->variant->loc,
            "@%.*s returns %%%.*s, which it does not compute (or returns twice): return results of its own, or "
            "use --interpret",
            LIG_STR_ARG(l->variant->name), LIG_STR_ARG(l->variant->outputs.data[i]->name));
    }
    return LIG_OK;
}

// The compiler's loop on our threads.

typedef struct Each {
    void (*fn)(void *user, int64_t index);
    void *user;
} Each;

static void run_each(void *user, int thread, int64_t begin, int64_t end)
{
    (void)thread;
    const Each *each = user;
    for (int64_t i = begin; i < end; i++) each->fn(each->user, i);
}

static void run_loop(void *self, int64_t count, void (*fn)(void *user, int64_t index), void *user)
{
    const LigParallel *parallel = self;
    Each each = {fn, user};
    parallel->run(parallel->self, count, run_each, &each);
}

// All kernels of the variant at once, so that threads share the work.
static LigStatus make_kernels(const Lowerer *l, const LigParallel *parallel)
{
    const LigFunc **kernels = LIG_NEW_ARRAY(l->module->arena, const LigFunc *, l->module->funcs.count);
    bool *seen = LIG_NEW_ARRAY(l->module->arena, bool, l->module->funcs.count);
    LigKernelList list = {.items = kernels};
    if (!kernels || !seen) return lig_no_memory(l->module->ctx);
    for (size_t i = 0; i < l->variant->ops.count; i++) {
        const LigFunc *kernel = l->variant->ops.data[i]->callee;
        size_t index = kernel ? lig_module_func_index(l->module, kernel) : 0;
        if (!kernel || seen[index]) continue;
        seen[index] = true;
        kernels[list.count++] = kernel;
    }
    const LigCompileLoop loop = {run_loop, (void *)(uintptr_t)parallel};
    return lig_compiler_make(l->compiler, l->module, &list, &loop);
}

LigStatus lig_lower_variant(LigModule *module, const LigFunc *variant, LigCompiler *compiler,
                            const LigParallel *parallel, LigLowered **out)
{
    Lowerer l = {.module = module,
                 .variant = variant,
                 .compiler = compiler,
                 .lowered = LIG_NEW(module->arena, LigLowered)};
    l.functions = LIG_NEW_ARRAY(module->arena, LigKernelFn *, module->funcs.count);
    if (!l.lowered || !l.functions) return lig_no_memory(module->ctx);
    LIG_TRY(check_outputs(&l));
    LIG_TRY(make_kernels(&l, parallel));
    for (size_t i = 0; i < variant->ops.count; i++) {
        if (variant->ops.data[i]->callee) LIG_TRY(add_call(&l, variant->ops.data[i]));
    }
    l.lowered->tiles = LIG_NEW_ARRAY(module->arena, int64_t, l.calls.count);
    if (!l.lowered->tiles) return lig_no_memory(module->ctx);
    l.lowered->tile_dims = l.tiles.data;
    l.lowered->program.calls = l.calls.data;
    l.lowered->program.call_count = l.calls.count;
    l.lowered->program.buffers = l.buffers.data;
    l.lowered->program.arena_bytes = (uint64_t)lig_attrs_int(variant->attrs, LIG_ATTR_ARENA, 0);
    *out = l.lowered;
    return LIG_OK;
}

LigStatus lig_lowered_bind(LigLowered *lowered, const LigModule *module, const int64_t *dims)
{
    size_t bytes = lig_dims_symbol_count(module->dims) * sizeof *dims;
    if (lowered->is_bound && memcmp(dims, lowered->bound_dims, bytes) == 0) return LIG_OK;
    for (size_t i = 0; i < lowered->program.call_count; i++) {
        if (lig_dim_eval(lowered->tile_dims[i], dims, &lowered->tiles[i])) continue;
        return lig_fail(module->ctx, LIG_ERR_SHAPE, LIG_NOWHERE,
                        "a number of tiles overflows: use smaller sizes");
    }
    memcpy(lowered->bound_dims, dims, bytes);
    lowered->is_bound = true;
    return LIG_OK;
}

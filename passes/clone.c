#include "passes/clone.h"

#include "ir/canonical.h"

// The kernel of the set with the text of `kernel`; that itself, put there, when there is none.
static LigStatus find_or_put(LigKernelSet *set, LigModule *module, LigFunc *kernel, LigFunc **out)
{
    LigText text = {0};
    lig_canonical_func(&text, module, kernel);
    LigStr key = lig_text_view(&text);
    *out = lig_map_get(&set->by_text, key);
    bool complete = !text.failed;
    if (!*out) {
        key = lig_str_copy(set->arena, key);
        complete = complete && key.data && lig_map_put(set->arena, &set->by_text, key, kernel);
        *out = kernel;
    }
    lig_text_free(&text);
    return complete ? LIG_OK : lig_no_memory(module->ctx);
}

LigStatus lig_kernel_set_add(LigKernelSet *set, LigModule *module, LigFunc *kernel)
{
    LigFunc *known;
    return find_or_put(set, module, kernel, &known);
}

static LigStatus name_freshly(LigModule *module, LigFunc *func)
{
    LigStr name = func->name;
    for (int i = 2; name.data && lig_module_find_func(module, name); i++) {
        name = lig_str_format(module->arena, "%.*s.%d", LIG_STR_ARG(func->name), i);
    }
    func->name = name;
    return name.data ? LIG_OK : lig_no_memory(module->ctx);
}

LigStatus lig_kernel_set_intern(LigKernelSet *set, LigModule *module, LigFunc *kernel, LigFunc **out)
{
    LIG_TRY(find_or_put(set, module, kernel, out));
    if (*out != kernel) return LIG_OK;
    LIG_TRY(name_freshly(module, kernel));
    return lig_module_enter_func(module, kernel);
}

LigType lig_type_substitute(LigModule *module, const LigType *type, const LigDim *dims)
{
    LigType result = *type;
    for (int i = 0; dims && i < type->rank; i++) {
        result.dims[i] = lig_dim_substitute(module->dims, type->dims[i], dims);
    }
    return result;
}

// The values of the copy by id of the source's inputs and results.
typedef struct Cloner {
    LigModule *module;
    const LigRetype *retype;
    LigArena *scratch;
    LigFunc *target;
    LigValue **map;
} Cloner;

static LigValue *mapped(const Cloner *c, LigValue *value)
{
    bool local = value->kind == LIG_VALUE_INPUT || (value->kind == LIG_VALUE_RESULT && c->map[value->id]);
    return local && !lig_value_is_resident(c->module, value) ? c->map[value->id] : value;
}

// Stated types matter to ops that take their type from the text; a call's results and a state's new value are
// inferred.
static bool keeps_stated_type(LigOpCode code)
{
    LigOpClass class = lig_op_info(code)->class;
    return class != LIG_OPS_CALL && class != LIG_OPS_STATE;
}

static LigStatus retype_callee(const Cloner *c, const LigOp *op, LigValue *const *operands, LigFunc **out)
{
    LigType *types = LIG_NEW_ARRAY(c->scratch, LigType, op->operand_count);
    if (!types) return lig_no_memory(c->module->ctx);
    for (size_t i = 0; i < op->operand_count; i++) types[i] = operands[i]->type;
    LigRetype retype = *c->retype;
    retype.input_types = types;
    return lig_retype_kernel(c->module, op->callee, &retype, out);
}

static LigStatus clone_op(Cloner *c, const LigOp *op)
{
    LigValue **operands = LIG_NEW_ARRAY(c->scratch, LigValue *, op->operand_count);
    LigType *stated = LIG_NEW_ARRAY(c->scratch, LigType, op->result_count);
    LigStr *names = LIG_NEW_ARRAY(c->scratch, LigStr, op->result_count);
    if (!operands || !stated || !names) return lig_no_memory(c->module->ctx);
    for (size_t i = 0; i < op->operand_count; i++) operands[i] = mapped(c, op->operands[i]);
    for (size_t i = 0; i < op->result_count; i++) {
        stated[i] = lig_type_substitute(c->module, &op->results[i]->type, c->retype->dims);
        names[i] = op->results[i]->name;
    }
    LigFunc *callee = NULL;
    if (op->callee) LIG_TRY(retype_callee(c, op, operands, &callee));
    LigOpSpec spec = {.code = op->code,
                      .names = names,
                      .operands = operands,
                      .operand_count = op->operand_count,
                      .attrs = op->attrs,
                      .stated = keeps_stated_type(op->code) ? stated : NULL,
                      .callee = callee,
                      .loc = op->loc};
    LigOp *copy;
    LIG_TRY(lig_op_create(c->module, c->target, &spec, &copy));
    for (size_t i = 0; i < op->result_count; i++) {
        copy->results[i]->data = op->results[i]->data;
        c->map[op->results[i]->id] = copy->results[i];
    }
    return LIG_OK;
}

static LigStatus clone_into(Cloner *c, const LigFunc *source)
{
    c->map = LIG_NEW_ARRAY(c->scratch, LigValue *, source->value_count);
    if (!c->map) return lig_no_memory(c->module->ctx);
    for (size_t i = 0; i < source->inputs.count; i++) {
        c->map[source->inputs.data[i]->id] = c->target->inputs.data[i];
    }
    for (size_t i = 0; i < source->ops.count; i++) LIG_TRY(clone_op(c, source->ops.data[i]));
    for (size_t i = 0; i < source->outputs.count; i++) {
        LIG_TRY(lig_func_add_output(c->module, c->target, mapped(c, source->outputs.data[i])));
    }
    lig_func_renumber(c->target);
    return LIG_OK;
}

LigStatus lig_clone_body(LigModule *module, const LigFunc *source, LigFunc *target, const LigRetype *retype)
{
    LigArena *scratch = lig_arena_create();
    if (!scratch) return lig_no_memory(module->ctx);
    Cloner cloner = {.module = module, .retype = retype, .scratch = scratch, .target = target};
    LigStatus status = clone_into(&cloner, source);
    lig_arena_destroy(scratch);
    return status;
}

static bool same_input_types(LigModule *module, const LigFunc *source, const LigType *types)
{
    for (size_t i = 0; i < source->inputs.count; i++) {
        if (lig_type_equal(module->dims, &source->inputs.data[i]->type, &types[i]) != LIG_YES) return false;
    }
    return true;
}

// Dims that no input mentions, as iota's, may be replaced too.
static bool same_result_types(LigModule *module, const LigFunc *source, const LigDim *dims)
{
    for (size_t i = 0; dims && i < source->ops.count; i++) {
        const LigOp *op = source->ops.data[i];
        for (size_t r = 0; r < op->result_count; r++) {
            const LigType *was = &op->results[r]->type;
            for (int axis = 0; axis < was->rank; axis++) {
                // NULL when memory is out: the copy then reports it.
                if (lig_dim_substitute(module->dims, was->dims[axis], dims) != was->dims[axis]) return false;
            }
        }
    }
    return true;
}

// The formal types that `source` would have: the operands' types where given, else the source's with dims
// replaced.
static LigStatus make_kernel(LigModule *module, const LigFunc *source, const LigRetype *retype, LigFunc **out)
{
    LigStr name = source->name;
    if (retype->suffix.length && !lig_str_ends_with(name, retype->suffix)) {
        name = lig_str_format(module->arena, "%.*s%.*s", LIG_STR_ARG(name), LIG_STR_ARG(retype->suffix));
    }
    if (!name.data) return lig_no_memory(module->ctx);
    LIG_TRY(lig_func_create(module, LIG_FUNC_KERNEL, name, out));
    (*out)->attrs = source->attrs;
    for (size_t i = 0; i < source->inputs.count; i++) {
        const LigValue *input = source->inputs.data[i];
        LigType type = retype->input_types ? retype->input_types[i]
                                           : lig_type_substitute(module, &input->type, retype->dims);
        LigValue *copy;
        LIG_TRY(lig_func_add_input(module, *out, input->name, type, &copy));
    }
    LigRetype inner = *retype;
    inner.input_types = NULL;
    return lig_clone_body(module, source, *out, &inner);
}

static LigStatus retype_anew(LigModule *module, const LigFunc *source, const LigRetype *retype, LigFunc **out)
{
    if (retype->input_types && same_input_types(module, source, retype->input_types) &&
        same_result_types(module, source, retype->dims)) {
        *out = (LigFunc *)(uintptr_t)source;
        return LIG_OK;
    }
    LigFunc *made;
    LIG_TRY(make_kernel(module, source, retype, &made));
    return lig_kernel_set_intern(retype->kernels, module, made, out);
}

static void append_bytes(LigText *text, const void *data, size_t bytes)
{
    lig_text_append(text, (LigStr){data, bytes});
}

// All that a retyped kernel depends on, as bytes: dims are interned, so their addresses tell them apart.
static void append_request(LigText *key, const LigFunc *source, const LigRetype *retype)
{
    append_bytes(key, &source, sizeof(LigFunc *));
    if (retype->dims) append_bytes(key, retype->dims, LIG_MAX_SYMBOLS * sizeof(LigDim));
    for (size_t i = 0; retype->input_types && i < source->inputs.count; i++) {
        const LigType *type = &retype->input_types[i];
        const int32_t rest[] = {(int32_t)type->dtype, type->rank, (int32_t)type->layout.kind, type->layout.n,
                                type->layout.k};
        append_bytes(key, rest, sizeof rest);
        append_bytes(key, type->dims, (size_t)type->rank * sizeof(LigDim));
    }
}

// Layers ask for the same: they are answered from the set.
static LigStatus retype_once(LigModule *module, const LigFunc *source, const LigRetype *retype, LigStr request,
                             LigFunc **out)
{
    LigKernelSet *set = retype->kernels;
    *out = lig_map_get(&set->retyped, request);
    if (*out) return LIG_OK;
    LIG_TRY(retype_anew(module, source, retype, out));
    LigStr key = lig_str_copy(set->arena, request);
    bool kept = key.data && lig_map_put(set->arena, &set->retyped, key, *out);
    return kept ? LIG_OK : lig_no_memory(module->ctx);
}

LigStatus lig_retype_kernel(LigModule *module, const LigFunc *source, const LigRetype *retype, LigFunc **out)
{
    LigText request = {0};
    append_request(&request, source, retype);
    LigStatus status = request.failed ? lig_no_memory(module->ctx)
                                      : retype_once(module, source, retype, lig_text_view(&request), out);
    lig_text_free(&request);
    return status;
}

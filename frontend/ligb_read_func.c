// .ligb files into modules: functions, their ops and attributes.
#include "frontend/ligb_read.h"

#include "ir/lex.h"

#include <string.h>

// ---- attributes ----

static LigStatus read_text(LigLigbReader *r, const char *text, LigAttr *attr)
{
    if (!lig_is_word(lig_str(text))) return lig_ligb__damaged(r, "the value of an attribute is no name");
    attr->value.name = lig_str_copy(r->module->arena, lig_str(text));
    return attr->value.name.data ? LIG_OK : lig_no_memory(r->ctx);
}

static LigStatus read_integers(LigLigbReader *r, const Ligature__Integers *list, LigAttr *attr)
{
    const void *copy = lig_arena_copy(r->module->arena, list->items, list->n_items * sizeof *list->items);
    if (!copy) return lig_no_memory(r->ctx);
    attr->value.integers.data = copy;
    attr->value.integers.count = list->n_items;
    return LIG_OK;
}

static LigStatus read_attr(LigLigbReader *r, const Ligature__Attribute *message, LigAttr *attr)
{
    static const Ligature__Attribute__ValueCase cases[] = {
        [LIG_ATTR_INT] = LIGATURE__ATTRIBUTE__VALUE_INTEGER,
        [LIG_ATTR_FLOAT] = LIGATURE__ATTRIBUTE__VALUE_REAL,
        [LIG_ATTR_FLAG] = LIGATURE__ATTRIBUTE__VALUE__NOT_SET,
        [LIG_ATTR_NAME] = LIGATURE__ATTRIBUTE__VALUE_TEXT,
        [LIG_ATTR_INTS] = LIGATURE__ATTRIBUTE__VALUE_INTEGERS,
    };
    *attr = (LigAttr){0};
    if (!lig_attr_find(lig_str(message->name), &attr->key))
        return lig_ligb__unknown(r, "attribute", message->name);
    LigAttrKind kind = lig_attr_kind(attr->key);
    if (message->value_case != cases[kind])
        return lig_ligb__damaged(r, "attribute `%s` has a value of another kind", message->name);
    if (kind == LIG_ATTR_NAME) return read_text(r, message->text, attr);
    if (kind == LIG_ATTR_INTS) return read_integers(r, message->integers, attr);
    if (kind == LIG_ATTR_INT) attr->value.integer = message->integer;
    if (kind == LIG_ATTR_FLOAT) attr->value.real = message->real;
    return LIG_OK;
}

static LigStatus read_attrs(LigLigbReader *r, Ligature__Attribute *const *messages, size_t count, LigAttrs *out)
{
    *out = (LigAttrs){0};
    for (size_t i = 0; i < count; i++) {
        LigAttr attr;
        LIG_TRY(read_attr(r, messages[i], &attr));
        if (lig_attrs_get(*out, attr.key))
            return lig_ligb__damaged(r, "attribute `%s` stands twice", messages[i]->name);
        if (!lig_attrs_set(r->module->arena, out, attr)) return lig_no_memory(r->ctx);
    }
    return LIG_OK;
}

// ---- ops ----

// Kernels see their own values alone.
static LigStatus find_value(LigLigbReader *r, uint32_t number, LigValue **out)
{
    bool hidden = r->func->kind == LIG_FUNC_KERNEL && number < r->globals;
    if (number >= r->values.count || hidden)
        return lig_ligb__damaged(r, "value %u is not visible where @%.*s names it", number,
                                 LIG_STR_ARG(r->func->name));
    *out = r->values.data[number];
    return LIG_OK;
}

static LigStatus read_callee(LigLigbReader *r, const Ligature__Op *message, LigOpSpec *spec)
{
    bool calls = spec->code == LIG_OP_CALL;
    if (!calls && !message->callee[0]) return LIG_OK;
    LIG_TRY(lig_ligb__check_name(r, message->callee));
    spec->callee = lig_module_find_func(r->module, lig_str(message->callee));
    if (calls && spec->callee && spec->callee->kind == LIG_FUNC_KERNEL && spec->callee != r->func)
        return LIG_OK;
    return lig_ligb__damaged(r, "an op calls @%s, which is no kernel that stands before", message->callee);
}

static LigStatus read_operands(LigLigbReader *r, const Ligature__Op *message, LigOpSpec *spec)
{
    LigValue **operands = LIG_NEW_ARRAY(r->scratch, LigValue *, message->n_operands);
    if (!operands) return lig_no_memory(r->ctx);
    for (size_t i = 0; i < message->n_operands; i++) LIG_TRY(find_value(r, message->operands[i], &operands[i]));
    spec->operands = operands;
    spec->operand_count = message->n_operands;
    return LIG_OK;
}

static LigStatus read_results(LigLigbReader *r, const Ligature__Op *message, LigOpSpec *spec)
{
    int fixed = lig_op_info(spec->code)->results;
    size_t count = fixed >= 0 ? (size_t)fixed : spec->callee->outputs.count;
    if (message->n_results != count)
        return lig_ligb__damaged(r, "%s has %zu results, but gives %zu", message->name, message->n_results,
                                 count);
    LigStr *names = LIG_NEW_ARRAY(r->scratch, LigStr, count);
    LigType *types = LIG_NEW_ARRAY(r->scratch, LigType, count);
    if (!names || !types) return lig_no_memory(r->ctx);
    for (size_t i = 0; i < count; i++) {
        const Ligature__Value *result = message->results[i];
        LIG_TRY(lig_ligb__check_name(r, result->name));
        LIG_TRY(lig_ligb__type(r, result->type, &types[i]));
        if (result->source.len || result->data)
            return lig_ligb__damaged(r, "%%%s is no param, but comes from a file", result->name);
        names[i] = lig_str(result->name);
    }
    spec->names = names;
    spec->stated = types;
    return LIG_OK;
}

static bool are_booleans(const ProtobufCBinaryData *bytes)
{
    for (size_t i = 0; i < bytes->len; i++) {
        if (bytes->data[i] > 1) return false;
    }
    return true;
}

static LigStatus read_constant(LigLigbReader *r, const ProtobufCBinaryData *bytes, LigValue *value)
{
    LigShape shape;
    size_t wanted;
    bool fits = !lig_dtype_is_quantised(value->type.dtype) && lig_type_bind(&value->type, NULL, &shape) &&
                lig_shape_bytes(&shape, &wanted) && wanted == bytes->len;
    if (!fits || (value->type.dtype == LIG_BOOL && !are_booleans(bytes)))
        return lig_ligb__damaged(r, "the bytes of constant %%%.*s do not fit its type",
                                 LIG_STR_ARG(value->name));
    value->data = lig_arena_copy(r->module->arena, bytes->data, bytes->len);
    return value->data ? LIG_OK : lig_no_memory(r->ctx);
}

static LigStatus read_place(LigLigbReader *r, const Ligature__Value *message, LigPlace *out)
{
    *out = (LigPlace){0};
    if (message->place_case == LIGATURE__VALUE__PLACE_AT) {
        if (message->at > INT64_MAX) return lig_ligb__damaged(r, "%%%s lies outside any arena", message->name);
        *out = (LigPlace){.kind = LIG_PLACE_ARENA, .offset = message->at};
    } else if (message->place_case == LIGATURE__VALUE__PLACE_OVER) {
        out->kind = LIG_PLACE_OVER;
        return find_value(r, message->over, &out->over);
    }
    return LIG_OK;
}

static LigStatus read_op(LigLigbReader *r, const Ligature__Op *message)
{
    LigOpSpec spec = {.loc = LIG_FILE_LOC(r->path)};
    LigOp *op;
    if (!lig_op_find(lig_str(message->name), &spec.code)) return lig_ligb__unknown(r, "op", message->name);
    LIG_TRY(read_callee(r, message, &spec));
    LIG_TRY(read_operands(r, message, &spec));
    LIG_TRY(read_attrs(r, message->attributes, message->n_attributes, &spec.attrs));
    LIG_TRY(read_results(r, message, &spec));
    LIG_TRY(lig_op_create(r->module, r->func, &spec, &op));
    for (size_t i = 0; i < op->result_count; i++)
        LIG_TRY(read_place(r, message->results[i], &op->results[i]->place));
    for (size_t i = 0; i < op->result_count; i++) LIG_TRY(lig_ligb__add_value(r, op->results[i]));
    if (spec.code == LIG_OP_CONSTANT) return read_constant(r, &message->constant, op->results[0]);
    return message->constant.len ? lig_ligb__damaged(r, "%s has the bytes of a constant", message->name)
                                 : LIG_OK;
}

// ---- functions ----

static LigStatus read_input(LigLigbReader *r, const Ligature__Value *message)
{
    LigType type;
    LigValue *value;
    LIG_TRY(lig_ligb__check_name(r, message->name));
    LIG_TRY(lig_ligb__type(r, message->type, &type));
    if (message->place_case != LIGATURE__VALUE__PLACE__NOT_SET || message->source.len || message->data)
        return lig_ligb__damaged(r, "input %%%s has a place or bytes", message->name);
    LIG_TRY(lig_func_add_input(r->module, r->func, lig_str(message->name), type, &value));
    return lig_ligb__add_value(r, value);
}

static LigStatus read_variant(LigLigbReader *r, const Ligature__Function *message)
{
    bool variant = r->func->kind == LIG_FUNC_VARIANT;
    if (!variant && (message->variant_of[0] || message->n_bindings))
        return lig_ligb__damaged(r, "@%s is no variant, but binds symbols like one", message->name);
    if (!variant) return LIG_OK;
    LIG_TRY(lig_ligb__check_name(r, message->variant_of));
    r->func->variant_of = lig_str_copy(r->module->arena, lig_str(message->variant_of));
    if (!r->func->variant_of.data) return lig_no_memory(r->ctx);
    for (size_t i = 0; i < message->n_bindings; i++) {
        const Ligature__Binding *binding = message->bindings[i];
        if (!LIG_VEC_PUSH(r->module->arena, &r->func->bindings,
                          (LigBinding){binding->symbol, binding->low, binding->high}))
            return lig_no_memory(r->ctx);
    }
    return LIG_OK;
}

static LigStatus create_func(LigLigbReader *r, const Ligature__Function *message)
{
    static const LigFuncKind kinds[] = {[LIGATURE__FUNCTION__KIND__FUNC] = LIG_FUNC,
                                        [LIGATURE__FUNCTION__KIND__LOAD] = LIG_FUNC_LOAD,
                                        [LIGATURE__FUNCTION__KIND__KERNEL] = LIG_FUNC_KERNEL,
                                        [LIGATURE__FUNCTION__KIND__VARIANT] = LIG_FUNC_VARIANT};
    size_t kind = (size_t)message->kind;
    if (kind >= sizeof kinds / sizeof *kinds) return lig_ligb__damaged(r, "a function is of no known kind");
    bool load = kinds[kind] == LIG_FUNC_LOAD;
    if (load && (message->name[0] || message->n_attributes || r->module->funcs.count))
        return lig_ligb__damaged(r, "load has a name or attributes, or does not stand first");
    if (!load) LIG_TRY(lig_ligb__check_name(r, message->name));
    LIG_TRY(lig_module_add_func(r->module, kinds[kind], lig_str(message->name), &r->func));
    r->func->loc = LIG_FILE_LOC(r->path);
    return LIG_OK;
}

LigStatus lig_ligb__func(LigLigbReader *r, const Ligature__Function *message)
{
    LIG_TRY(create_func(r, message));
    r->values.count = r->globals;
    LIG_TRY(read_variant(r, message));
    LIG_TRY(read_attrs(r, message->attributes, message->n_attributes, &r->func->attrs));
    for (size_t i = 0; i < message->n_inputs; i++) LIG_TRY(read_input(r, message->inputs[i]));
    for (size_t i = 0; i < message->n_ops; i++) LIG_TRY(read_op(r, message->ops[i]));
    for (size_t i = 0; i < message->n_outputs; i++) {
        LigValue *value = NULL;
        LIG_TRY(find_value(r, message->outputs[i], &value));
        LIG_TRY(lig_func_add_output(r->module, r->func, value));
    }
    if (r->func->kind == LIG_FUNC_LOAD) r->globals = r->values.count;
    return LIG_OK;
}

// Modules into .ligb files: the message is built in an arena, packed once, and followed by the blobs.
#include "frontend/ligb.h"
#include "frontend/ligb.pb-c.h"

#include "ir/base/alloc.h"
#include "ir/dim_node.h"
#include "ir/verify.h"

#include <string.h>

// Allocations that fail are remembered and checked once, before packing.
typedef struct Writer {
    const LigModule *module;
    LigArena *arena;
    bool failed, embed;
    LIG_VEC(Ligature__Dim *) dims;
    LigMap dim_numbers; // by the dim's address: its number + 1
    uint32_t globals;   // params, states and results of load: where a function's own values begin
    uint64_t blob_bytes;
} Writer;

// A zeroed array; on failure `failed` is set and NULL given.
static void *new_array(Writer *w, size_t count, size_t bytes)
{
    void *data = lig_arena_alloc_array(w->arena, count, bytes);
    if (!data) w->failed = true;
    return data;
}

// Declares `Type *variable`, initialised as `init` says; returns NULL from the function when memory is out.
#define NEW_MESSAGE(w, variable, Type, init)                                                                   \
    Type *variable = new_array(w, 1, sizeof *variable);                                                        \
    if (!variable) return NULL;                                                                                \
    *variable = (Type)init

static char *text_of(Writer *w, LigStr s)
{
    LigStr copy = lig_str_copy(w->arena, s);
    if (!copy.data) w->failed = true;
    return (char *)(uintptr_t)copy.data;
}

// protobuf-c's structures are not const; packing only reads them.
static ProtobufCBinaryData bytes_of(const void *data, size_t bytes)
{
    return (ProtobufCBinaryData){bytes, (uint8_t *)(uintptr_t)data};
}

// ---- dims and types ----

static uint32_t dim_number(Writer *w, LigDim dim);

static Ligature__Atom *atom_message(Writer *w, const LigDimAtom *atom)
{
    static const Ligature__Atom__Kind kinds[] = {[LIG_ATOM_SYMBOL] = LIGATURE__ATOM__KIND__SYMBOL,
                                                 [LIG_ATOM_FLOORDIV] = LIGATURE__ATOM__KIND__FLOORDIV,
                                                 [LIG_ATOM_MIN] = LIGATURE__ATOM__KIND__MIN,
                                                 [LIG_ATOM_MAX] = LIGATURE__ATOM__KIND__MAX};
    NEW_MESSAGE(w, message, Ligature__Atom, LIGATURE__ATOM__INIT);
    message->kind = kinds[atom->kind];
    if (atom->kind == LIG_ATOM_SYMBOL) {
        message->symbol = (uint32_t)atom->symbol;
        return message;
    }
    message->by = atom->by;
    message->n_dims = atom->count;
    message->dims = new_array(w, atom->count, sizeof *message->dims);
    for (size_t i = 0; message->dims && i < atom->count; i++)
        message->dims[i] = dim_number(w, atom->operands[i]);
    return message;
}

static Ligature__Term *term_message(Writer *w, const LigDimTerm *term)
{
    NEW_MESSAGE(w, message, Ligature__Term, LIGATURE__TERM__INIT);
    message->coefficient = term->coefficient;
    message->n_atoms = term->degree;
    message->atoms = new_array(w, term->degree, sizeof *message->atoms);
    for (size_t i = 0; message->atoms && i < term->degree; i++)
        message->atoms[i] = atom_message(w, term->atoms[i]);
    return message;
}

static Ligature__Dim *dim_message(Writer *w, LigDim dim)
{
    NEW_MESSAGE(w, message, Ligature__Dim, LIGATURE__DIM__INIT);
    message->n_terms = dim->count;
    message->terms = new_array(w, dim->count, sizeof *message->terms);
    for (size_t i = 0; message->terms && i < dim->count; i++)
        message->terms[i] = term_message(w, &dim->terms[i]);
    return message;
}

// The dim's place in the list, entered after those it is made of.
static uint32_t dim_number(Writer *w, LigDim dim)
{
    const LigStr address = {(const char *)&dim, sizeof(LigDim)};
    uintptr_t found = (uintptr_t)lig_map_get(&w->dim_numbers, address);
    if (found) return (uint32_t)(found - 1);
    LigDim *key = new_array(w, 1, sizeof *key);
    Ligature__Dim *message = dim_message(w, dim);
    if (!key || !message || !LIG_VEC_PUSH(w->arena, &w->dims, message)) {
        w->failed = true;
        return 0;
    }
    *key = dim;
    const LigStr kept = {(const char *)key, sizeof *key};
    if (!lig_map_put(w->arena, &w->dim_numbers, kept, (void *)(uintptr_t)w->dims.count)) w->failed = true;
    return (uint32_t)(w->dims.count - 1);
}

static Ligature__Panel *panel_message(Writer *w, LigLayout layout)
{
    NEW_MESSAGE(w, message, Ligature__Panel, LIGATURE__PANEL__INIT);
    message->n = (uint32_t)layout.n;
    message->k = (uint32_t)layout.k;
    return message;
}

static Ligature__Type *type_message(Writer *w, const LigType *type)
{
    NEW_MESSAGE(w, message, Ligature__Type, LIGATURE__TYPE__INIT);
    message->dtype = text_of(w, lig_str(lig_dtype_name(type->dtype)));
    message->n_dims = (size_t)type->rank;
    message->dims = new_array(w, message->n_dims, sizeof *message->dims);
    for (size_t i = 0; message->dims && i < message->n_dims; i++)
        message->dims[i] = dim_number(w, type->dims[i]);
    if (type->layout.kind == LIG_LAYOUT_PANEL) message->panel = panel_message(w, type->layout);
    return message;
}

// ---- values ----

static uint32_t value_number(const Writer *w, const LigValue *value)
{
    uint32_t params = (uint32_t)w->module->params.count, states = (uint32_t)w->module->states.count;
    if (value->kind == LIG_VALUE_PARAM) return value->id;
    if (value->kind == LIG_VALUE_STATE) return params + value->id;
    return value->id + (lig_value_is_resident(w->module, value) ? params + states : w->globals);
}

static uint64_t align_up(uint64_t bytes)
{
    return (bytes + LIG_LIGB_ALIGN - 1) / LIG_LIGB_ALIGN * LIG_LIGB_ALIGN;
}

static bool param_bytes(const LigValue *param, size_t *bytes)
{
    LigShape shape;
    return lig_type_bind(&param->type, NULL, &shape) && lig_shape_bytes(&shape, bytes);
}

static Ligature__Blob *blob_message(Writer *w, size_t bytes)
{
    NEW_MESSAGE(w, message, Ligature__Blob, LIGATURE__BLOB__INIT);
    message->offset = align_up(w->blob_bytes);
    message->bytes = bytes;
    w->blob_bytes = message->offset + bytes;
    return message;
}

static Ligature__Value *value_message(Writer *w, const LigValue *value)
{
    NEW_MESSAGE(w, message, Ligature__Value, LIGATURE__VALUE__INIT);
    size_t bytes;
    message->name = text_of(w, value->name);
    message->type = type_message(w, &value->type);
    message->source = bytes_of(value->source.data, value->source.length);
    if (w->embed && value->kind == LIG_VALUE_PARAM && param_bytes(value, &bytes))
        message->data = blob_message(w, bytes);
    if (value->place.kind == LIG_PLACE_ARENA) {
        message->place_case = LIGATURE__VALUE__PLACE_AT;
        message->at = value->place.offset;
    } else if (value->place.kind == LIG_PLACE_OVER) {
        message->place_case = LIGATURE__VALUE__PLACE_OVER;
        message->over = value_number(w, value->place.over);
    }
    return message;
}

static Ligature__Value **value_messages(Writer *w, LigValue *const *values, size_t count)
{
    Ligature__Value **messages = new_array(w, count, sizeof(Ligature__Value *));
    for (size_t i = 0; messages && i < count; i++) messages[i] = value_message(w, values[i]);
    return messages;
}

static uint32_t *value_numbers(Writer *w, LigValue *const *values, size_t count)
{
    uint32_t *numbers = new_array(w, count, sizeof *numbers);
    for (size_t i = 0; numbers && i < count; i++) numbers[i] = value_number(w, values[i]);
    return numbers;
}

// ---- functions ----

static Ligature__Integers *integers_message(Writer *w, const LigAttr *attr)
{
    NEW_MESSAGE(w, message, Ligature__Integers, LIGATURE__INTEGERS__INIT);
    message->n_items = attr->value.integers.count;
    message->items = (int64_t *)(uintptr_t)attr->value.integers.data;
    return message;
}

static Ligature__Attribute *attr_message(Writer *w, const LigAttr *attr)
{
    NEW_MESSAGE(w, message, Ligature__Attribute, LIGATURE__ATTRIBUTE__INIT);
    message->name = text_of(w, lig_str(lig_attr_name(attr->key)));
    switch (lig_attr_kind(attr->key)) {
    case LIG_ATTR_FLAG:
        break;
    case LIG_ATTR_INT:
        message->value_case = LIGATURE__ATTRIBUTE__VALUE_INTEGER;
        message->integer = attr->value.integer;
        break;
    case LIG_ATTR_FLOAT:
        message->value_case = LIGATURE__ATTRIBUTE__VALUE_REAL;
        message->real = attr->value.real;
        break;
    case LIG_ATTR_NAME:
        message->value_case = LIGATURE__ATTRIBUTE__VALUE_TEXT;
        message->text = text_of(w, attr->value.name);
        break;
    case LIG_ATTR_INTS:
        message->value_case = LIGATURE__ATTRIBUTE__VALUE_INTEGERS;
        message->integers = integers_message(w, attr);
        break;
    }
    return message;
}

static Ligature__Attribute **attr_messages(Writer *w, LigAttrs attrs)
{
    Ligature__Attribute **messages = new_array(w, attrs.count, sizeof(Ligature__Attribute *));
    for (size_t i = 0; messages && i < attrs.count; i++) messages[i] = attr_message(w, &attrs.items[i]);
    return messages;
}

static ProtobufCBinaryData constant_bytes(const LigValue *value)
{
    LigShape shape;
    size_t bytes;
    bool known = value->data && lig_type_bind(&value->type, NULL, &shape) && lig_shape_bytes(&shape, &bytes);
    return known ? bytes_of(value->data, bytes) : bytes_of(NULL, 0);
}

static Ligature__Op *op_message(Writer *w, const LigOp *op)
{
    NEW_MESSAGE(w, message, Ligature__Op, LIGATURE__OP__INIT);
    message->name = text_of(w, lig_str(lig_op_info(op->code)->name));
    message->n_operands = op->operand_count;
    message->operands = value_numbers(w, op->operands, op->operand_count);
    message->n_attributes = op->attrs.count;
    message->attributes = attr_messages(w, op->attrs);
    message->n_results = op->result_count;
    message->results = value_messages(w, op->results, op->result_count);
    if (op->callee) message->callee = text_of(w, op->callee->name);
    if (op->code == LIG_OP_CONSTANT) message->constant = constant_bytes(op->results[0]);
    return message;
}

static Ligature__Binding *binding_message(Writer *w, LigBinding binding)
{
    NEW_MESSAGE(w, message, Ligature__Binding, LIGATURE__BINDING__INIT);
    message->symbol = (uint32_t)binding.symbol;
    message->low = binding.low;
    message->high = binding.high;
    return message;
}

static Ligature__Function__Kind function_kind(LigFuncKind kind)
{
    static const Ligature__Function__Kind kinds[] = {[LIG_FUNC] = LIGATURE__FUNCTION__KIND__FUNC,
                                                     [LIG_FUNC_LOAD] = LIGATURE__FUNCTION__KIND__LOAD,
                                                     [LIG_FUNC_KERNEL] = LIGATURE__FUNCTION__KIND__KERNEL,
                                                     [LIG_FUNC_VARIANT] = LIGATURE__FUNCTION__KIND__VARIANT};
    return kinds[kind];
}

static Ligature__Function *function_message(Writer *w, const LigFunc *func)
{
    NEW_MESSAGE(w, message, Ligature__Function, LIGATURE__FUNCTION__INIT);
    message->kind = function_kind(func->kind);
    message->name = text_of(w, func->name);
    message->variant_of = text_of(w, func->variant_of);
    message->n_bindings = func->bindings.count;
    message->bindings = new_array(w, func->bindings.count, sizeof *message->bindings);
    for (size_t i = 0; message->bindings && i < func->bindings.count; i++)
        message->bindings[i] = binding_message(w, func->bindings.data[i]);
    message->n_attributes = func->attrs.count;
    message->attributes = attr_messages(w, func->attrs);
    message->n_inputs = func->inputs.count;
    message->inputs = value_messages(w, func->inputs.data, func->inputs.count);
    message->n_ops = func->ops.count;
    message->ops = new_array(w, func->ops.count, sizeof *message->ops);
    for (size_t i = 0; message->ops && i < func->ops.count; i++)
        message->ops[i] = op_message(w, func->ops.data[i]);
    message->n_outputs = func->outputs.count;
    message->outputs = value_numbers(w, func->outputs.data, func->outputs.count);
    return message;
}

// ---- the module ----

static Ligature__Symbol *symbol_message(Writer *w, const LigSymbol *symbol)
{
    NEW_MESSAGE(w, message, Ligature__Symbol, LIGATURE__SYMBOL__INIT);
    message->name = text_of(w, symbol->name);
    message->low = symbol->low;
    message->high = symbol->high;
    return message;
}

static Ligature__Fact *fact_message(Writer *w, const LigFact *fact)
{
    NEW_MESSAGE(w, message, Ligature__Fact, LIGATURE__FACT__INIT);
    message->left = dim_number(w, fact->left);
    message->right = dim_number(w, fact->right);
    message->equal = fact->relation == LIG_REL_EQ;
    return message;
}

static void add_dims(Writer *w, Ligature__Module *message)
{
    const LigDimTable *table = w->module->dims;
    message->n_symbols = lig_dims_symbol_count(table);
    message->symbols = new_array(w, message->n_symbols, sizeof *message->symbols);
    for (size_t i = 0; message->symbols && i < message->n_symbols; i++)
        message->symbols[i] = symbol_message(w, lig_dims_symbol(table, i));
    message->n_facts = lig_dims_fact_count(table);
    message->facts = new_array(w, message->n_facts, sizeof *message->facts);
    for (size_t i = 0; message->facts && i < message->n_facts; i++)
        message->facts[i] = fact_message(w, lig_dims_fact(table, i));
}

static void add_functions(Writer *w, Ligature__Module *message)
{
    const LigModule *module = w->module;
    const LigFunc *load = lig_module_load(module);
    size_t base = module->params.count + module->states.count;
    message->n_functions = module->funcs.count;
    message->functions = new_array(w, module->funcs.count, sizeof *message->functions);
    for (size_t i = 0; message->functions && i < module->funcs.count; i++) {
        const LigFunc *func = module->funcs.data[i];
        w->globals = (uint32_t)(base + (load && func != load ? load->value_count : 0));
        message->functions[i] = function_message(w, func);
    }
}

static Ligature__Module *module_message(Writer *w)
{
    NEW_MESSAGE(w, message, Ligature__Module, LIGATURE__MODULE__INIT);
    const LigModule *module = w->module;
    message->name = bytes_of(module->name.data, module->name.length);
    message->stage = text_of(w, lig_str(lig_stage_name(module->stage)));
    message->weights = bytes_of(module->weights_path.data, module->weights_path.length);
    add_dims(w, message);
    message->n_params = module->params.count;
    message->params = value_messages(w, module->params.data, module->params.count);
    message->n_states = module->states.count;
    message->states = value_messages(w, module->states.data, module->states.count);
    add_functions(w, message);
    message->n_dims = w->dims.count;
    message->dims = w->dims.data;
    return message;
}

// ---- the file ----

static void put_u64(unsigned char *at, uint64_t value)
{
    for (int i = 0; i < 8; i++) at[i] = (unsigned char)(value >> 8 * i);
}

static void pad_to(LigOutput *output, uint64_t from, uint64_t to)
{
    static const unsigned char zeros[LIG_LIGB_ALIGN];
    lig_output_write(output, zeros, (size_t)(to - from));
}

static void write_blobs(const Writer *w, const Ligature__Module *message, LigOutput *output)
{
    uint64_t at = 0;
    for (size_t i = 0; i < message->n_params; i++) {
        const Ligature__Blob *blob = message->params[i]->data;
        if (!blob) continue;
        pad_to(output, at, blob->offset);
        lig_output_write(output, w->module->params.data[i]->data, (size_t)blob->bytes);
        at = blob->offset + blob->bytes;
    }
}

static LigStatus write_file(const Writer *w, const Ligature__Module *message, const char *path)
{
    size_t bytes = protobuf_c_message_get_packed_size(&message->base);
    uint8_t *packed = lig_alloc(bytes ? bytes : 1);
    if (!packed) return lig_no_memory(w->module->ctx);
    LigOutput *output;
    LigStatus status = lig_output_open(w->module->ctx, path, &output);
    if (status != LIG_OK) {
        lig_free(packed);
        return status;
    }
    unsigned char header[LIG_LIGB_ALIGN] = {'L', 'I', 'G', 'B', LIG_LIGB_VERSION};
    uint64_t end = sizeof header + bytes, blobs = align_up(end);
    put_u64(header + 8, sizeof header);
    put_u64(header + 16, bytes);
    put_u64(header + 24, blobs);
    put_u64(header + 32, w->blob_bytes);
    protobuf_c_message_pack(&message->base, packed);
    lig_output_write(output, header, sizeof header);
    lig_output_write(output, packed, bytes);
    pad_to(output, end, blobs);
    write_blobs(w, message, output);
    lig_free(packed);
    return lig_output_close(w->module->ctx, output);
}

static LigStatus check_bound(LigContext *ctx, const LigModule *module)
{
    for (size_t i = 0; i < module->params.count; i++) {
        const LigValue *param = module->params.data[i];
        size_t bytes;
        if (!param->data)
            return lig_fail(ctx, LIG_ERR_NOT_FOUND, param->loc,
                            "param %%%.*s has no bytes to write: bind its weights, or leave them out",
                            LIG_STR_ARG(param->name));
        if (!param_bytes(param, &bytes))
            return lig_fail(ctx, LIG_ERR_SHAPE, param->loc,
                            "param %%%.*s has no fixed size: give it constant dims to write its bytes",
                            LIG_STR_ARG(param->name));
    }
    return LIG_OK;
}

LigStatus lig_ligb_write(LigContext *ctx, LigModule *module, const char *path, bool embed)
{
    LIG_TRY(lig_verify_module(module));
    if (embed) LIG_TRY(check_bound(ctx, module));
    Writer w = {.module = module, .arena = lig_arena_create(), .embed = embed};
    if (!w.arena) return lig_no_memory(ctx);
    Ligature__Module *message = module_message(&w);
    LigStatus status = message && !w.failed ? write_file(&w, message, path) : lig_no_memory(ctx);
    lig_arena_destroy(w.arena);
    return status;
}

// Statements of a body: ops and return.
#include "ir/parse_parts.h"

#include <string.h>

// ---- values by name ----

// Kernels see their formal operands alone; other bodies the module's values too.
static LigValue *find_value(const LigParser *p, LigStr name)
{
    LigValue *value = lig_map_get(&p->locals, name);
    if (value != NULL || p->func->kind == LIG_FUNC_KERNEL) return value;
    return lig_module_find_value(p->module, name);
}

// Sets *free unless the name is taken, which is an error.
static bool check_free(LigParser *p, LigToken name)
{
    const LigValue *old = find_value(p, name.text);
    if (old == NULL) return true;
    if (old == &p->poison || old->loc.line == 0)
        return lig_parser__fail(
            p, name.loc, "%%%.*s is defined already: every value has one definition, choose another name",
            LIG_STR_ARG(name.text));
    return lig_parser__fail(
        p, name.loc,
        "%%%.*s is defined already in line %u: every value has one definition, choose another name",
        LIG_STR_ARG(name.text), old->loc.line);
}

bool lig_parser__declare(LigParser *p, LigToken name, LigValue *value)
{
    // The key is the value's own copy of its name, or a view of the source, which outlives the parser.
    return lig_map_put(p->module->arena, &p->locals, name.text, value) || lig_parser__no_memory(p);
}

static void offer_all(const LigMap *map, LigNear *near)
{
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->entries[i].key.data != NULL) lig_near_offer(near, map->entries[i].key);
    }
}

bool lig_parser__value(LigParser *p, LigValue **out)
{
    LigToken name;
    if (!lig_parser__expect_kind(p, LIG_TOKEN_VALUE, "a value like %x", &name)) return false;
    *out = find_value(p, name.text);
    if (*out != NULL) return *out != &p->poison;
    LigNear near = lig_near(name.text);
    offer_all(&p->locals, &near);
    if (p->func->kind != LIG_FUNC_KERNEL) offer_all(&p->module->values, &near);
    return lig_parser__unknown(p, name, "value", &near, "define it before its use");
}

// ---- ops ----

// What has been read of one op.
typedef struct Statement {
    LigOpSpec spec;
    LIG_VEC(LigStr) names;
    LIG_VEC(LigToken) tokens; // of the names
    LIG_VEC(LigValue *) operands;
    LIG_VEC(LigType) types;
    LIG_VEC(LigPlace) places;
    LIG_VEC(LigToken) values; // of a constant
    LigLoc values_loc;
    bool has_values;
} Statement;

static bool read_names(LigParser *p, Statement *s)
{
    do {
        LigToken name;
        if (!lig_parser__expect_kind(p, LIG_TOKEN_VALUE, "a value like %x", &name)) return false;
        if (!LIG_VEC_PUSH(p->module->arena, &s->names, name.text)) return lig_parser__no_memory(p);
        if (!LIG_VEC_PUSH(p->module->arena, &s->tokens, name)) return lig_parser__no_memory(p);
    } while (lig_parser__accept(p, ","));
    return true;
}

static bool check_names(LigParser *p, const Statement *s)
{
    for (size_t i = 0; i < s->tokens.count; i++) {
        if (!check_free(p, s->tokens.data[i])) return false;
        for (size_t j = 0; j < i; j++) {
            if (lig_str_equal(s->names.data[i], s->names.data[j]))
                return lig_parser__fail(p, s->tokens.data[i].loc,
                                        "%%%.*s names two results: each needs its own name",
                                        LIG_STR_ARG(s->names.data[i]));
        }
    }
    return true;
}

static bool read_operands(LigParser *p, Statement *s)
{
    do {
        LigValue *value;
        if (!lig_parser__value(p, &value)) return false;
        if (!LIG_VEC_PUSH(p->module->arena, &s->operands, value)) return lig_parser__no_memory(p);
    } while (lig_parser__accept(p, ","));
    return true;
}

static bool read_opcode(LigParser *p, Statement *s)
{
    LigToken name;
    if (!lig_parser__expect_kind(p, LIG_TOKEN_NAME, "an op like linear", &name)) return false;
    s->spec.loc = name.loc;
    if (lig_op_find(name.text, &s->spec.code)) return true;
    LigNear near = lig_near(name.text);
    for (int i = 0; i < LIG_OP_COUNT; i++) lig_near_offer(&near, lig_str(lig_op_info((LigOpCode)i)->name));
    return lig_parser__unknown(p, name, "op", &near, "ir/ops.def lists them all");
}

static const char *const callee_form = "call @k(%x, %y)";

// `@kernel(%x, %y)` after `call`.
static bool read_callee(LigParser *p, Statement *s)
{
    LigToken name;
    if (!lig_parser__expect_kind(p, LIG_TOKEN_FUNC, "the kernel called, like @k", &name)) return false;
    s->spec.callee = lig_module_find_func(p->module, name.text);
    if (lig_map_get(&p->broken, name.text) != NULL) return false; // its own errors were reported
    if (s->spec.callee == NULL) {
        LigNear near = lig_near(name.text);
        offer_all(&p->module->func_names, &near);
        return lig_parser__unknown(p, name, "kernel", &near, "define it above");
    }
    if (s->spec.callee->kind != LIG_FUNC_KERNEL)
        return lig_parser__fail(p, name.loc, "@%.*s is no kernel: only kernels are called, make it one",
                                LIG_STR_ARG(name.text));
    if (!lig_parser__expect(p, "(", callee_form)) return false;
    if (lig_parser__accept(p, ")")) return true;
    return read_operands(p, s) && lig_parser__expect(p, ")", callee_form);
}

static const char *const values_form = "{values=[1, 0.5]}";

// `values=[1, 0.5]` after the brace of a constant.
static bool read_values(LigParser *p, Statement *s)
{
    s->values_loc = p->token.loc;
    s->has_values = true;
    if (!lig_parser__expect_keyword(p, "values", values_form) || !lig_parser__expect(p, "=", values_form) ||
        !lig_parser__expect(p, "[", values_form))
        return false;
    while (!lig_parser__accept(p, "]")) {
        LigToken number;
        if (s->values.count > 0 && !lig_parser__expect(p, ",", values_form)) return false;
        if (!lig_parser__number_text(p, "a number", &number)) return false;
        if (!LIG_VEC_PUSH(p->module->arena, &s->values, number)) return lig_parser__no_memory(p);
    }
    return lig_parser__expect(p, "}", values_form);
}

static bool read_place(LigParser *p, LigPlace *place)
{
    *place = (LigPlace){0};
    if (lig_parser__accept_keyword(p, "over")) {
        place->kind = LIG_PLACE_OVER;
        return lig_parser__value(p, &place->over);
    }
    if (!lig_parser__accept_keyword(p, "at")) return true;
    LigLoc loc = p->token.loc;
    int64_t offset;
    if (!lig_parser__integer(p, "a byte of the arena, like 0x40", &offset)) return false;
    if (offset < 0)
        return lig_parser__fail(p, loc,
                                "place %lld is before the arena, which begins at byte 0: write one like 0x40",
                                (long long)offset);
    place->kind = LIG_PLACE_ARENA;
    place->offset = (uint64_t)offset;
    return true;
}

static bool read_types(LigParser *p, Statement *s)
{
    do {
        LigType type;
        LigPlace place;
        if (!lig_parser__type(p, &type) || !read_place(p, &place)) return false;
        if (!LIG_VEC_PUSH(p->module->arena, &s->types, type)) return lig_parser__no_memory(p);
        if (!LIG_VEC_PUSH(p->module->arena, &s->places, place)) return lig_parser__no_memory(p);
    } while (lig_parser__accept(p, ","));
    return true;
}

static bool read_right_side(LigParser *p, Statement *s)
{
    if (!read_opcode(p, s)) return false;
    if (s->spec.code == LIG_OP_CALL) {
        if (!read_callee(p, s)) return false;
    } else if (p->token.kind == LIG_TOKEN_VALUE && !p->token.on_new_line) {
        if (!read_operands(p, s)) return false;
    }
    if (lig_parser__accept(p, "{")) {
        bool constant = s->spec.code == LIG_OP_CONSTANT;
        if (!(constant ? read_values(p, s) : lig_parser__attrs(p, &s->spec.attrs))) return false;
    }
    return !lig_parser__accept(p, ":") || read_types(p, s);
}

// `what` are names or types.
static bool check_count(LigParser *p, const Statement *s, size_t results, size_t given, const char *what)
{
    if (given == results) return true;
    return lig_parser__fail(p, s->spec.loc, "%s gives %zu result%s, but %zu %s%s given: write %zu%s",
                            lig_op_info(s->spec.code)->name, results, results == 1 ? "" : "s", given, what,
                            given == 1 ? " is" : "s are", results, results > 1 ? ", with commas between" : "");
}

static bool check_counts(LigParser *p, const Statement *s)
{
    int fixed = lig_op_info(s->spec.code)->results;
    size_t results = fixed >= 0 ? (size_t)fixed : s->spec.callee->outputs.count;
    if (!check_count(p, s, results, s->names.count, "name")) return false;
    if (s->types.count != 0 && !check_count(p, s, results, s->types.count, "type")) return false;
    if (s->spec.code == LIG_OP_CONSTANT && !s->has_values)
        return lig_parser__fail(p, s->spec.loc, "a constant needs its values: {values=[1, 0.5]}");
    return true;
}

// The bounds of an integer dtype.
static bool store_integer(LigParser *p, const LigShape *shape, void *data, int64_t flat, LigToken token)
{
    int64_t value;
    if (!lig_parser__integer_of(p, token, &value)) return false;
    lig_shape_set_integer(shape, data, flat, value);
    if (lig_shape_get_integer(shape, data, flat) == value) return true;
    return lig_parser__fail(p, token.loc, "%lld does not fit %s: state a wider dtype, or another number",
                            (long long)value, lig_dtype_name(shape->dtype));
}

static bool store_value(LigParser *p, const LigShape *shape, void *data, int64_t flat, LigToken token)
{
    if (!lig_dtype_is_float(shape->dtype)) return store_integer(p, shape, data, flat, token);
    double value;
    if (!lig_parser__real_of(p, token, &value)) return false;
    lig_shape_set(shape, data, flat, value);
    return true;
}

static bool fill_constant(LigParser *p, const Statement *s, LigValue *result)
{
    LigShape shape;
    int64_t count;
    size_t bytes;
    if (lig_dtype_is_quantised(result->type.dtype))
        return lig_parser__fail(p, s->spec.loc,
                                "a constant can't be %s: make it a param, or state a dtype like f32",
                                lig_dtype_name(result->type.dtype));
    if (!lig_type_bind(&result->type, NULL, &shape) || !lig_shape_count(&shape, &count) ||
        !lig_shape_bytes(&shape, &bytes) || (uint64_t)count != s->values.count)
        return lig_parser__fail(
            p, s->values_loc,
            "%zu value%s given, but its type has another number of elements: change one of the two",
            s->values.count, s->values.count == 1 ? " is" : "s are");
    void *data = lig_arena_alloc(p->module->arena, bytes);
    if (data == NULL) return lig_parser__no_memory(p);
    for (int64_t i = 0; i < count; i++) {
        if (!store_value(p, &shape, data, i, s->values.data[i])) return false;
    }
    result->data = data;
    return true;
}

static bool create(LigParser *p, Statement *s)
{
    LigOp *op;
    if (!check_names(p, s) || !check_counts(p, s)) return false;
    s->spec.names = s->names.data;
    s->spec.operands = s->operands.data;
    s->spec.operand_count = s->operands.count;
    s->spec.stated = s->types.count > 0 ? s->types.data : NULL;
    if (!lig_parser__keep(p, lig_op_create(p->module, p->func, &s->spec, &op))) return false;
    for (size_t i = 0; i < op->result_count; i++) {
        op->results[i]->loc = s->tokens.data[i].loc;
        if (i < s->places.count) op->results[i]->place = s->places.data[i];
        if (!lig_parser__declare(p, s->tokens.data[i], op->results[i])) return false;
    }
    return op->code != LIG_OP_CONSTANT || fill_constant(p, s, op->results[0]);
}

// Names whose definition had an error: their uses are no second error.
static void poison_names(LigParser *p, const Statement *s)
{
    for (size_t i = 0; i < s->tokens.count; i++) {
        if (find_value(p, s->tokens.data[i].text) == NULL)
            (void)lig_parser__declare(p, s->tokens.data[i], &p->poison);
    }
}

static bool read_op(LigParser *p)
{
    Statement s = {0};
    bool done = read_names(p, &s) && lig_parser__expect(p, "=", "%y = neg %x") && read_right_side(p, &s) &&
                create(p, &s);
    if (!done) poison_names(p, &s);
    return done;
}

// ---- return ----

static bool read_return(LigParser *p)
{
    if (p->func->kind == LIG_FUNC_LOAD)
        return lig_parser__fail(
            p, p->token.loc, "load returns nothing: its results are visible in every function, drop this line");
    lig_parser__advance(p);
    if (p->token.kind != LIG_TOKEN_VALUE) return true;
    do {
        LigValue *value;
        if (!lig_parser__value(p, &value)) return false;
        if (!lig_parser__keep(p, lig_func_add_output(p->module, p->func, value))) return false;
    } while (lig_parser__accept(p, ","));
    return true;
}

bool lig_parser__statement(LigParser *p)
{
    if (lig_parser__is_keyword(p, "return")) return read_return(p);
    if (p->token.kind == LIG_TOKEN_VALUE) return read_op(p);
    return lig_parser__expected(p, "a statement like `%y = op %x : f32[N]`, return or }");
}

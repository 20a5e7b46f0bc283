// The rules of a module. Those without a stage hold at every stage; messages start with the rule's number.
//
//   V01  Names are unique: functions in the module; params, states and results of load in the module; inputs
//        and results in a function, which (kernels aside, that see only their own) repeat no name of the
//        module.
//   V02  Every operand is visible where it stands: defined earlier in the function, or, outside kernels, a
//        param, a state or a result of load.
//   V03  Operand counts, attributes and types are what the op's shape rule gives.
//   V04  A state is written at most once in a function, by naming it, and is not read by its old name after
//        that; the same for the formals that a kernel writes. Load touches no state. (ir/verify_state.c)
//   V05  Returned values are visible at the end of the function; load has neither inputs nor returned values.
//   V06  fused and later: bodies of functions and variants hold only calls of kernels and view ops.
//   V07  A kernel holds no call and has a class; every call names a kernel of the module; the numbers among the
//        attributes of a function are in the ranges of ir/attrs.def.
//   V08  Before packed: every layout is rows and nothing is packed. From then on, pack stands in load only, and
//        a param that load packs is read nowhere else: it has one resident layout.
//   V09  planned: every value of a variant has a place (see ir/verify_plan.c); before: none has.
//   V10  Functions stand in the order load, kernels, others; model: neither kernels nor variants; planned:
//        variants in place of functions.
//   V11  Only variants narrow symbols, each once, within its declared bounds and the facts.
//   V12  Types are well formed: no negative dim, whole blocks of quantised dtypes, layouts that suit.
//   V13  Ids are dense in text order, values know their op and their place in it.
//   V14  Every value fits in memory at the upper bounds of its dims: at most 2^56 bytes.
//
// tests/golden/errors breaks them from text. The parser numbers and orders what it reads and refuses what has no
// meaning, so that text can't break V13, the order of V10, the repeated functions of V01 and the calls without a
// kernel of V07; tests/unit/verify.c breaks those, and each other rule, in a graph.
#include "ir/verify.h"

#include "ir/infer.h"
#include "ir/verify_rule.h"

#include <stdarg.h>

void lig_verify_break(LigVerifier *v, const char *rule, LigLoc loc, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    LigStr message = lig_str_vformat(v->scratch, format, args);
    va_end(args);
    LigStatus status = message.data
                           ? lig_fail(v->module->ctx, LIG_ERR_INVALID, loc, "%s: %s", rule, message.data)
                           : lig_no_memory(v->module->ctx);
    if (v->status == LIG_OK) v->status = status;
}

const char *lig_verify_func_name(LigVerifier *v)
{
    if (v->func->kind == LIG_FUNC_LOAD) return "load";
    LigStr name = lig_str_format(v->scratch, "@%.*s", LIG_STR_ARG(v->func->name));
    return name.data ? name.data : "a function";
}

bool lig_verify_is_own(const LigVerifier *v, const LigValue *value)
{
    bool is_local = value->kind == LIG_VALUE_INPUT || value->kind == LIG_VALUE_RESULT;
    return is_local && value->id < v->func->value_count && v->defined[value->id] == value;
}

int lig_verify_written_formal(const LigFunc *kernel, size_t result)
{
    const LigValue *value = kernel->outputs.data[result];
    if (value->kind != LIG_VALUE_RESULT || lig_op_info(value->op->code)->class != LIG_OPS_STATE) return -1;
    const LigValue *formal = value->op->operands[value->index];
    return formal->kind == LIG_VALUE_INPUT ? (int)formal->index : -1;
}

static bool is_module_value(const LigModule *module, const LigValue *value)
{
    if (value->kind == LIG_VALUE_PARAM)
        return value->id < module->params.count && module->params.data[value->id] == value;
    if (value->kind == LIG_VALUE_STATE)
        return value->id < module->states.count && module->states.data[value->id] == value;
    return lig_value_is_resident(module, value);
}

// V13: fills `defined`; false when the rules after it can't rely on ids.
static bool link_values(LigVerifier *v)
{
    LigFunc *func = v->func;
    uint32_t id = 0;
    bool good = true;
    for (size_t i = 0; i < func->inputs.count && good; i++) {
        LigValue *input = func->inputs.data[i];
        good = input->kind == LIG_VALUE_INPUT && input->id == id && input->index == i && id < func->value_count;
        if (good) v->defined[id++] = input;
    }
    for (size_t i = 0; i < func->ops.count && good; i++) {
        LigOp *op = func->ops.data[i];
        for (size_t r = 0; r < op->result_count && good; r++) {
            LigValue *result = op->results[r];
            good = result->kind == LIG_VALUE_RESULT && result->id == id && result->op == op &&
                   result->index == r && id < func->value_count;
            if (good) v->defined[id++] = result;
        }
    }
    good = good && id == func->value_count;
    if (!good)
        lig_verify_break(
            v, "V13", func->loc,
            "value %u of %s has another id, kind or op than its place says: renumber after rewriting", id,
            lig_verify_func_name(v));
    return good;
}

static void check_local_names(LigVerifier *v)
{
    LigMap names = {0};
    for (size_t id = 0; id < v->func->value_count; id++) {
        LigValue *value = v->defined[id];
        LigValue *global = lig_module_find_value(v->module, value->name);
        bool repeats_global = v->func->kind != LIG_FUNC_KERNEL && global && global != value;
        if (!value->name.length || repeats_global || lig_map_get(&names, value->name))
            lig_verify_break(v, "V01", value->loc, "%%%.*s of %s: the name is taken; choose another",
                             LIG_STR_ARG(value->name), lig_verify_func_name(v));
        else if (!lig_map_put(v->scratch, &names, value->name, value))
            v->status = lig_no_memory(v->module->ctx);
    }
}

// V02 and V05 for one use; ids below `limit` are defined so far.
static void check_use(LigVerifier *v, const char *rule, const LigValue *value, size_t limit, LigLoc loc)
{
    if (lig_verify_is_own(v, value)) {
        if (value->id >= limit)
            lig_verify_break(v, rule, loc, "%%%.*s of %s is used before it is defined: move its op up",
                             LIG_STR_ARG(value->name), lig_verify_func_name(v));
        return;
    }
    bool sees_module = v->func->kind != LIG_FUNC_KERNEL && is_module_value(v->module, value);
    if (sees_module) return;
    lig_verify_break(v, rule, loc, "%%%.*s is not visible in %s: %s", LIG_STR_ARG(value->name),
                     lig_verify_func_name(v),
                     v->func->kind == LIG_FUNC_KERNEL ? "a kernel sees only its formals, pass it as an operand"
                                                      : "it belongs to another function, pass it as an input");
}

static void check_uses(LigVerifier *v)
{
    size_t limit = v->func->inputs.count;
    for (size_t i = 0; i < v->func->ops.count; i++) {
        const LigOp *op = v->func->ops.data[i];
        for (size_t k = 0; k < op->operand_count; k++) check_use(v, "V02", op->operands[k], limit, op->loc);
        limit += op->result_count;
    }
    for (size_t i = 0; i < v->func->outputs.count; i++)
        check_use(v, "V05", v->func->outputs.data[i], limit, v->func->loc);
    if (v->func->kind == LIG_FUNC_LOAD && (v->func->inputs.count || v->func->outputs.count))
        lig_verify_break(v, "V05", v->func->loc,
                         "load has inputs or returned values: drop them, its results are visible as such");
}

static void check_shapes(LigVerifier *v)
{
    for (size_t i = 0; i < v->func->ops.count; i++) {
        const LigOp *op = v->func->ops.data[i];
        LigType *stated = LIG_NEW_ARRAY(v->scratch, LigType, op->result_count);
        LigType *given = LIG_NEW_ARRAY(v->scratch, LigType, op->result_count);
        if (!stated || !given) {
            v->status = lig_no_memory(v->module->ctx);
            return;
        }
        for (size_t r = 0; r < op->result_count; r++) stated[r] = op->results[r]->type;
        LigInfer infer = {.module = v->module, .op = op, .stated = stated, .result = given, .rule = "V03: "};
        LigStatus status = lig_op_infer(&infer);
        if (v->status == LIG_OK) v->status = status;
    }
}

static bool is_kernel_of(const LigModule *module, const LigFunc *func)
{
    return func && func->kind == LIG_FUNC_KERNEL && lig_module_find_func(module, func->name) == func;
}

// V06, and V07 on calls.
static void check_body(LigVerifier *v)
{
    bool is_offered = v->func->kind == LIG_FUNC || v->func->kind == LIG_FUNC_VARIANT;
    for (size_t i = 0; i < v->func->ops.count; i++) {
        const LigOp *op = v->func->ops.data[i];
        const LigOpInfo *info = lig_op_info(op->code);
        if (op->code == LIG_OP_CALL && !is_kernel_of(v->module, op->callee))
            lig_verify_break(v, "V07", op->loc, "a call in %s names no kernel of the module: define it",
                             lig_verify_func_name(v));
        if (op->code == LIG_OP_CALL && v->func->kind == LIG_FUNC_KERNEL)
            lig_verify_break(v, "V07", op->loc, "kernel %s holds a call: inline its body",
                             lig_verify_func_name(v));
        bool fused = info->class == LIG_OPS_CALL || info->class == LIG_OPS_VIEW;
        if (is_offered && v->module->stage >= LIG_STAGE_FUSED && !fused)
            lig_verify_break(
                v, "V06", op->loc,
                "%s in %s: from stage fused on, only calls and views stand there, put it into a kernel",
                info->name, lig_verify_func_name(v));
    }
}

static void check_class(LigVerifier *v)
{
    static const char *const classes[] = {"contract",    "row",  "attention",  "gather",
                                          "elementwise", "move", "interpreted"};
    LigStr class = lig_attrs_name(v->func->attrs, LIG_ATTR_CLASS, (LigStr){0});
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        if (lig_str_is(class, classes[i])) return;
    }
    lig_verify_break(
        v, "V07", v->func->loc,
        "kernel %s has class `%.*s`: it must be contract, row, attention, gather, elementwise, move or "
        "interpreted",
        lig_verify_func_name(v), LIG_STR_ARG(class));
}

static void check_attr_numbers(LigVerifier *v)
{
    for (size_t i = 0; i < v->func->attrs.count; i++) {
        const LigAttr *attr = &v->func->attrs.items[i];
        const char *wanted = lig_attr_problem(attr);
        if (wanted)
            lig_verify_break(v, "V07", v->func->loc, "%s of %s is out of range: it must be %s",
                             lig_attr_name(attr->key), lig_verify_func_name(v), wanted);
    }
}

static bool packs_param(const LigModule *module, const LigValue *value, const LigOp *besides)
{
    const LigFunc *load = lig_module_load(module);
    for (size_t i = 0; load && i < load->ops.count; i++) {
        const LigOp *op = load->ops.data[i];
        if (op != besides && op->code == LIG_OP_PACK && op->operand_count && op->operands[0] == value)
            return true;
    }
    return false;
}

// V08 from stage packed on.
static void check_packing(LigVerifier *v)
{
    bool is_load = v->func->kind == LIG_FUNC_LOAD;
    for (size_t i = 0; i < v->func->ops.count; i++) {
        const LigOp *op = v->func->ops.data[i];
        if (op->code == LIG_OP_PACK && !is_load)
            lig_verify_break(v, "V08", op->loc, "pack in %s: weights are packed once, move it to load",
                             lig_verify_func_name(v));
        for (size_t k = 0; k < op->operand_count; k++) {
            if (op->operands[k]->kind != LIG_VALUE_PARAM || !packs_param(v->module, op->operands[k], op))
                continue;
            lig_verify_break(
                v, "V08", op->loc, "%%%.*s is read by %s in %s, but load packs it: read what load gives",
                LIG_STR_ARG(op->operands[k]->name), lig_op_info(op->code)->name, lig_verify_func_name(v));
        }
    }
}

// What is wrong with a type as such; NULL for nothing.
static const char *type_problem(const LigVerifier *v, const LigType *type)
{
    int64_t low, high, columns = 0, block = lig_dtype_block(type->dtype);
    for (int i = 0; i < type->rank; i++) {
        lig_dim_range(v->module->dims, type->dims[i], &low, &high);
        if (low < 0) return "a dim may be negative, bound its symbols by facts";
    }
    bool fixed = type->rank && lig_dim_is_const(type->dims[type->rank - 1], &columns);
    if (block > 1 && (!fixed || columns % block))
        return "its last dim must be a number of whole blocks, pad it";
    return lig_layout_problem(type->layout, type->dtype, type->rank, columns);
}

// V12, V14, and V08 before stage packed.
static void check_type(LigVerifier *v, const LigValue *value)
{
    const char *rule = "V12", *problem = type_problem(v, &value->type);
    if (!problem && value->type.layout.kind != LIG_LAYOUT_ROWS && v->module->stage < LIG_STAGE_PACKED) {
        rule = "V08";
        problem = "before stage packed every layout is rows, drop it";
    }
    if (!problem && !lig_type_fits(v->module->dims, &value->type)) {
        rule = "V14";
        problem = "at the upper bounds of its dims it takes more than 2^56 bytes, lower them";
    }
    if (!problem) return;
    LigText text = {0};
    lig_type_print(&text, v->module->dims, &value->type);
    lig_verify_break(v, rule, value->loc, "%%%.*s is %.*s: %s", LIG_STR_ARG(value->name),
                     LIG_STR_ARG(lig_text_view(&text)), problem);
    lig_text_free(&text);
}

static void check_bindings(LigVerifier *v)
{
    uint32_t seen = 0;
    LigDimBounds bounds[LIG_MAX_SYMBOLS];
    lig_dims_bounds(v->module->dims, bounds);
    for (size_t i = 0; i < v->func->bindings.count; i++) {
        const LigBinding *binding = &v->func->bindings.data[i];
        bool known = binding->symbol < lig_dims_symbol_count(v->module->dims);
        const LigSymbol *symbol = known ? lig_dims_symbol(v->module->dims, binding->symbol) : NULL;
        bool fits = known && !(seen >> binding->symbol & 1) && v->func->kind == LIG_FUNC_VARIANT &&
                    symbol->low <= binding->low && binding->low <= binding->high &&
                    binding->high <= symbol->high;
        if (!fits) {
            lig_verify_break(v, "V11", v->func->loc,
                             "%s binds a symbol twice, outside its declared bounds, or is no variant: bind "
                             "each once, inside of them",
                             lig_verify_func_name(v));
            return;
        }
        seen |= UINT32_C(1) << binding->symbol;
        bounds[binding->symbol] = (LigDimBounds){binding->low, binding->high};
    }
    if (!lig_dims_sharpen(v->module->dims, bounds))
        lig_verify_break(
            v, "V11", v->func->loc,
            "the bindings of %s contradict the facts, so that no call could fit: correct one of them",
            lig_verify_func_name(v));
}

// Fills `defined` for the rules below; false when they can't be checked.
static bool enter_func(LigVerifier *v, LigFunc *func)
{
    lig_arena_reset(v->scratch);
    v->func = func;
    v->defined = LIG_NEW_ARRAY(v->scratch, LigValue *, func->value_count);
    if (!v->defined) v->status = lig_no_memory(v->module->ctx);
    return v->defined && link_values(v);
}

static void check_func(LigVerifier *v)
{
    check_local_names(v);
    check_uses(v);
    check_bindings(v);
    check_shapes(v);
    check_body(v);
    check_attr_numbers(v);
    if (v->func->kind == LIG_FUNC_KERNEL) check_class(v);
    for (size_t id = 0; id < v->func->value_count; id++) check_type(v, v->defined[id]);
    if (v->module->stage >= LIG_STAGE_PACKED) check_packing(v);
}

static void check_module_values(LigVerifier *v)
{
    LigModule *module = v->module;
    for (size_t i = 0; i < module->params.count + module->states.count; i++) {
        bool is_param = i < module->params.count;
        LigValue *value = is_param ? module->params.data[i] : module->states.data[i - module->params.count];
        check_type(v, value);
        if (!is_module_value(module, value))
            lig_verify_break(v, "V13", value->loc,
                             "%%%.*s has another id than its place in the module: renumber after rewriting",
                             LIG_STR_ARG(value->name));
        if (lig_module_find_value(module, value->name) != value)
            lig_verify_break(v, "V01", value->loc, "%%%.*s: the module has two values of this name, rename one",
                             LIG_STR_ARG(value->name));
    }
}

static int rank_of(const LigFunc *func)
{
    return func->kind == LIG_FUNC_LOAD ? 0 : func->kind == LIG_FUNC_KERNEL ? 1 : 2;
}

// V10, and V01 on functions.
static void check_order(LigVerifier *v)
{
    LigModule *module = v->module;
    for (size_t i = 0; i < module->funcs.count; i++) {
        v->func = module->funcs.data[i];
        const char *name = lig_verify_func_name(v);
        if (i && rank_of(module->funcs.data[i - 1]) > rank_of(v->func))
            lig_verify_break(v, "V10", v->func->loc,
                             "%s stands too late: the order is load, kernels, others; move it up", name);
        bool early = module->stage == LIG_STAGE_MODEL &&
                     (v->func->kind == LIG_FUNC_KERNEL || v->func->kind == LIG_FUNC_VARIANT);
        bool late = module->stage == LIG_STAGE_PLANNED && v->func->kind == LIG_FUNC;
        if (early || late)
            lig_verify_break(v, "V10", v->func->loc, "%s: a %s does not belong in stage %s, %s", name,
                             v->func->kind == LIG_FUNC_KERNEL    ? "kernel"
                             : v->func->kind == LIG_FUNC_VARIANT ? "variant"
                                                                 : "function that is no variant",
                             lig_stage_name(module->stage), early ? "state a later one" : "make it one");
        if (v->func->kind != LIG_FUNC_LOAD && lig_module_find_func(module, v->func->name) != v->func)
            lig_verify_break(v, "V01", v->func->loc,
                             "%s: the module has two functions of this name, rename one", name);
    }
}

LigStatus lig_verify_module(LigModule *module)
{
    LigVerifier v = {.module = module, .scratch = lig_arena_create()};
    if (!v.scratch) return lig_no_memory(module->ctx);
    check_module_values(&v);
    check_order(&v);
    for (size_t i = 0; i < module->funcs.count; i++) {
        if (enter_func(&v, module->funcs.data[i])) check_func(&v);
    }
    // States and places follow operands into kernels, so only over a graph that is sound otherwise.
    bool sound = v.status == LIG_OK;
    for (size_t i = 0; sound && i < module->funcs.count; i++) {
        if (!enter_func(&v, module->funcs.data[i])) continue;
        lig_verify_states(&v);
        lig_verify_places(&v);
    }
    lig_arena_destroy(v.scratch);
    return v.status;
}

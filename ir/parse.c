// Modules and functions from text. After an error, reading goes on at the next statement or the next item.
#include "ir/parse_parts.h"
#include "ir/text.h"

static const char *const item_keywords[] = {"stage", "weights", "dim",    "fact", "param",
                                            "state", "load",    "kernel", "func", "variant"};
enum { ITEM_KEYWORDS = sizeof item_keywords / sizeof *item_keywords };

static bool at_item(const LigParser *p)
{
    for (int i = 0; i < ITEM_KEYWORDS; i++) {
        if (lig_parser__is_keyword(p, item_keywords[i])) return true;
    }
    return false;
}

static bool at_end(const LigParser *p) { return p->token.kind == LIG_TOKEN_END; }

static bool gives_up(const LigParser *p)
{
    return p->status == LIG_ERR_NO_MEMORY || lig_context_diagnostic_count(p->ctx) >= LIG_MAX_DIAGNOSTICS;
}

// ---- functions ----

// To the next line that can begin a statement or end the body.
static void skip_statement(LigParser *p)
{
    while (!at_end(p)) {
        bool begins = p->token.kind == LIG_TOKEN_VALUE || lig_parser__is_keyword(p, "return") || at_item(p) ||
                      lig_parser__is_symbol(p, "}");
        if (begins && p->token.on_new_line) return;
        lig_parser__advance(p);
    }
}

// False when anything in the body had an error.
static bool read_body(LigParser *p)
{
    bool fine = true, returned = false;
    if (!lig_parser__expect(p, "{", "func @f(%x: f32[4]) -> f32[4] {")) return false;
    while (!lig_parser__is_symbol(p, "}")) {
        LigToken first = p->token;
        if (gives_up(p) || at_end(p) || (at_item(p) && first.on_new_line))
            return fine ? lig_parser__expected(p, "a statement or `}`") : false;
        bool done = !returned;
        if (!done)
            (void)lig_parser__fail(p, first.loc, "nothing may follow return but }: move this up, or drop it");
        else
            done = lig_parser__statement(p);
        returned |= lig_str_is(first.text, "return") && first.kind == LIG_TOKEN_NAME;
        if (done) continue;
        fine = false;
        if (p->token.text.data == first.text.data) lig_parser__advance(p);
        skip_statement(p);
    }
    if (fine && !returned && p->func->kind != LIG_FUNC_LOAD)
        fine = lig_parser__fail(
            p, p->token.loc,
            "@%.*s ends here, but nothing is returned: write `return %%y` of a value, or `return` alone, above",
            LIG_STR_ARG(p->func->name));
    lig_parser__advance(p);
    return fine;
}

static bool read_input(LigParser *p)
{
    LigToken name;
    LigType type;
    LigValue *value;
    if (!lig_parser__expect_kind(p, LIG_TOKEN_VALUE, "an input like %x: f32[N]", &name)) return false;
    if (!lig_parser__expect(p, ":", "%x: f32[N]") || !lig_parser__type(p, &type)) return false;
    bool outer = p->func->kind != LIG_FUNC_KERNEL && lig_module_find_value(p->module, name.text) != NULL;
    if (outer || lig_map_get(&p->locals, name.text) != NULL)
        return lig_parser__fail(p, name.loc, "%%%.*s is defined already: give this input another name",
                                LIG_STR_ARG(name.text));
    if (!lig_parser__keep(p, lig_func_add_input(p->module, p->func, name.text, type, &value))) return false;
    value->loc = name.loc;
    return lig_parser__declare(p, name, value);
}

typedef LIG_VEC(LigType) TypeList;

static const char *const signature_form = "(%x: f32[N], %y: i32[N])";

static bool read_signature(LigParser *p, TypeList *outputs)
{
    if (!lig_parser__expect(p, "(", signature_form)) return false;
    if (!lig_parser__accept(p, ")")) {
        do {
            if (!read_input(p)) return false;
        } while (lig_parser__accept(p, ","));
        if (!lig_parser__expect(p, ")", signature_form)) return false;
    }
    if (!lig_parser__accept(p, "->")) return true;
    do {
        LigType type;
        if (!lig_parser__type(p, &type)) return false;
        if (!LIG_VEC_PUSH(p->module->arena, outputs, type)) return lig_parser__no_memory(p);
    } while (lig_parser__accept(p, ","));
    return true;
}

static bool check_output(LigParser *p, const LigType *stated, size_t index)
{
    const LigValue *value = p->func->outputs.data[index];
    if (lig_type_equal(p->module->dims, stated, &value->type) == LIG_YES) return true;
    LigText given = {0}, wanted = {0};
    lig_type_print(&given, p->module->dims, &value->type);
    lig_type_print(&wanted, p->module->dims, stated);
    (void)lig_parser__fail(p, p->func->loc,
                           "@%.*s states %.*s as result %zu, but returns %%%.*s: %.*s; change one of the two",
                           LIG_STR_ARG(p->func->name), LIG_STR_ARG(lig_text_view(&wanted)), index,
                           LIG_STR_ARG(value->name), LIG_STR_ARG(lig_text_view(&given)));
    lig_text_free(&given);
    lig_text_free(&wanted);
    return false;
}

static bool check_outputs(LigParser *p, const TypeList *stated)
{
    if (p->func->outputs.count != stated->count)
        return lig_parser__fail(
            p, p->func->loc, "@%.*s states %zu result%s behind `->`, but returns %zu: change one of the two",
            LIG_STR_ARG(p->func->name), stated->count, stated->count == 1 ? "" : "s", p->func->outputs.count);
    for (size_t i = 0; i < stated->count; i++) {
        if (!check_output(p, &stated->data[i], i)) return false;
    }
    return true;
}

// `N = 1`, `R in 1..4` or an attribute.
static bool read_binding(LigParser *p)
{
    LigToken name = p->token;
    LigDim dim = name.kind == LIG_TOKEN_NAME ? lig_dims_find(p->module->dims, name.text) : NULL;
    if (dim == NULL) return lig_parser__attr(p, &p->func->attrs);
    LigBinding binding = {.symbol = (size_t)lig_dim_as_symbol(dim)};
    lig_parser__advance(p);
    if (lig_parser__accept(p, "=")) {
        if (!lig_parser__integer(p, "a number", &binding.low)) return false;
        binding.high = binding.low;
    } else if (!lig_parser__expect_keyword(p, "in", "{N in 1..4}") ||
               !lig_parser__range(p, &binding.low, &binding.high)) {
        return false;
    }
    const LigSymbol *symbol = lig_dims_symbol(p->module->dims, binding.symbol);
    if (binding.low < symbol->low || binding.high > symbol->high || binding.low > binding.high)
        return lig_parser__fail(p, name.loc, "%.*s is declared in %lld..%lld: bind it inside of that",
                                LIG_STR_ARG(name.text), (long long)symbol->low, (long long)symbol->high);
    for (size_t i = 0; i < p->func->bindings.count; i++) {
        if (p->func->bindings.data[i].symbol == binding.symbol)
            return lig_parser__fail(p, name.loc, "%.*s is bound twice: drop one", LIG_STR_ARG(name.text));
    }
    return LIG_VEC_PUSH(p->module->arena, &p->func->bindings, binding) || lig_parser__no_memory(p);
}

static const char *const variant_form = "variant @f.one of @f {N = 1}";

// `of @step {N = 1, arena=64}`
static bool read_variant(LigParser *p)
{
    LigToken base;
    if (!lig_parser__expect_keyword(p, "of", variant_form)) return false;
    if (!lig_parser__expect_kind(p, LIG_TOKEN_FUNC, "the function it is a variant of, like @step", &base))
        return false;
    p->func->variant_of = lig_str_copy(p->module->arena, base.text);
    if (p->func->variant_of.data == NULL) return lig_parser__no_memory(p);
    if (!lig_parser__accept(p, "{")) return true;
    do {
        if (!read_binding(p)) return false;
    } while (lig_parser__accept(p, ","));
    return lig_parser__expect(p, "}", variant_form);
}

// A brace before a name other than return holds attributes, not the body.
static bool at_attrs(const LigParser *p)
{
    return lig_parser__is_symbol(p, "{") && p->next.kind == LIG_TOKEN_NAME &&
           !lig_str_is(p->next.text, "return");
}

static bool read_rest_of_func(LigParser *p)
{
    TypeList outputs = {0};
    if (p->func->kind == LIG_FUNC_VARIANT && !read_variant(p)) return false;
    if (!read_signature(p, &outputs)) return false;
    if (at_attrs(p)) {
        lig_parser__advance(p);
        if (!lig_parser__attrs(p, &p->func->attrs)) return false;
    }
    return read_body(p) && check_outputs(p, &outputs);
}

static bool read_func(LigParser *p, LigFuncKind kind)
{
    LigToken name = p->token;
    if (kind != LIG_FUNC_LOAD) {
        if (!lig_parser__expect_kind(p, LIG_TOKEN_FUNC, "a name like @step", &name)) return false;
        if (lig_module_find_func(p->module, name.text) != NULL)
            return lig_parser__fail(p, name.loc, "@%.*s is defined already: give this one another name",
                                    LIG_STR_ARG(name.text));
    } else if (lig_module_load(p->module) != NULL) {
        return lig_parser__fail(p, name.loc, "a module has one load: join the two");
    }
    LigStr own = kind == LIG_FUNC_LOAD ? LIG_STR("") : name.text;
    if (!lig_parser__keep(p, lig_module_add_func(p->module, kind, own, &p->func))) return false;
    p->func->loc = name.loc;
    p->locals = (LigMap){0};
    bool fine = kind == LIG_FUNC_LOAD ? read_body(p) : read_rest_of_func(p);
    if (!fine && !lig_map_put(p->module->arena, &p->broken, p->func->name, p->func))
        return lig_parser__no_memory(p);
    return fine;
}

// ---- other items ----

static bool read_stage(LigParser *p)
{
    for (int i = 0; i < LIG_STAGE_COUNT; i++) {
        if (!lig_parser__accept_keyword(p, lig_stage_name((LigStage)i))) continue;
        p->module->stage = (LigStage)i;
        return true;
    }
    return lig_parser__expected(p, "a stage: model, fused, packed or planned");
}

static bool read_weights(LigParser *p)
{
    LigToken path;
    if (!lig_parser__expect_kind(p, LIG_TOKEN_STRING, "the path of the weights in quotes", &path)) return false;
    p->module->weights_path = lig_token_string(p->module->arena, path);
    return p->module->weights_path.data != NULL || lig_parser__no_memory(p);
}

// Attributes and bindings share the braces of variants, functions the syntax of sizes.
bool lig_is_dim_name(LigStr name)
{
    static const char *const words[] = {"floordiv", "ceildiv", "min", "max", "in"};
    LigAttrKey key;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (lig_str_is(name, words[i])) return false;
    }
    return lig_is_word(name) && !lig_attr_find(name, &key);
}

static bool read_dim(LigParser *p)
{
    LigToken name;
    LigSymbol symbol;
    LigDim dim;
    if (!lig_parser__expect_kind(p, LIG_TOKEN_NAME, "the name of a dim", &name)) return false;
    if (!lig_is_dim_name(name.text))
        return lig_parser__fail(p, name.loc, "`%.*s` has another meaning: give this dim another name",
                                LIG_STR_ARG(name.text));
    symbol.name = name.text;
    bool read = lig_parser__expect_keyword(p, "in", "dim N in 1..512") &&
                lig_parser__range(p, &symbol.low, &symbol.high);
    if (read && (symbol.low < 0 || symbol.low > symbol.high))
        read = lig_parser__fail(
            p, name.loc, "dim %.*s in %lld..%lld: the bounds must be 0 <= low <= high, like `dim N in 1..512`",
            LIG_STR_ARG(name.text), (long long)symbol.low, (long long)symbol.high);
    // Declared in any case, so that its uses are no second error.
    if (!read) symbol.low = 0, symbol.high = INT32_MAX;
    return lig_parser__keep(p, lig_dims_declare(p->ctx, p->module->dims, name.loc, symbol, &dim)) && read;
}

static bool read_fact(LigParser *p)
{
    LigLoc loc = p->token.loc;
    LigFact fact = {.relation = LIG_REL_LE};
    if (!lig_parser__dim(p, &fact.left)) return false;
    if (lig_parser__accept(p, "=="))
        fact.relation = LIG_REL_EQ;
    else if (!lig_parser__accept(p, "<="))
        return lig_parser__expected(p, "<= or ==");
    if (!lig_parser__dim(p, &fact.right)) return false;
    if (!lig_dims_add_fact(p->module->dims, fact)) return lig_parser__no_memory(p);
    LigDimBounds bounds[LIG_MAX_SYMBOLS];
    lig_dims_bounds(p->module->dims, bounds);
    if (lig_dims_sharpen(p->module->dims, bounds)) return true;
    return lig_parser__fail(
        p, loc, "this fact holds for no sizes inside the declared ranges: correct it, or widen a range");
}

// A param or state: `%name : type` and, for params, the tensor's name in the file.
static bool read_tensor(LigParser *p, bool param)
{
    LigToken name;
    LigType type;
    LigValue *value;
    LigStr source = LIG_STR("");
    if (!lig_parser__expect_kind(p, LIG_TOKEN_VALUE, "a name like %tok", &name)) return false;
    if (!lig_parser__expect(p, ":", "%w : f32[4,8]") || !lig_parser__type(p, &type)) return false;
    if (param && p->token.kind == LIG_TOKEN_STRING) {
        source = lig_token_string(p->module->arena, p->token);
        if (source.data == NULL) return lig_parser__no_memory(p);
        lig_parser__advance(p);
    }
    const LigValue *old = lig_module_find_value(p->module, name.text);
    if (old != NULL)
        return lig_parser__fail(p, name.loc, "%%%.*s is defined already in line %u: give this one another name",
                                LIG_STR_ARG(name.text), old->loc.line);
    LigStatus status = param ? lig_module_add_param(p->module, name.text, type, source, &value)
                             : lig_module_add_state(p->module, name.text, type, &value);
    if (!lig_parser__keep(p, status)) return false;
    value->loc = name.loc;
    return true;
}

static bool read_item(LigParser *p)
{
    if (lig_parser__accept_keyword(p, "stage")) return read_stage(p);
    if (lig_parser__accept_keyword(p, "weights")) return read_weights(p);
    if (lig_parser__accept_keyword(p, "dim")) return read_dim(p);
    if (lig_parser__accept_keyword(p, "fact")) return read_fact(p);
    if (lig_parser__accept_keyword(p, "param")) return read_tensor(p, true);
    if (lig_parser__accept_keyword(p, "state")) return read_tensor(p, false);
    if (lig_parser__accept_keyword(p, "load")) return read_func(p, LIG_FUNC_LOAD);
    if (lig_parser__accept_keyword(p, "kernel")) return read_func(p, LIG_FUNC_KERNEL);
    if (lig_parser__accept_keyword(p, "func")) return read_func(p, LIG_FUNC);
    if (lig_parser__accept_keyword(p, "variant")) return read_func(p, LIG_FUNC_VARIANT);
    LigNear near = lig_near(p->token.text);
    for (int i = 0; i < ITEM_KEYWORDS; i++) lig_near_offer(&near, lig_str(item_keywords[i]));
    if (p->token.kind == LIG_TOKEN_NAME && near.best.length > 0)
        return lig_parser__unknown(p, p->token, "item", &near, "");
    return lig_parser__expected(
        p, "an item: stage, weights, dim, fact, param, state, load, kernel, func, variant or }");
}

static void skip_item(LigParser *p)
{
    while (!at_end(p) && !(p->token.on_new_line && at_item(p))) lig_parser__advance(p);
}

static const char *const module_form = "module \"name\" {";

static bool read_first_word(LigParser *p)
{
    LigNear near = lig_near(p->token.text);
    lig_near_offer(&near, LIG_STR("module"));
    if (p->token.kind == LIG_TOKEN_NAME && !lig_str_is(p->token.text, "module") && near.best.length > 0)
        return lig_parser__unknown(p, p->token, "first word", &near, "");
    return lig_parser__expect_keyword(p, "module", module_form);
}

static void read_module(LigParser *p)
{
    LigToken name;
    if (!read_first_word(p)) return;
    if (!lig_parser__expect_kind(p, LIG_TOKEN_STRING, "the module's name in quotes", &name)) return;
    p->module->name = lig_token_string(p->module->arena, name);
    if (p->module->name.data == NULL) {
        (void)lig_parser__no_memory(p);
        return;
    }
    if (!lig_parser__expect(p, "{", module_form)) return;
    while (!lig_parser__is_symbol(p, "}")) {
        if (gives_up(p) || (p->status != LIG_OK && at_end(p))) return;
        if (!read_item(p)) skip_item(p);
    }
    lig_parser__advance(p);
    if (!at_end(p)) (void)lig_parser__expected(p, "the end of the text after the module");
}

LigStatus lig_parse_module(LigContext *ctx, const char *path, LigStr source, LigModule **out)
{
    LigParser p = {.ctx = ctx};
    LIG_TRY(lig_module_create(ctx, LIG_STR(""), &p.module));
    LigStr file = lig_str_copy(p.module->arena, lig_str(path));
    // Names that maps keep are views of this copy, so that the module does not depend on the caller's text.
    LigStr own = lig_str_copy(p.module->arena, source);
    if (file.data == NULL || own.data == NULL) {
        lig_module_destroy(p.module);
        return lig_no_memory(ctx);
    }
    p.lexer = lig_lexer(file.data, own);
    lig_parser__advance(&p);
    lig_parser__advance(&p);
    read_module(&p);
    if (p.status != LIG_OK) {
        lig_module_destroy(p.module);
        return p.status;
    }
    lig_module_sort_funcs(p.module);
    *out = p.module;
    return LIG_OK;
}

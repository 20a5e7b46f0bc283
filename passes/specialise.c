// specialise: makes the variants of each function, one per range of the number of tokens N.
//
//   func @step(%ids: i32[N], …)      =>      variant @step.one of @step {N = 1, R = 1} (%ids: i32[1], …)
//                                            variant @step.chunk of @step {N in 2..512} (%ids: i32[N], …)
//
// Requires  stage packed. Ensures  no func is left; kernels of a variant have the variant's dims.
// With N fixed, symbols that facts then pin to one value (R <= N) are fixed as well. Functions that do not
// mention N get one variant, `.any`.
#include "passes/clone.h"
#include "passes/pass.h"
#include "passes/prune.h"

// A range of N. High -1: the symbol's own bound.
typedef struct VariantRule {
    const char *suffix;
    int64_t low, high;
} VariantRule;

static const VariantRule token_rules[] = {{".one", 1, 1}, {".chunk", 2, -1}};

typedef struct Specialiser {
    LigPass *pass;
    LigModule *module;
    LigKernelSet kernels;
    LigDim replacements[LIG_MAX_SYMBOLS];
} Specialiser;

static bool mentions(const LigFunc *func, LigDim symbol)
{
    for (size_t i = 0; i < func->inputs.count; i++) {
        const LigType *type = &func->inputs.data[i]->type;
        for (int j = 0; j < type->rank; j++) {
            if (type->dims[j] == symbol) return true;
        }
    }
    return false;
}

// Narrows `symbol` to low..high in the variant.
static LigStatus bind(const Specialiser *s, LigFunc *variant, size_t symbol, int64_t low, int64_t high)
{
    LigBinding binding = {.symbol = symbol, .low = low, .high = high};
    return LIG_VEC_PUSH(s->module->arena, &variant->bindings, binding) ? LIG_OK : lig_no_memory(s->pass->ctx);
}

static LigStatus fix(Specialiser *s, LigFunc *variant, size_t symbol, int64_t value)
{
    s->replacements[symbol] = lig_dim_const(s->module->dims, value);
    if (!s->replacements[symbol]) return lig_no_memory(s->pass->ctx);
    return bind(s, variant, symbol, value, value);
}

// Fixes every symbol whose facts leave it one value once the replaced ones are put in: `R <= N`, R >= 1, N = 1.
static LigStatus fix_by_facts(Specialiser *s, LigFunc *variant)
{
    for (size_t i = 0; i < lig_dims_fact_count(s->module->dims); i++) {
        const LigFact *fact = lig_dims_fact(s->module->dims, i);
        int symbol = lig_dim_as_symbol(fact->left);
        if (symbol < 0 || s->replacements[symbol]) continue;
        LigDim right = lig_dim_substitute(s->module->dims, fact->right, s->replacements);
        int64_t high;
        bool known = right && lig_dim_is_const(right, &high);
        if (known && high == lig_dims_symbol(s->module->dims, (size_t)symbol)->low) {
            LIG_TRY(fix(s, variant, (size_t)symbol, high));
        }
    }
    return LIG_OK;
}

static LigStatus add_inputs(Specialiser *s, const LigFunc *func, LigFunc *variant)
{
    for (size_t i = 0; i < func->inputs.count; i++) {
        const LigValue *input = func->inputs.data[i];
        LigType type = lig_type_substitute(s->module, &input->type, s->replacements);
        LigValue *copy;
        LIG_TRY(lig_func_add_input(s->module, variant, input->name, type, &copy));
    }
    return LIG_OK;
}

// symbol < 0: the function does not mention N.
static LigStatus add_variant(Specialiser *s, const LigFunc *func, int symbol, VariantRule rule)
{
    LigStr name = lig_str_format(s->module->arena, "%.*s%s", LIG_STR_ARG(func->name), rule.suffix);
    if (!name.data) return lig_no_memory(s->pass->ctx);
    LigFunc *variant;
    LIG_TRY(lig_module_add_func(s->module, LIG_FUNC_VARIANT, name, &variant));
    variant->variant_of = func->name;
    variant->loc = func->loc;
    for (size_t i = 0; i < LIG_MAX_SYMBOLS; i++) s->replacements[i] = NULL;
    if (symbol >= 0 && rule.low == rule.high) {
        LIG_TRY(fix(s, variant, (size_t)symbol, rule.low));
        LIG_TRY(fix_by_facts(s, variant));
    } else if (symbol >= 0) {
        LIG_TRY(bind(s, variant, (size_t)symbol, rule.low, rule.high));
    }
    LIG_TRY(add_inputs(s, func, variant));
    LigRetype retype = {.dims = s->replacements,
                        .suffix = rule.low == rule.high ? lig_str(rule.suffix) : (LigStr){0},
                        .kernels = &s->kernels};
    return lig_clone_body(s->module, func, variant, &retype);
}

// The rules that make sense for N's bounds, their open ends closed.
static LigStatus add_variants(Specialiser *s, const LigFunc *func)
{
    LigDim tokens = lig_dims_find(s->module->dims, LIG_STR("N"));
    int symbol = tokens ? lig_dim_as_symbol(tokens) : -1;
    if (symbol < 0 || !mentions(func, tokens)) {
        return add_variant(s, func, -1, (VariantRule){".any", 0, -1});
    }
    const LigSymbol *n = lig_dims_symbol(s->module->dims, (size_t)symbol);
    for (size_t i = 0; i < sizeof token_rules / sizeof *token_rules; i++) {
        VariantRule rule = token_rules[i];
        if (rule.high < 0 || rule.high > n->high) rule.high = n->high;
        if (rule.low < n->low) rule.low = n->low;
        if (rule.low <= rule.high) LIG_TRY(add_variant(s, func, symbol, rule));
    }
    return LIG_OK;
}

static LigStatus remove_funcs(LigPass *pass, LigModule *module)
{
    bool *keep = LIG_NEW_ARRAY(pass->scratch, bool, module->funcs.count + 1);
    if (!keep) return lig_no_memory(pass->ctx);
    for (size_t i = 0; i < module->funcs.count; i++) keep[i] = module->funcs.data[i]->kind != LIG_FUNC;
    return lig_module_keep_funcs(module, keep);
}

LigStatus lig_pass_specialise(LigPass *pass, LigModule *module)
{
    Specialiser specialiser = {.pass = pass, .module = module, .kernels = {.arena = pass->scratch}};
    size_t count = module->funcs.count;
    for (size_t i = 0; i < count; i++) {
        LigFunc *func = module->funcs.data[i];
        if (func->kind != LIG_FUNC_KERNEL) continue;
        LIG_TRY(lig_kernel_set_add(&specialiser.kernels, module, func));
    }
    for (size_t i = 0; i < count; i++) {
        if (module->funcs.data[i]->kind == LIG_FUNC) LIG_TRY(add_variants(&specialiser, module->funcs.data[i]));
    }
    LIG_TRY(remove_funcs(pass, module));
    return lig_prune_kernels(pass, module);
}

// Schedules of contractions: what is taken, the register block, tiles, scratch, and what goes to oneDNN.
#include "codegen/body.h"
#include "codegen/contract.h"
#include "codegen/onednn.h"

bool lig_contract_is_linear(const LigOp *op) { return op->code == LIG_OP_LINEAR; }

static int64_t constant_dim(const LigType *type, int axis)
{
    int64_t value = 0;
    return lig_dim_is_const(type->dims[axis], &value) ? value : 0;
}

// Rows of x when they are constant; 0 when they depend on symbols.
static int64_t constant_rows(const LigType *x)
{
    int64_t rows = 1;
    for (int i = 0; i + 1 < x->rank; i++) rows *= constant_dim(x, i);
    return rows;
}

static LigType panel_type(const LigType *weight)
{
    LigType type = *weight;
    if (type.layout.kind == LIG_LAYOUT_PANEL) return type;
    type.dtype = LIG_F32; // what scratch will hold
    type.layout = (LigLayout){.kind = LIG_LAYOUT_PANEL, .n = LIG_CONTRACT_PANEL, .k = 1};
    return type;
}

bool lig_contract_arithmetic(const LigType *x, const LigType *weight, LigArithmeticKind *out)
{
    bool is_quantised = x->dtype == LIG_Q8A;
    *out = is_quantised ? LIG_ARITHMETIC_INT8 : LIG_ARITHMETIC_F32;
    if (is_quantised)
        return weight->layout.kind == LIG_LAYOUT_PANEL && lig_dtype_has_integer_dot(weight->dtype);
    return x->dtype == LIG_F32;
}

// Whether a panel of this weight is decoded into scratch first: worth it when several rows read it.
static bool widens(LigArithmeticKind arithmetic, const LigType *x, const LigType *weight)
{
    bool in_panels = weight->layout.kind == LIG_LAYOUT_PANEL;
    return arithmetic == LIG_ARITHMETIC_F32 && in_panels && weight->dtype != LIG_F32 && constant_rows(x) != 1;
}

static LigFactor make_factor(const LigOp *linear)
{
    const LigType *x = &linear->operands[0]->type, *weight = &linear->operands[1]->type;
    LigFactor factor = {.linear = linear,
                        .panel = panel_type(weight),
                        .depth = constant_dim(weight, 1),
                        .outputs = constant_dim(weight, 0),
                        .from_rows = weight->layout.kind != LIG_LAYOUT_PANEL};
    lig_contract_arithmetic(x, weight, &factor.arithmetic);
    factor.widens = widens(factor.arithmetic, x, weight);
    return factor;
}

static bool uses_scratch(const LigFactor *factor) { return factor->from_rows || factor->widens; }
static int64_t panel_bytes(const LigFactor *factor) { return factor->depth * factor->panel.layout.n * 4; }

size_t lig_contract_factors(const LigFunc *kernel, LigFactor out[LIG_CONTRACT_MAX_FACTORS])
{
    size_t count = 0;
    int64_t scratch = 0;
    for (size_t i = 0; i < kernel->ops.count; i++) {
        const LigOp *op = kernel->ops.data[i];
        if (!lig_contract_is_linear(op)) continue;
        if (count < LIG_CONTRACT_MAX_FACTORS) {
            out[count] = make_factor(op);
            out[count].scratch = scratch;
            if (uses_scratch(&out[count])) scratch += panel_bytes(&out[count]);
        }
        count++;
    }
    return count;
}

bool lig_contract_shares_columns(const LigFactor *factors, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        if (factors[i].outputs != factors[0].outputs) return false;
    }
    return true;
}

int64_t lig_contract_panels(const LigFactor *factor)
{
    LIG_ASSERT(factor->panel.layout.n > 0);
    return (factor->outputs + factor->panel.layout.n - 1) / factor->panel.layout.n;
}

int64_t lig_contract_scratch(const LigFactor *factors, size_t count)
{
    int64_t bytes = 0;
    for (size_t i = 0; i < count; i++) bytes += uses_scratch(&factors[i]) ? panel_bytes(&factors[i]) : 0;
    return bytes;
}

static LigStatus check_factor(const LigScheduling *s, const LigFactor *factor)
{
    const LigOp *linear = factor->linear;
    const LigType *x = &linear->operands[0]->type, *w = &linear->operands[1]->type;
    LigArithmeticKind arithmetic;
    if (!lig_contract_arithmetic(x, w, &arithmetic) || linear->results[0]->type.dtype != LIG_F32) {
        return lig_kernel_fail(
            s->module, s->kernel, linear, LIG_ERR_UNSUPPORTED,
            "only f32 x is compiled, and q8a x with packed block-quantised weights: cast x to f32, or use "
            "--interpret");
    }
    if (linear->operands[0]->kind != LIG_VALUE_INPUT || linear->operands[1]->kind != LIG_VALUE_INPUT) {
        return lig_kernel_fail(s->module, s->kernel, linear, LIG_ERR_UNSUPPORTED,
                               "operands must be inputs of the kernel");
    }
    LigStorage storage;
    bool plain = w->dtype == LIG_F32 || w->dtype == LIG_F16 || w->dtype == LIG_BF16;
    bool readable = lig_storage_of(&factor->panel, s->options->target, &storage) &&
                    factor->panel.layout.n == LIG_CONTRACT_PANEL && (!factor->from_rows || plain);
    if (readable && factor->depth > 0 && factor->outputs > 0) return LIG_OK;
    return lig_kernel_fail(
        s->module, s->kernel, linear, LIG_ERR_UNSUPPORTED,
        "the weight must have constant dims, and be packed in panels of 32 rows unless it is f32, f16 or bf16: "
        "run the pack pass, or use --interpret");
}

// Factors of different widths have nothing in common but x, so there is no space in which an epilogue could be
// computed.
static LigStatus check_lone_factors(const LigScheduling *s, size_t count)
{
    if (s->kernel->ops.count == count && s->kernel->outputs.count == count) return LIG_OK;
    return lig_kernel_fail(s->module, s->kernel, NULL, LIG_ERR_UNSUPPORTED,
                           "linear ops of different widths can't share an epilogue: split the kernel");
}

static LigStatus check(const LigScheduling *s, const LigFactor *factors, size_t count)
{
    if (count < 1 || count > LIG_CONTRACT_MAX_FACTORS) {
        return lig_kernel_fail(s->module, s->kernel, NULL, LIG_ERR_UNSUPPORTED, "must have 1 to 4 linear ops");
    }
    for (size_t i = 0; i < count; i++) {
        LIG_TRY(check_factor(s, &factors[i]));
        if (factors[i].linear->operands[0] == factors[0].linear->operands[0]) continue;
        return lig_kernel_fail(s->module, s->kernel, factors[i].linear, LIG_ERR_UNSUPPORTED,
                               "its linear ops must share x");
    }
    if (!lig_contract_shares_columns(factors, count)) return check_lone_factors(s, count);
    return lig_body_check(s->module, s->kernel, &factors[0].linear->results[0]->type, lig_contract_is_linear);
}

// The widest block of accumulators that leaves registers for the weights and one value of x. Integer products
// take a register beside each sum.
static void default_block(const LigTarget *target, LigArithmeticKind arithmetic, int64_t rows, int64_t block[2])
{
    bool wide = target->vector_registers >= 32;
    int lanes = lig_target_f32_lanes(target);
    block[0] = rows == 1 ? 1 : wide ? 8 : 4;
    block[1] = rows == 1 || wide ? LIG_CONTRACT_PANEL : 2 * lanes;
    if (rows != 1 && arithmetic == LIG_ARITHMETIC_INT8) block[1] = lanes;
}

// Blocks of rows halve down to 1, and vectors divide a panel.
static LigStatus check_block(const LigScheduling *s)
{
    const LigAttr *block = lig_attrs_get(s->kernel->attrs, LIG_ATTR_BLOCK);
    int lanes = lig_target_f32_lanes(s->options->target);
    bool pair = block->value.integers.count == 2;
    int64_t rows = pair ? block->value.integers.data[0] : 0, columns = pair ? block->value.integers.data[1] : 0;
    bool rows_fit = rows >= 1 && rows <= LIG_CONTRACT_MAX_ROWS && (rows & (rows - 1)) == 0;
    bool columns_fit =
        columns > 0 && columns >= lanes && columns % lanes == 0 && LIG_CONTRACT_PANEL % columns == 0;
    if (rows_fit && columns_fit) return LIG_OK;
    return lig_kernel_fail(
        s->module, s->kernel, NULL, LIG_ERR_INVALID,
        "block must be [rows, columns]: rows 1, 2, 4 or 8, columns a multiple of the target's lanes that "
        "divides 32");
}

static LigStatus schedule_block(LigScheduling *s, const LigFactor *factor)
{
    if (!lig_attrs_get(s->kernel->attrs, LIG_ATTR_BLOCK)) {
        int64_t block[2];
        int64_t rows = constant_rows(&factor->linear->operands[0]->type);
        default_block(s->options->target, factor->arithmetic, rows, block);
        const int64_t *data = lig_arena_copy(s->module->arena, block, sizeof block);
        LigAttr attr = {.key = LIG_ATTR_BLOCK, .value.integers = {data, 2}};
        if (!data || !lig_attrs_set(s->module->arena, &s->kernel->attrs, attr))
            return lig_no_memory(s->module->ctx);
    }
    return check_block(s);
}

// oneDNN takes a lone contraction over f32 rows.
static bool goes_to_onednn(const LigScheduling *s, const LigOp *linear)
{
    LigStr given = lig_attrs_name(s->kernel->attrs, LIG_ATTR_PROVIDER, (LigStr){0});
    const LigType *weight = &linear->operands[1]->type;
    bool fits = s->kernel->ops.count == 1 && weight->dtype == LIG_F32 && weight->layout.kind == LIG_LAYOUT_ROWS;
    return fits && (given.length ? lig_str_is(given, "onednn") : s->options->onednn);
}

static LigStatus schedule_onednn(LigScheduling *s, const LigOp *linear)
{
    LigOnednn *contraction;
    LIG_TRY(lig_onednn_create(s->module->ctx, &linear->operands[0]->type, &linear->operands[1]->type,
                              &contraction));
    size_t scratch = lig_onednn_scratch_bytes(contraction);
    lig_onednn_destroy(contraction);
    LigAttr provider = {.key = LIG_ATTR_PROVIDER, .value.name = LIG_STR("onednn")};
    if (!lig_attrs_set(s->module->arena, &s->kernel->attrs, provider)) return lig_no_memory(s->module->ctx);
    return lig_schedule_int(s, LIG_ATTR_SCRATCH, (int64_t)scratch);
}

LigStatus lig_schedule_contract(LigScheduling *s)
{
    LigFactor factors[LIG_CONTRACT_MAX_FACTORS] = {0};
    size_t count = lig_contract_factors(s->kernel, factors);
    LIG_TRY(check(s, factors, count));
    if (goes_to_onednn(s, factors[0].linear)) return schedule_onednn(s, factors[0].linear);
    LIG_TRY(schedule_block(s, &factors[0]));
    LIG_TRY(lig_schedule_int(s, LIG_ATTR_TILE, 1));
    int64_t scratch = lig_contract_scratch(factors, count);
    return scratch ? lig_schedule_int(s, LIG_ATTR_SCRATCH, scratch) : LIG_OK;
}

LigDim lig_tiles_contract(const LigModule *module, const LigFunc *kernel)
{
    LigFactor factors[LIG_CONTRACT_MAX_FACTORS] = {0};
    size_t count = lig_contract_factors(kernel, factors);
    if (lig_str_is(lig_attrs_name(kernel->attrs, LIG_ATTR_PROVIDER, (LigStr){0}), "onednn")) {
        return lig_dim_const(module->dims, (factors[0].outputs + LIG_ONEDNN_COLUMNS - 1) / LIG_ONEDNN_COLUMNS);
    }
    int64_t tile = lig_attrs_int(kernel->attrs, LIG_ATTR_TILE, 1), tiles = 0;
    if (lig_contract_shares_columns(factors, count)) count = 1;
    for (size_t i = 0; i < count; i++) tiles += (lig_contract_panels(&factors[i]) + tile - 1) / tile;
    return lig_dim_const(module->dims, tiles);
}

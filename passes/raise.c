// raise: dense attention whose additive mask is proven to come from lengths and causality becomes attention over
// flat rows, which has a kernel that never writes the scores.
//
//   %seen = lt %keys, %lengths : bool[B,1,1,S]        %q2 = reshape (transpose %q) : f32[B*S,H,D], k and v alike
//   %mask = select %seen, %zero, %minus_inf     =>    %a = attention %q2, %k2, %v2, %pos, %start, %lengths
//   %y = sdpa %q, %k, %v, %mask : f32[B,H,S,D]        %y = transpose (reshape %a) : f32[B,H,S,D]
//
// Requires  stage model.
// Ensures  no sdpa is left whose mask lig_mask_prove proves, whose keys are as many as its queries, and whose keys
// and values have one width.
// Reassociates: keys that are masked weigh nothing instead of exp(-inf); a value there that is not finite no longer
// makes NaN. Row r is batch r: its tokens start at r * S, which is counted, not computed from data. Runs before
// simplify, which removes transposes that undo the graph's own, and the mask.
#include "ir/build.h"
#include "passes/mask_proof.h"
#include "passes/pass.h"
#include "passes/rewrite.h"

enum { Q, K, V, MASK };
enum { BATCH, HEADS, TOKENS, WIDTH, AXES };

static bool same_dim(const LigModule *module, LigDim a, LigDim b)
{
    return lig_dim_equal(module->dims, a, b) == LIG_YES;
}

// Flat attention reads a row's own tokens, in vectors of one width.
static bool is_flat(const LigModule *module, const LigOp *op)
{
    const LigType *q = &op->operands[Q]->type, *k = &op->operands[K]->type, *v = &op->operands[V]->type;
    int64_t heads, kv_heads, least, most;
    lig_dim_range(module->dims, q->dims[TOKENS], &least, &most);
    return least >= 1 && same_dim(module, q->dims[TOKENS], k->dims[TOKENS]) &&
           same_dim(module, q->dims[WIDTH], v->dims[WIDTH]) && lig_dim_is_const(q->dims[HEADS], &heads) &&
           lig_dim_is_const(k->dims[HEADS], &kv_heads) && q->dtype == k->dtype && q->dtype == v->dtype;
}

static bool raises(const LigModule *module, const LigOp *op, LigMaskProof *proof)
{
    *proof = (LigMaskProof){0};
    if (op->code != LIG_OP_SDPA || !is_flat(module, op)) return false;
    return op->operand_count <= MASK || lig_mask_prove(op->operands[MASK], proof);
}

// ---- what stands for it ----

static LigValue *swap_axes(LigBuilder *b, LigValue *x)
{
    static const int64_t perm[AXES] = {BATCH, TOKENS, HEADS, WIDTH};
    LigAttr attr = {.key = LIG_ATTR_PERM, .value.integers = {perm, AXES}};
    return lig_build(
        b, (LigOpSpec){.code = LIG_OP_TRANSPOSE, .operands = &x, .operand_count = 1, .attrs = {&attr, 1}});
}

// [B,H,S,D] as [B*S,H,D].
static LigValue *flatten(LigBuilder *b, LigValue *x)
{
    LigDimTable *table = b->module->dims;
    const LigDim *dims = x->type.dims;
    LigDim flat[] = {lig_dim_mul(table, dims[BATCH], dims[TOKENS]), dims[HEADS], dims[WIDTH]};
    return lig_build_reshape(b, "", swap_axes(b, x), 3, flat);
}

static LigValue *count(LigBuilder *b, int rank, const LigDim *dims, int64_t axis)
{
    LigType type = {.dtype = LIG_I32, .rank = rank};
    LigAttr attr = {.key = LIG_ATTR_AXIS, .value.integer = axis};
    for (int i = 0; i < rank; i++) type.dims[i] = dims[i];
    return lig_build(b, (LigOpSpec){.code = LIG_OP_IOTA, .attrs = {&attr, 1}, .stated = &type});
}

// 0 .. S - 1 for each batch: i32[B*S].
static LigValue *positions(LigBuilder *b, const LigType *q)
{
    LigDim dims[] = {q->dims[BATCH], q->dims[TOKENS]};
    LigDim flat = lig_dim_mul(b->module->dims, dims[0], dims[1]);
    return lig_build_reshape(b, "", count(b, 2, dims, 1), 1, &flat);
}

// 0, S, 2 S .. B S: the first column of [B+1,S] numbered through.
static LigValue *starts(LigBuilder *b, const LigType *q)
{
    LigDimTable *table = b->module->dims;
    LigDim edges = lig_dim_add(table, q->dims[BATCH], lig_dim_const(table, 1));
    LigDim grid[] = {edges, q->dims[TOKENS]}, all = lig_dim_mul(table, edges, q->dims[TOKENS]);
    if (!all) return lig_build_reshape(b, "", NULL, 1, &all);
    LigValue *numbers = lig_build_reshape(b, "", count(b, 1, &all, 0), 2, grid);
    LigAttr attrs[] = {{.key = LIG_ATTR_AXIS, .value.integer = 1},
                       {.key = LIG_ATTR_BEGIN, .value.integer = 0},
                       {.key = LIG_ATTR_END, .value.integer = 1}};
    LigValue *column = lig_build(
        b, (LigOpSpec){.code = LIG_OP_SLICE, .operands = &numbers, .operand_count = 1, .attrs = {attrs, 3}});
    return lig_build_reshape(b, "", column, 1, &edges);
}

static LigValue *number(LigBuilder *b, int32_t value)
{
    LigType type = {.dtype = LIG_I32};
    return lig_build_constant(b, "", &type, &value, sizeof value);
}

// Without lengths more than any row has: a row's own tokens are where it ends. A length below 0 is none.
static LigValue *lengths(LigBuilder *b, const LigType *q, LigValue *given)
{
    LigType type = {.dtype = LIG_I32, .rank = 1, .dims = {q->dims[BATCH]}};
    if (given) return lig_build_binary(b, LIG_OP_MAX, "", given, number(b, 0));
    LigValue *all = number(b, INT32_MAX);
    return lig_build(
        b, (LigOpSpec){.code = LIG_OP_BROADCAST, .operands = &all, .operand_count = 1, .stated = &type});
}

static LigValue *raised(LigBuilder *b, const LigOp *op, const LigMaskProof *proof)
{
    const LigType *q = &op->operands[Q]->type, *y = &op->results[0]->type;
    LigValue *operands[] = {flatten(b, op->operands[Q]),
                            flatten(b, op->operands[K]),
                            flatten(b, op->operands[V]),
                            positions(b, q),
                            starts(b, q),
                            lengths(b, q, proof->lengths)};
    LigAttr attrs[] = {{.key = LIG_ATTR_CAUSAL},
                       {.key = LIG_ATTR_SCALE, .value.real = lig_attrs_float(op->attrs, LIG_ATTR_SCALE, 1.0)}};
    LigAttrs given = proof->causal ? (LigAttrs){attrs, 2} : (LigAttrs){attrs + 1, 1};
    LigValue *flat = lig_build(
        b, (LigOpSpec){.code = LIG_OP_ATTENTION, .operands = operands, .operand_count = 6, .attrs = given});
    LigDim dims[] = {y->dims[BATCH], y->dims[TOKENS], y->dims[HEADS], y->dims[WIDTH]};
    return swap_axes(b, lig_build_reshape(b, "", flat, AXES, dims));
}

static LigStatus replace(LigModule *module, LigFunc *func, const LigOp *op, const LigMaskProof *proof,
                         LigReplacements *replacements)
{
    LigBuilder builder = lig_builder(module, func);
    size_t before = func->ops.count;
    LigValue *value = raised(&builder, op, proof);
    LIG_TRY(lig_builder_status(&builder));
    value->name = op->results[0]->name;
    for (size_t i = before; i < func->ops.count; i++) func->ops.data[i]->loc = op->loc;
    replacements->by_id[op->results[0]->id] = value;
    return LIG_OK;
}

static LigStatus raise_func(LigPass *pass, LigModule *module, LigFunc *func)
{
    size_t count = func->ops.count;
    LigReplacements replacements = lig_replacements(pass->scratch, module, func);
    LigOp **ops = LIG_NEW_ARRAY(pass->scratch, LigOp *, count);
    if (!replacements.by_id || !ops) return lig_no_memory(pass->ctx);
    for (size_t i = 0; i < count; i++) ops[i] = func->ops.data[i];
    func->ops.count = 0;
    for (size_t i = 0; i < count; i++) {
        LigMaskProof proof;
        lig_replace_operands(&replacements, ops[i]);
        if (raises(module, ops[i], &proof))
            LIG_TRY(replace(module, func, ops[i], &proof, &replacements));
        else if (!LIG_VEC_PUSH(module->arena, &func->ops, ops[i]))
            return lig_no_memory(pass->ctx);
    }
    lig_replace_outputs(&replacements, func);
    lig_func_renumber(func);
    return LIG_OK;
}

LigStatus lig_pass_raise(LigPass *pass, LigModule *module)
{
    for (size_t i = 0; i < module->funcs.count; i++) {
        LigFunc *func = module->funcs.data[i];
        if (func->kind == LIG_FUNC) LIG_TRY(raise_func(pass, module, func));
    }
    return LIG_OK;
}

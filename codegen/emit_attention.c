// Attention over the keys of a cache, or of the call's own tokens, streaming: nothing of the size tokens x keys
// is ever held.
//
// A tile is a unit of heads (some heads of queries that share one head of keys) and a run of tokens. Tokens are
// taken in groups when they belong to one row: key blocks that all of a group see are folded into all its query
// rows at once, the blocks at either end (causal diagonal, window) token by token. Blocks lie at multiples of
// LIG_ATTENTION_KEYS, and a query meets its blocks in ascending order either way: its bits depend neither on
// the queries beside it nor on how tokens were split into calls. Keys that a query does not see are not read
// into its sums at all, so what lies in unused parts of the cache does not matter.
#include "codegen/emit_attention.h"

#include "codegen/body.h"
#include "codegen/tokens.h"

enum { QUERY, KEY, VALUE, POS, START, KV_LEN, SLOT };
enum { MAX_ROWS = 6, TILE_TOKENS = 8, MAX_WIDTH = 1024 };

// The operand of the kernel behind a value, through reshapes; NULL when it is computed.
static const LigValue *behind(const LigValue *value)
{
    while (value->kind == LIG_VALUE_RESULT && value->op->code == LIG_OP_RESHAPE) value = value->op->operands[0];
    return value->kind == LIG_VALUE_INPUT ? value : NULL;
}

static const LigOp *find_attention(const LigFunc *kernel)
{
    for (size_t i = 0; i < kernel->ops.count; i++)
        if (kernel->ops.data[i]->code == LIG_OP_ATTENTION) return kernel->ops.data[i];
    return NULL;
}

static int64_t constant(LigDim dim)
{
    int64_t value;
    return lig_dim_is_const(dim, &value) ? value : 0;
}

static int64_t round_up(int64_t value, int64_t multiple)
{
    return (value + multiple - 1) / multiple * multiple;
}

static bool is_cached(const LigOp *op) { return op->operand_count > SLOT; }

// The largest divisor of `group` that is at most MAX_ROWS.
static int choose_heads(int64_t group)
{
    for (int heads = MAX_ROWS; heads > 1; heads--)
        if (group % heads == 0) return heads;
    return 1;
}

static LigAttentionSizes find_sizes(const LigOp *op, const LigTarget *target)
{
    const LigType *q = &op->operands[QUERY]->type, *key = &op->operands[KEY]->type;
    LigAttentionSizes s = {.heads = constant(q->dims[1]),
                           .kv_heads = constant(key->dims[1]),
                           .width = constant(q->dims[2]),
                           .lanes = lig_target_f32_lanes(target)};
    const int64_t element = sizeof(float);
    LIG_ASSERT(s.kv_heads > 0 && s.lanes > 0); // check()
    s.stride = is_cached(op) ? s.width : s.kv_heads * s.width;
    s.group = s.heads / s.kv_heads;
    s.heads_at_once = choose_heads(s.group);
    s.tokens_at_once = MAX_ROWS / s.heads_at_once;
    s.width_vectors = (int)((s.width + s.lanes - 1) / s.lanes);
    s.out = s.scores + LIG_ATTENTION_KEYS * element;
    s.sum = s.out + (int64_t)s.width_vectors * s.lanes * element;
    s.maximum = s.sum + s.lanes * element;
    s.rescale = s.maximum + element;
    s.state_bytes = round_up(s.rescale + element, 64);
    return s;
}

static LigStatus check_ops(const LigModule *module, const LigFunc *kernel, const LigOp *attention)
{
    for (size_t i = 0; i < kernel->ops.count; i++) {
        const LigOp *op = kernel->ops.data[i];
        if (op == attention || op->code == LIG_OP_RESHAPE) continue;
        return lig_kernel_fail(module, kernel, op, LIG_ERR_UNSUPPORTED,
                               "only one attention and reshapes belong into an attention kernel");
    }
    const LigValue *output = kernel->outputs.count == 1 ? kernel->outputs.data[0] : NULL;
    while (output != NULL && output->kind == LIG_VALUE_RESULT && output->op->code == LIG_OP_RESHAPE)
        output = output->op->operands[0];
    if (output == attention->results[0]) return LIG_OK;
    return lig_kernel_fail(module, kernel, attention, LIG_ERR_UNSUPPORTED,
                           "the kernel must give the result of the attention and nothing else");
}

static bool is_cache_dtype(LigDtype dtype) { return dtype == LIG_F32 || dtype == LIG_BF16 || dtype == LIG_F16; }

static LigStatus check_types(const LigModule *module, const LigFunc *kernel, const LigOp *op, int lanes)
{
    const LigType *q = &op->operands[QUERY]->type, *key = &op->operands[KEY]->type;
    const LigType *value = &op->operands[VALUE]->type;
    int64_t width = constant(q->dims[2]);
    if (q->dtype != LIG_F32 || !is_cache_dtype(key->dtype) || !is_cache_dtype(value->dtype))
        return lig_kernel_fail(module, kernel, op, LIG_ERR_UNSUPPORTED,
                               "queries must be f32, keys and values f32, bf16 or f16");
    if (width < 1 || width > MAX_WIDTH)
        return lig_kernel_fail(module, kernel, op, LIG_ERR_UNSUPPORTED,
                               "the head size must be a constant up to 1024");
    const LigLayout *layout = &key->layout;
    bool panels = layout->kind == LIG_LAYOUT_PANEL;
    if (panels && !is_cached(op))
        return lig_kernel_fail(module, kernel, op, LIG_ERR_UNSUPPORTED,
                               "keys of the call's own tokens must lie in rows");
    bool known = !panels || (layout->k == 1 && layout->n % lanes == 0 && LIG_ATTENTION_KEYS % layout->n == 0);
    if (known && value->layout.kind == LIG_LAYOUT_ROWS) return LIG_OK;
    return lig_kernel_fail(module, kernel, op, LIG_ERR_UNSUPPORTED,
                           "keys must lie in rows or panels of 16, 32 or 64 keys with k=1, and values in rows");
}

static LigStatus check(const LigModule *module, const LigFunc *kernel, const LigTarget *target)
{
    const LigOp *op = find_attention(kernel);
    if (op == NULL) return lig_kernel_fail(module, kernel, NULL, LIG_ERR_UNSUPPORTED, "no attention in it");
    LIG_TRY(check_ops(module, kernel, op));
    LIG_TRY(check_types(module, kernel, op, lig_target_f32_lanes(target)));
    for (size_t i = 0; i < op->operand_count; i++) {
        if (behind(op->operands[i]) == NULL)
            return lig_kernel_fail(module, kernel, op, LIG_ERR_UNSUPPORTED,
                                   "its operands must be operands of the kernel");
    }
    return LIG_OK;
}

LigStatus lig_schedule_attention(LigScheduling *scheduling)
{
    const LigTarget *target = scheduling->options->target;
    LIG_TRY(check(scheduling->module, scheduling->kernel, target));
    LigAttentionSizes sizes = find_sizes(find_attention(scheduling->kernel), target);
    int64_t rows = (int64_t)sizes.heads_at_once * sizes.tokens_at_once;
    LIG_TRY(
        lig_schedule_int(scheduling, LIG_ATTR_TILE, TILE_TOKENS / sizes.tokens_at_once * sizes.tokens_at_once));
    return lig_schedule_int(scheduling, LIG_ATTR_SCRATCH, rows * sizes.state_bytes);
}

// Units of heads; the same for every target.
static int64_t head_units(const LigOp *op)
{
    int64_t heads = constant(op->operands[QUERY]->type.dims[1]),
            kv_heads = constant(op->operands[KEY]->type.dims[1]);
    LIG_ASSERT(kv_heads > 0); // check()
    return heads / choose_heads(heads / kv_heads);
}

static LigDim token_tiles(const LigModule *module, const LigFunc *kernel)
{
    LigDim tokens = find_attention(kernel)->operands[QUERY]->type.dims[0];
    return lig_dim_ceildiv(module->dims, tokens, lig_kernel_tile(kernel));
}

LigDim lig_tiles_attention(const LigModule *module, const LigFunc *kernel)
{
    LigDim units = lig_dim_const(module->dims, head_units(find_attention(kernel)));
    return lig_dim_mul(module->dims, token_tiles(module, kernel), units);
}

// ---- one group of tokens ----

// Where the walk stands: the unit of heads, and the group's first token.
typedef struct Group {
    LigAttention *a;
    LLVMValueRef head;       // i64, first head of queries of the unit
    LLVMValueRef kv_head;    // i64
    LLVMValueRef token;      // i64, first of the group
    LLVMValueRef row;        // of the batch, i64
    LLVMValueRef exists;     // i1: the token belongs to a row
    LLVMValueRef key, value; // pointers of the slot's first key and value
    int tokens;
} Group;

// Keys first <= j < end that a token sees; 0, 0 when there are none.
typedef struct Seen {
    LLVMValueRef first, end;
} Seen;

static LLVMValueRef plus(const Group *g, LLVMValueRef value, int64_t by)
{
    LigEmitter *e = g->a->k->e;
    return LLVMBuildAdd(e->builder, value, lig_i64(e, by), "");
}

// How many keys there are for tokens of the group's row, whatever kv_len says.
static LLVMValueRef key_limit(const Group *g)
{
    LigKernelEmitter *k = g->a->k;
    if (is_cached(g->a->op)) return lig_kernel_dim(k, g->a->key_type->dims[2]);
    LLVMValueRef first = lig_kernel_load_i32(k, g->a->start, g->row);
    LLVMValueRef end = lig_kernel_load_i32(k, g->a->start, plus(g, g->row, 1));
    return LLVMBuildSub(k->e->builder, end, first, "");
}

static Seen seen_keys(const Group *g, LLVMValueRef token)
{
    LigKernelEmitter *k = g->a->k;
    LLVMBuilderRef b = k->e->builder;
    LigAttrs attrs = g->a->op->attrs;
    LLVMValueRef zero = lig_i64(k->e, 0), position = lig_kernel_load_i32(k, g->a->pos, token);
    LLVMValueRef end = lig_kernel_least(k, lig_kernel_load_i32(k, g->a->kv_len, g->row), key_limit(g));
    bool causal = lig_attrs_flag(attrs, LIG_ATTR_CAUSAL);
    bool windowed = lig_attrs_get(attrs, LIG_ATTR_WINDOW) != NULL;
    int64_t window = lig_attrs_int(attrs, LIG_ATTR_WINDOW, 1), side = window / 2;
    LLVMValueRef first = zero;
    if (causal || windowed) end = lig_kernel_least(k, end, plus(g, position, causal ? 1 : side + 1));
    if (windowed) first = lig_kernel_greatest(k, zero, plus(g, position, causal ? 1 - window : -side));
    LLVMValueRef any = LLVMBuildAnd(b, g->exists, LLVMBuildICmp(b, LLVMIntSLT, first, end, ""), "");
    return (Seen){LLVMBuildSelect(b, any, first, zero, ""), LLVMBuildSelect(b, any, end, zero, "")};
}

static LLVMValueRef block_floor(const Group *g, LLVMValueRef key)
{
    LigEmitter *e = g->a->k->e;
    return LLVMBuildUDiv(e->builder, key, lig_i64(e, LIG_ATTENTION_KEYS), "");
}

static LLVMValueRef block_ceil(const Group *g, LLVMValueRef key)
{
    return block_floor(g, plus(g, key, LIG_ATTENTION_KEYS - 1));
}

static LLVMValueRef scaled(const Group *g, LLVMValueRef value, int64_t by)
{
    LigEmitter *e = g->a->k->e;
    return LLVMBuildMul(e->builder, value, lig_i64(e, by), "");
}

// Pointer of the queries, or of the results, of a token's first head.
static LLVMValueRef token_rows(const Group *g, LLVMValueRef base, LLVMValueRef token)
{
    const LigAttentionSizes *s = &g->a->sizes;
    LigEmitter *e = g->a->k->e;
    LLVMValueRef row = LLVMBuildAdd(e->builder, scaled(g, token, s->heads), g->head, "");
    return lig_emit_offset(e, base, scaled(g, row, s->width * (int64_t)sizeof(float)));
}

// State of a token of the group: `index` counts from the group's first.
static LLVMValueRef token_state(const Group *g, LLVMValueRef index)
{
    const LigAttentionSizes *s = &g->a->sizes;
    return lig_emit_offset(g->a->k->e, g->a->k->scratch, scaled(g, index, s->heads_at_once * s->state_bytes));
}

// Calls a block function for block `block` and the queries of `token`, whose state is `state`.
typedef struct BlockCall {
    LLVMValueRef function, block, token, state, from, to;
} BlockCall;

static void call_block(const Group *g, BlockCall call)
{
    LigEmitter *e = g->a->k->e;
    int64_t keys = LIG_ATTENTION_KEYS * g->a->sizes.stride;
    int64_t key_bytes = keys * lig_dtype_block_bytes(g->a->key_type->dtype);
    int64_t value_bytes = keys * lig_dtype_block_bytes(g->a->value_type->dtype);
    LLVMValueRef args[] = {token_rows(g, g->a->query, call.token),
                           lig_emit_offset(e, g->key, scaled(g, call.block, key_bytes)),
                           lig_emit_offset(e, g->value, scaled(g, call.block, value_bytes)),
                           call.state,
                           call.from,
                           call.to};
    LLVMBuildCall2(e->builder, g->a->block_type, call.function, args, 6, "");
}

// Blocks first <= b < end for one token, the whole ones and the partial ones.
static void walk_alone(const Group *g, LLVMValueRef token, LLVMValueRef state, Seen seen, LigUnitRange blocks)
{
    LigKernelEmitter *k = g->a->k;
    LLVMBuilderRef b = k->e->builder;
    LLVMValueRef zero = lig_i64(k->e, 0), all = lig_i64(k->e, LIG_ATTENTION_KEYS);
    LigLoop loop;
    lig_loop_begin(k->e, &loop, (LigRange){blocks.begin, blocks.end, lig_i64(k->e, 1)}, NULL, 0);
    LLVMValueRef start = scaled(g, loop.index, LIG_ATTENTION_KEYS);
    BlockCall call = {.block = loop.index, .token = token, .state = state};
    call.from = lig_kernel_greatest(k, LLVMBuildSub(b, seen.first, start, ""), zero);
    call.to = lig_kernel_least(k, LLVMBuildSub(b, seen.end, start, ""), all);
    LLVMValueRef width = LLVMBuildSub(b, call.to, call.from, "");
    LigIf branch;
    lig_if_begin(k->e, &branch, LLVMBuildICmp(b, LLVMIntEQ, width, all, ""));
    call.function = g->a->one_full;
    call_block(g, call);
    lig_if_else(k->e, &branch, NULL, 0);
    call.function = g->a->one_part;
    call_block(g, call);
    lig_if_end(k->e, &branch, NULL, NULL);
    lig_loop_end(k->e, &loop, NULL);
}

// Sets the states of the group's rows to nothing seen yet.
static void begin_states(const Group *g)
{
    const LigAttentionSizes *s = &g->a->sizes;
    LigEmitter *e = g->a->k->e;
    LLVMTypeRef type = lig_lanes(e->f32, s->lanes);
    LigRange range = {lig_i64(e, 0), lig_i64(e, (int64_t)g->tokens * s->heads_at_once), lig_i64(e, 1)};
    LigLoop loop;
    lig_loop_begin(e, &loop, range, NULL, 0);
    LLVMValueRef state = lig_emit_offset(e, g->a->k->scratch, scaled(g, loop.index, s->state_bytes));
    for (int64_t at = s->out; at < s->maximum; at += s->lanes * (int64_t)sizeof(float))
        lig_emit_store(e, LLVMConstNull(type), lig_emit_offset_by(e, state, at), sizeof(float));
    LLVMValueRef lowest = LLVMConstReal(e->f32, -__builtin_inf());
    lig_emit_store(e, lowest, lig_emit_offset_by(e, state, s->maximum), sizeof(float));
    lig_loop_end(e, &loop, NULL);
}

// Writes out / sum of one row, zeros where no key was seen.
static void store_row(const Group *g, LLVMValueRef state, LLVMValueRef target, LLVMValueRef any)
{
    const LigAttentionSizes *s = &g->a->sizes;
    LigEmitter *e = g->a->k->e;
    LLVMTypeRef type = lig_lanes(e->f32, s->lanes);
    LLVMValueRef lanes = lig_emit_load(e, type, lig_emit_offset_by(e, state, s->sum), sizeof(float));
    LLVMValueRef sum = lig_emit_splat(e, lig_emit_sum_lanes(e, lanes), s->lanes);
    for (int v = 0; v < s->width_vectors; v++) {
        int64_t bytes = (int64_t)v * s->lanes * (int64_t)sizeof(float);
        LLVMValueRef out = lig_emit_load(e, type, lig_emit_offset_by(e, state, s->out + bytes), sizeof(float));
        out = LLVMBuildFDiv(e->builder, out, sum, "");
        out = LLVMBuildSelect(e->builder, any, out, LLVMConstNull(type), "");
        int64_t left = s->width - (int64_t)v * s->lanes;
        LLVMValueRef mask = left >= s->lanes ? NULL : lig_emit_tail_mask(e, s->lanes, lig_i64(e, left));
        lig_body_save(e, out, lig_emit_offset_by(e, target, bytes), LIG_F32, mask);
    }
}

static void store_token(const Group *g, LLVMValueRef token, LLVMValueRef state)
{
    const LigAttentionSizes *s = &g->a->sizes;
    LigEmitter *e = g->a->k->e;
    Seen seen = seen_keys(g, token);
    LLVMValueRef any = LLVMBuildICmp(e->builder, LLVMIntSLT, seen.first, seen.end, "");
    LLVMValueRef target = token_rows(g, g->a->out, token);
    LigLoop loop;
    lig_loop_begin(e, &loop, (LigRange){lig_i64(e, 0), lig_i64(e, s->heads_at_once), lig_i64(e, 1)}, NULL, 0);
    LLVMValueRef row_state = lig_emit_offset(e, state, scaled(g, loop.index, s->state_bytes));
    LLVMValueRef row = lig_emit_offset(e, target, scaled(g, loop.index, s->width * (int64_t)sizeof(float)));
    store_row(g, row_state, row, any);
    lig_loop_end(e, &loop, NULL);
}

// Blocks that every token of the group sees whole: first <= b < end, which may be none.
static LigUnitRange common_blocks(const Group *g)
{
    LigKernelEmitter *k = g->a->k;
    Seen common = seen_keys(g, g->token);
    for (int i = 1; i < g->tokens; i++) {
        Seen seen = seen_keys(g, plus(g, g->token, i));
        common.first = lig_kernel_greatest(k, common.first, seen.first);
        common.end = lig_kernel_least(k, common.end, seen.end);
    }
    LLVMValueRef first = block_ceil(g, common.first);
    return (LigUnitRange){first, lig_kernel_greatest(k, first, block_floor(g, common.end))};
}

// For each token of the group, alone: its blocks before the common ones, or those after.
static void walk_ends(const Group *g, LigUnitRange common, bool before)
{
    LigKernelEmitter *k = g->a->k;
    LigLoop loop;
    lig_loop_begin(k->e, &loop, (LigRange){lig_i64(k->e, 0), lig_i64(k->e, g->tokens), lig_i64(k->e, 1)}, NULL,
                   0);
    LLVMValueRef token = LLVMBuildAdd(k->e->builder, g->token, loop.index, "");
    Seen seen = seen_keys(g, token);
    LigUnitRange blocks = {block_floor(g, seen.first), block_ceil(g, seen.end)};
    if (before)
        blocks.end = lig_kernel_least(k, blocks.end, common.begin);
    else
        blocks.begin = lig_kernel_greatest(k, blocks.begin, common.end);
    walk_alone(g, token, token_state(g, loop.index), seen, blocks);
    lig_loop_end(k->e, &loop, NULL);
}

static void walk_common(const Group *g, LigUnitRange common)
{
    LigKernelEmitter *k = g->a->k;
    LLVMValueRef zero = lig_i64(k->e, 0);
    LigLoop loop;
    lig_loop_begin(k->e, &loop, (LigRange){common.begin, common.end, lig_i64(k->e, 1)}, NULL, 0);
    call_block(g, (BlockCall){g->a->many_full, loop.index, g->token, k->scratch, zero, zero});
    lig_loop_end(k->e, &loop, NULL);
}

static void walk_blocks(const Group *g)
{
    if (g->tokens == 1) {
        Seen seen = seen_keys(g, g->token);
        LigUnitRange blocks = {block_floor(g, seen.first), block_ceil(g, seen.end)};
        walk_alone(g, g->token, g->a->k->scratch, seen, blocks);
        return;
    }
    LigUnitRange common = common_blocks(g);
    walk_ends(g, common, true);
    walk_common(g, common);
    walk_ends(g, common, false);
}

// `g->tokens` tokens of one row (or a single one of none).
static void emit_group(const Group *g)
{
    LigKernelEmitter *k = g->a->k;
    begin_states(g);
    walk_blocks(g);
    LigLoop loop;
    lig_loop_begin(k->e, &loop, (LigRange){lig_i64(k->e, 0), lig_i64(k->e, g->tokens), lig_i64(k->e, 1)}, NULL,
                   0);
    store_token(g, LLVMBuildAdd(k->e->builder, g->token, loop.index, ""), token_state(g, loop.index));
    lig_loop_end(k->e, &loop, NULL);
}

// ---- tokens of a tile ----

// The flat index in keys or values of the first one for the group's row and head.
static LLVMValueRef first_key(const Group *g, const LigType *type)
{
    LigKernelEmitter *k = g->a->k;
    LLVMBuilderRef b = k->e->builder;
    LLVMValueRef zero = lig_i64(k->e, 0);
    bool cached = is_cached(g->a->op);
    LLVMValueRef from = lig_kernel_load_i32(k, cached ? g->a->slot : g->a->start, g->row);
    LLVMValueRef head = LLVMBuildAdd(b, scaled(g, from, g->a->sizes.kv_heads), g->kv_head, "");
    if (cached) return lig_kernel_cache_index(k, type, (LigCachePlace){head, zero, zero});
    return scaled(g, head, g->a->sizes.width);
}

// Finds the row of the group's first token and where the row's keys and values begin.
static void enter_row(Group *g, const LigTokenRows *rows)
{
    LigKernelEmitter *k = g->a->k;
    LigTokenRow row = lig_kernel_row_of(k, rows, g->token);
    g->row = row.row;
    g->exists = row.exists;
    g->key = lig_kernel_element(k, g->a->key, first_key(g, g->a->key_type), g->a->key_type->dtype);
    g->value = lig_kernel_element(k, g->a->value, first_key(g, g->a->value_type), g->a->value_type->dtype);
}

static void emit_singles(Group *g, const LigTokenRows *rows, LigUnitRange tokens)
{
    LigEmitter *e = g->a->k->e;
    LigLoop loop;
    lig_loop_begin(e, &loop, (LigRange){tokens.begin, tokens.end, lig_i64(e, 1)}, NULL, 0);
    g->tokens = 1;
    g->token = loop.index;
    enter_row(g, rows);
    emit_group(g);
    lig_loop_end(e, &loop, NULL);
}

// Whether the `count` tokens from g->token on are inside the tile and in one row.
static LLVMValueRef is_whole_group(const Group *g, const LigTokenRows *rows, int count, LLVMValueRef tile_end)
{
    LigKernelEmitter *k = g->a->k;
    LLVMBuilderRef b = k->e->builder;
    LLVMValueRef end = plus(g, g->token, count);
    LLVMValueRef row_end = lig_kernel_load_i32(k, rows->start, plus(g, g->row, 1));
    LLVMValueRef limit = lig_kernel_least(k, row_end, tile_end);
    return LLVMBuildAnd(b, g->exists, LLVMBuildICmp(b, LLVMIntSLE, end, limit, ""), "");
}

static void emit_tokens(Group *g, LigUnitRange tokens)
{
    LigKernelEmitter *k = g->a->k;
    LigEmitter *e = k->e;
    int at_once = g->a->sizes.tokens_at_once;
    LigTokenRows rows = {g->a->start, lig_kernel_dim(k, g->a->op->operands[KV_LEN]->type.dims[0])};
    if (at_once == 1) {
        emit_singles(g, &rows, tokens);
        return;
    }
    LigLoop loop;
    lig_loop_begin(e, &loop, (LigRange){tokens.begin, tokens.end, lig_i64(e, at_once)}, NULL, 0);
    g->tokens = at_once;
    g->token = loop.index;
    enter_row(g, &rows);
    LigUnitRange alone = {loop.index, lig_kernel_least(k, plus(g, loop.index, at_once), tokens.end)};
    LigIf branch;
    lig_if_begin(e, &branch, is_whole_group(g, &rows, at_once, tokens.end));
    emit_group(g);
    lig_if_else(e, &branch, NULL, 0);
    emit_singles(g, &rows, alone);
    lig_if_end(e, &branch, NULL, NULL);
    lig_loop_end(e, &loop, NULL);
}

// Runs of tokens are taken from both ends in turn, so that any range of tiles has about the same number of
// keys.
static LLVMValueRef token_tile(const Group *g, LLVMValueRef index, LLVMValueRef count)
{
    LLVMBuilderRef b = g->a->k->e->builder;
    LLVMValueRef one = lig_i64(g->a->k->e, 1), half = LLVMBuildLShr(b, index, one, "");
    LLVMValueRef from_end = LLVMBuildSub(b, LLVMBuildSub(b, count, one, ""), half, "");
    LLVMValueRef is_odd = LLVMBuildICmp(b, LLVMIntEQ, LLVMBuildAnd(b, index, one, ""), one, "");
    return LLVMBuildSelect(b, is_odd, from_end, half, "");
}

static void emit_tile(LigAttention *a, LLVMValueRef tile)
{
    LigKernelEmitter *k = a->k;
    LLVMBuilderRef b = k->e->builder;
    LLVMValueRef units = lig_i64(k->e, head_units(a->op)), unit = LLVMBuildURem(b, tile, units, "");
    Group g = {.a = a};
    g.head = scaled(&g, unit, a->sizes.heads_at_once);
    g.kv_head = LLVMBuildUDiv(b, g.head, lig_i64(k->e, a->sizes.group), "");
    LLVMValueRef count = lig_kernel_dim(k, token_tiles(k->module, k->kernel));
    LLVMValueRef run = token_tile(&g, LLVMBuildUDiv(b, tile, units, ""), count);
    LLVMValueRef tokens = lig_kernel_dim(k, a->op->operands[QUERY]->type.dims[0]);
    emit_tokens(&g, lig_kernel_tile_units(k, run, lig_kernel_tile(k->kernel), tokens));
}

static LLVMValueRef pointer_of(const LigAttention *a, int operand)
{
    return a->k->inputs[behind(a->op->operands[operand])->index];
}

static LigAttention describe(LigKernelEmitter *k)
{
    LigAttention a = {.k = k, .op = find_attention(k->kernel)};
    a.sizes = find_sizes(a.op, k->e->target);
    a.key_type = &a.op->operands[KEY]->type;
    a.value_type = &a.op->operands[VALUE]->type;
    a.query = pointer_of(&a, QUERY);
    a.key = pointer_of(&a, KEY);
    a.value = pointer_of(&a, VALUE);
    a.pos = pointer_of(&a, POS);
    a.start = pointer_of(&a, START);
    if (is_cached(a.op)) a.slot = pointer_of(&a, SLOT);
    a.kv_len = pointer_of(&a, KV_LEN);
    a.out = k->outputs[0];
    return a;
}

LigStatus lig_emit_attention(LigKernelEmitter *k)
{
    LigAttention a = describe(k);
    a.block_type = lig_attention_block_type(k->e);
    a.weigh = lig_attention_weigh(&a);
    a.one_full = lig_attention_block(&a, "one_full", 1, false);
    a.one_part = lig_attention_block(&a, "one_part", 1, true);
    if (a.sizes.tokens_at_once > 1)
        a.many_full = lig_attention_block(&a, "many_full", a.sizes.tokens_at_once, false);
    LigTileLoop tiles = lig_kernel_tiles_begin(k);
    emit_tile(&a, tiles.tile);
    lig_kernel_tiles_end(k, &tiles);
    return LIG_OK;
}

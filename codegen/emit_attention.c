// Attention over the keys of a cache, or of the call's own tokens, streaming: nothing of the size tokens x keys
// is ever held.
//
// A tile is a unit of heads (some heads of queries that share one head of keys) and a run of tokens, about 48
// query rows. Its tokens that belong to one row of the batch walk together over the runs of keys that any of
// them sees, in groups of six query rows (attention_block.c), so that a run is read from memory once for all of
// them. The last group lies back so far that it is whole: a few rows are computed twice, to the same bits.
// Keys that a query does not see are not read into its sums at all, so what lies in unused parts of the cache
// does not matter. Bits do not depend on how tokens lie in tiles and groups: emit_attention.h.
#include "codegen/emit_attention.h"

#include "codegen/body.h"
#include "codegen/tokens.h"

// Where the walk stands: the unit of heads, and tokens of one row.
typedef struct Walk {
    LigAttention *a;
    LLVMValueRef head;         // i64, first head of queries of the unit
    LLVMValueRef kv_head;      // i64
    LLVMValueRef row;          // of the batch, i64
    LLVMValueRef first, count; // tokens, i64
    LLVMValueRef key, value;   // pointers of the slot's first key and value
    LLVMValueRef block;        // function for `tokens` tokens
    int tokens;                // of a group; at most `count`
} Walk;

// Keys first <= j < end; 0, 0 when there are none.
typedef struct Seen {
    LLVMValueRef first, end;
} Seen;

static LLVMValueRef plus(const Walk *w, LLVMValueRef value, int64_t by)
{
    LigEmitter *e = w->a->k->e;
    return LLVMBuildAdd(e->builder, value, lig_i64(e, by), "");
}

static LLVMValueRef scaled(const Walk *w, LLVMValueRef value, int64_t by)
{
    LigEmitter *e = w->a->k->e;
    return LLVMBuildMul(e->builder, value, lig_i64(e, by), "");
}

static LigRange up_to(const Walk *w, LLVMValueRef end)
{
    return (LigRange){lig_i64(w->a->k->e, 0), end, lig_i64(w->a->k->e, 1)};
}

// ---- what a token sees ----

// How many keys there are for tokens of the row, whatever kv_len says.
static LLVMValueRef key_limit(const Walk *w)
{
    LigKernelEmitter *k = w->a->k;
    if (lig_attention_is_cached(w->a->op)) return lig_kernel_dim(k, w->a->key_type->dims[2]);
    LLVMValueRef first = lig_kernel_load_i32(k, w->a->start, w->row);
    LLVMValueRef end = lig_kernel_load_i32(k, w->a->start, plus(w, w->row, 1));
    return LLVMBuildSub(k->e->builder, end, first, "");
}

static Seen seen_keys(const Walk *w, LLVMValueRef token)
{
    LigKernelEmitter *k = w->a->k;
    LLVMBuilderRef b = k->e->builder;
    LigAttrs attrs = w->a->op->attrs;
    LLVMValueRef zero = lig_i64(k->e, 0), position = lig_kernel_load_i32(k, w->a->pos, token);
    LLVMValueRef end = lig_kernel_least(k, lig_kernel_load_i32(k, w->a->kv_len, w->row), key_limit(w));
    bool causal = lig_attrs_flag(attrs, LIG_ATTR_CAUSAL);
    bool windowed = lig_attrs_get(attrs, LIG_ATTR_WINDOW) != NULL;
    int64_t window = lig_attrs_int(attrs, LIG_ATTR_WINDOW, 1), side = window / 2;
    LLVMValueRef first = zero;
    if (causal || windowed) end = lig_kernel_least(k, end, plus(w, position, causal ? 1 : side + 1));
    if (windowed) first = lig_kernel_greatest(k, zero, plus(w, position, causal ? 1 - window : -side));
    LLVMValueRef any = LLVMBuildICmp(b, LLVMIntSLT, first, end, "");
    return (Seen){LLVMBuildSelect(b, any, first, zero, ""), LLVMBuildSelect(b, any, end, zero, "")};
}

static LLVMValueRef seen_place(const Walk *w, LLVMValueRef token)
{
    return lig_emit_offset(w->a->k->e, w->a->k->scratch, scaled(w, token, 2 * (int64_t)sizeof(int64_t)));
}

// Fills in what each of the walk's tokens sees; gives the keys that any of them sees.
static Seen find_seen(const Walk *w)
{
    LigKernelEmitter *k = w->a->k;
    LLVMValueRef range[] = {lig_i64(k->e, INT32_MAX), lig_i64(k->e, 0)};
    LigLoop loop;
    lig_loop_begin(k->e, &loop, up_to(w, w->count), range, 2);
    Seen seen = seen_keys(w, LLVMBuildAdd(k->e->builder, w->first, loop.index, ""));
    LLVMValueRef place = seen_place(w, loop.index);
    lig_emit_store(k->e, seen.first, place, sizeof(int64_t));
    lig_emit_store(k->e, seen.end, lig_emit_offset_by(k->e, place, sizeof(int64_t)), sizeof(int64_t));
    range[0] = lig_kernel_least(k, loop.carried[0], seen.first);
    range[1] = lig_kernel_greatest(k, loop.carried[1], seen.end);
    lig_loop_end(k->e, &loop, range);
    return (Seen){loop.carried[0], loop.carried[1]};
}

// ---- states and results ----

static LLVMValueRef state_of(const Walk *w, LLVMValueRef row)
{
    const LigAttentionSizes *s = &w->a->sizes;
    LLVMValueRef states = lig_emit_offset_by(w->a->k->e, w->a->k->scratch, s->at_states);
    return lig_emit_offset(w->a->k->e, states, scaled(w, row, s->state_bytes));
}

// Pointer of the queries, or of the results, of a token's first head.
static LLVMValueRef token_rows(const Walk *w, LLVMValueRef base, LLVMValueRef token)
{
    const LigAttentionSizes *s = &w->a->sizes;
    LigEmitter *e = w->a->k->e;
    LLVMValueRef row = LLVMBuildAdd(e->builder, scaled(w, token, s->heads), w->head, "");
    return lig_emit_offset(e, base, scaled(w, row, s->width * (int64_t)sizeof(float)));
}

// Groups of the walk, and the first token of one, counted from the walk's first.
static LLVMValueRef group_count(const Walk *w)
{
    LigEmitter *e = w->a->k->e;
    return LLVMBuildUDiv(e->builder, plus(w, w->count, w->tokens - 1), lig_i64(e, w->tokens), "");
}

static LLVMValueRef group_token(const Walk *w, LLVMValueRef group)
{
    return lig_kernel_least(w->a->k, scaled(w, group, w->tokens), plus(w, w->count, -w->tokens));
}

// Sets the states of all the walk's query rows to nothing seen yet.
static void begin_states(const Walk *w)
{
    const LigAttentionSizes *s = &w->a->sizes;
    LigEmitter *e = w->a->k->e;
    LLVMTypeRef type = lig_lanes(e->f32, s->lanes);
    LigLoop loop;
    lig_loop_begin(e, &loop, up_to(w, scaled(w, group_count(w), (int64_t)w->tokens * s->heads_at_once)), NULL,
                   0);
    LLVMValueRef state = state_of(w, loop.index);
    for (int v = 0; v < s->width_vectors; v++) {
        int64_t bytes = (int64_t)v * s->lanes * (int64_t)sizeof(float);
        lig_emit_store(e, LLVMConstNull(type), lig_emit_offset_by(e, state, bytes), sizeof(float));
    }
    lig_emit_store(e, lig_f32(e, 0), lig_emit_offset_by(e, state, s->sum), sizeof(float));
    LLVMValueRef lowest = LLVMConstReal(e->f32, -__builtin_inf());
    lig_emit_store(e, lowest, lig_emit_offset_by(e, state, s->maximum), sizeof(float));
    lig_loop_end(e, &loop, NULL);
}

// Writes out / sum of one row, zeros where no key was seen.
static void store_row(const Walk *w, LLVMValueRef state, LLVMValueRef target, LLVMValueRef any)
{
    const LigAttentionSizes *s = &w->a->sizes;
    LigEmitter *e = w->a->k->e;
    LLVMTypeRef type = lig_lanes(e->f32, s->lanes);
    LLVMValueRef sum = lig_emit_load(e, e->f32, lig_emit_offset_by(e, state, s->sum), sizeof(float));
    sum = lig_emit_splat(e, sum, s->lanes);
    for (int v = 0; v < s->width_vectors; v++) {
        int64_t bytes = (int64_t)v * s->lanes * (int64_t)sizeof(float);
        LLVMValueRef out = lig_emit_load(e, type, lig_emit_offset_by(e, state, bytes), sizeof(float));
        out = LLVMBuildFDiv(e->builder, out, sum, "");
        out = LLVMBuildSelect(e->builder, any, out, LLVMConstNull(type), "");
        int64_t left = s->width - (int64_t)v * s->lanes;
        LLVMValueRef mask = left >= s->lanes ? NULL : lig_emit_tail_mask(e, s->lanes, lig_i64(e, left));
        lig_body_save(e, out, lig_emit_offset_by(e, target, bytes), LIG_F32, mask);
    }
}

// The results of the walk's token `token`, whose first row's state is `state`.
static void store_token(const Walk *w, LLVMValueRef token, LLVMValueRef state)
{
    const LigAttentionSizes *s = &w->a->sizes;
    LigEmitter *e = w->a->k->e;
    LLVMValueRef end = lig_emit_offset_by(e, seen_place(w, token), sizeof(int64_t));
    LLVMValueRef seen = lig_emit_load(e, e->i64, end, sizeof(int64_t));
    LLVMValueRef any = LLVMBuildICmp(e->builder, LLVMIntSGT, seen, lig_i64(e, 0), "");
    LLVMValueRef target = token_rows(w, w->a->out, LLVMBuildAdd(e->builder, w->first, token, ""));
    LigLoop loop;
    lig_loop_begin(e, &loop, up_to(w, lig_i64(e, s->heads_at_once)), NULL, 0);
    LLVMValueRef row = lig_emit_offset(e, target, scaled(w, loop.index, s->width * (int64_t)sizeof(float)));
    store_row(w, lig_emit_offset(e, state, scaled(w, loop.index, s->state_bytes)), row, any);
    lig_loop_end(e, &loop, NULL);
}

static void store_groups(const Walk *w)
{
    LigEmitter *e = w->a->k->e;
    LigLoop groups, tokens;
    lig_loop_begin(e, &groups, up_to(w, group_count(w)), NULL, 0);
    lig_loop_begin(e, &tokens, up_to(w, lig_i64(e, w->tokens)), NULL, 0);
    LLVMValueRef token = LLVMBuildAdd(e->builder, group_token(w, groups.index), tokens.index, "");
    LLVMValueRef index = LLVMBuildAdd(e->builder, scaled(w, groups.index, w->tokens), tokens.index, "");
    store_token(w, token, state_of(w, scaled(w, index, w->a->sizes.heads_at_once)));
    lig_loop_end(e, &tokens, NULL);
    lig_loop_end(e, &groups, NULL);
}

// ---- runs of keys ----

// The run's keys as they are scored: `first` of the row's keys, of which there are `end`.
static LLVMValueRef scored_keys(const Walk *w, LLVMValueRef first, LLVMValueRef end)
{
    LigKernelEmitter *k = w->a->k;
    const LigAttentionSizes *s = &w->a->sizes;
    int64_t key_bytes = s->stride * lig_dtype_block_bytes(w->a->key_type->dtype);
    LLVMValueRef rows = lig_emit_offset(k->e, w->key, scaled(w, first, key_bytes));
    if (!s->packs_keys) return rows;
    LLVMValueRef count = LLVMBuildSub(k->e->builder, end, first, "");
    LLVMValueRef args[] = {rows, lig_emit_offset_by(k->e, k->scratch, s->at_panels),
                           lig_kernel_least(k, count, lig_i64(k->e, LIG_ATTENTION_RUN))};
    lig_attention_call(k->e, w->a->pack_keys, args, 2, 1);
    return args[1];
}

static void fold_run(const Walk *w, LLVMValueRef first, LLVMValueRef end)
{
    LigKernelEmitter *k = w->a->k;
    LigEmitter *e = k->e;
    const LigAttentionSizes *s = &w->a->sizes;
    int64_t value_bytes = s->stride * lig_dtype_block_bytes(w->a->value_type->dtype);
    LLVMValueRef args[] = {NULL,
                           scored_keys(w, first, end),
                           lig_emit_offset(e, w->value, scaled(w, first, value_bytes)),
                           NULL,
                           NULL,
                           lig_emit_offset_by(e, k->scratch, s->at_work),
                           first};
    LigLoop loop;
    lig_loop_begin(e, &loop, up_to(w, group_count(w)), NULL, 0);
    LLVMValueRef token = group_token(w, loop.index);
    args[0] = token_rows(w, w->a->query, LLVMBuildAdd(e->builder, w->first, token, ""));
    args[3] = seen_place(w, token);
    args[4] = state_of(w, scaled(w, loop.index, (int64_t)w->tokens * s->heads_at_once));
    lig_attention_call(e, w->block, args, LIG_ATTENTION_BLOCK_POINTERS, LIG_ATTENTION_BLOCK_INTEGERS);
    lig_loop_end(e, &loop, NULL);
}

static void walk_runs(const Walk *w)
{
    LigEmitter *e = w->a->k->e;
    LLVMValueRef run = lig_i64(e, LIG_ATTENTION_RUN);
    Seen seen = find_seen(w);
    begin_states(w);
    LLVMValueRef inside = LLVMBuildURem(e->builder, seen.first, run, "");
    LigRange range = {LLVMBuildSub(e->builder, seen.first, inside, ""), seen.end, run};
    LigLoop loop;
    lig_loop_begin(e, &loop, range, NULL, 0);
    fold_run(w, loop.index, seen.end);
    lig_loop_end(e, &loop, NULL);
    store_groups(w);
}

// ---- tokens of a tile ----

// The flat index in keys or values of the first one for the row and head.
static LLVMValueRef first_key(const Walk *w, const LigType *type)
{
    LigKernelEmitter *k = w->a->k;
    LLVMValueRef zero = lig_i64(k->e, 0);
    bool cached = lig_attention_is_cached(w->a->op);
    LLVMValueRef from = lig_kernel_load_i32(k, cached ? w->a->slot : w->a->start, w->row);
    LLVMValueRef head = LLVMBuildAdd(k->e->builder, scaled(w, from, w->a->sizes.kv_heads), w->kv_head, "");
    if (cached) return lig_kernel_cache_index(k, type, (LigCachePlace){head, zero, zero});
    return scaled(w, head, w->a->sizes.width);
}

// Walks in whole groups where there are tokens enough, else token by token.
static void walk_tokens(Walk *w)
{
    LigAttention *a = w->a;
    LigKernelEmitter *k = a->k;
    w->key = lig_kernel_element(k, a->key, first_key(w, a->key_type), a->key_type->dtype);
    w->value = lig_kernel_element(k, a->value, first_key(w, a->value_type), a->value_type->dtype);
    LigIf branch;
    LLVMValueRef at_once = lig_i64(k->e, a->sizes.tokens_at_once);
    if (a->many) {
        lig_if_begin(k->e, &branch, LLVMBuildICmp(k->e->builder, LLVMIntSGE, w->count, at_once, ""));
        w->tokens = a->sizes.tokens_at_once;
        w->block = a->many;
        walk_runs(w);
        lig_if_else(k->e, &branch, NULL, 0);
    }
    w->tokens = 1;
    w->block = a->one;
    walk_runs(w);
    if (a->many) lig_if_end(k->e, &branch, NULL, NULL);
}

// Tokens of no row: zeros. Rarely any, so one element at a time.
static void store_nothing(const Walk *w, LLVMValueRef begin, LLVMValueRef end)
{
    const LigAttentionSizes *s = &w->a->sizes;
    LigEmitter *e = w->a->k->e;
    LigLoop tokens, elements;
    lig_loop_begin(e, &tokens, (LigRange){begin, end, lig_i64(e, 1)}, NULL, 0);
    LLVMValueRef rows = token_rows(w, w->a->out, tokens.index);
    lig_loop_begin(e, &elements, up_to(w, lig_i64(e, s->heads_at_once * s->width)), NULL, 0);
    LLVMValueRef at = lig_emit_offset(e, rows, scaled(w, elements.index, sizeof(float)));
    lig_emit_store(e, lig_f32(e, 0), at, sizeof(float));
    lig_loop_end(e, &elements, NULL);
    lig_loop_end(e, &tokens, NULL);
}

// The tile's tokens, row after row of the batch.
static void walk_rows(Walk *w, LigUnitRange tile)
{
    LigKernelEmitter *k = w->a->k;
    LLVMBuilderRef b = k->e->builder;
    LigTokenRows rows = {w->a->start,
                         lig_kernel_dim(k, w->a->op->operands[LIG_ATTENTION_KV_LEN]->type.dims[0])};
    LLVMValueRef first = lig_kernel_load_i32(k, rows.start, lig_i64(k->e, 0));
    LLVMValueRef last = lig_kernel_load_i32(k, rows.start, rows.count);
    store_nothing(w, tile.begin, lig_kernel_least(k, tile.end, first));
    LLVMValueRef from = lig_kernel_row_of(k, &rows, tile.begin).row;
    LLVMValueRef to = lig_kernel_row_of(k, &rows, plus(w, tile.end, -1)).row;
    LigLoop loop;
    lig_loop_begin(k->e, &loop, (LigRange){from, plus(w, to, 1), lig_i64(k->e, 1)}, NULL, 0);
    w->row = loop.index;
    w->first = lig_kernel_greatest(k, tile.begin, lig_kernel_load_i32(k, rows.start, w->row));
    LLVMValueRef end = lig_kernel_load_i32(k, rows.start, plus(w, w->row, 1));
    w->count = LLVMBuildSub(b, lig_kernel_least(k, tile.end, end), w->first, "");
    LigIf branch;
    lig_if_begin(k->e, &branch, LLVMBuildICmp(b, LLVMIntSGT, w->count, lig_i64(k->e, 0), ""));
    walk_tokens(w);
    lig_if_else(k->e, &branch, NULL, 0);
    lig_if_end(k->e, &branch, NULL, NULL);
    lig_loop_end(k->e, &loop, NULL);
    store_nothing(w, lig_kernel_greatest(k, tile.begin, last), tile.end);
}

// Runs of tokens are taken from both ends in turn, so that any range of tiles has about the same number of
// keys.
static LLVMValueRef token_tile(const Walk *w, LLVMValueRef index, LLVMValueRef count)
{
    LLVMBuilderRef b = w->a->k->e->builder;
    LLVMValueRef one = lig_i64(w->a->k->e, 1), half = LLVMBuildLShr(b, index, one, "");
    LLVMValueRef from_end = LLVMBuildSub(b, LLVMBuildSub(b, count, one, ""), half, "");
    LLVMValueRef is_odd = LLVMBuildICmp(b, LLVMIntEQ, LLVMBuildAnd(b, index, one, ""), one, "");
    return LLVMBuildSelect(b, is_odd, half, from_end, "");
}

static void emit_tile(LigAttention *a, LLVMValueRef tile)
{
    LigKernelEmitter *k = a->k;
    LLVMBuilderRef b = k->e->builder;
    LLVMValueRef units = lig_i64(k->e, lig_attention_head_units(a->op)),
                 unit = LLVMBuildURem(b, tile, units, "");
    Walk w = {.a = a};
    w.head = scaled(&w, unit, a->sizes.heads_at_once);
    w.kv_head = LLVMBuildUDiv(b, w.head, lig_i64(k->e, a->sizes.group), "");
    LLVMValueRef count = lig_kernel_dim(k, lig_attention_token_tiles(k->module, k->kernel));
    LLVMValueRef run = token_tile(&w, LLVMBuildUDiv(b, tile, units, ""), count);
    LLVMValueRef tokens = lig_kernel_dim(k, a->op->operands[LIG_ATTENTION_Q]->type.dims[0]);
    walk_rows(&w, lig_kernel_tile_units(k, run, lig_kernel_tile(k->kernel), tokens));
}

// ---- functions ----

static LLVMTypeRef function_type(const LigEmitter *e, LLVMTypeRef *params, int pointers, int integers)
{
    for (int i = 0; i < pointers + integers; i++) params[i] = i < pointers ? e->ptr : e->i64;
    return LLVMFunctionType(e->nothing, params, (unsigned)(pointers + integers), false);
}

LLVMValueRef lig_attention_begin(LigEmitter *e, const char *name, int pointers, int integers,
                                 LigAttentionCaller *caller)
{
    LLVMTypeRef params[LIG_ATTENTION_MAX_PARAMS];
    *caller = (LigAttentionCaller){e->function, LLVMGetInsertBlock(e->builder)};
    function_type(e, params, pointers, integers);
    return lig_emit_function(e, name, e->nothing, params, pointers + integers);
}

void lig_attention_end(LigEmitter *e, LigAttentionCaller caller)
{
    LLVMBuildRetVoid(e->builder);
    LLVMSetLinkage(e->function, LLVMInternalLinkage);
    e->function = caller.function;
    LLVMPositionBuilderAtEnd(e->builder, caller.place);
}

void lig_attention_call(LigEmitter *e, LLVMValueRef function, LLVMValueRef *args, int pointers, int integers)
{
    LLVMTypeRef params[LIG_ATTENTION_MAX_PARAMS];
    LLVMTypeRef type = function_type(e, params, pointers, integers);
    LLVMBuildCall2(e->builder, type, function, args, (unsigned)(pointers + integers), "");
}

static LLVMValueRef pointer_of(const LigAttention *a, int operand)
{
    return a->k->inputs[lig_attention_behind(a->op->operands[operand])->index];
}

static LigAttention describe(LigKernelEmitter *k)
{
    LigAttention a = {.k = k, .op = lig_attention_find(k->kernel)};
    a.sizes = lig_attention_sizes(k->kernel, k->e->target);
    a.key_type = &a.op->operands[LIG_ATTENTION_K]->type;
    a.value_type = &a.op->operands[LIG_ATTENTION_V]->type;
    a.query = pointer_of(&a, LIG_ATTENTION_Q);
    a.key = pointer_of(&a, LIG_ATTENTION_K);
    a.value = pointer_of(&a, LIG_ATTENTION_V);
    a.pos = pointer_of(&a, LIG_ATTENTION_POS);
    a.start = pointer_of(&a, LIG_ATTENTION_START);
    if (lig_attention_is_cached(a.op)) a.slot = pointer_of(&a, LIG_ATTENTION_SLOT);
    a.kv_len = pointer_of(&a, LIG_ATTENTION_KV_LEN);
    a.out = k->outputs[0];
    return a;
}

LigStatus lig_emit_attention(LigKernelEmitter *k)
{
    LigAttention a = describe(k);
    if (a.sizes.packs_keys) a.pack_keys = lig_attention_pack_keys(&a);
    a.weigh_all = lig_attention_weigh(&a, "weigh_all", true);
    a.weigh_some = lig_attention_weigh(&a, "weigh_some", false);
    a.one = lig_attention_block(&a, "fold_one", 1);
    if (a.sizes.tokens_at_once > 1) a.many = lig_attention_block(&a, "fold_many", a.sizes.tokens_at_once);
    LigTileLoop tiles = lig_kernel_tiles_begin(k);
    emit_tile(&a, tiles.tile);
    lig_kernel_tiles_end(k, &tiles);
    return LIG_OK;
}

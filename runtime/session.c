#include "runtime/session.h"

#include "ir/base/alloc.h"

#include <string.h>

// The inputs of @step, in its order.
enum { IN_IDS, IN_POS, IN_START, IN_SLOT, IN_KV_LEN, IN_OUT, IN_COUNT };
static const char *const input_names[IN_COUNT] = {"ids", "pos", "start", "slot", "kv_len", "out"};

typedef struct State {
    void *pages;
    size_t bytes;
} State;

struct LigSession {
    LigExecutable *executable;
    LigContext *ctx;
    LigBound *step;
    int64_t context, slots, vocabulary, max_tokens, max_rows, max_wanted;
    int64_t symbols[LIG_MAX_SYMBOLS]; // -1 but for C and S
    State *states;
    void **state_addresses;
    size_t state_count;
    int64_t *lengths;          // by slot
    int32_t *inputs[IN_COUNT]; // room for the largest step
    float *discarded;          // logits nobody asked for
};

static const LigSymbol *find_symbol(const LigModule *module, const char *name, int *index)
{
    for (size_t i = 0; i < lig_dims_symbol_count(module->dims); i++) {
        const LigSymbol *symbol = lig_dims_symbol(module->dims, i);
        if (!lig_str_is(symbol->name, name)) continue;
        *index = (int)i;
        return symbol;
    }
    return NULL;
}

// Sets symbol `name` to `wanted` (0: `fallback`, -1 = its upper bound).
static LigStatus choose_size(LigSession *s, const char *name, int64_t wanted, int64_t fallback, int64_t *out)
{
    int index = 0;
    const LigSymbol *symbol = find_symbol(lig_executable_module(s->executable), name, &index);
    if (!symbol) {
        return lig_fail(s->ctx, LIG_ERR_NOT_FOUND, LIG_NOWHERE,
                        "the module declares no dim %s: sessions need N R K C S", name);
    }
    *out = wanted > 0 ? wanted : fallback > 0 ? fallback : symbol->high;
    if (*out > symbol->high || *out < symbol->low) {
        return lig_fail(s->ctx, LIG_ERR_INVALID, LIG_NOWHERE,
                        "%s of %lld is outside %lld..%lld, what the model allows",
                        lig_str_is(symbol->name, "C") ? "a context" : "a number of slots", (long long)*out,
                        (long long)symbol->low, (long long)symbol->high);
    }
    s->symbols[index] = *out;
    return LIG_OK;
}

static LigStatus find_bounds(LigSession *s)
{
    const LigModule *module = lig_executable_module(s->executable);
    int index;
    const LigSymbol *tokens = find_symbol(module, "N", &index);
    const LigSymbol *rows = find_symbol(module, "R", &index);
    const LigSymbol *out = find_symbol(module, "K", &index);
    if (!tokens || !rows || !out) {
        return lig_fail(s->ctx, LIG_ERR_NOT_FOUND, LIG_NOWHERE,
                        "the module does not declare the dims N, R and K of a session");
    }
    s->max_tokens = tokens->high;
    s->max_rows = rows->high < out->high ? rows->high : out->high;
    s->max_wanted = out->high;
    return LIG_OK;
}

static LigStatus check_step(LigSession *s)
{
    LIG_TRY(lig_bound_create(s->executable, LIG_STR("step"), &s->step));
    bool fits = lig_bound_input_count(s->step) == IN_COUNT && lig_bound_output_count(s->step) == 1;
    for (size_t i = 0; fits && i < IN_COUNT; i++) {
        const LigValue *input = lig_bound_input(s->step, i);
        fits = lig_str_is(input->name, input_names[i]) && input->type.dtype == LIG_I32 && input->type.rank == 1;
    }
    if (fits) return LIG_OK;
    return lig_fail(s->ctx, LIG_ERR_INVALID, LIG_NOWHERE,
                    "@step must take i32 %%ids, %%pos, %%start, %%slot, %%kv_len, %%out and give the logits");
}

static LigStatus allocate_states(LigSession *s)
{
    s->state_count = lig_executable_module(s->executable)->states.count;
    s->states = lig_alloc_zero(s->state_count * sizeof(State));
    s->state_addresses = lig_alloc_zero(s->state_count * sizeof(void *));
    if (!s->states || !s->state_addresses) return lig_no_memory(s->ctx);
    for (size_t i = 0; i < s->state_count; i++) {
        LigShape shape;
        LIG_TRY(lig_executable_state_shape(s->executable, i, s->symbols, &shape));
        size_t bytes;
        if (!lig_shape_bytes(&shape, &bytes)) return lig_no_memory(s->ctx);
        s->states[i] = (State){lig_alloc_sparse_pages(bytes), bytes};
        if (!s->states[i].pages) return lig_no_memory(s->ctx);
        s->state_addresses[i] = s->states[i].pages;
    }
    return LIG_OK;
}

static LigStatus allocate_inputs(LigSession *s)
{
    const int64_t counts[IN_COUNT] = {s->max_tokens, s->max_tokens, s->max_rows + 1,
                                      s->max_rows,   s->max_rows,   s->max_wanted};
    for (size_t i = 0; i < IN_COUNT; i++) {
        s->inputs[i] = lig_alloc_zero((size_t)counts[i] * sizeof(int32_t));
        if (!s->inputs[i]) return lig_no_memory(s->ctx);
    }
    s->lengths = lig_alloc_zero((size_t)s->slots * sizeof(int64_t));
    return s->lengths ? LIG_OK : lig_no_memory(s->ctx);
}

static LigTensor index_tensor(const LigSession *s, size_t input, int64_t count)
{
    return (LigTensor){.shape = {.dtype = LIG_I32, .rank = 1, .dims = {count}}, .data = s->inputs[input]};
}

// How much a step takes and gives.
typedef struct StepSize {
    int64_t tokens, rows, wanted;
} StepSize;

static LigStatus bind_step(LigSession *s, StepSize size, LigTensor inputs[IN_COUNT], LigShape *output)
{
    const int64_t counts[IN_COUNT] = {size.tokens, size.tokens, size.rows + 1,
                                      size.rows,   size.rows,   size.wanted};
    for (size_t i = 0; i < IN_COUNT; i++) inputs[i] = index_tensor(s, i, counts[i]);
    return lig_bound_bind(s->step, inputs, s->symbols, output);
}

// Binds both variants of a step once, so that their kernels are compiled before the first token is fed.
static LigStatus compile_variants(LigSession *s, LigShape *logits)
{
    const int64_t sizes[] = {1, s->max_tokens};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        LigTensor inputs[IN_COUNT];
        s->inputs[IN_START][1] = (int32_t)sizes[i];
        LIG_TRY(bind_step(s, (StepSize){sizes[i], 1, 1}, inputs, logits));
    }
    return LIG_OK;
}

static LigStatus fill(LigSession *s, const LigSessionOptions *options)
{
    for (size_t i = 0; i < LIG_MAX_SYMBOLS; i++) s->symbols[i] = -1;
    LIG_TRY(check_step(s));
    LIG_TRY(find_bounds(s));
    LIG_TRY(choose_size(s, "C", options->context, -1, &s->context));
    LIG_TRY(choose_size(s, "S", options->slots, 1, &s->slots));
    LIG_TRY(allocate_states(s));
    LIG_TRY(allocate_inputs(s));
    LigShape logits;
    LIG_TRY(compile_variants(s, &logits));
    s->vocabulary = logits.dims[logits.rank - 1];
    s->discarded = lig_alloc((size_t)s->vocabulary * (size_t)s->max_wanted * sizeof(float));
    return s->discarded ? LIG_OK : lig_no_memory(s->ctx);
}

LigStatus lig_session_create(LigExecutable *executable, const LigSessionOptions *options, LigSession **out)
{
    LigContext *ctx = lig_executable_module(executable)->ctx;
    LigSession *session = lig_alloc_zero(sizeof *session);
    if (!session) return lig_no_memory(ctx);
    session->executable = executable;
    session->ctx = ctx;
    LigStatus status = fill(session, options);
    if (status != LIG_OK) {
        lig_session_destroy(session);
        return status;
    }
    *out = session;
    return LIG_OK;
}

void lig_session_destroy(LigSession *session)
{
    if (!session) return;
    for (size_t i = 0; session->states && i < session->state_count; i++) {
        lig_free_pages(session->states[i].pages, session->states[i].bytes);
    }
    for (size_t i = 0; i < IN_COUNT; i++) lig_free(session->inputs[i]);
    lig_free(session->states);
    lig_free(session->state_addresses);
    lig_free(session->lengths);
    lig_free(session->discarded);
    lig_free(session);
}

int64_t lig_session_context(const LigSession *session) { return session->context; }
int64_t lig_session_vocabulary(const LigSession *session) { return session->vocabulary; }
int64_t lig_session_slots(const LigSession *session) { return session->slots; }
int64_t lig_session_length(const LigSession *session, int64_t slot) { return session->lengths[slot]; }
int64_t lig_session_most_wanted(const LigSession *session) { return session->max_wanted; }
void lig_session_reset(LigSession *session, int64_t slot) { session->lengths[slot] = 0; }

void lig_session_rewind(LigSession *session, int64_t slot, int64_t length)
{
    LIG_ASSERT(length >= 0 && length <= session->lengths[slot]);
    session->lengths[slot] = length;
}

size_t lig_session_slot_bytes(const LigSession *session)
{
    size_t bytes = 0;
    for (size_t i = 0; i < session->state_count; i++) bytes += session->states[i].bytes;
    return bytes / (size_t)session->slots;
}

static LigStatus check_row(const LigSession *s, const LigRow *rows, int64_t index)
{
    const LigRow *row = &rows[index];
    if (row->count < 1)
        return lig_fail(s->ctx, LIG_ERR_INVALID, LIG_NOWHERE, "a step needs at least one token in each row");
    if (row->slot < 0 || row->slot >= s->slots) {
        return lig_fail(s->ctx, LIG_ERR_INVALID, LIG_NOWHERE, "slot %lld is outside the session's %lld slots",
                        (long long)row->slot, (long long)s->slots);
    }
    for (int64_t i = 0; i < index; i++) {
        if (rows[i].slot != row->slot) continue;
        return lig_fail(s->ctx, LIG_ERR_INVALID, LIG_NOWHERE, "slot %lld is given twice in one step",
                        (long long)row->slot);
    }
    if (s->lengths[row->slot] + row->count <= s->context) return LIG_OK;
    return lig_fail(s->ctx, LIG_ERR_INVALID, LIG_NOWHERE,
                    "%lld tokens do not fit: the context holds %lld tokens and %lld are taken: shorten the "
                    "text or raise the "
                    "context",
                    (long long)row->count, (long long)s->context, (long long)s->lengths[row->slot]);
}

// Names the last tokens of a row, which end at `end`, as those whose logits are wanted.
static LigStatus fill_wanted(LigSession *s, const LigRow *row, int64_t end, StepSize *size)
{
    int64_t wanted = row->wanted > 0 ? row->wanted : 1;
    if (wanted > row->count || wanted > s->max_wanted - size->wanted) {
        return lig_fail(
            s->ctx, LIG_ERR_INVALID, LIG_NOWHERE,
            "%lld rows of logits are wanted of %lld tokens: a step gives one a token, and %lld in all",
            (long long)wanted, (long long)row->count, (long long)s->max_wanted);
    }
    for (int64_t i = 0; i < wanted; i++) {
        s->inputs[IN_OUT][size->wanted++] = (int32_t)(end - wanted + i);
    }
    return LIG_OK;
}

static LigStatus fill_row(LigSession *s, const LigRow *rows, int64_t r, StepSize *size)
{
    const LigRow *row = &rows[r];
    LIG_TRY(check_row(s, rows, r));
    if (row->count > s->max_tokens - size->tokens) {
        return lig_fail(s->ctx, LIG_ERR_INVALID, LIG_NOWHERE, "a step takes at most %lld tokens",
                        (long long)s->max_tokens);
    }
    int64_t length = s->lengths[row->slot], begin = size->tokens;
    s->inputs[IN_START][r] = (int32_t)begin;
    s->inputs[IN_SLOT][r] = (int32_t)row->slot;
    s->inputs[IN_KV_LEN][r] = (int32_t)(length + row->count);
    for (int64_t i = 0; i < row->count; i++) {
        s->inputs[IN_IDS][begin + i] = row->ids[i];
        s->inputs[IN_POS][begin + i] = (int32_t)(length + i);
    }
    size->tokens += row->count;
    s->inputs[IN_START][r + 1] = (int32_t)size->tokens;
    return fill_wanted(s, row, size->tokens, size);
}

LigStatus lig_session_step(LigSession *s, const LigRow *rows, int64_t row_count, float *logits)
{
    if (row_count < 1 || row_count > s->max_rows) {
        return lig_fail(s->ctx, LIG_ERR_INVALID, LIG_NOWHERE, "a step takes 1 to %lld rows",
                        (long long)s->max_rows);
    }
    StepSize size = {.rows = row_count};
    for (int64_t r = 0; r < row_count; r++) LIG_TRY(fill_row(s, rows, r, &size));
    LigTensor inputs[IN_COUNT];
    LigShape output;
    LIG_TRY(bind_step(s, size, inputs, &output));
    void *outputs[1] = {logits ? logits : s->discarded};
    LIG_TRY(lig_bound_run(s->step, inputs, s->state_addresses, outputs));
    for (int64_t r = 0; r < row_count; r++) s->lengths[rows[r].slot] += rows[r].count;
    return LIG_OK;
}

LigStatus lig_session_feed(LigSession *s, int64_t slot, const int32_t *ids, int64_t count, float *logits)
{
    const LigRow whole = {.slot = slot, .ids = ids, .count = count};
    LIG_TRY(check_row(s, &whole, 0));
    for (int64_t at = 0; at < count;) {
        int64_t piece = count - at < s->max_tokens ? count - at : s->max_tokens;
        const LigRow row = {.slot = slot, .ids = ids + at, .count = piece};
        at += piece;
        LIG_TRY(lig_session_step(s, &row, 1, at == count ? logits : NULL));
    }
    return LIG_OK;
}

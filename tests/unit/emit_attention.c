// Attention kernels compiled, against the interpreter: head groups, cache layouts, masks; what lies in unused
// parts of the cache does not matter; and a token's bits are the same from a chunk as alone.
#include "tests/numeric/kernel_case.h"

enum { TOKENS = 92, ROWS = 4, CAPACITY = 300 };

// Rows of 70, 1, 0 and 20 tokens, one token of no row. Positions follow on in each row, over the ends of runs of
// 128 keys: one before, one over, and within.
static const int32_t start[] = {0, 70, 71, 71, 91}, slot[] = {2, 0, 3, 1}, kv_len[] = {170, 257, 5, 147};
static const int32_t first_pos[] = {100, 256, 0, 127};
static int32_t pos[TOKENS];

static int set_positions(void **state)
{
    (void)state;
    for (int r = 0; r < ROWS; r++)
        for (int32_t t = start[r]; t < start[r + 1]; t++) pos[t] = first_pos[r] + t - start[r];
    return 0;
}

// Not a number at all positions that no row has written.
static void spoil_unused(size_t operand, const LigShape *shape, void *data)
{
    if (operand != 1 && operand != 2) return;
    int64_t heads = shape->dims[1], capacity = shape->dims[2], width = shape->dims[3];
    for (int r = 0; r < ROWS; r++) {
        for (int64_t i = 0; i < heads * capacity * width; i++) {
            if (i / width % capacity >= kv_len[r])
                lig_shape_set(shape, data, slot[r] * heads * capacity * width + i, (double)NAN);
        }
    }
}

typedef struct Form {
    const char *heads, *kv_heads, *width, *dtype, *key_layout, *attrs;
} Form;

static void print_form(char out[1024], const Form *f)
{
    int length =
        snprintf(out, 1024,
                 "module \"t\" {\n  dim N in 1..512  dim R in 1..8  dim C in 1..512  dim S in 1..8\n"
                 "  kernel @k(%%q: f32[N,%s,%s], %%k: %s[S,%s,C,%s]%s, %%v: %s[S,%s,C,%s], %%pos: i32[N],\n"
                 "      %%start: i32[R+1], %%slot: i32[R], %%len: i32[R]) -> f32[N,%s,%s] {class=attention} {\n"
                 "    %%y = attention %%q, %%k, %%v, %%pos, %%start, %%len, %%slot {%s} : f32[N,%s,%s]\n"
                 "    return %%y\n  }\n}\n",
                 f->heads, f->width, f->dtype, f->kv_heads, f->width, f->key_layout, f->dtype, f->kv_heads,
                 f->width, f->heads, f->width, f->attrs, f->heads, f->width);
    assert_true(length > 0 && length < 1024);
}

static void check_form(Form form)
{
    char text[1024];
    print_form(text, &form);
    check_kernel((KernelCase){.text = text,
                              .symbols = {TOKENS, ROWS, CAPACITY, 4},
                              .integers = {NULL, NULL, NULL, pos, start, slot, kv_len},
                              .fill = spoil_unused,
                              .kind = COMPARE_ATTENTION,
                              .magnitude = 2,
                              .in_place = -1});
}

#define PANEL "@panel(n=16,k=1)"

static void head_groups(void **state)
{
    (void)state;
    check_form((Form){"9", "3", "64", "bf16", PANEL, "causal, scale=0.125"});
    check_form((Form){"4", "4", "16", "f32", PANEL, "causal, scale=0.25"});
    check_form((Form){"6", "1", "20", "f32", PANEL, "causal, scale=0.2"});
    check_form((Form){"7", "1", "33", "bf16", PANEL, "causal, scale=0.2"});
    check_form((Form){"8", "1", "80", "f16", PANEL, "causal, scale=0.1"});
}

static void cache_layouts(void **state)
{
    (void)state;
    check_form((Form){"4", "2", "24", "f32", "", "causal, scale=0.2"});
    check_form((Form){"4", "2", "37", "bf16", "", "causal, scale=0.2"});
    check_form((Form){"4", "2", "24", "f32", "@panel(n=32,k=1)", "causal, scale=0.2"});
}

static void masks(void **state)
{
    (void)state;
    check_form((Form){"6", "2", "32", "f32", PANEL, "scale=0.2"});
    check_form((Form){"6", "2", "32", "f32", PANEL, "causal, scale=0.2, window=7"});
    check_form((Form){"6", "2", "32", "bf16", PANEL, "causal, scale=0.2, window=70"});
    check_form((Form){"6", "2", "32", "f32", PANEL, "scale=0.2, window=1"});
    check_form((Form){"6", "2", "32", "f32", PANEL, "scale=0.2, window=9"});
    check_form((Form){"6", "2", "32", "f32", PANEL, "causal, scale=0.2, softcap=3.0"});
    check_form((Form){"6", "2", "32", "f32", PANEL, "causal, scale=-0.2"});
    check_form((Form){"4", "4", "32", "f32", PANEL, "causal, scale=0.2, window=129"});
    check_form((Form){"2", "1", "256", "f32", PANEL, "causal, scale=0.06, window=128"});
}

// ---- keys of the call's own tokens ----

// Of the first row five keys are hidden; the last asks for more than it has.
static const int32_t own_len[] = {65, 1, 0, 99};
static int32_t own_pos[TOKENS];

// Not a number in all keys and values that no query sees.
static void spoil_hidden(size_t operand, const LigShape *shape, void *data)
{
    if (operand != 1 && operand != 2) return;
    int64_t vector = shape->dims[1] * shape->dims[2];
    for (int64_t t = 0; t < TOKENS; t++) {
        bool hidden = t >= start[ROWS];
        for (int r = 0; r < ROWS; r++) hidden |= t >= start[r] + own_len[r] && t < start[r + 1];
        for (int64_t i = 0; hidden && i < vector; i++) lig_shape_set(shape, data, t * vector + i, (double)NAN);
    }
}

static void check_own(Form f)
{
    char text[1024];
    int length = snprintf(text, sizeof text,
                          "module \"t\" {\n  dim N in 1..512  dim R in 1..8\n"
                          "  kernel @k(%%q: f32[N,%s,%s], %%k: %s[N,%s,%s], %%v: %s[N,%s,%s], %%pos: i32[N],\n"
                          "      %%start: i32[R+1], %%len: i32[R]) -> f32[N,%s,%s] {class=attention} {\n"
                          "    %%y = attention %%q, %%k, %%v, %%pos, %%start, %%len {%s} : f32[N,%s,%s]\n"
                          "    return %%y\n  }\n}\n",
                          f.heads, f.width, f.dtype, f.kv_heads, f.width, f.dtype, f.kv_heads, f.width, f.heads,
                          f.width, f.attrs, f.heads, f.width);
    assert_true(length > 0 && (size_t)length < sizeof text);
    for (int r = 0; r < ROWS; r++)
        for (int32_t t = start[r]; t < start[r + 1]; t++) own_pos[t] = t - start[r];
    check_kernel((KernelCase){.text = text,
                              .symbols = {TOKENS, ROWS},
                              .integers = {NULL, NULL, NULL, own_pos, start, own_len},
                              .fill = spoil_hidden,
                              .kind = COMPARE_ATTENTION,
                              .magnitude = 2,
                              .in_place = -1});
}

static void own_tokens(void **state)
{
    (void)state;
    check_own((Form){"4", "4", "16", "f32", "", "scale=0.25"});
    check_own((Form){"6", "2", "33", "bf16", "", "scale=0.2"});
    check_own((Form){"4", "1", "20", "f32", "", "scale=0.2, window=8"});
    check_own((Form){"3", "3", "64", "f16", "", "scale=0.2, window=70, softcap=3.0"});
    check_own((Form){"9", "3", "64", "f32", "", "causal, scale=0.125"});
    check_own((Form){"2", "2", "1", "f32", "", "causal, scale=0.5, window=5"});
}

// ---- the same bits alone ----

static void run_native(KernelRun *run, const char *name)
{
    LigTarget target;
    LigCompiler *compiler;
    LigCallable callable;
    CASE_OK(run, lig_target_find(run->ctx, name, &target));
    CASE_OK(run, lig_schedule_module(run->module, &(LigScheduleOptions){.target = &target}));
    CASE_OK(run, lig_compiler_create(run->ctx, &target, &compiler));
    CASE_OK(run, lig_compiler_kernel(compiler, run->module, run->kernel, &callable));
    begin_outputs(run);
    run_tiles(run, callable, false);
    lig_compiler_destroy(compiler);
}

// Token `token` of the chunk in a call of its own, with only the keys that it sees written.
static void check_alone(const KernelRun *chunk, int32_t token, int32_t row, const char *target)
{
    int32_t one_start[] = {0, 1}, length = pos[token] + 1;
    KernelCase c = *chunk->c;
    c.symbols[0] = c.symbols[1] = 1;
    c.integers[3] = &pos[token];
    c.integers[4] = one_start;
    c.integers[5] = &slot[row];
    c.integers[6] = &length;
    KernelRun one = kernel_run_begin(&c);
    size_t bytes = one.buffers[0].bytes;
    memcpy(one.inputs[0].data, (const char *)chunk->inputs[0].data + (size_t)token * bytes, bytes);
    run_native(&one, target);
    assert_memory_equal(one.outputs[0].data, (const char *)chunk->outputs[0].data + (size_t)token * bytes,
                        bytes);
    kernel_run_end(&one);
}

static void a_token_alone_gives_the_same_bits(void **state)
{
    (void)state;
    static const char *const attrs[] = {"causal, scale=0.125", "causal, scale=0.125, window=66"};
    for (int i = 0; i < 2; i++) {
        char text[1024];
        print_form(text, &(Form){"9", "3", "64", "bf16", PANEL, attrs[i]});
        KernelCase c = {.text = text,
                        .symbols = {TOKENS, ROWS, CAPACITY, 4},
                        .integers = {NULL, NULL, NULL, pos, start, slot, kv_len},
                        .in_place = -1};
        for (size_t t = 0; t < sizeof case_targets / sizeof *case_targets; t++) {
            KernelRun chunk = kernel_run_begin(&c);
            run_native(&chunk, case_targets[t]);
            for (int32_t token = 71; token < 91; token += 3) check_alone(&chunk, token, 3, case_targets[t]);
            check_alone(&chunk, 0, 0, case_targets[t]);
            check_alone(&chunk, 69, 0, case_targets[t]);
            check_alone(&chunk, 70, 1, case_targets[t]);
            kernel_run_end(&chunk);
        }
    }
}

static void too_little_scratch_is_refused(void **state)
{
    (void)state;
    char text[1024];
    print_form(text, &(Form){"4", "2", "32", "f32", PANEL, "scale=0.2"});
    strstr(text, "{class=attention}")[16] = ',';
    char *rest = strstr(text, "{class=attention,") + 17;
    memmove(rest + 11, rest, strlen(rest) + 1);
    memcpy(rest, " scratch=8}", 11);
    KernelCase c = {.text = text, .symbols = {1, 1, 16, 1}, .in_place = -1};
    KernelRun run = kernel_run_begin(&c);
    LigTarget target;
    CASE_OK(&run, lig_target_find(run.ctx, "x86-64", &target));
    assert_int_equal(lig_schedule_module(run.module, &(LigScheduleOptions){.target = &target}),
                     LIG_ERR_INVALID);
    assert_non_null(strstr(lig_context_diagnostic(run.ctx, 0)->message, "scratch=8 is less than"));
    kernel_run_end(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(head_groups),
        cmocka_unit_test(cache_layouts),
        cmocka_unit_test(masks),
        cmocka_unit_test(own_tokens),
        cmocka_unit_test(a_token_alone_gives_the_same_bits),
        cmocka_unit_test(too_little_scratch_is_refused),
    };
    return cmocka_run_group_tests(tests, set_positions, NULL);
}

// The verifier: a sound module of each stage passes, and a break of each rule is told by its number.
#include "ir/verify.h"
#include "ir/build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

// The module under test: two products, a write to a cache, a third product, which is returned.
typedef struct Sample {
    LigContext *ctx;
    LigModule *module;
    LigFunc *load, *mul, *write, *func; // mul and write: kernels, from stage fused on
    LigValue *w, *cache, *one;
    LigValue *x, *slot, *start, *pos;
    LigValue *y, *z, *h, *c, *o;
} Sample;

static LigType type_of(Sample *s, LigDtype dtype, int rank, const char *const *dims)
{
    LigType type = {.dtype = dtype, .rank = rank};
    for (int i = 0; i < rank; i++) {
        LigDim symbol = lig_dims_find(s->module->dims, (LigStr){dims[i], 1});
        type.dims[i] = symbol ? symbol : lig_dim_const(s->module->dims, dims[i][0] - '0');
    }
    if (rank && strchr(dims[0], '+'))
        type.dims[0] = lig_dim_add(s->module->dims, type.dims[0], lig_dim_const(s->module->dims, 1));
    return type;
}
#define TYPE(s, dtype, ...)                                                                                    \
    type_of((s), (dtype), sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *),                         \
            (const char *const[]){__VA_ARGS__})

static LigValue *input(Sample *s, LigFunc *func, const char *name, LigType type)
{
    LigValue *value;
    assert_int_equal(lig_func_add_input(s->module, func, lig_str(name), type, &value), LIG_OK);
    return value;
}

static LigValue *op(Sample *s, LigFunc *func, LigOpSpec spec)
{
    LigOp *made;
    assert_int_equal(lig_op_create(s->module, func, &spec, &made), LIG_OK);
    return made->results[0];
}

static LigValue *call(Sample *s, LigFunc *func, const char *name, LigFunc *callee, LigValue **operands)
{
    return op(s, func,
              (LigOpSpec){.code = LIG_OP_CALL,
                          .name = lig_str(name),
                          .operands = operands,
                          .operand_count = callee->inputs.count,
                          .callee = callee});
}

static LigValue *product(Sample *s, const char *name, LigValue *x)
{
    LigValue *operands[] = {x, s->w};
    if (s->mul) return call(s, s->func, name, s->mul, operands);
    return op(
        s, s->func,
        (LigOpSpec){.code = LIG_OP_LINEAR, .name = lig_str(name), .operands = operands, .operand_count = 2});
}

static LigValue *append(Sample *s, LigFunc *func, LigValue **operands)
{
    return op(
        s, func,
        (LigOpSpec){.code = LIG_OP_APPEND, .name = LIG_STR("c"), .operands = operands, .operand_count = 5});
}

static void set_class(Sample *s, LigFunc *kernel, const char *class)
{
    LigAttr attr = {.key = LIG_ATTR_CLASS, .value.name = lig_str(class)};
    assert_true(lig_attrs_set(s->module->arena, &kernel->attrs, attr));
}

static void add_kernels(Sample *s)
{
    LigModule *m = s->module;
    assert_int_equal(lig_module_add_func(m, LIG_FUNC_KERNEL, LIG_STR("mul"), &s->mul), LIG_OK);
    LigValue *product_of[] = {input(s, s->mul, "a", TYPE(s, LIG_F32, "N", "4")),
                              input(s, s->mul, "b", TYPE(s, LIG_F32, "4", "4"))};
    LigValue *result =
        op(s, s->mul, (LigOpSpec){.code = LIG_OP_LINEAR, .operands = product_of, .operand_count = 2});
    assert_int_equal(lig_func_add_output(m, s->mul, result), LIG_OK);
    set_class(s, s->mul, "contract");
    assert_int_equal(lig_module_add_func(m, LIG_FUNC_KERNEL, LIG_STR("write"), &s->write), LIG_OK);
    LigValue *written[] = {
        input(s, s->write, "cache", s->cache->type), input(s, s->write, "x", TYPE(s, LIG_F32, "N", "1", "4")),
        input(s, s->write, "slot", TYPE(s, LIG_I32, "R")), input(s, s->write, "start", TYPE(s, LIG_I32, "R+1")),
        input(s, s->write, "pos", TYPE(s, LIG_I32, "N"))};
    assert_int_equal(lig_func_add_output(m, s->write, append(s, s->write, written)), LIG_OK);
    set_class(s, s->write, "move");
}

static void add_func(Sample *s)
{
    LigFuncKind kind = s->module->stage == LIG_STAGE_PLANNED ? LIG_FUNC_VARIANT : LIG_FUNC;
    assert_int_equal(lig_module_add_func(s->module, kind, LIG_STR("f"), &s->func), LIG_OK);
    s->x = input(s, s->func, "x", TYPE(s, LIG_F32, "N", "4"));
    s->slot = input(s, s->func, "slot", TYPE(s, LIG_I32, "R"));
    s->start = input(s, s->func, "start", TYPE(s, LIG_I32, "R+1"));
    s->pos = input(s, s->func, "pos", TYPE(s, LIG_I32, "N"));
    s->y = product(s, "y", s->x);
    s->z = product(s, "z", s->y);
    LigType heads = TYPE(s, LIG_F32, "N", "1", "4");
    s->h = op(s, s->func,
              (LigOpSpec){.code = LIG_OP_RESHAPE,
                          .name = LIG_STR("h"),
                          .operands = &s->z,
                          .operand_count = 1,
                          .stated = &heads});
    LigValue *written[] = {s->cache, s->h, s->slot, s->start, s->pos};
    s->c = s->write ? call(s, s->func, "c", s->write, written) : append(s, s->func, written);
    s->o = product(s, "o", s->z);
    assert_int_equal(lig_func_add_output(s->module, s->func, s->o), LIG_OK);
}

static void set_arena(Sample *s, int64_t bytes)
{
    LigAttr attr = {.key = LIG_ATTR_ARENA, .value.integer = bytes};
    assert_true(lig_attrs_set(s->module->arena, &s->func->attrs, attr));
}

static void add_plan(Sample *s)
{
    s->func->variant_of = LIG_STR("f");
    assert_true(LIG_VEC_PUSH(s->module->arena, &s->func->bindings, (LigBinding){0, 2, 4}));
    set_arena(s, 128);
    s->y->place = (LigPlace){.kind = LIG_PLACE_ARENA, .offset = 0}; // f32[4,4] at most: 64 bytes
    s->z->place = (LigPlace){.kind = LIG_PLACE_ARENA, .offset = 64};
    s->h->place = (LigPlace){.kind = LIG_PLACE_OVER, .over = s->z};
    s->c->place = (LigPlace){.kind = LIG_PLACE_OVER, .over = s->cache};
}

static Sample open_sample(LigStage stage)
{
    Sample s = {.ctx = lig_context_create()};
    assert_int_equal(lig_module_create(s.ctx, LIG_STR("sample"), &s.module), LIG_OK);
    s.module->stage = stage;
    static const LigSymbol symbols[] = {
        {{"N", 1}, 1, 8}, {{"R", 1}, 1, 8}, {{"S", 1}, 1, 4}, {{"C", 1}, 1, 16}, {{"M", 1}, 1, 8}};
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        LigDim dim;
        assert_int_equal(lig_dims_declare(s.ctx, s.module->dims, LIG_NOWHERE, symbols[i], &dim), LIG_OK);
    }
    LigDimTable *dims = s.module->dims;
    LigFact fact = {lig_dims_find(dims, LIG_STR("R")), lig_dims_find(dims, LIG_STR("N")), LIG_REL_LE};
    assert_true(lig_dims_add_fact(dims, fact));
    LigType matrix = TYPE(&s, LIG_F32, "4", "4"), one_type = TYPE(&s, LIG_F32, "1");
    assert_int_equal(lig_module_add_param(s.module, LIG_STR("w"), matrix, LIG_STR("w"), &s.w), LIG_OK);
    LigType cache = TYPE(&s, LIG_F32, "S", "1", "C", "4");
    assert_int_equal(lig_module_add_state(s.module, LIG_STR("cache"), cache, &s.cache), LIG_OK);
    assert_int_equal(lig_module_add_func(s.module, LIG_FUNC_LOAD, (LigStr){0}, &s.load), LIG_OK);
    LigBuilder b = lig_builder(s.module, s.load);
    float one = 1;
    s.one = lig_build_constant(&b, "one", &one_type, &one, sizeof one);
    assert_non_null(s.one);
    if (stage > LIG_STAGE_MODEL) add_kernels(&s);
    add_func(&s);
    if (stage == LIG_STAGE_PLANNED) add_plan(&s);
    return s;
}

static void close_sample(Sample *s)
{
    lig_module_destroy(s->module);
    lig_context_destroy(s->ctx);
}

static void sound_modules_pass(void **state)
{
    (void)state;
    for (LigStage stage = 0; stage < LIG_STAGE_COUNT; stage++) {
        Sample s = open_sample(stage);
        LigStatus status = lig_verify_module(s.module);
        if (status != LIG_OK)
            fail_msg("%s: %s", lig_stage_name(stage), lig_context_diagnostic(s.ctx, 0)->message);
        close_sample(&s);
    }
}

// One way to break a module, and the rule that must say so.
typedef struct Break {
    const char *rule, *words;
    LigStage stage;
    void (*apply)(Sample *s);
} Break;

static void same_local_name(Sample *s) { s->z->name = s->y->name; }
static void shadow_param(Sample *s) { s->z->name = s->w->name; }
static void same_function_name(Sample *s) { s->write->name = s->mul->name; }
static void same_module_name(Sample *s) { s->cache->name = s->w->name; }
static void swap_ops(Sample *s)
{
    LigOp *first = s->func->ops.data[0];
    s->func->ops.data[0] = s->func->ops.data[1];
    s->func->ops.data[1] = first;
    lig_func_renumber(s->func);
}
static void read_foreign(Sample *s) { s->y->op->operands[0] = s->mul->inputs.data[0]; }
static void kernel_reads_param(Sample *s) { s->mul->ops.data[0]->operands[1] = s->w; }
static void change_type(Sample *s) { s->z->type = TYPE(s, LIG_F32, "N", "5"); }
static void undecided_type(Sample *s) { s->z->type = TYPE(s, LIG_F32, "M", "4"); }
static void drop_operand(Sample *s) { s->z->op->operand_count = 1; }
static void write_twice(Sample *s)
{
    LigValue *written[] = {s->cache, s->h, s->slot, s->start, s->pos};
    LigOpSpec spec = {.code = LIG_OP_APPEND, .name = LIG_STR("again"), .operands = written, .operand_count = 5};
    op(s, s->func, spec);
}
static void call_writes_twice(Sample *s)
{
    LigValue *written[] = {s->cache, s->h, s->slot, s->start, s->pos};
    call(s, s->func, "again", s->write, written);
}
static void return_old_state(Sample *s) { s->func->outputs.data[0] = s->cache; }
static void write_no_state(Sample *s)
{
    LigValue *zero = op(s, s->func, (LigOpSpec){.code = LIG_OP_NEG, .operands = &s->cache, .operand_count = 1});
    LigOp *neg = s->func->ops.data[--s->func->ops.count];
    for (size_t i = s->func->ops.count++; i > 0; i--) s->func->ops.data[i] = s->func->ops.data[i - 1];
    s->func->ops.data[0] = neg;
    s->c->op->operands[0] = zero;
    lig_func_renumber(s->func);
}
static void kernel_reads_after_write(Sample *s)
{
    LigOpSpec spec = {.code = LIG_OP_NEG, .operands = &s->write->inputs.data[0], .operand_count = 1};
    op(s, s->write, spec);
}
static void load_reads_state(Sample *s)
{
    op(s, s->load, (LigOpSpec){.code = LIG_OP_NEG, .operands = &s->cache, .operand_count = 1});
}
static void return_foreign(Sample *s) { s->func->outputs.data[0] = s->mul->inputs.data[0]; }
static void load_returns(Sample *s)
{
    assert_int_equal(lig_func_add_output(s->module, s->load, s->one), LIG_OK);
}
static void bare_op(Sample *s)
{
    op(s, s->func, (LigOpSpec){.code = LIG_OP_NEG, .operands = &s->z, .operand_count = 1});
}
static void wrong_class(Sample *s) { set_class(s, s->mul, "fast"); }
static void no_class(Sample *s) { s->mul->attrs = (LigAttrs){0}; }
static void nested_call(Sample *s) { call(s, s->write, "inner", s->mul, (LigValue *[]){s->x, s->w}); }
static void call_function(Sample *s) { s->mul->kind = LIG_FUNC; }
static void early_panel(Sample *s) { s->w->type.layout = (LigLayout){LIG_LAYOUT_PANEL, 16, 1}; }
static void pack_in_load(Sample *s)
{
    LigType type = s->w->type;
    type.layout = (LigLayout){LIG_LAYOUT_PANEL, 16, 1};
    op(s, s->load, (LigOpSpec){.code = LIG_OP_PACK, .operands = &s->w, .operand_count = 1, .stated = &type});
}
static void pack_in_kernel(Sample *s)
{
    LigValue **b = &s->mul->inputs.data[1];
    LigType type = (*b)->type;
    type.layout = (LigLayout){LIG_LAYOUT_PANEL, 16, 1};
    op(s, s->mul, (LigOpSpec){.code = LIG_OP_PACK, .operands = b, .operand_count = 1, .stated = &type});
}
static void early_place(Sample *s) { s->y->place.kind = LIG_PLACE_ARENA; }
static void no_place(Sample *s) { s->y->place.kind = LIG_PLACE_NONE; }
static void no_arena(Sample *s) { s->func->attrs = (LigAttrs){0}; }
static void unaligned(Sample *s)
{
    set_arena(s, 256);
    s->z->place.offset = 96;
}
static void outside(Sample *s) { s->z->place.offset = 128; }
static void far_outside(Sample *s) { s->z->place.offset = UINT64_MAX - 63; }
static void overlap(Sample *s) { s->z->place.offset = 0; }
static void output_in_arena(Sample *s) { s->o->place = (LigPlace){.kind = LIG_PLACE_ARENA, .offset = 0}; }
static void view_elsewhere(Sample *s) { s->h->place = (LigPlace){.kind = LIG_PLACE_ARENA, .offset = 0}; }
static void state_elsewhere(Sample *s) { s->c->place = (LigPlace){.kind = LIG_PLACE_ARENA, .offset = 0}; }
static void over_param(Sample *s) { s->y->place = (LigPlace){.kind = LIG_PLACE_OVER, .over = s->w}; }
static void over_input(Sample *s) { s->y->place = (LigPlace){.kind = LIG_PLACE_OVER, .over = s->x}; }
static void over_itself(Sample *s) { s->y->place = (LigPlace){.kind = LIG_PLACE_OVER, .over = s->y}; }
static void over_what_is_read(Sample *s)
{
    s->z->place = (LigPlace){.kind = LIG_PLACE_OVER, .over = s->y};
    s->o->op->operands[0] = s->y;
}
static void over_a_row_that_is_read(Sample *s)
{
    s->z->place = (LigPlace){.kind = LIG_PLACE_OVER, .over = s->y};
}
static void wrong_order(Sample *s)
{
    LigFunc **funcs = s->module->funcs.data;
    LigFunc *first = funcs[0];
    funcs[0] = funcs[1];
    funcs[1] = first;
}
static void plain_func(Sample *s)
{
    s->func->kind = LIG_FUNC;
    s->func->bindings.count = 0;
}
static void early_kernel(Sample *s) { add_kernels(s); }
static void bind_outside(Sample *s) { s->func->bindings.data[0].high = 9; }
static void bind_twice(Sample *s)
{
    assert_true(LIG_VEC_PUSH(s->module->arena, &s->func->bindings, (LigBinding){0, 2, 4}));
}
static void bind_against_fact(Sample *s)
{
    assert_true(LIG_VEC_PUSH(s->module->arena, &s->func->bindings, (LigBinding){1, 6, 8}));
}
static void part_of_a_block(Sample *s) { s->w->type.dtype = LIG_Q8_0; }
static void negative_dim(Sample *s)
{
    s->w->type.dims[0] =
        lig_dim_sub(s->module->dims, s->w->type.dims[0], lig_dims_find(s->module->dims, LIG_STR("N")));
}
static void stale_ids(Sample *s) { s->z->id += 1; }
static void stale_op(Sample *s) { s->z->op = s->y->op; }

static void every_break_is_told_by_its_rule(void **state)
{
    (void)state;
    static const Break breaks[] = {
        {"V01", "%y of @f", LIG_STAGE_MODEL, same_local_name},
        {"V01", "%w of @f", LIG_STAGE_MODEL, shadow_param},
        {"V01", "two functions", LIG_STAGE_FUSED, same_function_name},
        {"V01", "two values", LIG_STAGE_MODEL, same_module_name},
        {"V02", "%y of @f is used before", LIG_STAGE_MODEL, swap_ops},
        {"V02", "%a is not visible in @f", LIG_STAGE_FUSED, read_foreign},
        {"V02", "a kernel sees only its formals", LIG_STAGE_FUSED, kernel_reads_param},
        {"V03", "linear: its result is stated as f32[N,5]", LIG_STAGE_MODEL, change_type},
        {"V03", "undecided", LIG_STAGE_MODEL, undecided_type},
        {"V03", "1 operand given", LIG_STAGE_MODEL, drop_operand},
        {"V04", "%cache is read in @f after it was written", LIG_STAGE_MODEL, write_twice},
        {"V04", "%cache is read in @f after it was written", LIG_STAGE_FUSED, call_writes_twice},
        {"V04", "%cache is read in @f", LIG_STAGE_MODEL, return_old_state},
        {"V04", "which is no state", LIG_STAGE_MODEL, write_no_state},
        {"V04", "%cache is read in @write", LIG_STAGE_FUSED, kernel_reads_after_write},
        {"V04", "load reads state", LIG_STAGE_MODEL, load_reads_state},
        {"V05", "%a is not visible", LIG_STAGE_FUSED, return_foreign},
        {"V05", "load has inputs or returned values", LIG_STAGE_MODEL, load_returns},
        {"V06", "neg in @f", LIG_STAGE_FUSED, bare_op},
        {"V07", "class `fast`", LIG_STAGE_FUSED, wrong_class},
        {"V07", "class ``", LIG_STAGE_FUSED, no_class},
        {"V07", "kernel @write holds a call", LIG_STAGE_FUSED, nested_call},
        {"V07", "names no kernel", LIG_STAGE_FUSED, call_function},
        {"V08", "before stage packed", LIG_STAGE_MODEL, early_panel},
        {"V08", "%w is read by call in @f", LIG_STAGE_PACKED, pack_in_load},
        {"V08", "pack in @mul", LIG_STAGE_PACKED, pack_in_kernel},
        {"V09", "%y of @f has a place", LIG_STAGE_PACKED, early_place},
        {"V09", "%y of @f has no place", LIG_STAGE_PLANNED, no_place},
        {"V09", "no size of its arena", LIG_STAGE_PLANNED, no_arena},
        {"V09", "no multiple of 64", LIG_STAGE_PLANNED, unaligned},
        {"V09", "ends outside the arena", LIG_STAGE_PLANNED, outside},
        {"V09", "ends outside the arena", LIG_STAGE_PLANNED, far_outside},
        {"V09", "%y and %z of @f are alive", LIG_STAGE_PLANNED, overlap},
        {"V09", "%o of @f is returned", LIG_STAGE_PLANNED, output_in_arena},
        {"V09", "%h of @f is another name", LIG_STAGE_PLANNED, view_elsewhere},
        {"V09", "%c of @f is another name", LIG_STAGE_PLANNED, state_elsewhere},
        {"V09", "memory that it may not change", LIG_STAGE_PLANNED, over_param},
        {"V09", "memory that it may not change", LIG_STAGE_PLANNED, over_input},
        {"V09", "over itself", LIG_STAGE_PLANNED, over_itself},
        {"V09", "%z of @f is written over %y", LIG_STAGE_PLANNED, over_what_is_read},
        {"V09", "of which its kernel reads other elements", LIG_STAGE_PLANNED, over_a_row_that_is_read},
        {"V10", "stands too late", LIG_STAGE_FUSED, wrong_order},
        {"V10", "function that is no variant", LIG_STAGE_PLANNED, plain_func},
        {"V10", "kernel does not belong in stage model", LIG_STAGE_MODEL, early_kernel},
        {"V11", "outside its declared bounds", LIG_STAGE_PLANNED, bind_outside},
        {"V11", "binds a symbol twice", LIG_STAGE_PLANNED, bind_twice},
        {"V11", "contradict the facts", LIG_STAGE_PLANNED, bind_against_fact},
        {"V12", "whole blocks", LIG_STAGE_MODEL, part_of_a_block},
        {"V12", "may be negative", LIG_STAGE_MODEL, negative_dim},
        {"V13", "of @f has another id", LIG_STAGE_MODEL, stale_ids},
        {"V13", "of @f has another id", LIG_STAGE_MODEL, stale_op},
    };
    for (size_t i = 0; i < sizeof breaks / sizeof *breaks; i++) {
        Sample s = open_sample(breaks[i].stage);
        breaks[i].apply(&s);
        assert_int_not_equal(lig_verify_module(s.module), LIG_OK);
        bool told = false;
        for (size_t d = 0; d < lig_context_diagnostic_count(s.ctx); d++) {
            const char *message = lig_context_diagnostic(s.ctx, d)->message;
            told = told || (!strncmp(message, breaks[i].rule, 3) && strstr(message, breaks[i].words));
        }
        if (!told)
            fail_msg("case %zu, %s: \"%s\" where \"%s\" was expected", i, breaks[i].rule,
                     lig_context_diagnostic(s.ctx, 0)->message, breaks[i].words);
        close_sample(&s);
    }
}

// Makes %z the negation of %y, by a kernel of its own.
static void negate(Sample *s)
{
    LigFunc *neg;
    assert_int_equal(lig_module_add_func(s->module, LIG_FUNC_KERNEL, LIG_STR("neg"), &neg), LIG_OK);
    LigValue *a = input(s, neg, "a", TYPE(s, LIG_F32, "N", "4"));
    LigValue *result = op(s, neg, (LigOpSpec){.code = LIG_OP_NEG, .operands = &a, .operand_count = 1});
    assert_int_equal(lig_func_add_output(s->module, neg, result), LIG_OK);
    set_class(s, neg, "elementwise");
    s->z->op->callee = neg;
    s->z->op->operand_count = 1;
    lig_module_sort_funcs(s->module);
}

static void in_place_results_are_allowed(void **state)
{
    (void)state;
    Sample s = open_sample(LIG_STAGE_PLANNED);
    negate(&s);
    s.z->place = (LigPlace){.kind = LIG_PLACE_OVER, .over = s.y};
    set_arena(&s, 64);
    assert_int_equal(lig_verify_module(s.module), LIG_OK);
    close_sample(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_modules_pass),
        cmocka_unit_test(every_break_is_told_by_its_rule),
        cmocka_unit_test(in_place_results_are_allowed),
    };
    return cmocka_run_group_tests_name("verify", tests, NULL, NULL);
}

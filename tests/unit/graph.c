// The graph: modules, functions, ops, names; attribute sets; the op table.
#include "ir/base/alloc.h"
#include "ir/build.h"
#include "ir/verify.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void the_op_table_is_consistent(void **state)
{
    (void)state;
    for (LigOpCode code = 0; code < LIG_OP_COUNT; code++) {
        const LigOpInfo *info = lig_op_info(code);
        LigOpCode found;
        assert_true(lig_op_find(lig_str(info->name), &found));
        assert_int_equal(found, code);
        assert_int_equal(info->gradient.kind == LIG_GRADIENT_LATER, info->gradient.text == NULL);
        if (info->gradient.kind == LIG_GRADIENT_OP)
            assert_true(lig_op_find(lig_str(info->gradient.text), &found));
        assert_int_equal(info->lowering.kind == LIG_LOWER_BODY, info->lowering.text == NULL);
        assert_true(info->meaning[0] != '\0');
        assert_int_equal(info->required_attrs & info->optional_attrs, 0);
    }
    LigOpCode none;
    assert_false(lig_op_find(LIG_STR("lin"), &none));
    assert_false(lig_op_find(LIG_STR("linears"), &none));
}

static void operand_counts_come_from_the_names(void **state)
{
    (void)state;
    static const struct {
        LigOpCode code;
        size_t least, most;
    } cases[] = {{LIG_OP_IOTA, 0, 0},      {LIG_OP_NEG, 1, 1},           {LIG_OP_LAYER_NORM, 2, 3},
                 {LIG_OP_ATTENTION, 6, 7}, {LIG_OP_CONCAT, 0, SIZE_MAX}, {LIG_OP_LINEAR, 2, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t least, most;
        lig_op_operand_range(cases[i].code, &least, &most);
        assert_int_equal(least, cases[i].least);
        assert_int_equal(most, cases[i].most);
    }
    assert_true(lig_str_is(lig_op_operand_name(LIG_OP_LINEAR, 1), "weight"));
    assert_true(lig_str_is(lig_op_operand_name(LIG_OP_LAYER_NORM, 2), "bias"));
    assert_true(lig_str_is(lig_op_operand_name(LIG_OP_CONCAT, 7), "x"));
}

static void attributes_stay_sorted_and_own_their_values(void **state)
{
    (void)state;
    LigArena *arena = lig_arena_create();
    LigAttrs attrs = {0};
    int64_t block[] = {8, 32};
    char name[] = "half";
    assert_true(lig_attrs_set(arena, &attrs, (LigAttr){.key = LIG_ATTR_BLOCK, .value.integers = {block, 2}}));
    assert_true(lig_attrs_set(arena, &attrs, (LigAttr){.key = LIG_ATTR_PAIRS, .value.name = lig_str(name)}));
    assert_true(lig_attrs_set(arena, &attrs, (LigAttr){.key = LIG_ATTR_AXIS, .value.integer = 1}));
    assert_true(lig_attrs_set(arena, &attrs, (LigAttr){.key = LIG_ATTR_AXIS, .value.integer = 2}));
    block[0] = 1;
    name[0] = 'x';
    assert_int_equal(attrs.count, 3);
    for (size_t i = 1; i < attrs.count; i++) assert_true(attrs.items[i - 1].key < attrs.items[i].key);
    assert_int_equal(lig_attrs_int(attrs, LIG_ATTR_AXIS, 0), 2);
    assert_int_equal(lig_attrs_get(attrs, LIG_ATTR_BLOCK)->value.integers.data[0], 8);
    assert_true(lig_str_is(lig_attrs_name(attrs, LIG_ATTR_PAIRS, LIG_STR("none")), "half"));
    assert_false(lig_attrs_flag(attrs, LIG_ATTR_KEEP));
    assert_true(lig_attrs_float(attrs, LIG_ATTR_EPS, 0.5) == 0.5);
    LigAttrs other = attrs;
    assert_true(lig_attrs_equal(attrs, other));
    assert_true(lig_attrs_set(arena, &other, (LigAttr){.key = LIG_ATTR_AXIS, .value.integer = 3}));
    assert_false(lig_attrs_equal(attrs, other));
    assert_int_equal(lig_attrs_int(attrs, LIG_ATTR_AXIS, 0), 2);
    lig_arena_destroy(arena);
}

typedef struct Fixture {
    LigContext *ctx;
    LigModule *module;
} Fixture;

static Fixture open_module(void)
{
    Fixture f = {.ctx = lig_context_create()};
    assert_int_equal(lig_module_create(f.ctx, LIG_STR("test"), &f.module), LIG_OK);
    return f;
}

static void close_module(Fixture f)
{
    lig_module_destroy(f.module);
    lig_context_destroy(f.ctx);
}

static LigType vector_of(Fixture f, LigDtype dtype, int64_t size)
{
    return lig_type_const(f.module->dims, dtype, 1, &size);
}

static void names_are_taken_once(void **state)
{
    (void)state;
    Fixture f = open_module();
    LigValue *value;
    LigFunc *func;
    LigType type = vector_of(f, LIG_F32, 4);
    assert_int_equal(lig_module_add_param(f.module, LIG_STR("w"), type, LIG_STR("w.weight"), &value), LIG_OK);
    assert_int_equal(lig_module_add_state(f.module, LIG_STR("w"), type, &value), LIG_ERR_INVALID);
    assert_int_equal(lig_module_add_param(f.module, LIG_STR(""), type, LIG_STR("x"), &value), LIG_ERR_INVALID);
    assert_int_equal(lig_module_add_func(f.module, LIG_FUNC, LIG_STR("f"), &func), LIG_OK);
    assert_int_equal(lig_module_add_func(f.module, LIG_FUNC_KERNEL, LIG_STR("f"), &func), LIG_ERR_INVALID);
    assert_int_equal(lig_module_add_func(f.module, LIG_FUNC_LOAD, LIG_STR(""), &func), LIG_OK);
    assert_int_equal(lig_module_add_func(f.module, LIG_FUNC_LOAD, LIG_STR(""), &func), LIG_ERR_INVALID);
    assert_int_equal(f.module->params.count, 1);
    assert_int_equal(f.module->states.count, 0);
    assert_true(lig_str_is(lig_module_find_value(f.module, LIG_STR("w"))->source, "w.weight"));
    close_module(f);
}

static void numbers_avoid_names_in_use(void **state)
{
    (void)state;
    Fixture f = open_module();
    LigFunc *func;
    LigValue *x;
    assert_int_equal(lig_module_add_func(f.module, LIG_FUNC, LIG_STR("f"), &func), LIG_OK);
    assert_int_equal(lig_func_add_input(f.module, func, LIG_STR("2"), vector_of(f, LIG_F32, 4), &x), LIG_OK);
    LigBuilder b = lig_builder(f.module, func);
    assert_true(lig_str_is(lig_build_unary(&b, LIG_OP_NEG, "", x)->name, "1"));
    assert_true(lig_str_is(lig_build_unary(&b, LIG_OP_NEG, "", x)->name, "3"));
    b.scope = LIG_STR("0.");
    assert_true(lig_str_is(lig_build_unary(&b, LIG_OP_NEG, "y", x)->name, "0.y"));
    assert_null(lig_build_unary(&b, LIG_OP_NEG, "y", x));
    assert_int_equal(lig_builder_status(&b), LIG_ERR_INVALID);
    assert_null(lig_build_unary(&b, LIG_OP_NEG, "z", x));
    assert_int_equal(lig_context_diagnostic_count(f.ctx), 1);
    assert_int_equal(func->ops.count, 3);
    close_module(f);
}

static void rewriting_renumbers(void **state)
{
    (void)state;
    Fixture f = open_module();
    LigFunc *func;
    LigValue *x;
    assert_int_equal(lig_module_add_func(f.module, LIG_FUNC, LIG_STR("f"), &func), LIG_OK);
    assert_int_equal(lig_func_add_input(f.module, func, LIG_STR("x"), vector_of(f, LIG_F32, 4), &x), LIG_OK);
    LigBuilder b = lig_builder(f.module, func);
    lig_build_unary(&b, LIG_OP_NEG, "dead", x);
    LigValue *y = lig_build_unary(&b, LIG_OP_NEG, "y", x);
    assert_int_equal(lig_func_add_output(f.module, func, y), LIG_OK);
    func->ops.data[0] = func->ops.data[1];
    func->ops.count = 1;
    assert_int_equal(lig_verify_module(f.module), LIG_ERR_INVALID);
    lig_func_renumber(func);
    assert_int_equal(y->id, 1);
    assert_int_equal(func->value_count, 2);
    assert_int_equal(lig_verify_module(f.module), LIG_OK);
    close_module(f);
}

static void functions_are_sorted_and_dropped(void **state)
{
    (void)state;
    Fixture f = open_module();
    LigFunc *func, *kernel, *load;
    assert_int_equal(lig_module_add_func(f.module, LIG_FUNC, LIG_STR("f"), &func), LIG_OK);
    assert_int_equal(lig_module_add_func(f.module, LIG_FUNC_KERNEL, LIG_STR("k"), &kernel), LIG_OK);
    assert_int_equal(lig_module_add_func(f.module, LIG_FUNC_LOAD, LIG_STR(""), &load), LIG_OK);
    LigBuilder b = lig_builder(f.module, load);
    float one = 1;
    LigType type = vector_of(f, LIG_F32, 1);
    LigValue *constant = lig_build_constant(&b, "one", &type, &one, sizeof one);
    assert_non_null(constant);
    assert_true(lig_value_is_resident(f.module, constant));
    lig_module_sort_funcs(f.module);
    assert_ptr_equal(f.module->funcs.data[0], load);
    assert_ptr_equal(f.module->funcs.data[1], kernel);
    assert_ptr_equal(f.module->funcs.data[2], func);
    const bool keep[] = {false, false, true};
    assert_int_equal(lig_module_keep_funcs(f.module, keep), LIG_OK);
    assert_int_equal(f.module->funcs.count, 1);
    assert_null(lig_module_find_func(f.module, LIG_STR("k")));
    assert_ptr_equal(lig_module_find_func(f.module, LIG_STR("f")), func);
    assert_null(lig_module_find_value(f.module, LIG_STR("one")));
    assert_null(lig_module_load(f.module));
    close_module(f);
}

static LigStatus build_chain(LigContext *ctx)
{
    LigModule *module;
    LigFunc *func;
    LigValue *x;
    LIG_TRY(lig_module_create(ctx, LIG_STR("chain"), &module));
    int64_t size = 4;
    LigType type = lig_type_const(module->dims, LIG_F32, 1, &size);
    LigStatus status =
        type.dims[0] ? lig_module_add_func(module, LIG_FUNC, LIG_STR("f"), &func) : lig_no_memory(ctx);
    if (status == LIG_OK) status = lig_func_add_input(module, func, LIG_STR("x"), type, &x);
    if (status == LIG_OK) {
        LigBuilder b = lig_builder(module, func);
        for (int i = 0; i < 200; i++) x = lig_build_unary(&b, LIG_OP_NEG, "", x);
        status = lig_builder_status(&b);
    }
    if (status == LIG_OK) status = lig_func_add_output(module, func, x);
    if (status == LIG_OK) status = lig_verify_module(module);
    lig_module_destroy(module);
    return status;
}

static void every_failing_allocation_is_survived(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    for (uint64_t n = 1; n < 500; n++) {
        lig_alloc_fail_at(n);
        LigStatus status = build_chain(ctx);
        lig_alloc_fail_at(0);
        lig_context_clear(ctx);
        if (status == LIG_OK) {
            assert_true(n > 3);
            lig_context_destroy(ctx);
            return;
        }
        assert_int_equal(status, LIG_ERR_NO_MEMORY);
    }
    fail_msg("500 allocations did not suffice");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_op_table_is_consistent),
        cmocka_unit_test(operand_counts_come_from_the_names),
        cmocka_unit_test(attributes_stay_sorted_and_own_their_values),
        cmocka_unit_test(names_are_taken_once),
        cmocka_unit_test(numbers_avoid_names_in_use),
        cmocka_unit_test(rewriting_renumbers),
        cmocka_unit_test(functions_are_sorted_and_dropped),
        cmocka_unit_test(every_failing_allocation_is_survived),
    };
    return cmocka_run_group_tests_name("graph", tests, NULL, NULL);
}

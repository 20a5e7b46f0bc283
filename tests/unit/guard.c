// Guards: which inputs of a function are indices, and what they must stay below.
#include "runtime/guard.h"
#include "ir/text.h"

#include "tests/unit/temp_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

// Checks ids[2] against a function that gathers along `axis` of a table [3,8]; the status of the check.
static LigStatus check(const char *axis, int32_t first, int32_t second)
{
    LigContext *ctx = lig_context_create();
    LigModule *module;
    LigGuards guards;
    char text[512];
    const char *result = strcmp(axis, "0") == 0 || strcmp(axis, "-2") == 0 ? "2,8" : "3,2";
    (void)snprintf(text, sizeof text,
                   "module \"m\" { func @f(%%t: f32[3,8], %%ids: i32[2]) -> f32[%s] { "
                   "%%y = gather %%t, %%ids {axis=%s} : f32[%s] return %%y } }",
                   result, axis, result);
    assert_int_equal(lig_parse_module(ctx, "guard", lig_str(text), &module), LIG_OK);
    assert_int_equal(lig_guards_find(module, &guards), LIG_OK);
    assert_int_equal(guards.items.count, 1);
    float table[24] = {0};
    int32_t ids[2] = {first, second};
    const LigTensor inputs[2] = {{{.dtype = LIG_F32, .rank = 2, .dims = {3, 8}}, table},
                                 {{.dtype = LIG_I32, .rank = 1, .dims = {2}}, ids}};
    const LigFunc *func = lig_module_find_func(module, LIG_STR("f"));
    LigStatus status = lig_guards_check(&guards, module, func, LIG_STR("f"), inputs, NULL);
    if (status != LIG_OK) assert_non_null(strstr(first_message(ctx), "%ids"));
    lig_module_destroy(module);
    lig_context_destroy(ctx);
    return status;
}

static void gather_is_guarded_along_its_axis(void **state)
{
    (void)state;
    assert_int_equal(check("0", 0, 2), LIG_OK);
    assert_int_equal(check("0", 3, 0), LIG_ERR_INVALID);
    assert_int_equal(check("1", 0, 7), LIG_OK);
    assert_int_equal(check("1", 0, 8), LIG_ERR_INVALID);
    assert_int_equal(check("-1", 7, 0), LIG_OK);
    assert_int_equal(check("-2", 3, 0), LIG_ERR_INVALID);
    assert_int_equal(check("-1", -1, 0), LIG_ERR_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gather_is_guarded_along_its_axis),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

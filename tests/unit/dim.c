// Dims: the normal form against evaluation at random points, ranges, facts, verdicts, text.
#include "ir/dim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

typedef struct Fixture {
    LigContext *ctx;
    LigArena *arena;
    LigDimTable *table;
    LigDim n, r, k;
} Fixture;

static LigDim declare(Fixture *f, const char *name, int64_t low, int64_t high)
{
    LigDim dim;
    LigSymbol symbol = {lig_str(name), low, high};
    assert_int_equal(lig_dims_declare(f->ctx, f->table, LIG_NOWHERE, symbol, &dim), LIG_OK);
    return dim;
}

static Fixture open_fixture(void)
{
    Fixture f = {.ctx = lig_context_create(), .arena = lig_arena_create()};
    f.table = lig_dims_create(f.arena);
    f.n = declare(&f, "N", 1, 512);
    f.r = declare(&f, "R", 1, 64);
    f.k = declare(&f, "K", 0, 9);
    return f;
}

static void close_fixture(Fixture *f)
{
    lig_arena_destroy(f->arena);
    lig_context_destroy(f->ctx);
}

static LigDim number(Fixture *f, int64_t value) { return lig_dim_const(f->table, value); }

static void assert_text(Fixture *f, LigDim dim, const char *expected)
{
    LigText text = {0};
    assert_non_null(dim);
    lig_dim_print(&text, f->table, dim);
    assert_string_equal(text.data, expected);
    lig_text_free(&text);
}

static void assert_range(Fixture *f, LigDim dim, int64_t low, int64_t high)
{
    int64_t l, h;
    lig_dim_range(f->table, dim, &l, &h);
    assert_int_equal(l, low);
    assert_int_equal(h, high);
}

static void prints_the_normal_form(void **state)
{
    (void)state;
    Fixture f = open_fixture();
    LigDimTable *t = f.table;
    LigDim nk = lig_dim_mul(t, f.k, f.n);
    assert_text(&f, lig_dim_sub(t, lig_dim_mul(t, number(&f, 3), nk), number(&f, 2)), "3*N*K - 2");
    assert_text(&f, lig_dim_sub(t, f.r, f.n), "R - N");
    assert_text(&f, lig_dim_sub(t, f.n, f.n), "0");
    assert_text(&f, lig_dim_ceildiv(t, f.n, 16), "ceildiv(N, 16)");
    assert_text(&f, lig_dim_floordiv(t, lig_dim_add(t, f.n, number(&f, 35)), 16), "floordiv(N + 3, 16) + 2");
    assert_text(&f, lig_dim_floordiv(t, f.n, 1024), "0");
    assert_text(&f, lig_dim_floordiv(t, lig_dim_floordiv(t, f.n, 4), 8), "floordiv(N, 32)");
    assert_text(&f, lig_dim_min(t, number(&f, 4), f.n), "min(N, 4)");
    assert_text(&f, lig_dim_min(t, f.n, number(&f, 600)), "N");
    assert_text(&f, lig_dim_max(t, f.n, lig_dim_max(t, f.r, f.n)), "max(N, R)");
    close_fixture(&f);
}

static void equal_forms_are_one_pointer(void **state)
{
    (void)state;
    Fixture f = open_fixture();
    LigDimTable *t = f.table;
    LigDim sum = lig_dim_add(t, f.n, f.r), square = lig_dim_mul(t, sum, sum);
    LigDim expanded = lig_dim_add(t, lig_dim_mul(t, f.n, f.n), lig_dim_mul(t, f.r, f.r));
    expanded = lig_dim_add(t, expanded, lig_dim_mul(t, number(&f, 2), lig_dim_mul(t, f.r, f.n)));
    assert_ptr_equal(square, expanded);
    LigDim shifted = lig_dim_min(t, lig_dim_add(t, f.n, number(&f, 1)), lig_dim_add(t, f.r, number(&f, 1)));
    assert_ptr_equal(shifted, lig_dim_add(t, lig_dim_min(t, f.r, f.n), number(&f, 1)));
    assert_ptr_equal(lig_dim_ceildiv(t, lig_dim_mul(t, f.n, number(&f, 32)), 32), f.n);
    close_fixture(&f);
}

static void ranges_are_tight_where_monotone(void **state)
{
    (void)state;
    Fixture f = open_fixture();
    LigDimTable *t = f.table;
    assert_range(&f, lig_dim_sub(t, lig_dim_mul(t, f.n, f.n), f.n), 0, 512 * 512 - 512);
    assert_range(&f, lig_dim_sub(t, lig_dim_mul(t, f.n, f.k), f.r), -64, 512 * 9 - 1);
    assert_range(&f, lig_dim_ceildiv(t, f.n, 16), 1, 32);
    assert_range(&f, lig_dim_min(t, f.n, f.r), 1, 64);
    close_fixture(&f);
}

static void facts_decide_and_sharpen(void **state)
{
    (void)state;
    Fixture f = open_fixture();
    LigDimTable *t = f.table;
    assert_int_equal(lig_dim_less_equal(t, f.r, f.n), LIG_UNDECIDED);
    assert_true(lig_dims_add_fact(t, (LigFact){f.r, f.n, LIG_REL_LE}));
    assert_int_equal(lig_dim_less_equal(t, f.r, f.n), LIG_YES);
    assert_int_equal(lig_dim_less_equal(t, f.n, f.r), LIG_UNDECIDED);
    LigDim wide = number(&f, 576);
    assert_int_equal(lig_dim_less_equal(t, lig_dim_mul(t, wide, f.r), lig_dim_mul(t, f.n, wide)), LIG_YES);
    assert_int_equal(lig_dim_less_equal(t, lig_dim_mul(t, f.k, f.r), lig_dim_mul(t, f.n, f.k)), LIG_YES);
    assert_int_equal(lig_dim_less_equal(t, lig_dim_add(t, f.n, number(&f, 1)), f.r), LIG_NO);
    assert_range(&f, lig_dim_sub(t, f.n, f.r), 0, 511);
    LigDimBounds bounds[LIG_MAX_SYMBOLS];
    lig_dims_bounds(t, bounds);
    bounds[0] = (LigDimBounds){1, 1};
    assert_true(lig_dims_sharpen(t, bounds));
    assert_int_equal(lig_dim_range_within(t, f.r, bounds).high, 1);
    bounds[1] = (LigDimBounds){2, 64};
    assert_false(lig_dims_sharpen(t, bounds));
    close_fixture(&f);
}

static void equality_by_facts_ranges_and_parity(void **state)
{
    (void)state;
    Fixture f = open_fixture();
    LigDimTable *t = f.table;
    LigDim twice = lig_dim_mul(t, f.n, number(&f, 2));
    assert_int_equal(lig_dim_equal(t, twice, number(&f, 7)), LIG_NO);
    assert_int_equal(lig_dim_equal(t, twice, number(&f, 8)), LIG_UNDECIDED);
    assert_int_equal(lig_dim_equal(t, f.n, number(&f, 513)), LIG_NO);
    assert_true(lig_dims_add_fact(t, (LigFact){f.n, lig_dim_mul(t, f.r, number(&f, 3)), LIG_REL_EQ}));
    assert_int_equal(lig_dim_equal(t, f.n, lig_dim_mul(t, f.r, number(&f, 3))), LIG_YES);
    assert_int_equal(lig_dim_equal(t, twice, lig_dim_mul(t, f.r, number(&f, 6))), LIG_YES);
    assert_range(&f, f.n, 3, 192);
    LigDim rounded = lig_dim_mul(t, lig_dim_ceildiv(t, f.k, 4), number(&f, 4));
    assert_int_equal(lig_dim_less_equal(t, f.k, rounded), LIG_YES);
    close_fixture(&f);
}

static void limits_give_null(void **state)
{
    (void)state;
    Fixture f = open_fixture();
    LigDim big = number(&f, INT64_MAX);
    assert_null(lig_dim_add(f.table, big, number(&f, 1)));
    assert_null(lig_dim_mul(f.table, big, number(&f, 2)));
    assert_null(lig_dim_add(f.table, NULL, f.n));
    assert_null(lig_dim_floordiv(f.table, f.n, 0));
    LigDim power = f.n;
    for (int i = 0; i < 7; i++) power = lig_dim_mul(f.table, power, f.n);
    assert_non_null(power);
    assert_null(lig_dim_mul(f.table, power, f.n));
    LigDim dim;
    assert_int_equal(lig_dims_declare(f.ctx, f.table, LIG_NOWHERE, (LigSymbol){LIG_STR("N"), 1, 2}, &dim),
                     LIG_ERR_INVALID);
    assert_int_equal(lig_dims_declare(f.ctx, f.table, LIG_NOWHERE, (LigSymbol){LIG_STR("Z"), 3, 2}, &dim),
                     LIG_ERR_INVALID);
    close_fixture(&f);
}

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

// A random dim together with its value at `point`, computed beside the table.
static LigDim random_dim(Fixture *f, uint64_t *seed, const int64_t *point, int depth, int64_t *value)
{
    LigDim symbols[] = {f->n, f->r, f->k};
    uint64_t choice = depth == 0 ? next_random(seed) % 4 : 4 + next_random(seed) % 7;
    if (choice < 3) {
        *value = point[choice];
        return symbols[choice];
    }
    if (choice == 3) {
        *value = (int64_t)(next_random(seed) % 41) - 20;
        return number(f, *value);
    }
    int64_t a, b;
    LigDim x = random_dim(f, seed, point, depth - 1, &a), y = random_dim(f, seed, point, depth - 1, &b);
    int64_t by = (int64_t)(next_random(seed) % 12) + 1;
    switch (choice) {
    case 4:
        *value = a + b;
        return lig_dim_add(f->table, x, y);
    case 5:
        *value = a - b;
        return lig_dim_sub(f->table, x, y);
    case 6:
        *value = a * b;
        return lig_dim_mul(f->table, x, y);
    case 7:
        *value = a / by - (a % by < 0);
        return lig_dim_floordiv(f->table, x, by);
    case 8:
        *value = a / by + (a % by > 0);
        return lig_dim_ceildiv(f->table, x, by);
    case 9:
        *value = a < b ? a : b;
        return lig_dim_min(f->table, x, y);
    default:
        *value = a > b ? a : b;
        return lig_dim_max(f->table, x, y);
    }
}

static void random_point(uint64_t *seed, int64_t *point)
{
    point[0] = (int64_t)(next_random(seed) % 512) + 1;
    point[1] = (int64_t)(next_random(seed) % 64) + 1;
    point[2] = (int64_t)(next_random(seed) % 10);
}

// The same expression built twice, whose value is also computed directly.
static void normal_form_agrees_with_arithmetic(void **state)
{
    (void)state;
    Fixture f = open_fixture();
    uint64_t seed = 1;
    int checked = 0;
    for (int i = 0; i < 4000; i++) {
        int64_t point[3], expected, value, low, high;
        random_point(&seed, point);
        uint64_t expression = (uint64_t)i + 77;
        LigDim dim = random_dim(&f, &expression, point, 1 + i % 3, &expected);
        if (dim == NULL) continue;
        assert_true(lig_dim_eval(dim, point, &value));
        assert_int_equal(value, expected);
        lig_dim_range(f.table, dim, &low, &high);
        assert_true(low <= value && value <= high);
        checked++;
    }
    assert_true(checked > 3500);
    close_fixture(&f);
}

static void verdicts_agree_with_values(void **state)
{
    (void)state;
    Fixture f = open_fixture();
    assert_true(lig_dims_add_fact(f.table, (LigFact){f.r, f.n, LIG_REL_LE}));
    uint64_t seed = 5;
    int decided = 0;
    for (int i = 0; i < 1500; i++) {
        int64_t point[3], a, b;
        do random_point(&seed, point);
        while (point[1] > point[0]);
        LigDim x = random_dim(&f, &seed, point, 1, &a), y = random_dim(&f, &seed, point, 2, &b);
        if (x == NULL || y == NULL) continue;
        LigVerdict less = lig_dim_less_equal(f.table, x, y), equal = lig_dim_equal(f.table, x, y);
        if (less != LIG_UNDECIDED) assert_int_equal(less == LIG_YES, a <= b);
        if (equal != LIG_UNDECIDED) assert_int_equal(equal == LIG_YES, a == b);
        if (x == y) assert_int_equal(a, b);
        decided += less != LIG_UNDECIDED;
    }
    assert_true(decided > 300);
    close_fixture(&f);
}

static void substitutes_and_solves(void **state)
{
    (void)state;
    Fixture f = open_fixture();
    LigDimTable *t = f.table;
    LigDim replacements[LIG_MAX_SYMBOLS] = {[0] = number(&f, 48)};
    LigDim dim = lig_dim_add(t, lig_dim_ceildiv(t, f.n, 32), lig_dim_mul(t, f.n, f.r));
    assert_text(&f, lig_dim_substitute(t, dim, replacements), "48*R + 2");
    int64_t values[] = {-1, 4, -1}, found;
    assert_true(lig_dim_solve(lig_dim_mul(t, f.n, f.r), values, 0, 20, &found));
    assert_int_equal(found, 5);
    assert_false(lig_dim_solve(lig_dim_mul(t, f.n, f.r), values, 0, 21, &found));
    assert_false(lig_dim_solve(lig_dim_mul(t, f.n, f.n), values, 0, 16, &found));
    assert_false(lig_dim_eval(f.n, values, &found));
    assert_false(lig_dim_eval(f.n, NULL, &found));
    assert_true(lig_dim_eval(number(&f, 3), NULL, &found));
    assert_int_equal(found, 3);
    close_fixture(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints_the_normal_form),
        cmocka_unit_test(equal_forms_are_one_pointer),
        cmocka_unit_test(ranges_are_tight_where_monotone),
        cmocka_unit_test(facts_decide_and_sharpen),
        cmocka_unit_test(equality_by_facts_ranges_and_parity),
        cmocka_unit_test(limits_give_null),
        cmocka_unit_test(normal_form_agrees_with_arithmetic),
        cmocka_unit_test(verdicts_agree_with_values),
        cmocka_unit_test(substitutes_and_solves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

// Reductions over axes, running sums, and the places of extremes. Floats in double, rounded once; integers
// wrap.
#include "ir/eval_kernel.h"

#include <math.h>
#include <string.h>

// For element `flat` of x, the element of the result it folds into: the axes reduced contribute nothing.
static int64_t folded_index(const LigShape *x, LigAttrs attrs, int64_t flat)
{
    const LigAttr *axes = lig_attrs_get(attrs, LIG_ATTR_AXES);
    int64_t at[LIG_MAX_RANK], index = 0;
    uint32_t reduced = 0;
    for (size_t i = 0; i < axes->value.integers.count; i++)
        reduced |= UINT32_C(1) << lig_eval_axis(axes->value.integers.data[i], x->rank);
    lig_eval_coordinates(x, flat, at);
    for (int i = 0; i < x->rank; i++) {
        if (!(reduced >> i & 1)) index = index * x->dims[i] + at[i];
    }
    return index;
}

// What is folded, from what it starts.
typedef struct Fold {
    double of_no_floats;
    double (*floats)(double so_far, double x);
    int64_t of_no_integers;
    uint64_t (*integers)(int64_t so_far, int64_t x);
} Fold;

static void fold_integers(LigEvalArgs *args, const Fold *fold)
{
    const LigTensor *x = &args->operands[0], *z = &args->results[0];
    LigDtype dtype = z->shape.dtype;
    for (int64_t i = 0, n = lig_eval_count(z); i < n; i++)
        lig_shape_set_integer(&z->shape, z->data, i, lig_eval_wrap(dtype, (uint64_t)fold->of_no_integers));
    for (int64_t i = 0, n = lig_eval_count(x); i < n; i++) {
        int64_t at = folded_index(&x->shape, args->op->attrs, i);
        uint64_t folded = fold->integers(lig_shape_get_integer(&z->shape, z->data, at),
                                         lig_shape_get_integer(&x->shape, x->data, i));
        lig_shape_set_integer(&z->shape, z->data, at, lig_eval_wrap(dtype, folded));
    }
}

static LigStatus fold_floats(LigEvalArgs *args, const Fold *fold)
{
    const LigTensor *x = &args->operands[0], *z = &args->results[0];
    double *folded;
    int64_t n = lig_eval_count(z);
    LIG_ASSERT(fold->floats);
    LIG_TRY(lig_eval_doubles(args, n, &folded));
    for (int64_t i = 0; i < n; i++) folded[i] = fold->of_no_floats;
    for (int64_t i = 0, count = lig_eval_count(x); i < count; i++) {
        double *at = &folded[folded_index(&x->shape, args->op->attrs, i)];
        *at = fold->floats(*at, lig_shape_get(&x->shape, x->data, i));
    }
    for (int64_t i = 0; i < n; i++) lig_shape_set(&z->shape, z->data, i, folded[i]);
    return LIG_OK;
}

static LigStatus fold_axes(LigEvalArgs *args, const Fold *fold)
{
    if (lig_dtype_is_float(args->results[0].shape.dtype)) return fold_floats(args, fold);
    fold_integers(args, fold);
    return LIG_OK;
}

static double add_float(double so_far, double x) { return so_far + x; }
static double mul_float(double so_far, double x) { return so_far * x; }
static double max_float(double so_far, double x) { return isnan(x) || x > so_far ? x : so_far; }
static double min_float(double so_far, double x) { return isnan(x) || x < so_far ? x : so_far; }
static uint64_t add_integer(int64_t so_far, int64_t x) { return (uint64_t)so_far + (uint64_t)x; }
static uint64_t mul_integer(int64_t so_far, int64_t x) { return (uint64_t)so_far * (uint64_t)x; }
static uint64_t max_integer(int64_t so_far, int64_t x) { return (uint64_t)(x > so_far ? x : so_far); }
static uint64_t min_integer(int64_t so_far, int64_t x) { return (uint64_t)(x < so_far ? x : so_far); }
static uint64_t any_bool(int64_t so_far, int64_t x) { return so_far || x; }
static uint64_t all_bool(int64_t so_far, int64_t x) { return so_far && x; }

// x folded over `axes` (kept as size 1 with `keep`): its sum, 0 of nothing.
LigStatus lig_eval_sum(LigEvalArgs *args) { return fold_axes(args, &(Fold){0.0, add_float, 0, add_integer}); }

// The product over `axes`, 1 of nothing.
LigStatus lig_eval_prod(LigEvalArgs *args) { return fold_axes(args, &(Fold){1.0, mul_float, 1, mul_integer}); }

// Integers have no extreme of nothing. The extremes of every width are what the widest wrap to at the start.
static LigStatus fold_extreme(LigEvalArgs *args, Fold fold, bool largest)
{
    LigDtype dtype = args->results[0].shape.dtype;
    bool is_float = lig_dtype_is_float(dtype);
    if (!is_float && lig_eval_count(&args->results[0]) && !lig_eval_count(&args->operands[0]))
        return lig_eval_fail(args, LIG_ERR_SHAPE, "no integers to take the %s of",
                             largest ? "maximum" : "minimum");
    int64_t bits = 8 * lig_dtype_block_bytes(dtype);
    int64_t highest = dtype == LIG_U8 ? UINT8_MAX : INT64_MAX >> (64 - bits);
    int64_t lowest = dtype == LIG_U8 ? 0 : -highest - 1;
    fold.of_no_integers = largest ? lowest : highest;
    return fold_axes(args, &fold);
}

// The maximum over `axes`; NaN when any is; -inf of no floats. Errors: SHAPE, of no integers.
LigStatus lig_eval_reduce_max(LigEvalArgs *args)
{
    return fold_extreme(args, (Fold){-HUGE_VAL, max_float, 0, max_integer}, true);
}

// The minimum over `axes`; NaN when any is; inf of no floats. Errors: SHAPE, of no integers.
LigStatus lig_eval_reduce_min(LigEvalArgs *args)
{
    return fold_extreme(args, (Fold){HUGE_VAL, min_float, 0, min_integer}, false);
}

// Bools over `axes`: whether one is true; false of nothing.
LigStatus lig_eval_any(LigEvalArgs *args)
{
    return fold_axes(args, &(Fold){.of_no_integers = 0, .integers = any_bool});
}

// Bools over `axes`: whether each is true; true of nothing.
LigStatus lig_eval_all(LigEvalArgs *args)
{
    return fold_axes(args, &(Fold){.of_no_integers = 1, .integers = all_bool});
}

// ---- along one axis ----

// An axis as the middle of three: element (outer, i, inner) lies at (outer * length + i) * inner_count + inner.
typedef struct Axis {
    int64_t outer, length, inner;
} Axis;

static Axis split_at_axis(const LigEvalArgs *args, int64_t axis)
{
    const LigShape *x = &args->operands[0].shape;
    int at = lig_eval_axis(axis, x->rank);
    return (Axis){lig_eval_product(x, 0, at), x->dims[at], lig_eval_product(x, at + 1, x->rank)};
}

// Whether element i of t goes before element j: larger (or smaller), NaN before all.
static bool precedes(const LigTensor *t, int64_t i, int64_t j, bool largest)
{
    if (lig_dtype_is_integer(t->shape.dtype)) {
        int64_t a = lig_shape_get_integer(&t->shape, t->data, i),
                b = lig_shape_get_integer(&t->shape, t->data, j);
        return largest ? a > b : a < b;
    }
    double a = lig_shape_get(&t->shape, t->data, i), b = lig_shape_get(&t->shape, t->data, j);
    if (isnan(a) || isnan(b)) return isnan(a) && !isnan(b);
    return largest ? a > b : a < b;
}

static LigStatus find_extreme(LigEvalArgs *args, bool largest)
{
    const LigTensor *x = &args->operands[0], *z = &args->results[0];
    Axis axis = split_at_axis(args, lig_attrs_int(args->op->attrs, LIG_ATTR_AXIS, 0));
    if (!axis.length && lig_eval_count(z))
        return lig_eval_fail(args, LIG_ERR_SHAPE, "no elements along its axis to choose from");
    for (int64_t i = 0; i < axis.outer * axis.inner; i++) {
        int64_t first = i / axis.inner * axis.length * axis.inner + i % axis.inner, best = 0;
        for (int64_t j = 1; j < axis.length; j++) {
            if (precedes(x, first + j * axis.inner, first + best * axis.inner, largest)) best = j;
        }
        lig_shape_set_integer(&z->shape, z->data, i, best);
    }
    return LIG_OK;
}

// x[A,L,B] -> i32[A,B], L along `axis` (kept as size 1 with `keep`): the first index of the maximum, or of a
// NaN. Errors: SHAPE, L is 0.
LigStatus lig_eval_argmax(LigEvalArgs *args) { return find_extreme(args, true); }
// The first index of the minimum, or of a NaN.
LigStatus lig_eval_argmin(LigEvalArgs *args) { return find_extreme(args, false); }

typedef struct RunningSum {
    Axis axis;
    bool exclusive, reverse;
} RunningSum;

static void sum_along(LigEvalArgs *args, const RunningSum *run, int64_t first)
{
    const LigTensor *x = &args->operands[0], *z = &args->results[0];
    bool is_integer = lig_dtype_is_integer(z->shape.dtype);
    double sum = 0.0;
    uint64_t wrapping = 0;
    for (int64_t j = 0; j < run->axis.length; j++) {
        int64_t step = run->reverse ? run->axis.length - 1 - j : j, at = first + step * run->axis.inner;
        double value = is_integer ? 0.0 : lig_shape_get(&x->shape, x->data, at);
        uint64_t integer = is_integer ? (uint64_t)lig_shape_get_integer(&x->shape, x->data, at) : 0;
        double shown = run->exclusive ? sum : sum + value;
        uint64_t shown_integer = run->exclusive ? wrapping : wrapping + integer;
        if (is_integer)
            lig_shape_set_integer(&z->shape, z->data, at, lig_eval_wrap(z->shape.dtype, shown_integer));
        else
            lig_shape_set(&z->shape, z->data, at, shown);
        sum += value;
        wrapping += integer;
    }
}

// Sums along `axis` of the elements up to each, without itself with `exclusive`, from the end with `reverse`.
LigStatus lig_eval_cumsum(LigEvalArgs *args)
{
    LigAttrs attrs = args->op->attrs;
    RunningSum run = {.axis = split_at_axis(args, lig_attrs_int(attrs, LIG_ATTR_AXIS, 0)),
                      .exclusive = lig_attrs_flag(attrs, LIG_ATTR_EXCLUSIVE),
                      .reverse = lig_attrs_flag(attrs, LIG_ATTR_REVERSE)};
    for (int64_t i = 0; i < run.axis.outer * run.axis.inner; i++)
        sum_along(args, &run, i / run.axis.inner * run.axis.length * run.axis.inner + i % run.axis.inner);
    return LIG_OK;
}

// x[..,L] -> its k largest [..,k], descending, NaN first, of equals the lower index first; and their indices,
// i32.
LigStatus lig_eval_top_k(LigEvalArgs *args)
{
    const LigTensor *x = &args->operands[0], *values = &args->results[0], *places = &args->results[1];
    int64_t columns = lig_eval_columns(x), k = lig_eval_columns(values);
    bool *taken = LIG_NEW_ARRAY(args->scratch, bool, (size_t)columns);
    if (!taken) return lig_no_memory(args->module->ctx);
    for (int64_t r = 0, rows = lig_eval_rows(x); r < rows; r++) {
        memset(taken, 0, (size_t)columns);
        for (int64_t i = 0; i < k; i++) {
            int64_t best = -1;
            for (int64_t c = 0; c < columns; c++) {
                bool better = best < 0 || precedes(x, r * columns + c, r * columns + best, true);
                if (!taken[c] && better) best = c;
            }
            taken[best] = true;
            lig_eval_copy_element(x, r * columns + best, values, r * k + i);
            lig_shape_set_integer(&places->shape, places->data, r * k + i, best);
        }
    }
    return LIG_OK;
}

// Moves to and from places that indices name: gather_nd, scatter, scatter_add; and pad.
#include "ir/eval_kernel.h"

#include <string.h>

// Index i of the operand `ids`, for an axis of `length`. Errors: INVALID, outside it.
static LigStatus read_id(const LigEvalArgs *args, int64_t i, int64_t length, int64_t *out)
{
    const LigTensor *ids = &args->operands[1];
    *out = lig_shape_get_integer(&ids->shape, ids->data, i);
    if (*out >= 0 && *out < length) return LIG_OK;
    return lig_eval_fail(args, LIG_ERR_INVALID,
                         "element %lld of %%%.*s is %lld, but its axis of %%%.*s has 0..%lld", (long long)i,
                         LIG_STR_ARG(args->op->operands[1]->name), (long long)*out,
                         LIG_STR_ARG(args->op->operands[0]->name), (long long)length - 1);
}

// x[A..,B], ids[I,D] with D the number of axes A -> [I,B]: x[ids[i, 0], ids[i, 1], …]. Errors: INVALID, an
// index out of range.
LigStatus lig_eval_gather_nd(LigEvalArgs *args)
{
    const LigTensor *x = &args->operands[0], *ids = &args->operands[1], *z = &args->results[0];
    int depth = (int)lig_eval_columns(ids);
    int64_t inner = lig_eval_product(&x->shape, depth, x->shape.rank);
    for (int64_t i = 0, rows = lig_eval_rows(ids); i < rows; i++) {
        int64_t from = 0, id;
        for (int axis = 0; axis < depth; axis++) {
            LIG_TRY(read_id(args, i * depth + axis, x->shape.dims[axis], &id));
            from = from * x->shape.dims[axis] + id;
        }
        for (int64_t b = 0; b < inner; b++) lig_eval_copy_element(x, from * inner + b, z, i * inner + b);
    }
    return LIG_OK;
}

// Where the values of a scatter go: element (a, i, b) of values[A,I,B] to (a, ids[i], b) of x[A,L,B].
typedef struct Scatter {
    int64_t outer, length, inner, count;
} Scatter;

static Scatter split(const LigEvalArgs *args)
{
    const LigShape *x = &args->operands[0].shape;
    int axis = lig_eval_axis(lig_attrs_int(args->op->attrs, LIG_ATTR_AXIS, 0), x->rank);
    return (Scatter){lig_eval_product(x, 0, axis), x->dims[axis], lig_eval_product(x, axis + 1, x->rank),
                     lig_eval_count(&args->operands[1])};
}

static LigStatus target_of(const LigEvalArgs *args, const Scatter *s, int64_t value, int64_t *out)
{
    int64_t id, i = value / s->inner % s->count, a = value / s->inner / s->count;
    LIG_TRY(read_id(args, i, s->length, &id));
    *out = (a * s->length + id) * s->inner + value % s->inner;
    return LIG_OK;
}

// x[A,L,B], ids[I], values[A,I,B] -> x with [a, ids[i], b] replaced by values[a, i, b]; of equal ids the last
// wins. Errors: INVALID, an id outside 0..L-1.
LigStatus lig_eval_scatter(LigEvalArgs *args)
{
    const LigTensor *x = &args->operands[0], *values = &args->operands[2], *z = &args->results[0];
    Scatter s = split(args);
    for (int64_t i = 0, n = lig_eval_count(x); i < n; i++) lig_eval_copy_element(x, i, z, i);
    for (int64_t i = 0, n = lig_eval_count(values); i < n; i++) {
        int64_t target;
        LIG_TRY(target_of(args, &s, i, &target));
        lig_eval_copy_element(values, i, z, target);
    }
    return LIG_OK;
}

static LigStatus scatter_add_integers(LigEvalArgs *args, const Scatter *s)
{
    const LigTensor *x = &args->operands[0], *values = &args->operands[2], *z = &args->results[0];
    for (int64_t i = 0, n = lig_eval_count(x); i < n; i++) lig_eval_copy_element(x, i, z, i);
    for (int64_t i = 0, n = lig_eval_count(values); i < n; i++) {
        int64_t target;
        LIG_TRY(target_of(args, s, i, &target));
        uint64_t sum = (uint64_t)lig_shape_get_integer(&z->shape, z->data, target) +
                       (uint64_t)lig_shape_get_integer(&values->shape, values->data, i);
        lig_shape_set_integer(&z->shape, z->data, target, lig_eval_wrap(z->shape.dtype, sum));
    }
    return LIG_OK;
}

// As scatter, but values are added: x first, then in the order of ids, in double, rounded once; integers wrap.
// Errors: INVALID, an id outside 0..L-1.
LigStatus lig_eval_scatter_add(LigEvalArgs *args)
{
    const LigTensor *x = &args->operands[0], *values = &args->operands[2], *z = &args->results[0];
    Scatter s = split(args);
    if (lig_dtype_is_integer(z->shape.dtype)) return scatter_add_integers(args, &s);
    double *sums;
    int64_t count = lig_eval_count(x);
    LIG_TRY(lig_eval_doubles(args, count, &sums));
    for (int64_t i = 0; i < count; i++) sums[i] = lig_shape_get(&x->shape, x->data, i);
    for (int64_t i = 0, n = lig_eval_count(values); i < n; i++) {
        int64_t target;
        LIG_TRY(target_of(args, &s, i, &target));
        sums[target] += lig_shape_get(&values->shape, values->data, i);
    }
    for (int64_t i = 0; i < count; i++) lig_shape_set(&z->shape, z->data, i, sums[i]);
    return LIG_OK;
}

// x with `low` elements of `value` (0 when absent) before and `high` behind along each axis.
LigStatus lig_eval_pad(LigEvalArgs *args)
{
    const LigTensor *x = &args->operands[0], *z = &args->results[0];
    const int64_t *low = lig_attrs_get(args->op->attrs, LIG_ATTR_LOW)->value.integers.data;
    double value = lig_attrs_float(args->op->attrs, LIG_ATTR_VALUE, 0.0);
    int64_t at[LIG_MAX_RANK];
    for (int64_t i = 0, n = lig_eval_count(z); i < n; i++) {
        bool inside = true;
        lig_eval_coordinates(&z->shape, i, at);
        for (int axis = 0; axis < x->shape.rank; axis++) {
            at[axis] -= low[axis];
            inside = inside && at[axis] >= 0 && at[axis] < x->shape.dims[axis];
        }
        if (inside)
            lig_eval_copy_element(x, lig_eval_flat(&x->shape, at), z, i);
        else
            lig_shape_set(&z->shape, z->data, i, value);
    }
    return LIG_OK;
}

// Views: each is a map from elements of the result to elements of the operand. Unplanned, the elements are
// copied; where a plan gives both the same bytes, the map must be the identity, else the plan is wrong.
#include "ir/eval_kernel.h"

#include <string.h>

// The piece of `x` that piece `flat` of the result `z` is.
typedef int64_t ViewMap(const LigEvalArgs *args, const LigShape *x, const LigShape *z, int64_t flat);

static LigStatus view(LigEvalArgs *args, ViewMap *map)
{
    LigPieces x, z;
    LIG_TRY(lig_eval_pieces(args, &args->operands[0], &x));
    LIG_TRY(lig_eval_pieces(args, &args->results[0], &z));
    const unsigned char *source = args->operands[0].data;
    unsigned char *target = args->results[0].data;
    int64_t count = lig_eval_product(&z.shape, 0, z.shape.rank);
    for (int64_t i = 0; i < count; i++) {
        int64_t from = map(args, &x.shape, &z.shape, i);
        if (source != target) {
            memcpy(target + (size_t)i * z.bytes, source + (size_t)from * x.bytes, z.bytes);
        } else if (from != i) {
            return lig_eval_fail(
                args, LIG_ERR_INVALID,
                "it is planned over %%%.*s, but its element %lld is element %lld there: only a "
                "view that keeps the order may share bytes",
                LIG_STR_ARG(args->op->operands[0]->name), (long long)i, (long long)from);
        }
    }
    return LIG_OK;
}

static int64_t map_reshape(const LigEvalArgs *args, const LigShape *x, const LigShape *z, int64_t flat)
{
    (void)args, (void)x, (void)z;
    return flat;
}

static int64_t map_transpose(const LigEvalArgs *args, const LigShape *x, const LigShape *z, int64_t flat)
{
    const LigAttr *perm = lig_attrs_get(args->op->attrs, LIG_ATTR_PERM);
    int64_t at[LIG_MAX_RANK], from[LIG_MAX_RANK];
    lig_eval_coordinates(z, flat, at);
    for (int i = 0; i < z->rank; i++) from[lig_eval_axis(perm->value.integers.data[i], z->rank)] = at[i];
    return lig_eval_flat(x, from);
}

static int64_t map_slice(const LigEvalArgs *args, const LigShape *x, const LigShape *z, int64_t flat)
{
    int axis = lig_eval_axis(lig_attrs_int(args->op->attrs, LIG_ATTR_AXIS, 0), z->rank);
    int64_t begin = lig_attrs_int(args->op->attrs, LIG_ATTR_BEGIN, 0), at[LIG_MAX_RANK];
    int64_t step = lig_attrs_int(args->op->attrs, LIG_ATTR_STEP, 1);
    if (axis == z->rank - 1) begin /= lig_dtype_block(x->dtype); // whole blocks, by the shape rule
    lig_eval_coordinates(z, flat, at);
    at[axis] = begin + at[axis] * step;
    return lig_eval_flat(x, at);
}

static int64_t map_broadcast(const LigEvalArgs *args, const LigShape *x, const LigShape *z, int64_t flat)
{
    (void)args;
    return lig_eval_broadcast_index(x, z, flat);
}

// The same elements in row-major order under another shape.
LigStatus lig_eval_reshape(LigEvalArgs *args) { return view(args, map_reshape); }
// Axis i of the result is axis perm[i] of x.
LigStatus lig_eval_transpose(LigEvalArgs *args) { return view(args, map_transpose); }
// Indices begin, begin + step, ... below end of one axis.
LigStatus lig_eval_slice(LigEvalArgs *args) { return view(args, map_slice); }
// x repeated along new axes and axes of size 1.
LigStatus lig_eval_broadcast(LigEvalArgs *args) { return view(args, map_broadcast); }

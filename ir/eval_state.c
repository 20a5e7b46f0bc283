// Ops that give the new value of a state, in the state's own bytes.
#include "ir/eval_kernel.h"

enum { STATE, X, SLOT, START, POS };

static LigStatus append_token(const LigEvalArgs *args, int64_t token, int64_t slot)
{
    const LigTensor *x = &args->operands[X], *pos = &args->operands[POS], *z = &args->results[0];
    int64_t heads = z->shape.dims[1], capacity = z->shape.dims[2], width = z->shape.dims[3];
    int64_t at = lig_shape_get_integer(&pos->shape, pos->data, token);
    if (at < 0 || at >= capacity)
        return lig_eval_fail(args, LIG_ERR_INVALID, "pos[%lld] is %lld, but the cache holds positions 0..%lld",
                             (long long)token, (long long)at, (long long)capacity - 1);
    for (int64_t i = 0; i < heads * width; i++) {
        int64_t h = i / width, d = i % width;
        double value = lig_shape_get(&x->shape, x->data, token * heads * width + i);
        lig_shape_set(&z->shape, z->data, ((slot * heads + h) * capacity + at) * width + d, value);
    }
    return LIG_OK;
}

// state[S,H,C,D], x[N,H,D], slot[R], start[R+1], pos[N] -> state with x[t], in the state's dtype, written at
// [slot of t's row, :, pos[t], :]; a later token wins over an earlier one at the same place. Tokens of no row
// are not written. Errors: INVALID, a slot, start or position out of range.
LigStatus lig_eval_append(LigEvalArgs *args)
{
    LigEvalRows rows;
    LIG_TRY(lig_eval_rows_read(args, START, SLOT, &rows));
    for (int64_t r = 0; r < rows.count; r++) {
        for (int64_t t = rows.start[r]; t < rows.start[r + 1]; t++)
            LIG_TRY(append_token(args, t, rows.slot[r]));
    }
    return LIG_OK;
}

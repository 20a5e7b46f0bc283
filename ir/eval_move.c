// Ops that move data: gather, concat, iota, constant, pack; and rope.
#include "ir/eval_kernel.h"

#include <math.h>
#include <string.h>

static LigStatus fail_id(const LigEvalArgs *args, int64_t at, int64_t id, int64_t length)
{
    return lig_eval_fail(args, LIG_ERR_INVALID, "element %lld of %%%.*s is %lld, but %%%.*s has 0..%lld",
                         (long long)at, LIG_STR_ARG(args->op->operands[1]->name), (long long)id,
                         LIG_STR_ARG(args->op->operands[0]->name), (long long)length - 1);
}

// table[G,A,L,B], ids[G,I] -> [G,A,I,B]: G the `batch` axes, A and B those before and after `axis`; quantised
// tables give f32. Errors: INVALID, an id outside 0..L-1.
LigStatus lig_eval_gather(LigEvalArgs *args)
{
    const LigTensor *table = &args->operands[0], *ids = &args->operands[1], *z = &args->results[0];
    int batch = (int)lig_attrs_int(args->op->attrs, LIG_ATTR_BATCH, 0);
    int axis = lig_eval_axis(lig_attrs_int(args->op->attrs, LIG_ATTR_AXIS, 0), table->shape.rank);
    int64_t length = table->shape.dims[axis], count = lig_eval_product(&ids->shape, batch, ids->shape.rank);
    int64_t outer = lig_eval_product(&table->shape, batch, axis);
    int64_t inner = lig_eval_product(&table->shape, axis + 1, table->shape.rank);
    for (int64_t i = 0, n = lig_eval_count(ids); i < n; i++) {
        int64_t id = lig_shape_get_integer(&ids->shape, ids->data, i), group = i / count;
        if (id < 0 || id >= length) return fail_id(args, i, id, length);
        for (int64_t j = 0; j < outer * inner; j++) {
            int64_t a = group * outer + j / inner, b = j % inner;
            lig_eval_copy_element(table, (a * length + id) * inner + b, z, (a * count + i % count) * inner + b);
        }
    }
    return LIG_OK;
}

// Operands side by side along `axis`; whole blocks of quantised ones.
LigStatus lig_eval_concat(LigEvalArgs *args)
{
    LigPieces x, z;
    LIG_TRY(lig_eval_pieces(args, &args->results[0], &z));
    int axis = lig_eval_axis(lig_attrs_int(args->op->attrs, LIG_ATTR_AXIS, 0), z.shape.rank);
    int64_t outer = lig_eval_product(&z.shape, 0, axis);
    size_t pitch = (size_t)lig_eval_product(&z.shape, axis, z.shape.rank) * z.bytes, offset = 0;
    for (size_t i = 0; i < args->op->operand_count; i++) {
        LIG_TRY(lig_eval_pieces(args, &args->operands[i], &x));
        const unsigned char *source = args->operands[i].data;
        unsigned char *target = args->results[0].data;
        size_t run = (size_t)lig_eval_product(&x.shape, axis, x.shape.rank) * x.bytes;
        for (int64_t o = 0; run && o < outer; o++)
            memcpy(target + (size_t)o * pitch + offset, source + (size_t)o * run, run);
        offset += run;
    }
    return LIG_OK;
}

// The index along `axis`.
LigStatus lig_eval_iota(LigEvalArgs *args)
{
    const LigTensor *z = &args->results[0];
    int axis = lig_eval_axis(lig_attrs_int(args->op->attrs, LIG_ATTR_AXIS, 0), z->shape.rank);
    int64_t inner = lig_eval_product(&z->shape, axis + 1, z->shape.rank);
    for (int64_t i = 0, n = lig_eval_count(z); i < n; i++)
        lig_shape_set_integer(&z->shape, z->data, i, i / inner % z->shape.dims[axis]);
    return LIG_OK;
}

// The bytes written in the text. Errors: NOT_FOUND, they are not there.
LigStatus lig_eval_constant(LigEvalArgs *args)
{
    size_t bytes;
    const void *data = args->op->results[0]->data;
    if (!data || !lig_shape_bytes(&args->results[0].shape, &bytes))
        return lig_eval_fail(args, LIG_ERR_NOT_FOUND, "its values are not in the module");
    memcpy(args->results[0].data, data, bytes);
    return LIG_OK;
}

// x in the layout of the result, bit for bit; padding is zero bytes.
LigStatus lig_eval_pack(LigEvalArgs *args)
{
    const LigTensor *x = &args->operands[0], *z = &args->results[0];
    size_t bytes;
    if (!lig_shape_bytes(&z->shape, &bytes))
        return lig_eval_fail(args, LIG_ERR_SHAPE, "its size in bytes does not fit 64 bits");
    memset(z->data, 0, bytes);
    lig_shape_repack(&x->shape, x->data, &z->shape, z->data, 0, lig_eval_rows(x));
    return LIG_OK;
}

// Rotates the pair (a, b) of row `base` of x by an angle: both read before either is written, as x may be z.
static void rotate(const LigEvalArgs *args, int64_t a, int64_t b, double angle)
{
    const LigTensor *x = &args->operands[0], *z = &args->results[0];
    double first = lig_shape_get(&x->shape, x->data, a), second = lig_shape_get(&x->shape, x->data, b);
    lig_shape_set(&z->shape, z->data, a, first * cos(angle) - second * sin(angle));
    lig_shape_set(&z->shape, z->data, b, first * sin(angle) + second * cos(angle));
}

// Rotates by `direction` (1 or -1) times the angle.
static LigStatus rotate_all(LigEvalArgs *args, double direction)
{
    const LigTensor *x = &args->operands[0], *pos = &args->operands[1], *freq = &args->operands[2];
    LigStr pairs = lig_attrs_name(args->op->attrs, LIG_ATTR_PAIRS, LIG_STR(""));
    bool adjacent = lig_str_is(pairs, "adjacent");
    if (!adjacent && !lig_str_is(pairs, "half"))
        return lig_eval_fail(args, LIG_ERR_INVALID, "pairs is %.*s, but it must be adjacent or half",
                             LIG_STR_ARG(pairs));
    int64_t heads = x->shape.dims[1], width = x->shape.dims[2], count = freq->shape.dims[0];
    for (int64_t row = 0, rows = lig_eval_rows(x); row < rows; row++) {
        float position = (float)lig_shape_get_integer(&pos->shape, pos->data, row / heads);
        for (int64_t i = 0; i < count; i++) {
            float angle = position * (float)lig_shape_get(&freq->shape, freq->data, i);
            int64_t a = row * width + (adjacent ? 2 * i : i), b = adjacent ? a + 1 : a + count;
            rotate(args, a, b, direction * (double)angle);
        }
        for (int64_t c = 2 * count; c < width; c++)
            lig_eval_copy_element(x, row * width + c, &args->results[0], row * width + c);
    }
    return LIG_OK;
}

// x[N,H,D], pos[N], freq[F] -> the first F pairs of the last axis rotated by the angle pos * freq, rounded to
// f32; elements from 2F on unchanged. Pair i is (2i, 2i+1) of `adjacent`, (i, i+F) of `half`.
// Su et al., arXiv:2104.09864. Errors: INVALID, `pairs` of another name.
LigStatus lig_eval_rope(LigEvalArgs *args) { return rotate_all(args, 1.0); }
// dy[N,H,D], pos[N], freq[F] -> the gradient of x: rotated back.
LigStatus lig_eval_rope_grad(LigEvalArgs *args) { return rotate_all(args, -1.0); }

// What the interpreter's kernels share.
#include "ir/eval_kernel.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

LigStatus lig_eval_fail(const LigEvalArgs *args, LigStatus status, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    LigStr message = lig_str_vformat(args->scratch, format, list);
    va_end(list);
    if (!message.data) return lig_no_memory(args->module->ctx);
    const LigOp *op = args->op;
    LigStr name = op->result_count ? op->results[0]->name : LIG_STR("?");
    return lig_fail(args->module->ctx, status, op->loc, "%s %%%.*s: %s", lig_op_info(op->code)->name,
                    LIG_STR_ARG(name), message.data);
}

int64_t lig_eval_product(const LigShape *shape, int first, int end)
{
    int64_t product = 1;
    for (int i = first; i < end; i++) product *= shape->dims[i];
    return product;
}

int64_t lig_eval_count(const LigTensor *tensor)
{
    return lig_eval_product(&tensor->shape, 0, tensor->shape.rank);
}

int64_t lig_eval_columns(const LigTensor *tensor)
{
    return tensor->shape.rank ? tensor->shape.dims[tensor->shape.rank - 1] : 1;
}

int64_t lig_eval_rows(const LigTensor *tensor)
{
    return lig_eval_product(&tensor->shape, 0, tensor->shape.rank - 1);
}

int lig_eval_axis(int64_t axis, int rank) { return (int)(axis < 0 ? axis + rank : axis); }

LigStatus lig_eval_doubles(const LigEvalArgs *args, int64_t count, double **out)
{
    *out = LIG_NEW_ARRAY(args->scratch, double, (size_t)count);
    return *out ? LIG_OK : lig_no_memory(args->module->ctx);
}

LigStatus lig_eval_read_all(const LigEvalArgs *args, size_t operand, double **out)
{
    const LigTensor *x = &args->operands[operand];
    int64_t columns = lig_eval_columns(x);
    LIG_TRY(lig_eval_doubles(args, lig_eval_count(x), out));
    for (int64_t r = 0, rows = lig_eval_rows(x); r < rows; r++)
        lig_shape_get_row(&x->shape, x->data, r, *out + r * columns);
    return LIG_OK;
}

void lig_eval_store_all(const LigTensor *result, const double *values)
{
    for (int64_t i = 0, n = lig_eval_count(result); i < n; i++)
        lig_shape_set(&result->shape, result->data, i, values[i]);
}

void lig_eval_coordinates(const LigShape *shape, int64_t flat, int64_t *coordinates)
{
    for (int i = shape->rank - 1; i >= 0; i--) {
        coordinates[i] = flat % shape->dims[i];
        flat /= shape->dims[i];
    }
}

int64_t lig_eval_flat(const LigShape *shape, const int64_t *coordinates)
{
    int64_t flat = 0;
    for (int i = 0; i < shape->rank; i++) flat = flat * shape->dims[i] + coordinates[i];
    return flat;
}

int64_t lig_eval_broadcast_index(const LigShape *operand, const LigShape *result, int64_t flat)
{
    int64_t index = 0, stride = 1;
    int shift = result->rank - operand->rank;
    for (int i = result->rank - 1; i >= shift; i--) {
        int64_t size = operand->dims[i - shift];
        if (size != 1) index += flat % result->dims[i] * stride;
        stride *= size;
        flat /= result->dims[i];
    }
    return index;
}

LigStatus lig_eval_pieces(const LigEvalArgs *args, const LigTensor *tensor, LigPieces *out)
{
    LigDtype dtype = tensor->shape.dtype;
    *out = (LigPieces){tensor->shape, (size_t)lig_dtype_block_bytes(dtype)};
    if (tensor->shape.rank) out->shape.dims[tensor->shape.rank - 1] /= lig_dtype_block(dtype);
    if (tensor->shape.layout.kind == LIG_LAYOUT_ROWS) return LIG_OK;
    return lig_eval_fail(args, LIG_ERR_UNSUPPORTED,
                         "an operand lies in panels, but only rows are reordered: pack it to rows before");
}

LigStatus lig_eval_edges(const LigEvalArgs *args, size_t operand, int64_t limit, const int64_t **out)
{
    const LigTensor *tensor = &args->operands[operand];
    LigStr name = lig_op_operand_name(args->op->code, operand);
    int64_t last = 0, count = lig_eval_count(tensor);
    int64_t *edges = LIG_NEW_ARRAY(args->scratch, int64_t, (size_t)count);
    if (!edges) return lig_no_memory(args->module->ctx);
    for (int64_t i = 0; i < count; i++) {
        edges[i] = lig_shape_get_integer(&tensor->shape, tensor->data, i);
        if (edges[i] < last || edges[i] > limit)
            return lig_eval_fail(args, LIG_ERR_INVALID,
                                 "%.*s[%lld] is %lld, but they must ascend from 0 to at most %lld, the tokens",
                                 LIG_STR_ARG(name), (long long)i, (long long)edges[i], (long long)limit);
        last = edges[i];
    }
    *out = edges;
    return LIG_OK;
}

static LigStatus read_slots(const LigEvalArgs *args, const LigTensor *operand, int64_t rows, int64_t *slot)
{
    const LigTensor *cache = &args->operands[args->op->code == LIG_OP_APPEND ? 0 : 1];
    int64_t slots = cache->shape.dims[0];
    for (int64_t r = 0; r < rows; r++) {
        slot[r] = lig_shape_get_integer(&operand->shape, operand->data, r);
        if (slot[r] < 0 || slot[r] >= slots)
            return lig_eval_fail(args, LIG_ERR_INVALID, "slot[%lld] is %lld, but the cache has slots 0..%lld",
                                 (long long)r, (long long)slot[r], (long long)slots - 1);
    }
    return LIG_OK;
}

LigStatus lig_eval_rows_read(const LigEvalArgs *args, size_t start_operand, size_t slot_operand,
                             LigEvalRows *out)
{
    const LigTensor *starts = &args->operands[start_operand];
    const LigTensor *tokens = &args->operands[args->op->code == LIG_OP_APPEND ? 1 : 0];
    int64_t rows = starts->shape.dims[0] - 1;
    *out = (LigEvalRows){.count = rows};
    LIG_TRY(lig_eval_edges(args, start_operand, tokens->shape.dims[0], &out->start));
    if (slot_operand >= args->op->operand_count) return LIG_OK;
    int64_t *slot = LIG_NEW_ARRAY(args->scratch, int64_t, (size_t)rows);
    if (!slot) return lig_no_memory(args->module->ctx);
    out->slot = slot;
    return read_slots(args, &args->operands[slot_operand], rows, slot);
}

LigEvalWindow lig_eval_window(const LigEvalArgs *args)
{
    int64_t window = lig_attrs_int(args->op->attrs, LIG_ATTR_WINDOW, INT64_MAX);
    if (lig_attrs_flag(args->op->attrs, LIG_ATTR_CAUSAL)) return (LigEvalWindow){window - 1, 0};
    return (LigEvalWindow){window / 2, window / 2};
}

void lig_eval_visible(LigEvalWindow window, int64_t place, int64_t kv_len, int64_t *first, int64_t *end)
{
    *first = place > window.before ? place - window.before : 0;
    *end = window.after < kv_len - place ? place + window.after + 1 : kv_len;
}

double lig_eval_inner_product(const double *x, const double *y, int64_t count)
{
    double sums[8] = {0};
    int64_t i = 0;
    for (; i + 8 <= count; i += 8) {
        for (int lane = 0; lane < 8; lane++) sums[lane] += x[i + lane] * y[i + lane];
    }
    for (; i < count; i++) sums[i % 8] += x[i] * y[i];
    return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

int64_t lig_eval_wrap(LigDtype dtype, uint64_t v)
{
    switch (lig_dtype_block_bytes(dtype)) {
    case 1:
        return dtype == LIG_I8 ? (int8_t)v : (uint8_t)v;
    case 4:
        return (int32_t)v;
    default:
        return (int64_t)v;
    }
}

void lig_eval_copy_element(const LigTensor *from, int64_t source, const LigTensor *to, int64_t target)
{
    const unsigned char *data = from->data;
    if (lig_dtype_is_quantised(from->shape.dtype)) {
        lig_shape_set(&to->shape, to->data, target, lig_shape_get(&from->shape, data, source));
        return;
    }
    size_t bytes = (size_t)lig_dtype_block_bytes(to->shape.dtype); // source may be target
    memmove((unsigned char *)to->data + lig_shape_byte(&to->shape, target),
            data + lig_shape_byte(&from->shape, source), bytes);
}

double lig_eval_log_sum(const double *x, int64_t count)
{
    double highest = -HUGE_VAL, sum = 0.0;
    for (int64_t i = 0; i < count; i++) highest = isnan(x[i]) || x[i] > highest ? x[i] : highest;
    for (int64_t i = 0; i < count; i++) sum += exp(x[i] - highest);
    return highest + log(sum);
}

#include "tools/tensor_io.h"

#include "ir/base/alloc.h"
#include "tools/interrupt.h"

#include <string.h>

LigStatus lig_inputs_open(LigOptions *options, LigSafetensors **out)
{
    const char *path = lig_option_text(options, LIG_OPT_INPUTS);
    if (!path) return lig_options_misused(options, "--inputs is missing: --inputs FILE.safetensors");
    return lig_safetensors_open(options->ctx, path, out);
}

static const LigFileTensor *find(const LigSafetensors *inputs, LigStr name)
{
    const LigTensorSet *set = lig_safetensors_tensors(inputs);
    const LigFileTensor *tensor = lig_tensor_set_find(set, name);
    for (size_t i = 0; !tensor && i < set->count; i++) {
        LigStr other = set->tensors[i].name;
        if (lig_str_starts_with(other, LIG_STR("in.")) && lig_str_equal(lig_str_skip(other, 3), name)) {
            tensor = &set->tensors[i];
        }
    }
    return tensor;
}

bool lig_inputs_have(const LigSafetensors *inputs, LigStr name) { return find(inputs, name) != NULL; }

static LigStatus fail_input(LigOptions *options, LigStatus status, LigStr name, const char *what)
{
    return lig_fail(options->ctx, status, LIG_FILE_LOC(lig_option_text(options, LIG_OPT_INPUTS)),
                    "input '%.*s' %s", LIG_NAME_ARG(name), what);
}

static LigStatus shape_of(LigOptions *options, const LigFileTensor *source, LigShape *shape)
{
    *shape = (LigShape){.rank = source->rank};
    if (source->rank > LIG_MAX_RANK) return fail_input(options, LIG_ERR_SHAPE, source->name, "has over 6 axes");
    if (!lig_dtype_find(lig_str(source->type_name), &shape->dtype)) {
        return fail_input(options, LIG_ERR_DTYPE, source->name, "has a type that graphs do not know");
    }
    for (int i = 0; i < source->rank; i++) shape->dims[i] = source->dims[i];
    return LIG_OK;
}

// An integer as `shape` holds it; false when it does not fit.
static bool set_integer(const LigShape *shape, void *data, int64_t flat, int64_t value)
{
    lig_shape_set_integer(shape, data, flat, value);
    return lig_shape_get_integer(shape, data, flat) == value;
}

static LigStatus convert(LigOptions *options, const LigFileTensor *source, const LigShape *from, LigTensor *to)
{
    int64_t count;
    size_t bytes;
    if (!lig_shape_count(from, &count) || !lig_shape_bytes(&to->shape, &bytes)) {
        return lig_no_memory(options->ctx);
    }
    to->data = lig_arena_alloc(options->arena, bytes);
    if (!to->data) return lig_no_memory(options->ctx);
    bool floats = lig_dtype_is_float(to->shape.dtype);
    for (int64_t i = 0; i < count; i++) {
        if (floats) {
            lig_shape_set(&to->shape, to->data, i, lig_shape_get(from, source->data, i));
        } else if (!set_integer(&to->shape, to->data, i, lig_shape_get_integer(from, source->data, i))) {
            return fail_input(options, LIG_ERR_INVALID, source->name,
                              "holds a number that the function's type does not");
        }
    }
    return LIG_OK;
}

LigStatus lig_inputs_get(LigOptions *options, const LigSafetensors *inputs, LigStr name, LigDtype dtype,
                         LigTensor *out)
{
    const LigFileTensor *source = find(inputs, name);
    if (!source) return fail_input(options, LIG_ERR_NOT_FOUND, name, "is missing: add a tensor of that name");
    LigShape from;
    LIG_TRY(shape_of(options, source, &from));
    out->shape = from;
    out->shape.dtype = dtype;
    if (from.dtype == dtype) {
        out->data = (void *)(uintptr_t)source->data; // inputs are only read
        return LIG_OK;
    }
    bool fits = (lig_dtype_is_float(from.dtype) && lig_dtype_is_float(dtype)) ||
                (lig_dtype_is_integer(from.dtype) && lig_dtype_is_integer(dtype));
    if (fits) return convert(options, source, &from, out);
    return lig_fail(options->ctx, LIG_ERR_DTYPE, LIG_FILE_LOC(lig_option_text(options, LIG_OPT_INPUTS)),
                    "input '%.*s' is %s, but %s is expected", LIG_NAME_ARG(name), lig_dtype_name(from.dtype),
                    lig_dtype_name(dtype));
}

LigStatus lig_outputs_check(LigOptions *options)
{
    if (lig_option_given(options, LIG_OPT_OUTPUT)) return LIG_OK;
    return lig_options_misused(options, "-o is missing: -o FILE.safetensors");
}

LigStatus lig_outputs_write(const LigOptions *options, const LigNamedTensor *tensors, size_t count)
{
    LigFileTensor *files = LIG_NEW_ARRAY(options->arena, LigFileTensor, count);
    if (!files) return lig_no_memory(options->ctx);
    for (size_t i = 0; i < count; i++) {
        const LigShape *shape = &tensors[i].tensor.shape;
        files[i] = (LigFileTensor){.name = tensors[i].name,
                                   .type_name = lig_dtype_name(shape->dtype),
                                   .rank = shape->rank,
                                   .data = tensors[i].tensor.data};
        for (int d = 0; d < shape->rank; d++) files[i].dims[d] = shape->dims[d];
        if (!lig_shape_bytes(shape, &files[i].bytes)) return lig_no_memory(options->ctx);
    }
    const LigSafetensorsContent content = {.tensors = files, .count = count};
    lig_interrupts_defer();
    LigStatus status = lig_safetensors_write(options->ctx, lig_option_text(options, LIG_OPT_OUTPUT), &content);
    lig_interrupts_allow();
    return status;
}

LigStatus lig_tensor_memory_get(LigContext *ctx, const LigShape *shape, LigTensorMemory *out)
{
    *out = (LigTensorMemory){0};
    if (!lig_shape_bytes(shape, &out->bytes)) return lig_no_memory(ctx);
    if (out->bytes == 0) out->bytes = 1;
    out->data = lig_alloc_pages(out->bytes);
    return out->data ? LIG_OK : lig_no_memory(ctx);
}

void lig_tensor_memory_free(LigTensorMemory *memory)
{
    if (memory->data) lig_free_pages(memory->data, memory->bytes);
    *memory = (LigTensorMemory){0};
}

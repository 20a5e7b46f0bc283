#include "tools/json_output.h"

#include "tools/command_output.h"

#include <math.h>

static int append_piece(const char *data, size_t bytes, void *text)
{
    lig_text_append(text, (LigStr){data, bytes});
    return ((LigText *)text)->failed ? -1 : 0;
}

bool lig_json_append(LigText *text, const json_t *root)
{
    // In ASCII: U+2028 and its like end lines for some readers of JSON lines.
    const size_t form = JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII;
    return json_dump_callback(root, append_piece, text, form) == 0;
}

LigStatus lig_json_print(const LigOptions *options, json_t *root)
{
    LigText text = {0};
    bool complete = root && lig_json_append(&text, root);
    json_decref(root);
    lig_text_append_char(&text, '\n');
    if (complete) return lig_command_output_text(options, &text);
    lig_text_free(&text);
    return lig_no_memory(options->ctx);
}

json_t *lig_json_ids(const int32_t *ids, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < count; i++) {
        if (json_array_append_new(list, json_integer(ids[i])) == 0) continue;
        json_decref(list);
        return NULL;
    }
    return list;
}

static json_t *element(const LigTensor *tensor, int64_t i)
{
    if (lig_dtype_is_integer(tensor->shape.dtype)) {
        return json_integer(lig_shape_get_integer(&tensor->shape, tensor->data, i));
    }
    double value = lig_shape_get(&tensor->shape, tensor->data, i);
    if (isnan(value)) return json_string("nan");
    return isinf(value) ? json_string(value < 0 ? "-inf" : "inf") : json_real(value);
}

json_t *lig_json_tensor(const LigTensor *tensor)
{
    int64_t count = 0;
    json_t *shape = json_array(), *data = json_array();
    bool complete = shape && data && lig_shape_count(&tensor->shape, &count);
    for (int d = 0; complete && d < tensor->shape.rank; d++) {
        complete = json_array_append_new(shape, json_integer(tensor->shape.dims[d])) == 0;
    }
    for (int64_t i = 0; complete && i < count; i++) {
        complete = json_array_append_new(data, element(tensor, i)) == 0;
    }
    if (complete) return json_pack("{s:o,s:o}", "shape", shape, "data", data);
    json_decref(shape);
    json_decref(data);
    return NULL;
}

json_t *lig_json_str(LigStr text) { return json_stringn(text.data ? text.data : "", text.length); }

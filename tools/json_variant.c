#include "tools/json_variant.h"

static bool copy_text(LigArena *arena, const char *data, size_t length, LigStr *out)
{
    *out = lig_str_copy(arena, (LigStr){data, length});
    return out->data != NULL;
}

static bool from_list(LigArena *arena, const json_t *json, LigVariant *out)
{
    bool done = lig_variant_new_list(arena, out);
    for (size_t i = 0; done && i < json_array_size(json); i++) {
        LigVariant item;
        done =
            lig_variant_from_json(arena, json_array_get(json, i), &item) && lig_variant_push(arena, out, item);
    }
    return done;
}

static bool from_object(LigArena *arena, const json_t *json, LigVariant *out)
{
    bool done = lig_variant_new_map(arena, out);
    json_t *root = (json_t *)(uintptr_t)json; // jansson's iterators take no const
    for (void *at = json_object_iter(root); done && at; at = json_object_iter_next(root, at)) {
        const char *name = json_object_iter_key(at);
        LigStr key;
        LigVariant value;
        done = copy_text(arena, name, json_object_iter_key_len(at), &key) &&
               lig_variant_from_json(arena, json_object_iter_value(at), &value) &&
               lig_variant_put(arena, out, key, value);
    }
    return done;
}

bool lig_variant_from_json(LigArena *arena, const json_t *json, LigVariant *out)
{
    if (json_is_array(json)) return from_list(arena, json, out);
    if (json_is_object(json)) return from_object(arena, json, out);
    if (json_is_string(json)) {
        LigStr text;
        if (!copy_text(arena, json_string_value(json), json_string_length(json), &text)) return false;
        *out = lig_variant_string(text);
    } else if (json_is_integer(json)) {
        *out = lig_variant_int(json_integer_value(json));
    } else if (json_is_real(json)) {
        *out = lig_variant_float(json_real_value(json));
    } else {
        *out =
            json_is_null(json) ? (LigVariant){.kind = LIG_VARIANT_NONE} : lig_variant_bool(json_is_true(json));
    }
    return true;
}

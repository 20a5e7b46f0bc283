// Rope, as config.json tells it: old files have rope_theta beside rope_scaling, new ones both in
// rope_parameters, which may tell them for each type of layers.
#include "frontend/import_hf.h"

#include <stddef.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static const char *const known_keys[] = {
    "rope_theta", "partial_rotary_factor", "rope_type",        "type",
    "factor",     "low_freq_factor",       "high_freq_factor", "original_max_position_embeddings",
};

static LigStatus need_number(LigHfReader *r, const LigJson *rope, const char *key, LigConfigUse use,
                             size_t offset)
{
    LIG_TRY(lig_json_require(rope, key));
    return lig_hf__number(r, (LigJsonKey){rope, key}, use, offset);
}

// The key that tells the type; NULL when none does.
static LigStatus find_type(const LigJson *rope, const char **key, LigStr *type)
{
    LigStr old = {0};
    LIG_TRY(lig_json_get_str(rope, "rope_type", type));
    LIG_TRY(lig_json_get_str(rope, "type", &old));
    *key = type->length ? "rope_type" : old.length ? "type" : NULL;
    if (type->length && old.length && !lig_str_equal(*type, old))
        return lig_json_fail_pair((LigJsonKey){rope, "rope_type"}, (LigJsonKey){rope, "type"},
                                  "they mean the same, make them agree");
    if (!type->length) *type = old;
    return LIG_OK;
}

static LigStatus read_scaling(LigHfReader *r, const LigJson *rope, size_t offset)
{
    static const char *const names[] = {
        [LIG_ROPE_PLAIN] = "default", [LIG_ROPE_LINEAR] = "linear", [LIG_ROPE_LLAMA3] = "llama3"};
    LigRopeSpec *out = (LigRopeSpec *)(void *)((char *)r->config + offset);
    const char *key = NULL;
    LigStr type = {0};
    LIG_TRY(find_type(rope, &key, &type));
    if (!key) return LIG_OK;
    size_t scaling = 0;
    while (scaling < COUNT_OF(names) && !lig_str_is(type, names[scaling])) scaling++;
    if (scaling == COUNT_OF(names))
        return lig_json_fail_value(rope, LIG_ERR_UNSUPPORTED, key,
                                   "expected default, linear or llama3, no other type of rope is known");
    LIG_TRY(
        lig_hf__claim(r, (LigJsonKey){rope, key}, offset + offsetof(LigRopeSpec, scaling), (double)scaling));
    out->scaling = (LigRopeScaling)scaling;
    return LIG_OK;
}

static LigStatus read_llama3(LigHfReader *r, const LigJson *rope, size_t offset)
{
    static const char low[] = "low_freq_factor", high[] = "high_freq_factor";
    const LigRopeSpec *out = (const LigRopeSpec *)(const void *)((const char *)r->config + offset);
    LIG_TRY(need_number(r, rope, low, LIG_CONFIG_REAL, offset + offsetof(LigRopeSpec, low_freq_factor)));
    LIG_TRY(need_number(r, rope, high, LIG_CONFIG_REAL, offset + offsetof(LigRopeSpec, high_freq_factor)));
    if (out->high_freq_factor <= out->low_freq_factor)
        return lig_json_fail_pair((LigJsonKey){rope, high}, (LigJsonKey){rope, low},
                                  "expected the high one above the low one");
    return need_number(r, rope, "original_max_position_embeddings", LIG_CONFIG_INT,
                       offset + offsetof(LigRopeSpec, original_context));
}

// One object about the rope at `offset` of LigHfConfig.
static LigStatus read_rope(LigHfReader *r, const LigJson *rope, size_t offset)
{
    const LigRopeSpec *out = (const LigRopeSpec *)(const void *)((const char *)r->config + offset);
    LIG_TRY(lig_json_check_known(rope, known_keys, COUNT_OF(known_keys)));
    LIG_TRY(lig_hf__number(r, (LigJsonKey){rope, "rope_theta"}, LIG_CONFIG_REAL,
                           offset + offsetof(LigRopeSpec, theta)));
    LIG_TRY(lig_hf__number(r, (LigJsonKey){rope, "partial_rotary_factor"}, LIG_CONFIG_FRACTION,
                           offset + offsetof(LigRopeSpec, fraction)));
    LIG_TRY(read_scaling(r, rope, offset));
    if (out->scaling == LIG_ROPE_PLAIN) return LIG_OK;
    LIG_TRY(need_number(r, rope, "factor", LIG_CONFIG_REAL, offset + offsetof(LigRopeSpec, factor)));
    return out->scaling == LIG_ROPE_LLAMA3 ? read_llama3(r, rope, offset) : LIG_OK;
}

// {"full_attention": {…}, "sliding_attention": {…}}
static LigStatus read_rope_by_layer_type(LigHfReader *r)
{
    static const char *const layer_types[] = {"full_attention", "sliding_attention"};
    LIG_TRY(lig_json_check_known(&r->parameters, layer_types, COUNT_OF(layer_types)));
    LIG_TRY(lig_json_child(&r->parameters, layer_types[0], &r->full));
    LIG_TRY(lig_json_child(&r->parameters, layer_types[1], &r->sliding));
    if (r->full.object) LIG_TRY(read_rope(r, &r->full, offsetof(LigHfConfig, spec.position.rope)));
    return r->sliding.object ? read_rope(r, &r->sliding, offsetof(LigHfConfig, local_rope)) : LIG_OK;
}

LigStatus lig_hf__ropes(LigHfReader *r)
{
    const size_t rope = offsetof(LigHfConfig, spec.position.rope);
    LIG_TRY(lig_json_child(r->json, "rope_scaling", &r->scaling));
    LIG_TRY(lig_json_child(r->json, "rope_parameters", &r->parameters));
    if (r->scaling.object) LIG_TRY(read_rope(r, &r->scaling, rope));
    if (!r->parameters.object) return LIG_OK;
    return r->config->own_local_rope ? read_rope_by_layer_type(r) : read_rope(r, &r->parameters, rope);
}

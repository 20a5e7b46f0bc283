// Which layers have the window, as config.json tells it, and the blocks that follow. Newer files list each
// layer's type beside the rule that older ones have alone; both must say the same.
#include "frontend/import_hf.h"

static const char list_key[] = "layer_types";

// What the rule says of a layer.
static bool rule_windows(const LigHfConfig *c, int64_t layer)
{
    if (!c->window) return false;
    switch (c->windowed) {
    case LIG_WINDOWED_ALL:
        break;
    case LIG_WINDOWED_FROM:
        return c->use_window && layer >= c->first_windowed;
    case LIG_WINDOWED_BUT_EVERY:
        return layer % c->global_every != 0;
    }
    return true;
}

// The key that decides what the rule says of each layer.
static const char *rule_key(const LigHfConfig *c)
{
    switch (c->windowed) {
    case LIG_WINDOWED_ALL:
        break;
    case LIG_WINDOWED_FROM:
        return !c->use_window ? "use_sliding_window" : c->window ? "max_window_layers" : "sliding_window";
    case LIG_WINDOWED_BUT_EVERY:
        return "global_attn_every_n_layers";
    }
    return "sliding_window";
}

// Whether the file states the rule: a count that it leaves at its default says nothing against a list.
static bool rule_is_stated(const LigHfReader *r)
{
    const LigHfConfig *c = r->config;
    bool counts = c->windowed == LIG_WINDOWED_BUT_EVERY ||
                  (c->windowed == LIG_WINDOWED_FROM && c->use_window && c->window);
    return !counts || lig_json_has(r->json, rule_key(c));
}

// What the list says of a layer.
static LigStatus listed(const LigHfReader *r, const json_t *list, int64_t layer, bool *windowed)
{
    const json_t *type = json_array_get(list, (size_t)layer);
    LigStr name =
        json_is_string(type) ? (LigStr){json_string_value(type), json_string_length(type)} : (LigStr){0};
    *windowed = lig_str_is(name, "sliding_attention");
    if (*windowed || lig_str_is(name, "full_attention")) return LIG_OK;
    return lig_json_fail(r->json, LIG_ERR_UNSUPPORTED, list_key,
                         "calls layer %lld \"%.*s\": expected full_attention or sliding_attention",
                         (long long)layer, (int)(name.length < 64 ? name.length : 64),
                         name.length ? name.data : "");
}

static LigStatus is_windowed(const LigHfReader *r, int64_t layer, bool *out)
{
    const json_t *list = json_object_get(r->json->object, list_key);
    bool by_rule = rule_windows(r->config, layer);
    *out = by_rule;
    if (!json_is_array(list)) return LIG_OK;
    LIG_TRY(listed(r, list, layer, out));
    if (*out == by_rule || !rule_is_stated(r)) return LIG_OK;
    const char *type = *out ? "sliding_attention" : "full_attention";
    LigText message = {0};
    lig_text_printf(&message, "'%s' calls layer %lld %s, make them agree", list_key, (long long)layer, type);
    LigStatus status =
        message.failed ? lig_no_memory(r->json->ctx)
                       : lig_json_fail_value(r->json, LIG_ERR_INVALID, rule_key(r->config), "%s", message.data);
    lig_text_free(&message);
    return status;
}

static void make_block(const LigHfConfig *c, const char *name, bool windowed, bool unnormed, LigBlockSpec *out)
{
    *out = c->spec.blocks[0];
    out->name = lig_str(name);
    if (windowed) out->attention.window = c->window;
    if (unnormed) out->norm_attention = false;
    if (!windowed || !c->own_local_rope) return;
    out->position = LIG_BLOCK_OWN_ROPE;
    out->rope = c->local_rope;
}

// Adds a layer of the block of this name, which is made for its first layer.
static LigStatus add_layer(const LigHfReader *r, const char *name, bool windowed, bool unnormed, LigSpec *spec)
{
    size_t block = 0;
    while (block < spec->block_count && !lig_str_is(spec->blocks[block].name, name)) block++;
    LIG_ASSERT(block < LIG_MAX_BLOCKS);
    if (block == spec->block_count)
        make_block(r->config, name, windowed, unnormed, &spec->blocks[spec->block_count++]);
    if (spec->run_count && spec->runs[spec->run_count - 1].block == block) {
        spec->runs[spec->run_count - 1].count++;
        return LIG_OK;
    }
    if (spec->run_count == LIG_MAX_RUNS)
        return lig_json_fail(r->json, LIG_ERR_UNSUPPORTED, list_key, "changes too often: at most %d times",
                             LIG_MAX_RUNS);
    spec->runs[spec->run_count++] = (LigLayerRun){1, block};
    return LIG_OK;
}

static LigStatus check_windows(const LigHfReader *r)
{
    const LigHfConfig *c = r->config;
    const json_t *list = json_object_get(r->json->object, list_key);
    if (c->windowed == LIG_WINDOWED_FROM && c->use_window && !c->window)
        return lig_json_fail_pair((LigJsonKey){r->json, "use_sliding_window"},
                                  (LigJsonKey){r->json, "sliding_window"},
                                  "give the window's size, or don't use one");
    if (!list || json_is_null(list) || json_array_size(list) == (size_t)c->layers) return LIG_OK;
    return lig_json_fail(r->json, LIG_ERR_INVALID, list_key,
                         "must have one entry for each layer: it has %zu for %lld layers",
                         json_array_size(list), (long long)c->layers);
}

LigStatus lig_hf__layers(LigHfReader *r)
{
    LigHfConfig *c = r->config;
    LigSpec spec = c->spec;
    LIG_TRY(check_windows(r));
    bool some = false, all = true;
    for (int64_t i = 0; i < c->layers; i++) {
        bool windowed = false;
        LIG_TRY(is_windowed(r, i, &windowed));
        some |= windowed;
        all &= windowed;
    }
    bool uniform = (all || !some) && !c->first_unnormed;
    for (int64_t i = 0; i < c->layers; i++) {
        bool windowed = false, unnormed = i == 0 && c->first_unnormed;
        LIG_TRY(is_windowed(r, i, &windowed));
        const char *name = windowed ? "local" : "global";
        if (uniform) name = "block";
        if (unnormed) name = "first";
        LIG_TRY(add_layer(r, name, windowed, unnormed, &spec));
    }
    c->spec = spec;
    return LIG_OK;
}

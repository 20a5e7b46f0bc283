#include "frontend/export_forms.h"

#include <math.h>

// What keeps a spec from being one of an architecture, as the knob's name; NULL when nothing does.
static const char *misfit_block(const LigGgufArchitecture *row, const LigBlockSpec *block)
{
    const LigBlockSpec *preset = &row->preset.blocks[0];
    const LigAttentionSpec *a = &block->attention;
    if (block->place != preset->place) return "place";
    if (block->norm_attention != preset->norm_attention || block->norm_mlp != preset->norm_mlp) return "normed";
    if (block->branching != preset->branching) return "parallel";
    if (block->position != preset->position) return "position";
    if (block->mlp.form != preset->mlp.form) return "mlp";
    if (block->mlp.act != preset->mlp.act) return "mlp.act";
    if (a->qk_norm != preset->attention.qk_norm) return "attention.qk_norm";
    if (a->scale != 0) return "attention.scale";
    if (a->softcap != 0) return "attention.softcap";
    bool grouped = row->preset.position.kind == LIG_POSITION_ROPE; // the others have no keys for these
    if (a->window && !grouped) return "attention.window";
    if (!grouped && a->kv_heads != a->heads) return "attention.kv_heads";
    bool qkv_alone = a->bias_q && a->bias_k && a->bias_v && !a->bias_o;
    return qkv_alone != row->qkv_biases ? "attention.bias" : NULL;
}

static const char *misfit(const LigGgufArchitecture *row, const LigSpec *spec)
{
    const LigSpec *preset = &row->preset;
    double scale = row->scaled_by_width ? sqrt((double)spec->width) : 0;
    if (spec->names != row->hf_names) return "names";
    if (spec->family != preset->family) return "family";
    if (spec->norm.kind != preset->norm.kind || spec->norm.final != preset->norm.final) return "norm";
    if (spec->norm.bias != preset->norm.bias) return "norm.bias";
    if (spec->norm.unit_offset != row->scaled_by_width) return "norm.unit_offset";
    if (fabs(spec->embedding.scale - scale) > 1e-6 * scale) return "embedding.scale";
    if (spec->embedding.norm != preset->embedding.norm) return "embedding.norm";
    if (spec->embedding.types && spec->family != LIG_FAMILY_ENCODER) return "embedding.types";
    if (spec->position.kind != preset->position.kind) return "position";
    if (spec->position.offset || spec->position.from_pad != LIG_NO_PAD) return "position.offset";
    if (spec->head.softcap != 0) return "head.softcap";
    if (spec->family == LIG_FAMILY_DECODER && spec->head.kind != LIG_HEAD_LOGITS) return "head";
    if (spec->block_count != 1) return "layers";
    return misfit_block(row, &spec->blocks[0]);
}

static LigStatus find_for_spec(const LigModelFile *file, const LigGgufArchitecture **out)
{
    const LigSpec *spec = lig_model_file_spec(file);
    const char *knob = "names";
    for (size_t i = 0; lig_gguf_architecture(i); i++) {
        const char *found = misfit(lig_gguf_architecture(i), spec);
        if (found && lig_str_is(lig_str(found), "names")) continue;
        *out = lig_gguf_architecture(i);
        if (!found) return LIG_OK;
        if (lig_str_is(lig_str(knob), "names")) knob = found;
    }
    LigText known = {0};
    lig_gguf_architectures_list(&known);
    LigStatus status =
        lig_fail(lig_model_file_context(file), LIG_ERR_UNSUPPORTED, LIG_FILE_LOC(lig_model_file_path(file)),
                 "none of GGUF's architectures written here (%s) has the model's knob %s: "
                 "liga show --spec prints it",
                 known.data ? known.data : "?", knob);
    lig_text_free(&known);
    return status;
}

LigStatus lig_export_architecture(const LigModelFile *file, const LigGgufArchitecture **out)
{
    const LigGguf *gguf = lig_model_file_gguf(file);
    LigStr name = {0};
    if (!gguf) return find_for_spec(file, out);
    LIG_TRY(lig_gguf_get_str(lig_model_file_context(file), gguf, LIG_STR("general.architecture"), &name));
    *out = lig_gguf_architecture_find(name);
    LIG_ASSERT(*out); // the file was imported
    return LIG_OK;
}

LigStatus lig_export_forms(const LigModelFile *file, LigExportFormat format, LigExportForms *out)
{
    const LigGgufArchitecture *row;
    LIG_TRY(lig_export_architecture(file, &row));
    const LigNames *gguf = lig_names(row->preset.names), *hf = lig_names(row->hf_names);
    bool rope = row->preset.position.kind == LIG_POSITION_ROPE;
    *out = (LigExportForms){.gguf = row,
                            .from = format == LIG_EXPORT_GGUF ? hf : gguf,
                            .to = format == LIG_EXPORT_GGUF ? gguf : hf,
                            .pairs = rope && row->preset.position.rope.pairs == LIG_PAIRS_ADJACENT,
                            .transposed = hf->transposed,
                            .unit_offset = row->scaled_by_width};
    return LIG_OK;
}

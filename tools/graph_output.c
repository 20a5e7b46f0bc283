#include "tools/graph_output.h"

#include "frontend/ligb.h"
#include "ir/text.h"
#include "tools/command_output.h"
#include "tools/interrupt.h"

#include <stdlib.h>
#include <string.h>

bool lig_graph_output_is_binary(const LigOptions *options)
{
    return lig_str_ends_with(lig_str(lig_option_text(options, LIG_OPT_OUTPUT)), LIG_STR(".ligb"));
}

LigStatus lig_graph_output_check(LigOptions *options)
{
    if (!lig_option_given(options, LIG_OPT_EMBED) || lig_graph_output_is_binary(options)) return LIG_OK;
    return lig_options_misused(options, "--embed: only a .ligb holds weights: write -o FILE.ligb");
}

// The path without links and dots, in the arena; NULL when there is none.
static const char *resolve(LigArena *arena, const char *path)
{
    char *resolved = realpath(path, NULL);
    const char *copy = resolved ? lig_str_copy(arena, lig_str(resolved)).data : NULL;
    free(resolved);
    return copy;
}

// Whether the output is written into the directory `folder`; what goes to standard output ends up anywhere.
static bool is_written_to(const LigOptions *options, LigArena *arena, LigStr folder)
{
    const char *output = lig_option_text(options, LIG_OPT_OUTPUT);
    if (!output || strcmp(output, "-") == 0) return true;
    const char *slash = strrchr(output, '/');
    LigStr name = slash ? (LigStr){output, (size_t)(slash - output + 1)} : LIG_STR(".");
    const char *zero_terminated = lig_str_copy(arena, name).data;
    const char *there = zero_terminated ? resolve(arena, zero_terminated) : NULL;
    return there && lig_str_is(folder, there);
}

LigStatus lig_graph_output_weights(const LigOpenModel *model, LigArena *arena, LigStr *out)
{
    const LigSpec *spec = lig_model_file_spec(model->file);
    if (!spec) return LIG_OK;
    bool is_text = lig_model_file_kind(model->file) == LIG_MODEL_TEXT;
    const char *weights =
        is_text ? lig_option_text(model->options, LIG_OPT_WEIGHTS) : lig_options_operand(model->options);
    *out = spec->weights;
    if (!weights) return LIG_OK;
    const char *path = resolve(arena, weights);
    if (!path) return lig_no_memory(model->options->ctx); // it was opened before
    const char *slash = strrchr(path, '/');
    bool is_beside = is_written_to(model->options, arena, (LigStr){path, (size_t)(slash - path)});
    *out = lig_str(is_beside ? slash + 1 : path);
    return LIG_OK;
}

LigStatus lig_graph_output_build(LigOpenModel *model, LigModule **out)
{
    LigModule *module;
    bool embed = lig_option_given(model->options, LIG_OPT_EMBED);
    LIG_TRY(embed ? lig_open_model_build(model, NULL, &module) : lig_open_model_build_unbound(model, &module));
    LigStatus status = lig_graph_output_weights(model, module->arena, &module->weights_path);
    if (status != LIG_OK) {
        lig_module_destroy(module);
        return status;
    }
    *out = module;
    return LIG_OK;
}

// Whether the file that the graph was read from brought the bytes of its params.
static bool brought_bytes(const LigOpenModel *model, const LigModule *module)
{
    bool is_binary = lig_model_file_kind(model->file) == LIG_MODEL_LIGB;
    for (size_t i = 0; is_binary && i < module->params.count; i++) is_binary = module->params.data[i]->data;
    return is_binary && !lig_option_given(model->options, LIG_OPT_WEIGHTS);
}

LigStatus lig_graph_output_write(const LigOpenModel *model, LigModule *module)
{
    const LigOptions *options = model->options;
    if (!lig_graph_output_is_binary(options)) {
        LigText text = {0};
        lig_print_module(&text, module);
        return lig_command_output_text(options, &text);
    }
    bool embed = lig_option_given(options, LIG_OPT_EMBED) || brought_bytes(model, module);
    lig_interrupts_defer();
    LigStatus status = lig_ligb_write(options->ctx, module, lig_option_text(options, LIG_OPT_OUTPUT), embed);
    lig_interrupts_allow();
    return status;
}

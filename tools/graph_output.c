#include "tools/graph_output.h"

#include "frontend/ligb.h"
#include "ir/text.h"
#include "tools/command_output.h"
#include "tools/interrupt.h"

bool lig_graph_output_is_binary(const LigOptions *options)
{
    return lig_str_ends_with(lig_str(lig_option_text(options, LIG_OPT_OUTPUT)), LIG_STR(".ligb"));
}

LigStatus lig_graph_output_check(LigOptions *options)
{
    if (!lig_option_given(options, LIG_OPT_EMBED) || lig_graph_output_is_binary(options)) return LIG_OK;
    return lig_options_misused(options, "--embed: only a .ligb holds weights: write -o FILE.ligb");
}

LigStatus lig_graph_output_build(LigOpenModel *model, LigModule **out)
{
    if (lig_option_given(model->options, LIG_OPT_EMBED)) return lig_open_model_build(model, out);
    return lig_open_model_build_unbound(model, out);
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

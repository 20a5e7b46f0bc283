// liga perplexity: how well a decoder foretells a text.
#include "tools/command_output.h"
#include "tools/json_output.h"
#include "tools/perplexity.h"

#include <math.h>

LigStatus lig_cmd_perplexity(LigOptions *options)
{
    LigPerplexity found = {0};
    LIG_TRY(lig_perplexity_measure(options, options->operands.data[1], &found));
    double perplexity = exp(found.mean_nll);
    if (lig_option_given(options, LIG_OPT_JSON)) {
        return lig_json_print(options, json_pack("{s:f,s:f,s:I}", "perplexity", perplexity, "mean_nll",
                                                 found.mean_nll, "tokens", (json_int_t)found.tokens));
    }
    LigText text = {0};
    lig_text_printf(&text, "perplexity %.4f (mean nll %.5f of %lld tokens)\n", perplexity, found.mean_nll,
                    (long long)found.tokens);
    return lig_command_output_text(options, &text);
}

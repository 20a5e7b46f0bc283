#include "ir/lex.h"
#include "models/spec.h"

#include <math.h>

static const char *yes(bool flag) { return flag ? "true" : "false"; }

// Whole numbers as people write them: 100000, not 1e+05.
static void print_number(LigText *text, double value)
{
    if (value == trunc(value) && fabs(value) < 1e15)
        lig_text_printf(text, "%.0f", value);
    else
        lig_text_append_f64(text, value);
}

// `none` for zero, which no such knob can have.
static void print_real(LigText *text, double value, const char *none)
{
    if (value != 0)
        print_number(text, value);
    else
        lig_text_printf(text, "%s", none);
}

static void print_rope(LigText *text, const LigRopeSpec *rope)
{
    lig_text_printf(text, "  position  = rope { theta = ");
    print_number(text, rope->theta);
    lig_text_printf(text, ", fraction = ");
    print_number(text, rope->fraction);
    lig_text_printf(text, ", pairs = %s, scaling = ", rope->pairs == LIG_PAIRS_HALF ? "half" : "adjacent");
    if (rope->scaling == LIG_ROPE_PLAIN) {
        lig_text_printf(text, "none }\n");
        return;
    }
    bool llama3 = rope->scaling == LIG_ROPE_LLAMA3;
    lig_text_printf(text, "%s { factor = ", llama3 ? "llama3" : "linear");
    print_number(text, rope->factor);
    if (llama3) {
        lig_text_printf(text, ", low_freq_factor = ");
        print_number(text, rope->low_freq_factor);
        lig_text_printf(text, ", high_freq_factor = ");
        print_number(text, rope->high_freq_factor);
        lig_text_printf(text, ", original_context = %lld", (long long)rope->original_context);
    }
    lig_text_printf(text, " } }\n");
}

static void print_norm(LigText *text, const LigNormSpec *norm)
{
    static const char *const places[] = {"pre", "post", "sandwich"};
    lig_text_printf(text, "    norm      = %s { eps = ", norm->kind == LIG_NORM_RMS ? "rms" : "layer");
    print_number(text, norm->eps);
    lig_text_printf(text, ", unit_offset = %s, place = %s }\n", yes(norm->unit_offset), places[norm->place]);
}

static void print_biases(LigText *text, const LigAttentionSpec *a)
{
    const struct {
        char name;
        bool present;
    } biases[] = {{'q', a->bias_q}, {'k', a->bias_k}, {'v', a->bias_v}, {'o', a->bias_o}};
    const char *separator = "";
    lig_text_append_char(text, '{');
    for (size_t i = 0; i < sizeof biases / sizeof *biases; i++) {
        if (!biases[i].present) continue;
        lig_text_printf(text, "%s%c", separator, biases[i].name);
        separator = ", ";
    }
    lig_text_append_char(text, '}');
}

static void print_attention(LigText *text, const LigAttentionSpec *a)
{
    lig_text_printf(text, "    attention = { heads = %lld, kv_heads = %lld, head = %lld, bias = ",
                    (long long)a->heads, (long long)a->kv_heads, (long long)a->head);
    print_biases(text, a);
    lig_text_printf(text, ", qk_norm = %s, window = ", a->qk_norm ? "head" : "none");
    if (a->window)
        lig_text_printf(text, "%lld", (long long)a->window);
    else
        lig_text_printf(text, "none");
    lig_text_printf(text, ", scale = ");
    print_real(text, a->scale, "1/sqrt");
    lig_text_printf(text, " }\n");
}

static void print_mlp(LigText *text, const LigMlpSpec *mlp)
{
    static const char *const acts[] = {"silu", "gelu", "gelu_tanh", "relu"};
    lig_text_printf(text, "    mlp       = %s { act = %s, width = %lld, bias = %s }\n",
                    mlp->gated ? "gated" : "plain", acts[mlp->act], (long long)mlp->width, yes(mlp->bias));
}

void lig_spec_print(LigText *text, const LigSpec *spec)
{
    static const char *const families[] = {"decoder", "encoder", "encoder_decoder"};
    lig_text_append(text, LIG_STR("model "));
    lig_text_append_quoted(text, spec->name);
    lig_text_printf(text, " {\n  family    = %s\n", families[spec->family]);
    lig_text_printf(text, "  vocab = %lld  width = %lld  context = %lld\n", (long long)spec->vocab,
                    (long long)spec->width, (long long)spec->context);
    lig_text_printf(text, "  layers    = [ %lld of block ]\n", (long long)spec->layers);
    lig_text_printf(text, "  embedding = { tie = %s, scale = ", yes(spec->tie));
    print_real(text, spec->embedding_scale, "none");
    lig_text_printf(text, " }\n");
    print_rope(text, &spec->rope);
    lig_text_printf(text, "  block {\n");
    print_norm(text, &spec->norm);
    print_attention(text, &spec->attention);
    print_mlp(text, &spec->mlp);
    lig_text_printf(text, "  }\n  head      = logits\n}\n");
}

// liga quantize: the weights of a model in another type, as GGUF or safetensors.
#include "frontend/export.h"
#include "tools/command_output.h"
#include "tools/diagnostics.h"
#include "tools/model_write.h"
#include "tools/perplexity.h"

#include <math.h>
#include <string.h>

static size_t bytes_of(const LigExportPlan *plan)
{
    size_t bytes = 0;
    for (size_t i = 0; i < plan->count; i++) bytes += plan->tensors[i].out.bytes;
    return bytes;
}

// ---- what is told ----

// "blk.17.ffn_up.weight" and "blk.3.ffn_up.weight" are of one kind.
static bool same_kind(LigStr a, LigStr b)
{
    size_t i = 0, k = 0;
    while (i < a.length && k < b.length && a.data[i] == b.data[k]) {
        bool layer = a.data[i] == '.';
        i++, k++;
        while (layer && i < a.length && a.data[i] >= '0' && a.data[i] <= '9') i++;
        while (layer && k < b.length && b.data[k] >= '0' && b.data[k] <= '9') k++;
    }
    return i == a.length && k == b.length;
}

static bool fell_alike(const LigExportTensor *a, const LigExportTensor *b)
{
    return a->fell_back && b->fell_back && a->dtype == b->dtype && a->columns == b->columns &&
           same_kind(a->out.name, b->out.name);
}

static void tell_kind(const LigOptions *options, const LigExportTensor *t, size_t alike)
{
    lig_tell(options, "%.*s (%zu tensor%s): rows of %lld are no multiple of the %lld of %s: %s",
             LIG_NAME_ARG(t->out.name), alike, alike == 1 ? "" : "s, one a layer", (long long)t->columns,
             (long long)lig_dtype_block(t->wanted), lig_dtype_name(t->wanted), lig_dtype_name(t->dtype));
}

// A line a kind of tensor, which names the first.
static void tell_fallen_back(const LigOptions *options, const LigExportPlan *plan)
{
    for (size_t i = 0; i < plan->count; i++) {
        size_t before = 0, alike = 0;
        for (size_t k = 0; k < plan->count; k++) {
            bool is_alike = fell_alike(&plan->tensors[i], &plan->tensors[k]);
            before += is_alike && k < i;
            alike += is_alike;
        }
        if (alike && !before) tell_kind(options, &plan->tensors[i], alike);
    }
    if (plan->left_out.length)
        lig_tell(options, "left out, since the format has no place for them: %s", plan->left_out.data);
}

static void print_tensor(LigText *text, const LigExportTensor *t, const LigTensorError *error)
{
    lig_text_append_visible(text, t->out.name);
    double rms = error->count ? sqrt(error->squares / (double)error->count) : 0;
    double relative = error->numbers > 0 ? sqrt(error->squares / error->numbers) : 0;
    lig_text_printf(text, "  %s  rms error %.3g  relative %.3g\n", lig_dtype_name(t->dtype), rms, relative);
}

// The perplexity of --report's text under the model at `path`.
static LigStatus measure(const LigOptions *options, const char *path, LigPerplexity *out)
{
    LigOptions other = *options;
    other.operands.count = other.operands.capacity = 0;
    other.operands.data = NULL;
    if (!LIG_VEC_PUSH(options->arena, &other.operands, path)) return lig_no_memory(options->ctx);
    return lig_perplexity_measure(&other, lig_option_text(options, LIG_OPT_REPORT), out);
}

// Of models that have one: what was written can be opened, goes on from texts, and has a tokenizer.
static LigStatus print_perplexity(const LigOptions *options, const LigModelWrite *write, LigText *text)
{
    LigPerplexity before, after;
    const LigModelFile *file = write->plan->file;
    bool decodes = lig_model_file_spec(file)->head.kind == LIG_HEAD_LOGITS &&
                   lig_model_file_spec(file)->family == LIG_FAMILY_DECODER;
    if (!decodes || write->kind == LIG_WRITE_SAFETENSORS || strcmp(write->path, "-") == 0 ||
        lig_model_file_tokenizer(file).length == 0) {
        lig_text_printf(
            text, "perplexity: none, since this takes a decoder with a tokenizer, in a file of its own\n");
        return LIG_OK;
    }
    LIG_TRY(measure(options, lig_options_operand(options), &before));
    LIG_TRY(measure(options, write->path, &after));
    lig_text_printf(text, "perplexity %.4f, before %.4f (%lld tokens)\n", exp(after.mean_nll),
                    exp(before.mean_nll), (long long)before.tokens);
    return LIG_OK;
}

// A line a tensor that was narrowed, on standard output, then their sum and the perplexity.
static LigStatus print_report(const LigOptions *options, const LigModelWrite *write)
{
    LigText text = {0};
    LigTensorError sum = {0};
    const LigExportPlan *plan = write->plan;
    const LigTensorError *errors = write->errors;
    for (size_t i = 0; i < plan->count; i++) {
        if (errors[i].squares == 0) continue;
        print_tensor(&text, &plan->tensors[i], &errors[i]);
        sum.squares += errors[i].squares;
        sum.numbers += errors[i].numbers;
    }
    lig_text_printf(&text, "all  relative %.3g\n", sum.numbers > 0 ? sqrt(sum.squares / sum.numbers) : 0);
    LigStatus status = print_perplexity(options, write, &text);
    LigCommandOutput output = {.ctx = options->ctx};
    lig_command_output_write(&output, lig_text_view(&text));
    if (status == LIG_OK && text.failed) status = lig_no_memory(options->ctx);
    lig_text_free(&text);
    return lig_command_output_close(&output, status);
}

// ---- the command ----

static LigStatus find_kind(LigOptions *options, LigDtype dtype, LigModelWrite *write)
{
    write->path = lig_option_text(options, LIG_OPT_OUTPUT);
    if (!write->path) return lig_options_misused(options, "-o is missing: where should the model go?");
    if (!lig_write_kind_of(write->path, &write->kind)) {
        return lig_options_misused(options,
                                   "%s is none of OUT.gguf, OUT.safetensors and a folder: its ending tells "
                                   "what is written",
                                   write->path);
    }
    bool plain = dtype == LIG_F32 || dtype == LIG_F16 || dtype == LIG_BF16;
    if (plain || write->kind == LIG_WRITE_GGUF) return LIG_OK;
    return lig_options_misused(options, "safetensors hold f32, f16 and bf16, not %s: give -o OUT.gguf",
                               lig_dtype_name(dtype));
}

static LigStatus quantise(LigOptions *options, LigDtype dtype, LigModelWrite *write)
{
    LigExportPlan *plan = write->plan;
    bool report = lig_option_given(options, LIG_OPT_REPORT);
    size_t before = bytes_of(plan);
    lig_export_retype(plan, dtype);
    write->errors = report ? LIG_NEW_ARRAY(plan->arena, LigTensorError, plan->count) : NULL;
    if (report && !write->errors) return lig_no_memory(options->ctx);
    LIG_TRY(lig_model_write(options, write));
    tell_fallen_back(options, plan);
    lig_tell(options, "%s: %zu tensors, %.1f MB, from %.1f MB", write->path, plan->count,
             (double)bytes_of(plan) * 1e-6, (double)before * 1e-6);
    return report ? print_report(options, write) : LIG_OK;
}

static LigStatus find_dtype(LigOptions *options, LigDtype *out)
{
    const char *name = lig_option_text(options, LIG_OPT_QUANT_TO);
    if (!name) return lig_options_misused(options, "--quant is missing: which type should the weights have?");
    bool found = lig_dtype_find(lig_str(name), out);
    LIG_ASSERT(found);
    return found ? LIG_OK : LIG_ERR_INTERNAL;
}

// Before an hour's work, not after it.
static LigStatus check_text(const LigOptions *options)
{
    const char *text = lig_option_text(options, LIG_OPT_REPORT);
    LigMappedFile *file;
    if (!text) return LIG_OK;
    LIG_TRY(lig_file_map(options->ctx, text, &file));
    lig_file_unmap(file);
    return LIG_OK;
}

LigStatus lig_cmd_quantize(LigOptions *options)
{
    LigDtype dtype = LIG_F32;
    LigExportPlan plan = {0};
    LigModelWrite write = {.plan = &plan};
    LigModelFile *file;
    LIG_TRY(find_dtype(options, &dtype));
    LIG_TRY(find_kind(options, dtype, &write));
    LIG_TRY(check_text(options));
    LIG_TRY(lig_model_file_open(options->ctx, lig_options_operand(options), NULL, &file));
    LigStatus status = lig_export_plan(file, lig_write_format(write.kind), &plan);
    if (status == LIG_OK) status = quantise(options, dtype, &write);
    lig_export_free(&plan);
    lig_model_file_close(file);
    return status;
}

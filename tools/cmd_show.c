// liga show: what a model is.
#include "ir/text.h"
#include "tools/command_output.h"
#include "tools/graph_output.h"
#include "tools/json_output.h"

#include <string.h>

typedef struct Show {
    LigOptions *options;
    LigContext *ctx;
    LigOpenModel model;
} Show;

// Text, or with --json an object that holds it under `key`. Frees `text`.
static LigStatus print_text(const Show *show, const char *key, LigText *text)
{
    if (!lig_option_given(show->options, LIG_OPT_JSON)) return lig_command_output_text(show->options, text);
    json_t *root = text->failed ? NULL : json_pack("{s:o}", key, lig_json_str(lig_text_view(text)));
    lig_text_free(text);
    return lig_json_print(show->options, root);
}

static LigStatus show_spec(const Show *show)
{
    const LigSpec *spec = lig_model_file_spec(show->model.file);
    if (!spec) {
        return lig_fail(show->ctx, LIG_ERR_NOT_FOUND, LIG_NOWHERE,
                        "is a graph, which tells no knobs: use --graph");
    }
    LigSpec *named = LIG_NEW(show->options->arena, LigSpec);
    if (!named) return lig_no_memory(show->ctx);
    *named = *spec;
    LIG_TRY(lig_graph_output_weights(&show->model, show->options->arena, &named->weights));
    LigText text = {0};
    lig_spec_print(&text, named);
    return print_text(show, "spec", &text);
}

static LigStatus write_graph(const Show *show, LigModule *module)
{
    if (!lig_option_given(show->options, LIG_OPT_JSON)) return lig_graph_output_write(&show->model, module);
    LigText text = {0};
    lig_print_module(&text, module);
    return print_text(show, "graph", &text);
}

static LigStatus show_graph(Show *show)
{
    LigModule *module;
    LIG_TRY(lig_graph_output_build(&show->model, &module));
    LigStatus status = write_graph(show, module);
    lig_module_destroy(module);
    return status;
}

// Tensors.

static int64_t element_count(const LigFileTensor *tensor)
{
    int64_t count = 1;
    for (int i = 0; i < tensor->rank; i++) count *= tensor->dims[i]; // checked when the file was read
    return count;
}

static json_t *tensor_facts(const LigFileTensor *tensor)
{
    json_t *shape = json_array();
    for (int i = 0; shape && i < tensor->rank; i++) {
        if (json_array_append_new(shape, json_integer(tensor->dims[i])) == 0) continue;
        json_decref(shape);
        shape = NULL;
    }
    return json_pack("{s:o,s:s,s:o,s:I}", "name", lig_json_str(tensor->name), "dtype", tensor->type_name,
                     "shape", shape, "bytes", (json_int_t)tensor->bytes);
}

static LigStatus show_tensors_json(const Show *show)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < lig_model_file_tensor_count(show->model.file); i++) {
        const LigFileTensor *tensor = lig_model_file_tensor(show->model.file, i);
        if (json_array_append_new(list, tensor_facts(tensor)) == 0) continue;
        json_decref(list);
        list = NULL;
    }
    return lig_json_print(show->options, list);
}

static LigStatus show_tensors(const Show *show)
{
    if (lig_option_given(show->options, LIG_OPT_JSON)) return show_tensors_json(show);
    LigText text = {0};
    for (size_t i = 0; i < lig_model_file_tensor_count(show->model.file); i++) {
        const LigFileTensor *tensor = lig_model_file_tensor(show->model.file, i);
        lig_text_append_visible(&text, tensor->name);
        lig_text_printf(&text, " %s[", tensor->type_name);
        for (int d = 0; d < tensor->rank; d++) {
            lig_text_printf(&text, "%s%lld", d > 0 ? "," : "", (long long)tensor->dims[d]);
        }
        lig_text_printf(&text, "] %zu bytes\n", tensor->bytes);
    }
    return lig_command_output_text(show->options, &text);
}

// The summary.

typedef struct TypeSum {
    const char *name;
    size_t tensors, bytes;
} TypeSum;

enum { MOST_TYPES = 48 };

typedef struct Summary {
    size_t tensors, bytes;
    int64_t parameters;
    TypeSum types[MOST_TYPES];
    size_t type_count;
    int64_t context;    // 0: the module does not say
    size_t state_bytes; // a token and slot
    size_t vocabulary;  // of the tokenizer; 0: none
    bool has_chat_template;
} Summary;

static void add_type(Summary *summary, const LigFileTensor *tensor)
{
    size_t i = 0;
    while (i < summary->type_count && strcmp(summary->types[i].name, tensor->type_name) != 0) i++;
    if (i == MOST_TYPES) return;
    if (i == summary->type_count) summary->types[summary->type_count++].name = tensor->type_name;
    summary->types[i].tensors++;
    summary->types[i].bytes += tensor->bytes;
}

static void sum_tensors(const LigModelFile *file, Summary *summary)
{
    summary->tensors = lig_model_file_tensor_count(file);
    for (size_t i = 0; i < summary->tensors; i++) {
        const LigFileTensor *tensor = lig_model_file_tensor(file, i);
        summary->bytes += tensor->bytes;
        summary->parameters += element_count(tensor);
        add_type(summary, tensor);
    }
}

// Where there is no file of tensors: what a spec calls for, or a .ligb brings.
static void sum_params(const LigModule *module, Summary *summary)
{
    for (size_t i = 0; i < module->params.count; i++) {
        const LigValue *param = module->params.data[i];
        LigShape shape;
        LigFileTensor tensor = {.type_name = lig_dtype_name(param->type.dtype)};
        if (!lig_type_bind(&param->type, NULL, &shape) || !lig_shape_bytes(&shape, &tensor.bytes)) continue;
        tensor.rank = shape.rank;
        memcpy(tensor.dims, shape.dims, (size_t)shape.rank * sizeof *shape.dims);
        summary->tensors++;
        summary->bytes += tensor.bytes;
        summary->parameters += element_count(&tensor);
        add_type(summary, &tensor);
    }
}

// The states at one token in one slot.
static void sum_states(const LigModule *module, Summary *summary)
{
    int64_t ones[LIG_MAX_SYMBOLS];
    for (size_t i = 0; i < LIG_MAX_SYMBOLS; i++) ones[i] = 1;
    for (size_t i = 0; i < module->states.count; i++) {
        LigShape shape;
        size_t bytes;
        if (!lig_type_bind(&module->states.data[i]->type, ones, &shape)) continue;
        if (lig_shape_bytes(&shape, &bytes)) summary->state_bytes += bytes;
    }
    const LigSymbol *context = lig_open_model_symbol(module, "C", NULL);
    if (context) summary->context = context->high;
}

static LigStatus summarise(Show *show, Summary *summary)
{
    LigModule *module;
    LIG_TRY(lig_open_model_build_unbound(&show->model, &module));
    sum_tensors(show->model.file, summary); // building opens the weights given for a graph
    if (!summary->tensors) sum_params(module, summary);
    sum_states(module, summary);
    lig_module_destroy(module);
    if (!lig_open_model_has_tokenizer(&show->model)) return LIG_OK;
    LIG_TRY(lig_open_model_tokenizer(&show->model));
    const LigImage *image = lig_tokenizer_image(show->model.tokenizer);
    summary->vocabulary = image->info->token_count;
    summary->has_chat_template = image->chat_template.length > 0;
    return LIG_OK;
}

static json_t *type_facts(const Summary *summary)
{
    json_t *types = json_object();
    for (size_t i = 0; types && i < summary->type_count; i++) {
        const TypeSum *type = &summary->types[i];
        json_t *facts =
            json_pack("{s:I,s:I}", "tensors", (json_int_t)type->tensors, "bytes", (json_int_t)type->bytes);
        if (json_object_set_new(types, type->name, facts) == 0) continue;
        json_decref(types);
        return NULL;
    }
    return types;
}

static LigStatus print_summary_json(const Show *show, const Summary *summary)
{
    const LigSpec *spec = lig_model_file_spec(show->model.file);
    json_t *root = json_pack(
        "{s:s,s:o,s:I,s:I,s:I,s:o,s:I,s:I,s:I,s:b}", "kind", lig_model_file_kind_name(show->model.file), "name",
        spec ? lig_json_str(spec->name) : json_null(), "parameters", (json_int_t)summary->parameters, "tensors",
        (json_int_t)summary->tensors, "bytes", (json_int_t)summary->bytes, "types", type_facts(summary),
        "context", (json_int_t)summary->context, "state_bytes_per_token", (json_int_t)summary->state_bytes,
        "tokenizer_tokens", (json_int_t)summary->vocabulary, "chat_template", (int)summary->has_chat_template);
    return lig_json_print(show->options, root);
}

static void describe_spec(LigText *text, const LigSpec *spec)
{
    if (spec->name.length > 0) {
        lig_text_append(text, LIG_STR("name        "));
        lig_text_append_visible(text, spec->name);
        lig_text_append_char(text, '\n');
    }
    lig_text_printf(text, "layers      %lld, width %lld, vocabulary %lld\n", (long long)lig_spec_layers(spec),
                    (long long)spec->width, (long long)spec->vocab);
    for (size_t i = 0; i < spec->block_count; i++) {
        const LigBlockSpec *block = &spec->blocks[i];
        const LigAttentionSpec *attention = &block->attention;
        lig_text_printf(text, "%-11.*s %lld heads of %lld, %lld for keys and values; mlp %lld\n",
                        LIG_STR_ARG(block->name), (long long)attention->heads, (long long)attention->head,
                        (long long)attention->kv_heads, (long long)block->mlp.width);
    }
}

static LigStatus print_summary(const Show *show, const Summary *summary)
{
    LigText text = {0};
    const LigSpec *spec = lig_model_file_spec(show->model.file);
    lig_text_printf(&text, "kind        %s\n", lig_model_file_kind_name(show->model.file));
    if (spec) describe_spec(&text, spec);
    lig_text_printf(&text, "parameters  %lld in %zu tensors, %zu bytes\n", (long long)summary->parameters,
                    summary->tensors, summary->bytes);
    for (size_t i = 0; i < summary->type_count; i++) {
        lig_text_printf(&text, "  %-9s %zu tensors, %zu bytes\n", summary->types[i].name,
                        summary->types[i].tensors, summary->types[i].bytes);
    }
    lig_text_printf(&text, "state       %zu bytes a token", summary->state_bytes);
    if (summary->context > 0) lig_text_printf(&text, ", at most %lld tokens", (long long)summary->context);
    lig_text_printf(&text, "\ntokenizer   ");
    if (summary->vocabulary == 0) {
        lig_text_printf(&text, "none\n");
    } else {
        lig_text_printf(&text, "%zu tokens, %s chat template\n", summary->vocabulary,
                        summary->has_chat_template ? "with a" : "no");
    }
    return lig_command_output_text(show->options, &text);
}

static LigStatus show_summary(Show *show)
{
    Summary summary = {0};
    LIG_TRY(summarise(show, &summary));
    return lig_option_given(show->options, LIG_OPT_JSON) ? print_summary_json(show, &summary)
                                                         : print_summary(show, &summary);
}

static LigStatus show_chosen(Show *show)
{
    bool spec = lig_option_given(show->options, LIG_OPT_SPEC);
    bool graph = lig_option_given(show->options, LIG_OPT_GRAPH);
    bool tensors = lig_option_given(show->options, LIG_OPT_TENSORS);
    if (spec + graph + tensors > 1) {
        return lig_options_misused(show->options, "--spec, --graph and --tensors: give one of them");
    }
    LIG_TRY(lig_graph_output_check(show->options));
    LIG_TRY(lig_open_model_file(&show->model, show->options));
    if (spec) return show_spec(show);
    if (graph) return show_graph(show);
    return tensors ? show_tensors(show) : show_summary(show);
}

LigStatus lig_cmd_show(LigOptions *options)
{
    Show show = {.options = options, .ctx = options->ctx};
    LigStatus status = show_chosen(&show);
    lig_open_model_close(&show.model);
    return status;
}

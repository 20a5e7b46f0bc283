// liga explain: why each pair of ops shares a kernel, or does not.
#include "ir/verify.h"
#include "passes/fusion.h"
#include "tools/command_output.h"
#include "tools/json_output.h"
#include "tools/model_open.h"

#include <string.h>

// ---- the module, fused ----

// Weights need not be there.
static LigStatus build(LigOpenModel *model, LigOptions *options, LigModule **out)
{
    LIG_TRY(lig_open_model_file(model, options));
    return lig_open_model_build_unbound(model, out);
}

static LigStatus fuse(LigOptions *options, LigModule *module, LigFusionReport *report)
{
    LigPassManager manager = {.options = lig_open_model_passes(options)};
    manager.options.fusion = report;
    LIG_TRY(lig_verify_module(module));
    if (module->stage != LIG_STAGE_MODEL) {
        return lig_fail(options->ctx, LIG_ERR_INVALID, LIG_NOWHERE,
                        "is at stage %s, where ops are kernels already: give the graph at stage model",
                        lig_stage_name(module->stage));
    }
    for (size_t i = 0; module->stage == LIG_STAGE_MODEL; i++)
        LIG_TRY(lig_pass_run(&manager, module, lig_pass_info(i)));
    return LIG_OK;
}

// ---- rows: edges that differ in the layer's number alone are one ----

typedef struct Row {
    const LigFusionEdge *edge; // the first
    LigStr value;
    int64_t count;
} Row;

// "12.attn.q" as "attn.q"
static LigStr without_layer(LigStr name)
{
    size_t at = 0;
    while (at < name.length && name.data[at] >= '0' && name.data[at] <= '9') at++;
    bool has_layer = at > 0 && at + 1 < name.length && name.data[at] == '.';
    return has_layer ? lig_str_skip(name, at + 1) : name;
}

static bool is_alike(const Row *row, const LigFusionEdge *edge)
{
    const LigFusionEdge *first = row->edge;
    return first->func == edge->func && first->producer == edge->producer &&
           first->consumer == edge->consumer && first->rule == edge->rule && first->kernel == edge->kernel &&
           first->value_bytes == edge->value_bytes && first->saved_bytes == edge->saved_bytes &&
           first->flops == edge->flops && lig_str_equal(row->value, without_layer(edge->value)) &&
           lig_str_equal(without_layer(first->result), without_layer(edge->result));
}

static LigStatus collect_rows(const LigOptions *options, const LigFusionReport *report, Row **out,
                              size_t *count)
{
    Row *rows = LIG_NEW_ARRAY(options->arena, Row, report->edges.count);
    if (!rows) return lig_no_memory(options->ctx);
    *count = 0;
    for (size_t i = 0; i < report->edges.count; i++) {
        const LigFusionEdge *edge = &report->edges.data[i];
        size_t at = 0;
        while (at < *count && !is_alike(&rows[at], edge)) at++;
        if (at == *count) rows[(*count)++] = (Row){edge, without_layer(edge->value), 0};
        rows[at].count++;
    }
    *out = rows;
    return LIG_OK;
}

// ---- the table ----

static void print_sizes(LigText *text, const LigModule *module)
{
    lig_text_append(text, LIG_STR("# estimates for one call at the largest sizes:"));
    for (size_t i = 0; i < lig_dims_symbol_count(module->dims); i++) {
        const LigSymbol *symbol = lig_dims_symbol(module->dims, i);
        lig_text_printf(text, " %.*s=%lld", LIG_STR_ARG(symbol->name), (long long)symbol->high);
    }
    lig_text_append_char(text, '\n');
}

static void print_row(LigText *text, const Row *row)
{
    const LigFusionEdge *edge = row->edge;
    const LigFusionRuleInfo *rule = lig_fusion_rule_info(edge->rule);
    lig_text_printf(text, "%5lld  %-14s %-14s %-20.*s %-5s %-17s %12lld %12lld %14lld  @%.*s\n",
                    (long long)row->count, lig_op_info(edge->producer)->name, lig_op_info(edge->consumer)->name,
                    LIG_STR_ARG(row->value), rule->fused ? "fused" : "left", rule->name,
                    (long long)edge->value_bytes, (long long)edge->saved_bytes, (long long)edge->flops,
                    LIG_STR_ARG(edge->kernel->name));
}

static void print_reasons(LigText *text, const Row *rows, size_t count)
{
    for (int rule = LIG_FUSION_NONE + 1; rule < LIG_FUSION_RULE_COUNT; rule++) {
        bool used = false;
        for (size_t i = 0; i < count; i++) used |= rows[i].edge->rule == (LigFusionRule)rule;
        const LigFusionRuleInfo *info = lig_fusion_rule_info((LigFusionRule)rule);
        if (used) lig_text_printf(text, "# %s: %s\n", info->name, info->why);
    }
}

static LigStatus print_table(const LigOptions *options, const LigModule *module, const LigFusionReport *report)
{
    Row *rows = NULL;
    size_t count = 0;
    LIG_TRY(collect_rows(options, report, &rows, &count));
    LigText text = {0};
    const LigFunc *func = NULL;
    print_sizes(&text, module);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].edge->func != func) {
            func = rows[i].edge->func;
            lig_text_printf(&text, "@%.*s\n%5s  %-14s %-14s %-20s %-5s %-17s %12s %12s %14s  %s\n",
                            LIG_STR_ARG(func->name), "edges", "writer", "reader", "value", "", "rule", "bytes",
                            "saved", "flops", "kernel of the reader");
        }
        print_row(&text, &rows[i]);
    }
    print_reasons(&text, rows, count);
    return lig_command_output_text(options, &text);
}

// ---- JSON: every edge ----

static json_t *edge_facts(const LigFusionEdge *edge)
{
    const LigFusionRuleInfo *rule = lig_fusion_rule_info(edge->rule);
    return json_pack("{s:o,s:s,s:s,s:o,s:o,s:b,s:s,s:s,s:o,s:I,s:I,s:I}", "func",
                     lig_json_str(edge->func->name), "writer", lig_op_info(edge->producer)->name, "reader",
                     lig_op_info(edge->consumer)->name, "value", lig_json_str(edge->value), "result",
                     lig_json_str(edge->result), "fused", (int)rule->fused, "rule", rule->name, "why",
                     rule->why, "kernel", lig_json_str(edge->kernel->name), "value_bytes",
                     (json_int_t)edge->value_bytes, "saved_bytes", (json_int_t)edge->saved_bytes, "flops",
                     (json_int_t)edge->flops);
}

static LigStatus print_json(const LigOptions *options, const LigFusionReport *report)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < report->edges.count; i++) {
        if (json_array_append_new(list, edge_facts(&report->edges.data[i])) == 0) continue;
        json_decref(list);
        list = NULL;
    }
    return lig_json_print(options, list);
}

LigStatus lig_cmd_explain(LigOptions *options)
{
    LigOpenModel model = {0};
    LigModule *module = NULL;
    LigFusionReport report = {0};
    LigStatus status = build(&model, options, &module);
    if (status == LIG_OK) status = fuse(options, module, &report);
    if (status == LIG_OK) {
        status = lig_option_given(options, LIG_OPT_JSON) ? print_json(options, &report)
                                                         : print_table(options, module, &report);
    }
    lig_module_destroy(module);
    lig_open_model_close(&model);
    return status;
}

// liga opt: a graph or spec, formatted, or a graph with passes run on it.
#include "ir/verify.h"
#include "runtime/example_call.h"
#include "tools/command_output.h"
#include "tools/diagnostics.h"
#include "tools/graph_output.h"
#include "tools/json_output.h"
#include "tools/model_open.h"
#include "tools/plan_report.h"
#include "tools/verify_report.h"

#include <string.h>

static json_t *pass_facts(const LigPassInfo *pass)
{
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "name", pass->name, "from", lig_stage_name(pass->from),
                     "to", lig_stage_name(pass->to), "numerics", lig_numerics_name(pass->numerics), "needs",
                     pass->needs, "keeps", pass->keeps, "summary", pass->summary);
}

static LigStatus list_passes(const LigOptions *options)
{
    if (lig_option_given(options, LIG_OPT_JSON)) {
        json_t *list = json_array();
        for (size_t i = 0; list && i < lig_pass_count(); i++) {
            if (json_array_append_new(list, pass_facts(lig_pass_info(i))) == 0) continue;
            json_decref(list);
            return lig_no_memory(options->ctx);
        }
        return lig_json_print(options, list);
    }
    LigText text = {0};
    for (size_t i = 0; i < lig_pass_count(); i++) {
        const LigPassInfo *pass = lig_pass_info(i);
        lig_text_printf(&text, "%-12s %s -> %s, %s: %s\n", pass->name, lig_stage_name(pass->from),
                        lig_stage_name(pass->to), lig_numerics_name(pass->numerics), pass->summary);
        if (!lig_option_given(options, LIG_OPT_VERBOSE)) continue;
        lig_text_printf(&text, "             needs: %s\n             keeps: %s\n", pass->needs, pass->keeps);
    }
    return lig_command_output_text(options, &text);
}

typedef struct PassList {
    LIG_VEC(const LigPassInfo *) items;
} PassList;

static LigStatus find_pass(LigOptions *options, LigStr name, const LigPassInfo **out)
{
    *out = lig_pass_find(name);
    if (*out) return LIG_OK;
    return lig_options_misused(options, "there is no pass '%.*s': liga opt --list names them",
                               LIG_STR_ARG(name));
}

static LigStatus push(LigOptions *options, PassList *list, const LigPassInfo *pass)
{
    return LIG_VEC_PUSH(options->arena, &list->items, pass) ? LIG_OK : lig_no_memory(options->ctx);
}

// "a,b,c" in the order written.
static LigStatus named_passes(LigOptions *options, const char *names, PassList *list)
{
    for (const char *name = names; *name;) {
        size_t length = strcspn(name, ",");
        const LigPassInfo *pass;
        LIG_TRY(find_pass(options, (LigStr){name, length}, &pass));
        LIG_TRY(push(options, list, pass));
        name += length + (name[length] == ',');
    }
    return LIG_OK;
}

// The pipeline from the module's stage on.
static LigStatus pipeline(LigOptions *options, const LigModule *module, PassList *list)
{
    for (size_t i = 0; i < lig_pass_count(); i++) {
        const LigPassInfo *pass = lig_pass_info(i);
        if (pass->from >= module->stage) LIG_TRY(push(options, list, pass));
    }
    return LIG_OK;
}

static LigStatus cut_after(LigOptions *options, const char *last, PassList *list)
{
    const LigPassInfo *pass;
    LIG_TRY(find_pass(options, lig_str(last), &pass));
    for (size_t i = 0; i < list->items.count; i++) {
        if (list->items.data[i] != pass) continue;
        list->items.count = i + 1;
        return LIG_OK;
    }
    return lig_options_misused(options, "--stop-after %s: that pass is not among those to run", last);
}

static LigStatus choose_passes(LigOptions *options, const LigModule *module, PassList *list)
{
    const char *names = lig_option_text(options, LIG_OPT_PASSES);
    const char *last = lig_option_text(options, LIG_OPT_STOP_AFTER);
    if (names) LIG_TRY(named_passes(options, names, list));
    if (!names && last) LIG_TRY(pipeline(options, module, list));
    return last ? cut_after(options, last, list) : LIG_OK;
}

static void tell_times(const LigOptions *options, const LigPassManager *manager)
{
    if (!lig_option_given(options, LIG_OPT_TIME)) return;
    for (size_t i = 0; i < manager->times.count; i++) {
        lig_tell(options, "%-12s %10.3f ms", manager->times.data[i].name, manager->times.data[i].milliseconds);
    }
}

static LigStatus run_list(LigPassManager *manager, LigModule *module, const PassList *list)
{
    LIG_TRY(lig_pass_dump(manager, module, lig_stage_name(module->stage)));
    for (size_t i = 0; i < list->items.count; i++) LIG_TRY(lig_pass_run(manager, module, list->items.data[i]));
    return LIG_OK;
}

// With --verify the passes are held to random calls, and where a graph comes without its weights, random ones.
static LigStatus run_compared(LigOptions *options, LigPassManager *manager, LigModule *module,
                              const PassList *list)
{
    LigExampleCalls calls;
    uint64_t seed = (uint64_t)lig_option_integer(options, LIG_OPT_SEED);
    LIG_TRY(lig_example_params(module, seed));
    LIG_TRY(lig_example_calls(module, options->arena, seed, &calls));
    LIG_TRY(lig_comparison_create(module, calls.items, calls.count, &manager->comparison));
    LigStatus status = run_list(manager, module, list);
    const LigComparison *c = manager->comparison;
    if (status == LIG_OK)
        lig_verify_report(options, lig_comparison_call_count(c), lig_comparison_measure(c, 0),
                          lig_comparison_measure_count(c));
    lig_comparison_destroy(manager->comparison);
    manager->comparison = NULL;
    return status;
}

static LigStatus run_passes(LigOptions *options, LigModule *module, const PassList *list)
{
    LigPassManager manager = {.options = lig_open_model_passes(options),
                              .verify = lig_option_given(options, LIG_OPT_VERIFY)};
    LIG_TRY(lig_open_model_dump_dir(options, &manager.dump_dir));
    // Passes take a module that obeys the rules for granted.
    if (manager.verify || list->items.count > 0) LIG_TRY(lig_verify_module(module));
    bool compares = manager.verify && list->items.count > 0;
    LIG_TRY(compares ? run_compared(options, &manager, module, list) : run_list(&manager, module, list));
    tell_times(options, &manager);
    lig_plan_report(options, module);
    return LIG_OK;
}

static LigStatus write_spec(const LigOptions *options, const LigSpec *spec)
{
    LigText text = {0};
    lig_spec_print(&text, spec);
    return lig_command_output_text(options, &text);
}

// What was given as a spec stays one, unless passes or a .ligb ask for its graph.
static LigStatus work_on(const LigOpenModel *model, LigModule *module)
{
    PassList list = {0};
    LIG_TRY(choose_passes(model->options, module, &list));
    LIG_TRY(run_passes(model->options, module, &list));
    const LigSpec *spec = lig_model_file_spec(model->file);
    bool is_text = lig_model_file_kind(model->file) == LIG_MODEL_TEXT;
    if (spec && is_text && list.items.count == 0 && !lig_graph_output_is_binary(model->options))
        return write_spec(model->options, spec);
    return lig_graph_output_write(model, module);
}

static LigStatus optimise(LigOpenModel *model, LigOptions *options)
{
    LigModule *module = NULL;
    LIG_TRY(lig_graph_output_check(options));
    LIG_TRY(lig_open_model_file(model, options));
    LIG_TRY(lig_graph_output_build(model, &module));
    LigStatus status = work_on(model, module);
    lig_module_destroy(module);
    return status;
}

LigStatus lig_cmd_opt(LigOptions *options)
{
    if (lig_option_given(options, LIG_OPT_LIST)) return list_passes(options);
    if (!lig_options_operand(options)) return lig_options_misused(options, "FILE.lig is missing");
    LigOpenModel model = {0};
    LigStatus status = optimise(&model, options);
    lig_open_model_close(&model);
    return status;
}

#include "tools/plan_report.h"

#include "passes/plan_facts.h"
#include "tools/diagnostics.h"

void lig_plan_report(const LigOptions *options, const LigModule *module)
{
    if (module->stage != LIG_STAGE_PLANNED || !lig_option_given(options, LIG_OPT_VERBOSE)) return;
    for (size_t i = 0; i < module->funcs.count; i++) {
        const LigFunc *func = module->funcs.data[i];
        LigPlanFacts facts;
        if (func->kind != LIG_FUNC_VARIANT || lig_plan_measure(module, func, &facts) != LIG_OK) continue;
        lig_tell_verbose(options, "@%.*s: arena %llu bytes, at most %llu alive at once, %zu results in place",
                         LIG_STR_ARG(func->name), (unsigned long long)facts.arena_bytes,
                         (unsigned long long)facts.live_bytes, facts.in_place);
    }
}

// The pass manager: everything around a pass that is the same for all of them.
#include "ir/base/clock.h"
#include "ir/base/file.h"
#include "ir/text.h"
#include "ir/verify.h"
#include "passes/pass.h"

static const LigPassInfo passes[] = {
#define LIG_PASS(ID, name, from, to, numerics, summary)                                                        \
    {#name, LIG_STAGE_##from, LIG_STAGE_##to, LIG_##numerics, summary, lig_pass_##name},
#include "passes/passes.def"
#undef LIG_PASS
};

size_t lig_pass_count(void) { return sizeof passes / sizeof *passes; }

const LigPassInfo *lig_pass_info(size_t index) { return index < lig_pass_count() ? &passes[index] : NULL; }

const LigPassInfo *lig_pass_find(LigStr name)
{
    for (size_t i = 0; i < lig_pass_count(); i++) {
        if (lig_str_is(name, passes[i].name)) return &passes[i];
    }
    return NULL;
}

LigStatus lig_pass_dump(LigPassManager *manager, const LigModule *module, const char *name)
{
    if (!manager->dump_dir) return LIG_OK;
    LigStr path =
        lig_str_format(module->arena, "%s/%02zu-%s.lig", manager->dump_dir, manager->dump_number++, name);
    if (!path.data) return lig_no_memory(module->ctx);
    LigText text = {0};
    lig_print_module(&text, module);
    LigOutput *file = NULL;
    LigStatus status =
        text.failed ? lig_no_memory(module->ctx) : lig_output_open(module->ctx, path.data, &file);
    if (status == LIG_OK) {
        lig_output_write(file, text.data, text.length);
        status = lig_output_close(module->ctx, file);
    }
    lig_text_free(&text);
    return status;
}

static LigStatus check_stage(const LigModule *module, const LigPassInfo *pass)
{
    if (module->stage == pass->from) return LIG_OK;
    return lig_fail(
        module->ctx, LIG_ERR_INVALID, LIG_NOWHERE,
        "pass %s takes a module at stage %s, but this one is at stage %s: run the passes between first",
        pass->name, lig_stage_name(pass->from), lig_stage_name(module->stage));
}

static LigStatus run_and_time(LigPassManager *manager, LigModule *module, const LigPassInfo *info,
                              LigArena *scratch)
{
    LigPass pass = {.ctx = module->ctx, .scratch = scratch, .options = &manager->options};
    double start = lig_clock_ms();
    LIG_TRY(info->run(&pass, module));
    LigPassTime time = {.name = info->name, .milliseconds = lig_clock_ms() - start};
    if (!LIG_VEC_PUSH(module->arena, &manager->times, time)) return lig_no_memory(module->ctx);
    module->stage = info->to;
    return LIG_OK;
}

LigStatus lig_pass_run(LigPassManager *manager, LigModule *module, const LigPassInfo *pass)
{
    LIG_TRY(check_stage(module, pass));
    LigArena *scratch = lig_arena_create();
    if (!scratch) return lig_no_memory(module->ctx);
    LigStatus status = run_and_time(manager, module, pass, scratch);
    lig_arena_destroy(scratch);
    LIG_TRY(status);
    if (manager->verify) LIG_TRY(lig_verify_module(module));
    return lig_pass_dump(manager, module, pass->name);
}

// The pass manager: everything around a pass that is the same for all of them.
#include "ir/base/clock.h"
#include "ir/base/file.h"
#include "ir/text.h"
#include "ir/verify.h"
#include "passes/compare.h"
#include "passes/pass.h"

static const LigPassInfo passes[] = {
#define LIG_PASS(ID, name, from, to, numerics, needs, keeps, summary)                                          \
    {#name, LIG_STAGE_##from, LIG_STAGE_##to, LIG_##numerics, needs, keeps, summary, lig_pass_##name},
#include "passes/passes.def"
#undef LIG_PASS
};

const char *lig_numerics_name(LigNumerics numerics)
{
    static const char *const names[] = {"exact", "reassociates", "changes meaning"};
    return names[numerics];
}

size_t lig_pass_count(void) { return sizeof passes / sizeof *passes; }

const LigPassInfo *lig_pass_info(size_t index) { return index < lig_pass_count() ? &passes[index] : NULL; }

const LigPassInfo *lig_pass_find(LigStr name)
{
    for (size_t i = 0; i < lig_pass_count(); i++) {
        if (lig_str_is(name, passes[i].name)) return &passes[i];
    }
    return NULL;
}

static LigStatus write_dump(const LigModule *module, const char *path, LigStr comment, LigStr text)
{
    LigOutput *file = NULL;
    LIG_TRY(lig_output_open(module->ctx, path, &file));
    lig_output_write(file, comment.data, comment.length);
    lig_output_write(file, text.data, text.length);
    return lig_output_close(module->ctx, file);
}

// Notes the text as the last that changed, unless it is that text already, which `comment` then says.
static LigStatus mark_unchanged(LigPassManager *manager, const LigModule *module, LigStr name, LigStr text,
                                LigStr *comment)
{
    LigDigest digest = lig_sha256(text.data, text.length);
    bool changed = manager->last_dumped.length == 0 || !lig_digest_equal(&digest, &manager->last_digest);
    *comment = LIG_STR("");
    if (!changed)
        *comment = lig_str_format(module->arena, "# unchanged since %.*s\n", LIG_STR_ARG(manager->last_dumped));
    if (!comment->data) return lig_no_memory(module->ctx);
    if (!changed) return LIG_OK;
    manager->last_digest = digest;
    manager->last_dumped = name;
    return LIG_OK;
}

LigStatus lig_pass_dump(LigPassManager *manager, const LigModule *module, const char *name)
{
    if (!manager->dump_dir) return LIG_OK;
    LigStr numbered = lig_str_format(module->arena, "%02zu-%s", manager->dump_number++, name), comment;
    if (!numbered.data) return lig_no_memory(module->ctx);
    LigStr path = lig_str_format(module->arena, "%s/%.*s.lig", manager->dump_dir, LIG_STR_ARG(numbered));
    if (!path.data) return lig_no_memory(module->ctx);
    LigText text = {0};
    lig_print_module(&text, module);
    LigStatus status = text.failed ? lig_no_memory(module->ctx) : LIG_OK;
    LigStr view = lig_text_view(&text);
    if (status == LIG_OK) status = mark_unchanged(manager, module, numbered, view, &comment);
    if (status == LIG_OK) status = write_dump(module, path.data, comment, view);
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
    LIG_TRY(lig_pass_dump(manager, module, pass->name));
    if (manager->verify) LIG_TRY(lig_verify_module(module));
    return manager->comparison ? lig_comparison_check(manager->comparison, module, pass) : LIG_OK;
}

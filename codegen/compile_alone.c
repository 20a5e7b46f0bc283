#include "codegen/compile_alone.h"

#include "ir/text.h"

LigStr lig_alone_print(LigArena *arena, const LigModule *module, const LigFunc *kernel)
{
    LigFunc *funcs[] = {(LigFunc *)(uintptr_t)kernel};
    LigModule alone = {.ctx = module->ctx, .name = module->name, .stage = module->stage, .dims = module->dims};
    alone.funcs.data = funcs;
    alone.funcs.count = 1;
    LigText text = {0};
    lig_print_module(&text, &alone);
    LigStr copy = text.failed ? (LigStr){0} : lig_str_copy(arena, lig_text_view(&text));
    lig_text_free(&text);
    return copy;
}

bool lig_alone_compile(LigStr text, const LigTarget *target, LigCompiledKernel *out)
{
    *out = (LigCompiledKernel){0};
    LigContext *ctx = lig_context_create();
    LigModule *module = NULL;
    if (!ctx) return false;
    LigStatus status = lig_parse_module(ctx, "a kernel alone", text, &module);
    if (status == LIG_OK) status = lig_compile_kernel(ctx, module, module->funcs.data[0], target, out);
    lig_module_destroy(module);
    lig_context_destroy(ctx);
    return status == LIG_OK;
}

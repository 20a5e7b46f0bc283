#include "tools/version.h"

#include "build_commit.h" // made by tools/build_commit.cmake at each build

void lig_version_describe_cpu(LigText *text, const LigTarget *target)
{
    lig_text_printf(text, "%s, %d-bit vectors", target->cpu, target->vector_bits);
    const struct {
        bool has;
        const char *name;
    } features[] = {{target->has_fma, "fma"},
                    {target->has_f16c, "f16c"},
                    {target->has_avx512bf16, "avx512bf16"},
                    {target->has_vnni, "vnni"}};
    for (size_t i = 0; i < sizeof features / sizeof *features; i++) {
        if (features[i].has) lig_text_printf(text, " %s", features[i].name);
    }
}

LigStatus lig_version_describe(LigContext *ctx, LigText *text)
{
    LigTarget target;
    LIG_TRY(lig_target_find(ctx, "native", &target));
    lig_text_printf(text, "liga %s (commit %s)\nLLVM %s\noneDNN %s\nCPU ", LIG_VERSION, LIG_COMMIT,
                    LIG_LLVM_VERSION, LIG_ONEDNN_VERSION);
    lig_version_describe_cpu(text, &target);
    lig_text_append_char(text, '\n');
    return text->failed ? lig_no_memory(ctx) : LIG_OK;
}

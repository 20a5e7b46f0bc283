// liga compile: a model as a file of another kind.
#include "frontend/export.h"
#include "tools/diagnostics.h"
#include "tools/model_write.h"

#include <string.h>

static LigStatus find_kind(LigOptions *options, LigModelWrite *write)
{
    write->path = lig_option_text(options, LIG_OPT_OUTPUT);
    if (!write->path) return lig_options_misused(options, "-o is missing: where should the model go?");
    const char *emit = lig_option_text(options, LIG_OPT_EMIT);
    if (emit) {
        write->kind = strcmp(emit, "gguf") == 0 ? LIG_WRITE_GGUF : LIG_WRITE_HF;
        return LIG_OK;
    }
    if (lig_write_kind_of(write->path, &write->kind) && write->kind != LIG_WRITE_SAFETENSORS) return LIG_OK;
    return lig_options_misused(options, "%s tells no kind: give OUT.gguf, a folder (for hf), or --emit gguf|hf",
                               write->path);
}

LigStatus lig_cmd_compile(LigOptions *options)
{
    LigExportPlan plan = {0};
    LigModelWrite write = {.plan = &plan};
    LigModelFile *file;
    LIG_TRY(find_kind(options, &write));
    LIG_TRY(lig_model_file_open(options->ctx, lig_options_operand(options), NULL, &file));
    LigStatus status = lig_export_plan(file, lig_write_format(write.kind), &plan);
    if (status == LIG_OK) status = lig_model_write(options, &write);
    if (status == LIG_OK && plan.left_out.length)
        lig_tell(options, "left out, since the format has no place for them: %s", plan.left_out.data);
    lig_export_free(&plan);
    lig_model_file_close(file);
    return status;
}

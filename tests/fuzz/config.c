// Any bytes as config.json: refused with one message, or a spec that prints.
#include "frontend/import.h"

#include "tests/unit/temp_file.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t bytes);

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t bytes)
{
    LigContext *ctx = lig_context_create();
    LigArena *arena = lig_arena_create();
    char folder[] = "/tmp/lig-fuzz-XXXXXX";
    TempFile file;
    LigSpec spec;
    if (!mkdtemp(folder)) abort();
    (void)snprintf(file.path, sizeof file.path, "%s/config.json", folder);
    temp_put(&file, data, bytes);
    if (lig_import_hf_spec(ctx, folder, arena, &spec) == LIG_OK) {
        LigText text = {0};
        lig_spec_print(&text, &spec);
        lig_text_free(&text);
    } else if (lig_context_diagnostic_count(ctx) == 0 || !diagnostics_are_clear(ctx, "config.json")) {
        abort();
    }
    unlink(file.path);
    rmdir(folder);
    lig_arena_destroy(arena);
    lig_context_destroy(ctx);
    return 0;
}

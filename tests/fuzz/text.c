// Any text either gives diagnostics, or a module whose print reads back to the same print.
#include "ir/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool print_of(LigContext *ctx, LigStr source, LigText *text)
{
    LigModule *module;
    if (lig_parse_module(ctx, "fuzz.lig", source, &module) != LIG_OK) return false;
    lig_print_module(text, module);
    lig_module_destroy(module);
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    LigContext *ctx = lig_context_create();
    LigText once = {0}, twice = {0};
    if (ctx == NULL) return 0;
    if (print_of(ctx, (LigStr){(const char *)data, size}, &once)) {
        if (!print_of(ctx, lig_text_view(&once), &twice)) abort();
        if (once.length != twice.length || memcmp(once.data, twice.data, once.length) != 0) abort();
    } else if (lig_context_diagnostic_count(ctx) == 0) {
        abort();
    }
    lig_text_free(&once);
    lig_text_free(&twice);
    lig_context_destroy(ctx);
    return 0;
}

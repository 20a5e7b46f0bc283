// Any bytes as .ligb: refused with messages that name the file, or a module that its text and a second .ligb
// give back. What does not begin like a file is taken as the graph's message, and gets a header that fits.
#include "frontend/ligb.h"
#include "ir/text.h"

#include "tests/unit/temp_file.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t bytes);

static void put_u64(unsigned char *at, uint64_t value) { memcpy(at, &value, sizeof value); }

// The file, at a multiple of 64; released by free.
static LigMappedFile as_file(const unsigned char *data, size_t bytes)
{
    bool whole = bytes >= 4 && memcmp(data, "LIGB", 4) == 0;
    size_t blobs = whole ? bytes : (64 + bytes + 63) / 64 * 64, room = (blobs + 64) / 64 * 64;
    unsigned char *file = aligned_alloc(64, room);
    if (!file) abort();
    memset(file, 0, room);
    if (!whole) {
        memcpy(file, "LIGB\1", 5);
        put_u64(file + 8, 64);
        put_u64(file + 16, bytes);
        put_u64(file + 24, blobs);
    }
    if (bytes) memcpy(file + (whole ? 0 : 64), data, bytes);
    return (LigMappedFile){file, blobs, "fuzzed.ligb"};
}

static LigText print(const LigModule *module)
{
    LigText text = {0};
    lig_print_module(&text, module);
    return text;
}

static void expect_same(LigContext *ctx, const LigText *want, LigStatus status, LigModule *module)
{
    if (status != LIG_OK) {
        (void)fprintf(stderr, "%s\n%.*s", first_message(ctx), LIG_STR_ARG(lig_text_view(want)));
        abort();
    }
    LigText got = print(module);
    if (got.length != want->length || memcmp(got.data, want->data, got.length) != 0) abort();
    lig_text_free(&got);
    lig_module_destroy(module);
}

static void read_again(LigContext *ctx, LigModule *module)
{
    LigText text = print(module);
    LigModule *again = NULL;
    LigMappedFile *file;
    LigStatus status = lig_parse_module(ctx, "printed", lig_text_view(&text), &again);
    expect_same(ctx, &text, status, again);
    TempFile copy = temp_file("", 0);
    if (lig_ligb_write(ctx, module, copy.path, false) != LIG_OK ||
        lig_file_map(ctx, copy.path, &file) != LIG_OK)
        abort();
    status = lig_ligb_read(ctx, file, &again);
    expect_same(ctx, &text, status, again);
    lig_file_unmap(file);
    unlink(copy.path);
    lig_text_free(&text);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t bytes)
{
    LigContext *ctx = lig_context_create();
    LigMappedFile file = as_file(data, bytes);
    LigModule *module;
    if (lig_ligb_read(ctx, &file, &module) == LIG_OK) {
        read_again(ctx, module);
        lig_module_destroy(module);
    } else if (lig_context_diagnostic_count(ctx) == 0) {
        abort();
    }
    free((void *)(uintptr_t)file.data);
    lig_context_destroy(ctx);
    return 0;
}

// Properties of random modules; run.py drives this program and shrinks what fails.
//
//   property --seed N --count M      checks seeds N .. N+M-1; each is named on standard output before it runs
//   property --print N               prints the module of a seed
//   property --check FILE --seed N   checks one file, on the contents of a seed
//
// Exit code 0, or 1 with the line "FAILED PROPERTY: DETAIL".
#include "tests/property/check.h"
#include "tests/property/generate.h"

#include "ir/base/file.h"
#include "ir/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static LigText text_of_seed(uint64_t seed)
{
    LigContext *ctx = lig_context_create();
    LigModule *module;
    LigText text = {0};
    if (generate_module(ctx, seed, &module) == LIG_OK) {
        lig_print_module(&text, module);
        lig_module_destroy(module);
    }
    lig_context_destroy(ctx);
    return text;
}

static int check(LigStr text, uint64_t seed, CheckCounts *counts)
{
    char detail[CHECK_DETAIL] = "";
    const char *failed = check_module_text(text, seed, counts, detail);
    if (failed) printf("FAILED %s: %s\n", failed, detail);
    (void)fflush(stdout);
    return failed != NULL;
}

static int check_file(const char *path, uint64_t seed)
{
    LigContext *ctx = lig_context_create();
    LigMappedFile *file;
    CheckCounts counts = {0};
    if (lig_file_map(ctx, path, &file) != LIG_OK) {
        printf("FAILED open: %s\n", path);
        return 1;
    }
    int failed = check((LigStr){(const char *)file->data, file->size}, seed, &counts);
    lig_file_unmap(file);
    lig_context_destroy(ctx);
    return failed;
}

static int check_seeds(uint64_t first, uint64_t count)
{
    CheckCounts counts = {0};
    int failed = 0;
    for (uint64_t seed = first; seed < first + count && !failed; seed++) {
        printf("seed %llu\n", (unsigned long long)seed);
        (void)fflush(stdout);
        LigText text = text_of_seed(seed);
        failed = check(lig_text_view(&text), seed, &counts);
        lig_text_free(&text);
    }
    printf(
        "%llu modules, %llu calls (%llu refused), %llu at later stages, %llu compiled (%llu unsupported), %llu "
        "failing allocations\n",
        (unsigned long long)counts.modules, (unsigned long long)counts.calls,
        (unsigned long long)counts.refused, (unsigned long long)counts.stage_calls,
        (unsigned long long)counts.compiled, (unsigned long long)counts.unsupported,
        (unsigned long long)counts.failed_allocations);
    bool idle = count >= 20 && (!counts.stage_calls || !counts.compiled);
    if (idle && !failed) printf("FAILED generator: nothing was compared\n");
    return failed || idle;
}

int main(int argc, char **argv)
{
    const char *file = NULL;
    uint64_t seed = 1, count = 1;
    bool prints = false;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--check") == 0) file = argv[i + 1];
        if (strcmp(argv[i], "--count") == 0) count = strtoull(argv[i + 1], NULL, 10);
        prints |= strcmp(argv[i], "--print") == 0;
        if (strcmp(argv[i], "--seed") == 0 || prints) seed = strtoull(argv[i + 1], NULL, 10);
    }
    if (file) return check_file(file, seed);
    if (!prints) return check_seeds(seed, count);
    LigText text = text_of_seed(seed);
    (void)fwrite(text.data, 1, text.length, stdout);
    lig_text_free(&text);
    return 0;
}

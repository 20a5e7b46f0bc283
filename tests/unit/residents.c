// Weights that were packed stand in memory once: the pages of their file are given back.
#include "frontend/model_file.h"
#include "frontend/safetensors.h"
#include "runtime/executable.h"
#include "tests/unit/temp_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

enum { WIDTH = 1024, WEIGHT_BYTES = WIDTH * WIDTH * 4 };

static const char source[] = "module \"m\" {\n"
                             "  dim N in 1..16\n"
                             "  param %w : f32[1024,1024] \"w\"\n"
                             "  func @f(%x: f32[N,1024]) -> f32[N,1024] {\n"
                             "    %y = linear %x, %w : f32[N,1024]\n"
                             "    return %y\n"
                             "  }\n"
                             "}\n";

// Bytes in memory of the mappings of `path`; -1 when it is not mapped.
static long long resident_bytes_of(const char *path)
{
    FILE *file = fopen("/proc/self/smaps", "r");
    assert_non_null(file);
    char line[512];
    bool is_ours = false;
    long long total = -1, kilobytes;
    while (fgets(line, sizeof line, file)) {
        if (strchr(line, '-') && strchr(line, ':') && strstr(line, " r")) is_ours = strstr(line, path) != NULL;
        if (!is_ours || sscanf(line, "Rss: %lld kB", &kilobytes) != 1) continue;
        total = (total < 0 ? 0 : total) + kilobytes * 1024;
    }
    fclose(file);
    return total;
}

static TempFile write_weights(LigContext *ctx)
{
    TempFile file = temp_file("", 0);
    float *data = calloc(WIDTH * WIDTH, sizeof *data);
    assert_non_null(data);
    for (size_t i = 0; i < WIDTH * WIDTH; i++) data[i] = (float)(i % 7) - 3;
    const LigFileTensor tensor = {.name = LIG_STR("w"),
                                  .type_name = "f32",
                                  .rank = 2,
                                  .dims = {WIDTH, WIDTH},
                                  .data = data,
                                  .bytes = WEIGHT_BYTES};
    const LigSafetensorsContent content = {.tensors = &tensor, .count = 1};
    assert_int_equal(lig_safetensors_write(ctx, file.path, &content), LIG_OK);
    free(data);
    return file;
}

static void packed_weights_leave_the_file(void **state)
{
    (void)state;
    LigContext *ctx = lig_context_create();
    TempFile weights = write_weights(ctx), graph = temp_file(source, sizeof source - 1);
    LigModelFile *file = NULL;
    LigModule *module = NULL;
    LigExecutable *executable = NULL;
    LigTarget target;
    const LigGraphOptions options = {.kv = LIG_F32};
    assert_int_equal(lig_target_find(ctx, "native", &target), LIG_OK);
    assert_int_equal(lig_model_file_open(ctx, graph.path, weights.path, &file), LIG_OK);
    assert_int_equal(lig_model_file_build(file, &options, &module), LIG_OK);
    const LigExecutableOptions how = {.target = &target, .passes = {.fuse = true}};
    assert_int_equal(lig_executable_create(module, &how, &executable), LIG_OK);
    assert_true(lig_executable_facts(executable).resident_bytes >= WEIGHT_BYTES); // it was packed, not borrowed
    long long resident = resident_bytes_of(weights.path);
    assert_true(resident >= 0);
    assert_true(resident < WEIGHT_BYTES / 8);
    lig_executable_destroy(executable);
    lig_model_file_close(file);
    lig_context_destroy(ctx);
    unlink(weights.path);
    unlink(graph.path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(packed_weights_leave_the_file)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

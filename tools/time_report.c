#include "tools/time_report.h"

#include "tools/diagnostics.h"
#include "tools/plan_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_falling_time(const void *a, const void *b)
{
    uint64_t x = ((const LigKernelTime *)a)->nanoseconds, y = ((const LigKernelTime *)b)->nanoseconds;
    return (x < y) - (x > y);
}

static void print_times(const LigKernelTime *times, size_t count)
{
    uint64_t total = 0;
    for (size_t i = 0; i < count; i++) total += times[i].nanoseconds;
    fprintf(stderr, "%-40s %10s %12s %10s %6s\n", "kernel", "calls", "total ms", "us a call", "share");
    for (size_t i = 0; i < count && times[i].calls > 0; i++) {
        double ns = (double)times[i].nanoseconds;
        fprintf(stderr, "@%-39.*s %10llu %12.2f %10.1f %5.1f%%\n", LIG_STR_ARG(times[i].name),
                (unsigned long long)times[i].calls, ns * 1e-6, ns * 1e-3 / (double)times[i].calls,
                total > 0 ? ns * 100 / (double)total : 0.0);
    }
}

static void print_passes(const LigExecutableFacts *facts)
{
    fprintf(stderr, "passes %.1f ms:", facts->pass_ms);
    for (size_t i = 0; i < facts->pass_count; i++)
        fprintf(stderr, "%s %s %.1f", i > 0 ? "," : "", facts->passes[i].name, facts->passes[i].milliseconds);
    fprintf(stderr, "\npacking weights %.1f ms\n", facts->load_ms);
}

static void print_costs(const LigCompilerFacts *facts)
{
    fprintf(
        stderr,
        "kernels %.1f ms: %zu compiled, %zu from the cache; loading LLVM %.1f; summed over threads: writing IR "
        "%.1f, verifying it %.1f, generating code %.1f, loading objects %.1f, cache %.1f\n",
        facts->all_ms, facts->compiled, facts->cached, facts->llvm_load_ms, facts->emit_ms, facts->verify_ms,
        facts->codegen_ms, facts->link_ms, facts->cache_ms);
    fprintf(stderr, "%-40s %8s %8s %8s %8s %8s %8s %8s\n", "kernel made, ms", "", "IR", "verify", "code",
            "load", "cache", "bytes");
    for (size_t i = 0; i < facts->cost_count; i++) {
        const LigKernelCost *cost = &facts->costs[i];
        fprintf(stderr, "@%-39.*s %8s %8.2f %8.2f %8.2f %8.2f %8.2f %8zu\n", LIG_STR_ARG(cost->name),
                cost->is_cached ? "cached" : "compiled", cost->emit_ms, cost->verify_ms, cost->codegen_ms,
                cost->link_ms, cost->cache_ms, cost->bytes);
    }
}

void lig_time_report(const LigOptions *options, const LigExecutable *executable)
{
    if (!lig_option_given(options, LIG_OPT_TIME)) return;
    LigExecutableFacts facts = lig_executable_facts(executable);
    LigKernelTime *sorted = LIG_NEW_ARRAY(options->arena, LigKernelTime, facts.time_count);
    if (!sorted || facts.time_count == 0) return;
    memcpy(sorted, facts.times, facts.time_count * sizeof *sorted);
    qsort(sorted, facts.time_count, sizeof *sorted, by_falling_time);
    print_passes(&facts);
    print_costs(&facts.compiler);
    print_times(sorted, facts.time_count);
}

// The most memory the process ever held, from the kernel; 0 when it does not say.
static uint64_t peak_resident_bytes(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    unsigned long long kilobytes = 0;
    while (file && kilobytes == 0 && fgets(line, sizeof line, file)) {
        if (strncmp(line, "VmHWM:", 6) == 0) kilobytes = strtoull(line + 6, NULL, 10);
    }
    if (file) fclose(file);
    return kilobytes * 1024;
}

void lig_memory_report(const LigOptions *options, const LigExecutable *executable)
{
    LigExecutableFacts facts = lig_executable_facts(executable);
    const LigCompilerFacts *c = &facts.compiler;
    lig_tell_verbose(options,
                     "%zu kernels compiled in %.1f ms, %zu from the cache in %.1f ms; passes %.1f ms, packing "
                     "weights %.1f ms",
                     c->compiled, c->all_ms - c->cache_ms, c->cached, c->cache_ms, facts.pass_ms,
                     facts.load_ms);
    lig_tell_verbose(options, "plugins loaded: %s", c->plugins);
    if (c->cache_trouble[0]) lig_tell_verbose(options, "cache not used: %s", c->cache_trouble);
    lig_plan_report(options, lig_executable_module(executable));
    lig_tell_verbose(options, "arena %llu bytes, packed weights %llu bytes, at most %llu bytes in memory",
                     (unsigned long long)facts.arena_bytes, (unsigned long long)facts.resident_bytes,
                     (unsigned long long)peak_resident_bytes());
}

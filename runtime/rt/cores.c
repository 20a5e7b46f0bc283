// How many cores this process may use. Containers limit that in two ways: by an affinity mask, and by a quota
// of CPU time that no call reports, only the control group's files.
#include "runtime/rt/threads.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FILE_BYTES = 4096, MASK_CPUS = 8192 };

static int affinity_cores(void)
{
    unsigned long mask[MASK_CPUS / (8 * sizeof(unsigned long))] = {0};
    if (sched_getaffinity(0, sizeof mask, (cpu_set_t *)(void *)mask) != 0) {
        long online = sysconf(_SC_NPROCESSORS_ONLN);
        return online > 0 && online <= LIG_MAX_THREADS ? (int)online : 1;
    }
    int cores = CPU_COUNT_S(sizeof mask, (cpu_set_t *)(void *)mask);
    return cores > 0 ? cores : 1;
}

// The file's beginning as a string; false when it can't be read.
static bool read_small(const char *path, char text[FILE_BYTES])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return false;
    ssize_t bytes = read(fd, text, FILE_BYTES - 1);
    close(fd);
    if (bytes <= 0) return false;
    text[bytes] = 0;
    return true;
}

static int quota_cores(long long quota, long long period)
{
    if (quota <= 0 || period <= 0) return LIG_MAX_THREADS;
    long long cores = quota / period + (quota % period != 0);
    return cores < LIG_MAX_THREADS ? (int)cores : LIG_MAX_THREADS;
}

// Version 2: "cpu.max" holds "QUOTA PERIOD" or "max PERIOD", in the group itself and in each of its parents.
static int group_v2_cores(void)
{
    char text[FILE_BYTES];
    if (!read_small("/proc/self/cgroup", text)) return LIG_MAX_THREADS;
    char *group = strstr(text, "0::/");
    if (!group) return LIG_MAX_THREADS;
    group += strlen("0::");
    group[strcspn(group, "\n")] = 0;
    int cores = LIG_MAX_THREADS;
    for (char *end = group + strlen(group); end; end = strrchr(group, '/')) {
        *end = 0;
        char path[FILE_BYTES + 64];
        char limit[FILE_BYTES];
        long long quota, period;
        snprintf(path, sizeof path, "/sys/fs/cgroup%s/cpu.max", group);
        if (!read_small(path, limit) || sscanf(limit, "%lld %lld", &quota, &period) != 2) continue;
        int here = quota_cores(quota, period);
        if (here < cores) cores = here;
    }
    return cores;
}

static int group_v1_cores(void)
{
    char quota_text[FILE_BYTES];
    char period_text[FILE_BYTES];
    long long quota, period;
    if (!read_small("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", quota_text)) return LIG_MAX_THREADS;
    if (!read_small("/sys/fs/cgroup/cpu/cpu.cfs_period_us", period_text)) return LIG_MAX_THREADS;
    if (sscanf(quota_text, "%lld", &quota) != 1 || sscanf(period_text, "%lld", &period) != 1)
        return LIG_MAX_THREADS;
    return quota_cores(quota, period);
}

static int smaller(int a, int b) { return a < b ? a : b; }

int lig_default_threads(void)
{
    return smaller(smaller(affinity_cores(), LIG_MAX_THREADS), smaller(group_v2_cores(), group_v1_cores()));
}

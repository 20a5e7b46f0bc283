// What this machine can do at most, measured by small loops on the threads that a model would use.
#ifndef LIG_TOOLS_MACHINE_PROBE_H
#define LIG_TOOLS_MACHINE_PROBE_H

#include "runtime/rt/threads.h"

typedef struct LigMachineSpeed {
    double bytes_per_second; // reading memory that no cache holds
    double flops_per_second; // f32 multiply-adds in the widest vectors, two operations each
} LigMachineSpeed;

// Takes about half a second and 256 MB. Errors: NO_MEMORY.
LigStatus lig_machine_probe(LigContext *ctx, const LigParallel *parallel, LigMachineSpeed *out) LIG_MUST_CHECK;

#endif

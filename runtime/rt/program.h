// A program: one planned variant as the flat list of kernel calls that the machine runs.
//
// Everything is known before the first call: which kernel, which buffers, how many tiles. Running it allocates
// nothing and walks no graph. A program is read-only and may be run by several sessions at once, each with its
// own memory.
#ifndef LIG_RT_PROGRAM_H
#define LIG_RT_PROGRAM_H

#include "ir/base/arena.h"
#include "ir/base/kernel_call.h"
#include "ir/base/status.h"
#include "runtime/rt/threads.h"

// Which of the memories below a buffer lies in.
typedef enum LigRegion {
    LIG_REGION_ARENA,    // offset in bytes
    LIG_REGION_RESIDENT, // params and results of load, by index
    LIG_REGION_STATE,    // by index
    LIG_REGION_INPUT,    // by index
    LIG_REGION_OUTPUT,   // by index
    LIG_REGION_HANDLE,   // the address itself: what a provider of kernels needs
} LigRegion;

typedef struct LigBufferRef {
    LigRegion region;
    uint64_t at; // byte offset (ARENA), address (HANDLE) or index
} LigBufferRef;

// A call has at most this many buffers; whoever builds a program checks it.
enum { LIG_MAX_CALL_BUFFERS = 64 };

typedef struct LigKernelCall {
    LigKernelFn *kernel;
    uint32_t kernel_index; // which kernel of the module, for timing
    uint32_t first_buffer; // in LigProgram.buffers: operands in order, then results in order
    uint32_t buffer_count;
} LigKernelCall;

typedef struct LigProgram {
    const LigKernelCall *calls;
    size_t call_count;
    const LigBufferRef *buffers;
    uint64_t arena_bytes;
    uint64_t scratch_bytes; // a thread
} LigProgram;

// The memory of one run. Arena and scratch: 64-byte aligned, as large as the program says (scratch: times
// threads).
typedef struct LigProgramMemory {
    unsigned char *arena;
    unsigned char *scratch;
    void *const *residents;
    void *const *states;
    void *const *inputs;
    void *const *outputs;
} LigProgramMemory;

// Where the time of runs went, by kernel index; NULL pointers are not counted.
typedef struct LigProgramTimes {
    uint64_t *nanoseconds;
    uint64_t *calls;
} LigProgramTimes;

// Runs the calls in order, each over its tiles in parallel.
//   dims    the values of the module's symbols
//   tiles   the number of tiles of each call under these dims
//   times   NULL, or counters that are added to
void lig_program_run(const LigProgram *program, const LigProgramMemory *memory, const int64_t *dims,
                     const int64_t *tiles, const LigParallel *parallel, const LigProgramTimes *times);

#endif

#include "runtime/rt/program.h"

#include "ir/base/clock.h"

// What the threads of one call share.
typedef struct Job {
    LigKernelFn *kernel;
    void *const *buffers;
    const int64_t *dims;
    unsigned char *scratch;
    uint64_t scratch_bytes;
} Job;

static void run_tiles(void *user, int thread, int64_t begin, int64_t end)
{
    const Job *job = user;
    // A program without scratch has none to point into.
    unsigned char *scratch = job->scratch ? job->scratch + (uint64_t)thread * job->scratch_bytes : NULL;
    job->kernel(job->buffers, job->dims, begin, end, scratch);
}

static void *address(const LigProgramMemory *memory, LigBufferRef ref)
{
    switch (ref.region) {
    case LIG_REGION_ARENA:
        return memory->arena + ref.at;
    case LIG_REGION_RESIDENT:
        return memory->residents[ref.at];
    case LIG_REGION_STATE:
        return memory->states[ref.at];
    case LIG_REGION_INPUT:
        return memory->inputs[ref.at];
    case LIG_REGION_OUTPUT:
        return memory->outputs[ref.at];
    case LIG_REGION_HANDLE:
        return (void *)(uintptr_t)ref.at;
    }
    return NULL;
}

void lig_program_run(const LigProgram *program, const LigProgramMemory *memory, const int64_t *dims,
                     const int64_t *tiles, const LigParallel *parallel, const LigProgramTimes *times)
{
    void *buffers[LIG_MAX_CALL_BUFFERS];
    int64_t before = times ? lig_clock_ns() : 0;
    for (size_t i = 0; i < program->call_count; i++) {
        const LigKernelCall *call = &program->calls[i];
        for (uint32_t j = 0; j < call->buffer_count; j++) {
            buffers[j] = address(memory, program->buffers[call->first_buffer + j]);
        }
        Job job = {call->kernel, buffers, dims, memory->scratch, program->scratch_bytes};
        parallel->run(parallel->self, tiles[i], run_tiles, &job);
        if (!times) continue;
        int64_t after = lig_clock_ns();
        times->nanoseconds[call->kernel_index] += (uint64_t)(after - before);
        times->calls[call->kernel_index]++;
        before = after;
    }
}

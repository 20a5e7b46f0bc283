// Packing: weights copied from the layout of their file to the one that kernels read, many in one parallel loop.
//
// A loop for each weight would end with a wait for each, and its threads would meet in one huge page, which both
// of them clear. Memory of the file is given back when a batch is done, so that no more than a batch is in
// memory twice.
#ifndef LIG_RUNTIME_PACKING_H
#define LIG_RUNTIME_PACKING_H

#include "ir/base/vec.h"
#include "ir/eval.h"
#include "runtime/rt/threads.h"

typedef struct LigPackJob {
    LigTensor source, target;
    int64_t rows;       // of the matrix, over all batches
    int64_t first_tile; // of the loop
    size_t mapped;      // bytes of the source that lie in a mapped file and are not read again; else 0
} LigPackJob;

// Zero-initialise; lives in `arena`.
typedef struct LigPacking {
    LigArena *arena;
    const LigParallel *parallel;
    LIG_VEC(LigPackJob) jobs;
    int64_t tiles;
    size_t bytes; // of all targets
} LigPacking;

// Adds a copy from source to target: same dtype and dims. Both must stay until the batch has run. A batch that
// has become large runs at once. False when memory is out.
bool lig_packing_add(LigPacking *packing, LigPackJob job);
// Runs what was added; the batch is empty then.
void lig_packing_run(LigPacking *packing);

#endif

#include "runtime/packing.h"

#include "ir/base/file.h"

// A tile is as many rows as the widest panel has, so that no two threads write into one panel.
enum { TILE_ROWS = 64 };
enum { BATCH_BYTES = 32 << 20 };

// The job that `tile` belongs to.
static size_t find_job(const LigPacking *packing, int64_t tile)
{
    size_t low = 0, high = packing->jobs.count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (packing->jobs.data[middle].first_tile <= tile)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static int64_t tiles_of(const LigPackJob *job) { return (job->rows + TILE_ROWS - 1) / TILE_ROWS; }

static void pack_rows(const LigPackJob *job, int64_t begin, int64_t end)
{
    int64_t first = begin * TILE_ROWS;
    int64_t last = end * TILE_ROWS < job->rows ? end * TILE_ROWS : job->rows;
    lig_shape_repack(&job->source.shape, job->source.data, &job->target.shape, job->target.data, first,
                     last - first);
}

static void pack_tiles(void *user, int thread, int64_t begin, int64_t end)
{
    (void)thread;
    const LigPacking *packing = user;
    for (size_t i = find_job(packing, begin); begin < end; i++) {
        const LigPackJob *job = &packing->jobs.data[i];
        int64_t next = job->first_tile + tiles_of(job), last = next < end ? next : end;
        pack_rows(job, begin - job->first_tile, last - job->first_tile);
        begin = last;
    }
}

void lig_packing_run(LigPacking *packing)
{
    packing->parallel->run(packing->parallel->self, packing->tiles, pack_tiles, packing);
    for (size_t i = 0; i < packing->jobs.count; i++) {
        const LigPackJob *job = &packing->jobs.data[i];
        if (job->mapped > 0) lig_file_release(job->source.data, job->mapped);
    }
    packing->jobs.count = 0;
    packing->tiles = 0;
    packing->bytes = 0;
}

bool lig_packing_add(LigPacking *packing, LigPackJob job)
{
    size_t bytes = 0;
    job.rows = 1;
    for (int i = 0; i + 1 < job.source.shape.rank; i++) job.rows *= job.source.shape.dims[i];
    job.first_tile = packing->tiles;
    if (job.rows == 0) return true;
    if (!LIG_VEC_PUSH(packing->arena, &packing->jobs, job)) return false;
    packing->tiles += tiles_of(&job);
    if (lig_shape_bytes(&job.target.shape, &bytes)) packing->bytes += bytes;
    if (packing->bytes >= BATCH_BYTES) lig_packing_run(packing);
    return true;
}

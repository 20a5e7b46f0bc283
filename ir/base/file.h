// Files: mapped for reading, written under a temporary name and renamed when complete.
#ifndef LIG_BASE_FILE_H
#define LIG_BASE_FILE_H

#include "ir/base/status.h"
#include "ir/base/str.h"

// A file mapped read-only and private. Pages come in as they are touched and may be given back.
typedef struct LigMappedFile {
    const unsigned char *data; // NULL for an empty file
    size_t size;
    const char *path; // owned by the mapping
} LigMappedFile;

// Maps a regular file. Errors: NOT_FOUND, IO (a directory, no permission, …), NO_MEMORY; each names the path.
LigStatus lig_file_map(LigContext *ctx, const char *path, LigMappedFile **out) LIG_MUST_CHECK;
void lig_file_unmap(LigMappedFile *file);
// Tells the system that `bytes` at `data`, inside a mapping, will not be read again soon: whole pages of it
// leave memory.
void lig_file_release(const void *data, size_t bytes);

bool lig_path_is_directory(const char *path);
bool lig_path_exists(const char *path);

// An output that appears under its name only when complete; "-" is standard output.
typedef struct LigOutput LigOutput;
LigStatus lig_output_open(LigContext *ctx, const char *path, LigOutput **out) LIG_MUST_CHECK;
// A failed write is remembered and reported by lig_output_close.
void lig_output_write(LigOutput *output, const void *data, size_t bytes);
// Flushes and renames into place. After an error the destination is as it was before. Releases `output`.
LigStatus lig_output_close(LigContext *ctx, LigOutput *output) LIG_MUST_CHECK;
// Drops everything written. Releases `output`.
void lig_output_discard(LigOutput *output);

#endif

// The folder of an object cache, as a file descriptor: so what was checked is what is used.
#ifndef LIG_CODEGEN_CACHE_FOLDER_H
#define LIG_CODEGEN_CACHE_FOLDER_H

#include "ir/base/status.h"

#include <sys/stat.h>

enum { LIG_CACHE_NAME_BYTES = 68 }; // of an entry: 64 hex digits, ".o"

// Opens the folder, making it and its parents (for the user only) when missing. -1 with the reason in `trouble`
// when it is not the user's own, or others may write to it, or the system refuses.
int lig_cache_folder_open(const char *path, char *trouble, size_t trouble_bytes);

// Whether a file may be trusted: a regular file of the user's own that nobody else may write to.
bool lig_cache_is_own_file(const struct stat *info);

// The bytes of all entries. Temporary files that a process left behind are removed.
uint64_t lig_cache_folder_bytes(int folder);

// Removes entries, those used longest ago first, until at most `keep_bytes` are left; how many were removed.
// *bytes_left tells what is left. Without memory nothing is removed.
size_t lig_cache_folder_evict(int folder, uint64_t keep_bytes, uint64_t *bytes_left);

#endif

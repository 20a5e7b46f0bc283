// Objects kept on disk between runs: a folder with one file an object, named by the digest of all that it was
// made from.
//
// Entries are executed, so the folder must be the user's own, writable by nobody else; one that is not is
// refused. An entry brings its own digest, is checked when read, and is removed when it does not match. It is
// written under a temporary name and renamed, so that any number of processes may share a folder. What is used
// longest ago is removed first when the folder is full.
//
// Nothing here is an error of a run: a cache that can't be used, read or written costs time only, and says why.
// Threading: one thread at a time.
#ifndef LIG_CODEGEN_OBJECT_CACHE_H
#define LIG_CODEGEN_OBJECT_CACHE_H

#include "codegen/object.h"
#include "ir/base/sha256.h"

typedef struct LigObjectCacheOptions {
    const char *folder; // NULL = no cache. Made when missing, readable by the user only
    uint64_t max_bytes; // of all entries
} LigObjectCacheOptions;

typedef struct LigObjectCache LigObjectCache;

// Errors: NO_MEMORY only. A folder that can't be used gives a cache that holds and takes nothing.
LigStatus lig_object_cache_open(LigContext *ctx, const LigObjectCacheOptions *options,
                                LigObjectCache **out) LIG_MUST_CHECK;
void lig_object_cache_close(LigObjectCache *cache); // NULL is fine

// Whether there is a sound entry of that name; *out is then the caller's. False also when memory is out.
bool lig_object_cache_get(LigObjectCache *cache, const LigDigest *key, LigObject *out) LIG_MUST_CHECK;
// Keeps a copy.
void lig_object_cache_put(LigObjectCache *cache, const LigDigest *key, LigObject object);
// Removes an entry that turned out to be of no use.
void lig_object_cache_drop(LigObjectCache *cache, const LigDigest *key);

typedef struct LigObjectCacheFacts {
    char trouble[160]; // why the folder is not used, or no longer written to; "" = all is well
    size_t found, missed, stored;
    size_t damaged; // found, but cut or changed: removed
    size_t evicted;
} LigObjectCacheFacts;
// Lives as long as the cache.
const LigObjectCacheFacts *lig_object_cache_facts(const LigObjectCache *cache);

#endif

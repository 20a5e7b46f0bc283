#include "codegen/object_cache.h"

#include "codegen/cache_folder.h"
#include "ir/base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

// What stands before the object in an entry. The digest is over the key too: an entry under another's name is
// no entry.
typedef struct Header {
    char magic[8];
    uint64_t object_bytes;
    LigDigest digest;
} Header;

static const char magic[8] = "ligobj1";

enum { MAX_OBJECT_BYTES = 1 << 30, TEMPORARY_BYTES = 64 };

struct LigObjectCache {
    int folder; // -1: there is none
    uint64_t max_bytes;
    uint64_t bytes; // of all entries, once `counted`
    bool counted, read_only;
    unsigned temporaries;
    LigObjectCacheFacts facts;
};

LigStatus lig_object_cache_open(LigContext *ctx, const LigObjectCacheOptions *options, LigObjectCache **out)
{
    LigObjectCache *cache = lig_alloc_zero(sizeof *cache);
    if (!cache) return lig_no_memory(ctx);
    cache->max_bytes = options->max_bytes;
    cache->folder = -1;
    if (options->folder) {
        cache->folder =
            lig_cache_folder_open(options->folder, cache->facts.trouble, sizeof cache->facts.trouble);
    }
    *out = cache;
    return LIG_OK;
}

void lig_object_cache_close(LigObjectCache *cache)
{
    if (!cache) return;
    if (cache->folder >= 0) close(cache->folder);
    lig_free(cache);
}

const LigObjectCacheFacts *lig_object_cache_facts(const LigObjectCache *cache) { return &cache->facts; }

static void entry_name(const LigDigest *key, char out[LIG_CACHE_NAME_BYTES])
{
    char hex[LIG_SHA256_HEX_BYTES];
    lig_digest_hex(key, hex);
    snprintf(out, LIG_CACHE_NAME_BYTES, "%s.o", hex);
}

static LigDigest digest_of(const LigDigest *key, LigObject object)
{
    LigSha256 sha = lig_sha256_begin();
    lig_sha256_add(&sha, key->bytes, sizeof key->bytes);
    lig_sha256_add(&sha, object.data, object.bytes);
    return lig_sha256_end(&sha);
}

static bool read_all(int fd, void *data, size_t bytes)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t got = read(fd, (char *)data + done, bytes - done);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        done += (size_t)got;
    }
    return true;
}

static bool write_all(int fd, const void *data, size_t bytes)
{
    for (size_t done = 0; done < bytes;) {
        ssize_t put = write(fd, (const char *)data + done, bytes - done);
        if (put < 0 && errno == EINTR) continue;
        if (put <= 0) return false;
        done += (size_t)put;
    }
    return true;
}

static bool is_sound(const Header *header, const struct stat *info)
{
    return lig_cache_is_own_file(info) && memcmp(header->magic, magic, sizeof magic) == 0 &&
           header->object_bytes <= MAX_OBJECT_BYTES &&
           (uint64_t)info->st_size == header->object_bytes + sizeof *header;
}

typedef enum Finding { SOUND, DAMAGED, NO_MEMORY } Finding;

static Finding read_entry(int fd, const LigDigest *key, LigObject *out)
{
    struct stat info;
    Header header;
    if (fstat(fd, &info) != 0 || !read_all(fd, &header, sizeof header) || !is_sound(&header, &info))
        return DAMAGED;
    LigObject object = {lig_alloc((size_t)header.object_bytes), (size_t)header.object_bytes};
    if (!object.data) return NO_MEMORY;
    if (read_all(fd, object.data, object.bytes)) {
        LigDigest found = digest_of(key, object);
        if (lig_digest_equal(&found, &header.digest)) {
            *out = object;
            return SOUND;
        }
    }
    lig_object_free(&object);
    return DAMAGED;
}

bool lig_object_cache_get(LigObjectCache *cache, const LigDigest *key, LigObject *out)
{
    *out = (LigObject){0};
    if (cache->folder < 0) return false;
    char name[LIG_CACHE_NAME_BYTES];
    entry_name(key, name);
    // A name that is not a file (a pipe, a link) must neither block nor lead elsewhere.
    int fd = openat(cache->folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        cache->facts.missed++;
        return false;
    }
    Finding finding = read_entry(fd, key, out);
    if (finding == SOUND) {
        futimens(fd, NULL); // used now: last to be evicted
        cache->facts.found++;
    } else if (finding == DAMAGED) {
        lig_object_cache_drop(cache, key);
    }
    close(fd);
    return finding == SOUND;
}

// An eighth is freed beyond what is needed, so that a full folder is not searched for every entry. False when
// there is no room.
static bool make_room(LigObjectCache *cache, uint64_t bytes)
{
    if (bytes > cache->max_bytes) return false;
    if (!cache->counted) cache->bytes = lig_cache_folder_bytes(cache->folder);
    cache->counted = true;
    if (cache->bytes <= cache->max_bytes - bytes) return true;
    uint64_t slack = cache->max_bytes / 8, room = cache->max_bytes - bytes;
    uint64_t keep = room > slack ? room - slack : 0;
    cache->facts.evicted += lig_cache_folder_evict(cache->folder, keep, &cache->bytes);
    return cache->bytes <= room;
}

static int open_temporary(LigObjectCache *cache, char name[TEMPORARY_BYTES])
{
    int fd = -1;
    for (int tries = 0; fd < 0 && tries < 100; tries++) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        snprintf(name, TEMPORARY_BYTES, ".object-%ld-%lx-%u", (long)getpid(), (unsigned long)now.tv_nsec,
                 cache->temporaries++);
        fd = openat(cache->folder, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd < 0 && errno != EEXIST) return -1;
    }
    return fd;
}

// 0, or the errno of what failed; then nothing is left behind.
static int write_entry(LigObjectCache *cache, const LigDigest *key, LigObject object)
{
    char temporary[TEMPORARY_BYTES], name[LIG_CACHE_NAME_BYTES];
    Header header = {.object_bytes = object.bytes, .digest = digest_of(key, object)};
    memcpy(header.magic, magic, sizeof magic);
    entry_name(key, name);
    int fd = open_temporary(cache, temporary);
    if (fd < 0) return errno;
    errno = 0;
    bool written = write_all(fd, &header, sizeof header) && write_all(fd, object.data, object.bytes);
    int error = written ? 0 : errno ? errno : EIO;
    if (close(fd) != 0 && error == 0) error = errno;
    if (error == 0 && renameat(cache->folder, temporary, cache->folder, name) != 0) error = errno;
    if (error != 0) unlinkat(cache->folder, temporary, 0);
    return error;
}

void lig_object_cache_put(LigObjectCache *cache, const LigDigest *key, LigObject object)
{
    uint64_t bytes = object.bytes + sizeof(Header);
    if (cache->folder < 0 || cache->read_only || object.bytes > MAX_OBJECT_BYTES) return;
    if (!make_room(cache, bytes)) return;
    int error = write_entry(cache, key, object);
    if (error == 0) {
        cache->bytes += bytes;
        cache->facts.stored++;
        return;
    }
    // What failed once (a full disk, a folder that can only be read) would fail for every entry.
    cache->read_only = true;
    snprintf(cache->facts.trouble, sizeof cache->facts.trouble, "it can't be written to: %s", strerror(error));
}

void lig_object_cache_drop(LigObjectCache *cache, const LigDigest *key)
{
    if (cache->folder < 0) return;
    char name[LIG_CACHE_NAME_BYTES];
    entry_name(key, name);
    unlinkat(cache->folder, name, 0);
    cache->facts.damaged++;
}

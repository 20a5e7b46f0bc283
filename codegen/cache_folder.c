#include "codegen/cache_folder.h"

#include "ir/base/str.h"
#include "ir/base/vec.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { ABANDONED_SECONDS = 3600 };

static bool others_may_write(const struct stat *info) { return (info->st_mode & (S_IWGRP | S_IWOTH)) != 0; }

bool lig_cache_is_own_file(const struct stat *info)
{
    return S_ISREG(info->st_mode) && info->st_uid == geteuid() && !others_may_write(info);
}

// Makes the folder and those above it; what is there already stays as it is.
static bool make_folders(const char *path)
{
    char partial[PATH_MAX];
    size_t length = strlen(path);
    if (length >= sizeof partial) {
        errno = ENAMETOOLONG;
        return false;
    }
    for (size_t i = 1; i <= length; i++) {
        if (path[i] != '/' && path[i] != '\0') continue;
        memcpy(partial, path, i);
        partial[i] = '\0';
        if (mkdir(partial, 0700) != 0 && errno != EEXIST) return false;
    }
    return true;
}

static int open_folder(const char *path)
{
    enum { FLAGS = O_RDONLY | O_DIRECTORY | O_CLOEXEC };
    int folder = open(path, FLAGS);
    if (folder >= 0 || errno != ENOENT || !make_folders(path)) return folder;
    return open(path, FLAGS);
}

int lig_cache_folder_open(const char *path, char *trouble, size_t trouble_bytes)
{
    int folder = open_folder(path);
    if (folder < 0) {
        snprintf(trouble, trouble_bytes, "%s", strerror(errno));
        return -1;
    }
    struct stat info;
    const char *reason = NULL;
    if (fstat(folder, &info) != 0) {
        reason = strerror(errno);
    } else if (info.st_uid != geteuid()) {
        reason = "it belongs to another user";
    } else if (others_may_write(&info)) {
        reason = "others may write to it: chmod go-w";
    }
    if (!reason) return folder;
    snprintf(trouble, trouble_bytes, "%s", reason);
    close(folder);
    return -1;
}

typedef struct Entry {
    char name[LIG_CACHE_NAME_BYTES];
    uint64_t bytes;
    struct timespec used;
} Entry;

typedef struct EntryList {
    LigArena *arena;
    LIG_VEC(Entry) entries;
} EntryList;

static bool is_entry_name(const char *name)
{
    size_t digits = strspn(name, "0123456789abcdef");
    return digits == 64 && strcmp(name + digits, ".o") == 0;
}

static void remove_abandoned(int folder, const char *name, const struct stat *info)
{
    if (strncmp(name, ".object-", 8) != 0 || time(NULL) - info->st_mtim.tv_sec < ABANDONED_SECONDS) return;
    unlinkat(folder, name, 0);
}

// False when memory is out.
static bool add_entry(EntryList *list, const char *name, const struct stat *info)
{
    Entry entry = {.bytes = (uint64_t)info->st_size, .used = info->st_mtim};
    memcpy(entry.name, name, strlen(name) + 1); // is_entry_name has seen its length
    return LIG_VEC_PUSH(list->arena, &list->entries, entry);
}

// The bytes of all entries, which are added to `list` unless it is NULL. UINT64_MAX when memory is out.
static uint64_t scan(int folder, EntryList *list)
{
    int again = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = again >= 0 ? fdopendir(again) : NULL;
    if (!stream) {
        if (again >= 0) close(again);
        return 0;
    }
    uint64_t bytes = 0;
    bool complete = true;
    for (const struct dirent *item = readdir(stream); item && complete; item = readdir(stream)) {
        struct stat info;
        if (fstatat(folder, item->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(info.st_mode)) continue;
        remove_abandoned(folder, item->d_name, &info);
        if (!is_entry_name(item->d_name)) continue;
        bytes += (uint64_t)info.st_size;
        if (list) complete = add_entry(list, item->d_name, &info);
    }
    closedir(stream);
    return complete ? bytes : UINT64_MAX;
}

uint64_t lig_cache_folder_bytes(int folder) { return scan(folder, NULL); }

static int by_last_use(const void *a, const void *b)
{
    const Entry *x = a, *y = b;
    if (x->used.tv_sec != y->used.tv_sec) return x->used.tv_sec < y->used.tv_sec ? -1 : 1;
    if (x->used.tv_nsec != y->used.tv_nsec) return x->used.tv_nsec < y->used.tv_nsec ? -1 : 1;
    return strcmp(x->name, y->name);
}

size_t lig_cache_folder_evict(int folder, uint64_t keep_bytes, uint64_t *bytes_left)
{
    EntryList list = {.arena = lig_arena_create()};
    *bytes_left = list.arena ? scan(folder, &list) : UINT64_MAX;
    size_t removed = 0;
    if (*bytes_left != UINT64_MAX && list.entries.count > 0)
        qsort(list.entries.data, list.entries.count, sizeof *list.entries.data, by_last_use);
    for (size_t i = 0; *bytes_left != UINT64_MAX && i < list.entries.count && *bytes_left > keep_bytes; i++) {
        const Entry *entry = &list.entries.data[i];
        // Another process may have been faster: gone is gone.
        if (unlinkat(folder, entry->name, 0) != 0 && errno != ENOENT) continue;
        *bytes_left -= entry->bytes;
        removed++;
    }
    lig_arena_destroy(list.arena);
    return removed;
}

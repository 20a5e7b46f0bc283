#include "ir/base/file.h"

#include "ir/base/alloc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char *copy_path(const char *path)
{
    size_t bytes = strlen(path) + 1;
    char *copy = lig_alloc(bytes);
    return copy ? memcpy(copy, path, bytes) : NULL;
}

static LigStatus fail_errno(LigContext *ctx, const char *path, const char *what)
{
    if (errno == ENOENT) {
        return lig_fail(ctx, LIG_ERR_NOT_FOUND, LIG_FILE_LOC(path),
                        "no such file or directory: check the path");
    }
    return lig_fail(ctx, LIG_ERR_IO, LIG_FILE_LOC(path), "%s: %s", what, strerror(errno));
}

static LigStatus map_descriptor(LigContext *ctx, const char *path, int fd, LigMappedFile *file)
{
    struct stat info;
    if (fstat(fd, &info) != 0) return fail_errno(ctx, path, "can't be read");
    if (!S_ISREG(info.st_mode)) {
        return lig_fail(ctx, LIG_ERR_IO, LIG_FILE_LOC(path), "is not a regular file: give a file");
    }
    file->size = (size_t)info.st_size;
    if (file->size == 0) return LIG_OK;
    void *data = mmap(NULL, file->size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED) return fail_errno(ctx, path, "can't be mapped");
    file->data = data;
    return LIG_OK;
}

LigStatus lig_file_map(LigContext *ctx, const char *path, LigMappedFile **out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return fail_errno(ctx, path, "can't be opened");
    LigMappedFile *file = lig_alloc_zero(sizeof *file);
    char *name = copy_path(path);
    LigStatus status = file && name ? map_descriptor(ctx, path, fd, file) : lig_no_memory(ctx);
    close(fd);
    if (status != LIG_OK || !file) {
        lig_free(name);
        lig_free(file);
        return status;
    }
    file->path = name;
    *out = file;
    return LIG_OK;
}

void lig_file_unmap(LigMappedFile *file)
{
    if (!file) return;
    if (file->data) munmap((void *)(uintptr_t)file->data, file->size);
    lig_free((void *)(uintptr_t)file->path);
    lig_free(file);
}

void lig_file_release(const void *data, size_t bytes)
{
    const uintptr_t page = 4096;
    uintptr_t begin = ((uintptr_t)data + page - 1) / page * page;
    uintptr_t end = ((uintptr_t)data + bytes) / page * page;
    if (end > begin) madvise((void *)begin, end - begin, MADV_DONTNEED);
}

bool lig_path_is_directory(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool lig_path_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}

struct LigOutput {
    FILE *stream;
    char *path;      // NULL for standard output
    char *temporary; // NULL for standard output, and where the path is written in place
    int error;       // errno of the first failure
};

static void release(LigOutput *output)
{
    lig_free(output->path);
    lig_free(output->temporary);
    lig_free(output);
}

// "DIR/.NAME.XXXXXX" beside the destination, so that the rename stays on one file system.
static char *temporary_beside(const char *path)
{
    const char *slash = strrchr(path, '/');
    int directory = slash ? (int)(slash - path + 1) : 0;
    size_t bytes = strlen(path) + 16;
    char *name = lig_alloc(bytes);
    if (name) snprintf(name, bytes, "%.*s.%s.XXXXXX", directory, path, path + directory);
    return name;
}

static bool is_replaceable(const char *path)
{
    struct stat info;
    return stat(path, &info) != 0 || S_ISREG(info.st_mode);
}

// Devices and pipes (/dev/null, /dev/stdout) are written in place: they can't be replaced by a rename.
static LigStatus open_stream(LigContext *ctx, const char *path, LigOutput *output)
{
    output->path = copy_path(path);
    if (!output->path) return lig_no_memory(ctx);
    if (!is_replaceable(path)) {
        output->stream = fopen(path, "wb");
        return output->stream ? LIG_OK : fail_errno(ctx, path, "can't be written");
    }
    output->temporary = temporary_beside(path);
    if (!output->temporary) return lig_no_memory(ctx);
    int fd = mkostemp(output->temporary, O_CLOEXEC);
    if (fd < 0) return fail_errno(ctx, path, "can't be written");
    fchmod(fd, 0644);
    output->stream = fdopen(fd, "wb");
    if (output->stream) return LIG_OK;
    close(fd);
    unlink(output->temporary);
    return lig_no_memory(ctx);
}

LigStatus lig_output_open(LigContext *ctx, const char *path, LigOutput **out)
{
    LigOutput *output = lig_alloc_zero(sizeof *output);
    if (!output) return lig_no_memory(ctx);
    if (strcmp(path, "-") == 0) {
        output->stream = stdout;
    } else {
        LigStatus status = open_stream(ctx, path, output);
        if (status != LIG_OK) {
            release(output);
            return status;
        }
    }
    *out = output;
    return LIG_OK;
}

void lig_output_write(LigOutput *output, const void *data, size_t bytes)
{
    if (output->error || bytes == 0) return;
    if (fwrite(data, 1, bytes, output->stream) != bytes) output->error = errno ? errno : EIO;
}

LigStatus lig_output_close(LigContext *ctx, LigOutput *output)
{
    bool is_stdout = output->stream == stdout;
    if (fflush(output->stream) != 0 && !output->error) output->error = errno;
    if (!is_stdout && fclose(output->stream) != 0 && !output->error) output->error = errno;
    if (!output->error && output->temporary && rename(output->temporary, output->path) != 0)
        output->error = errno;
    LigStatus status = LIG_OK;
    if (output->error) {
        if (output->temporary) unlink(output->temporary);
        const char *name = output->path ? output->path : "standard output";
        status = lig_fail(ctx, LIG_ERR_IO, LIG_FILE_LOC(name), "can't be written: %s", strerror(output->error));
    }
    release(output);
    return status;
}

void lig_output_discard(LigOutput *output)
{
    if (!output) return;
    if (output->stream != stdout) fclose(output->stream);
    if (output->temporary) unlink(output->temporary);
    release(output);
}

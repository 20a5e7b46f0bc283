// Bytes into a temporary file, and the message of the last failure: for tests of readers.
#ifndef LIG_UNIT_TEMP_FILE_H
#define LIG_UNIT_TEMP_FILE_H

#include "ir/base/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct TempFile {
    char path[160];
} TempFile;

static inline TempFile temp_file(const void *data, size_t bytes)
{
    TempFile file = {"/tmp/lig-unit-XXXXXX"};
    int fd = mkstemp(file.path);
    if (fd < 0 || write(fd, data, bytes) != (ssize_t)bytes) abort();
    close(fd);
    return file;
}

static inline void temp_put(const TempFile *file, const void *data, size_t bytes)
{
    FILE *stream = fopen(file->path, "wb");
    if (!stream || fwrite(data, 1, bytes, stream) != bytes) abort();
    fclose(stream);
}

// The first message that the context holds, "" when none.
static inline const char *first_message(const LigContext *ctx)
{
    const LigDiagnostic *diagnostic = lig_context_diagnostic(ctx, 0);
    return diagnostic ? diagnostic->message : "";
}

// Diagnostics name the file they are about, on one line (those of memory name none).
static inline bool diagnostics_are_clear(const LigContext *ctx, const char *path)
{
    for (size_t i = 0; i < lig_context_diagnostic_count(ctx); i++) {
        const LigDiagnostic *d = lig_context_diagnostic(ctx, i);
        if (d->status == LIG_ERR_NO_MEMORY) continue;
        if (!d->loc.file || !strstr(d->loc.file, path) || strchr(d->message, '\n')) return false;
    }
    return true;
}

#endif

#include "ir/base/alloc.h"
#include "ir/base/arena.h"
#include "ir/base/status.h"
#include "ir/base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct LigContext {
    LigArena *arena; // the text of diagnostics
    LigDiagnostic diagnostics[LIG_MAX_DIAGNOSTICS];
    size_t count;
    size_t dropped;
    int debug_level;
};

static const char *const status_names[] = {
    [LIG_OK] = "ok",
    [LIG_ERR_INVALID] = "invalid",
    [LIG_ERR_SHAPE] = "shape",
    [LIG_ERR_DTYPE] = "dtype",
    [LIG_ERR_PARSE] = "parse",
    [LIG_ERR_NOT_FOUND] = "not found",
    [LIG_ERR_UNSUPPORTED] = "unsupported",
    [LIG_ERR_NO_MEMORY] = "out of memory",
    [LIG_ERR_IO] = "input/output",
    [LIG_ERR_LLVM] = "llvm",
    [LIG_ERR_INTERNAL] = "internal",
};

const char *lig_status_name(LigStatus status) { return status_names[status]; }

LigContext *lig_context_create(void)
{
    LigContext *ctx = lig_alloc_zero(sizeof *ctx);
    if (!ctx) return NULL;
    ctx->arena = lig_arena_create();
    if (!ctx->arena) {
        lig_free(ctx);
        return NULL;
    }
    const char *level = getenv("LIG_DEBUG");
    ctx->debug_level = level ? atoi(level) : 0;
    return ctx;
}

void lig_context_destroy(LigContext *ctx)
{
    if (!ctx) return;
    lig_arena_destroy(ctx->arena);
    lig_free(ctx);
}

void lig_context_clear(LigContext *ctx)
{
    ctx->count = 0;
    ctx->dropped = 0;
    lig_arena_reset(ctx->arena);
}

size_t lig_context_diagnostic_count(const LigContext *ctx) { return ctx->count; }
size_t lig_context_dropped_count(const LigContext *ctx) { return ctx->dropped; }

const LigDiagnostic *lig_context_diagnostic(const LigContext *ctx, size_t index)
{
    return index < ctx->count ? &ctx->diagnostics[index] : NULL;
}

int lig_context_debug_level(const LigContext *ctx) { return ctx->debug_level; }

static LigStatus record(LigContext *ctx, LigStatus status, LigLoc loc, const char *message)
{
    if (ctx->count == LIG_MAX_DIAGNOSTICS) {
        ctx->dropped++;
        return status;
    }
    const char *file = loc.file ? lig_str_copy(ctx->arena, lig_str(loc.file)).data : NULL;
    ctx->diagnostics[ctx->count++] =
        (LigDiagnostic){.status = status, .loc = {file, loc.line, loc.column}, .message = message};
    return status;
}

LigStatus lig_record_failure(LigContext *ctx, LigStatus status, LigLoc loc, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    LigStr message = lig_str_vformat(ctx->arena, format, args);
    va_end(args);
    return message.data ? record(ctx, status, loc, message.data) : lig_no_memory(ctx);
}

LigStatus lig_record_no_memory(LigContext *ctx)
{
    return record(ctx, LIG_ERR_NO_MEMORY, LIG_NOWHERE,
                  "out of memory: close other programs or use a smaller model");
}

void lig_debug(const LigContext *ctx, int level, const char *format, ...)
{
    if (ctx->debug_level < level) return;
    va_list args;
    va_start(args, format);
    fputs("liga: debug: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

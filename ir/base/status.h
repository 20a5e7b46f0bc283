// Status codes, diagnostics and the context that collects them.
//
// Every library function that can fail returns a LigStatus and leaves its message in the LigContext it
// was given. Nothing in the libraries prints, exits or aborts: the tool that owns the context decides
// what a person sees.
//
// Ownership: the context owns every diagnostic and the text in it; both die with the context or with
// lig_context_clear. Threading: a context belongs to one thread at a time; give each thread its own.
#ifndef LIG_BASE_STATUS_H
#define LIG_BASE_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIG_MUST_CHECK __attribute__((warn_unused_result))
#define LIG_PRINTF(format_index, first_index) __attribute__((format(printf, format_index, first_index)))

typedef enum LigStatus {
    LIG_OK = 0,
    LIG_ERR_INVALID,     // an argument, option or file content that can't be right
    LIG_ERR_SHAPE,       // shapes that do not fit together, or a dim outside its bounds
    LIG_ERR_DTYPE,       // an element type that the operation does not take
    LIG_ERR_PARSE,       // text that does not follow its grammar
    LIG_ERR_NOT_FOUND,   // a file, tensor, pass or name that is not there
    LIG_ERR_UNSUPPORTED, // well-formed, but not something Ligature does
    LIG_ERR_NO_MEMORY,   // an allocation failed
    LIG_ERR_IO,          // the operating system refused a read, write or map
    LIG_ERR_LLVM,        // LLVM reported an error
    LIG_ERR_INTERNAL,    // our own bug: an invariant does not hold
} LigStatus;

// The name of a status as written in documentation, e.g. "shape". Static storage.
const char *lig_status_name(LigStatus status);

// A place in a source text. `file` may be NULL (no place); line and column count from 1, 0 = unknown.
typedef struct LigLoc {
    const char *file;
    uint32_t line;
    uint32_t column;
} LigLoc;

#define LIG_NOWHERE ((LigLoc){0})
#define LIG_FILE_LOC(path) ((LigLoc){.file = (path)})

typedef struct LigDiagnostic {
    LigStatus status;
    LigLoc loc;
    const char *message; // one line, no trailing newline
} LigDiagnostic;

// At most this many diagnostics are kept; the rest are counted.
enum { LIG_MAX_DIAGNOSTICS = 20 };

typedef struct LigContext LigContext;

// Makes a context; NULL when memory is out. Reads LIG_DEBUG from the environment once.
LigContext *lig_context_create(void);
void lig_context_destroy(LigContext *ctx);

// Drops all diagnostics (and their text).
void lig_context_clear(LigContext *ctx);

size_t lig_context_diagnostic_count(const LigContext *ctx);
// How many were dropped because LIG_MAX_DIAGNOSTICS was reached.
size_t lig_context_dropped_count(const LigContext *ctx);
// Borrowed; NULL when `index` is out of range.
const LigDiagnostic *lig_context_diagnostic(const LigContext *ctx, size_t index);

// The debug level, 0 to 5 (what each prints stands in CONTRIBUTING.md).
int lig_context_debug_level(const LigContext *ctx);

// Tells the compiler what is true of every failure, so that it follows which variables are set after LIG_TRY.
// An expression, not a function: clang's analyzer does not look into the innermost of many calls.
#define lig_surely_failed(call)                                                                                \
    __extension__({                                                                                            \
        LigStatus lig_failure = (call);                                                                        \
        if (lig_failure == LIG_OK) __builtin_unreachable();                                                    \
        lig_failure;                                                                                           \
    })

// Records a diagnostic and returns `status` (not LIG_OK), so that callers write `return lig_fail(ctx, status,
// loc, …)`. The message says what is wrong, what was expected, and what to do.
LigStatus lig_record_failure(LigContext *ctx, LigStatus status, LigLoc loc, const char *format, ...)
    LIG_PRINTF(4, 5);
#define lig_fail(...) lig_surely_failed(lig_record_failure(__VA_ARGS__))

// The diagnostic for a failed allocation (needs no memory itself).
LigStatus lig_record_no_memory(LigContext *ctx);
#define lig_no_memory(ctx) lig_surely_failed(lig_record_no_memory(ctx))

// Writes a line to standard error when the debug level is at least `level`. For developers; the form is free.
void lig_debug(const LigContext *ctx, int level, const char *format, ...) LIG_PRINTF(3, 4);

// Returns from the calling function with the status of `call` unless it is LIG_OK.
#define LIG_TRY(call)                                                                                          \
    do {                                                                                                       \
        LigStatus lig_try_status = (call);                                                                     \
        if (lig_try_status != LIG_OK) return lig_try_status;                                                   \
    } while (0)

// For our own invariants, never for input: traps in debug builds, vanishes in release builds.
#ifdef NDEBUG
#define LIG_ASSERT(condition) ((void)sizeof(condition))
#else
#define LIG_ASSERT(condition) ((condition) ? (void)0 : __builtin_trap())
#endif

#endif

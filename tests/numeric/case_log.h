// Which dtypes and sizes the numeric cases of a program reach, for the test unit.op_cases: a line
// `OP POSITION DTYPE` for each operand (POSITION from 0) and first result (POSITION 8), and `OP size N`.
#ifndef LIG_TESTS_NUMERIC_CASE_LOG_H
#define LIG_TESTS_NUMERIC_CASE_LOG_H

#include "ir/eval.h"

#include <errno.h>
#include <stdio.h>

enum { CASE_RESULT = 8, CASE_POSITIONS, CASE_SIZES = 512 };

// What has been reached of one op.
typedef struct CaseSet {
    bool dtypes[CASE_POSITIONS][LIG_DTYPE_COUNT];
    bool sizes[CASE_SIZES];
} CaseSet;

static inline FILE *case_log_open(void)
{
    static bool begun = false;
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/%s.txt", LIG_NUMERIC_LOG, program_invocation_short_name);
    FILE *file = fopen(path, begun ? "a" : "w");
    begun = true;
    return file;
}

static inline void case_log_tensor(LigOpCode code, size_t position, const LigTensor *t)
{
    static CaseSet seen[LIG_OP_COUNT];
    const char *op = lig_op_info(code)->name;
    FILE *file = NULL;
    bool *dtype = &seen[code].dtypes[position][t->shape.dtype];
    if (!*dtype && (file = case_log_open()))
        (void)fprintf(file, "%s %zu %s\n", op, position, lig_dtype_name(t->shape.dtype));
    *dtype = true;
    for (int i = 0; i < t->shape.rank; i++) {
        int64_t size = t->shape.dims[i];
        if (size >= CASE_SIZES || seen[code].sizes[size]) continue;
        seen[code].sizes[size] = true;
        if (file || (file = case_log_open())) (void)fprintf(file, "%s size %lld\n", op, (long long)size);
    }
    if (file) (void)fclose(file);
}

#endif

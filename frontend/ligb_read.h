// Inside of reading .ligb: ligb_read.c (the file, dims, the module) and ligb_read_func.c (functions and ops).
#ifndef LIG_FRONTEND_LIGB_READ_H
#define LIG_FRONTEND_LIGB_READ_H

#include "frontend/ligb.pb-c.h"
#include "ir/graph.h"

typedef struct LigLigbReader {
    LigContext *ctx;
    const char *path; // in the module's arena
    LigModule *module;
    const unsigned char *blobs; // [blob_bytes], inside the mapping
    uint64_t blob_bytes;
    LigArena *scratch; // dropped after reading
    LigDim *dims;      // [dim_count] read so far
    uint32_t dim_count;
    LigFunc *func;              // being read; NULL outside
    LIG_VEC(LigValue *) values; // by number: what the function being read sees so far
    size_t globals;             // of them, params, states and results of load
} LigLigbReader;

// INVALID: "the graph is damaged: WHAT".
LigStatus lig_ligb__damaged(LigLigbReader *r, const char *format, ...) LIG_PRINTF(2, 3) LIG_MUST_CHECK;
// UNSUPPORTED: "WHAT `NAME` is not known here".
LigStatus lig_ligb__unknown(LigLigbReader *r, const char *what, const char *name) LIG_MUST_CHECK;
// For names after % or @.
LigStatus lig_ligb__check_name(LigLigbReader *r, const char *name) LIG_MUST_CHECK;
LigStatus lig_ligb__type(LigLigbReader *r, const Ligature__Type *message, LigType *out) LIG_MUST_CHECK;
// A value that may be named from here on.
LigStatus lig_ligb__add_value(LigLigbReader *r, LigValue *value) LIG_MUST_CHECK;
LigStatus lig_ligb__func(LigLigbReader *r, const Ligature__Function *message) LIG_MUST_CHECK;

#endif

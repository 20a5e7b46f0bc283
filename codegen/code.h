// From object bytes to a function of this process: a loader of its own for the objects that we make.
//
// It takes relocatable ELF for x86-64 with code and constants only: no writable data, no symbol from outside.
// Every offset, size and index is checked before it is used, since objects may come from a file. Code and
// constants lie on pages of their own; nothing is ever writable and executable at once.
// Source: System V ABI, AMD64 supplement, 4.4 (relocations).
#ifndef LIG_CODEGEN_CODE_H
#define LIG_CODEGEN_CODE_H

#include "codegen/object.h"

typedef struct LigCode {
    void *entry;          // the function asked for
    unsigned char *pages; // owned: lig_code_unload
    size_t bytes;
} LigCode;

// Loads the object and finds its global function `symbol`. On failure *problem says why, in static storage, and
// nothing is mapped. Errors: INVALID (not such an object), UNSUPPORTED (an object that needs more than this
// loader does), NOT_FOUND (no such function), NO_MEMORY.
LigStatus lig_code_load(LigObject object, const char *symbol, LigCode *out,
                        const char **problem) LIG_MUST_CHECK;
// The code must not be running. An empty LigCode is fine.
void lig_code_unload(LigCode *code);

#endif

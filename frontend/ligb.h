// .ligb: a graph as one binary file, lossless against its text.
//
//   0   "LIGB"
//   4   u32  version, 1
//   8   u64  first byte of the graph, 64
//   16  u64  bytes of the graph: a protobuf message, ligature.Module of frontend/ligb.proto
//   24  u64  first byte of the blobs, a multiple of 64
//   32  u64  bytes of the blobs, up to the end of the file
//   40  zeros up to 64
//
// Numbers are little-endian. Blobs are the bytes of params that the file brings along, each at a multiple of 64
// so that it can be used where it is mapped. Constants are part of the graph.
#ifndef LIG_FRONTEND_LIGB_H
#define LIG_FRONTEND_LIGB_H

#include "ir/base/file.h"
#include "ir/graph.h"

enum { LIG_LIGB_VERSION = 1, LIG_LIGB_ALIGN = 64 };

// Writes a module that obeys the verifier's rules. The file appears under `path` only when complete.
//   embed   the bytes of all params go along (each must be bound); else the file names their weights
// Errors: those of the verifier, NOT_FOUND (a param to embed without bytes), IO, NO_MEMORY.
LigStatus lig_ligb_write(LigContext *ctx, LigModule *module, const char *path, bool embed) LIG_MUST_CHECK;

// True when the file begins like a .ligb.
bool lig_ligb_is(const LigMappedFile *file);

// The module of a mapped file, verified. Params that the file brings are bound to the mapping, which must
// outlive the module. Nothing in the file is trusted: every count, number, offset and size is checked, and the
// graph is made by the functions that any builder calls.
// Errors: INVALID (damaged: what and where), UNSUPPORTED (a version, op, dtype or attribute not known), those
// of shape rules and verifier, NO_MEMORY; each names the file.
LigStatus lig_ligb_read(LigContext *ctx, const LigMappedFile *file, LigModule **out) LIG_MUST_CHECK;

#endif

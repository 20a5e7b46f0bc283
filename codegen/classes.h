// The kernel classes: what code generation knows of each (codegen/classes.def).
#ifndef LIG_CODEGEN_CLASSES_H
#define LIG_CODEGEN_CLASSES_H

#include "codegen/kernel.h"

// What a class's schedule function works on. It reads kernel->attrs and adds those that are missing.
typedef struct LigScheduling {
    LigModule *module;
    LigFunc *kernel;
    const LigScheduleOptions *options;
} LigScheduling;

typedef LigStatus LigScheduleRule(LigScheduling *scheduling);
typedef LigDim LigTilesRule(const LigModule *module, const LigFunc *kernel); // NULL when memory is out
typedef LigStatus LigEmitRule(LigKernelEmitter *k);

typedef enum LigKernelClassId {
#define LIG_KERNEL_CLASS(name, meaning) LIG_CLASS_##name,
#include "codegen/classes.def"
#undef LIG_KERNEL_CLASS
} LigKernelClassId;

// Its emitter is found by `id` (llvm_plugin.c): this table is in programs that have no LLVM.
typedef struct LigKernelClass {
    const char *name;
    const char *meaning;
    LigKernelClassId id;
    LigScheduleRule *schedule;
    LigTilesRule *tiles;
} LigKernelClass;

#define LIG_KERNEL_CLASS(name, meaning)                                                                        \
    LigScheduleRule lig_schedule_##name;                                                                       \
    LigTilesRule lig_tiles_##name;                                                                             \
    LigEmitRule lig_emit_##name;
#include "codegen/classes.def"
#undef LIG_KERNEL_CLASS

// The class that the kernel's attribute `class` names. Errors: UNSUPPORTED when an op of it has no generated
// code (the table's lowering), INVALID when the class is absent or unknown.
LigStatus lig_kernel_class(LigContext *ctx, const LigFunc *kernel, const LigKernelClass **out) LIG_MUST_CHECK;

// Adds an attribute unless the kernel has it. Errors: NO_MEMORY; INVALID for a given `scratch` below `value`.
LigStatus lig_schedule_int(LigScheduling *scheduling, LigAttrKey key, int64_t value) LIG_MUST_CHECK;
// The product of dims[first..last): elements, or rows over leading axes. NULL when memory is out.
LigDim lig_schedule_count(const LigModule *module, const LigType *type, int first, int last);
// How many rows of `space` are about `elements` elements, by the upper bound of a row; at least 1.
int64_t lig_schedule_rows(const LigModule *module, const LigType *space, int64_t elements);
// The scheduled units of work of a tile.
int64_t lig_kernel_tile(const LigFunc *kernel);

#endif

// What must hold of every module, checked on one given as text.
#ifndef LIG_PROPERTY_CHECK_H
#define LIG_PROPERTY_CHECK_H

#include "ir/base/str.h"

// How much was really checked: properties that never run prove nothing.
typedef struct CheckCounts {
    uint64_t modules, calls; // calls: of functions the interpreter ran at stage model
    uint64_t refused;        // calls it refused (an index out of range)
    uint64_t stage_calls;    // compared at later stages
    uint64_t compiled, unsupported;
    uint64_t failed_allocations;
} CheckCounts;

enum { CHECK_DETAIL = 1024 };

// NULL, or the name of the property that does not hold, with `detail` of CHECK_DETAIL bytes saying where.
// Contents of buffers and sizes come from `seed`.
const char *check_module_text(LigStr text, uint64_t seed, CheckCounts *counts, char *detail);

#endif

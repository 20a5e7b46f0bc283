// The time that has passed: one clock for all that measures.
#ifndef LIG_BASE_CLOCK_H
#define LIG_BASE_CLOCK_H

#include <stdint.h>

// Nanoseconds since some point in the past; never goes back.
int64_t lig_clock_ns(void);
// The same in milliseconds.
double lig_clock_ms(void);

#endif

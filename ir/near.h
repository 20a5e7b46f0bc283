// "Did you mean …": the name nearest to one that does not exist.
#ifndef LIG_IR_NEAR_H
#define LIG_IR_NEAR_H

#include "ir/base/str.h"

typedef struct LigNear {
    LigStr wanted;
    LigStr best; // empty: nothing is near enough
    size_t distance;
} LigNear;

LigNear lig_near(LigStr wanted);
void lig_near_offer(LigNear *near, LigStr candidate);

#endif

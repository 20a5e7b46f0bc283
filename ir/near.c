#include "ir/near.h"

enum { LONGEST = 64 };

LigNear lig_near(LigStr wanted) { return (LigNear){.wanted = wanted, .distance = wanted.length / 3 + 2}; }

static size_t least(size_t a, size_t b, size_t c)
{
    size_t smaller = a < b ? a : b;
    return smaller < c ? smaller : c;
}

// Insertions, deletions and replacements between two short names (Levenshtein, one row at a time).
static size_t edit_distance(LigStr a, LigStr b)
{
    size_t row[LONGEST + 1];
    for (size_t j = 0; j <= b.length; j++) row[j] = j;
    for (size_t i = 0; i < a.length; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < b.length; j++) {
            size_t replaced = diagonal + (a.data[i] != b.data[j]);
            diagonal = row[j + 1];
            row[j + 1] = least(replaced, diagonal + 1, row[j] + 1);
        }
    }
    return row[b.length];
}

void lig_near_offer(LigNear *near, LigStr candidate)
{
    if (near->wanted.length > LONGEST || candidate.length > LONGEST) return;
    size_t distance = edit_distance(near->wanted, candidate);
    if (distance >= near->distance || distance >= candidate.length) return;
    near->best = candidate;
    near->distance = distance;
}

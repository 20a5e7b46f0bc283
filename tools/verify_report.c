#include "tools/verify_report.h"

#include "tools/diagnostics.h"

void lig_verify_report(const LigOptions *options, size_t calls, const LigMeasure *measures, size_t count)
{
    if (calls == 0)
        lig_tell(options, "--verify: no call could be interpreted, so passes were checked by rules alone");
    else
        lig_tell_verbose(options, "--verify: %zu calls gave the same around every pass", calls);
    for (size_t i = 0; i < count; i++) {
        const LigMeasure *m = &measures[i];
        lig_tell(options, "--verify: %s moved %%%.*s of @%.*s by at most %.3g of its largest, divergence %.3g",
                 m->pass, LIG_STR_ARG(m->output), LIG_STR_ARG(m->func), m->relative, m->divergence);
    }
}

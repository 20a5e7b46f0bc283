// Ctrl-C: what was written is whole or absent.
//
// As long as nothing half-written is open, SIGINT and SIGTERM end the process at once. Between
// lig_interrupts_defer and lig_interrupts_allow they only set a flag, which loops ask for; a second one ends
// the process all the same.
#ifndef LIG_TOOLS_INTERRUPT_H
#define LIG_TOOLS_INTERRUPT_H

#include <stdbool.h>

void lig_interrupts_install(void);
// In pairs, which may be nested. An interrupt that came meanwhile ends the process when the last one is
// allowed.
void lig_interrupts_defer(void);
void lig_interrupts_allow(void);
bool lig_interrupted(void);
// Forgets an interrupt that was dealt with (a chat stops its answer and goes on).
void lig_interrupts_forget(void);

#endif

#include "tools/interrupt.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

// A signal handler can reach nothing but static memory.
static volatile sig_atomic_t deferred; // how many outputs are open
static volatile sig_atomic_t received;

static void die(int number)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigaction(number, &action, NULL);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    kill(getpid(), number);
}

static void handle(int number)
{
    if (!deferred || received) die(number);
    received = number;
}

void lig_interrupts_install(void)
{
    // No SA_RESTART: a read that waits for a person gives up.
    struct sigaction action = {.sa_handler = handle};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    // A closed pipe ends the process quietly, even when it was started with the signal ignored.
    struct sigaction quiet = {.sa_handler = SIG_DFL};
    sigaction(SIGPIPE, &quiet, NULL);
    // A file above the limit of the process is an error of writing, with words, as a full disk is.
    struct sigaction ignored = {.sa_handler = SIG_IGN};
    sigaction(SIGXFSZ, &ignored, NULL);
}

void lig_interrupts_defer(void) { deferred++; }

void lig_interrupts_allow(void)
{
    if (--deferred == 0 && received) die(received);
}

bool lig_interrupted(void) { return received != 0; }
void lig_interrupts_forget(void) { received = 0; }

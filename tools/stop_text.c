#include "tools/stop_text.h"

#include <string.h>

// Where the first of the stops begins; false when there is none.
static bool find_stop(const LigStopText *stop, size_t *at)
{
    bool found = false;
    for (size_t i = 0; i < stop->count; i++) {
        size_t length = strlen(stop->stops[i]);
        if (length == 0 || !stop->held.data) continue;
        const char *place = memmem(stop->held.data, stop->held.length, stop->stops[i], length);
        if (!place) continue;
        size_t offset = (size_t)(place - stop->held.data);
        if (!found || offset < *at) *at = offset;
        found = true;
    }
    return found;
}

// How many bytes at the end are the beginning of a stop.
static size_t possible_bytes(const LigStopText *stop)
{
    size_t most = 0;
    for (size_t i = 0; i < stop->count; i++) {
        size_t length = strlen(stop->stops[i]);
        size_t bytes = length == 0 ? 0 : length - 1;
        if (bytes > stop->held.length) bytes = stop->held.length;
        while (bytes > most &&
               memcmp(stop->held.data + stop->held.length - bytes, stop->stops[i], bytes) != 0) {
            bytes--;
        }
        if (bytes > most) most = bytes;
    }
    return most;
}

// What was shown the last time is dropped at the beginning of the next call, so that `*ready` may point into
// it.
static void drop_shown(LigStopText *stop)
{
    if (stop->shown == 0) return;
    stop->held.length -= stop->shown;
    memmove(stop->held.data, stop->held.data + stop->shown, stop->held.length);
    stop->shown = 0;
}

bool lig_stop_text_feed(LigStopText *stop, LigStr text, LigStr *ready)
{
    drop_shown(stop);
    lig_text_append(&stop->held, text);
    size_t at = 0;
    bool met = find_stop(stop, &at);
    size_t bytes = met ? at : stop->held.length - possible_bytes(stop);
    *ready = (LigStr){stop->held.data, bytes};
    stop->shown = met ? stop->held.length : bytes;
    return met;
}

LigStr lig_stop_text_flush(LigStopText *stop)
{
    drop_shown(stop);
    stop->shown = stop->held.length;
    return lig_text_view(&stop->held);
}

void lig_stop_text_free(LigStopText *stop) { lig_text_free(&stop->held); }

// Sessions: sequences of tokens going through a decoder, their keys and values kept in slots.
//
// A session owns the memory of the states for its slots and capacity. It uses the executable, which outlives
// it, on one thread at a time; several sessions may share one executable in turn.
#ifndef LIG_RUNTIME_SESSION_H
#define LIG_RUNTIME_SESSION_H

#include "runtime/executable.h"

typedef struct LigSessionOptions {
    int64_t context; // tokens a slot holds; 0 = as many as the model allows
    int64_t slots;   // sequences held at once; 0 = 1
} LigSessionOptions;

typedef struct LigSession LigSession;

// Errors: INVALID (context or slots above what the module allows: the message tells the limit), NO_MEMORY,
// NOT_FOUND (the module has no @step).
LigStatus lig_session_create(LigExecutable *executable, const LigSessionOptions *options,
                             LigSession **out) LIG_MUST_CHECK;
void lig_session_destroy(LigSession *session);

int64_t lig_session_context(const LigSession *session);
int64_t lig_session_slots(const LigSession *session);
int64_t lig_session_vocabulary(const LigSession *session);
// Tokens in a slot so far.
int64_t lig_session_length(const LigSession *session, int64_t slot);
// Empties a slot.
void lig_session_reset(LigSession *session, int64_t slot);
// Forgets the tokens of a slot from `length` on, which is at most what it holds: what was computed for the others
// stays.
void lig_session_rewind(LigSession *session, int64_t slot, int64_t length);
// Bytes of state per slot.
size_t lig_session_slot_bytes(const LigSession *session);

// New tokens of one sequence.
typedef struct LigRow {
    int64_t slot;
    const int32_t *ids;
    int64_t count;  // at least 1
    int64_t wanted; // logits of this many last tokens; 0 = 1
} LigRow;

// Most rows of logits that one step gives.
int64_t lig_session_most_wanted(const LigSession *session);

// One step over several sequences, each in a slot of its own. `logits` gets [wanted by all rows, vocabulary] f32,
// row after row; NULL = none are wanted (then they are computed for the last token of each row and dropped).
// Errors: INVALID for an empty row, an id outside the vocabulary, a slot that is full or given twice, too many
// tokens, more logits than tokens or than lig_session_most_wanted.
LigStatus lig_session_step(LigSession *session, const LigRow *rows, int64_t row_count,
                           float *logits) LIG_MUST_CHECK;

// Any number of tokens of one sequence, in chunks; logits [vocabulary] of the last one, or NULL.
LigStatus lig_session_feed(LigSession *session, int64_t slot, const int32_t *ids, int64_t count,
                           float *logits) LIG_MUST_CHECK;

#endif

// The knobs of a spec as a table: what the printer and the parser of spec texts both walk. Private to models/.
#ifndef LIG_MODELS_KNOBS_H
#define LIG_MODELS_KNOBS_H

#include "models/spec.h"

typedef enum LigKnobKind {
    LIG_KNOB_INT,  // int64_t
    LIG_KNOB_REAL, // double
    LIG_KNOB_FLAG, // bool: true or false
    LIG_KNOB_WORD, // an enum: one of `words`
    LIG_KNOB_TEXT, // LigStr: in quotes; not printed when empty
    LIG_KNOB_SET,  // bools one after another: those of `words` that are true, in braces
    LIG_KNOB_PART, // `{ … }` of more knobs; with `words` an enum before it chooses which
} LigKnobKind;

typedef struct LigKnob {
    const char *name; // NULL ends a list
    LigKnobKind kind;
    bool required;    // a text must have it
    size_t offset;    // of the field (PART: of its enum) in the struct of the whole list
    const char *none; // INT, REAL: the word for `none_value`; NULL when every value is a number
    int64_t none_value;
    const char *const *words; // by enum value; NULL ends them
    // PART: by enum value the knobs in braces, NULL for a word alone; without words the first. Their offsets
    // count from the same struct.
    const struct LigKnob *const *parts;
} LigKnob;

extern const LigKnob lig_spec_knobs[];  // of LigSpec, but for name, layers and blocks
extern const LigKnob lig_block_knobs[]; // of LigBlockSpec, but for its name

#endif

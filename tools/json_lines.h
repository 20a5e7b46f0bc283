// JSON objects, one a line of standard input in; JSON values, one a line out.
#ifndef LIG_TOOLS_JSON_LINES_H
#define LIG_TOOLS_JSON_LINES_H

#include "tools/command_output.h"
#include "tools/standard_input.h"

#include <jansson.h>

typedef struct LigJsonReader {
    LigContext *ctx;
    LigStdinLine line;
    json_t *object; // of the line last read
} LigJsonReader;

// The next object, NULL at the end of input; empty lines are passed over. It lives until the next call. Errors: PARSE
// (naming the line), IO, NO_MEMORY.
LigStatus lig_json_reader_next(LigJsonReader *reader, const json_t **object) LIG_MUST_CHECK;
void lig_json_reader_free(LigJsonReader *reader);

// The text under `key`. Errors: PARSE where there is none, naming the line.
LigStatus lig_json_reader_text(const LigJsonReader *reader, const char *key, LigStr *out) LIG_MUST_CHECK;
// Records that the line is wrong, and returns PARSE. `what`: "has no choices: write …".
LigStatus lig_json_reader_fail(const LigJsonReader *reader, const char *what) LIG_MUST_CHECK;

// Writes the value and a newline; releases it. NULL is out of memory.
LigStatus lig_json_write_line(LigCommandOutput *output, json_t *value) LIG_MUST_CHECK;

#endif

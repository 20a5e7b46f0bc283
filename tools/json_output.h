// Facts as JSON (jansson), on one line.
#ifndef LIG_TOOLS_JSON_OUTPUT_H
#define LIG_TOOLS_JSON_OUTPUT_H

#include "ir/eval.h"
#include "tools/options.h"

#include <jansson.h>

// Writes the object and a newline to where -o says; releases it. NULL is out of memory.
LigStatus lig_json_print(const LigOptions *options, json_t *root) LIG_MUST_CHECK;
// Appends the object on one line, without a newline. False when memory is out.
bool lig_json_append(LigText *text, const json_t *root);

json_t *lig_json_ids(const int32_t *ids, size_t count); // NULL when memory is out
// {"shape":[…],"data":[…]}: elements in order; "inf", "-inf" and "nan" are strings, for JSON has no such
// numbers. NULL when memory is out.
json_t *lig_json_tensor(const LigTensor *tensor);
json_t *lig_json_str(LigStr text); // text must be valid UTF-8

#endif

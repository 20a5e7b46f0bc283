// JSON as values of chat templates.
#ifndef LIG_TOOLS_JSON_VARIANT_H
#define LIG_TOOLS_JSON_VARIANT_H

#include "runtime/text/variant.h"

#include <jansson.h>

// Copies into `arena`; false when memory is out.
bool lig_variant_from_json(LigArena *arena, const json_t *json, LigVariant *out);

#endif

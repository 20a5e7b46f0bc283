// Chat templates: the part of Jinja that they use, set up as Transformers does (trim_blocks, lstrip_blocks,
// loop controls, raise_exception, tojson without HTML escapes).
//
// Statements: for (with `if` and `else`), if, set (also of several names, of a namespace's field, of a block),
// break, continue, generation. Expressions: all operators, slices, tests, the usual filters and methods.
// Anything else is an error with its line and column.
//
// Rendering ends: loops go over finite lists, and what a rendering may allocate is bounded.
// Ownership: a template owns its syntax tree; a rendering allocates in the arena it is given.
// Threading: a parsed template is never written; each thread renders with its own context and arena.
#ifndef LIG_TEXT_TEMPLATE_H
#define LIG_TEXT_TEMPLATE_H

#include "runtime/text/variant.h"

typedef struct LigTemplate LigTemplate;

// `name` is the file in messages (may be NULL: "chat template"); `source` is copied.
// Errors: PARSE, UNSUPPORTED (a statement not known), NO_MEMORY.
LigStatus lig_template_parse(LigContext *ctx, const char *name, LigStr source,
                             LigTemplate **out) LIG_MUST_CHECK;
void lig_template_destroy(LigTemplate *chat_template);

// Appends the rendered text. `variables` is a map: messages, add_generation_prompt, bos_token, eos_token, tools
// … Errors: INVALID (the template's own raise_exception: the message is its text; or a value of a wrong kind),
// UNSUPPORTED (a filter, test or method not known), NO_MEMORY.
LigStatus lig_template_render(LigContext *ctx, const LigTemplate *chat_template, LigArena *arena,
                              const LigVariant *variables, LigText *out) LIG_MUST_CHECK;

#endif

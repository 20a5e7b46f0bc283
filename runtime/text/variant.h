// Values of chat templates: what JSON can say, and Jinja's undefined.
//
// Everything lives in the arena that made it; lists and maps are shared by reference, as in Python.
// Strings are UTF-8. Functions that allocate give false (or data = NULL) when memory is out.
#ifndef LIG_TEXT_VARIANT_H
#define LIG_TEXT_VARIANT_H

#include "ir/base/str.h"

typedef enum LigVariantKind {
    LIG_VARIANT_UNDEFINED, // `string` holds what was not found, for messages
    LIG_VARIANT_NONE,
    LIG_VARIANT_BOOL,
    LIG_VARIANT_INT,
    LIG_VARIANT_FLOAT,
    LIG_VARIANT_STRING,
    LIG_VARIANT_LIST,
    LIG_VARIANT_MAP,
    LIG_VARIANT_NAMESPACE, // a map that templates may write
    LIG_VARIANT_LOOP,      // the variable `loop`
} LigVariantKind;

typedef struct LigVariant LigVariant;
typedef struct LigVariantList LigVariantList;
typedef struct LigVariantMap LigVariantMap;

// Where a loop stands.
typedef struct LigVariantLoop {
    const LigVariantList *items;
    size_t index; // from 0
} LigVariantLoop;

struct LigVariant {
    LigVariantKind kind;
    union {
        bool boolean;
        int64_t integer;
        double real;
        LigStr string;
        LigVariantList *list;
        LigVariantMap *map; // also of a namespace
        const LigVariantLoop *loop;
    };
};

struct LigVariantList {
    LigVariant *data;
    size_t count;
    size_t capacity;
};

typedef struct LigVariantEntry {
    LigStr key;
    LigVariant value;
} LigVariantEntry;

// In order of insertion.
struct LigVariantMap {
    LigVariantEntry *data;
    size_t count;
    size_t capacity;
};

LigVariant lig_variant_bool(bool value);
LigVariant lig_variant_int(int64_t value);
LigVariant lig_variant_float(double value);
LigVariant lig_variant_string(LigStr value); // borrowed
LigVariant lig_variant_undefined(LigStr name);
bool lig_variant_new_list(LigArena *arena, LigVariant *out);
bool lig_variant_new_map(LigArena *arena, LigVariant *out);
bool lig_variant_push(LigArena *arena, LigVariant *list, LigVariant item);
// Inserts or replaces; the key is borrowed.
bool lig_variant_put(LigArena *arena, LigVariant *map, LigStr key, LigVariant value);
// NULL when absent. `map` is a map or a namespace.
const LigVariant *lig_variant_get(const LigVariant *map, LigStr key);

// As Python judges them: none, undefined, false, 0 and the empty are false.
bool lig_variant_is_true(const LigVariant *value);
bool lig_variant_is_number(const LigVariant *value); // bool counts, as in Python
double lig_variant_to_double(const LigVariant *number);
// Deep; 1 == 1.0 == true. Compares at most 64 levels deep, what is deeper is different.
bool lig_variant_equal(const LigVariant *a, const LigVariant *b);
// The kind as Python names it, for messages ("str", "dict").
const char *lig_variant_kind_name(const LigVariant *value);

// As Python's str() and, inside lists and maps, repr(). False when nested deeper than 64.
bool lig_variant_append_text(LigText *out, const LigVariant *value);
// As Python's json.dumps(value, ensure_ascii=False, indent=indent); indent < 0: on one line.
// False when there is something that JSON can't say, or nested deeper than 64.
bool lig_variant_append_json(LigText *out, const LigVariant *value, int indent);

#endif

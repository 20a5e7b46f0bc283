// JSON files through jansson: errors that name the place, and getters that name the key.
//
// A LigJson is a view of one object with what messages need; it is passed by pointer and owns nothing. The root
// is owned by whoever parsed it: json_decref. jansson's own allocations do not go through ir/base; when they
// fail the status is NO_MEMORY all the same.
#ifndef LIG_FRONTEND_JSON_H
#define LIG_FRONTEND_JSON_H

#include "ir/base/status.h"
#include "ir/base/str.h"

#include <jansson.h>

// Any JSON value; keys of an object must be unique. Release `*out` by json_decref. `path` is for messages.
// Errors: PARSE with line and column, NO_MEMORY; of a file also NOT_FOUND, IO.
LigStatus lig_json_parse(LigContext *ctx, const char *path, LigStr text, json_t **out) LIG_MUST_CHECK;
LigStatus lig_json_read_file(LigContext *ctx, const char *path, json_t **out) LIG_MUST_CHECK;

typedef struct LigJson {
    LigContext *ctx;
    const char *path;             // of the file
    const struct LigJson *parent; // NULL for the root; must outlive this
    const char *name;             // key in the parent
    json_t *object;               // NULL: absent, every key of it is absent too
} LigJson;

// A view of a root that must be an object: INVALID otherwise.
LigStatus lig_json_root(LigContext *ctx, const char *path, json_t *root, LigJson *out) LIG_MUST_CHECK;
// A view of the object under `key`, absent if the key is; INVALID when it is no object.
LigStatus lig_json_child(const LigJson *json, const char *key, LigJson *out) LIG_MUST_CHECK;

// A key that is absent or null counts as absent.
bool lig_json_has(const LigJson *json, const char *key);
// NOT_FOUND, naming the key, when absent.
LigStatus lig_json_require(const LigJson *json, const char *key) LIG_MUST_CHECK;

// Typed getters. An absent key leaves `*out`, the default, as it is; another type is INVALID and names the key
// ("rope_scaling.factor"). f64 takes integers too; i64 takes no reals.
LigStatus lig_json_get_i64(const LigJson *json, const char *key, int64_t *out) LIG_MUST_CHECK;
LigStatus lig_json_get_f64(const LigJson *json, const char *key, double *out) LIG_MUST_CHECK;
LigStatus lig_json_get_bool(const LigJson *json, const char *key, bool *out) LIG_MUST_CHECK;
// `*out` points into the root and is zero-terminated.
LigStatus lig_json_get_str(const LigJson *json, const char *key, LigStr *out) LIG_MUST_CHECK;

// UNSUPPORTED, naming the first key of the object that is not among `known` [count]. Keys whose value is null
// pass: they ask for nothing.
LigStatus lig_json_check_known(const LigJson *json, const char *const *known, size_t count) LIG_MUST_CHECK;

// Records `status` about `key`: "'rope_scaling.factor' <message>".
LigStatus lig_json_fail(const LigJson *json, LigStatus status, const char *key, const char *format, ...)
    LIG_PRINTF(4, 5);
// "'rope_scaling.factor' is -1: <message>", with the value as JSON writes it.
LigStatus lig_json_fail_value(const LigJson *json, LigStatus status, const char *key, const char *format, ...)
    LIG_PRINTF(4, 5);
// One key of an object, for messages about two.
typedef struct LigJsonKey {
    const LigJson *json;
    const char *key;
} LigJsonKey;
// INVALID: "'rotary_pct' is 0.5, but 'rope_parameters.partial_rotary_factor' is 0.25: <message>".
LigStatus lig_json_fail_pair(LigJsonKey one, LigJsonKey other, const char *message);

#endif

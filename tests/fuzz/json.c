// Any bytes as JSON: refused with a place, or every getter answers.
#include "frontend/json.h"

#include "tests/unit/temp_file.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t bytes);

// Statuses are ignored: a wrong type is a right answer here.
static void get_all(const LigJson *root)
{
    const char *key;
    json_t *value;
    json_object_foreach(root->object, key, value)
    {
        int64_t integer;
        double real;
        bool yes;
        LigStr text;
        LigJson child;
        bool known = lig_json_get_i64(root, key, &integer) == LIG_OK;
        known |= lig_json_get_f64(root, key, &real) == LIG_OK;
        known |= lig_json_get_bool(root, key, &yes) == LIG_OK;
        known |= lig_json_get_str(root, key, &text) == LIG_OK;
        known |= lig_json_child(root, key, &child) == LIG_OK && lig_json_check_known(&child, NULL, 0) == LIG_OK;
        (void)known;
    }
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t bytes)
{
    LigContext *ctx = lig_context_create();
    json_t *document;
    LigJson root;
    if (lig_json_parse(ctx, "fuzzed", (LigStr){(const char *)data, bytes}, &document) == LIG_OK) {
        if (lig_json_root(ctx, "fuzzed", document, &root) == LIG_OK) get_all(&root);
        json_decref(document);
    } else if (lig_context_diagnostic_count(ctx) != 1) {
        abort();
    }
    if (!diagnostics_are_clear(ctx, "fuzzed")) abort();
    lig_context_destroy(ctx);
    return 0;
}

#include "runtime/text/normalise.h"

#include "ir/base/alloc.h"
#include "runtime/text/utf8.h"

#include <utf8proc.h>

static utf8proc_option_t options_of(LigNormaliserKind kind)
{
    switch (kind) {
    case LIG_NORMALISE_NFC:
        return UTF8PROC_STABLE | UTF8PROC_COMPOSE;
    case LIG_NORMALISE_NFD:
        return UTF8PROC_STABLE | UTF8PROC_DECOMPOSE;
    case LIG_NORMALISE_NFKC:
        return UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT;
    case LIG_NORMALISE_NFKD:
        return UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT;
    }
    return UTF8PROC_STABLE;
}

// Two passes, as the library offers: count the code points, then write them into memory of ours.
static LigStatus apply(LigContext *ctx, LigNormaliserKind kind, LigStr text, LigText *out)
{
    utf8proc_option_t options = options_of(kind);
    const utf8proc_uint8_t *bytes = (const utf8proc_uint8_t *)text.data;
    utf8proc_ssize_t length = (utf8proc_ssize_t)text.length;
    utf8proc_ssize_t count = utf8proc_decompose(bytes, length, NULL, 0, options);
    if (count < 0)
        return lig_fail(ctx, LIG_ERR_INVALID, LIG_NOWHERE, "tokenizer: the text can't be normalised: %s",
                        utf8proc_errmsg(count));
    utf8proc_int32_t *points = lig_alloc(((size_t)count + 1) * sizeof *points);
    if (!points) return lig_no_memory(ctx);
    count = utf8proc_decompose(bytes, length, points, count, options);
    count = utf8proc_normalize_utf32(points, count, options);
    for (utf8proc_ssize_t i = 0; i < count; i++) lig_utf8_append(out, (uint32_t)points[i]);
    lig_free(points);
    return out->failed ? lig_no_memory(ctx) : LIG_OK;
}

LigStatus lig_normalise(LigContext *ctx, const LigImage *image, LigStr text, LigText *out)
{
    LigText stages[2] = {0}; // each normaliser reads one and writes the other
    LigStr now = text;
    LigStatus status = LIG_OK;
    for (size_t i = 0; i < image->normaliser_count && status == LIG_OK; i++) {
        LigText *next = &stages[i % 2];
        lig_text_clear(next);
        status = apply(ctx, (LigNormaliserKind)image->normalisers[i].kind, now, next);
        now = lig_text_view(next);
    }
    if (status == LIG_OK) lig_text_append(out, now);
    lig_text_free(&stages[0]);
    lig_text_free(&stages[1]);
    if (status != LIG_OK) return status;
    return out->failed ? lig_no_memory(ctx) : LIG_OK;
}

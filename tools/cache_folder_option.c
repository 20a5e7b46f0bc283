#include "tools/cache_folder_option.h"

#include <stdlib.h>

static LigStatus default_folder(const LigOptions *options, const char **out)
{
    const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    LigStr folder = {0};
    if (base && base[0] == '/') {
        folder = lig_str_format(options->arena, "%s/ligature", base);
    } else if (home && home[0] == '/') {
        folder = lig_str_format(options->arena, "%s/.cache/ligature", home);
    } else {
        *out = NULL;
        return LIG_OK;
    }
    *out = folder.data;
    return folder.data ? LIG_OK : lig_no_memory(options->ctx);
}

LigStatus lig_cache_options(const LigOptions *options, LigObjectCacheOptions *out)
{
    *out =
        (LigObjectCacheOptions){.folder = lig_option_text(options, LIG_OPT_CACHE),
                                .max_bytes = (uint64_t)lig_option_integer(options, LIG_OPT_CACHE_SIZE) << 20};
    if (lig_option_given(options, LIG_OPT_NO_CACHE)) {
        out->folder = NULL;
    } else if (!out->folder) {
        return default_folder(options, &out->folder);
    }
    return LIG_OK;
}

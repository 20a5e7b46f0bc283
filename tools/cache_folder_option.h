// Where compiled kernels are kept, as --cache, --no-cache and the environment say.
#ifndef LIG_TOOLS_CACHE_FOLDER_OPTION_H
#define LIG_TOOLS_CACHE_FOLDER_OPTION_H

#include "codegen/object_cache.h"
#include "tools/options.h"

// `ligature` in $XDG_CACHE_HOME where that is an absolute path, else in $HOME/.cache; without either there is
// no cache. Errors: NO_MEMORY.
LigStatus lig_cache_options(const LigOptions *options, LigObjectCacheOptions *out) LIG_MUST_CHECK;

#endif

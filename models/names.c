#include "models/names.h"

#include <string.h>

#define LIG_ROLE(ID, param, hugging_face, gguf) [LIG_ROLE_##ID] = (param),
const LigNames lig_names_param = {{
#include "models/roles.def"
}};
#undef LIG_ROLE

#define LIG_ROLE(ID, param, hugging_face, gguf) [LIG_ROLE_##ID] = (hugging_face),
const LigNames lig_names_hugging_face = {{
#include "models/roles.def"
}};
#undef LIG_ROLE

#define LIG_ROLE(ID, param, hugging_face, gguf) [LIG_ROLE_##ID] = (gguf),
const LigNames lig_names_gguf = {{
#include "models/roles.def"
}};
#undef LIG_ROLE

LigStr lig_weight_name(LigArena *arena, const LigNames *names, LigRole role, int64_t layer)
{
    const char *pattern = names->pattern[role], *mark = strstr(pattern, "%d");
    if (!mark) return lig_str_copy(arena, lig_str(pattern));
    return lig_str_format(arena, "%.*s%lld%s", (int)(mark - pattern), pattern, (long long)layer, mark + 2);
}

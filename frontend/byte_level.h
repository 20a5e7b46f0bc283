// The alphabet of byte-level tokenizers: each byte as one printable character, as GPT-2's vocabulary writes it
// ("Ġ" is the space). Source: Radford et al. 2019; the table is the 188 printable bytes as themselves,
// the others in order from U+0100.
#ifndef LIG_FRONTEND_BYTE_LEVEL_H
#define LIG_FRONTEND_BYTE_LEVEL_H

#include "ir/base/str.h"

// The bytes that `token` writes, in the arena; `token` itself when it is ASCII, or when some character is
// outside the alphabet (an added token, which stands for its own text). data = NULL when memory is out.
LigStr lig_byte_level_decode(LigArena *arena, LigStr token);

#endif

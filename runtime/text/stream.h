// Ids to text, one at a time: never a part of a character.
//
// A token may end inside a UTF-8 character; its bytes are held back until the rest comes. What turns out not to
// be UTF-8 becomes U+FFFD. The texts of all calls, joined, are what lig_tokenizer_decode gives of all ids at
// once, but for byte tokens that are not UTF-8 together, of which a stream shows the characters there are. A
// stream owns no memory; it borrows the tokenizer. Threading: one thread at a time.
#ifndef LIG_TEXT_STREAM_H
#define LIG_TEXT_STREAM_H

#include "runtime/text/tokenizer.h"

typedef struct LigTextStream {
    const LigTokenizer *tokenizer;
    bool keep_special; // special tokens give their text
    bool is_stripped;  // what a decoder strips from the beginning of all is gone
    bool owes_space;   // before the next token, if there is one
    uint32_t strips;   // how often the decoder stripped
    size_t count;      // of tokens so far
    char held[4];      // the beginning of a character
    size_t held_count;
} LigTextStream;

LigTextStream lig_text_stream(const LigTokenizer *tokenizer, bool keep_special);
// Appends what is complete after this id; the caller looks at out->failed.
void lig_text_stream_feed(LigTextStream *stream, int32_t id, LigText *out);
// The end: what is held back becomes U+FFFD. The stream can start again.
void lig_text_stream_flush(LigTextStream *stream, LigText *out);

#endif

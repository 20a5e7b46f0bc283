// Ligature, for programs that embed it: open a model, compile it, and take steps.
//
//   LigatureEngine *engine;  LigatureModel *model;  LigatureSession *session;
//   ligature_engine_create(NULL, &engine);
//   ligature_model_open(engine, "model.gguf", NULL, &model);
//   ligature_session_open(model, NULL, &session);
//   ligature_feed(session, 0, ids, count, logits);      // logits of the last of these ids
//
// Every function that can fail returns LIGATURE_OK or what went wrong; ligature_error then says it in words.
// Nothing prints, exits or aborts on bad input.
//
// Ownership: what a function creates is the caller's, and is closed in the reverse order: sessions, then models,
// then the engine. Everything passed in is only read, and only during the call, but for the paths and the
// parallel-for of LigatureEngineOptions, which are used as long as the engine lives.
// Threading: an engine and all that was made from it are used by one thread at a time; engines are independent.
#ifndef LIG_RUNTIME_LIGATURE_H
#define LIG_RUNTIME_LIGATURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LIGATURE_API __attribute__((visibility("default")))

typedef enum LigatureStatus {
    LIGATURE_OK = 0,
    LIGATURE_INVALID,     // an argument or the content of a file that can't be right
    LIGATURE_SHAPE,       // shapes that do not fit together
    LIGATURE_DTYPE,       // an element type that an operation does not take
    LIGATURE_PARSE,       // text that does not follow its grammar
    LIGATURE_NOT_FOUND,   // a file, tensor or name that is not there
    LIGATURE_UNSUPPORTED, // well-formed, but not something Ligature does
    LIGATURE_NO_MEMORY,   // an allocation failed
    LIGATURE_IO,          // the operating system refused a read, write or map
    LIGATURE_COMPILER,    // the code generator reported an error
    LIGATURE_INTERNAL,    // a mistake of Ligature's own
} LigatureStatus;

// "0.1.0"
LIGATURE_API const char *ligature_version(void);

// ---- the engine: threads, the instructions that may be used, the cache of compiled kernels, messages

// Computes tiles begin <= t < end. Calls with the same `thread` never overlap in time.
typedef void (*LigatureTileFn)(void *user, int thread, int64_t begin, int64_t end);

// An embedder's own threads: `run` calls fn over all of 0 .. tiles-1, in any division, with `thread` in
// 0 .. threads-1, and returns when all is done. The division can't change a bit of any result.
typedef struct LigatureParallel {
    void (*run)(void *self, int64_t tiles, LigatureTileFn fn, void *user);
    void *self;
    int threads; // 1 .. 1024
} LigatureParallel;

typedef struct LigatureEngineOptions {
    int threads;                      // of our own pool; 0 = the cores this process may use
    const LigatureParallel *parallel; // NULL = our own pool
    const char *cpu;                  // "x86-64", "x86-64-v3", "x86-64-v4", "native"; NULL = "native"
    const char *cache_dir;            // a folder that only this user may write; NULL = kernels are not kept
    uint64_t cache_bytes;             // of all that is kept there, at most; 0 = 256 MiB
} LigatureEngineOptions;

typedef struct LigatureEngine LigatureEngine;

// `options` may be NULL. On failure *out is NULL when memory is out, else an engine that is good for
// ligature_error and ligature_engine_destroy only.
LIGATURE_API LigatureStatus ligature_engine_create(const LigatureEngineOptions *options, LigatureEngine **out);
LIGATURE_API void ligature_engine_destroy(LigatureEngine *engine); // NULL is fine
// What went wrong in the last call that failed, one line an error; "" after one that did not fail. It lasts until
// the next call that takes this engine or anything made from it.
LIGATURE_API const char *ligature_error(const LigatureEngine *engine);

// ---- a model: mapped, compiled, with its tokenizer

typedef struct LigatureModelOptions {
    const char *weights; // for a graph or spec in text: the file or directory with its tensors
    bool bf16_cache;     // keys and values as bf16: half the memory of f32
} LigatureModelOptions;

typedef struct LigatureModel LigatureModel;

// Opens a GGUF file, a Hugging Face directory, or a graph (text or .ligb), runs the passes and packs the
// weights. Kernels are compiled when first used. `options` may be NULL. On failure *out is NULL.
LIGATURE_API LigatureStatus ligature_model_open(LigatureEngine *engine, const char *path,
                                                const LigatureModelOptions *options, LigatureModel **out);
LIGATURE_API void ligature_model_close(LigatureModel *model); // NULL is fine

// Whether the model brings a tokenizer; without one the four functions below give NOT_FOUND or false.
LIGATURE_API bool ligature_has_tokenizer(const LigatureModel *model);

enum {
    LIGATURE_SPECIAL_AROUND = 1,  // put the tokens around the text that the model was trained with (BOS, …)
    LIGATURE_SPECIAL_IN_TEXT = 2, // special tokens written in the text count; to text: they are kept
};

// The ids of `length` bytes of UTF-8. At most `capacity` are written; *count is how many there are, so a call
// with capacity 0 asks for the room needed.
LIGATURE_API LigatureStatus ligature_tokenize(LigatureModel *model, const char *text, size_t length,
                                              unsigned flags, int32_t *ids, size_t capacity, size_t *count);
// The text of the ids: valid UTF-8, not terminated. At most `capacity` bytes are written; *length is how many there
// are.
LIGATURE_API LigatureStatus ligature_detokenize(LigatureModel *model, const int32_t *ids, size_t count,
                                                unsigned flags, char *text, size_t capacity, size_t *length);
// Whether generation ends after this id.
LIGATURE_API bool ligature_is_end(const LigatureModel *model, int32_t id);

// ---- a session: sequences in slots, with their keys and values

typedef struct LigatureSessionOptions {
    int64_t context; // tokens a slot holds; 0 = as many as the model allows
    int64_t slots;   // sequences held at once; 0 = 1
} LigatureSessionOptions;

typedef struct LigatureSession LigatureSession;

// Decoders only. `options` may be NULL. On failure *out is NULL. Errors: INVALID for sizes above what the model
// allows.
LIGATURE_API LigatureStatus ligature_session_open(LigatureModel *model, const LigatureSessionOptions *options,
                                                  LigatureSession **out);
LIGATURE_API void ligature_session_close(LigatureSession *session); // NULL is fine

// Logits in a row.
LIGATURE_API int64_t ligature_vocabulary(const LigatureSession *session);
// Tokens a slot holds at most, and holds now (0 for a slot that is not there).
LIGATURE_API int64_t ligature_context(const LigatureSession *session);
LIGATURE_API int64_t ligature_length(const LigatureSession *session, int64_t slot);
// Empties a slot.
LIGATURE_API void ligature_clear(LigatureSession *session, int64_t slot);

// Any number of new tokens of one sequence. `logits`: NULL, or room for one row of f32, that of the last token.
// Errors: INVALID for an id outside the vocabulary, no ids, or more than the slot can hold.
LIGATURE_API LigatureStatus ligature_feed(LigatureSession *session, int64_t slot, const int32_t *ids,
                                          int64_t count, float *logits);

// New tokens of one sequence.
typedef struct LigatureRow {
    int64_t slot;
    const int32_t *ids;
    int64_t count;  // at least 1
    int64_t wanted; // logits of this many last tokens; 0 = 1
} LigatureRow;

// One step over several sequences, each in a slot of its own. `logits`: NULL, or [wanted by all rows,
// vocabulary] f32, row after row: the same bits as if each sequence were alone. At most 64 rows of logits.
LIGATURE_API LigatureStatus ligature_step(LigatureSession *session, const LigatureRow *rows, int64_t row_count,
                                          float *logits);

// ---- choosing the next token

typedef struct LigatureSampling {
    float temperature;        // 0 = the likeliest token (the first at ties)
    int32_t top_k;            // keep this many; 0 = all
    float top_p;              // keep the likeliest that make up this share, in (0, 1]; 0 or 1 = all
    float min_p;              // drop what is below this times the likeliest; 0 = none
    float repetition_penalty; // of tokens in the history; 0 or 1 = off
    uint64_t seed;            // the same seed chooses the same tokens on every machine
} LigatureSampling;

// Chooses from a row of logits. `options` may be NULL: the likeliest. `history`: ids so far, for the penalty.
// `position`: how many tokens of this sequence were chosen before; it is the counter of the random numbers.
LIGATURE_API LigatureStatus ligature_sample(LigatureSession *session, const float *logits,
                                            const LigatureSampling *options, const int32_t *history,
                                            size_t history_count, uint64_t position, int32_t *id);

#ifdef __cplusplus
}
#endif

#endif

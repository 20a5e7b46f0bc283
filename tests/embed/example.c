// Goes on from a prompt, by the C interface of Ligature.
//
//   cc example.c $(pkg-config --cflags --libs ligature) -o example
//   ./example model.gguf "The capital of France is"
#include <ligature.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PROMPT = 1024, MAX_ANSWER = 32 };

// Says what went wrong; true when something did.
static int failed(LigatureStatus status, const LigatureEngine *engine)
{
    if (status != LIGATURE_OK) fprintf(stderr, "%s\n", engine ? ligature_error(engine) : "memory is out");
    return status != LIGATURE_OK;
}

// Chooses the likeliest token again and again. Returns how many were chosen, or -1.
static int answer(LigatureEngine *engine, const LigatureModel *model, LigatureSession *session, float *logits,
                  int32_t *ids)
{
    for (int count = 0; count < MAX_ANSWER; count++) {
        if (failed(ligature_sample(session, logits, NULL, NULL, 0, (uint64_t)count, &ids[count]), engine))
            return -1;
        if (ligature_is_end(model, ids[count])) return count;
        if (failed(ligature_feed(session, 0, &ids[count], 1, logits), engine)) return -1;
    }
    return MAX_ANSWER;
}

static int complete(LigatureEngine *engine, LigatureModel *model, LigatureSession *session, const char *prompt)
{
    int32_t ids[MAX_PROMPT], answered[MAX_ANSWER];
    size_t count = 0, length = 0;
    unsigned flags = LIGATURE_SPECIAL_AROUND | LIGATURE_SPECIAL_IN_TEXT;
    if (failed(ligature_tokenize(model, prompt, strlen(prompt), flags, ids, MAX_PROMPT, &count), engine))
        return 1;
    if (count > MAX_PROMPT) count = MAX_PROMPT;
    float *logits = malloc((size_t)ligature_vocabulary(session) * sizeof *logits);
    int chosen = -1;
    if (logits && !failed(ligature_feed(session, 0, ids, (int64_t)count, logits), engine)) {
        chosen = answer(engine, model, session, logits, answered);
    }
    free(logits);
    if (chosen < 0) return 1;
    char text[MAX_ANSWER * 64];
    if (failed(ligature_detokenize(model, answered, (size_t)chosen, 0, text, sizeof text, &length), engine))
        return 1;
    if (length > sizeof text) length = sizeof text;
    printf("%s%.*s\n", prompt, (int)length, text);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s MODEL PROMPT\n", argv[0]);
        return 2;
    }
    LigatureEngine *engine = NULL;
    LigatureModel *model = NULL;
    LigatureSession *session = NULL;
    int result = 1;
    if (!failed(ligature_engine_create(NULL, &engine), engine) &&
        !failed(ligature_model_open(engine, argv[1], NULL, &model), engine) &&
        !failed(ligature_session_open(model, NULL, &session), engine)) {
        result = complete(engine, model, session, argv[2]);
    }
    ligature_session_close(session);
    ligature_model_close(model);
    ligature_engine_destroy(engine);
    return result;
}

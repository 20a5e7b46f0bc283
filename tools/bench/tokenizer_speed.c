// One side of tools/bench/tokenizer_speed.py: encodes the lines of a file again and again.
//
// bench_tokenizers MODEL FILE; each line of standard input is a command:
//   run   encodes all lines with one encoder, and prints the seconds of processor time that took
//   ids   prints the ids of each line, divided by spaces
#include "ir/base/file.h"
#include "tools/tokenizer_open.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

typedef struct Bench {
    LigContext *ctx;
    LigEncoder *encoder;
    LigStr text;
    LigTokenIds ids;
} Bench;

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void print_ids(const LigTokenIds *ids)
{
    for (size_t i = 0; i < ids->count; i++) printf(i > 0 ? " %d" : "%d", ids->data[i]);
    putchar('\n');
}

static LigStatus encode_lines(Bench *b, bool print)
{
    const LigEncodeOptions options = {.parse_special = true};
    for (LigStr rest = b->text; rest.length > 0;) {
        const char *end = memchr(rest.data, '\n', rest.length);
        const LigStr line = {rest.data, end ? (size_t)(end - rest.data) : rest.length};
        b->ids.count = 0;
        LIG_TRY(lig_encoder_encode(b->ctx, b->encoder, line, options, &b->ids));
        if (print) print_ids(&b->ids);
        rest = lig_str_skip(rest, line.length + 1);
    }
    return LIG_OK;
}

static LigStatus obey(Bench *b)
{
    char command[16];
    while (fgets(command, sizeof command, stdin)) {
        const bool print = strcmp(command, "ids\n") == 0;
        const double begin = seconds();
        LIG_TRY(encode_lines(b, print));
        if (!print) printf("%.6f\n", seconds() - begin);
        fflush(stdout);
    }
    return LIG_OK;
}

static LigStatus run(Bench *b, char **arguments, LigOpenTokenizer *open, LigMappedFile **file)
{
    LIG_TRY(lig_open_tokenizer(open, b->ctx, arguments[1]));
    LIG_TRY(lig_file_map(b->ctx, arguments[2], file));
    b->text = (LigStr){(const char *)(*file)->data, (*file)->size};
    LIG_TRY(lig_encoder_create(b->ctx, open->tokenizer, &b->encoder));
    return obey(b);
}

int main(int count, char **arguments)
{
    if (count != 3) {
        fprintf(stderr, "usage: %s MODEL FILE\n", arguments[0]);
        return 2;
    }
    Bench b = {.ctx = lig_context_create()};
    LigOpenTokenizer open = {0};
    LigMappedFile *file = NULL;
    if (!b.ctx) return 1;
    const LigStatus status = run(&b, arguments, &open, &file);
    const LigDiagnostic *diagnostic = lig_context_diagnostic(b.ctx, 0);
    if (status != LIG_OK) fprintf(stderr, "%s\n", diagnostic ? diagnostic->message : "failed");
    lig_encoder_destroy(b.encoder);
    lig_token_ids_free(&b.ids);
    lig_open_tokenizer_close(&open);
    lig_file_unmap(file);
    lig_context_destroy(b.ctx);
    return status == LIG_OK ? 0 : 1;
}

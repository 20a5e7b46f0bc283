// liga run: text that goes on from a prompt, or a chat.
#include "tools/chat.h"
#include "tools/command_output.h"
#include "tools/diagnostics.h"
#include "tools/generate.h"
#include "tools/interrupt.h"
#include "tools/json_output.h"
#include "tools/model_open.h"
#include "tools/standard_input.h"
#include "tools/time_report.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct Run {
    LigOptions *options;
    LigContext *ctx;
    LigOpenModel model;
    LigChat chat;
    LigTokenIds prompt;
    LigSession *session;
    LigGenerator generator;
    LigCommandOutput output; // not with --json
    bool is_json, is_conversation, is_open;
} Run;

static LigStatus no_model(LigOptions *options)
{
    return lig_fail(options->ctx, LIG_ERR_NOT_FOUND, LIG_FILE_LOC("run"),
                    "no MODEL is given and none is embedded: tools/fetch_model.sh fetches one and prints its "
                    "path, then liga run PATH");
}

// The prompt: --ids, -p, or standard input; as it is, or in the chat template.

static LigStatus parse_ids(Run *run, const char *text)
{
    LigStr rest = lig_str(text);
    while (rest.length > 0) {
        const char *comma = memchr(rest.data, ',', rest.length);
        LigStr item = {rest.data, comma ? (size_t)(comma - rest.data) : rest.length};
        rest = lig_str_skip(rest, item.length + 1);
        while (item.length > 0 && item.data[0] == ' ') item = lig_str_skip(item, 1);
        int64_t id;
        if (!lig_str_to_i64(item, &id) || id < 0 || id > INT32_MAX) {
            return lig_options_misused(run->options, "--ids: '%.*s' is no token id: write --ids 1,2,3",
                                       LIG_STR_ARG(item));
        }
        const int32_t token = (int32_t)id;
        LIG_TRY(lig_token_ids_append(run->ctx, &run->prompt, &token, 1));
    }
    return LIG_OK;
}

static LigStatus open_chat(Run *run)
{
    const char *system = lig_option_text(run->options, LIG_OPT_SYSTEM);
    LIG_TRY(lig_chat_open(run->ctx, run->model.tokenizer, &run->chat));
    return system ? lig_chat_add(&run->chat, "system", lig_str(system)) : LIG_OK;
}

static LigStatus encode_text(Run *run, LigStr text)
{
    if (lig_option_given(run->options, LIG_OPT_CHAT)) {
        LIG_TRY(open_chat(run));
        LIG_TRY(lig_chat_add(&run->chat, "user", text));
        return lig_chat_encode(&run->chat, &run->prompt);
    }
    const LigEncodeOptions how = {.parse_special = true, .add_special = true};
    return lig_tokenizer_encode(run->ctx, run->model.tokenizer, text, how, &run->prompt);
}

static LigStatus encode_input(Run *run)
{
    LigText text = {0};
    LigStatus status = lig_stdin_read_all(run->ctx, &text);
    if (status == LIG_OK) status = encode_text(run, lig_text_view(&text));
    lig_text_free(&text);
    return status;
}

static LigStatus read_prompt(Run *run)
{
    const char *ids = lig_option_text(run->options, LIG_OPT_IDS);
    const char *text = lig_option_text(run->options, LIG_OPT_PROMPT);
    if (run->is_conversation) return open_chat(run);
    LIG_TRY(ids ? parse_ids(run, ids) : text ? encode_text(run, lig_str(text)) : encode_input(run));
    if (run->prompt.count > 0) return LIG_OK;
    return lig_fail(run->ctx, LIG_ERR_INVALID, LIG_NOWHERE,
                    "the prompt is empty: give at least one token to go on from");
}

static LigStatus check_usage(Run *run)
{
    LigOptions *options = run->options;
    bool has_ids = lig_option_given(options, LIG_OPT_IDS);
    if (has_ids && lig_option_given(options, LIG_OPT_PROMPT)) {
        return lig_options_misused(options, "--ids and -p are two prompts: give one");
    }
    if (has_ids && lig_option_given(options, LIG_OPT_CHAT)) {
        return lig_options_misused(options, "--chat needs text, but --ids gives tokens: use -p");
    }
    bool has_chat = run->is_conversation || lig_option_given(options, LIG_OPT_CHAT);
    if (!has_chat && lig_option_given(options, LIG_OPT_SYSTEM)) {
        return lig_options_misused(options, "--system needs --chat");
    }
    if (run->is_conversation && run->is_json) {
        return lig_options_misused(options, "--json needs a prompt: give -p, --ids or standard input");
    }
    return LIG_OK;
}

// The session.

// The most tokens a slot may hold; 0 when the module does not say.
static int64_t context_limit(const LigModule *module)
{
    const LigSymbol *context = lig_open_model_symbol(module, "C", NULL);
    return context ? context->high : 0;
}

static int64_t choose_context(const Run *run, int64_t limit)
{
    if (lig_option_given(run->options, LIG_OPT_CONTEXT)) {
        return lig_option_integer(run->options, LIG_OPT_CONTEXT);
    }
    if (run->is_conversation) return limit;
    int64_t wanted = (int64_t)run->prompt.count + lig_option_integer(run->options, LIG_OPT_TOKENS);
    wanted = (wanted + 255) / 256 * 256;
    return limit > 0 && wanted > limit ? limit : wanted;
}

static LigStatus check_fits(const Run *run, int64_t count, int64_t context)
{
    if (count <= context) return LIG_OK;
    return lig_fail(run->ctx, LIG_ERR_INVALID, LIG_NOWHERE,
                    "the prompt has %lld tokens, but the context holds %lld: shorten it%s", (long long)count,
                    (long long)context,
                    lig_option_given(run->options, LIG_OPT_CONTEXT) ? " or raise --context" : "");
}

static LigStatus show(void *user, LigStr text)
{
    Run *run = user;
    lig_command_output_write(&run->output, text);
    return lig_command_output_flush(&run->output);
}

static LigSampling sampling(const LigOptions *options)
{
    return (LigSampling){.temperature = (float)lig_option_real(options, LIG_OPT_TEMP),
                         .top_k = (int32_t)lig_option_integer(options, LIG_OPT_TOP_K),
                         .top_p = (float)lig_option_real(options, LIG_OPT_TOP_P),
                         .min_p = (float)lig_option_real(options, LIG_OPT_MIN_P),
                         .repetition_penalty = (float)lig_option_real(options, LIG_OPT_REPEAT_PENALTY),
                         .seed = (uint64_t)lig_option_integer(options, LIG_OPT_SEED)};
}

static LigStatus open_session(Run *run)
{
    const LigOptions *options = run->options;
    LigModule *module;
    LIG_TRY(lig_open_model_build(&run->model, "step", &module));
    const LigSessionOptions size = {.context = choose_context(run, context_limit(module)), .slots = 1};
    LigStatus status = check_fits(run, (int64_t)run->prompt.count, size.context);
    if (status != LIG_OK) {
        lig_module_destroy(module);
        return status;
    }
    LIG_TRY(lig_open_model_compile(&run->model, module));
    double before = lig_executable_facts(run->model.executable).compiler.all_ms;
    LIG_TRY(lig_session_create(run->model.executable, &size, &run->session));
    run->model.load_ms += lig_executable_facts(run->model.executable).compiler.all_ms - before;
    run->generator = (LigGenerator){.ctx = run->ctx,
                                    .session = run->session,
                                    .tokenizer = run->model.tokenizer,
                                    .sampling = sampling(options),
                                    .limit = lig_option_integer(options, LIG_OPT_TOKENS),
                                    .ignore_eos = lig_option_given(options, LIG_OPT_IGNORE_EOS),
                                    .stops = options->values[LIG_OPT_STOP].all.data,
                                    .stop_count = options->values[LIG_OPT_STOP].all.count,
                                    .show = run->is_json ? NULL : show,
                                    .show_user = run};
    return lig_generator_prepare(&run->generator);
}

// The answer.

// Kernels are compiled when first called: that time belongs to loading, not to the prompt.
static LigStatus answer_prompt(Run *run, const int32_t *ids, size_t count, LigAnswer *answer)
{
    const LigExecutable *executable = run->model.executable;
    double before = lig_executable_facts(executable).compiler.all_ms;
    LIG_TRY(lig_generate(&run->generator, ids, count, answer));
    double compiled = lig_executable_facts(executable).compiler.all_ms - before;
    if (compiled > answer->prefill_ms) compiled = answer->prefill_ms;
    answer->prefill_ms -= compiled;
    run->model.load_ms += compiled;
    return LIG_OK;
}

static double per_second(size_t count, double ms) { return ms > 0 ? (double)count * 1e3 / ms : 0; }

static void tell_facts(const Run *run, size_t prompt, const LigAnswer *answer)
{
    const LigOptions *options = run->options;
    // The first token of an answer comes of the prompt.
    size_t steps = answer->tokens.count > 0 ? answer->tokens.count - 1 : 0;
    lig_tell_verbose(options,
                     "loaded in %.0f ms; prompt: %zu tokens in %.1f ms, %.1f/s; answer: %zu tokens in "
                     "%.1f ms, %.1f/s; ended by %s",
                     run->model.load_ms, prompt, answer->prefill_ms, per_second(prompt, answer->prefill_ms),
                     answer->tokens.count, answer->decode_ms, per_second(steps, answer->decode_ms),
                     lig_finish_name(answer->finish));
    lig_memory_report(options, run->model.executable);
    lig_tell_verbose(options, "state %zu bytes a slot, for %lld tokens", lig_session_slot_bytes(run->session),
                     (long long)lig_session_context(run->session));
}

static LigStatus print_json(Run *run, const LigAnswer *answer)
{
    json_t *text = run->model.tokenizer ? lig_json_str(lig_text_view(&answer->text)) : json_null();
    return lig_json_print(
        run->options, json_pack("{s:I,s:o,s:o,s:s,s:f,s:f,s:f}", "prompt_tokens", (json_int_t)run->prompt.count,
                                "tokens", lig_json_ids(answer->tokens.data, answer->tokens.count), "text", text,
                                "finish", lig_finish_name(answer->finish), "prefill_ms", answer->prefill_ms,
                                "decode_ms", answer->decode_ms, "load_ms", run->model.load_ms));
}

// Ends the text with a newline; without a tokenizer the ids are the answer.
static LigStatus print_end(Run *run, const LigAnswer *answer)
{
    LigText text = {0};
    for (size_t i = 0; !run->model.tokenizer && i < answer->tokens.count; i++) {
        lig_text_printf(&text, "%s%d", i > 0 ? "," : "", answer->tokens.data[i]);
    }
    lig_text_append_char(&text, '\n');
    LigStatus status = text.failed ? lig_no_memory(run->ctx) : show(run, lig_text_view(&text));
    lig_text_free(&text);
    return status;
}

static LigStatus answer_once(Run *run)
{
    LigAnswer answer = {0};
    LigStatus status = answer_prompt(run, run->prompt.data, run->prompt.count, &answer);
    if (status == LIG_OK) status = run->is_json ? print_json(run, &answer) : print_end(run, &answer);
    if (status == LIG_OK) tell_facts(run, run->prompt.count, &answer);
    lig_answer_free(&answer);
    return status;
}

// A conversation on a terminal: each turn is rendered whole; what the session already holds is not fed again.

static bool begins_with_history(const Run *run, int64_t held)
{
    const LigTokenIds *history = &run->generator.history;
    if (held >= (int64_t)run->prompt.count || held > (int64_t)history->count) return false;
    return held == 0 || memcmp(history->data, run->prompt.data, (size_t)held * sizeof(int32_t)) == 0;
}

static LigStatus answer_turn(Run *run, LigAnswer *answer)
{
    run->prompt.count = 0;
    LIG_TRY(lig_chat_encode(&run->chat, &run->prompt));
    LIG_TRY(check_fits(run, (int64_t)run->prompt.count, lig_session_context(run->session)));
    int64_t held = lig_session_length(run->session, 0);
    if (!begins_with_history(run, held)) {
        lig_session_reset(run->session, 0);
        held = 0;
    }
    run->generator.history.count = (size_t)held;
    size_t count = run->prompt.count - (size_t)held;
    LIG_TRY(answer_prompt(run, run->prompt.data + held, count, answer));
    LIG_TRY(print_end(run, answer));
    tell_facts(run, count, answer);
    return lig_chat_add(&run->chat, "assistant", lig_text_view(&answer->text));
}

// Ctrl-C ends an answer, not the chat.
static LigStatus take_turn(Run *run, LigStr words)
{
    LigAnswer answer = {0};
    lig_interrupts_defer();
    LigStatus status = lig_chat_add(&run->chat, "user", words);
    if (status == LIG_OK) status = answer_turn(run, &answer);
    lig_interrupts_forget();
    lig_interrupts_allow();
    lig_answer_free(&answer);
    return status;
}

static LigStatus converse(Run *run)
{
    LigStdinLine line = {0};
    LigStatus status = LIG_OK;
    lig_tell(run->options, "a chat; Ctrl-C stops an answer, Ctrl-D ends");
    for (bool more = true; status == LIG_OK && more;) {
        fputs("> ", stderr);
        fflush(stderr);
        status = lig_stdin_read_line(run->ctx, &line, &more);
        if (status == LIG_OK && more && line.text.length > 0) {
            status = take_turn(run, lig_text_view(&line.text));
        }
    }
    fputc('\n', stderr);
    lig_text_free(&line.text);
    return status;
}

static LigStatus open_and_answer(Run *run)
{
    LIG_TRY(check_usage(run));
    LIG_TRY(lig_open_model_file(&run->model, run->options));
    bool needs_tokenizer = !lig_option_given(run->options, LIG_OPT_IDS);
    if (needs_tokenizer || lig_open_model_has_tokenizer(&run->model)) {
        LIG_TRY(lig_open_model_tokenizer(&run->model));
    }
    LIG_TRY(read_prompt(run));
    LIG_TRY(open_session(run));
    if (!run->is_json) LIG_TRY(lig_command_output_open(run->options, &run->output));
    run->is_open = !run->is_json;
    return run->is_conversation ? converse(run) : answer_once(run);
}

LigStatus lig_cmd_run(LigOptions *options)
{
    if (!lig_options_operand(options)) return no_model(options);
    bool has_prompt = lig_option_given(options, LIG_OPT_PROMPT) || lig_option_given(options, LIG_OPT_IDS);
    Run run = {.options = options,
               .ctx = options->ctx,
               .is_json = lig_option_given(options, LIG_OPT_JSON),
               .is_conversation = !has_prompt && isatty(STDIN_FILENO)};
    LigStatus status = open_and_answer(&run);
    if (run.is_open) status = lig_command_output_close(&run.output, status);
    if (status == LIG_OK) lig_time_report(options, run.model.executable);
    lig_generator_release(&run.generator);
    lig_session_destroy(run.session);
    lig_token_ids_free(&run.prompt);
    lig_chat_close(&run.chat);
    lig_open_model_close(&run.model);
    return status;
}

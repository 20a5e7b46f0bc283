"""SmolLM2 (or any GGUF) against llama.cpp: prompts, answers, batches, the first token, memory, cold compilation."""
import os, random, sys, tempfile
import numpy as np
from ligature import timed_process
from llamacpp import LlamaCpp
from table import print_row, take_turns

TYPES = {  # the type of the file: what `--quant` says of it, and the ratios asked for: decode, prefill
    "Q4_1": (None, 2.2, 6), "Q4_0": ("q4_0", 1.8, 3.2), "Q8_0": ("q8_0", 1.5, 4), "BF16": ("bf16", 1.15, 1.8),
    "F32": ("f32", None, 1.9)}
PROMPT, STEPS = 512, 128


def some_ids(count, vocabulary):
    choose = random.Random(7)
    return [choose.randrange(vocabulary) for _ in range(count)]


CHECKED, CHECKED_TOKENS = 8, 32  # prompts compared, and their tokens: one prompt alone says little
EXACT = 0.01  # f32 files: both sides compute exactly
SAME_MODEL = 0.15  # other types: the peer rounds activations, and is no nearer to f32 than some hundredths
LOOSEST = 1.5  # times the peer's own distance from f32: both round, each in its own way


def our_logits(liga, path, prompts, act, dtype):
    """[prompts, vocabulary], of the last token of each."""
    from safetensors.numpy import load_file, save_file
    with tempfile.TemporaryDirectory() as folder:
        given, made = os.path.join(folder, "in.safetensors"), os.path.join(folder, "out.safetensors")
        save_file({"input_ids": np.array(prompts, dtype=np.int32)}, given)
        liga.call("forward", path, "--inputs", given, "-o", made, "--act", act, "--dtype", dtype)
        logits = load_file(made)["logits"]
        return logits.reshape(len(prompts), -1, logits.shape[-1])[:, -1]


def apart(a, b):
    """The norm of the difference of logits about their means, over that of the second; over all prompts."""
    a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
    return float(np.linalg.norm(a - b) / np.linalg.norm(b))


def compare(liga, name, path, peer):
    """What is timed (arithmetic as bench chooses), and the peer, against the same weights in f32.

    llama.cpp rounds activations to 8 bits for quantised weights and to bf16 for bf16: it is not a reference. So the
    peer must be near our f32 (the same model and weights), and what we time about as near to f32 as the peer.
    """
    ids = some_ids(CHECKED * CHECKED_TOKENS, peer.vocabulary)
    prompts = [ids[i:i + CHECKED_TOKENS] for i in range(0, len(ids), CHECKED_TOKENS)]
    theirs = []
    for prompt in prompts:
        peer.reset()
        peer.prompt(prompt)
        theirs.append(peer.logits())
    facts = liga.bench(path, "-p", 8, "-n", 1, "-r", 1)
    exact = our_logits(liga, path, prompts, "f32", "f32")
    timed = our_logits(liga, path, prompts, facts["act"], facts["dtype"])
    other, own = apart(np.array(theirs), exact), apart(timed, exact)
    good = other < (EXACT if name == "F32" else SAME_MODEL) and own <= max(LOOSEST * other, 0.005)
    return f"{'' if good else 'DIFFERS, do not compare: '}from f32 {own:.4f}, peer {other:.4f} (act {facts['act']})"


def bound_of(facts, kind):
    """The share of the bound measured beside the best of our rounds."""
    if kind == "decode":
        best = max(facts, key=lambda f: f["decode_tokens_per_s"])
        return f"{best['decode_bandwidth_share'] * 100:.0f} % of {best['bandwidth_bytes_per_s'] * 1e-9:.1f} GB/s"
    best = max(facts, key=lambda f: f["prefill_tokens_per_s"])
    return f"{best['prefill_peak_share'] * 100:.0f} % of {best['peak_flops_per_s'] * 1e-9:.0f} Gflop/s f32"


def run_type(liga, name, path, rounds):
    """Prompts and answers, one sequence. Ours is a process a round, its first round inside not counted."""
    _, decode_target, prefill_target = TYPES[name]
    peer = LlamaCpp(path, liga.threads)
    ids = some_ids(PROMPT + STEPS, peer.vocabulary)
    difference = compare(liga, name, path, peer)
    facts = []

    def ours():
        facts.append(liga.bench(path, "-p", PROMPT, "-n", STEPS, "-r", 1))
        return facts[-1]

    def theirs():
        return {"prefill_tokens_per_s": peer.prefill_rate(ids[:PROMPT]), "decode_tokens_per_s": peer.decode_rate(ids, STEPS, 1)}

    figures = take_turns({"ours": ours, "llama.cpp": theirs}, rounds)
    peer.close()
    for kind, target in (("decode", decode_target), ("prefill", prefill_target)):
        rates = {side: [f[f"{kind}_tokens_per_s"] for f in list_] for side, list_ in figures.items()}
        print_row(f"{kind} {name}", "tok/s", rates, faster_is_more=True, target=target,
                  share=bound_of(figures["ours"], kind), difference=difference)


def run_batch(liga, name, path, count, rounds, steps=32, prompt=64):
    peer = LlamaCpp(path, liga.threads, sequences=count, context=256)
    ids = some_ids(prompt + steps, peer.vocabulary)
    facts = []

    def ours():
        facts.append(liga.bench(path, "-b", count, "-p", prompt, "-n", steps, "-r", 1))
        return facts[-1]["decode_tokens_per_s"]

    figures = take_turns({"ours": ours, "llama.cpp": lambda: peer.decode_rate(ids, steps, count)}, rounds)
    peer.close()
    target = 3 if count == 16 and name in ("Q8_0", "BF16") else None
    print_row(f"decode {name}, {count} at once", "tok/s", figures, faster_is_more=True, target=target,
              share=bound_of(facts, "decode"))


FIRST = """import sys; sys.path.insert(0, {here!r}); from llamacpp import LlamaCpp
LlamaCpp({path!r}, {threads}).prompt({ids!r})"""


def run_first_token(liga, path, rounds):
    """A fresh process each time, the file in the page cache, our kernels cached; the peer's includes Python's start,
    which is told apart by a process that imports the peer and ends."""
    here = os.path.dirname(os.path.abspath(__file__))
    ids = some_ids(16, 1000)
    ours = [liga.program, "run", path, "--ids", ",".join(map(str, ids)), "-n", "1", "-q", "--threads", liga.threads]
    theirs = [sys.executable, "-c", FIRST.format(here=here, path=path, threads=liga.threads, ids=ids)]
    empty = [sys.executable, "-c", "import llama_cpp, numpy"]
    figures = take_turns({"ours": lambda: timed_process(ours), "llama.cpp": lambda: timed_process(theirs),
                          "import": lambda: timed_process(empty)}, rounds)
    start = min(s for s, _ in figures.pop("import"))
    seconds = {"ours": [s * 1e3 for s, _ in figures["ours"]], "llama.cpp": [(s - start) * 1e3 for s, _ in figures["llama.cpp"]]}
    memory = {side: [m for _, m in list_] for side, list_ in figures.items()}
    print_row("first token, 16-token prompt", "ms", seconds, faster_is_more=False, target=2,
              share=f"peer less {start * 1e3:.0f} ms of Python")
    size = os.path.getsize(path) / 2**20
    print_row("resident memory of that", "MiB", memory, faster_is_more=False, share=f"file {size:.0f} MiB")


def run_cold_compile(liga, path, rounds):
    """All kernels of a session without a cache; there is no peer: the target is a second."""
    times = [liga.bench(path, "--no-cache", "-p", PROMPT, "-n", 1, "-r", 1)["compile_ms"] for _ in range(rounds)]
    verdict = "reached" if min(times) < 1000 else "MISSED"
    print(f"| cold compile, all kernels | {min(times):.0f} / {sorted(times)[len(times) // 2]:.0f} ms | | | < 1000: {verdict} | | |", flush=True)


def run_decoders(liga, options):
    folder = options.cache
    for name in options.types:
        quant = TYPES[name][0]
        path = liga.quantized(options.gguf, quant, folder) if quant else options.gguf
        if "decoder" in options.parts:
            run_type(liga, name, path, options.rounds)
        for count in (1, 4, 16, 64) if "batch" in options.parts and name in ("Q8_0", "BF16") else ():
            run_batch(liga, name, path, count, options.rounds)
    if "start" in options.parts:
        run_first_token(liga, options.gguf, options.rounds)
        run_cold_compile(liga, options.gguf, options.rounds)

#!/usr/bin/env python3
"""Our tokenizers beside Hugging Face's `tokenizers`, on one thread, line by line of a text.

    pip install tokenizers
    tools/bench/tokenizer_speed.py build/release/bench_tokenizers TEXT TOKENIZER.json…

TEXT may be gzipped. Both sides encode the same lines without special tokens; they take turns, and each counts its
own processor time, so that other programs disturb both alike. Ids are compared before anything is timed: a line
that differs is shown and the exit code is 1. Hugging Face's side is the fastest it offers: encode_batch_fast, which
computes no offsets. The table gives the best and the median round of each; the ratio is that of the medians.
"""
import argparse, gzip, os, statistics, subprocess, sys, tempfile, time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"


def read_lines(path, most):
    opened = gzip.open(path, "rt", encoding="utf-8", newline="\n") if path.endswith(".gz") else open(path, encoding="utf-8", newline="\n")
    with opened as file:
        return file.read(most).split("\n")[:-1]


class Ours:
    def __init__(self, program, model, text):
        self.process = subprocess.Popen([program, model, text], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def ids(self, lines):
        self.ask("ids")
        return [[int(i) for i in self.process.stdout.readline().split()] for _ in range(lines)]

    def seconds(self):
        self.ask("run")
        return float(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class Theirs:
    def __init__(self, model):
        from tokenizers import Tokenizer
        self.tokenizer = Tokenizer.from_file(model)
        self.tokenizer.no_padding()
        self.tokenizer.no_truncation()

    def encode(self, lines):
        return self.tokenizer.encode_batch_fast(lines, add_special_tokens=False)

    def ids(self, lines):
        return [e.ids for e in self.encode(lines)]

    def seconds(self, lines):
        begin = time.process_time()
        self.encode(lines)
        return time.process_time() - begin


def first_difference(lines, ours, theirs):
    for line, a, b in zip(lines, ours, theirs):
        if a != b:
            return f"other ids for {line!r}:\n  ours   {a}\n  theirs {b}"
    return None


def measure(program, model, lines, text, rounds):
    """Prints a row of the table; whether the ids are equal."""
    ours, theirs = Ours(program, model, text), Theirs(model)
    difference = first_difference(lines, ours.ids(len(lines)), theirs.ids(lines))
    if difference:
        print(difference, file=sys.stderr)
    times = [(ours.seconds(), theirs.seconds(lines)) for _ in range(rounds)]
    ours.close()
    megabytes = sum(len(line.encode()) + 1 for line in lines) / 1e6
    best = [megabytes / min(t) for t in zip(*times)]
    middle = [megabytes / statistics.median(t) for t in zip(*times)]
    name = os.path.basename(os.path.dirname(os.path.abspath(model)))
    print(f"| {name} | {best[0]:.1f} / {middle[0]:.1f} | {best[1]:.1f} / {middle[1]:.1f} | {middle[0] / middle[1]:.1f} |", flush=True)
    return not difference


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("text")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--characters", type=int, default=1_300_000, help="of the text, from its beginning")
    options = parser.parse_args()
    lines = read_lines(options.text, options.characters)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", newline="\n", suffix=".txt") as text:
        text.write("".join(line + "\n" for line in lines))
        text.flush()
        print("| tokenizer | ours, MB/s best / median | tokenizers | ratio |\n| --- | --- | --- | --- |")
        equal = [measure(options.program, model, lines, text.name, options.rounds) for model in options.models]
    sys.exit(not all(equal))


if __name__ == "__main__":
    main()

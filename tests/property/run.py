#!/usr/bin/env python3
"""Properties of random modules, and the smallest module that breaks one.

    run.py --seed N --count M            checks seeds N .. N+M-1 (default 1, 200)
    run.py --check FILE --seed N         checks one file
    --program PATH                       default build/debug/tests/property
    --out FOLDER                         where a shrunk failure goes (default: beside the program)

A failure is shrunk by dropping functions, ops, outputs, operands' definitions and bounds while the same property
stays broken; then the file, its text and the line that runs it again are printed.
"""
import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

SECONDS = 60
SHRINK_SECONDS = 90


def outcome(program, path, seed):
    """None, or the name of what is broken: a property, a signal, or `timeout`; and the line that says so."""
    try:
        r = subprocess.run([program, "--check", path, "--seed", str(seed)], capture_output=True, text=True,
                           errors="replace", timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return "timeout", f"more than {SECONDS} s"
    if r.returncode < 0:
        return f"signal {signal.Signals(-r.returncode).name}", r.stderr.strip()[-2000:]
    found = re.search(r"^FAILED ([\w-]+): (.*)", r.stdout, re.M)
    if found:
        return found.group(1), found.group(2)
    if r.returncode:
        return "sanitizer", r.stderr.strip()[-2000:]
    return None, ""


def split_top(text):
    """Splits at commas outside of brackets."""
    parts, depth, start = [], 0, 0
    for i, c in enumerate(text):
        depth += (c in "[(") - (c in "])")
        if c == "," and depth == 0:
            parts.append(text[start:i].strip())
            start = i + 1
    last = text[start:].strip()
    return parts + [last] if last else parts


HEADER = re.compile(r"^(  func @[\w.-]+)\((.*)\)(?: -> (.*?))? \{$")


def without(items, i):
    return items[:i] + items[i + 1:]


def functions(lines):
    """(first line, last line) of each."""
    starts = [i for i, line in enumerate(lines) if HEADER.match(line)]
    return [(i, lines.index("  }", i)) for i in starts]


def header(name, inputs, outputs):
    return f"{name}({', '.join(inputs)})" + (f" -> {', '.join(outputs)}" if outputs else "") + " {"


def smaller_functions(lines):
    for first, last in reversed(functions(lines)):
        yield lines[:first] + lines[last + 1:]


def smaller_outputs(lines):
    for first, last in functions(lines):
        name, inputs, outputs = HEADER.match(lines[first]).groups()
        inputs, outputs = split_top(inputs), split_top(outputs or "")
        returned = split_top(lines[last - 1].replace("    return", "", 1))
        for i in range(len(outputs)):
            if len(outputs) > 1:
                yield (lines[:first] + [header(name, inputs, without(outputs, i))] + lines[first + 1:last - 1]
                       + ["    return " + ", ".join(without(returned, i))] + lines[last:])
        for i in range(len(inputs)):
            yield lines[:first] + [header(name, without(inputs, i), outputs)] + lines[first + 1:]


def smaller_ops(lines):
    """An op becomes an input, or the returned value (so that all after it dies)."""
    for first, last in functions(lines):
        name, inputs, outputs = HEADER.match(lines[first]).groups()
        inputs, outputs = split_top(inputs), split_top(outputs or "")
        for at in range(last - 2, first, -1):
            op = re.match(r"^    (%[\w.-]+) = .* : (\w+\[.*\])$", lines[at])
            if not op:
                continue
            value, kind = op.groups()
            yield (lines[:first] + [header(name, inputs, [kind])] + lines[first + 1:at + 1] + [f"    return {value}"]
                   + lines[last:])
            yield (lines[:first] + [header(name, inputs + [f"{value}: {kind}"], outputs)] + lines[first + 1:at]
                   + lines[at + 1:])


def smaller_lines(lines):
    for i in range(len(lines) - 1, 0, -1):
        yield lines[:i] + lines[i + 1:]


def smaller_dims(lines):
    for i, line in enumerate(lines):
        dim = re.match(r"^  dim (\w+) in (\d+)\.\.(\d+)$", line)
        if dim and dim.group(2) != dim.group(3):
            yield lines[:i] + [f"  dim {dim.group(1)} in {dim.group(2)}..{dim.group(2)}"] + lines[i + 1:]


def shrink(program, text, seed, broken):
    """Greedy: each move as long as it helps, all of them until none does, for at most SHRINK_SECONDS."""
    lines, tried, end = text.splitlines(), set(), time.monotonic() + SHRINK_SECONDS
    moves = [smaller_functions, smaller_ops, smaller_outputs, smaller_lines, smaller_dims]

    def still_broken(candidate):
        whole = "\n".join(candidate) + "\n"
        if whole in tried or time.monotonic() > end:
            return False
        tried.add(whole)
        with open(path, "w") as f:
            f.write(whole)
        return outcome(program, path, seed)[0] == broken

    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "case.lig")
        progress = True
        while progress:
            progress = False
            for move in moves:
                candidates, i = list(move(lines)), 0
                while i < len(candidates):
                    if still_broken(candidates[i]):
                        lines, progress = candidates[i], True
                        candidates = list(move(lines))
                    else:
                        i += 1
    return "\n".join(lines) + "\n"


def report(a, text, seed, broken):
    small = shrink(a.program, text, seed, broken)
    path = os.path.join(a.out, f"property_{seed}.lig")
    with open(path, "w") as f:
        f.write(small)
    detail = outcome(a.program, path, seed)[1]
    print(f"FAIL seed {seed}: {broken}: {detail}\n{path}:\n{small}")
    print(f"again: {os.path.relpath(__file__)} --program {a.program} --check {path} --seed {seed}")


def check_one(a):
    broken, detail = outcome(a.program, a.check, a.seed)
    print(f"{broken}: {detail}" if broken else "all properties hold")
    return 1 if broken else 0


def check_seeds(a):
    r = subprocess.run([a.program, "--seed", str(a.seed), "--count", str(a.count)], capture_output=True, text=True,
                       errors="replace")
    if r.returncode == 0:
        print(r.stdout.splitlines()[-1])
        return 0
    seeds = re.findall(r"^seed (\d+)$", r.stdout, re.M)
    seed = int(seeds[-1]) if seeds else a.seed
    text = subprocess.run([a.program, "--print", str(seed)], capture_output=True, text=True).stdout
    with tempfile.NamedTemporaryFile("w", suffix=".lig") as f:
        f.write(text)
        f.flush()
        broken, _ = outcome(a.program, f.name, seed)
    if broken:
        report(a, text, seed, broken)
    else:
        print(f"FAIL seed {seed}, but not alone:\n{r.stdout[-2000:]}\n{r.stderr[-4000:]}")
    return 1


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--program", default="build/debug/tests/property")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--count", type=int, default=200)
    p.add_argument("--check")
    p.add_argument("--out")
    a = p.parse_args()
    a.out = a.out or os.path.dirname(a.program) or "."
    return check_one(a) if a.check else check_seeds(a)


if __name__ == "__main__":
    sys.exit(main())

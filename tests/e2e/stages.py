#!/usr/bin/env python3
"""Every stage of a model as text: prints, parses, prints the same, verifies, and computes the same numbers.

    stages.py LIGA MODEL WEIGHTS BOUND [REFERENCE]

Runs a short prompt with --dump, then takes each dumped file through `liga opt --verify` and, by the interpreter, through
`liga eval`. Logits must be within BOUND (relative) of those of the first stage. With REFERENCE (safetensors with
in.input_ids and logits) the prompt is its first row, and the first stage must be within BOUND of it.
"""
import array
import os
import re
import subprocess
import sys
import tempfile

import tensors


def inputs_of(ids):
    count = len(ids)
    one = lambda *values: ([len(values)], array.array("i", values))
    return {"ids": one(*ids), "pos": one(*range(count)), "start": one(0, count), "slot": one(0), "kv_len": one(count)}


def prompt_of(reference):
    if not reference:
        return [504, 3575, 282, 4649, 314], None
    shape, ids = reference["in.input_ids"]
    vocabulary = reference["logits"][0][-1]
    return list(ids[: shape[1]]), ([shape[1], vocabulary], reference["logits"][1][: shape[1] * vocabulary])


def main():
    liga, model, weights, bound = sys.argv[1:5]
    if not os.path.exists(model):
        print(f"skipped: no {model}: tools/fetch_model.sh fetches the default model")
        sys.exit(77)
    ids, want = prompt_of(tensors.load(sys.argv[5]) if len(sys.argv) > 5 else None)
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        path = lambda name: os.path.join(folder, name)
        stages = path("stages")
        os.mkdir(stages)
        tensors.save(path("ids"), {"input_ids": ([1, len(ids)], array.array("i", ids))})
        tensors.save(path("in"), inputs_of(ids))
        subprocess.run([liga, "forward", model, "--inputs", path("ids"), "-o", path("out"), "--dump", stages, "--verify"], check=True)
        names = sorted(os.listdir(stages))
        assert len(names) >= 6, f"only {names} were dumped"
        for name in names:
            stage = os.path.join(stages, name)
            subprocess.run([liga, "opt", stage, "--verify", "-o", path("again")], check=True)
            dumped = re.sub("^# unchanged since [^\n]*\n", "", open(stage).read())  # a comment is not printed again
            same = dumped == open(path("again")).read()
            subprocess.run([liga, "eval", stage, "--interpret", "--weights", weights, "--func", "forward", "--dim", "C=64,S=1",
                            "--inputs", path("in"), "-o", path("out")], check=True)
            logits = tensors.load(path("out"))["logits"]
            want = want or logits
            error = tensors.relative_error(logits, want)
            ok = same and error <= float(bound)
            failed += not ok
            print(f"{'ok' if ok else 'FAIL'} {name}: text {'the same' if same else 'DIFFERS'} after a round trip, logits {error:.1e} (bound {bound})")
    sys.exit(failed != 0)


main()

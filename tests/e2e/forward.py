#!/usr/bin/env python3
"""Tiny real models against what Transformers computed: compiled and interpreted, one thread and two, every CPU level.

    forward.py LIGA DATA     DATA: tests/data/tiny
"""
import os
import subprocess
import sys
import tempfile

import tensors

BOUND = 1e-5
VARIATIONS = [["--interpret"], ["--threads", "1"], ["--threads", "2"], ["--no-fuse"], ["--cpu", "x86-64-v3"],
              ["--cpu", "x86-64"], ["--onednn"]]


def run(liga, model, out, options):
    subprocess.run([liga, "forward", model, "--inputs", os.path.join(model, "reference.safetensors"), "-o", out, *options], check=True)
    return tensors.load(out)


def main():
    liga, data = sys.argv[1:]
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "out.safetensors")
        for name in sorted(os.listdir(data)):
            model = os.path.join(data, name)
            want = tensors.load(os.path.join(model, "reference.safetensors"))
            outputs = {}
            for options in VARIATIONS:
                got = outputs[" ".join(options)] = run(liga, model, out, options)
                error = max(tensors.relative_error(got[key], want[key]) for key in ("logits", "hidden"))
                failed += not error <= BOUND
                print(f"{'ok' if error <= BOUND else 'FAIL'} {name} {' '.join(options)}: {error:.1e} (bound {BOUND:.0e})")
            same = all(outputs["--threads 1"][k] == outputs["--threads 2"][k] for k in ("logits", "hidden"))
            failed += not same
            print(f"{'ok' if same else 'FAIL'} {name}: one thread and two give the same bits")
            same = all(outputs["--threads 1"][k] == outputs["--no-fuse"][k] for k in ("logits", "hidden"))
            failed += not same
            print(f"{'ok' if same else 'FAIL'} {name}: fused and not fused give the same bits")
    sys.exit(failed != 0)


main()

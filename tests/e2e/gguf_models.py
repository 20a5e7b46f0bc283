#!/usr/bin/env python3
"""Tiny models as GGUF against what Transformers computed of the originals: as tiny_gguf.py writes them, as
`liga compile` does, and as the directories that it makes of its GGUFs again.

    gguf_models.py LIGA FOLDER…     FOLDERs of tiny models; those missing are passed over
"""
import os
import subprocess
import sys
import tempfile

import tensors
import tiny_gguf

BOUND = 1e-5
# What a GGUF has of each: bert has no head of a language model.
MODELS = {"llama": ("logits", "hidden"), "llama_tied": ("logits", "hidden"), "llama3_rope": ("logits", "hidden"),
          "mistral": ("logits", "hidden"), "qwen2": ("logits", "hidden"), "qwen3": ("logits", "hidden"),
          "gemma": ("logits", "hidden"), "gpt2": ("logits", "hidden"), "phi": ("logits", "hidden"),
          "bert": ("hidden",), "bert_classifier": ("logits", "hidden")}
VARIATIONS = [["--interpret"], []]


def find(folders, name):
    found = (os.path.join(folder, name) for folder in folders)
    return next((path for path in found if os.path.exists(os.path.join(path, "reference.safetensors"))), None)


def forward(liga, model, reference, out, options):
    subprocess.run([liga, "forward", model, "--inputs", reference, "-o", out, *options], check=True)
    return tensors.load(out)


def check(liga, model, name, folder):
    out, reference = os.path.join(folder, "out.safetensors"), os.path.join(model, "reference.safetensors")
    paths = [os.path.join(folder, name + ending) for ending in (".gguf", ".ours.gguf", "")]
    tiny_gguf.convert(model).save(paths[0])
    subprocess.run([liga, "compile", "-q", model, "-o", paths[1]], check=True)
    subprocess.run([liga, "compile", "-q", paths[1], "-o", paths[2]], check=True)
    want, failed = tensors.load(reference), 0
    for path, options in [(path, options) for path in paths for options in VARIATIONS]:
        got = forward(liga, path, reference, out, options)
        error = max(tensors.relative_error(got[key], want[key]) for key in MODELS[name] if key in want)
        failed += not error <= BOUND
        print(f"{'ok' if error <= BOUND else 'FAIL'} {os.path.basename(path)} {' '.join(options)}: {error:.1e} (bound {BOUND:.0e})")
    return failed


def main():
    liga, *folders = sys.argv[1:]
    failed, models = 0, {name: find(folders, name) for name in MODELS}
    with tempfile.TemporaryDirectory() as folder:
        for name, model in models.items():
            if model:
                failed += check(liga, model, name, folder)
            else:
                print(f"skipped {name}: it is in none of {', '.join(folders)}")
    sys.exit(1 if failed else 0 if any(models.values()) else 77)


main()

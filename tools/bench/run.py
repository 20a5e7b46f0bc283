#!/usr/bin/env python3
"""Ligature beside its peers on this machine, taking turns; one table. See README.md beside this file."""
import argparse, datetime, importlib.metadata, os, sys
import decoders
from ligature import Liga
from table import print_head

PARTS = ("decoder", "batch", "start")
PEERS = ("llama-cpp-python", "numpy")


def machine():
    with open("/proc/cpuinfo") as f:
        return next((line.split(":")[1].strip() for line in f if line.startswith("model name")), "unknown")


def versions():
    found = []
    for name in PEERS:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            found.append(f"{name} missing")
    return ", ".join(found)


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--liga", default="build/release/liga")
    parser.add_argument("--gguf", required=True, help="a decoder in Q4_1; other types are made of it")
    parser.add_argument("--cache", default="models/cache/bench", help="where models of other types are kept")
    parser.add_argument("--parts", default=",".join(PARTS), type=lambda s: s.split(","), help="of " + ",".join(PARTS))
    parser.add_argument("--types", default=",".join(decoders.TYPES), type=lambda s: s.split(","))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    options = parser.parse_args()
    for kind, allowed in (("parts", PARTS), ("types", decoders.TYPES)):
        for name in set(getattr(options, kind)) - set(allowed):
            parser.error(f"--{kind}: {name!r} is none of {', '.join(allowed)}")
    return options


def main():
    options = parse()
    os.makedirs(options.cache, exist_ok=True)
    liga = Liga(os.path.abspath(options.liga), options.threads)
    print(f"{datetime.date.today()}, {machine()}, {options.threads} threads, load {os.getloadavg()[0]:.1f}\n{liga.version()}; {versions()}\n")
    print_head()
    decoders.run_decoders(liga, options)


if __name__ == "__main__":
    sys.exit(main())

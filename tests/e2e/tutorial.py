#!/usr/bin/env python3
"""Runs the blocks of a tutorial: ```file:NAME is written, ```sh is run, ```output is what the sh block before it must print.

    tutorial.py LIGA TUTORIAL.md
"""
import os
import re
import subprocess
import sys
import tempfile


def main():
    liga, path = map(os.path.abspath, sys.argv[1:])
    blocks = re.findall(r"^```(\S+)\n(.*?)^```$", open(path).read(), re.M | re.S)
    assert sum(kind == "output" for kind, _ in blocks) >= 3, "the tutorial shows no output"
    environment = dict(os.environ, PATH=os.path.dirname(liga) + os.pathsep + os.environ["PATH"])
    printed, failed = None, 0
    with tempfile.TemporaryDirectory() as folder:
        for kind, text in blocks:
            if kind.startswith("file:"):
                open(os.path.join(folder, kind[5:]), "w").write(text)
            elif kind == "sh":
                run = subprocess.run(["bash", "-e", "-o", "pipefail", "-c", text], cwd=folder, env=environment, capture_output=True, text=True)
                printed = run.stdout
                failed += run.returncode != 0
                if run.returncode:
                    print(f"FAIL exit {run.returncode}:\n{text}{run.stdout}{run.stderr}")
            elif kind == "output" and printed != text:
                failed += 1
                print(f"FAIL: the tutorial shows\n{text}but the command printed\n{printed}")
    print(f"{len(blocks)} blocks, {failed} failed")
    sys.exit(failed != 0)


main()

#!/usr/bin/env python3
"""The golden runner against a command of known behaviour in the place of liga: what must fail, fails."""
import os, subprocess, sys, tempfile

RUN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "run.py")
LIGA = """#!/bin/sh
case $1 in
  print) grep -v '^#' "$2" ;;
  fail) echo "liga: $2: line 3 is wrong: mend it" >&2; exit ${3:-1} ;;
esac
"""
BODY = "one\ntwo\n"

# name, text of the test, text of .err or None, must pass
CASES = [
    ("check", "# RUN: liga print %s | FileCheck-19 %s\n# CHECK: one\n# CHECK-NEXT: two\n" + BODY, None, True),
    ("check_other", "# RUN: liga print %s | FileCheck-19 %s\n# CHECK: three\n" + BODY, None, False),
    ("expect", "# RUN: liga print %s\n" + BODY + "# EXPECT\n# one\n# two\n", None, True),
    ("expect_less", "# RUN: liga print %s\n" + BODY + "# EXPECT\n# one\n", None, False),
    ("no_run", BODY + "# EXPECT\n", None, False),
    ("no_wish", "# RUN: liga print %s\n" + BODY, None, False),
    ("err", "# RUN: liga fail %s\n", "liga: %s: line 3 is wrong: mend it\n", True),
    ("err_other", "# RUN: liga fail %s\n", "liga: %s: line 4 is wrong: mend it\n", False),
    ("err_code", "# RUN: liga fail %s 2\n", "liga: %s: line 3 is wrong: mend it\n", False),
    ("exit_code", "# RUN: liga fail %s 2\n# EXIT: 2\n", "liga: %s: line 3 is wrong: mend it\n", True),
    ("exit_hidden", "# RUN: liga fail %s | FileCheck-19 --allow-empty %s\n# CHECK-NOT: x\n", None, False),
    ("chained", "# RUN: liga print %s && true\n# EXPECT\n", None, False),
]


def run(folder, name, *options):
    command = [sys.executable, RUN, "--liga", folder + "/fake", *options, f"{folder}/{name}.lig"]
    r = subprocess.run(command, capture_output=True, text=True)
    return r.returncode == 0, r.stdout + r.stderr


def main():
    bad = []
    with tempfile.TemporaryDirectory() as folder:
        with open(folder + "/fake", "w") as f:
            f.write(LIGA)
        os.chmod(folder + "/fake", 0o755)
        for name, text, err, wanted in CASES:
            with open(f"{folder}/{name}.lig", "w") as f:
                f.write(text)
            if err is not None:
                with open(f"{folder}/{name}.err", "w") as f:
                    f.write(err)
            passed, out = run(folder, name)
            if passed != wanted:
                bad.append(f"{name}: {'passed' if passed else 'failed'}: {out}")
        for name in ("expect_less", "err_other"):
            run(folder, name, "--bless")
            passed, out = run(folder, name)
            if not passed:
                bad.append(f"{name}: fails after --bless: {out}")
    print("\n".join(bad) or f"{len(CASES) + 2} cases of the golden runner pass")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""The script in frontend/README.md reads a .ligb file with the ordinary protobuf package.

    readme_script.py SOURCE_DIR       exit code 77 where protobuf for Python, or protoc, is missing
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

PYTHONS = [sys.executable, "/usr/bin/python3"]  # where a system package is not seen by another python3


def find_python():
    for python in PYTHONS:
        if subprocess.run([python, "-c", "import google.protobuf"], capture_output=True).returncode == 0:
            return python
    return None


def main():
    source = os.path.abspath(sys.argv[1])
    python = find_python()
    if not python or not shutil.which("protoc"):
        print("skipped: no protobuf for Python, or no protoc: run tools/setup.sh --with-tests")
        return 77
    readme = open(os.path.join(source, "frontend/README.md"), encoding="utf-8").read()
    script = re.search(r"```python\n(.*?)```", readme, re.S).group(1)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["protoc", f"--python_out={folder}", "-I", source, os.path.join(source, "frontend/ligb.proto")],
                       check=True)
        with open(os.path.join(folder, "read.py"), "w", encoding="utf-8") as f:
            f.write(script)
        file = os.path.join(source, "tests/data/stages.ligb")
        r = subprocess.run([python, "read.py", file], cwd=folder, capture_output=True, text=True)
    text = open(os.path.join(source, "tests/data/stages.lig"), encoding="utf-8").read()
    wanted = []
    for name, body in re.findall(r"^  func @(\w+)\(.*?\{\n(.*?)^  \}", text, re.M | re.S):
        ops = re.findall(r"^    %\S+ = (\w+)", body, re.M)
        wanted.append(f"model {name} {ops}")
    if r.stdout.splitlines() != wanted or len(script.splitlines()) > 10:
        print(f"printed:\n{r.stdout}{r.stderr}\nwanted:\n" + "\n".join(wanted))
        return 1
    print("\n".join(wanted))
    return 0


if __name__ == "__main__":
    sys.exit(main())

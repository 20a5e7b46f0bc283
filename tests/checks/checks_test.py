#!/usr/bin/env python3
"""Each check of tools/check must catch its bad sample, by file and line, and let the good one pass."""
import os, subprocess, sys, tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OPEN_END = "TO" + "DO"

# check, file, text, what the output must hold ("" = must be clean)
CASES = [
    ("source", "ir/a.c", "int f(void);\nvoid g(void) { exit(1); }\n", "ir/a.c:2: call of exit"),
    ("source", "passes/a.c", "/* x\n */ int *p = malloc(4);\n", "passes/a.c:2: call of malloc"),
    ("source", "runtime/rt/a.c", "void g(void) { printf(\"x\"); abort (); }\n", "runtime/rt/a.c:1: call of abort"),
    ("source", "codegen/a.c", "void g(int x) { assert(x); }\n", "codegen/a.c:1: call of assert"),
    ("source", "models/a.c", "// exit(1)\nconst char *s = \"free(p)\"; /* malloc(1) */\nvoid g(A *a) { a->free(a); lig_free(a); }\n", ""),
    ("source", "ir/base/a.c", "void *g(void) { return malloc(1); }\n", ""),
    ("source", "tools/a.c", "void g(void) { printf(\"x\"); }\n", ""),
    ("source", "ir/utils.c", "int x;\n", "ir/utils.c:1: a name that says nothing"),
    ("source", "ir/a.h", "#ifndef LIG_B_H\n#define LIG_B_H\n#endif\n", "ir/a.h:1: guard 'LIG_B_H'"),
    ("source", "ir/a.h", "#ifndef LIG_IR_A_H\n#define LIG_IR_AH\n#endif\n", "tested but not defined"),
    ("source", "ir/a.h", "int x;\n", "ir/a.h:1: guard 'none'"),
    ("source", "runtime/rt/a.h", "// what\n#ifndef LIG_RT_A_H\n#define LIG_RT_A_H\n#endif\n", ""),
    ("source", "ir/a.c", "const char *p = \"/home/someone/model\";\n", "ir/a.c:1: a path of one machine"),
    ("source", "ir/a.c", f"// {OPEN_END}: later\n", "ir/a.c:1: an open end"),
    ("layers", "ir/base/a.c", "#include \"ir/graph.h\"\n", "ir/base/a.c:1: ir/base/ includes ir/"),
    ("layers", "ir/a.c", "\n#include \"passes/pass.h\"\n", "ir/a.c:2: ir/ includes passes/"),
    ("layers", "passes/a.c", "#include \"codegen/codegen.h\"\n", "passes/a.c:1: passes/ includes codegen/"),
    ("layers", "models/a.c", "#include \"frontend/gguf.h\"\n", "models/ includes frontend/"),
    ("layers", "runtime/rt/a.c", "#include \"ir/graph.h\"\n", "runtime/rt/ includes ir/"),
    ("layers", "runtime/text/a.c", "#include \"runtime/rt/threads.h\"\n", "runtime/text/ includes runtime/rt/"),
    ("layers", "runtime/a.c", "#include \"tools/tool.h\"\n", "runtime/ includes tools/"),
    ("layers", "ir/a.c", "#include \"graph.h\"\n", "write the path from the root"),
    ("layers", "passes/a.c", "#include <llvm-c/Core.h>\n", "only codegen/"),
    ("layers", "codegen/onednn.c", "#include <oneapi/dnnl/dnnl.h>\n", "only codegen/onednn"),
    ("layers", "ir/a.c", "#include <jansson.h>\n", "only frontend/ and tools/"),
    ("layers", "runtime/a.c", "#include <protobuf-c/protobuf-c.h>\n", "only frontend/"),
    ("layers", "codegen/onednn_plugin.c", "#include <llvm-c/Core.h>\n#include <dnnl.h>\n#include \"codegen/onednn.h\"\n", ""),
    ("layers", "runtime/a.c", "// #include \"tools/x.h\"\n#include \"frontend/gguf.h\"\n#include \"runtime/rt/threads.h\"\n", ""),
    ("layers", "tools/a.c", "#include \"runtime/session.h\"\n#include <jansson.h>\n", ""),
    ("format", "ir/a.c", "int  f( void ){return 1 ;}\n", "ir/a.c:1: not as clang-format-19"),
    ("format", "ir/a.c", "int x;\n", ""),
]


def run(check, root, *arguments):
    r = subprocess.run([f"{TOP}/tools/check/check_{check}.sh", root, *arguments], capture_output=True, text=True)
    return r.returncode, r.stdout + r.stderr


def write(root, path, text):
    os.makedirs(os.path.dirname(os.path.join(root, path)), exist_ok=True)
    with open(os.path.join(root, path), "w") as f:
        f.write(text)


def problem(check, path, text, wanted):
    with tempfile.TemporaryDirectory() as root:
        with open(f"{TOP}/.clang-format") as f:
            write(root, ".clang-format", f.read())
        write(root, path, text)
        code, out = run(check, root)
    if wanted:
        return None if code == 1 and wanted in out else f"exit {code}, wanted 1 and '{wanted}': {out}"
    return None if code == 0 else f"exit {code}, wanted 0: {out}"


def repeated_name():
    with tempfile.TemporaryDirectory() as root:
        for path in ("ir/a.c", "passes/a.c", "tests/unit/a.c", "ir/README.md", "passes/README.md"):
            write(root, path, "int x;\n")
        code, out = run("source", root)
    right = code == 1 and "passes/a.c:1: same file name as ir/a.c" in out and out.count("same file name") == 1
    return None if right else f"exit {code}: {out}"


def tidy():
    with tempfile.TemporaryDirectory() as root:
        with open(f"{TOP}/.clang-tidy") as f:
            write(root, ".clang-tidy", f.read())
        write(root, "ir/a.c", "int f(int *p);\nint f(int *p)\n{\n    if (!p) return *p;\n    return 0;\n}\n")
        write(root, "build/debug/compile_commands.json",
              f'[{{"directory": "{root}", "command": "cc -c ir/a.c",\n"file": "{root}/ir/a.c"}}]')
        code, out = run("tidy", root)
    return None if code == 1 and "ir/a.c:4:" in out and "NullDereference" in out else f"exit {code}: {out}"


def main():
    results = [(f"{c} {p}: {w or 'clean'}", problem(c, p, t, w)) for c, p, t, w in CASES]
    results += [("source: repeated name", repeated_name()), ("tidy: null dereference", tidy())]
    bad = [(name, why) for name, why in results if why]
    for name, why in bad:
        print(f"FAIL {name}\n  {why}")
    print(f"{len(results) - len(bad)} of {len(results)} cases of the checks pass")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Golden tests: a .lig file holds its own command and what it must print.

    # RUN: liga opt --passes=cse %s | FileCheck-19 %s      CHECK lines say what must be there
    # RUN: liga opt --passes=cse %s                        the lines after `# EXPECT` are the whole output
    NAME.err beside NAME.lig                               what the command must write to standard error
    # EXIT: 2                                              exit code of the command (default 0; 1 with .err)

One pipeline a RUN line, run by bash in a scratch folder. %s is the file, %t a scratch path, %% a percent sign.
Where the file's own path is printed, EXPECT and .err have %s. --bless rewrites EXPECT and .err to what was
printed (make an empty .err or a bare `# EXPECT` line first); read the diff before you commit it.
"""
import argparse, os, re, subprocess, sys, tempfile

MARK = re.compile(r"^# EXPECT[ \t]*$", re.M)


class Bad(Exception):
    pass


def substitute(line, path, scratch, commands):
    if re.search(r"&&|\|\||;", line):
        raise Bad(f"one pipeline a RUN line, without && || ;: {line}")
    values = {"%s": path, "%t": os.path.join(scratch, "t"), "%%": "%"}
    line = re.sub(r"%[st%]", lambda m: values[m.group()], line)
    for name, command in commands.items():
        line = re.sub(rf"(^|\|\s*){name}(?=\s|$)", lambda m: m.group(1) + command, line)
    return line


def execute(command, scratch):
    """Exit code of the first command of the pipeline, output, errors; Bad if a later one fails."""
    codes = os.path.join(scratch, "codes")
    script = f"{command}\nprintf '%s\\n' \"${{PIPESTATUS[@]}}\" >'{codes}'\n"
    r = subprocess.run(["bash", "-c", script], cwd=scratch, capture_output=True, text=True, errors="replace", timeout=300)
    first, *rest = [int(x) for x in open(codes).read().split()]
    if any(rest):
        raise Bad(f"{command}\n{r.stdout}{r.stderr}")
    return first, r.stdout, r.stderr


def as_comment(text):
    return "".join(f"# {line}".rstrip() + "\n" for line in text.splitlines())


def compare(what, wanted, got):
    if wanted == got:
        return
    import difflib
    lines = difflib.unified_diff(wanted.splitlines(), got.splitlines(), f"{what} wanted", f"{what} printed", lineterm="")
    raise Bad("\n".join(lines) or f"{what}: only the ends of lines differ")


def run_file(path, commands, bless):
    text = open(path, encoding="utf-8").read()
    lines = re.findall(r"^# RUN: *(.+?) *$", text, re.M)
    err_path = os.path.splitext(path)[0] + ".err"
    has_err, mark = os.path.exists(err_path), MARK.search(text)
    if not lines:
        raise Bad("no `# RUN:` line")
    if not (has_err or mark or any("FileCheck" in x for x in lines)):
        raise Bad("neither FileCheck, `# EXPECT` nor a .err file: this test can't fail")
    wanted_code = re.search(r"^# EXIT: *(\d+) *$", text, re.M)
    wanted_code = int(wanted_code.group(1)) if wanted_code else int(has_err)
    out = err = ""
    with tempfile.TemporaryDirectory() as scratch:
        for i, line in enumerate(lines):
            command = substitute(line, path, scratch, commands)
            code, o, e = execute(command, scratch)
            wanted = wanted_code if i == len(lines) - 1 else 0
            if code != wanted:
                raise Bad(f"{command}\nexit {code}, wanted {wanted}\n{e}")
            out, err = out + o, err + e
        out, err = (x.replace(path, "%s").replace(scratch, "%t") for x in (out, err))
    if bless and mark:
        write(path, text[:mark.end()].rstrip() + "\n" + as_comment(out))
    elif mark:
        compare("output", text[mark.end():].lstrip("\n"), as_comment(out))
    if bless and has_err:
        write(err_path, err)
    elif has_err:
        compare("errors", open(err_path, encoding="utf-8").read(), err)


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("files", nargs="+")
    p.add_argument("--liga", default="build/debug/liga")
    p.add_argument("--filecheck", default="FileCheck-19")
    p.add_argument("--bless", action="store_true")
    a = p.parse_args()
    commands = {"liga": os.path.abspath(a.liga), "FileCheck(?:-19)?": a.filecheck}
    failed = 0
    for path in map(os.path.abspath, a.files):
        try:
            run_file(path, commands, a.bless)
        except (Bad, subprocess.TimeoutExpired) as e:
            failed += 1
            again = f"{os.path.relpath(__file__)} --liga {a.liga} {os.path.relpath(path)}"
            print(f"FAIL {path}\n{e}\nagain: {again}")
    print(f"{len(a.files) - failed} of {len(a.files)} golden tests pass")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

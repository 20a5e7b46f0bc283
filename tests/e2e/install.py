"""cmake --install gives a tree that runs from anywhere: the command finds its plugins.   install.py CMAKE BUILD MODEL"""
import os, shutil, subprocess, sys, tempfile

cmake, build, model = sys.argv[1:]
with tempfile.TemporaryDirectory() as scratch:
    prefix, moved = os.path.join(scratch, "prefix"), os.path.join(scratch, "moved")
    subprocess.run([cmake, "--install", build, "--prefix", prefix], check=True, stdout=subprocess.DEVNULL)
    shutil.move(prefix, moved)
    liga = os.path.join(moved, "bin", "liga")
    for want in ("LLVM", "none"):
        run = subprocess.run([liga, "run", model, "--ids", "1,2", "-n", "2", "-v", "--cache", os.path.join(scratch, "cache")],
                             capture_output=True, text=True)
        assert run.returncode == 0 and f"plugins loaded: {want}\n" in run.stderr, run.stderr

    # Without the plugins: what is cached still runs, the rest fails in words.
    for folder, _, files in os.walk(moved):
        for name in files:
            if name == "lig_llvm.so":
                os.remove(os.path.join(folder, name))
    def run(*more):
        return subprocess.run([liga, "run", model, "--ids", "1,2", "-n", "2", *more], capture_output=True, text=True)
    assert run("--cache", os.path.join(scratch, "cache")).returncode == 0
    broken = run("--no-cache")
    assert broken.returncode == 1 and "lig_llvm.so" in broken.stderr and "install" in broken.stderr, broken.stderr
print("ok")

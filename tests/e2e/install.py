"""cmake --install gives a tree that runs from anywhere: the command finds its plugins, and a program written against
the installed header, library and pkg-config file builds and runs.   install.py CMAKE BUILD MODEL [SANITIZERS]"""
import os, shutil, subprocess, sys, tempfile

cmake, build, model, *sanitizers = sys.argv[1:]
with tempfile.TemporaryDirectory() as scratch:
    prefix, moved = os.path.join(scratch, "prefix"), os.path.join(scratch, "moved")
    subprocess.run([cmake, "--install", build, "--prefix", prefix], check=True, stdout=subprocess.DEVNULL)
    shutil.move(prefix, moved)
    liga = os.path.join(moved, "bin", "liga")
    for want in ("LLVM", "none"):
        run = subprocess.run([liga, "run", model, "--ids", "1,2", "-n", "2", "-v", "--cache", os.path.join(scratch, "cache")],
                             capture_output=True, text=True)
        assert run.returncode == 0 and f"plugins loaded: {want}\n" in run.stderr, run.stderr

    # The example of the C interface, as its first lines say.
    paths = {"PKG_CONFIG_PATH": os.path.join(moved, "lib", "pkgconfig")}
    for folder, _, files in os.walk(moved):
        if "ligature.pc" in files:
            paths["PKG_CONFIG_PATH"] = folder
        if "libligature.so" in files:
            paths["LD_LIBRARY_PATH"] = folder
        if "example.c" in files:
            source = os.path.join(folder, "example.c")
    environment = {**os.environ, **paths}
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "ligature"], env=environment, check=True,
                           capture_output=True, text=True).stdout.split()
    example = os.path.join(scratch, "example")
    if not any(sanitizers):  # a program without the sanitizer can't load a library with it
        subprocess.run(["cc", "-std=c17", "-Wall", "-Wextra", "-Werror", source, *flags, "-o", example], check=True)
        done = subprocess.run([example, model, "a"], env=environment, capture_output=True, text=True)
        assert done.returncode == 1 and "tokenizer" in done.stderr, (done.returncode, done.stderr)
        real = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "models", "cache",
                            "SmolLM2-135M-Instruct.Q4_1.gguf")
        if os.path.exists(real):
            prompt = "The capital of France is"
            done = subprocess.run([example, real, prompt], env=environment, capture_output=True, text=True)
            assert done.returncode == 0 and done.stdout.startswith(prompt + " Paris"), (done.stdout, done.stderr)
        else:
            print("skipped: the example on the real model, which tools/fetch_model.sh fetches")

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

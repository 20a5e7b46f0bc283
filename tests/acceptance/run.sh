#!/usr/bin/env bash
# Runs the checks named in checks.txt with the release build. Exit 77 (skipped) where the references are not.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
check=$top/../shared/acceptance/check.py
export LIGA=${LIGA:-$top/build/release/liga}
export SMOLLM2_GGUF=${SMOLLM2_GGUF:-$top/models/cache/SmolLM2-135M-Instruct.Q4_1.gguf}

skip() { echo "skipped: $1"; exit 77; }
[ -f "$check" ] || skip "no ../shared/acceptance beside this repository"
[ -x "$LIGA" ] || skip "no $LIGA: cmake --build --preset release"
[ -f "$SMOLLM2_GGUF" ] || skip "no model: tools/fetch_model.sh"
minilm=${MINILM_DIR:-$top/models/cache/all-MiniLM-L6-v2}
if [ -d "$minilm" ]; then
    export MINILM_DIR=$minilm
else
    echo "left out: minilm-embed, whose model is not there: tools/fetch_model.sh minilm"
fi
mapfile -t names < <(grep -v '^#' "$top/tests/acceptance/checks.txt" | { [ -d "$minilm" ] && cat || grep -v '^minilm'; })
# Debian's own python has the numpy that setup.sh installs; another one first in PATH may not.
out=$(/usr/bin/python3 "$check" "${names[@]}") || { printf '%s\n' "$out"; exit 1; }
printf '%s\n' "$out"
# A check that skips itself has not been seen to pass.
if grep -q '^skip' <<<"$out"; then exit 1; fi

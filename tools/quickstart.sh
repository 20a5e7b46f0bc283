#!/usr/bin/env bash
# From a plain clone to an answer: installs, builds, fetches the default model, runs it.
#   tools/quickstart.sh [PROMPT]
set -euo pipefail
cd "$(dirname "$0")/.."
prompt=${1:-What is a ligature in typography?}

tools/setup.sh
cmake --preset release -DBUILD_TESTING=OFF
cmake --build --preset release
model=$(tools/fetch_model.sh)
build/release/liga run "$model" --chat -p "$prompt" -n 64

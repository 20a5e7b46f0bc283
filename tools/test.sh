#!/usr/bin/env bash
# Everything that a change must pass, from a plain clone: checks of the tree, builds with gcc and clang,
# all tests, under sanitizers too. Ends with ctest's count.
set -euo pipefail
cd "$(dirname "$0")/.."

step() { printf '\n== %s (%ds)\n' "$*" "$SECONDS"; }
build() { cmake --preset "$1" -DBUILD_TESTING=ON "${@:2}" >/dev/null && cmake --build --preset "$1"; }
run_tests() { # PRESET [ctest options]
    ctest --test-dir "build/$1" --output-on-failure -j "$(nproc)" "${@:2}"
}

step setup
tools/setup.sh --with-tests

step checks
tools/check/check_format.sh
tools/check/check_source.sh
tools/check/check_layers.sh

for preset in release clang debug asan tsan; do
    step "build $preset"
    build "$preset"
done
step clang-tidy
tools/check/check_tidy.sh . debug

step model
if tools/fetch_model.sh; then
    export SMOLLM2_GGUF=$PWD/models/cache/SmolLM2-135M-Instruct.Q4_1.gguf
else
    echo "test: no model: the tests that need it are skipped"
fi
export LIGA=$PWD/build/release/liga

step "thread sanitizer"
run_tests tsan -L threads
step "address and undefined sanitizers"
run_tests asan -LE acceptance
if compgen -G 'tests/fuzz/*.c' >/dev/null; then
    step fuzz
    cmake --preset fuzz >/dev/null
    cmake --build --preset fuzz --target fuzzers
    run_tests fuzz -L fuzz
fi

step "all tests"
log=build/debug/ctest.log
run_tests debug | tee "$log"
printf '\nall passed in %ds\n' "$SECONDS"
grep 'tests passed' "$log"

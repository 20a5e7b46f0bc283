#!/usr/bin/env bash
# Everything that a change must pass, from a plain clone: checks of the tree, builds with gcc and clang,
# all tests, under sanitizers too. Ends with ctest's count; where a stage fails, says which and stops.
set -euo pipefail
cd "$(dirname "$0")/.."

stage=""
step() { stage=$*; printf '\n== %s (%ds)\n' "$stage" "$SECONDS"; }
trap 'status=$?; [ "$status" -eq 0 ] || printf "\ntest: FAILED in stage \"%s\" after %ds\n" "$stage" "$SECONDS" >&2' EXIT
configure() { cmake --preset "$1" "${@:2}" >/dev/null; }
run_tests() { # PRESET [ctest options]
    ctest --test-dir "build/$1" --output-on-failure -j "$(nproc)" "${@:2}"
}

step setup
tools/setup.sh --with-tests

step checks
tools/check/check_format.sh
tools/check/check_source.sh
tools/check/check_layers.sh

# gcc builds the release and the debug tree, clang those with sanitizers: each warning is an error in all of them.
step "build release"
configure release -DBUILD_TESTING=OFF
cmake --build --preset release
step "build debug"
configure debug
cmake --build --preset debug
step clang-tidy
tools/check/check_tidy.sh . debug

step model
if tools/fetch_model.sh; then
    export SMOLLM2_GGUF=$PWD/models/cache/SmolLM2-135M-Instruct.Q4_1.gguf
else
    echo "test: no model: the tests that need it are skipped"
fi
tools/fetch_model.sh minilm || echo "test: no MiniLM: the tests that need it are skipped"
export LIGA=$PWD/build/release/liga

step "thread sanitizer"
configure tsan
cmake --build --preset tsan --target threaded
run_tests tsan -L threads
step "address and undefined sanitizers, fuzzers"
configure fuzz
cmake --build --preset fuzz
# What links LLVM for the sake of coverage can't show that a cached run does without: those tests run in the debug tree.
run_tests fuzz -LE acceptance -E 'cli\.cache|e2e\.install'

step "all tests"
log=build/debug/ctest.log
run_tests debug | tee "$log"
printf '\nall passed in %ds\n' "$SECONDS"
grep 'tests passed' "$log"

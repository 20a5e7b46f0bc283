#!/usr/bin/env bash
# clang-tidy-19 (.clang-tidy) over our files, as compiled by a preset.   check_tidy.sh [TREE [PRESET]]
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/files.sh"
preset=${2:-debug}
commands="$ROOT/build/$preset/compile_commands.json"

command -v clang-tidy-19 >/dev/null || { echo "check_tidy: no clang-tidy-19: run tools/setup.sh --with-tests" >&2; exit 2; }
[ -f "$commands" ] || { echo "check_tidy: no $commands: run cmake --preset $preset" >&2; exit 2; }

# Only what the preset compiles: a file that no target builds has no flags to check it with.
ours=$(c_files | grep '\.c$' | while IFS= read -r path; do
    grep -qF "\"file\": \"$ROOT/$path\"" "$commands" && printf '%s\n' "$path"
done)
[ -n "$ours" ] || { echo "check_tidy: $commands names none of our files: configure again" >&2; exit 2; }
# gcc's flags that clang does not know must not count as findings.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
printf '%s\n' "$ours" | xargs -P "$(nproc)" -n 4 clang-tidy-19 --quiet -p "$(dirname "$commands")" \
    --extra-arg=-Wno-unknown-warning-option >"$log" 2>&1
status=$?
found=$(grep -E '^/.*:[0-9]+:[0-9]+: (warning|error):' "$log" | sed "s|^$ROOT/||" | sort -u -V)
[ "$status" -ne 0 ] && [ -z "$found" ] && found=$(tail -n 20 "$log")
conclude check_tidy "$found"

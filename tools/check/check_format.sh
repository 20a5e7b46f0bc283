#!/usr/bin/env bash
# Every C file stands as clang-format-19 would write it.   check_format.sh [TREE]
set -uo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/files.sh"

command -v clang-format-19 >/dev/null || { echo "check_format: no clang-format-19: run tools/setup.sh --with-tests" >&2; exit 2; }
# .def tables are aligned by hand.
mapfile -t files < <(c_files | grep -v '\.def$')
found=""
if [ ${#files[@]} -gt 0 ]; then
    found=$(clang-format-19 --dry-run "${files[@]}" 2>&1 | grep -E '^[^ ].*:[0-9]+:[0-9]+: (warning|error)' |
        sed -E 's/^([^:]+:[0-9]+):[0-9]+:.*/\1: not as clang-format-19 writes it: run tools\/dev fmt/' | sort -u -V)
fi
conclude check_format "$found"

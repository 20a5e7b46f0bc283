# Sourced by the checks: where the tree is and which files are ours.
#   ROOT  the tree to check (first argument of the check; default: this repository)
ROOT=$(cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}" && pwd)
cd "$ROOT" || exit 2

# Our files, new ones included, ignored ones not; in a plain folder, all of it.
tree_files() {
    if [ "$(git rev-parse --show-toplevel 2>/dev/null)" = "$ROOT" ]; then
        git ls-files --cached --others --exclude-standard | while IFS= read -r path; do
            [ -f "$path" ] && printf '%s\n' "$path"
        done
    else
        find . -type f -printf '%P\n'
    fi | sort -u
}

c_files() { tree_files | grep -E '\.(c|h|def)$'; }
library_files() { c_files | grep -E '^(ir|frontend|models|passes|codegen|runtime)/' | grep -v '^ir/base/'; }

# The last line of every check: its name, and whether anything was found.
conclude() { # NAME FOUND
    if [ -n "$2" ]; then
        printf '%s\n' "$2"
        printf '%s: %d finding(s)\n' "$1" "$(printf '%s\n' "$2" | wc -l)" >&2
        exit 1
    fi
    echo "$1: clean"
}

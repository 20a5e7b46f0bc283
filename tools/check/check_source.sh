#!/usr/bin/env bash
# Rules that a compiler does not know: banned calls, names of files and guards, paths of a machine, open ends.
#   check_source.sh [TREE]
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/files.sh"
code="$here/c_code.pl"

# A call, not a member of the same name. snprintf and fwrite are allowed: bounded, and reported by status.
banned='exit|_exit|quick_exit|abort|printf|fprintf|vprintf|vfprintf|puts|putchar|perror|malloc|calloc|realloc|reallocarray|free'
banned+='|aligned_alloc|posix_memalign|strdup|strndup|asprintf|vasprintf|strcpy|stpcpy|strcat|strncpy|sprintf|vsprintf'
banned+='|gets|atoi|atol|atoll|atof|strtok|getenv|setenv|putenv|assert|system|popen|rand|srand|alloca|setlocale|signal'

banned_calls() {
    library_files | xargs -r perl "$code" | perl -ne '
        while (/(?<![\w.>])('"$banned"')\s*\(/g) {
            my $name = $1;
            my ($place) = /^([^:]+:\d+):/;
            print "$place: call of $name in a library folder: use ir/base (lig_alloc, lig_fail, LIG_ASSERT, LigText…)\n";
        }'
}

# tests/ is free to repeat a name: a test is called what it tests.
repeated_names() {
    tree_files | grep -vE '^tests/|(^|/)(README\.md|CMakeLists\.txt)$' | awk -F/ '
        seen[$NF] { print $0 ":1: same file name as " seen[$NF] ": give each file a name of its own" }
        { seen[$NF] = seen[$NF] ? seen[$NF] : $0 }'
}

empty_names() {
    tree_files | grep -iE '(^|[/_])(utils?|misc|common|helpers?)([._/]|$)' |
        sed 's/$/:1: a name that says nothing: call it what it does/'
}

# The guard names folder and file: LIG_BASE_STR_H in ir/base/str.h (or the whole path: LIG_IR_BASE_STR_H).
guards() {
    c_files | grep '\.h$' | while IFS= read -r path; do
        whole=$(printf '%s' "${path%.h}" | tr 'a-z/.-' 'A-Z___')
        short=$(printf '%s' "${path%.h}" | awk -F/ '{ print (NF > 1 ? $(NF - 1) "_" : "") $NF }' | tr 'a-z.-' 'A-Z__')
        line=$(grep -nE -m1 '^[[:space:]]*#[[:space:]]*(ifndef|pragma)' "$path" || echo "1:#ifndef none")
        guard=$(printf '%s' "$line" | sed -E 's/^[0-9]+:[[:space:]]*#[[:space:]]*(ifndef|pragma)[[:space:]]+([A-Za-z0-9_]+).*/\2/')
        if [ "$guard" != "LIG_${whole}_H" ] && [ "$guard" != "LIG_${short}_H" ]; then
            echo "$path:${line%%:*}: guard '$guard' does not match the path: write LIG_${short}_H"
        elif ! grep -qE "^#define $guard\$" "$path"; then
            echo "$path:${line%%:*}: guard '$guard' is tested but not defined: add #define $guard"
        fi
    done
}

machine_paths() {
    c_files | grep -vE '^(tools|tests)/' | xargs -r perl "$code" --strings |
        grep -E '"[^"]*/(home|tmp|root|work|Users|var/tmp)/' |
        sed -E 's/^([^:]+:[0-9]+):.*/\1: a path of one machine in library code: take it as an argument/'
}

# The words are split so that this file does not find itself.
open_ends() {
    tree_files | grep -E '\.(c|h|def|py|sh|pl|cmake|txt)$|(^|/)dev$' | xargs -r grep -nHE '\b(TO''DO|FIX''ME|X''XX|HA''CK)\b' |
        sed -E 's/^([^:]+:[0-9]+):.*/\1: an open end in the code: finish it, or open an issue/'
}

conclude check_source "$(banned_calls; repeated_names; empty_names; guards; machine_paths; open_ends)"

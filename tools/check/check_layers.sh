#!/usr/bin/env bash
# Every #include goes along the arrows of ARCHITECTURE.md, never against them.   check_layers.sh [TREE]
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/files.sh"

found=$(c_files | xargs -r perl "$here/c_code.pl" --strings | perl -ne '
BEGIN {
    # folder => the folders that it may include, itself among them. What is not listed is forbidden.
    %may = (
        "ir/base"      => ["ir/base"],
        "ir"           => ["ir/base", "ir"],
        "models"       => ["ir/base", "ir", "models"],
        "frontend"     => ["ir/base", "ir", "models", "runtime/text", "frontend"],
        "passes"       => ["ir/base", "ir", "passes"],
        "codegen"      => ["ir/base", "ir", "codegen"],
        "runtime/rt"   => ["ir/base", "runtime/rt"],
        "runtime/text" => ["ir/base", "runtime/text"],
        "runtime"      => ["ir/base", "ir", "models", "frontend", "passes", "codegen", "runtime/rt", "runtime/text", "runtime"],
    );
    # library header => the only files that may include it
    @external = (
        [qr{^llvm(-c)?/},            qr{^codegen/},                     "only codegen/ speaks to LLVM"],
        [qr{dnnl},                   qr{^codegen/onednn_plugin\.c$},    "only codegen/onednn_plugin.c speaks to oneDNN"],
        [qr{protobuf|\.pb-c\.h$},    qr{^frontend/},                    "only frontend/ reads protobuf"],
        [qr{^jansson},               qr{^(frontend|tools)/},            "only frontend/ and tools/ read JSON with jansson"],
    );
    sub folder {
        my ($path) = @_;
        for my $name (sort { length $b <=> length $a } keys %may) { return $name if $path =~ m{^\Q$name\E/}; }
        return $path =~ m{^(tools|tests)/} ? $1 : "";
    }
}
next unless m{^([^:]+):(\d+):\s*#\s*include\s*([<"])([^>"]+)[>"]};
my ($file, $line, $quote, $header) = ($1, $2, $3, $4);
my $from = folder($file);
for my $rule (@external) {
    my ($what, $who, $why) = @$rule;
    print "$file:$line: includes $header: $why\n" if $header =~ $what && $header !~ m{^codegen/onednn\.h$} && $from ne "tests" && $file !~ $who;
}
next if $quote ne "\"" || !exists $may{$from};
my $to = folder($header);
if ($to eq "") { print "$file:$line: includes \"$header\": write the path from the root of the repository\n"; }
elsif (!grep { $_ eq $to } @{$may{$from}}) {
    print "$file:$line: $from/ includes $to/: against the direction of dependencies: move what is shared down, or the caller up\n";
}' 2>&1)
conclude check_layers "$found"

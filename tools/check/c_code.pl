#!/usr/bin/perl
# Prints the code of C files as FILE:LINE:TEXT, comments blanked; the text of string and character
# literals too, unless --strings is given. Lines keep their numbers.
use strict;
use warnings;

my $keep_strings = @ARGV && $ARGV[0] eq '--strings' ? shift @ARGV : '';
sub blank { my ($text) = @_; $text =~ s/[^\n]+/ /g; return $text; }

for my $path (@ARGV) {
    open my $in, '<', $path or die "c_code.pl: $path: $!\n";
    local $/;
    my $text = <$in> // '';
    close $in;
    $text =~ s{(/\*.*?\*/|//(?:\\\n|[^\n])*)|("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')}
              {defined $1 ? blank($1) : $keep_strings ? $2 : substr($2, 0, 1) x 2}gse;
    my $number = 0;
    print "$path:", ++$number, ":$_\n" for split /\n/, $text, -1;
}

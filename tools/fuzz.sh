#!/bin/sh
# Fuzzes every target for so long, one after the other; what is found is kept in
# testdata/fuzz beside it, and is a test from then on.
#
#	sh tools/fuzz.sh 30s [directory ...]
set -eu
time=$1
shift
for file in $(grep -rl --include='*_test.go' '^func Fuzz' "${@:-.}"); do
	for target in $(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' "$file"); do
		echo "$(dirname "$file") $target"
		go test "./$(dirname "$file")" -run '^$' -fuzz "^$target\$" -fuzztime "$time"
	done
done

#!/bin/sh
# Reads what govulncheck has found (the file that is named) and fails for all but what
# tools/vulnerabilities.txt explains. An explanation that is of no use any more fails, too.
set -eu
known=$(dirname "$0")/vulnerabilities.txt
code=0
found=$(sed -n 's/^Vulnerability #[0-9]*: //p' "$1")
grep -q '^Your code is affected by\|^No vulnerabilities found' "$1" || { cat "$1"; exit 1; }
for id in $found; do
	grep -q "^$id " "$known" || { sed -n "/$id\$/,/^\$/p" "$1"; code=1; }
done
for id in $(sed -n 's/^\(GO-[0-9-]*\) .*/\1/p' "$known"); do
	echo "$found" | grep -qx "$id" || { echo "$known: $id is not found any more: remove it"; code=1; }
done
[ "$code" -ne 0 ] || echo "vulnerabilities: none but those explained in $known"
exit "$code"

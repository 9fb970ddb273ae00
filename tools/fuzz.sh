#!/usr/bin/env bash
# Copyright 2026 The Dragoman Authors
# SPDX-License-Identifier: Apache-2.0
#
# fuzz.sh TIME runs every fuzz target of the module for TIME, one after the other. The first that finds something ends it;
# the input is then a file below the package's testdata/fuzz.

set -euo pipefail

time=${1:-30s}
found=0
while IFS=: read -r file target; do
	found=1
	echo "== $(dirname "$file") $target"
	go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 10x "./$(dirname "$file")"
done < <(
	grep -roE --include='*_test.go' --exclude-dir=.tmp '^func Fuzz[A-Za-z0-9_]*' . | sed -e 's|^\./||' -e 's|:func |:|' | sort
)
if ((found == 0)); then
	echo 'no fuzz target'
fi

#!/usr/bin/env bash
# Copyright 2026 The Dragoman Authors
# SPDX-License-Identifier: Apache-2.0
#
# lint.sh MODULE... checks each module's Go code and module file, and the schemas. All checks run even when one fails, so
# that one run tells everything; the last line says how it went.

set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
failed=()

# check runs a command and remembers what failed.
check() {
	local name=$1
	shift
	echo "== $name"
	"$@" || failed+=("$name")
}

for module in "$@"; do
	cd "$root/$module"
	# A module that only pins tools has no packages.
	if [[ -n $(go list ./... 2>/dev/null) ]]; then
		check "go vet in $module" go vet ./...
		check "golangci-lint in $module" golangci-lint run --allow-serial-runners --config "$root/.golangci.yml"
	fi
	check "go mod tidy in $module" go mod tidy -diff
	cd "$root"
done
check 'buf lint' buf lint
check 'buf format' buf format --diff --exit-code proto
if tag=$(git describe --tags --abbrev=0 2>/dev/null); then
	check "buf breaking against $tag" buf breaking --against ".git#tag=$tag"
else
	echo '== buf breaking: no release yet to compare with'
fi

if ((${#failed[@]} > 0)); then
	printf 'lint: failed: %s\n' "${failed[@]}" >&2
	exit 1
fi
echo 'lint: no problem found'

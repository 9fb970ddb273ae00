#!/usr/bin/env bash
# Copyright 2026 The Dragoman Authors
# SPDX-License-Identifier: Apache-2.0
#
# reproducible.sh VERSION EPOCH builds the last commit twice, in folders whose names differ, the second time with an empty cache, another time
# zone, another user's umask and another home. The bytes must be the same.

set -euo pipefail
version=$1 epoch=$2
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
one=$work/a two=$work/a-folder/with-a-longer/name
mkdir -p "$one" "$two" "$work/home"
git -C "$root" archive HEAD | tar -xC "$one"
git -C "$root" archive HEAD | tar -xC "$two"
modules=$(go env GOMODCACHE) proxy=$(go env GOPROXY)

"$one/tools/build.sh" "$version" "$epoch" "$work/one"
(umask 077 && env HOME="$work/home" TZ=Pacific/Auckland GOMODCACHE="$modules" GOPROXY="$proxy" GOCACHE="$work/cache" \
	"$two/tools/build.sh" "$version" "$epoch" "$work/two")
sha256sum "$work/one" "$work/two"
cmp "$work/one" "$work/two"
echo "reproducible: $(stat -c %s "$work/one") bytes, twice the same"

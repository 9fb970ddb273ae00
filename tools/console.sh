#!/usr/bin/env bash
# Copyright 2026 The Dragoman Authors
# SPDX-License-Identifier: Apache-2.0
#
# console.sh CACHE builds what browsers load of the console: gateway/admin/console/dist, from gateway/admin/console/web. The npm packages are
# those of the lock file, installed once for each below CACHE; nothing that they would run at their installation is run. The same sources give
# the same files, byte by byte.

set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
web=$root/gateway/admin/console/web
packages=$1/$(sha256sum "$web/package-lock.json" | cut -c1-16)

if [[ ! -d $packages ]]; then
	mkdir -p "$1"
	part=$(mktemp -d "$1/part-XXXXXX")
	trap 'rm -rf "$part"' EXIT
	cp "$web/package.json" "$web/package-lock.json" "$part"
	(cd "$part" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error)
	mv -T "$part" "$packages" || [[ -d $packages ]] # another process may have been first
fi

# The sources are built beside the packages, where Node finds both.
run=$(mktemp -d "$packages/run-XXXXXX")
trap 'rm -rf "$run"' EXIT
(cd "$web" && tar --exclude=./node_modules -cf - .) | tar -C "$run" -xf -
cd "$run"
node "$packages/node_modules/typescript/bin/tsc" --noEmit
DRAGOMAN_CONSOLE_OUT="$run/dist" node "$packages/node_modules/vite/bin/vite.js" build --logLevel warn

dist=$root/gateway/admin/console/dist
rm -rf "$dist"
cp -R "$run/dist" "$dist"

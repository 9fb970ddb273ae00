#!/usr/bin/env bash
# Copyright 2026 The Dragoman Authors
# SPDX-License-Identifier: Apache-2.0
#
# dist.sh VERSION EPOCH DIR OS/ARCH... makes an archive for each platform, with the gateway, its man pages, completions, the JSON Schema of
# the configuration and what is in deploy/, and SHA256SUMS. The same sources make the same bytes.

set -euo pipefail
version=$1 epoch=$2 dist=$3
shift 3
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$dist"
export SOURCE_DATE_EPOCH=$epoch

# What runs here says what is the same on all platforms.
(unset GOOS GOARCH && "$root/tools/build.sh" "$version" "$epoch" "$work/dragoman")
mkdir -p "$work/share/completions"
"$work/dragoman" man "$work/share/man"
for shell in bash zsh fish powershell; do
	"$work/dragoman" completion "$shell" >"$work/share/completions/dragoman.$shell"
done
"$work/dragoman" config schema >"$work/share/dragoman.schema.json"

cd "$dist"
rm -f SHA256SUMS
for platform in "$@"; do
	os=${platform%/*} arch=${platform#*/}
	name=dragoman-$version-$os-$arch
	folder=$work/$name
	mkdir -p "$folder"
	program=dragoman
	if [[ $os == windows ]]; then
		program=dragoman.exe
	fi
	GOOS=$os GOARCH=$arch "$root/tools/build.sh" "$version" "$epoch" "$folder/$program"
	cp "$root/LICENSE" "$root/CHANGELOG.md" "$folder"
	cp -R "$work/share/." "$folder"
	cp -R "$root/deploy" "$folder/deploy"
	find "$folder" -type d -exec chmod 0755 {} +
	find "$folder" -type f -perm /0100 -exec chmod 0755 {} +
	find "$folder" -type f ! -perm /0100 -exec chmod 0644 {} +
	tar --sort=name --mtime="@$epoch" --owner=0 --group=0 --numeric-owner --format=gnu -C "$work" -cf - "$name" | gzip -9n >"$name.tar.gz"
	sha256sum "$name.tar.gz" >>SHA256SUMS
	rm -rf "$folder"
	echo "dist: $dist/$name.tar.gz"
done

#!/usr/bin/env bash
# Copyright 2026 The Dragoman Authors
# SPDX-License-Identifier: Apache-2.0
#
# packages.sh VERSION EPOCH DIR ARCH... makes a package for Debian and one for RPM systems for each architecture, as deploy/packages says. The
# same sources make the same bytes. It needs nfpm: make packages builds it.

set -euo pipefail
version=$1 epoch=$2 dist=$3
shift 3
cd "$(dirname "$0")/.."
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
mkdir -p "$dist"
export SOURCE_DATE_EPOCH=$epoch STAGE=$stage ARCH PACKAGE_VERSION
# What is no release is older than the next one.
if [[ $version =~ ^v[0-9] ]]; then
	PACKAGE_VERSION=${version#v}
else
	PACKAGE_VERSION=0.1.0-dev+g${version//[^0-9A-Za-z]/.}
fi

(unset GOOS GOARCH && tools/build.sh "$version" "$epoch" "$stage/dragoman")
"$stage/dragoman" man "$stage/man"
gzip -9n "$stage"/man/*.1
mkdir "$stage/completions"
for shell in bash zsh fish; do
	"$stage/dragoman" completion "$shell" >"$stage/completions/dragoman.$shell"
done
"$stage/dragoman" config schema >"$stage/dragoman.schema.json"
"$stage/dragoman" config init | sed '1s|\$schema=.*|$schema=/usr/share/dragoman/dragoman.schema.json|' >"$stage/dragoman.yaml"
cp deploy/packages/copyright "$stage/copyright"
gzip -9nc CHANGELOG.md >"$stage/CHANGELOG.md.gz"
# What Debian calls a changelog: its version is that of the package, where what is no release has a tilde.
gzip -9nc >"$stage/changelog.Debian.gz" <<END
dragoman (${PACKAGE_VERSION/-/\~}-1) unstable; urgency=medium

  * What changed is in /usr/share/doc/dragoman/changelog.gz.

 -- The Dragoman Authors <packages@dragoman.example>  $(LC_ALL=C date --utc --date="@$epoch" --rfc-email)
END

for ARCH in "$@"; do
	GOOS=linux GOARCH=$ARCH tools/build.sh "$version" "$epoch" "$stage/dragoman"
	# Files have the time of the sources: packages keep it.
	find "$stage" -exec touch --date="@$epoch" {} +
	for packager in deb rpm; do
		nfpm package --config deploy/packages/nfpm.yaml --packager "$packager" --target "$dist"
	done
done

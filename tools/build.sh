#!/usr/bin/env bash
# Copyright 2026 The Dragoman Authors
# SPDX-License-Identifier: Apache-2.0
#
# build.sh VERSION EPOCH FILE builds the gateway, a static binary, for GOOS and GOARCH. The same sources, version, time and compiler make
# the same bytes, in whatever folder: no path, no clock, no name of a machine and no state of a checkout goes in.

set -euo pipefail
version=$1 epoch=$2 file=$3
cd "$(dirname "$0")/.."
CGO_ENABLED=0 go build -trimpath -buildvcs=false \
	-ldflags "-s -w -buildid= -X main.buildVersion=$version -X main.buildTime=$epoch" -o "$file" ./cmd/dragoman

#!/usr/bin/env bash
# Copyright 2026 The Dragoman Authors
# SPDX-License-Identifier: Apache-2.0
#
# conformance.sh BIN runs the suite of the Connect, gRPC and gRPC-Web protocols against the gateway, with the programs in BIN: once in
# front of each of the suite's two gRPC servers, of connect-go and of grpc-go. Both run even when one fails.

set -euo pipefail
bin=$1
cd "$(dirname "$0")/conformance"
protos=$(go list -m -f '{{.Dir}}' connectrpc.com/conformance)/proto
failed=()

# suite runs all cases with one backend; more flags may follow.
suite() {
	local backend=$1
	shift
	echo "== conformance in front of $backend"
	"$bin/connectconformance" --conf config.yaml --mode server --known-failing @known-failing.txt --known-flaky @known-flaky.txt "$@" -- \
		"$bin/conformance" -backend "$bin/$backend" -protos "$protos" || failed+=("$backend")
}

suite referenceserver
# grpcserver does not have the method that is called by GET.
suite grpcserver --skip 'Connect with GET/**'

if ((${#failed[@]} > 0)); then
	printf 'conformance: failed in front of %s\n' "${failed[@]}" >&2
	exit 1
fi

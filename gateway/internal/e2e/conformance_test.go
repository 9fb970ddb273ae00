// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"os"
	"strings"
	"testing"
)

// TestT195_ConformanceIsRun: the conformance suite, which is a program of its own, is run before each merge: for Connect, gRPC and gRPC-Web as
// server, in every version of HTTP, codec and compression and with every kind of stream, and for gRPC as client, in front of two servers. No
// case of it is known to fail, and those that it does not settle itself have their reason. What it says is in the log of .ci/run.
func TestT195_ConformanceIsRun(t *testing.T) {
	t.Parallel()
	read := func(file string) string {
		text, err := os.ReadFile("../../../" + file)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if !strings.Contains(read(".ci/run"), " conformance ") || !strings.Contains(read("Makefile"), "tools/conformance.sh") {
		t.Error(".ci/run does not run the suite")
	}
	for _, backend := range []string{"suite referenceserver", "suite grpcserver"} {
		if !strings.Contains(read("tools/conformance.sh"), backend) {
			t.Errorf("there is no %q", backend)
		}
	}
	for file, most := range map[string]int{"known-failing.txt": 0, "known-flaky.txt": 2} {
		var cases int
		for paragraph := range strings.SplitSeq(read("tools/conformance/"+file), "\n\n") {
			reason := strings.HasPrefix(paragraph, "#")
			for line := range strings.Lines(paragraph) {
				if strings.HasPrefix(line, "#") {
					continue
				}
				if cases++; !reason {
					t.Errorf("%s has %q without a reason", file, line)
				}
			}
		}
		if cases > most {
			t.Errorf("%s has %d cases, and at most %d are known", file, cases, most)
		}
	}
	config := read("tools/conformance/config.yaml")
	for _, feature := range []string{
		"PROTOCOL_CONNECT", "PROTOCOL_GRPC", "PROTOCOL_GRPC_WEB", "HTTP_VERSION_1", "HTTP_VERSION_2", "CODEC_PROTO", "CODEC_JSON",
		"COMPRESSION_IDENTITY", "COMPRESSION_GZIP", "COMPRESSION_BR", "COMPRESSION_ZSTD", "supportsTls: true", "supportsH2c: true",
	} {
		if !strings.Contains(config, feature) {
			t.Errorf("the suite is run without %s", feature)
		}
	}
	if strings.Contains(config, "streamTypes") { // all, where none is named
		t.Error("the suite is run with some kinds of streams alone")
	}
}

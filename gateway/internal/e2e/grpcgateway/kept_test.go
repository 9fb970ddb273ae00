// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package grpcgateway_test

import (
	"regexp"
	"slices"
	"strconv"
	"testing"

	"github.com/dragoman-gateway/dragoman/transcoder/rest"
)

// statement is how the reason of an exception cites one.
var statement = regexp.MustCompile(`\bT([0-9]+)\b`)

// TestKeptIsWhatDiffers: the profile's list of answers in which it does not follow grpc-gateway is what the calls need exceptions
// for, no more and no less.
func TestKeptIsWhatDiffers(t *testing.T) {
	t.Parallel()
	var kept []int
	for _, k := range rest.ProfileGRPCGateway.Kept() {
		kept = append(kept, k.Statement)
	}
	exceptions := slices.Clone(general)
	for _, c := range calls() {
		exceptions = append(exceptions, c.except...)
	}
	shown := map[int]bool{}
	for _, e := range exceptions {
		listed := false
		for _, cited := range statement.FindAllStringSubmatch(e.reason, -1) {
			n, err := strconv.Atoi(cited[1])
			if err != nil {
				t.Fatal(err)
			}
			shown[n] = true
			listed = listed || slices.Contains(kept, n)
		}
		if !listed {
			t.Errorf("exception %q: none of the statements of its reason is in the profile's list: %s", e.name, e.reason)
		}
	}
	for _, n := range kept {
		if !shown[n] {
			t.Errorf("T%d is in the profile's list, and no call has an exception for it", n)
		}
	}
}

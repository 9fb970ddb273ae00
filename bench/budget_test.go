// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/dragoman-gateway/dragoman/bench/serve"
)

// TestMain lets this program be the servers of a stage, as the program that it tests is.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "serve" {
		exit(serve.Serve(os.Args[2:]))
	}
	os.Exit(m.Run())
}

// The gateway, with all that is on where nothing is configured, allocates for each scenario exactly what its budget says.
func TestAllocationsOfEachScenarioAreItsBudget(t *testing.T) { //nolint:paralleltest // it measures
	folder := t.TempDir()
	s, err := newStage(folder, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	all, err := scenarios(folder)
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	known := map[string]bool{}
	for _, sc := range budgeted(all) {
		name := sc.group + ": " + sc.name
		known[name] = true
		got, err := s.objects(t.Context(), sc)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&table, "\t%q: %v,\n", name, got)
		if want, ok := budgets[name]; !ok || !sc.within(got, want) {
			t.Errorf("%s: %v objects; its budget is %v", name, got, want)
		}
	}
	for name := range budgets {
		if !known[name] {
			t.Errorf("there is a budget for %q, which is no scenario", name)
		}
	}
	if t.Failed() {
		t.Logf("what was counted:\n%s", table.String())
	}
}

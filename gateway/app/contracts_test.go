// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package app_test

import (
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// contracts are the interfaces that have one, and the function that holds an implementation to it.
var contracts = map[string]string{
	"transcoder.Protocol": "protocoltest.Run",
}

// Every package that says that it implements an interface with a contract has a test that runs it.
func TestContractsAreRun(t *testing.T) {
	t.Parallel()
	for name, run := range contracts {
		implements := regexp.MustCompile(`var _ ` + regexp.QuoteMeta(name) + ` += `)
		owes := map[string]bool{} // packages, to whether they have paid
		runs := map[string]bool{}
		goFiles(t, func(file, rel string) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			switch test := strings.HasSuffix(rel, "_test.go"); {
			case test && strings.Contains(string(text), run+"("):
				runs[path.Dir(rel)] = true
			case !test && implements.Match(text):
				owes[path.Dir(rel)] = true
			}
		})
		if len(owes) < 2 {
			t.Errorf("%d packages implement %s; has it another name?", len(owes), name)
		}
		for _, pkg := range slices.Sorted(maps.Keys(owes)) {
			if !runs[pkg] {
				t.Errorf("%s implements %s and has no test that calls %s", pkg, name, run)
			}
		}
	}
}

// Copyright 2026 The Dragoman Authors
// SPDX-License-Identifier: Apache-2.0

package protofile_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/dragoman-gateway/dragoman/transcoder/schema"
	"github.com/dragoman-gateway/dragoman/transcoder/schema/protofile"
)

var update = flag.Bool("update", false, "write the golden files")

// TestBad loads trees with mistakes. Next to each is what the user reads, whole: all mistakes of all files, each with
// its place (T2).
func TestBad(t *testing.T) {
	trees, err := filepath.Glob("testdata/bad/*")
	if err != nil || len(trees) < 12 {
		t.Fatalf("testdata/bad has %d trees, %v; want 12 or more", len(trees), err)
	}
	for _, tree := range trees {
		t.Run(filepath.Base(tree), func(t *testing.T) {
			source := open(t, protofile.Config{Dirs: []string{tree}})
			got := refused(t, source)
			golden := filepath.Join(tree, "want.txt")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("run with -update after a look at this (-want +got):\n%s", diff)
			}
			// The same again: a load that failed leaves nothing behind (T7).
			if again := refused(t, source); again != got {
				t.Errorf("the second load says something else:\n%s", cmp.Diff(got, again))
			}
		})
	}
}

// refused loads, expects a refusal and returns what the user reads.
func refused(t *testing.T, source *protofile.Source) string {
	t.Helper()
	_, err := source.Load(t.Context())
	var refused *schema.LoadError
	if !errors.As(err, &refused) {
		t.Fatalf("Load returns %v; want a *schema.LoadError", err)
	}
	var b strings.Builder
	if err := schema.Render(&b, refused.All(), schema.RenderOptions{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
